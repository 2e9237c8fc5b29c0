"""The embedded server: Postgres with pgvector for one person, without an account or an install.

`start_embedded` starts it once for all processes that use the same folder, and the last process to
let go of it stops it. The folder holds:

    postgres/              the cluster; settings fitted to the machine are in postgres/pgvista.conf
    postgres.log           the server's log
    postgres.start.lock    held by the process that starts or stops the server
    postgres.holders.lock  shared by the processes that use it

Locks end with their process, so one that was killed is not counted. A server whose processes were
all killed lives on, and the next process attaches to it. A server that was killed is started again,
with every committed row, by the next call.

The server listens on a Unix socket alone, in a folder that only its user can enter, and trusts who
gets there. The socket lies in the cluster, or in the system's temporary folder where that path is
too long. Windows has no such socket: there the server listens on a free port of 127.0.0.1, and
trusts every user of the machine.
"""

from __future__ import annotations

import atexit
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pgvista.db.embedded_cluster import START_LIMIT_S, Cluster, Postmaster
from pgvista.db.embedded_settings import tuned_settings
from pgvista.db.file_lock import FileLock
from pgvista.errors import (
    ConnectionFailed,
    InvalidInput,
    OutOfSpace,
    PermissionDenied,
    PgvistaError,
    ServerUnavailable,
)

__all__ = ["DATABASE", "EmbeddedServer", "start_embedded", "tuned_settings"]

DATABASE = "pgvista"
"""The database that `EmbeddedServer.url` names; made when it is missing."""

_EXIT_LIMIT_S = 10.0
_SESSION: dict[str, Any] = {"autocommit": True, "connect_timeout": 10}


class EmbeddedServer:
    """A hold on the running server; from `start_embedded`. Safe to use from several threads."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._held = True

    @property
    def url(self) -> str:
        """The libpq URI of the database `pgvista`, over the Unix socket where there is one."""
        return self._shared.url

    @property
    def version(self) -> str:
        """Postgres' version, such as "18.6"."""
        return self._shared.version

    @property
    def vector_version(self) -> str:
        """The version of the extension `vector` in the database `pgvista`, such as "0.8.6"."""
        return self._shared.vector_version

    @property
    def log_path(self) -> Path:
        """The server's log file."""
        return self._shared.cluster.log.path

    def is_running(self) -> bool:
        """Whether the server takes sessions now, for whoever holds it; about 0.1 ms."""
        return self._shared.is_running()

    def ensure_running(self, *, on_wait: Callable[[str], None] | None = None) -> None:
        """Start the server again where it was killed; quick when it is running.

        `on_wait` and the errors are those of `start_embedded`. Raises ServerUnavailable after
        `stop`.
        """
        if not self._held:
            raise ServerUnavailable(
                "This hold on the embedded server was given up.", "Call start_embedded again."
            )
        if not self.is_running():
            self._shared.start(on_wait, count=0)

    def stop(self) -> None:
        """Let go of the server; harmless when called again.

        The server stops when neither this process nor another holds it.
        """
        if self._held:
            self._held = False
            self._shared.let_go()


def start_embedded(
    data_dir: Path, *, on_wait: Callable[[str], None] | None = None
) -> EmbeddedServer:
    """Return a hold on the server of `data_dir`, made and started first where needed.

    The first start takes about a second, a later one some tenths, attaching some milliseconds. A
    server that replays its log after a crash is waited for, up to 300 s; `on_wait` is then told
    about once a second what goes on, in a sentence to show, from the thread that called this function.

    Each hold is given up with `EmbeddedServer.stop`, the last ones when the process ends.

    Raises InvalidInput for an unusable path, PermissionDenied, OutOfSpace, ServerUnavailable when
    it takes longer than that, and ConnectionFailed when the server cannot start.
    """
    try:
        folder = Path(data_dir).expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:
        raise InvalidInput(f"The path {str(data_dir)!r} cannot be used: {error}.") from error
    if any(ord(letter) < 32 for letter in str(folder)):
        raise InvalidInput(f"The path {str(folder)!r} has control characters in it.")
    with _SERVERS_LOCK:
        shared = _SERVERS.setdefault(folder, _Shared(folder))
    shared.start(on_wait, count=1)
    return EmbeddedServer(shared)


