"""Open a database: the one an address names, or the embedded one, started when it does not run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from pgvista.config import load_settings
from pgvista.db.database import Database
from pgvista.db.embedded import EmbeddedServer, start_embedded
from pgvista.db.target import Target, target_from_url

EMBEDDED = "embedded"
"""The label of the embedded server's connection."""

_servers: dict[Path, EmbeddedServer] = {}
_lock = threading.Lock()


def embedded_server(
    data_dir: Path | None = None, *, on_wait: Callable[[str], None] | None = None
) -> EmbeddedServer:
    """Return the running embedded server of `data_dir` (None: the settings'), one in a process.

    `on_wait` is told what is waited for, such as a recovery after a crash. Raises ConnectionFailed,
    OutOfSpace or PermissionDenied when it cannot start.
    """
    folder = data_dir or load_settings().data_dir
    with _lock:
        server = _servers.get(folder)
        if server is None:
            server = _servers[folder] = start_embedded(folder, on_wait=on_wait)
    server.ensure_running(on_wait=on_wait)
    return server


def running_server(data_dir: Path | None = None) -> EmbeddedServer | None:
    """Return the embedded server when this process holds it and it runs: a quick look."""
    with _lock:
        server = _servers.get(data_dir or load_settings().data_dir)
    return server if server is not None and server.is_running() else None


def embedded_target(server: EmbeddedServer, *, read_only: bool = False) -> Target:
    """Return where the embedded server is."""
    return target_from_url(server.url, read_only=read_only, label=EMBEDDED, embedded=True)


def database_of(target: Target, *, max_size: int = 8) -> Database:
    """Return the database of a target, unconnected; an embedded server that dies is revived."""
    revive = embedded_server if target.embedded else None
    timeout_ms = load_settings().statement_timeout_ms
    return Database(target, statement_timeout_ms=timeout_ms, max_size=max_size, revive=revive)


def open_database(
    url: str | None = None,
    *,
    read_only: bool = False,
    on_wait: Callable[[str], None] | None = None,
) -> Database:
    """Connect to `url`, to what PGVISTA_URL names, or else to the embedded server.

    Raises ConnectionFailed when there is no answer, ExtensionMissing without pgvector.
    """
    settings = load_settings()
    address = url or (settings.url.reveal() if settings.url else None)
    target = (
        target_from_url(address, read_only=read_only)
        if address
        else embedded_target(
            embedded_server(settings.data_dir, on_wait=on_wait), read_only=read_only
        )
    )
    db = database_of(target)
    try:
        db.capabilities.require_vector()
    except BaseException:
        db.close()
        raise
    return db
