"""Search by the index of an extension for BM25: found, used, filtered, fused, and gone again.

The extensions are stand-ins; see `bm25_standins` for what that proves and what it does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.db.bm25_standins import standins, without_options

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.search import KeywordRank, Mode, SearchRequest
from pgvista.services import bm25_extensions
from pgvista.services.search import search
from pgvista.sql import bm25_extensions as extension_sql

NAMES = extension_sql.NAMES
ROWS = {
    "long": "the cat sat on the mat beside the other cat and looked at a cat in the mirror",
    "middle": "a cat and a dog on one mat",
    "short": "one cat",
    "other": "rain",
}
BY_LENGTH = ["short", "middle", "long"]
"""What the stand-ins find for "cat": the order of their scores, which is not that of BM25."""


@pytest.fixture
def server(database_url: str) -> Iterator[Workbench]:
    with standins(database_url), pgvista.connect(database_url) as opened:
        docs = opened.create_collection("docs", dimension=2, text_config="simple")
        docs.upsert(
            [
                {"id": key, "content": text, "embedding": [1, place], "metadata": {"n": place}}
                for place, (key, text) in enumerate(ROWS.items())
            ]
        )
        yield opened


def of(server: Workbench, name: str) -> bm25_extensions.Extension:
    return next(item for item in bm25_extensions.found(server.db) if item.name == name)


def index(server: Workbench, url: str, name: str) -> Collection:
    """Install an extension, and index the collection's text by it."""
    docs = server.collection("docs").info
    with psycopg.connect(url, autocommit=True) as session:
        for query in bm25_extensions.making(of(server, name), docs):
            session.execute(without_options(query.text()).encode())
    return server.collection("docs")


def ids(collection: Collection, text: str = "cat", **knobs: Any) -> list[str]:
    found = collection.search(text, **({"mode": "keyword", "rank": "extension"} | knobs))
    return [hit.id for hit in found.hits]


