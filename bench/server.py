"""A server of the benchmarks' own, and the other clients run beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pgvista.db.embedded import start_embedded

PEER = Path(__file__).parent / "peers" / "peer.py"


@contextmanager
def bench_server() -> Iterator[str]:
    """Give the URL of a fresh embedded server, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pgv-bench-"))
    os.environ["PGVISTA_DATA"] = str(folder)
    os.environ.pop("PGVISTA_URL", None)
    server = start_embedded(folder)
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def peer(*arguments: object) -> dict[str, Any] | None:
    """Run bench/peers/peer.py in the peers' environment; None where `make bench` made none."""
    python = os.environ.get("PGVISTA_BENCH_PYTHON")
    if not python:
        return None
    done = subprocess.run(
        [python, str(PEER), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the peer failed: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
