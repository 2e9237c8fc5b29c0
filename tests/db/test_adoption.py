"""Tables that other clients made are found, with the right roles, and can be searched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.db.psql import psql_ids

import pgvista
from pgvista.errors import InvalidInput
from pgvista.model.collection import Layout, RelationKind


@pytest.fixture
def db(database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(database_url) as workbench:
        yield workbench


def ids(result: Any) -> list[str]:
    return [hit.id for hit in result.hits]


def roles(collection: pgvista.Collection) -> dict[str, str | None]:
    found = collection.info.roles
    return {
        "id": found.id,
        "content": found.content,
        "embedding": found.embedding,
        "metadata": found.metadata,
        "fts": found.fts,
    }


def test_vecs(db: pgvista.Workbench, connection: psycopg.Connection, database_url: str) -> None:
    connection.execute("create schema vecs")
    connection.execute(
        "create table vecs.docs (id varchar not null primary key, vec vector(2) not null,"
        " metadata jsonb not null default '{}'::jsonb)"
    )
    connection.execute(
        "create index ix_vector_l2_ops_hnsw_m16_efc64_1234567 on vecs.docs"
        " using hnsw (vec vector_l2_ops) with (m=16, ef_construction=64)"
    )
    connection.execute(
        "insert into vecs.docs values ('a', '[1,0]', '{\"year\": 1970}'), ('b', '[0,1]', '{}')"
    )
    docs = db.collection("vecs.docs")
    assert roles(docs) == {
        "id": "id",
        "content": None,
        "embedding": "vec",
        "metadata": "metadata",
        "fts": None,
    }
    assert (docs.info.layout, docs.info.metric, docs.dimension) == (Layout.VECS, "l2", 2)
    found = docs.search([1.0, 0.0], filters={"year": {"$gte": 1970}})
    assert ids(found) == ["a"]
    assert psql_ids(database_url, found.sql) == ["a"]
    with pytest.raises(InvalidInput, match="no text column"):
        docs.search("words", mode="keyword")
    docs.upsert([{"id": "c", "embedding": [1, 1], "metadata": {"year": 1}}])
    assert docs.delete(ids=["a"]) == 1
    assert connection.execute("select count(*) from vecs.docs").fetchone() == (2,)


def test_langchain_pgvector(
    db: pgvista.Workbench, connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute(
        "create table langchain_pg_collection (uuid uuid primary key,"
        " name varchar not null unique, cmetadata json)"
    )
    connection.execute(
        "create table langchain_pg_embedding (id varchar primary key,"
        " collection_id uuid references langchain_pg_collection on delete cascade,"
        " embedding vector, document varchar, cmetadata jsonb)"
    )
    one, two = uuid.uuid4(), uuid.uuid4()
    connection.execute(
        "insert into langchain_pg_collection values (%s, 'one'), (%s, 'two')", [one, two]
    )
    connection.cursor().executemany(
        "insert into langchain_pg_embedding values (%s, %s, %s, %s, %s)",
        [
            ("a", one, "[1,0]", "red apple", '{"n": 1}'),
            ("b", one, "[0,1]", "green apple", '{"n": 2}'),
            ("c", two, "[1,0,0]", "three numbers", '{"n": 3}'),
        ],
    )  # fmt: skip
    [docs] = db.collections()
    assert docs.name == "public.langchain_pg_embedding"
    assert roles(docs) == {
        "id": "id",
        "content": "document",
        "embedding": "embedding",
        "metadata": "cmetadata",
        "fts": None,
    }
    assert docs.dimension is None
    # vectors of several lengths in one column: those of the query's length are compared
    assert ids(docs.search([1.0, 0.0])) == ["a", "b"]
    found = docs.search([1.0, 0.0, 0.0], filters={"collection_id": str(two)})
    assert ids(found) == ["c"]
    assert psql_ids(database_url, found.sql) == ["c"]
    assert set(ids(docs.search("apple", mode="keyword"))) == {"a", "b"}
    assert ids(docs.search([1.0, 0.0], filters={"n": {"$gt": 1}})) == ["b"]


def test_langchain_pgvectorstore(
    db: pgvista.Workbench, connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute(
        "create table lc (langchain_id uuid primary key, content text not null,"
        " embedding vector(2) not null, content_tsv tsvector, author text, langchain_metadata json)"
    )
    first, second = uuid.uuid4(), uuid.uuid4()
    connection.execute(
        "insert into lc values"
        " (%s, 'red apple', '[1,0]', to_tsvector('english', 'red apple'), 'ann', '{\"n\": {\"x\": 1}}'),"
        " (%s, 'pear', '[0,1]', to_tsvector('english', 'pear'), 'bob', '{\"n\": {\"x\": 2}}')",
        [first, second],
    )
    lc = db.collection("lc")
    assert roles(lc) == {
        "id": "langchain_id",
        "content": "content",
        "embedding": "embedding",
        "metadata": "langchain_metadata",
        "fts": "content_tsv",
    }
    assert lc.info.metadata_type == "json"
    assert [column.name for column in lc.info.columns] == ["author"]
    # json, not jsonb
    found = lc.search([1.0, 0.0], filters={"n.x": {"$gte": 2}})
    assert ids(found) == [str(second)]
    assert found.hits[0].metadata == {"n": {"x": 2}}
    assert psql_ids(database_url, found.sql) == [str(second)]
    assert ids(lc.search([1.0, 0.0], filters={"author": "ann"})) == [str(first)]
    assert ids(lc.search([1.0, 0.0], filters={"langchain_id": str(first)})) == [str(first)]
    assert ids(lc.search("apples", mode="keyword")) == [str(first)]
    lc.upsert([{"id": str(first), "content": "plum", "embedding": [1, 1], "author": "zoe"}])
    [row] = lc.get([str(first)])
    assert (row.content, row.columns["author"]) == ("plum", "zoe")


def test_llamaindex(
    db: pgvista.Workbench, connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute(
        "create table data_notes (id bigserial primary key, text varchar not null,"
        " metadata_ json, node_id varchar, embedding vector(2), text_search_tsv tsvector"
        " generated always as (to_tsvector('english', text)) stored)"
    )
    connection.execute(
        "insert into data_notes (text, metadata_, node_id, embedding) values"
        " ('red apples', '{\"k\": \"v\"}', 'n1', '[1,0]'), ('pear', null, 'n2', '[0,1]'),"
        " ('no vector', null, 'n3', null)"
    )
    notes = db.collection("data_notes")
    assert roles(notes) == {
        "id": "id",
        "content": "text",
        "embedding": "embedding",
        "metadata": "metadata_",
        "fts": "text_search_tsv",
    }
    assert (notes.info.key_type, notes.info.text_config) == ("bigint", "english")
    assert [column.name for column in notes.info.columns] == ["node_id"]
    found = notes.search([1.0, 0.0])
    assert ids(found) == ["1", "2"]
    assert psql_ids(database_url, found.sql) == ["1", "2"]
    assert found.hits[1].metadata == {}
    assert ids(notes.search("apple", mode="keyword")) == ["1"]
    assert ids(notes.search([1.0, 0.0], filters={"k": "v"})) == ["1"]
    assert ids(notes.search([1.0, 0.0], filters={"id": {"$in": ["2"]}})) == ["2"]
    assert [row.content for row in notes.get(["2"])] == ["pear"]
    assert notes.delete(ids=["2"]) == 1


def test_haystack(db: pgvista.Workbench, connection: psycopg.Connection) -> None:
    connection.execute(
        "create table haystack_documents (id varchar(128) primary key,"
        " embedding vector(2), content text, blob_data bytea, blob_meta jsonb,"
        " blob_mime_type varchar(255), meta jsonb)"
    )
    connection.execute(
        "create index haystack_keyword_index on haystack_documents"
        " using gin (to_tsvector('english', content))"
    )
    connection.execute(
        "insert into haystack_documents (id, embedding, content, meta) values"
        " ('h1', '[1,0]', 'red apples', '{\"year\": 2020}'), ('h2', '[0,1]', 'pear', null)"
    )
    docs = db.collection("haystack_documents")
    assert roles(docs) == {
        "id": "id",
        "content": "content",
        "embedding": "embedding",
        "metadata": "meta",
        "fts": None,
    }
    assert ids(docs.search([1.0, 0.0])) == ["h1", "h2"]
    assert ids(docs.search("apple", mode="keyword")) == ["h1"]
    assert ids(docs.search([1.0, 0.0], filters={"year": 2020})) == ["h1"]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (
            "id bigint primary key generated always as identity, content text,"
            " fts tsvector generated always as (to_tsvector('english', content)) stored,"
            " embedding vector(2)",
            {"content": "content", "metadata": None, "fts": "fts"},
        ),
        (
            "id bigint primary key generated always as identity, title text, body text,"
            " embedding vector(2)",
            {"content": "body", "metadata": None, "fts": None},
        ),
        (
            "id bigserial primary key, content text, metadata jsonb, embedding vector(2)",
            {"content": "content", "metadata": "metadata", "fts": None},
        ),
        (
            "id uuid primary key default gen_random_uuid(), content text, embedding halfvec(2)",
            {"content": "content", "metadata": None, "fts": None},
        ),
    ],
)
def test_supabase_guides(
    db: pgvista.Workbench,
    connection: psycopg.Connection,
    definition: str,
    expected: dict[str, str | None],
) -> None:
    connection.execute(f"create table documents ({definition})".encode())
    words = expected["content"]
    connection.execute(
        f"insert into documents ({words}, embedding) values"
        " ('red apples', '[1,0]'), ('pear', '[0,1]')".encode()
    )
    docs = db.collection("documents")
    assert roles(docs) == {"id": "id", "embedding": "embedding", **expected}
    assert [hit.content for hit in docs.search([1.0, 0.0]).hits] == ["red apples", "pear"]
    assert [hit.content for hit in docs.search("apple", mode="keyword").hits] == ["red apples"]


def test_a_table_without_a_key(
    db: pgvista.Workbench, connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute("create table keyless (note text, vec vector(2))")
    connection.execute("insert into keyless values ('red apple', '[1,0]'), ('pear', '[0,1]')")
    keyless = db.collection("keyless")
    assert roles(keyless)["id"] is None
    assert not keyless.info.writable
    found = keyless.search([1.0, 0.0])
    assert [hit.content for hit in found.hits] == ["red apple", "pear"]
    assert ids(found) == ["(0,1)", "(0,2)"]
    assert psql_ids(database_url, found.sql) == ids(found)
    assert [hit.content for hit in keyless.search("apple", mode="keyword").hits] == ["red apple"]
    assert keyless.count() == 2
    with pytest.raises(InvalidInput, match="without a key"):
        keyless.upsert([{"id": "x", "embedding": [1, 1]}])
    index = keyless.create_index("hnsw")
    assert index.valid


def test_a_key_of_two_columns_is_no_id(
    db: pgvista.Workbench, connection: psycopg.Connection
) -> None:
    connection.execute("create table pairs (a int, b int, vec vector(2), primary key (a, b))")
    connection.execute("insert into pairs values (1, 1, '[1,0]'), (1, 2, '[0,1]')")
    pairs = db.collection("pairs")
    assert roles(pairs)["id"] is None
    assert len(pairs.search([1.0, 0.0]).hits) == 2


def test_a_materialised_view(
    db: pgvista.Workbench, connection: psycopg.Connection, database_url: str
) -> None:
    connection.execute("create table base (id int primary key, txt text, vec vector(2))")
    connection.execute("insert into base values (1, 'red apple', '[1,0]'), (2, 'pear', '[0,1]')")
    connection.execute("create materialized view seen as select * from base")
    seen = db.collection("seen")
    assert seen.info.kind is RelationKind.MATVIEW
    assert not seen.info.writable
    assert [hit.content for hit in seen.search([0.0, 1.0]).hits] == ["pear", "red apple"]
    with pytest.raises(InvalidInput, match="materialised view"):
        seen.upsert([{"id": "3", "embedding": [1, 1]}])
    connection.execute("create unique index on seen (id)")
    keyed = db.collection("seen")
    assert roles(keyed)["id"] == "id"
    found = keyed.search([0.0, 1.0])
    assert ids(found) == ["2", "1"]
    assert psql_ids(database_url, found.sql) == ["2", "1"]
    assert keyed.create_index("hnsw").valid
    assert not keyed.info.writable


def test_views_and_partitions(db: pgvista.Workbench, connection: psycopg.Connection) -> None:
    connection.execute(
        "create table parted (id int, txt text, vec vector(2), primary key (id))"
        " partition by hash (id)"
    )
    for part in range(2):
        connection.execute(
            f"create table parted_{part} partition of parted for values"
            f" with (modulus 2, remainder {part})".encode()
        )
    connection.execute("create view looked as select id, txt, vec from parted where id > 1")
    parted = db.collection("parted")
    assert parted.info.kind is RelationKind.PARTITIONED
    parted.upsert([{"id": str(n), "content": f"text {n}", "embedding": [1, n]} for n in range(4)])
    assert ids(parted.search([1.0, 0.0])) == ["0", "1", "2", "3"]
    looked = db.collection("looked")
    assert looked.info.kind is RelationKind.VIEW
    assert [hit.content for hit in looked.search([1.0, 0.0]).hits] == ["text 2", "text 3"]
    assert [item.name for item in db.collections()] == ["public.looked", "public.parted"]


def test_other_indexes_tell_the_metric(
    db: pgvista.Workbench, connection: psycopg.Connection
) -> None:
    for opclass, metric in (
        ("vector_cosine_ops", "cosine"),
        ("vector_l2_ops", "l2"),
        ("vector_ip_ops", "inner_product"),
        ("vector_l1_ops", "l1"),
    ):
        table = f"by_{metric}"
        made = sql.Identifier(table)
        connection.execute(
            sql.SQL("create table {} (id int primary key, vec vector(2))").format(made)
        )
        connection.execute(
            sql.SQL("create index on {} using hnsw (vec {})").format(made, sql.Identifier(opclass))
        )
        assert db.collection(table).info.metric == metric
