"""Whether BM25's statistics are in step: what is noticed, by whom, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest

import pgvista
from pgvista.services import bm25, bm25_state
from pgvista.sql import bm25_keep
from pgvista.sql.query import Query, compose

TEXTS = {"cats": "The cat chases a mouse", "dogs": "A dog barks at dogs", "both": "cat and dog"}


@pytest.fixture
def docs(database_url: str) -> Iterator[pgvista.api.Collection]:
    with pgvista.connect(database_url) as db:
        made = db.create_collection("docs", dimension=3)
        made.upsert(
            {"id": key, "content": text, "embedding": [1, 2, 3]} for key, text in TEXTS.items()
        )
        yield made


def write_past_triggers(
    connection: psycopg.Connection, statement: LiteralString, *values: str
) -> None:
    """Write as a replica does, and have the server count it at once."""
    connection.execute("set session_replication_role = replica")
    connection.execute(statement, values or None)
    connection.execute("reset session_replication_role")
    connection.execute("select pg_stat_force_next_flush()")


def same(docs: pgvista.api.Collection, query: str) -> None:
    """A search by words finds what statistics built anew find."""
    scores = {hit.id: hit.score for hit in docs.search(query, mode="keyword").hits}
    docs.info = bm25.build(docs.db, docs.info)
    assert scores == {hit.id: hit.score for hit in docs.search(query, mode="keyword").hits}


def test_a_trigger_switched_off_is_noticed_and_mended(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    connection.execute("alter table pgvista.docs disable trigger pgvista_bm25_insert")
    connection.execute("insert into pgvista.docs (id, content) values ('x', 'unseen zebra')")
    nothing = docs.search("zebra", mode="keyword")
    assert not nothing.hits
    assert "stale: A trigger that counts words is off" in nothing.notes[-1]
    docs.info = bm25_state.reread(docs.db, docs.info)
    assert docs.info.bm25 is not None
    assert not docs.info.bm25.kept
    state = bm25_state.status(docs.db, docs.info)
    assert state.state == "stale"
    assert "4 rows have words, and 3 are counted" in state.reason
    docs.info = bm25.refresh(docs.db, docs.info)
    assert docs.info.bm25 is not None
    assert docs.info.bm25.kept
    same(docs, "zebra cat")


def test_a_trigger_that_was_off_for_a_while_is_noticed(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    connection.execute("alter table pgvista.docs disable trigger pgvista_bm25_update")
    connection.execute("update pgvista.docs set content = 'a gnu' where id = 'cats'")
    connection.execute("alter table pgvista.docs enable trigger pgvista_bm25_update")
    told = docs.search("cat", mode="keyword").notes[-1]
    assert "stale: A trigger that counts words is off, or was off or made anew since" in told
    state = bm25_state.status(docs.db, docs.info)
    assert state.state == "stale"
    docs.info = bm25.refresh(docs.db, docs.info)
    assert bm25_state.status(docs.db, docs.info).state == "in step"
    assert docs.search("cat", mode="keyword").notes == ()
    same(docs, "gnu cat")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("an unseen gnu", "words are in the rows, each once a row"),
        ("The gnu chases a mouse", "1 row has other words than are counted"),
        ("A mouse chases the cat: cat", "1 row has other words than are counted"),
    ],
    ids=["fewer words", "another word", "another number of one"],
)
def test_a_text_that_no_trigger_saw_changed_is_noticed(
    docs: pgvista.api.Collection, connection: psycopg.Connection, text: str, told: str
) -> None:
    assert docs.search("dog", mode="keyword").notes == ()
    write_past_triggers(connection, "update pgvista.docs set content = %s where id = 'cats'", text)
    nothing = docs.search("gnu", mode="keyword")
    assert not nothing.hits
    if "gnu" in text:
        assert told in nothing.notes[-1]
    state = bm25_state.status(docs.db, docs.info)
    assert state.state == "stale"
    assert told in state.reason
    docs.info = bm25.refresh(docs.db, docs.info)
    mended = bm25_state.status(docs.db, docs.info)
    assert (mended.state, mended.word_for_word) == ("in step", True)
    same(docs, "gnu cat")


def test_two_texts_swapped_past_triggers_are_noticed(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    write_past_triggers(
        connection,
        """update pgvista.docs as d set content = o.content from pgvista.docs as o
