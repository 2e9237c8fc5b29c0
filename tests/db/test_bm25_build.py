"""BM25's side tables built as a job: what was shown is what is made, and a person can stop it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

import pgvista
from pgvista.errors import Cancelled, PermissionDenied, PgvistaError
from pgvista.model.collection import Bm25
from pgvista.model.progress import Progress, SilentReporter
from pgvista.services import bm25, bm25_build, bm25_state
from pgvista.sql import bm25 as bm25_sql
from pgvista.sql import bm25_keep
from pgvista.sql.query import Query


@pytest.fixture
def docs(database_url: str) -> Iterator[pgvista.api.Collection]:
    with pgvista.connect(database_url) as db:
        made = db.create_collection("docs", dimension=1)
        made.upsert(
            {"id": str(i), "content": f"a dog, cat {i} and 100 % mice", "embedding": [1]}
            for i in range(30)
        )
        yield made


class Stopping:
    """A reporter that stops the work once it was told of a stage."""

    def __init__(self, stage: str) -> None:
        self.stages: list[str] = []
        self._stage = stage

    def report(self, progress: Progress) -> None:
        self.stages.append(progress.stage)

    def check(self) -> None:
        if self._stage in self.stages:
            raise Cancelled("“Words” was cancelled.")


def test_it_tells_how_the_statistics_are_then(docs: pgvista.api.Collection) -> None:
    docs.info = bm25.drop(docs.db, docs.info)
    status = bm25_build.build_as_job(docs.db, docs.info, SilentReporter())
    assert (status.state, status.documents) == ("in step", 30)
    again = bm25_build.refresh_as_job(docs.db, docs.info, SilentReporter())
    assert (again.documents, again.lexemes) == (30, status.lexemes)


def test_the_statements_shown_make_what_build_makes(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    tables = docs.info.bm25
    assert tables is not None
    before = connection.execute(
        f"select lexeme, sign, documents from pgvista.bm25_postings_{tables.number} order by 1"
    ).fetchall()
    text = ";\n".join(query.text() for query in bm25_build.statements(docs.db, docs.info))
    connection.execute("begin")
    connection.execute(text.encode())
    shown = Bm25(0)
    after = connection.execute(
        "select lexeme, sign, documents from pgvista.bm25_postings_0 order by 1"
    ).fetchall()
    assert after == before
    connection.execute("insert into pgvista.docs (id, content) values ('new', 'zebra')")
    measured = connection.execute(bm25_sql.measure(shown).sql, {}).fetchone()
    assert measured is not None
    assert measured[0] == 31
    assert connection.execute(
        "select count(*) from pg_trigger where tgname like 'pgvista_bm25%'"
    ).fetchone() == (4,)
    connection.execute("rollback")


def test_it_can_be_stopped_while_it_waits_for_a_writer(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    docs.info = bm25.drop(docs.db, docs.info)
    connection.execute("begin")
    connection.execute("update pgvista.docs set metadata = '{}' where id = '1'")
    reporter = Stopping("waiting for writers to end")
    with pytest.raises(Cancelled):
        bm25_build.build_as_job(docs.db, docs.info, reporter)
    connection.execute("rollback")
    assert bm25_state.reread(docs.db, docs.info).bm25 is None
    assert reporter.stages[-1] == "waiting for writers to end"


def test_stopping_one_does_not_stop_the_other(
    docs: pgvista.api.Collection, connection: psycopg.Connection, database_url: str
) -> None:
    """Two people build at once: both wait for a writer, and one of them stops."""
    docs.info = bm25.drop(docs.db, docs.info)
    ended: dict[str, str] = {}

    class Patient(Stopping):
        def check(self) -> None:
            pass

    patient = Patient("")
    stopping = Stopping("waiting for writers to end")

    def build(name: str, reporter: Stopping) -> None:
        with pgvista.connect(database_url) as own:
            try:
                bm25_build.build_as_job(own.db, docs.info, reporter)
                ended[name] = "done"
            except PgvistaError as error:
                ended[name] = type(error).__name__

    connection.execute("begin")
    connection.execute("update pgvista.docs set metadata = '{}' where id = '1'")
    first = threading.Thread(target=build, args=("patient", patient))
    first.start()
    while "waiting for writers to end" not in patient.stages:
        first.join(0.05)
        assert first.is_alive(), ended
    second = threading.Thread(target=build, args=("stopped", stopping))
    second.start()
    second.join(30)
    connection.execute("commit")
    first.join(30)
    assert ended == {"patient": "done", "stopped": "Cancelled"}
    assert bm25_state.reread(docs.db, docs.info).bm25 is not None


def test_searches_go_on_while_the_words_are_counted_anew(
    docs: pgvista.api.Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the very end, when the former side tables are removed."""
    counted, go_on = threading.Event(), threading.Event()
    drop = bm25_sql.drop

    def drop_later(tables: Bm25) -> list[Query]:
        counted.set()
        assert go_on.wait(60)
        return drop(tables)

    monkeypatch.setattr(bm25_sql, "drop", drop_later)
    before = docs.search("cat mice", mode="keyword")
    assert before.hits
    building = threading.Thread(target=bm25.build, args=(docs.db, docs.info))
    building.start()
    try:
        assert counted.wait(60)
        meanwhile = docs.search("cat mice", mode="keyword")
        assert [hit.score for hit in meanwhile.hits] == [hit.score for hit in before.hits]
        assert meanwhile.notes == ()
    finally:
        go_on.set()
        building.join(60)
    after = docs.search(
        "cat mice", mode="keyword"
    )  # what is held still names the former side tables
    assert [hit.score for hit in after.hits] == [hit.score for hit in before.hits]
    assert after.notes == ()


