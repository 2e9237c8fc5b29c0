"""Against real servers besides the embedded one, and every way in which reaching them fails."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psycopg
import pytest
from tests.db.foreign_server import (
    ADMIN,
    ADMIN_PASSWORD,
    ForeignServer,
    foreign_server,
    free_port,
    pgbouncer,
    programs_with_tls,
    server_folder,
)

from pgvista.config import Secret
from pgvista.db.database import Database
from pgvista.db.report import create_extension, report
from pgvista.db.target import Target, target_from_fields, target_from_url
from pgvista.errors import (
    ConnectionFailed,
    ExtensionMissing,
    OutOfSpace,
    PermissionDenied,
    ReadOnly,
    ServerUnavailable,
)

READER_PASSWORD = "reader's own"
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
TLS_PROGRAMS = programs_with_tls()


@pytest.fixture(scope="module")
def server() -> Iterator[ForeignServer]:
    with foreign_server() as running:
        running.execute(
            f"create role reader login password $${READER_PASSWORD}$$",
            "create role limited login password 'x' connection limit 1",
            "create role nologin nologin password 'x'",
            "create database docs",
            "create database plain",
            "create database closed",
            "revoke connect on database closed from public",
        )
        running.execute(
            "create schema extensions",
            "create extension vector with schema extensions",
            "create table item (id int primary key, embedding extensions.vector(3))",
            "insert into item values (1, '[1,0,0]'), (2, '[0,1,0]')",
            "create table secret (id int)",
            "grant usage on schema extensions to public",
            "grant select on item to reader",
            dbname="docs",
        )
        yield running


@pytest.fixture(scope="module")
def bouncer_port(server: ForeignServer) -> Iterator[int]:
    assert PGBOUNCER is not None
    with pgbouncer(server, PGBOUNCER, mode="transaction") as port:
        yield port


@pytest.fixture
def pooled(server: ForeignServer, bouncer_port: int) -> Iterator[Database]:
    database = Database(target_from_url(server.conninfo(dbname="docs", port=bouncer_port)))
    yield database
    database.close()


@pytest.fixture(scope="module")
def secure() -> Iterator[tuple[ForeignServer, Path]]:
    assert TLS_PROGRAMS is not None
    with server_folder("pgv-tls-") as (folder, user):
        certificate, key = folder / "server.crt", folder / "server.key"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
        )
        key.chmod(0o600)
        if user is not None:
            shutil.chown(key, user.uid, user.gid)
        settings = ["ssl=on", f"ssl_cert_file={certificate}", f"ssl_key_file={key}"]
        with foreign_server(programs=TLS_PROGRAMS, settings=settings) as running:
            yield running, certificate


def admin(server: ForeignServer, dbname: str = "docs", **options: Any) -> Database:
    return Database(target_from_url(server.conninfo(dbname=dbname)), **options)


def reader(server: ForeignServer, **changes: Any) -> Target:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "dbname": "docs",
        "user": "reader",
        "password": Secret(READER_PASSWORD),
    }
    return target_from_fields(**(fields | changes))


def scalar(database: Database, statement: str, *values: object) -> Any:
    def work(connection: psycopg.Connection[Any]) -> Any:
        row = connection.execute(statement.encode(), values).fetchone()
        assert row is not None
        return row[0]

    return database.read(work)


@contextlib.contextmanager
def counted_tries() -> Iterator[list[str]]:
    """Give a list that grows with each try to connect."""
    tries: list[str] = []
    connect = psycopg.Connection.connect

    def counted(conninfo: str = "", **more: Any) -> psycopg.Connection[Any]:
        tries.append(conninfo)
        return connect(conninfo, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "connect", counted)
        yield tries


def refusal(target: Target) -> ConnectionFailed:
    """Return the error of a first use: it is tried once, since no wait would make it good."""
    with counted_tries() as tries, pytest.raises(ConnectionFailed) as caught:
        _ = Database(target).capabilities
    assert len(tries) == 1
    for secret in (READER_PASSWORD, ADMIN_PASSWORD, "wr0ng"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None
    return caught.value


def wait_for_refusal(conninfo: str) -> None:
    """Wait until the server has read its new rules."""
    give_up = time.monotonic() + 60
    with contextlib.suppress(psycopg.OperationalError):
        while time.monotonic() < give_up:
            psycopg.connect(conninfo).close()
            time.sleep(0.05)


class TestReaching:
    def test_by_url_with_every_character_encoded(self, server: ForeignServer) -> None:
        url = f"postgresql://{ADMIN}:{quote(ADMIN_PASSWORD, safe='')}@127.0.0.1:{server.port}/docs"
        database = Database(target_from_url(url))
        assert scalar(database, "select current_user") == ADMIN
        assert database.label == f"docs@127.0.0.1:{server.port}"

    def test_by_service_file_and_pgpass(
        self, server: ForeignServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passfile = tmp_path / "pgpass"
        passfile.write_text(f"127.0.0.1:{server.port}:docs:reader:{READER_PASSWORD}\n")
        passfile.chmod(0o600)
        services = tmp_path / "services"
        services.write_text(
            f"[mine]\nhost=127.0.0.1\nport={server.port}\ndbname=docs\nuser=reader\n"
        )
        monkeypatch.setenv("PGSERVICEFILE", str(services))
        monkeypatch.setenv("PGPASSFILE", str(passfile))
        assert scalar(Database(target_from_url("service=mine")), "select current_user") == "reader"
        error = refusal(target_from_fields(service="other"))
        assert "not defined" in error.message

    def test_by_variables(self, server: ForeignServer, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGDATABASE": "docs",
            "PGUSER": "reader",
            "PGPASSWORD": READER_PASSWORD,
        }.items():
            monkeypatch.setenv(name, value)
        assert scalar(Database(target_from_url("postgresql://")), "select current_user") == "reader"

    def test_several_hosts_the_first_of_which_is_down(self, server: ForeignServer) -> None:
        url = (
            f"postgresql://reader:{quote(READER_PASSWORD)}@127.0.0.1:{free_port()},"
            f"127.0.0.1:{server.port}/docs"
        )
        assert scalar(Database(target_from_url(url)), "select 1") == 1

    def test_names_itself_to_the_server(self, server: ForeignServer) -> None:
        assert scalar(admin(server), "select current_setting('application_name')") == "pgvista"


class TestRefusals:
    def test_wrong_password(self, server: ForeignServer) -> None:
        error = refusal(reader(server, password=Secret("wr0ng")))
        assert error.message == (
            f"The server of docs@127.0.0.1:{server.port} refuses the password."
        )
        assert not isinstance(error, ServerUnavailable)

    def test_no_password(self, server: ForeignServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PGPASSFILE", "/nowhere")
        error = refusal(reader(server, password=None))
        assert "asks for a password" in error.message

    def test_no_such_role_is_told_like_a_wrong_password(self, server: ForeignServer) -> None:
        # Postgres itself makes no difference, so that names cannot be tried out.
        error = refusal(reader(server, user="nobody"))
        assert "refuses the password" in error.message

    def test_role_that_may_not_log_in(self, server: ForeignServer) -> None:
        error = refusal(reader(server, user="nologin", password=Secret("x")))
        assert "does not let that role in" in error.message

    def test_wrong_database(self, server: ForeignServer) -> None:
        error = refusal(reader(server, dbname="nothing"))
        assert "does not exist" in error.message

    def test_database_without_the_right_to_connect(self, server: ForeignServer) -> None:
        with pytest.raises(PermissionDenied, match="no right to connect"):
            _ = Database(reader(server, dbname="closed")).capabilities

    def test_wrong_port(self, server: ForeignServer) -> None:
        error = refusal(reader(server, port=free_port()))
        assert "Nothing listens" in error.message

    def test_wrong_host(self, server: ForeignServer) -> None:
        error = refusal(reader(server, host="no-such-host.invalid"))
        assert "cannot be found" in error.message

    def test_host_that_does_not_answer(self, server: ForeignServer) -> None:
        # A listener whose queue is never served takes the connection and says nothing.
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            error = refusal(reader(server, port=port, connect_timeout=2))
        assert "does not answer in time" in error.message

    def test_tls_demanded_of_a_server_without(self, server: ForeignServer) -> None:
        error = refusal(reader(server, sslmode="require"))
        assert "no TLS" in error.message

    def test_too_many_connections(self, server: ForeignServer) -> None:
        target = reader(server, user="limited", password=Secret("x"))
        holder = Database(target)
        with holder.dedicated(), pytest.raises(OutOfSpace, match="no connection left"):
            _ = Database(target).capabilities

    def test_no_pgvector_in_this_database(self, server: ForeignServer) -> None:
        database = admin(server, "plain")
        assert database.capabilities.pgvector_version is None
        with pytest.raises(ExtensionMissing, match="not in use in this database"):
            database.capabilities.require_vector()
        with pytest.raises(ExtensionMissing):
            scalar(database, "select '[1]'::vector")
        assert scalar(database, "select 1") == 1

    def test_pgvector_too_old(self, server: ForeignServer) -> None:
        server.execute("create database old")
        server.execute(
            "create extension vector",
            "update pg_extension set extversion = '0.6.2' where extname = 'vector'",
            dbname="old",
        )
        database = admin(server, "old")
        with pytest.raises(ExtensionMissing, match=r"0\.6\.2, and pgvista needs 0\.7\.0") as caught:
            database.capabilities.require_vector()
        assert "update" in caught.value.hint
        told = report(database).warnings
        assert any("CVE-2026-3172" in sentence for sentence in told)
        assert any("0.8.3" in sentence for sentence in told)

    def test_create_extension_where_allowed_and_where_not(self, server: ForeignServer) -> None:
        server.execute("create database fresh")
        database = Database(reader(server, dbname="fresh"))
        assert not report(database).can_create_extension
        with pytest.raises(PermissionDenied):
            create_extension(database)
        owner = admin(server, "fresh")
        assert report(owner).can_create_extension
        assert create_extension(owner, schema="Ext ensions").extension_schema == "Ext ensions"
        vector = owner.read(
            lambda c: c.execute("""select '[1,2]'::"Ext ensions".vector""").fetchone()
        )
        assert vector is not None
        assert vector[0].dtype == np.float32


class TestRights:
    def test_extension_in_a_schema_that_is_not_on_the_path(self, server: ForeignServer) -> None:
        database = Database(reader(server))
        assert database.capabilities.extension_schema == "extensions"
        assert database.capabilities.extension_qualifier == "extensions"
        query = np.array([1, 0.1, 0], dtype=np.float32)
        found = database.read(
            lambda c: c.execute(
                "select id, embedding from item order by embedding operator(extensions.<->) %s limit 1",
                [query],
            ).fetchone()
        )
        assert found is not None
        assert found[0] == 1
        assert found[1].tolist() == [1, 0, 0]

    def test_role_without_rights(self, server: ForeignServer) -> None:
        database = Database(reader(server))
        with pytest.raises(PermissionDenied, match="secret"):
            scalar(database, "select count(*) from secret")
        with pytest.raises(PermissionDenied), database.transaction() as connection:
            connection.execute("insert into item values (3, null)")
        with pytest.raises(PermissionDenied), database.transaction() as connection:
            connection.execute("create table public.mine (id int)")

    def test_read_only_is_enforced_by_postgres(self, server: ForeignServer) -> None:
        database = Database(target_from_url(server.conninfo(dbname="docs"), read_only=True))
        for statement in (
            "insert into item values (9, null)",
            "create table t (id int)",
            "commit; insert into item values (9, null)",
            "rollback; drop table item",
        ):
            with pytest.raises(ReadOnly) as caught, database.transaction() as connection:
                connection.execute(statement.encode())
            assert isinstance(caught.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)
        with pytest.raises(ReadOnly) as caught, database.dedicated() as connection:
            connection.execute("delete from item")
        assert isinstance(caught.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)
        with pytest.raises(ReadOnly), database.dedicated(autocommit=True):
            pass
        with pytest.raises(ReadOnly):
            create_extension(database)
        assert scalar(database, "select count(*) from item") == 2

    def test_a_read_does_not_write(self, server: ForeignServer) -> None:
        with pytest.raises(ReadOnly):
            admin(server).read(lambda c: c.execute("delete from item"))

    def test_two_databases_with_different_credentials(self, server: ForeignServer) -> None:
        one, other = admin(server), Database(reader(server))
        assert one.target.identity() != other.target.identity()
        seen: list[tuple[str, str]] = []

        def ask(database: Database, name: str) -> None:
            seen.extend((name, scalar(database, "select current_user")) for _ in range(20))

        threads = [
            threading.Thread(target=ask, args=pair) for pair in ((one, ADMIN), (other, "reader"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 40
        assert all(name == user for name, user in seen)
        assert scalar(one, "select count(*) from secret") == 0


class TestGoingAway:
    def test_server_killed_in_the_middle_of_a_read_and_started_again(self) -> None:
        with foreign_server() as server:
            database = Database(target_from_url(server.conninfo()))
            assert scalar(database, "select 1") == 1
            tries: list[float] = []
            reached = threading.Event()

            def work(connection: psycopg.Connection[Any]) -> int:
                tries.append(time.monotonic())
                reached.set()
                connection.execute("select pg_sleep(%s)", [30 if len(tries) == 1 else 0])
                return len(tries)

            def kill_and_start() -> None:
                reached.wait()
                time.sleep(0.2)
                server.kill()
                server.start(wait=False)

            chaos = threading.Thread(target=kill_and_start)
            chaos.start()
            try:
                assert database.read(work) >= 2
            finally:
                chaos.join()
            # A write on a pool whose connections died meanwhile starts over before it has effect.
            server.kill()
            server.start()
            with database.transaction() as connection:
                connection.execute("create table kept (id int)")
            assert scalar(database, "select count(*) from kept") == 0

    def test_server_that_stays_away_and_comes_back_later(self) -> None:
        with foreign_server() as server:
            database = Database(target_from_url(server.conninfo()))
            assert scalar(database, "select 1") == 1
            server.stop()
            start = time.monotonic()
            unavailable = pytest.raises(ServerUnavailable, match="Nothing listens")
            with counted_tries() as tries, unavailable:
                scalar(database, "select 1")
            assert time.monotonic() - start > 3  # it waits between its tries, and not for ever
            assert 1 < len(tries) <= 6
            server.start()
            with counted_tries() as tries:
                assert scalar(database, "select 1") == 1
            assert len(tries) == 1

    def test_revive_starts_a_server_that_went_away(self) -> None:
        with foreign_server() as server:
            revived: list[int] = []

            def revive() -> None:
                if not revived:
                    revived.append(1)
                    server.start()

            database = Database(target_from_url(server.conninfo()), revive=revive)
            assert scalar(database, "select 1") == 1
            server.kill()
            while not revived:  # the session's backend outlives its postmaster for a moment
                assert scalar(database, "select 1") == 1
            assert scalar(database, "select 1") == 1
            assert revived == [1]

    def test_backend_terminated_during_a_write(self, server: ForeignServer) -> None:
        server.execute("create table if not exists written (id int)", dbname="docs")
        database = admin(server)
        runs = 0

        def write() -> None:
            nonlocal runs
            with database.transaction() as connection:
                runs += 1
                connection.execute("insert into written values (1)")
                server.execute(f"select pg_terminate_backend({connection.info.backend_pid}, 5000)")
                connection.execute("insert into written values (2)")

        with pytest.raises(ServerUnavailable, match=r"ended the session|was lost") as caught:
            write()
        assert "not committed is undone" in caught.value.hint
        assert runs == 1
        assert scalar(database, "select count(*) from written") == 0

    def test_backend_terminated_before_the_commit(self, server: ForeignServer) -> None:
        database = admin(server)
        with (
            pytest.raises(ServerUnavailable, match="not known whether"),
            database.transaction() as connection,
        ):
            server.execute(f"select pg_terminate_backend({connection.info.backend_pid}, 5000)")

    def test_backend_terminated_during_a_read_is_tried_again(self, server: ForeignServer) -> None:
        database = admin(server)
        pids: list[int] = []

        def work(connection: psycopg.Connection[Any]) -> int:
            pids.append(connection.info.backend_pid)
            if len(pids) == 1:
                server.execute(f"select pg_terminate_backend({pids[0]}, 5000)")
            connection.execute("select 1")
            return len(pids)

        assert database.read(work) == 2

    def test_idle_connections_that_were_ended_are_replaced_at_once(
        self, server: ForeignServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = admin(server)
        pid = scalar(database, "select pg_backend_pid()")
        server.execute(f"select pg_terminate_backend({pid}, 5000)")
        naps: list[float] = []
        monkeypatch.setattr("tenacity.nap.time.sleep", naps.append)
        with database.transaction() as connection:
            assert connection.info.backend_pid != pid
        assert naps == []


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
class TestPgBouncer:
    def test_is_detected(self, pooled: Database) -> None:
        assert pooled.capabilities.pooled
        told = report(pooled)
        assert told.pooler == "transaction pooling"
        assert told.tls is None
        assert any("pooler" in sentence for sentence in told.warnings)

    def test_session_mode_is_told_apart(self, server: ForeignServer) -> None:
        assert PGBOUNCER is not None
        with pgbouncer(server, PGBOUNCER, mode="session") as port:
            told = report(Database(target_from_url(server.conninfo(dbname="docs", port=port))))
        assert told.pooler is not None
        assert told.pooler.startswith("session pooling")

    def test_repeated_statements_of_many_threads(self, pooled: Database) -> None:
        failures: list[Exception] = []

        def ask() -> None:
            try:
                for number in range(30):
                    assert scalar(pooled, "select %s::int", number) == number
                    vector = scalar(pooled, "select embedding from item where id = %s", 2)
                    assert vector.tolist() == [0, 1, 0]
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures

    def test_settings_do_not_leak(self, pooled: Database, server: ForeignServer) -> None:
        def limits(connection: psycopg.Connection[Any]) -> tuple[str, str]:
            row = connection.execute(
                "select current_setting('hnsw.ef_search', true), current_setting('statement_timeout')"
            ).fetchone()
            assert row is not None
            return row[0], row[1]

        settings = {"hnsw.ef_search": "321"}
        assert pooled.read(limits, settings=settings, timeout_ms=1234) == ("321", "1234ms")
        with pooled.dedicated(timeout_ms=777) as connection:
            connection.execute("select 1")
        # Another client gets the same server sessions, and finds them as they were.
        with psycopg.connect(
            pooled.target.conninfo.reveal(), autocommit=True, prepare_threshold=None
        ) as other:
            for _ in range(10):
                row = limits(other)
                assert row[0] in (None, "", "40")
                assert row[1] == "0"

    def test_writes_and_read_only(self, pooled: Database, server: ForeignServer) -> None:
        with pooled.transaction() as connection:
            connection.execute("create table if not exists pooled (id int)")
            connection.execute("insert into pooled values (1)")
        read_only = Database(target_from_url(pooled.target.conninfo.reveal(), read_only=True))
        with pytest.raises(ReadOnly), read_only.transaction() as connection:
            connection.execute("insert into pooled values (2)")
        with pooled.transaction() as connection:  # the read-only client left nothing behind
            connection.execute("insert into pooled values (3)")
        assert scalar(pooled, "select count(*) from pooled") == 2

    def test_wrong_password_and_database(self, server: ForeignServer, bouncer_port: int) -> None:
        error = refusal(target_from_url(server.conninfo(port=bouncer_port, password="wr0ng")))
        assert "refuses the password" in error.message
        error = refusal(target_from_url(server.conninfo(port=bouncer_port, dbname="nothing")))
        assert "does not exist" in error.message


@pytest.mark.skipif(TLS_PROGRAMS is None, reason="no PostgreSQL with TLS is installed")
class TestServerWithTls:
    def test_tls_is_reported_and_pgvector_missed(self, secure: tuple[ForeignServer, Path]) -> None:
        server, certificate = secure
        told = report(
            Database(
                target_from_url(
                    server.conninfo(
                        host="localhost",
                        hostaddr="127.0.0.1",
                        sslmode="verify-full",
                        sslrootcert=str(certificate),
                    )
                )
            )
        )
        assert told.tls is not None
        assert told.tls.startswith("TLSv1.")
        assert told.pgvector_version is None
        assert told.pgvector_available is None
        assert not told.can_create_extension
        assert any("has no pgvector" in sentence for sentence in told.warnings)

    def test_pgvector_is_missing(self, secure: tuple[ForeignServer, Path]) -> None:
        database = Database(target_from_url(secure[0].conninfo()))
        with pytest.raises(ExtensionMissing, match="This server has no pgvector"):
            database.capabilities.require_vector()
        with pytest.raises(ExtensionMissing, match="does not offer"):
            create_extension(database)

    def test_certificate_of_an_unknown_authority(
        self, secure: tuple[ForeignServer, Path], tmp_path: Path
    ) -> None:
        other = tmp_path / "other.crt"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"),
                *("-subj", "/CN=other", "-keyout", str(tmp_path / "k"), "-out", str(other)),
            ],
            check=True,
            capture_output=True,
        )
        error = refusal(
            target_from_url(secure[0].conninfo(sslmode="verify-ca", sslrootcert=str(other)))
        )
        assert "could not be verified" in error.message

    def test_certificate_of_another_host(self, secure: tuple[ForeignServer, Path]) -> None:
        error = refusal(
            target_from_url(secure[0].conninfo(sslmode="verify-full", sslrootcert=str(secure[1])))
        )
        assert "could not be verified" in error.message

    def test_root_certificate_missing(self, secure: tuple[ForeignServer, Path]) -> None:
        error = refusal(
            target_from_url(secure[0].conninfo(sslmode="verify-full", sslrootcert="/nowhere.crt"))
        )
        assert "missing or cannot be read" in error.message

    def test_server_that_admits_tls_only(self, secure: tuple[ForeignServer, Path]) -> None:
        server, _ = secure
        rules = server.pgdata / "pg_hba.conf"
        before = rules.read_text()
        rules.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        database = Database(target_from_url(server.conninfo()))
        try:
            scalar(database, "select pg_reload_conf()")
            wait_for_refusal(server.conninfo(sslmode="disable"))
            error = refusal(target_from_url(server.conninfo(sslmode="disable")))
            assert "without TLS" in error.message
            rules.write_text("hostssl postgres all 127.0.0.1/32 scram-sha-256\n")
            scalar(database, "select pg_reload_conf()")
            wait_for_refusal(server.conninfo(dbname="template1"))
            error = refusal(target_from_url(server.conninfo(dbname="template1")))
            assert "pg_hba.conf" in error.message
        finally:
            rules.write_text(before)
            scalar(database, "select pg_reload_conf()")
