"""UMAP's machine code made ahead of need: by a process of its own, which ends with its parent."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pgvista.services import map_warm

START = """
import os, sys
from pgvista.services import map_warm
assert map_warm.start()
print(map_warm._child.pid, flush=True)
sys.stdin.read()
os._exit(9)
"""


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder for machine code; what was begun is ended."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setenv("PGVISTA_DATA", str(tmp_path))
    monkeypatch.setenv("PGVISTA_WARM_UP", "1")
    monkeypatch.setattr(map_warm, "_known_kept", False)
    yield tmp_path / "numba"
    map_warm.stop()


def wait_for(what: Callable[[], bool], seconds: float = 300) -> None:
    give_up = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_it_compiles_once_in_the_background(cold: Path) -> None:
    assert not map_warm.is_kept()
    assert map_warm.start()
    assert not map_warm.start()
    assert map_warm.is_compiling()
    child = map_warm._child
    assert child is not None
    if sys.platform != "win32":
        wait_for(lambda: psutil.Process(child.pid).nice() == 19)
    wait_for(lambda: not map_warm.is_compiling())
    assert child.returncode == 0
    assert map_warm.is_kept()
    assert list(cold.rglob("*.nbc"))
    map_warm.stop()
    assert not map_warm.start()  # there is nothing to do


def test_code_of_another_version_does_not_count(cold: Path) -> None:
    (own,) = map_warm._folders()
    own.mkdir(parents=True)
    name = f"umap_kernel.epoch-63.py{sys.version_info[0]}{sys.version_info[1]}.nbi"
    (own / name).write_bytes(b"0.1.0 and some other source")
    assert not map_warm.is_kept()


def test_it_is_ended(cold: Path) -> None:
    assert map_warm.start()
    child = map_warm._child
    assert child is not None
    map_warm.stop()
    assert child.returncode is not None
    assert not map_warm.is_compiling()
    assert not map_warm.is_kept()


def test_it_ends_with_its_parent(cold: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    parent.communicate()
    gone, _ = psutil.wait_procs([child], timeout=60)
    assert gone


def test_it_can_be_left_out(cold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGVISTA_WARM_UP", "0")
    assert not map_warm.start()
    assert not map_warm.is_compiling()