def test_triggers_take_the_place_of_others_on_older_servers_too(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    tables = docs.info.bm25
    assert tables is not None
    for query in bm25_keep.keep(docs.info, Bm25(0), can_replace=False):
        connection.execute(query.text().encode())
    called = connection.execute(
        "select distinct tgfoid::regproc::text from pg_trigger where tgname like 'pgvista_bm25%'"
    ).fetchall()
    assert called == [("pgvista.bm25_keep_0",)]


def test_counting_a_view_can_be_stopped(
    docs: pgvista.api.Collection, connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute(
        """create view pgvista.slow as select id, content, embedding from pgvista.docs;
create function pgvista.wait(content text) returns text volatile language plpgsql as $$
begin
  if exists (select from pgvista.bm25 where relation = 'pgvista.slow'::regclass) then
    perform pg_sleep(60);
  end if;
  return content;
end $$;
create or replace view pgvista.slow as
  select id, pgvista.wait(content) as content, embedding from pgvista.docs"""
    )
    with pgvista.connect(database_url) as db:
        slow = db.collection("slow").info
        with pytest.raises(Cancelled):
            bm25_build.build_as_job(db.db, slow, StoppedOnceBegun())
        assert bm25_state.reread(db.db, slow).bm25 is None


class StoppedOnceBegun(SilentReporter):
    """A reporter that stops the work when it asks for the second time: first it has not begun."""

    asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.asked > 1:
            raise Cancelled("“Words” was cancelled.")


def test_a_role_that_does_not_own_the_table_is_told(
    docs: pgvista.api.Collection, connection: psycopg.Connection, database_url: str
) -> None:
    docs.info = bm25.drop(docs.db, docs.info)
    connection.execute("drop role if exists words_reader")
    connection.execute("create role words_reader login")
    try:
        connection.execute("grant usage on schema pgvista to words_reader")
        connection.execute("grant select on pgvista.docs, pgvista.collections to words_reader")
        reader = psycopg.conninfo.make_conninfo(database_url, user="words_reader")
        with pgvista.connect(reader) as db:
            mine = db.collection("docs").info
            with pytest.raises(
                PermissionDenied, match="may not count the words of docs"
            ) as refused:
                bm25_build.build_as_job(db.db, mine, SilentReporter())
            assert "owner" in refused.value.hint
    finally:
        connection.execute("drop owned by words_reader")
        connection.execute("drop role words_reader")
