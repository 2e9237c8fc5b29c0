"""Filters on a real table: what each operator says of each type, and which index serves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql
from tests.db.psql import psql_ids

import pgvista
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.filters import And, Comparison, Or, parse_filter
from pgvista.services import rows
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import relation
from pgvista.sql.query import Query, compose

COLUMNS = {
    "n": "bigint",
    "x": "double precision",
    "kind": "text",
    "day": "date",
    "live": "boolean",
    "tags": "text[]",
}
# the metadata's key v: each type once; row g has no v, and row h no metadata worth the name
ROWS: list[dict[str, Any]] = [
    {"id": "a", "metadata": {"v": 5, "o": {"p": {"q": 1}}}, "n": 5, "x": 0.1, "kind": "Ab_c"},
    {"id": "b", "metadata": {"v": "5", "t": ["x", 1, None]}, "n": -5, "x": 2.0, "kind": "ab%c"},
    {"id": "c", "metadata": {"v": True, "o": {"p": "q"}}, "n": 2**63 - 1, "live": True},
    {"id": "d", "metadata": {"v": [5], "l": [{"q": 1}]}, "n": -(2**63), "live": False},
    {"id": "e", "metadata": {"v": {"w": 5}, "a.b": 1, "$r": 1}, "n": 0, "day": "2024-02-29"},
    {"id": "f", "metadata": {"v": None, "a": {"b": 1}, "q\"'\\": 1}, "tags": ["x", "q\"'"]},
    {"id": "g", "metadata": {"t": [], "v2": 1.0}, "tags": []},
    {"id": "h", "metadata": {}, "x": float("nan")},
]
ALL = "abcdefgh"


@pytest.fixture(scope="module")
def db(module_database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(module_database_url) as workbench:
        yield workbench


@pytest.fixture(scope="module")
def made(db: pgvista.Workbench) -> pgvista.Collection:
    found = db.create_collection("made", dimension=2, columns=COLUMNS, indexed_columns=["n", "day"])
    found.upsert([{"embedding": [1, 2], **row} for row in ROWS])
    return found


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        # the metadata, by type
        ({"v": 5}, "a"),
        ({"v": 5.0}, "a"),
        ({"v2": 1}, "g"),
        ({"v": "5"}, "b"),
        ({"v": True}, "c"),
        ({"v": 1}, ""),
        ({"v": None}, "fgh"),
        ({"v": {"$ne": 5}}, "bcdefgh"),
        ({"v": {"$ne": None}}, "abcde"),
        ({"v": {"$in": [5, "5", True]}}, "abc"),
        ({"v": {"$in": [5, None]}}, "afgh"),
        ({"v": {"$nin": [5, "5"]}}, "cdefgh"),
        ({"v": {"$nin": [5, None]}}, "bcde"),
        ({"v": {"$gt": 4}}, "a"),
        ({"v": {"$lte": 5}}, "a"),
        ({"v": {"$gt": "4"}}, "b"),
        ({"v": {"$between": [5, 5]}}, "a"),
        ({"v": {"$between": [4.5, 10**30]}}, "a"),
        ({"v": {"$between": ["4", "6"]}}, "b"),
        ({"v": {"$like": "_"}}, "b"),
        ({"v": {"$like": "%"}}, "b"),
        ({"v": {"$exists": True}}, "abcdef"),
        ({"v": {"$exists": False}}, "gh"),
        ({"v": {"$contains": 5}}, "d"),
        ({"t": {"$contains": "x"}}, "b"),
        ({"t": {"$contains": None}}, "b"),
        ({"v": {"$not": {"$gt": 4}}}, "bcdefgh"),
        ({"$not": {"v": {"$gt": 4}}}, "bcdefgh"),
        ({"$not": {"$not": {"v": {"$gt": 4}}}}, "a"),
        ({"$not": {"v": 5, "o.p.q": 2}}, ALL),
        # keys
        ({"o.p.q": 1}, "a"),
        ({"o.p": {"$exists": True}}, "ac"),
        ({"o.p.q": {"$exists": True}}, "a"),
        ({"o.p.q": {"$gte": 1}}, "a"),
        ({"l.0.q": {"$gte": 1}}, ""),
        ({"l.q": 1}, ""),
        ({"t.0": {"$exists": True}}, ""),
        ({"a.b": 1}, "f"),
        ({r"a\.b": 1}, "e"),
        ({r"a\.b": {"$gt": 0}}, "e"),
        ({r"\$r": 1}, "e"),
        ({"q\"'\\\\": 1}, "f"),
        ({"q\"'\\\\": {"$exists": True}}, "f"),
        ({"日本'; drop table x; --%s": 1}, ""),
        # columns
        ({"n": {"$between": [-5, 5]}}, "abe"),
        ({"n": {"$gt": 4.5}}, "ac"),
        ({"n": {"$gte": 5.5}}, "c"),
        ({"n": {"$lt": -5.5}}, "d"),
        ({"n": 5.0}, "a"),
        ({"n": 5.5}, ""),
        ({"n": {"$in": [5, 5.5, 10**30, None]}}, "afgh"),
        ({"n": {"$nin": [5, 10**30]}}, "bcdefgh"),
        ({"n": {"$ne": 10**30}}, ALL),
        ({"n": {"$lt": 10**30}}, "abcde"),
        ({"n": {"$gte": 1e300}}, ""),
        ({"n": {"$lte": -(10**30)}}, ""),
        ({"n": {"$gt": -(10**30)}}, "abcde"),
        ({"n": 2**63 - 1}, "c"),
        ({"n": {"$gte": -(2**63)}}, "abcde"),
        ({"n": {"$exists": False}}, "fgh"),
        ({"n": {"$not": {"$gt": 0}}}, "bdefgh"),
        ({"x": 0.1}, "a"),
        ({"x": 2}, "b"),
        ({"x": {"$in": [0.1, 2]}}, "ab"),
        ({"x": {"$lte": 2}}, "ab"),
        ({"kind": {"$like": "Ab%"}}, "a"),
        ({"kind": {"$ilike": "aB%"}}, "ab"),
        ({"kind": {"$like": r"ab\%c"}}, "b"),
        ({"kind": {"$like": r"Ab\_c"}}, "a"),
        ({"kind": {"$nin": ["ab%c", "other"]}}, "acdefgh"),
        ({"day": {"$between": ["2024-02-01", "2024-03-01"]}}, "e"),
        ({"day": {"$in": ["2024-02-29", "2023-01-01"]}}, "e"),
        ({"live": {"$in": [True, None]}}, "abcefgh"),
        ({"live": {"$nin": [True]}}, "abdefgh"),
        ({"tags": {"$contains": "q\"'"}}, "f"),
        ({"tags": {"$exists": True}}, "fg"),
        ({"tags": None}, "abcdeh"),
        ({"tags": {"$not": {"$contains": "x"}}}, "abcdegh"),
        ({"id": {"$like": "_"}}, ALL),
        ({"id": {"$between": ["c", "e"]}}, "cde"),
        ({"embedding": {"$exists": False}}, ""),
        ({"content": {"$exists": False}}, ALL),
    ],
)
def test_what_a_filter_lets_through(
    made: pgvista.Collection, module_database_url: str, filters: dict[str, Any], expected: str
) -> None:
    found = made.search([1.0, 2.0], filters=filters)
    assert sorted(hit.id for hit in found.hits) == list(expected)
    assert made.count(filters) == len(expected)
    assert sorted(psql_ids(module_database_url, found.sql)) == list(expected)


@pytest.mark.parametrize(
    "operator", ["$eq", "$in", "$lt", "$gte", "$between", "$like", "$contains", "$exists"]
)
@pytest.mark.parametrize("key", ["v", "n", "kind", "o.p"])
def test_not_keeps_what_the_condition_leaves_out(
    made: pgvista.Collection, operator: str, key: str
) -> None:
    number = key in ("v", "n")
    operand: Any = {
        "$in": [5, None] if number else ["q", None],
        "$between": [0, 5] if number else ["a", "z"],
        "$like": "%",
        "$exists": True,
    }.get(operator, 5 if number else "q")
    condition = {key: {operator: operand}}
    try:
        kept = made.count(condition)
    except InvalidInput:
        assert (key, operator) in {("n", "$like"), ("n", "$contains"), ("kind", "$contains")}
        return
    assert made.count({"$not": condition}) == len(ALL) - kept
    assert made.count({"$or": [condition, {"$not": condition}]}) == len(ALL)


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        ({"n": "5"}, "takes a number, since the column is bigint"),
        ({"n": {"$in": [1, "2"]}}, "takes a number"),
        ({"n": {"$between": ["a", "b"]}}, "takes a number"),
        ({"n": {"$like": "5%"}}, "works on texts"),
        ({"kind": 5}, "takes a text"),
        ({"live": 1}, "takes true or false"),
        ({"day": 2024}, "takes a text"),
        ({"day": "2023-02-29"}, "2023-02-29"),
        ({"day": {"$in": ["2024-01-01", "someday"]}}, "someday"),
        ({"tags": "x"}, "Use $contains"),
        ({"tags": {"$in": ["x"]}}, "Use $contains"),
        ({"tags": {"$contains": None}}, "takes a text"),
        ({"embedding": {"$gt": 1}}, "Use $exists"),
        ({"a..b": 1}, "empty part between its dots"),
        ({".".join("a" * 100): 1}, "more than 32 objects deep"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    made: pgvista.Collection, filters: dict[str, Any], part: str
) -> None:
    with pytest.raises(PgvistaError) as caught:
        made.search([1.0, 2.0], filters=filters)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "tree", [And(()), Or(()), And((Or(()),)), Comparison("v", "$in", ()), None]
)
def test_a_delete_without_a_condition_is_refused(made: pgvista.Collection, tree: Any) -> None:
    with pytest.raises(InvalidInput):
        rows.delete(made.db, made.info, filters=tree)
    assert made.count() == len(ALL)


def test_deleting_by_a_filter_deletes_what_it_lets_through(db: pgvista.Workbench) -> None:
    gone = db.create_collection("gone", dimension=2)
    gone.upsert(
        [{"embedding": [1, 2], "id": row["id"], "metadata": row["metadata"]} for row in ROWS]
    )
    assert gone.delete(filters={"v": {"$nin": [5, "5"]}, "$not": {"a": {"$exists": True}}}) == 5
    assert sorted(hit.id for hit in gone.search([1.0, 2.0]).hits) == ["a", "b", "f"]


def test_names_with_quotes_and_dots_are_columns_too(db: pgvista.Workbench) -> None:
    names = ["a.b", 'q"; drop table x; --', "100%", "$d", "back\\slash"]
    odd = db.create_collection("odd", dimension=2, columns=dict.fromkeys(names, "bigint"))
    odd.upsert([{"id": "1", "embedding": [1, 2], **dict.fromkeys(names, 7)}])
    for name in ["a.b", r"a\.b", 'q"; drop table x; --', "100%", r"\$d", "back\\slash"]:
        assert odd.count({name: 7}) == 1
        assert odd.count({name: {"$lt": 7}}) == 0


def test_keys_of_other_types_and_json_columns(db: pgvista.Workbench) -> None:
    with db.db.transaction() as connection:
        connection.execute(
            """create table public.mixed (
                 id integer primary key, embedding vector(2), meta json, extra jsonb,
                 small smallint, exact numeric(10, 2), short real, code char(3),
                 words varchar(9)[], numbers integer[], at timestamp(3) with time zone)"""
        )
        connection.execute(
            """insert into public.mixed values
                 (1, '[1,2]', '{"v": 5}', '{"c": {"d": [1]}}', 3, 1.50, 0.1, 'ab', '{x}', '{1,2}', '2024-01-01Z'),
                 (12, '[1,2]', '{"v": "5"}', '[5]', -3, 2, 2e20, 'abc', '{}', '{}', null)"""
        )
    mixed = db.collection("public.mixed")
    assert mixed.info.metadata_type == "json"
    expected: list[tuple[dict[str, Any], int]] = [
        ({"id": "1"}, 1),
        ({"id": {"$in": ["1", "12"]}}, 2),
        ({"id": {"$gt": 9}}, 1),
        ({"v": 5}, 1),
        ({"v": {"$gte": "5"}}, 1),
        ({"extra.c.d": {"$contains": 1}}, 1),
        ({"extra.c": {"$exists": True}}, 1),
        ({"extra": {"$contains": 5}}, 1),
        ({"extra": 5}, 0),
        ({"small": {"$lt": 40_000}}, 2),
        ({"small": 2.5}, 0),
        ({"exact": 1.5}, 1),
        ({"exact": {"$between": [1.5, 2]}}, 2),
        ({"short": 0.1}, 1),
        ({"short": {"$in": [0.1, 1e300]}}, 1),
        ({"short": {"$lt": 1e300}}, 2),
        ({"short": {"$gt": 10**20}}, 1),
        ({"code": "ab"}, 1),
        ({"code": {"$in": ["ab", "abc"]}}, 2),
        ({"words": {"$contains": "x"}}, 1),
        ({"numbers": {"$contains": 2}}, 1),
        ({"numbers": {"$contains": 10**12}}, 0),
        ({"at": {"$lte": "2024-01-01T00:00:00Z"}}, 1),
    ]
    for filters, count in expected:
        assert mixed.count(filters) == count, filters
    with pytest.raises(InvalidInput, match="takes a number"):
        mixed.count({"id": "x"})


# -- indexes


@pytest.fixture(scope="module")
def large(db: pgvista.Workbench) -> pgvista.Collection:
    """3,000 rows with an index for each way to ask."""
    made = db.create_collection(
        "large",
        dimension=2,
        columns={**COLUMNS, "r": "text"},
        indexed_columns=["n", "x", "kind", "day", "live", "tags"],
    )
    with db.db.transaction() as connection:
        connection.execute(
            """insert into pgvista.large (id, metadata, n, x, kind, day, live, tags)
               select i, jsonb_build_object('v', i % 1000, 't', array[i % 500]), i, i / 2.0, 'k' || i,
                 date '2020-01-01' + i, i % 300 = 0, array['t' || i % 500]
               from generate_series(1, 3000) as i"""
        )
        connection.execute("analyze pgvista.large")
    return made


@pytest.mark.parametrize(
    ("filters", "index", "rows"),
    [
        ({"v": 7}, "metadata", 3),
        ({"v": {"$in": [7, 8, "x"]}}, "metadata", 6),
        ({"t": {"$contains": 9}}, "metadata", 6),
        ({"v": 7, "t": {"$contains": 7}}, "metadata", 3),
        ({"n": 7}, "n", 1),
        ({"n": {"$in": [7, 8.0]}}, "n", 2),
        ({"n": {"$gt": 2990.5}}, "n", 10),
        ({"n": {"$between": [5, 10]}}, "n", 6),
        ({"x": {"$between": [1, 1.5]}}, "x", 2),
        ({"kind": "k9"}, "kind", 1),
        ({"kind": {"$in": ["k9", "k8"]}}, "kind", 2),
        ({"kind": {"$between": ["k9", "k90"]}}, "kind", 2),
        ({"day": {"$between": ["2020-02-01", "2020-02-02"]}}, "day", 2),
        ({"day": {"$in": ["2020-02-01", "2020-02-02"]}}, "day", 2),
        ({"live": True}, "live", 10),
        ({"tags": {"$contains": "t9"}}, "tags", 6),
        ({"id": "77"}, "pkey", 1),
        ({"id": {"$in": ["77", "78"]}}, "pkey", 2),
    ],
)
def test_an_index_serves_it(
    large: pgvista.Collection, filters: dict[str, Any], index: str, rows: int
) -> None:
    plan = plan_of(large, filters)
    assert any(index in line for line in plan if "Index" in line and " large" in line), plan
    assert any("Index Cond" in line for line in plan), plan
    assert not any("Seq Scan" in line for line in plan), plan
    assert large.count(filters) == rows


def test_an_index_on_all_of_the_metadata_serves_whether_a_key_is_there(
    large: pgvista.Collection,
) -> None:
    with large.db.transaction() as connection:
        connection.execute("create index every_key on pgvista.large using gin (metadata)")
    try:
        assert any("every_key" in line for line in plan_of(large, {"rare": {"$exists": True}}))
    finally:
        with large.db.transaction() as connection:
            connection.execute("drop index pgvista.every_key")


def plan_of(collection: pgvista.Collection, filters: dict[str, Any]) -> list[str]:
    """Return the plan's lines, where reading the whole table is no way out."""
    filtered = FilterSql(parse_filter(filters), collection.info, "d")
    query = Query(
        compose(
            "explain (costs off) select * from {table} as d {where}",
            table=relation(collection.info),
            where=filtered.clause("where"),
        ),
        filtered.params,
    )
    return collection.db.read(
        lambda c: [row[0] for row in c.execute(query.sql, query.params).fetchall()],
        settings={"enable_seqscan": "off"},
    )


def test_values_are_parameters_and_names_are_quoted(made: pgvista.Collection) -> None:
    evil = "x'; drop table pgvista.made; --"
    filtered = FilterSql(
        parse_filter({evil: {"$in": [evil, 1]}, "kind": {"$like": evil}, "n": 5, f"a.{evil}": 1.5}),
        made.info,
        "d",
    )
    assert isinstance(filtered.condition, sql.Composed)
    assert "drop" not in filtered.condition.as_string(None)
    assert made.count({evil: evil}) == 0
    assert made.count({"kind": evil}) == 0
