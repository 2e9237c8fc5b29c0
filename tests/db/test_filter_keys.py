"""The keys that a filter can name, read from tables of many kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

import pgvista
from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.model.collection import PGVISTA_ROLES, Collection
from pgvista.services import filter_keys as service
from pgvista.services.filter_keys import FilterKey, KeyKind, filter_keys
from pgvista.sql import filter_keys as statements


@pytest.fixture
def db(database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(database_url) as workbench:
        yield workbench


def execute(db: pgvista.Workbench, *texts: str) -> None:
    with db.db.dedicated(autocommit=True) as connection:
        for text in texts:
            connection.execute(sql.SQL(text))


def keys_of(made: pgvista.Collection) -> dict[str, FilterKey]:
    return {key.name: key for key in filter_keys(made.db, made.info)}


def usable(made: pgvista.Collection) -> None:
    """Every suggested value finds as many rows as it is said to be in."""
    for key in filter_keys(made.db, made.info):
        operator = "$contains" if key.kind is KeyKind.ARRAY else "$eq"
        for value, rows in key.values:
            found = made.count({key.name: {operator: value}})
            assert found == rows, (key.name, value)
        if key.share is not None and key.whole:
            there = made.count(
                {key.name: {"$ne": None}}
                if key.kind is not KeyKind.ARRAY
                else {key.name: {"$exists": True}}
            )
            assert there == round(key.share * key.rows_read), key


def test_keys_types_shares_and_values(db: pgvista.Workbench) -> None:
    made = db.create_collection(
        "made",
        dimension=2,
        columns={"n": "bigint", "day": "date", "tags": "text[]", "live": "boolean", "note": "text"},
    )
    made.upsert(
        {
            "id": str(i),
            "embedding": [1, i],
            "n": i % 3,
            "day": f"2024-01-{i % 2 + 1:02}",
            "tags": ["a", "b"][: i % 3],
            "live": i % 4 == 0 if i % 2 else None,
            "metadata": {
                "kind": ["report", "letter"][i % 5 == 0],
                "odd.key": i % 2,
                "$ref": "x",
                "q\"'": True,
                "": 1,
                "n": "hidden by the column",
                "o": {"p": {"q": {"r": 1}}, "s": "t"},
                "mix": [1, "1", True, None][i % 4],
                "list": [i % 2, "e"],
                "long": "x" * 500,
                **({"_parent": "p", "_chunk": i} if i % 2 else {}),
            },
        }
        for i in range(30)
    )
    found = keys_of(made)
    usable(made)
    assert list(found)[-2:] == ["_chunk", "_parent"]
    assert list(found)[-4:-2] == ["id", "content"]
    kinds = {name: key.kind.value for name, key in found.items()}
    assert kinds == {
        "n": "number",
        "day": "date",
        "tags": "array",
        "live": "boolean",
        "note": "text",
        "kind": "text",
        r"odd\.key": "number",
        r"\$ref": "text",
        "q\"'": "boolean",
        "o": "object",
        "o.p": "object",
        "o.p.q": "object",
        "o.s": "text",
        "mix": "mixed",
        "list": "array",
        "long": "text",
        "id": "text",
        "content": "text",
        "_parent": "text",
        "_chunk": "number",
    }
    assert found["kind"].values == (("report", 24), ("letter", 6))
    assert found["n"].values == ((0, 10), (1, 10), (2, 10))
    assert found["day"].values == (("2024-01-01", 15), ("2024-01-02", 15))
    assert found["tags"].values == (("a", 20), ("b", 10))
    assert found["mix"].share == pytest.approx(23 / 30)
    assert found["live"].share == 0.5
    assert found["note"].share == 0
    assert found["long"].values == ()
    assert all(key.whole and key.rows_read == 30 for name, key in found.items() if key.values)


def test_an_empty_collection_has_its_columns(db: pgvista.Workbench) -> None:
    made = db.create_collection("empty", dimension=2, columns={"year": "bigint"})
    assert {name: key.kind for name, key in keys_of(made).items()} == {
        "year": KeyKind.NUMBER,
        "id": KeyKind.TEXT,
        "content": KeyKind.TEXT,
    }


def test_views_json_and_tables_without_metadata(db: pgvista.Workbench) -> None:
    execute(
        db,
        """create table public.raw (
             key integer primary key, embedding vector(2), meta json, extra jsonb, "a.b" real)""",
        """insert into public.raw values
             (1, '[1,2]', '{"k": 1, "k2": {"in": "x"}}', '{"c": {"d": 2}}', 0.5), (2, '[1,2]', null, '[1]', 0.5)""",
        "create view public.seen as select embedding, meta, extra from public.raw",
        "create materialized view public.kept as select * from public.raw",
        "create table public.bare (id text primary key, embedding vector(2))",
        "insert into public.bare values ('x', '[1,2]')",
        "create table public.vectors (embedding vector(2))",
    )
    raw = db.collection("public.raw")
    found = keys_of(raw)
    assert {"k", "k2.in", "extra", "extra.c.d", "a.b", "key"} <= set(found)
    assert found["extra.c.d"].values == ((2, 1),)
    usable(raw)
    for name in ("seen", "kept"):
        usable(db.collection(f"public.{name}"))
        assert "k2.in" in keys_of(db.collection(f"public.{name}"))
    assert list(keys_of(db.collection("public.bare"))) == ["id"]
    assert filter_keys(db.db, db.collection("public.vectors").info) == ()


def test_json_that_jsonb_refuses_leaves_the_columns(db: pgvista.Workbench) -> None:
    execute(
        db,
        "create table public.odd (id text primary key, embedding vector(2), meta json, n integer)",
        r"""insert into public.odd values ('a', '[1,2]', '{"k": "\u0000"}', 7)""",
    )
    found = keys_of(db.collection("public.odd"))
    assert found["n"].values == ((7, 1),)
    assert "k" not in found


@pytest.fixture
def large(db: pgvista.Workbench) -> pgvista.Collection:
    made = db.create_collection(
        "large", dimension=2, columns={"n": "bigint", "x": "double precision", "tags": "text[]"}
    )
    execute(
        db,
        """insert into pgvista.large (id, n, x, tags, metadata)
           select i, i % 4, null, array['t' || i % 2], jsonb_build_object('half', i > 30000, 'i', i)
           from generate_series(1, 60000) as i""",
        "analyze pgvista.large",
    )
    return made


def test_a_large_table_is_sampled_over_all_of_it(large: pgvista.Collection) -> None:
    found = keys_of(large)
    half = found["half"]
    assert not half.whole
    assert 500 < half.rows_read <= service.SAMPLE_ROWS
    assert {value for value, _ in half.values} == {True, False}  # not its first rows alone
    assert {value for value, _ in found["n"].values} == {0, 1, 2, 3}
    assert all(10_000 < rows < 20_000 for _, rows in found["n"].values)  # of all rows, by ANALYZE
    assert found["x"].share == 0
    assert {value for value, _ in found["tags"].values} == {"t0", "t1"}


def test_what_takes_too_long_ends_in_names(
    large: pgvista.Collection, db: pgvista.Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        db,
        """create view public.slow as
           select id, embedding, n, metadata, pg_sleep(0.05)::text as note from pgvista.large""",
    )
    monkeypatch.setattr(service, "LIMIT_MS", 200)
    found = filter_keys(db.db, db.collection("public.slow").info)
    assert {key.name for key in found} >= {"n", "note"}
    assert all(not key.values for key in found)


def test_rows_that_a_policy_hides_are_not_told(
    large: pgvista.Collection, db: pgvista.Workbench, database_url: str
) -> None:
    role = "reader_of_keys"
    execute(
        db,
        f"create role {role} login",
        f"grant usage on schema pgvista to {role}",
        f"grant select on all tables in schema pgvista to {role}",
        "alter table pgvista.large enable row level security",
        "create policy few on pgvista.large using (n = 1)",
    )
    try:
        own = Database(target_from_url(database_url))
        with own.transaction() as connection:
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            query = statements.sampled_keys(large.info, 2_000, percent=50.0)
            rows: list[tuple[Any, ...]] = connection.execute(query.sql, query.params).fetchall()
            noted = statements.column_statistics(large.info)
            assert connection.execute(noted.sql, noted.params).fetchall() == []
        own.close()
        by_place = {row[1][0]: row[3] for row in rows if row[0] == "column" and len(row[1]) == 1}
        assert [value for value, _, _ in by_place["0"]] == [1]
    finally:
        execute(db, f"drop owned by {role}", f"drop role {role}")


def test_keys_without_number_are_bounded(db: pgvista.Workbench) -> None:
    made = db.create_collection("wide", dimension=2)
    made.upsert(
        {
            "id": str(i),
            "embedding": [1, i],
            "metadata": {f"key {i}": {f"{j}": j for j in range(50)}},
        }
        for i in range(50)
    )
    assert len(keys_of(made)) <= statements.MAX_KEYS + 2


def test_a_server_that_is_away_is_told() -> None:
    gone = Database(target_from_url("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"))
    info = Collection("s", "t", PGVISTA_ROLES, 2)
    with pytest.raises(pgvista.PgvistaError):
        filter_keys(gone, info)