class _Shared:
    """What all holds of this process on one folder share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = Cluster(folder / "postgres", folder / "postgres.log")
        self.url = self.version = self.vector_version = ""
        self._count = 0
        self._thread_lock = threading.Lock()
        self._holders = FileLock(folder / "postgres.holders.lock")

    def start(self, on_wait: Callable[[str], None] | None, *, count: int) -> None:
        """Bring the server up, be one of its holders, and add `count` holds of this process."""
        tell = on_wait if on_wait is not None else _silent
        with self._errors():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone(START_LIMIT_S, tell):
                held = self._count > 0 and not self._holders.orphaned()
                if not held:
                    self._holders.release()
                    self._holders.try_shared()
                try:
                    self._bring_up(tell)
                except BaseException:
                    if not held:
                        self._holders.release()
                    raise
                self._count += count

    def _bring_up(self, tell: Callable[[str], None]) -> None:
        import psycopg

        failure: psycopg.Error | None = None
        for _ in range(5):
            server = self.cluster.up(tell)
            try:
                return self._prepare(server)
            except psycopg.errors.DiskFull as error:
                raise self._disk_full() from error
            except psycopg.Error as error:  # it may have been killed between the two steps
                failure = error
                time.sleep(0.1)
        raise ServerUnavailable(
            "The embedded Postgres runs, but did not let pgvista in.",
            f"Try again; its log is {self.cluster.log.path}. It says: {failure}",
        ) from failure

    def is_running(self) -> bool:
        """Whether the server takes sessions now."""
        try:
            return self.cluster.running() is not None
        except OSError:
            return False

    def let_go(self, *, holds: int = 1, limit_s: float = START_LIMIT_S) -> None:
        """Give up `holds` holds, and stop the server when nobody holds it any more."""
        if not self.folder.is_dir():  # deleted under the server
            self._count = 0
            self.cluster.stop()
            self._holders.release()
            return
        with self._errors(), self._alone(limit_s, _silent):
            self._count = max(self._count - holds, 0)
            if self._count == 0:
                if self._holders.try_exclusive():
                    self.cluster.stop()
                self._holders.release()

    def at_exit(self) -> None:
        """Give up every hold as the process ends; what fails then is left to the next process."""
        try:
            if self._count:
                self.let_go(holds=self._count, limit_s=_EXIT_LIMIT_S)
        except PgvistaError:
            pass

    def forget(self) -> None:
        """Drop what a fork has inherited; the parent's hold stays."""
        self._holders.release()

    def _prepare(self, server: Postmaster) -> None:
        """Make the database and the extension, and bring the extension up to date."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(server.url("postgres"), **_SESSION) as session:
            known = "select 1 from pg_database where datname = %s"
            if session.execute(known, (DATABASE,)).fetchone() is None:
                create = sql.SQL("create database {}").format(sql.Identifier(DATABASE))
                session.execute(create)
        with psycopg.connect(server.url(DATABASE), **_SESSION) as session:
            versions = (
                "select installed_version, default_version from pg_available_extensions"
                " where name = 'vector'"
            )
            installed, newest = session.execute(versions).fetchone() or (None, None)
            if installed is None:
                session.execute("create extension if not exists vector")
            elif installed != newest:
                session.execute("alter extension vector update")
            self.vector_version = str(newest)
            self.version = session.info.parameter_status("server_version") or ""
        self.url = server.url(DATABASE)

    @contextmanager
    def _alone(self, limit_s: float, tell: Callable[[str], None]) -> Iterator[None]:
        """Be the one thread of the one process that starts or stops this server."""
        begin = told = time.monotonic()
        lock = FileLock(self.folder / "postgres.start.lock")
        while True:
            if self._thread_lock.acquire(blocking=False):
                if lock.try_exclusive():
                    break
                self._thread_lock.release()
            now = time.monotonic()
            if now - begin > limit_s:
                raise ServerUnavailable(
                    "Another process has been starting or stopping the embedded Postgres for "
                    f"{limit_s:.0f} s.",
                    "Try again in a while.",
                )
            if now - told >= 1:
                told = now
                tell(f"Another process is starting or stopping Postgres ({now - begin:.0f} s)…")
            time.sleep(0.01)
        try:
            yield
        finally:
            lock.release()
            self._thread_lock.release()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the system's errors about the folder into sentences."""
        try:
            yield
        except (FileExistsError, NotADirectoryError) as error:
            raise ConnectionFailed(
                f"{error.filename or self.folder} is a file where a folder is needed.",
                "Move it away, or set PGVISTA_DATA to another folder.",
            ) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._disk_full() from error
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise PermissionDenied(
                    f"{error.filename or self.folder} cannot be written or read: {error.strerror}.",
                    "Give it to the user that runs pgvista, or set PGVISTA_DATA to another folder.",
                ) from error
            raise ConnectionFailed(
                f"The folder {self.folder} cannot be used: {error.strerror or error}.",
                "Set PGVISTA_DATA to another folder, with a short path on a local disk.",
            ) from error

    def _disk_full(self) -> OutOfSpace:
        return OutOfSpace(
            f"The disk of {self.folder} is full.",
            "Make room on it, or set PGVISTA_DATA to a folder on another disk.",
        )


_SERVERS: dict[Path, _Shared] = {}
_SERVERS_LOCK = threading.Lock()


def _silent(_: str) -> None:
    pass


@atexit.register
def _at_exit() -> None:
    for shared in _SERVERS.values():
        shared.at_exit()


def _in_child() -> None:
    """After a fork: the parent's holds are not the child's, and its locks may be held."""
    global _SERVERS_LOCK
    _SERVERS_LOCK = threading.Lock()
    for shared in _SERVERS.values():
        shared.forget()
    _SERVERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
