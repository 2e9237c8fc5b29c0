"""The Python face on a real server: connect, create, write, count, delete, drop, and names."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql
from tests.db.psql import psql_ids

import pgvista
from pgvista.embed.registry import DEFAULT_MODEL, get_embedder
from pgvista.errors import (
    Conflict,
    ConnectionFailed,
    ExtensionMissing,
    InvalidInput,
    NotFound,
    PermissionDenied,
    ReadOnly,
)


@pytest.fixture
def db(database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(database_url) as workbench:
        yield workbench


def ids(result: Any) -> list[str]:
    return [hit.id for hit in result.hits]


# -- connect


def test_connect_without_a_url_leads_to_the_embedded_server(
    embedded_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGVISTA_URL", raising=False)
    with pgvista.connect() as workbench:
        assert workbench.db.label == "embedded"
        assert "dbname=pgvista" in workbench.url
        assert str(data_dir) in workbench.url or "host=" in workbench.url


def test_connect_to_what_the_environment_names(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGVISTA_URL", database_url)
    name = database_url.split("/test_")[1].split("?")[0]
    with pgvista.connect() as workbench:
        assert f"dbname=test_{name}" in workbench.url


def test_the_url_holds_no_password(database_url: str) -> None:
    address = psycopg.conninfo.make_conninfo(database_url, password="sekret")
    with pgvista.connect(address) as workbench:
        assert "sekret" not in workbench.url + repr(workbench) + repr(workbench.db.target)
        # and it connects
        with pgvista.connect(workbench.url) as again:
            assert again.collections() == []


def test_connections_that_lead_nowhere(embedded_url: str) -> None:
    with pytest.raises(ConnectionFailed):
        pgvista.connect("postgresql://ann:sekret@127.0.0.1:1/db")
    with pytest.raises(ConnectionFailed, match="nowhere"):
        pgvista.connect(embedded_url.replace("/pgvista", "/nowhere"))
    with pytest.raises(ExtensionMissing):
        pgvista.connect(embedded_url.replace("/pgvista", "/template1"))
    with pytest.raises(InvalidInput):
        pgvista.connect("mysql://localhost/db")


def test_import_is_light() -> None:
    program = "import sys, pgvista; pgvista.connect; print(sorted({'torch','streamlit','pandas'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# -- the whole way, as DESIGN has it


def test_the_whole_way(db: pgvista.Workbench, database_url: str) -> None:
    docs = db.create_collection("docs", model="sentence-transformers/all-MiniLM-L6-v2")
    assert (docs.name, docs.model, docs.dimension) == ("docs", "all-MiniLM-L6-v2", 384)
    report = docs.upsert(
        [
            {"id": "cat", "content": "The cat chases the mouse", "metadata": {"year": 1973}},
            {"id": "ham", "content": "I like ham sandwiches", "metadata": {"year": 1999}},
            {"id": "moon", "content": "The moon is far away", "metadata": {"year": 1969}},
        ]
    )
    assert (report.read, report.written, report.embedded, report.rejected) == (3, 3, 3, 0)
    assert docs.count() == 3
    docs.create_index("hnsw", m=16, ef_construction=64)

    found = docs.search(
        "The kitten hunts rodents",
        mode="hybrid",
        limit=10,
        rrf_k=60,
        semantic_weight=1.0,
        keyword_weight=1.0,
        filters={"year": {"$gte": 1970}},
        ef_search=100,
    )
    assert ids(found) == ["cat", "ham"]
    best = found.hits[0]
    assert (best.semantic_rank, best.keyword_rank) == (1, None)
    assert best.score == pytest.approx(1 / 61)
    assert best.distance == pytest.approx(1 - 0.62, abs=0.01)
    assert (best.content, best.metadata) == ("The cat chases the mouse", {"year": 1973})
    assert psql_ids(database_url, found.sql) == ["cat", "ham"]
    assert found.timings_ms["total"] > 0

    words = docs.search("sandwiches", mode="keyword")
    assert (ids(words), words.hits[0].keyword_rank) == (["ham"], 1)
    assert ids(docs.search("lunar distance", mode="semantic", limit=1)) == ["moon"]

    again = docs.upsert([{"id": "cat", "content": "The cat chases the mouse"}])
    assert (again.embedded, again.unchanged) == (0, 1)
    assert docs.delete(ids=["cat", "nobody"]) == 1
    assert docs.delete(filters={"year": 1969}) == 1
    assert docs.count() == 1
    docs.drop()
    assert db.collections() == []
    with pytest.raises(NotFound, match="'docs'"):
        db.collection("docs")


def test_a_collection_remembers_its_model_for_everyone(
    db: pgvista.Workbench, database_url: str
) -> None:
    db.create_collection("docs", model=DEFAULT_MODEL, metric="inner_product", text_config="german")
    with pgvista.connect(database_url) as other:
        opened = other.collection("docs")
        assert (opened.model, opened.info.metric, opened.info.text_config) == (
            DEFAULT_MODEL,
            "inner_product",
            "german",
        )
        opened.upsert([{"id": "h", "content": "Die Häuser stehen im Wald"}])
        assert ids(opened.search("haus", mode="keyword")) == ["h"]


def test_create_refuses(db: pgvista.Workbench) -> None:
    db.create_collection("docs", dimension=3)
    with pytest.raises(Conflict, match="docs"):
        db.create_collection("docs", dimension=3)
    with pytest.raises(Conflict, match="catalog"):
        db.create_collection("collections", dimension=3)
    wrongs: list[dict[str, Any]] = [
        {"model": DEFAULT_MODEL, "dimension": 3},
        {"dimension": 0},
        {"dimension": 16_001},
        {"dimension": 3, "metric": "hamming"},
        {"dimension": 3, "vector_type": "bit"},
        {"dimension": 3, "layout": "chroma"},
        {"dimension": 3, "columns": {"a": "varchar; drop table x"}},
        {"dimension": 3, "columns": {"content": "text"}},
    ]
    for wrong in wrongs:
        with pytest.raises(InvalidInput):
            db.create_collection("new", **wrong)
    with pytest.raises(pgvista.PgvistaError, match="klingon"):
        db.create_collection("new", dimension=3, text_config="klingon")
    assert [item.name for item in db.collections()] == ["docs"]


# -- vectors of one's own


def test_vectors_in_every_form(db: pgvista.Workbench) -> None:
    mine = db.create_collection("mine", dimension=3, metric="l2")
    mine.upsert(
        [
            {"id": "list", "embedding": [1, 0, 0]},
            {"id": "array", "embedding": np.array([2, 0, 0])},
            {"id": "text", "embedding": "[3,0,0]"},
            {"id": "tuple", "embedding": (4, 0, 0), "content": "with words"},
        ]
    )
    found = mine.search([0, 0, 0], limit=10)
    assert [(hit.id, hit.distance) for hit in found.hits] == [
        ("list", 1),
        ("array", 2),
        ("text", 3),
        ("tuple", 4),
    ]
    assert ids(mine.search("words", mode="keyword")) == ["tuple"]
    with pytest.raises(InvalidInput, match="model"):
        mine.search("words", mode="semantic")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "x", "embedding": [1, 2]}, "2 numbers"),
        ({"id": "x", "embedding": [1, 2, math.nan]}, "NaN"),
        ({"id": "x", "embedding": [1, 2, math.inf]}, "infinity|inf"),
        ({"id": "x", "embedding": [1, 2, 1e300]}, "outside the range"),
        ({"id": "x", "embedding": ["a", "b", "c"]}, "number"),
        ({"id": "x", "content": "no vector"}, "no model"),
        ({"embedding": [1, 2, 3]}, "no id"),
        ({"id": "", "embedding": [1, 2, 3]}, "id is empty"),
        ({"id": "nul\0", "embedding": [1, 2, 3]}, "NUL"),
        ({"id": "x", "embedding": [1, 2, 3], "content": "nul\0"}, "NUL"),
        ({"id": "x", "embedding": [1, 2, 3], "metadata": {"a": "nul\0"}}, "NUL"),
        ({"id": "x", "embedding": [1, 2, 3], "metadata": {"a": math.nan}}, "JSON|NaN|nan"),
        ({"id": "x", "embedding": [1, 2, 3], "metadata": [1]}, "not a dict"),
        ({"id": "x", "embedding": [1, 2, 3], "content": 5}, "not a text"),
        ({"id": "\ud800", "embedding": [1, 2, 3]}, "surrogate"),
        ({"id": "x", "embedding": [1, 2, 3], "colour": "red"}, "'colour'"),
        ("x", "str"),
    ],
)
def test_rows_that_cannot_be_written(db: pgvista.Workbench, row: Any, reason: str) -> None:
    mine = db.create_collection("mine", dimension=3)
    with pytest.raises(InvalidInput, match=reason):
        mine.upsert([row])
    assert mine.count() == 0


def test_a_zero_vector_is_kept_but_not_found_by_cosine(db: pgvista.Workbench) -> None:
    mine = db.create_collection("mine", dimension=2)
    mine.upsert([{"id": "zero", "embedding": [0, 0]}, {"id": "one", "embedding": [1, 0]}])
    assert mine.count() == 2
    assert ids(mine.search([1.0, 0.0])) == ["one"]


def test_the_last_of_two_rows_with_one_id_wins(db: pgvista.Workbench) -> None:
    mine = db.create_collection("mine", dimension=1)
    mine.upsert([{"id": "x", "embedding": [1]}, {"id": "x", "embedding": [2]}])
    mine.upsert([{"id": "x", "embedding": [3], "metadata": {"a": 1}}])
    [row] = mine.get(["x"])
    assert row.embedding is not None
    assert (row.embedding.tolist(), row.metadata) == ([3.0], {"a": 1})


def test_a_data_frame_goes_in(db: pgvista.Workbench) -> None:
    pd = pytest.importorskip("pandas")
    mine = db.create_collection("mine", dimension=2, columns={"year": "bigint"})
    frame = pd.DataFrame(
        {
            "id": ["a", "b"],
            "content": ["one", "two"],
            "year": [1970, 1980],
            "embedding": [[1, 0], [0, 1]],
        }
    )
    assert mine.upsert(frame).written == 2
    assert ids(mine.search([1.0, 0.0], filters={"year": 1980})) == ["b"]


def test_delete_wants_to_know_what(db: pgvista.Workbench) -> None:
    mine = db.create_collection("mine", dimension=1)
    mine.upsert([{"id": "x", "embedding": [1]}])
    unclear: list[dict[str, Any]] = [{}, {"filters": {}}, {"ids": ["x"], "filters": {"a": 1}}]
    for nothing in unclear:
        with pytest.raises(InvalidInput):
            mine.delete(**nothing)
    assert mine.delete(ids=[]) == 0
    assert mine.count() == 1


# -- chunks


def test_long_texts_are_chunked_and_deleted_with_their_chunks(db: pgvista.Workbench) -> None:
    docs = db.create_collection("docs", model=DEFAULT_MODEL)
    long = " ".join(f"Sentence number {n} is about the sea." for n in range(100))
    docs.upsert([{"id": "long", "content": long}, {"id": "short", "content": "A short text."}])
    count = docs.count()
    assert count > 3
    hits = docs.search("sea", mode="keyword", limit=50).hits
    assert {hit.parent_id for hit in hits} == {"long"}
    assert {hit.id for hit in hits} == {f"long#{n}" for n in range(1, count)}
    docs.upsert([{"id": "long", "content": "Now it is short."}])
    assert docs.count() == 2
    docs.upsert([{"id": "long", "content": long}], chunk=64)
    assert docs.count() > count
    assert docs.delete(ids=["long"]) > 1
    assert docs.count() == 1
    docs.upsert([{"id": "whole", "content": long}], chunk="none")
    assert docs.count() == 2


def test_another_model_is_refused(db: pgvista.Workbench) -> None:
    mine = db.create_collection("mine", dimension=3)
    with pytest.raises(InvalidInput, match="384"):
        mine.upsert([{"id": "x", "content": "text"}], embedder=get_embedder(DEFAULT_MODEL))


# -- other layouts and names


def test_the_vecs_layout_is_the_table_that_vecs_makes(
    db: pgvista.Workbench, connection: psycopg.Connection
) -> None:
    made = db.create_collection("docs", dimension=3, layout="vecs")
    assert made.name == "vecs.docs"
    shape = connection.execute(
        "select column_name, udt_name, is_nullable, column_default from information_schema.columns"
        " where table_schema = 'vecs' and table_name = 'docs' order by ordinal_position"
    ).fetchall()
    assert [row[:3] for row in shape] == [
        ("id", "varchar", "NO"),
        ("vec", "vector", "NO"),
        ("metadata", "jsonb", "NO"),
    ]
    empty = connection.execute(sql.SQL("select {}").format(sql.SQL(shape[2][3]))).fetchone()
    assert empty == ({},)
    key = connection.execute(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = 'vecs.docs'::regclass and contype = 'p'"
    ).fetchone()
    assert key == ("PRIMARY KEY (id)",)

    made.upsert([{"id": "a", "embedding": [1, 0, 0], "metadata": {"year": 1973}}])
    opened = db.collection("vecs.docs")
    [hit] = opened.search([1.0, 0, 0], filters={"year": {"$gte": 1970}}).hits
    assert (hit.id, hit.metadata) == ("a", {"year": 1973})
    assert [item.name for item in db.collections()] == ["vecs.docs"]


NAMES = [
    'quo"te',
    "it's; drop table x; --",
    "dots.and.more",
    "Größe 日本語 🐋",
    "UPPER lower",
    "%s %% {x}",
    "back\\slash",
    "select",
    "new\nline",
    "x" * 63,
    "é" * 31,
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_a_name(db: pgvista.Workbench, database_url: str, name: str) -> None:
    made = db.create_collection(
        name, dimension=2, columns={f"c {name}"[:15]: "text"}, indexed_columns=[f"c {name}"[:15]]
    )
    column = f"c {name}"[:15]
    made.upsert([{"id": name, "embedding": [1, 0], "content": f"{name} word", column: name}])
    made.create_index("hnsw")
    opened = db.collection(name)
    assert opened.info.table == name
    found = opened.search([1.0, 0.0], filters={column: name})
    assert ids(found) == [name]
    assert psql_ids(database_url, found.sql) == [name]
    words = opened.search("word", mode="keyword")
    assert psql_ids(database_url, words.sql) == [name]
    assert opened.count({column: name}) == 1
    assert name in [item.info.table for item in db.collections()]
    opened.drop()


@pytest.mark.parametrize("name", ["", "   ", "x" * 64, "é" * 32, "nul\0", "\ud800"])
def test_names_that_postgres_cannot_hold(db: pgvista.Workbench, name: str) -> None:
    with pytest.raises(InvalidInput):
        db.create_collection(name, dimension=2)
    with pytest.raises((NotFound, InvalidInput)):
        db.collection(name)
    assert db.collections() == []


def test_another_schema(db: pgvista.Workbench) -> None:
    made = db.create_collection("a.b", dimension=1, schema='we"ird.schema')
    made.upsert([{"id": "x", "embedding": [1]}])
    assert made.name == 'we"ird.schema.a.b'
    assert db.collection(made.name).count() == 1
    bare = db.create_collection("a.b", dimension=1)
    assert db.collection("a.b").info.schema == "pgvista"
    bare.drop()
    assert db.collection(made.name).count() == 1


def test_public_is_found_by_its_bare_name(
    db: pgvista.Workbench, connection: psycopg.Connection
) -> None:
    connection.execute("create table items (id int primary key, embedding vector(2))")
    assert db.collection("items").name == "public.items"
    assert db.collection("public.items").name == "public.items"


# -- rights


def test_read_only_is_enforced_by_postgres(db: pgvista.Workbench, database_url: str) -> None:
    made = db.create_collection("docs", dimension=2)
    made.upsert([{"id": "a", "embedding": [1, 0], "content": "word"}])
    with pgvista.connect(database_url, read_only=True) as reader:
        docs = reader.collection("docs")
        assert ids(docs.search([1.0, 0.0])) == ["a"]
        assert ids(docs.search("word", mode="keyword")) == ["a"]
        for write in (
            lambda: docs.upsert([{"id": "b", "embedding": [0, 1]}]),
            lambda: docs.delete(ids=["a"]),
            lambda: docs.drop(),
            lambda: docs.create_index("hnsw"),
            lambda: reader.create_collection("new", dimension=2),
        ):
            with pytest.raises(ReadOnly):
                write()
        with (
            pytest.raises(ReadOnly),
            reader.db.transaction() as session,
        ):
            session.execute("delete from pgvista.docs")
    assert made.count() == 1
    assert [item.name for item in db.collections()] == ["docs"]


def test_a_role_that_may_only_read(
    db: pgvista.Workbench, connection: psycopg.Connection, database_url: str
) -> None:
    role = sql.Identifier(f"reader_{threading.get_native_id()}")
    made = db.create_collection("docs", dimension=2)
    made.upsert([{"id": "a", "embedding": [1, 0]}])
    db.create_collection("secret", dimension=2)
    connection.execute(sql.SQL("create role {} login").format(role))
    try:
        connection.execute(sql.SQL("grant usage on schema pgvista to {}").format(role))
        connection.execute(sql.SQL("grant select on pgvista.docs to {}").format(role))
        address = psycopg.conninfo.make_conninfo(database_url, user=role._obj[0])
        with pgvista.connect(address) as reader:
            assert [item.name for item in reader.collections()] == ["docs"]
            docs = reader.collection("docs")
            assert ids(docs.search([1.0, 0.0])) == ["a"]
            with pytest.raises(PermissionDenied):
                docs.upsert([{"id": "b", "embedding": [0, 1]}])
            with pytest.raises(PermissionDenied):
                docs.drop()
            with pytest.raises(PermissionDenied):
                reader.create_collection("new", dimension=2)
            with pytest.raises(NotFound):
                reader.collection("secret")
    finally:
        connection.execute(sql.SQL("drop owned by {}").format(role))
        connection.execute(sql.SQL("drop role {}").format(role))


def test_the_extension_in_another_schema(embedded_url: str) -> None:
    name = f"elsewhere_{threading.get_native_id()}"
    with psycopg.connect(embedded_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            address = embedded_url.replace("/pgvista", f"/{name}")
            with psycopg.connect(address, autocommit=True) as session:
                session.execute('create schema "ext.schema"')
                session.execute('create extension vector schema "ext.schema"')
            with pgvista.connect(address) as workbench:
                made = workbench.create_collection("docs", model=DEFAULT_MODEL)
                made.upsert([{"id": "a", "content": "The cat chases the mouse"}])
                made.create_index("hnsw")
                for mode in ("semantic", "keyword", "hybrid"):
                    found = made.search("cat", mode=mode)
                    assert ids(found) == ["a"]
                    assert psql_ids(address, found.sql) == ["a"]
                half = workbench.create_collection("half", dimension=2, vector_type="halfvec")
                half.upsert([{"id": str(n), "embedding": [1, n]} for n in range(5)])
                half.create_index("ivfflat", lists=1)
                assert ids(half.search([1.0, 0.0], limit=1)) == ["0"]
                assert [item.name for item in workbench.collections()] == ["docs", "half"]
                row = half.get(["3"])[0]
                assert row.embedding is not None
                assert row.embedding.tolist() == [1.0, 3.0]
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


# -- at the same time


def test_many_threads_share_a_workbench(db: pgvista.Workbench) -> None:
    made = db.create_collection("docs", dimension=2)
    made.upsert([{"id": str(n), "embedding": [1, n]} for n in range(50)])
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                assert ids(made.search([1.0, 0.0], limit=2)) == ["0", "1"]
                made.upsert([{"id": f"t{number}-{turn}", "embedding": [-1, number]}])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert made.count() == 50 + 12 * 10


@pytest.mark.parametrize("between", range(8))
def test_a_refused_statement_spoils_no_later_one(
    database_url: str, caplog: pytest.LogCaptureFixture, between: int
) -> None:
    """Statements are sent together, and those that come often are prepared: also behind a failure.

    psycopg forgets what was prepared at a rollback, but not at the second one with nothing to forget
    at the first.
    """
    with pgvista.connect(database_url) as workbench:
        made = workbench.create_collection("docs", dimension=1, columns={"day": "date"})
        made.upsert([{"id": "a", "embedding": [1], "content": "word"}])
    with pgvista.connect(database_url) as workbench:
        docs = workbench.collection("docs")
        for turn in range(3):
            with pytest.raises(pgvista.PgvistaError):
                docs.search([1.0], filters={"day": "someday"})
            with pytest.raises(InvalidInput):
                docs.search([1.0], filters={"word": "\ud800"})
            for _ in range(between if turn < 2 else 8):
                assert ids(docs.search([1.0])) == ["a"]
                assert ids(docs.search("word", mode="keyword")) == ["a"]
    assert not caplog.records


@pytest.mark.parametrize("text", ["nul\0", "\ud800"])
def test_ids_that_are_no_text(db: pgvista.Workbench, text: str) -> None:
    made = db.create_collection("docs", dimension=1)
    for use in (
        lambda: made.get([text]),
        lambda: made.delete(ids=[text]),
        lambda: made.similar(text),
    ):
        with pytest.raises((InvalidInput, NotFound)):
            use()


def test_results_are_json(db: pgvista.Workbench) -> None:
    made = db.create_collection("docs", dimension=1, columns={"day": "date", "seen": "timestamptz"})
    made.upsert(
        [{"id": "a", "embedding": [1], "day": "2020-01-31", "seen": "2020-01-31T10:00:00+02:00"}]
    )
    told = json.loads(json.dumps(made.search([1.0]).to_dict()))
    assert told["hits"][0]["columns"]["day"] == "2020-01-31"