where d.id in ('cats', 'dogs') and o.id in ('cats', 'dogs') and o.id <> d.id""",
    )
    assert "2 rows have other words" in bm25_state.status(docs.db, docs.info).reason


def test_a_search_with_hits_notices_what_was_written_since(
    docs: pgvista.api.Collection,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bm25_state, "_LOOK_SHARE", 0)
    assert docs.search("dog", mode="keyword").notes == ()
    write_past_triggers(
        connection, "insert into pgvista.docs (id, content) values ('late', 'another dog')"
    )
    found = docs.search("dog", mode="keyword")
    assert {hit.id for hit in found.hits} == {"dogs", "both"}
    assert "4 rows have words, and 3 are counted" in found.notes[-1]
    docs.info = bm25.refresh(docs.db, docs.info)
    assert docs.search("dog", mode="keyword").notes == ()


def test_rows_are_not_looked_at_again_before_something_was_written(
    docs: pgvista.api.Collection,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bm25_state, "_LOOK_SHARE", 0)
    connection.execute("select pg_stat_force_next_flush()")
    looks: list[str] = []
    looking = bm25_state._compared

    def counted(*given: Any, **more: Any) -> Any:
        looks.append("a look")
        return looking(*given, **more)

    monkeypatch.setattr(bm25_state, "_compared", counted)
    docs.search("dog", mode="keyword")
    before = len(looks)
    for _ in range(3):
        docs.search("dog", mode="keyword")
    assert len(looks) == before
    monkeypatch.setattr(bm25_state, "_LOOK_SHARE", 10**9)
    write_past_triggers(connection, "update pgvista.docs set content = 'dog' where id = 'dogs'")
    docs.search("dog", mode="keyword")
    assert len(looks) == before + 1
    write_past_triggers(connection, "update pgvista.docs set content = 'a dog' where id = 'dogs'")
    docs.search("dog", mode="keyword")
    assert len(looks) == before + 1  # not that soon


def test_many_words_are_compared_when_asked(
    docs: pgvista.api.Collection,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bm25_state, "WORD_FOR_WORD", 3)
    write_past_triggers(
        connection, "update pgvista.docs set content = 'the dog hunts a mouse' where id = 'cats'"
    )
    quick = bm25_state.status(docs.db, docs.info)
    assert (quick.state, quick.word_for_word) == ("in step", False)
    assert "as many" in quick.reason
    slow = bm25_state.status(docs.db, docs.info, thorough=True)
    assert (slow.state, slow.word_for_word) == ("stale", True)
    docs.info = bm25.refresh(docs.db, docs.info)  # which looks at every word
    assert bm25_state.status(docs.db, docs.info, thorough=True).state == "in step"


def test_every_word_of_labelled_and_partitioned_rows_is_compared(
    database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        """create table public.papers (id int primary key, title text, content text,
  embedding vector(2), fts tsvector generated always as (
    setweight(to_tsvector('english', title), 'A') || to_tsvector('english', content)) stored
) partition by range (id)"""
    )
    connection.execute("create table papers_1 partition of papers for values from (0) to (10)")
    connection.execute("create table papers_2 partition of papers default")
    connection.execute(
        """insert into papers values (1, 'cats', 'about dogs and cats', '[1,2]'),
  (11, 'dogs', 'about cats', '[1,2]'), (12, '', '', '[1,2]'), (13, 'the', 'of', '[1,2]')"""
    )
    with pgvista.connect(database_url) as db:
        papers = db.collection("public.papers")
        papers.info = bm25.build(db.db, papers.info)
        status = bm25_state.status(db.db, papers.info)
        assert (status.state, status.word_for_word) == ("in step", True)
        connection.execute("update papers set content = 'about birds' where id = 11")
        connection.execute("delete from papers where id = 1")
        assert bm25_state.status(db.db, papers.info).state == "in step"
        assert papers.search("birds", mode="keyword").notes == ()
        write_past_triggers(
            connection, "update papers set title = 'birds', content = 'about dogs' where id = 11"
        )
        status = bm25_state.status(db.db, papers.info)
        assert "1 row has other words" in status.reason  # the same words, with other labels


def test_a_view_whose_every_word_is_counted_is_in_step(
    docs: pgvista.api.Collection, database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "create view pgvista.seen as select id, content, fts, embedding from pgvista.docs"
    )
    with pgvista.connect(database_url) as db:
        seen = db.collection("seen")
        seen.info = bm25.build(db.db, seen.info)
        state = bm25_state.status(db.db, seen.info)
        assert state.state == "in step"
        connection.execute("update pgvista.docs set content = 'a bird' where id = 'cats'")
        assert bm25_state.status(db.db, seen.info).state == "stale"


@pytest.mark.usefixtures("docs")
def test_a_role_that_sees_some_rows_is_not_told_that_words_are_missing(
    some_rows_url: Callable[[str], str],
) -> None:
    with pgvista.connect(some_rows_url("both")) as db:
        mine = db.collection("docs")
        for query in ("cat", "mouse", "zebra"):
            assert not any("stale" in n for n in mine.search(query, mode="keyword").notes)
        state = bm25_state.status(db.db, mine.info)
        assert state.state == "in step"
        assert "does not see all rows" in state.reason


def test_words_that_take_too_long_to_compare_are_told(
    docs: pgvista.api.Collection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGVISTA_STATEMENT_TIMEOUT", "300")
    monkeypatch.setattr(bm25_state, "WORD_FOR_WORD", 3)
    slow = Query(compose("select pg_sleep(5)"))
    monkeypatch.setattr(bm25_keep, "count_differing", lambda *_: slow)
    with pgvista.connect(database_url) as db:
        status = bm25_state.status(db.db, db.collection("docs").info, thorough=True)
    assert (status.state, status.word_for_word) == ("in step", False)
    assert "as many as are counted. Not every word was compared." in status.reason


def test_an_entry_of_before_triggers_were_noted(
    docs: pgvista.api.Collection, connection: psycopg.Connection
) -> None:
    connection.execute("update pgvista.bm25 set fingerprint = '16384:7'")
    docs.info = bm25_state.reread(docs.db, docs.info)
    assert docs.info.bm25 is not None
    assert docs.info.bm25.kept
    assert bm25_state.status(docs.db, docs.info).state == "in step"
    assert docs.search("cat", mode="keyword").notes == ()
    connection.execute("alter table pgvista.docs disable trigger pgvista_bm25_delete")
    assert "stale" in docs.search("cat", mode="keyword").notes[-1]
