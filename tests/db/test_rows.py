"""Pages of rows, and single rows added, changed and deleted, on a real table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.db.loading import DIMENSION, WordEmbedder, jsonl

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import InvalidInput, NotFound, ReadOnly
from pgvista.model.collection import Collection, Column, NewCollection
from pgvista.model.filters import parse_filter
from pgvista.model.rows import ColumnMapping, Row
from pgvista.services import collections, rows
from pgvista.services.load import load_file
from pgvista.sql.rows import COUNT_LIMIT, PageRequest

ODD = 'a "key"; -- %s'


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


@pytest.fixture
def words() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def docs(db: Database, words: WordEmbedder) -> Collection:
    """Sixty texts with a typed column, and metadata of several types."""
    new = NewCollection(
        "docs", model="words", dimension=DIMENSION, columns=(Column("size", "bigint"),)
    )
    items = [
        {"id": f"d{n:02}", "text": f"text {n}", "size": (n * 7) % 60, "year": 1960 + n, ODD: n % 3}
        for n in range(60)
    ]
    mapping = ColumnMapping(
        id="id", content="text", metadata=("year", ODD), structured={"size": "size"}
    )
    report = load_file(db, jsonl(items), mapping, collection=new, embedder=words)
    assert report.written == 60
    return collections.open_collection(db, "docs")


def ids(db: Database, collection: Collection, **request: Any) -> list[str]:
    return [row.id for row in rows.page(db, collection, PageRequest(**request)).rows]


class TestPages:
    def test_each_row_stands_on_one_page(self, db: Database, docs: Collection) -> None:
        seen = [row for page in range(3) for row in ids(db, docs, limit=25, offset=25 * page)]
        assert seen == [f"d{n:02}" for n in range(60)]
        assert ids(db, docs, limit=25, offset=75) == []

    @pytest.mark.parametrize(
        ("sort", "key"),
        [
            ("size", lambda n: (n * 7) % 60),
            ("year", lambda n: n),
            ("content", lambda n: f"text {n}"),
            (ODD, lambda n: (n % 3, n)),
        ],
    )
    def test_sort(self, db: Database, docs: Collection, sort: str, key: Any) -> None:
        wanted = [f"d{n:02}" for n in sorted(range(60), key=key)]
        assert ids(db, docs, limit=100, sort=sort) == wanted
        if sort != ODD:
            assert ids(db, docs, limit=100, sort=sort, descending=True) == wanted[::-1]

    def test_filter_and_total(self, db: Database, docs: Collection) -> None:
        filters = parse_filter({"year": {"$gte": 2000}, ODD: 1})
        found = rows.page(db, docs, PageRequest(limit=5, filters=filters))
        wanted = [n for n in range(60) if 1960 + n >= 2000 and n % 3 == 1]
        assert [row.id for row in found.rows] == [f"d{n:02}" for n in wanted[:5]]
        assert (found.total, found.total_exact) == (len(wanted), True)
        assert "2000" in found.sql

    def test_total_of_a_large_table_is_not_counted_to_the_end(
        self, db: Database, docs: Collection
    ) -> None:
        with db.transaction() as connection:
            connection.execute(
                "insert into pgvista.docs (id, content) "
                "select 'x' || n, 'filler' from generate_series(1, %s) as n",
                [COUNT_LIMIT],
            )
        found = rows.page(db, docs, PageRequest(limit=25, offset=90_000))
        assert (found.total, found.total_exact) == (COUNT_LIMIT, False)
        assert len(found.rows) == 25

    def test_view_can_be_read_and_not_written(self, db: Database, docs: Collection) -> None:
        with db.transaction() as connection:
            connection.execute(
                "create view pgvista.seen as select content, embedding from pgvista.docs"
            )
        seen = collections.open_collection(db, "seen")
        assert len(rows.page(db, seen, PageRequest(limit=25)).rows) == 25
        assert not seen.writable
        with pytest.raises(InvalidInput, match="view without a key"):
            rows.add(db, seen, Row("a", "text"))


class TestEdit:
    def test_changed_text_is_embedded_again(
        self, db: Database, docs: Collection, words: WordEmbedder
    ) -> None:
        words.texts.clear()
        row = Row("d05", "another text", {"year": 5}, columns={"size": 1})
        rows.edit(db, docs, row, embedder=words)
        assert words.texts == ["another text"]
        [stored] = rows.get(db, docs, ["d05"])
        assert (stored.content, stored.metadata) == ("another text", {"year": 5})
        assert stored.columns == {"size": 1}
        assert stored.embedding is not None
        assert np.array_equal(stored.embedding, words.embed_query("another text"))

    def test_changed_metadata_alone_is_not(
        self, db: Database, docs: Collection, words: WordEmbedder
    ) -> None:
        words.texts.clear()
        rows.edit(db, docs, Row("d05", "text 5", {}, columns={"size": None}), embedder=words)
        assert words.texts == []
        [stored] = rows.get(db, docs, ["d05"])
        assert (stored.metadata, stored.columns) == ({}, {"size": None})

    def test_own_vector_stays_when_metadata_changes(self, db: Database) -> None:
        own = collections.create(db, NewCollection("own", dimension=3))
        rows.add(db, own, Row("a", "t", {}, np.array([1, 2, 3], np.float32)))
        rows.edit(db, own, Row("a", "t", {"k": 1}))
        [stored] = rows.get(db, own, ["a"])
        assert stored.metadata == {"k": 1}
        assert stored.embedding is not None
        assert stored.embedding.tolist() == [1, 2, 3]
        with pytest.raises(InvalidInput, match="no model"):
            rows.edit(db, own, Row("a", "another", {}))

    def test_deleted_meanwhile(self, db: Database, docs: Collection, words: WordEmbedder) -> None:
        rows.delete(db, docs, ids=["d05"])
        with pytest.raises(NotFound, match="'d05' is not in docs any more"):
            rows.edit(db, docs, Row("d05", "text"), embedder=words)

    def test_refused_row_is_told_by_its_reason(
        self, db: Database, docs: Collection, words: WordEmbedder
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            rows.edit(db, docs, Row("d05", "half\0way"), embedder=words)
        assert refused.value.message == "The row holds a NUL byte, which Postgres cannot store."
        assert rows.get(db, docs, ["d05"])[0].content == "text 5"


class TestAdd:
    def test_with_and_without_an_id(
        self, db: Database, docs: Collection, words: WordEmbedder
    ) -> None:
        rows.add(db, docs, Row("new", "a text"), embedder=words)
        rows.add(db, docs, Row("", "one more"), embedder=words)
        assert rows.count(db, docs) == 62
        with pytest.raises(InvalidInput, match="There is a row 'new' already"):
            rows.add(db, docs, Row("new", "again"), embedder=words)

    def test_read_only(self, database_url: str, docs: Collection, words: WordEmbedder) -> None:
        locked = Database(target_from_url(database_url, read_only=True))
        try:
            with pytest.raises(ReadOnly):
                rows.add(locked, docs, Row("new", "a text"), embedder=words)
            with pytest.raises(ReadOnly):
                rows.delete(locked, docs, ids=["d01"])
            assert rows.count(locked, docs) == 60
        finally:
            locked.close()


class TestDelete:
    def test_by_id_and_by_filter(self, db: Database, docs: Collection) -> None:
        assert rows.delete(db, docs, ids=["d01", "d02", "not there"]) == 2
        assert rows.delete(db, docs, filters=parse_filter({"year": {"$gte": 2010}})) == 10
        assert rows.count(db, docs) == 48

    def test_everything_by_mistake_is_refused(self, db: Database, docs: Collection) -> None:
        for nothing in ("{}", ""):
            with pytest.raises(InvalidInput, match="Say which rows"):
                rows.delete(db, docs, filters=parse_filter(nothing))
        with pytest.raises(InvalidInput):
            rows.delete(db, docs, filters=parse_filter('{"$and": []}'))
        assert rows.count(db, docs) == 60


def test_metadata_keys(db: Database, docs: Collection, words: WordEmbedder) -> None:
    rows.add(db, docs, Row("new", "a text", {"rare": ["x"]}), embedder=words)
    assert rows.metadata_keys(db, docs) == [(ODD, "number"), ("year", "number"), ("rare", "array")]


def test_a_metadata_key_with_a_dot_in_its_name_is_sorted_by(db: Database) -> None:
    dotted = collections.create(db, NewCollection("dotted", dimension=DIMENSION))
    vector = np.ones(DIMENSION, dtype=np.float32)
    for place, key in enumerate("xyz"):
        row = Row(id=key, embedding=vector, metadata={"a.b": place, "a": {"b": -place}})
        rows.add(db, dotted, row)
    assert sorted(name for name, _ in rows.metadata_keys(db, dotted)) == ["a", r"a\.b"]
    for sort, expected in ((r"a\.b", ["x", "y", "z"]), ("a.b", ["z", "y", "x"])):
        found = rows.page(db, dotted, PageRequest(sort=sort))
        assert [row.id for row in found.rows] == expected
