"""Reads, transactions and connections of one's own, on a real server."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector, SparseVector
from psycopg import Connection
from psycopg.pq import TransactionStatus

from pgvista.db import pool
from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import (
    Cancelled,
    Conflict,
    ConnectionFailed,
    InvalidInput,
    NotFound,
    OutOfSpace,
    QueryFailed,
    ReadOnly,
    StatementTimeout,
)


class Stopped(BaseException):
    """Stands for what stops a script from outside and is no Exception."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def ask(database: Database, statement: str, *values: object, **options: Any) -> Any:
    def work(connection: Connection[Any]) -> Any:
        row = connection.execute(statement.encode(), values).fetchone()
        return row and row[0]

    return database.read(work, **options)


def write(database: Database, *statements: str) -> None:
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(statement.encode())


class TestRead:
    def test_is_lazy(self) -> None:
        Database(target_from_url("postgresql://nobody@no-such-host.invalid/x")).close()

    def test_returns_what_the_work_returns(self, database: Database) -> None:
        assert ask(database, "select %s::int + 1", 41) == 42
        assert ask(database, "select current_setting('transaction_read_only')") == "on"
        assert ask(database, "select current_setting('application_name')") == "pgvista"

    def test_settings_hold_for_this_transaction_alone(self, database: Database) -> None:
        ask(database, "select '[1]'::vector")  # loads the library, so that the name is known
        settings = {"hnsw.ef_search": "123", "enable_indexscan": "off", "search_path": "a, public"}
        assert (
            ask(
                database,
                "select concat_ws(' ', current_setting('hnsw.ef_search'),"
                " current_setting('enable_indexscan'), current_setting('search_path'))",
                settings=settings,
            )
            == "123 off a, public"
        )
        assert ask(database, "select current_setting('hnsw.ef_search')") == "40"
        assert ask(database, "select current_setting('enable_indexscan')") == "on"

    def test_settings_cannot_smuggle_statements(self, database: Database) -> None:
        write(database, "create table t (id int)")
        for settings in (
            {"enable_indexscan": "off'; drop table t; --"},
            {'enable_indexscan = off; drop table t; --"': "on"},
            {"x; drop table t": "1"},
        ):
            with pytest.raises((InvalidInput, QueryFailed, NotFound)):
                ask(database, "select 1", settings=settings)
        assert ask(database, "select count(*) from t") == 0

    def test_a_setting_out_of_range(self, database: Database) -> None:
        ask(database, "select '[1]'::vector")
        with pytest.raises(InvalidInput, match=r"hnsw\.ef_search"):
            ask(database, "select 1", settings={"hnsw.ef_search": "100000"})
        assert ask(database, "select 1") == 1

    def test_time_limits(self, database: Database) -> None:
        assert ask(database, "select current_setting('statement_timeout')") == "1min"
        assert ask(database, "select current_setting('statement_timeout')", timeout_ms=0) == "0"
        with pytest.raises(StatementTimeout):
            ask(database, "select pg_sleep(20)", timeout_ms=100)
        short = Database(database.target, statement_timeout_ms=150)
        with pytest.raises(StatementTimeout):
            ask(short, "select pg_sleep(20)")

    def test_cancelled_by_somebody(self, database: Database) -> None:
        def cancel_once_asleep(connection: Connection[Any]) -> None:
            with psycopg.connect(database.target.conninfo.reveal(), autocommit=True) as other:
                asleep = "select from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
                while other.execute(asleep, [connection.info.backend_pid]).fetchone() is None:
                    time.sleep(0.01)
            connection.cancel_safe()

        def work(connection: Connection[Any]) -> None:
            canceller = threading.Thread(target=cancel_once_asleep, args=(connection,))
            canceller.start()
            try:
                connection.execute("select pg_sleep(20)")
            finally:
                canceller.join()

        with pytest.raises(Cancelled):
            database.read(work)
        assert ask(database, "select 1") == 1

    def test_a_deadlock_or_race_is_tried_again_and_other_errors_are_not(
        self, database: Database
    ) -> None:
        runs: list[str] = []

        def work(state: str) -> int:
            def inner(connection: Connection[Any]) -> int:
                runs.append(state)
                if len(runs) == 1:
                    connection.execute(f"do $$ begin raise sqlstate '{state}'; end $$".encode())
                return len(runs)

            return database.read(inner)

        assert work("40P01") == 2
        runs.clear()
        with pytest.raises(Conflict):
            work("23505")
        assert len(runs) == 1

    def test_the_works_own_errors_pass_and_are_not_repeated(self, database: Database) -> None:
        runs: list[int] = []

        def work(_: Connection[Any]) -> None:
            runs.append(1)
            raise ValueError("own")

        with pytest.raises(ValueError, match="own"):
            database.read(work)
        assert len(runs) == 1

    @pytest.mark.parametrize("kind", [Stopped, KeyboardInterrupt, SystemExit, ValueError])
    def test_no_exception_leaves_a_transaction_open(
        self, database: Database, kind: type[BaseException]
    ) -> None:
        seen: list[Connection[Any]] = []

        def work(connection: Connection[Any]) -> None:
            seen.append(connection)
            connection.execute("select 1")
            raise kind

        with pytest.raises(kind):
            database.read(work)
        assert seen[0].info.transaction_status is TransactionStatus.IDLE

        def change() -> None:
            with database.transaction() as connection:
                seen.append(connection)
                connection.execute("create table t (id int)")
                raise kind

        with pytest.raises(kind):
            change()
        assert seen[1].info.transaction_status is TransactionStatus.IDLE
        assert ask(database, "select to_regclass('t')::text") is None

    def test_stopped_in_the_middle_of_a_copy(self, database: Database) -> None:
        def work(connection: Connection[Any]) -> None:
            with connection.cursor().copy(
                "copy (select generate_series(1, 1e6)) to stdout"
            ) as copy:
                copy.read()
                raise Stopped

        with pytest.raises(Stopped):
            database.read(work)
        assert ask(database, "select 1") == 1

    def test_costs_three_round_trips(self, database: Database) -> None:
        sent: list[str] = []

        def work(connection: Connection[Any]) -> Any:
            return connection.execute("select 1").fetchone()

        database.read(work)
        with database.transaction() as connection:
            traced = connection
        original = traced.execute

        def execute(query: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(str(query))
            return original(query, *args, **kwargs)

        traced.execute = execute  # type: ignore[method-assign]
        database.read(work, settings={"hnsw.ef_search": "50"})
        assert len(sent) == 3
        assert "begin read only" in sent[0]


class TestTransaction:
    def test_commits_at_the_end_and_undoes_on_an_exception(self, database: Database) -> None:
        write(database, "create table t (id int primary key)", "insert into t values (1)")
        with pytest.raises(Conflict):
            write(database, "insert into t values (2)", "insert into t values (1)")
        assert ask(database, "select array_agg(id) from t") == [1]

    def test_settings_and_limit(self, database: Database) -> None:
        with database.transaction(settings={"work_mem": "3MB"}, timeout_ms=7654) as connection:
            row = connection.execute(
                "select current_setting('work_mem'), current_setting('statement_timeout')"
            ).fetchone()
            assert row == ("3MB", "7654ms")
        with pytest.raises(StatementTimeout), database.transaction(timeout_ms=150) as connection:
            connection.execute("select pg_sleep(20)")

    def test_an_error_that_was_swallowed_is_not_taken_for_success(self, database: Database) -> None:
        write(database, "create table t (id int)")

        def change() -> None:
            with database.transaction() as connection:
                connection.execute("insert into t values (1)")
                with pytest.raises(psycopg.Error):
                    connection.execute("select 1/0")

        with pytest.raises(QueryFailed, match="all of it was undone"):
            change()
        assert ask(database, "select count(*) from t") == 0

    def test_savepoints_inside(self, database: Database) -> None:
        with database.transaction() as connection:
            connection.execute("create table t (id int primary key)")
            connection.execute("insert into t values (1)")
            with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
                connection.execute("insert into t values (1)")
            connection.execute("insert into t values (2)")
        assert ask(database, "select count(*) from t") == 2

    def test_is_not_repeated(self, database: Database) -> None:
        runs = 0

        def change() -> None:
            nonlocal runs
            with database.transaction() as connection:
                runs += 1
                connection.execute("do $$ begin raise sqlstate '40P01'; end $$")

        with pytest.raises(Conflict):
            change()
        assert runs == 1

    def test_bad_values(self, database: Database) -> None:
        write(database, "create table t (embedding vector(3), body text, fts tsvector)")
        for vector, words in (
            ([1.0, 2.0], "2 dimensions, and the column takes 3"),
            ([1.0, 2.0, float("nan")], "NaN or an infinite"),
            ([1.0, 2.0, float("inf")], "NaN or an infinite"),
        ):
            with pytest.raises(InvalidInput, match=words), database.transaction() as connection:
                connection.execute(
                    "insert into t values (%s)", [np.array(vector, dtype=np.float32)]
                )
        with pytest.raises(InvalidInput, match="NUL"), database.transaction() as connection:
            connection.execute("insert into t (body) values (%s)", ["a\0b"])
        with pytest.raises(InvalidInput, match="NUL"):
            ask(database, """select '{"a": "\\u0000"}'::jsonb ->> 'a'""")
        with pytest.raises(InvalidInput, match="too long for full-text"):
            ask(
                database,
                "select to_tsvector('simple', string_agg('word' || n, ' '))"
                " from generate_series(1, 200000) n",
            )
        with pytest.raises(InvalidInput, match="klingon"):
            ask(database, "select to_tsvector('klingon', 'x')")
        with pytest.raises(NotFound, match="nowhere"):
            ask(database, "select * from nowhere")

    def test_a_lock_that_somebody_else_holds(self, database: Database) -> None:
        write(database, "create table t (id int)")
        with database.transaction() as connection:
            connection.execute("lock table t")
            with pytest.raises(Conflict, match="lock"):
                ask(database, "select * from t", settings={"lock_timeout": "100ms"})


class TestDedicated:
    def test_autocommit_for_what_no_transaction_can_hold(self, database: Database) -> None:
        write(database, "create table t (embedding vector(2))")
        with database.dedicated(autocommit=True, timeout_ms=0) as connection:
            assert connection.autocommit
            connection.execute(
                "create index concurrently on t using hnsw (embedding vector_l2_ops)"
            )
            assert connection.execute("show statement_timeout").fetchone() == ("0",)
        assert connection.closed
        assert ask(database, "select indisvalid from pg_index where indrelid = 't'::regclass")

    def test_commits_by_batches(self, database: Database) -> None:
        write(database, "create table t (id int, embedding vector(2))")

        def load() -> None:
            with database.dedicated() as connection:
                assert connection.execute("show statement_timeout").fetchone() == ("1min",)
                connection.commit()
                with connection.cursor().copy("copy t from stdin (format binary)") as copy:
                    copy.set_types(["int4", "vector"])
                    copy.write_row((1, np.array([1, 2], dtype=np.float32)))
                connection.commit()
                connection.execute("insert into t values (2, null)")
                raise Stopped

        with pytest.raises(Stopped):
            load()
        assert ask(database, "select array_agg(id) from t") == [1]
        with database.dedicated() as connection:
            connection.execute("insert into t values (3, null)")
        assert ask(database, "select array_agg(id order by id) from t") == [1, 3]

    def test_does_not_use_up_the_pool(self, database: Database) -> None:
        narrow = Database(database.target, max_size=1)
        with narrow.dedicated(), narrow.dedicated():
            assert ask(narrow, "select 1") == 1

    def test_errors_are_translated(self, database: Database) -> None:
        with pytest.raises(NotFound), database.dedicated() as connection:
            connection.execute("select * from nowhere")


class TestReadOnly:
    def test_postgres_refuses(self, database: Database) -> None:
        write(database, "create table t (id int)")
        read_only = Database(target_from_url(database.target.conninfo.reveal(), read_only=True))
        for statement in ("insert into t values (1)", "commit; insert into t values (1)"):
            with pytest.raises(ReadOnly), read_only.transaction() as connection:
                connection.execute(statement.encode())
        for statement in (
            "set transaction read write; insert into t values (1)",
            "select set_config('transaction_read_only', 'off', true); insert into t values (1)",
        ):
            with pytest.raises(QueryFailed, match="before any query"):
                write(read_only, statement)
        with pytest.raises(ReadOnly), read_only.dedicated() as connection:
            connection.execute("insert into t values (1)")
        assert ask(read_only, "select count(*) from t") == 0


class TestTypes:
    def test_vectors_in_and_out(self, database: Database) -> None:
        values = np.array([1, -2.5, 3e-8], dtype=np.float32)
        for binary in (False, True):

            def work(connection: Connection[Any], binary: bool = binary) -> Any:
                with connection.cursor(binary=binary) as cursor:
                    return cursor.execute(
                        "select %s::vector, %s::halfvec, %s::sparsevec, '101'::bit(3),"
                        " array['[1,2]'::vector, null], null::vector, '[3,4]'::halfvec",
                        [values, HalfVector([1.5, 2]), SparseVector({0: 1.0}, 3)],
                    ).fetchone()

            vector, half, sparse, bits, several, none, other = database.read(work)
            assert vector.dtype == np.float32
            assert vector.tolist() == values.tolist()
            assert vector.flags.writeable
            assert half.dtype == np.float32
            assert half.tolist() == [1.5, 2]
            assert sparse.to_list() == [1, 0, 0]
            assert bits in ("101", b"101") or binary
            assert several[0].tolist() == [1, 2]
            assert several[1] is None
            assert none is None
            assert other.tolist() == [3, 4]

    def test_an_extension_made_later_is_known_after_refresh(self, embedded_url: str) -> None:
        from tests.conftest import _with_database

        with psycopg.connect(embedded_url, autocommit=True) as administrator:
            administrator.execute("create database later")
            database = Database(target_from_url(_with_database(embedded_url, "later")))
            try:
                assert database.capabilities.pgvector_version is None
                write(database, "create extension vector")
                assert database.capabilities.pgvector_version is None
                assert (database.refresh().pgvector_version or ()) >= (0, 8)
                assert ask(database, "select '[1]'::vector").tolist() == [1]
            finally:
                database.close()
                administrator.execute("drop database later with (force)")


class TestCapabilities:
    def test_of_the_embedded_server(self, database: Database) -> None:
        found = database.capabilities
        assert found.server_version_num >= 180000
        assert (found.pgvector_version or ()) >= (0, 8)
        assert found.extension_schema == "public"
        assert found.extension_qualifier is None
        assert not found.pooled
        assert not found.in_recovery
        assert found.is_superuser
        assert found.supports_iterative_scan
        found.require_vector()
        assert database.capabilities is found


class TestPool:
    def test_connections_are_used_again_and_bounded(self, database: Database) -> None:
        narrow = Database(database.target, max_size=3)
        pids = set()
        lock = threading.Lock()

        def one(_: int) -> None:
            pid = ask(narrow, "select pg_backend_pid() from pg_sleep(0.01)")
            with lock:
                pids.add(pid)

        with ThreadPoolExecutor(12) as threads:
            list(threads.map(one, range(40)))
        assert 1 <= len(pids) <= 3

    def test_waiting_for_one_is_bounded(self, database: Database) -> None:
        narrow = Database(database.target, max_size=1)
        narrow._pool._wait_s = 0.2
        with narrow.transaction(), pytest.raises(OutOfSpace, match="All 1 connections"):
            ask(narrow, "select 1")
        assert ask(narrow, "select 1") == 1

    def test_a_failure_to_connect_takes_no_place(self, database: Database) -> None:
        wrong = Database(
            target_from_url(database.target.conninfo.reveal() + " dbname=nothing"), max_size=1
        )
        for _ in range(3):
            with pytest.raises(ConnectionFailed, match="does not exist"):
                ask(wrong, "select 1")

    def test_idle_connections_are_closed_after_a_while(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with database.transaction() as one, database.transaction() as other:
            pass
        monkeypatch.setattr(pool, "MAX_IDLE_S", -1.0)
        ask(database, "select 1")
        assert one.closed
        assert other.closed

    def test_close_may_be_repeated_and_ends_what_is_in_use_later(self, database: Database) -> None:
        with database.transaction() as connection:
            database.close()
            database.close()
            connection.execute("select 1")
        assert connection.closed
        with pytest.raises(ConnectionFailed, match="was closed"):
            ask(database, "select 1")

    def test_nothing_is_left_in_the_way_of_the_processs_end(self, database_url: str) -> None:
        code = (
            "from pgvista.db.database import Database\n"
            "from pgvista.db.target import target_from_url\n"
            f"database = Database(target_from_url({database_url!r}))\n"
            "print(database.read(lambda c: c.execute('select 1').fetchone()[0]))\n"
        )
        asking = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asking.stdout is not None
        assert asking.stdout.readline() == "1\n"
        out, err = asking.communicate(timeout=20)  # its start may take its time, and its end not
        assert (out, err, asking.returncode) == ("", "", 0)

    def test_a_forgotten_database_makes_no_noise(self, database_url: str) -> None:
        gc.collect()  # what other tests left is not meant
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            forgotten = Database(target_from_url(database_url))
            ask(forgotten, "select 1")
            del forgotten
            gc.collect()