def test_they_are_available_and_then_installed(server: Workbench, database_url: str) -> None:
    assert {(item.standing, item.may_install) for item in bm25_extensions.found(server.db)} == {
        ("available", True)
    }
    assert of(server, "pg_textsearch").available == "1.4.0"
    assert server.collection("docs").info.bm25_index is None
    made = index(server, database_url, "pg_textsearch").info.bm25_index
    assert made is not None
    assert (made.extension, made.name, made.extension_schema, made.version) == (
        "pg_textsearch", "docs_bm25_idx", "public", "1.4.0",
    )  # fmt: skip
    assert [item.standing for item in bm25_extensions.found(server.db)] == [
        "installed", "available", "available",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_hits_come_in_the_order_of_its_scores(
    server: Workbench, database_url: str, name: str
) -> None:
    docs = index(server, database_url, name)
    assert ids(docs, rank="bm25") != BY_LENGTH
    result = docs.search("cat", mode="keyword", rank="extension")
    assert [hit.id for hit in result.hits] == BY_LENGTH
    assert not result.notes
    scores = [hit.keyword_score for hit in result.hits]
    words = name == "vchord_bm25"
    assert scores == [
        1000 - (len(ROWS[row].split()) if words else len(ROWS[row])) for row in BY_LENGTH
    ]
    assert ids(docs, limit=2) == BY_LENGTH[:2]
    assert ids(docs, filters={"n": {"$lt": 2}}) == ["middle", "long"]
    assert ids(docs, "dog cat", match="all") == ["middle"]
    assert ids(docs, "one cat", match="phrase") == ["short"]
    assert ids(docs, "nowhere") == []
    assert docs.info.columns == ()
    both = SearchRequest(
        Mode.HYBRID, "cat", vector=(1.0, 0.0), keyword_rank=KeywordRank.EXTENSION, lists=True
    )
    lists = search(server.db, docs.info, both).lists
    assert lists is not None
    assert [row_id for row_id, _ in lists.keyword] == BY_LENGTH
    # pg_textsearch has the formula and the lexemes of the side tables; the others have their own
    assert (lists.covering is not None) == (name == "pg_textsearch")


@pytest.mark.parametrize("name", NAMES)
def test_the_shown_sql_is_the_run_sql_and_takes_any_text(
    server: Workbench, database_url: str, name: str
) -> None:
    docs = index(server, database_url, name)
    shown = docs.search("cat", mode="keyword", rank="extension").sql
    alone = extension_sql.search(name, docs.info, "cat", 2).text()
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(shown.encode())
        rows = session.execute(alone.encode()).fetchall()
    assert [row[0] for row in rows] == BY_LENGTH[:2]
    for text in ('it\'s "100 %s" \\ ; --', "nul\0 dove", "katze " * 2000, "!?"):
        assert ids(docs, text) == []
        assert ids(docs, f"{text} cat") == BY_LENGTH


def test_new_rows_are_found(server: Workbench, database_url: str) -> None:
    docs = index(server, database_url, "vchord_bm25")
    docs.upsert([{"id": "new", "content": "cat", "embedding": [2, 2]}])
    docs.upsert([{"id": "short", "content": "no more", "embedding": [2, 2]}])
    assert ids(docs) == ["new", "middle", "long"]


def test_no_index_and_an_index_that_went_are_told(server: Workbench, database_url: str) -> None:
    bare = server.collection("docs")
    assert (
        "no index of an extension" in bare.search("cat", rank="extension", mode="keyword").notes[0]
    )
    docs = index(server, database_url, "pg_textsearch")
    made = docs.info.bm25_index
    assert made is not None
    bm25_extensions.drop(server.db, docs.info, made)
    result = docs.search("cat", mode="keyword", rank="extension")
    assert result.notes == (
        "Ranked by pgvista's own BM25, since docs has no index of an extension for BM25.",
    )
    assert [hit.id for hit in result.hits] == ids(docs, rank="bm25")
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("drop extension pg_textsearch cascade")
    assert len(docs.search("cat", mode="keyword", rank="extension").notes) == 1


def test_what_an_extension_cannot_match_is_told(server: Workbench, database_url: str) -> None:
    docs = index(server, database_url, "pg_textsearch")
    for match in ("prefix", "near"):
        result = docs.search("cat", mode="keyword", rank="extension", match=match)
        assert [hit.id for hit in result.hits] == BY_LENGTH
        assert "pg_textsearch takes words as they are" in result.notes[0]


def test_another_language_is_ranked_otherwise_and_told(
    server: Workbench, database_url: str
) -> None:
    docs = index(server, database_url, "pg_textsearch")
    result = docs.search("cats", mode="keyword", rank="extension", text_config="english")
    assert len(result.hits) == 3
    assert "is in one language" in result.notes[0]
    assert "Ranked by ts_rank" in result.notes[1]


def test_what_makes_an_index_is_run_whole_or_not_at_all(
    server: Workbench, database_url: str
) -> None:
    docs = server.collection("docs").info
    bm25_extensions.make(server.db, docs, of(server, "vchord_bm25"))
    assert ids(server.collection("docs")) == BY_LENGTH
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("drop extension vchord_bm25 cascade")
    # the stand-in knows no options: all of the statement but these is understood
    with pytest.raises(InvalidInput, match='unrecognized parameter "text_config"'):
        bm25_extensions.make(server.db, docs, of(server, "pg_textsearch"))
    assert of(server, "pg_textsearch").standing == "available"


@pytest.mark.parametrize("name", NAMES)
def test_an_index_is_dropped_whole_and_made_again(
    server: Workbench, database_url: str, name: str
) -> None:
    def left() -> list[Any]:
        with psycopg.connect(database_url) as session:
            return session.execute(
                """select attname from pg_attribute
where attrelid = 'pgvista.docs'::regclass and attnum > 0 and not attisdropped
union select tgname from pg_trigger where tgrelid = 'pgvista.docs'::regclass
union select proname from pg_proc where pronamespace = 'pgvista'::regnamespace order by 1"""
            ).fetchall()

    before = left()
    docs = index(server, database_url, name)
    assert docs.info.bm25_index is not None
    bm25_extensions.drop(server.db, docs.info, docs.info.bm25_index)
    assert left() == before
    again = index(server, database_url, name)
    assert ids(again) == BY_LENGTH
    other = server.create_collection("other", dimension=2, text_config="simple")
    with psycopg.connect(database_url, autocommit=True) as session:
        for query in bm25_extensions.making(of(server, name), other.info):
            session.execute(without_options(query.text()).encode())
    assert server.collection("other").info.bm25_index is not None


def test_who_may_not_is_told(server: Workbench, database_url: str) -> None:
    role = f"reader_{os.getpid()}"
    index(server, database_url, "pg_textsearch")
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(
            f"create role {role} login; grant usage on schema pgvista to {role}; "
            f"grant select on pgvista.docs to {role}"
        )
        try:
            with pgvista.connect(psycopg.conninfo.make_conninfo(database_url, user=role)) as reader:
                assert [item.may_install for item in bm25_extensions.found(reader.db)] == [
                    False
                ] * 3
                docs = reader.collection("docs")
                assert ids(docs) == BY_LENGTH
                made = docs.info.bm25_index
                assert made is not None
                with pytest.raises(PgvistaError, match="owner"):
                    bm25_extensions.drop(reader.db, docs.info, made)
        finally:
            session.execute(f"drop owned by {role}; drop role {role}")


def test_an_index_of_something_else_is_not_offered(server: Workbench, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("create extension pg_textsearch")
        session.execute("create index on pgvista.docs using bm25 (content) where id <> 'rain'")
        session.execute("create index on pgvista.docs using bm25 (lower(content))")
        session.execute("create index on pgvista.docs using bm25 (id)")
        assert server.collection("docs").info.bm25_index is None
        session.execute("create index on pgvista.docs using bm25 (content)")
        assert server.collection("docs").info.bm25_index is not None


def test_the_first_index_of_the_text_is_taken(server: Workbench, database_url: str) -> None:
    docs = index(server, database_url, "pg_textsearch")
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute('create index "A; ""odd"" %s" on pgvista.docs using bm25 (content)')
        session.execute("drop index pgvista.docs_bm25_idx")
    docs = server.collection("docs")
    assert docs.info.bm25_index is not None
    assert docs.info.bm25_index.name == 'A; "odd" %s'
    assert ids(docs) == BY_LENGTH
