"""Why an index is not used, and why rows are missing: each cause provoked, and mended by its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

import pgvista
from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound, PermissionDenied, QueryFailed, StatementTimeout
from pgvista.model.diagnosis import Cause, Diagnosis
from pgvista.services import diagnosis
from pgvista.services.diagnosis import diagnose_statement, vector_indexes

ROWS = 4_000
DIMENSION = 8
RNG = np.random.default_rng(5)
VECTORS = RNG.standard_normal((ROWS, DIMENSION)).astype(np.float32)
QUERY = "'[" + ",".join(map(str, RNG.standard_normal(DIMENSION).round(3))) + "]'"


@pytest.fixture
def session(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session with a table of rows, without an index."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            f"create table items (id int primary key, embedding vector({DIMENSION}), year int,"
            " kind text)"
        )
        with connection.cursor().copy("copy items (id, embedding, year, kind) from stdin") as copy:
            for number, vector in enumerate(VECTORS):
                copy.write_row((number, str(vector.tolist()), number, f"k{number % 50}"))
        connection.execute("analyze items")
        yield connection


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    with pgvista.connect(database_url) as opened:
        yield opened.db


def hnsw(session: psycopg.Connection[Any], opclass: str = "vector_cosine_ops") -> None:
    session.execute(f"create index items_hnsw on items using hnsw (embedding {opclass})")


def the(found: Diagnosis, cause: Cause) -> str:
    """Return the remedy of the first finding, which must be of that cause."""
    assert [item.cause for item in found.findings][:1] == [cause], found.findings
    assert found.findings[0].sentence.endswith((".", ")"))
    return found.findings[0].remedy


def statement_of(remedy: str) -> str:
    """Return the first SELECT of a remedy."""
    match = re.search(r"select \*.*?;", remedy, re.DOTALL)
    assert match is not None, remedy
    return match[0]


def settings_of(remedy: str) -> dict[str, str]:
    """Return what a remedy sets."""
    found = re.findall(r"set local \"([\w\"\.]+)\" = '([^']*)'", remedy)
    assert found, remedy
    return {name.replace('"', ""): value for name, value in found}


def rows_of(session: psycopg.Connection[Any], statement: str, **settings: str) -> list[Any]:
    """Run a statement with settings of its own transaction."""
    with session.transaction():
        for name, value in settings.items():
            session.execute("select set_config(%s, %s, true)", (name.replace("__", "."), value))
        return session.execute(statement).fetchall()


def nearest(limit: int | None = 10, where: str = "", order: str = "") -> str:
    limited = "" if limit is None else f" limit {limit}"
    return f"select id from items {where} order by {order or f'embedding <=> {QUERY}'}{limited}"


# -- why no index is used


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        (f"1 - (embedding <=> {QUERY}) desc", Cause.COMPUTED_ORDER),
        (f"cosine_distance(embedding, {QUERY})", Cause.COMPUTED_ORDER),
        (f"round((embedding <=> {QUERY})::numeric, 3)", Cause.COMPUTED_ORDER),
        (f"embedding <=> {QUERY} desc", Cause.DESCENDING),
        (f"{QUERY}::vector <=> embedding desc nulls last", Cause.DESCENDING),
    ],
)
def test_the_form_of_the_order(
    session: psycopg.Connection[Any], db: Database, order: str, cause: Cause
) -> None:
    hnsw(session)
    found = diagnose_statement(db, nearest(order=order))
    assert found.index_used is None
    mended = diagnose_statement(db, statement_of(the(found, cause)))
    assert mended.index_used == "items_hnsw"


def test_a_similarity_by_its_name(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    text = f"select id, 1 - (embedding <=> {QUERY}) as score from items order by score desc limit 5"
    mended = diagnose_statement(
        db, statement_of(the(diagnose_statement(db, text), Cause.COMPUTED_ORDER))
    )
    assert mended.index_used == "items_hnsw"


def test_a_vector_of_a_subselect(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    vector = "(select embedding from items where id = 7)"
    assert diagnose_statement(db, nearest(order=f"embedding <=> {vector}")).findings == ()
    found = diagnose_statement(db, nearest(order=f"1 - (embedding <=> {vector}) desc"))
    remedy = the(found, Cause.COMPUTED_ORDER).replace("'[...]'", vector)
    assert diagnose_statement(db, remedy).index_used == "items_hnsw"
    assert "InitPlan" not in found.findings[0].sentence


def test_a_vector_of_a_join(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    text = (
        "with q as (select embedding from items where id = 7) select items.id from items, q "
        "order by items.embedding <=> q.embedding limit 5"
    )
    remedy = the(diagnose_statement(db, text), Cause.JOINED_VECTOR)
    assert diagnose_statement(db, remedy).index_used == "items_hnsw"
    assert rows_of(session, remedy)[0][0] == 7


def test_no_limit_and_a_sort(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    with_sort = {"enable_indexscan": "off"}
    found = diagnose_statement(db, nearest(None), settings=with_sort)
    assert found.index_used is None
    mended = diagnose_statement(db, statement_of(the(found, Cause.NO_LIMIT)))
    assert mended.index_used == "items_hnsw"


def test_no_index(session: psycopg.Connection[Any], db: Database) -> None:
    remedy = the(diagnose_statement(db, nearest()), Cause.NO_INDEX)
    session.execute(remedy)
    assert diagnose_statement(db, nearest()).index_used is not None


def test_an_index_that_was_dropped(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    seen = vector_indexes(db, "public", "items")
    session.execute("drop index items_hnsw")
    remedy = the(diagnose_statement(db, nearest(), dropped=seen), Cause.DROPPED)
    session.execute(remedy)
    assert diagnose_statement(db, nearest(), dropped=seen).index_used == "items_hnsw"


def test_an_invalid_index(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    session.execute(
        "update pg_index set indisvalid = false where indexrelid = 'items_hnsw'::regclass"
    )
    remedy = the(diagnose_statement(db, nearest()), Cause.INVALID)
    session.execute(remedy)
    assert diagnose_statement(db, nearest()).index_used == "items_hnsw"


def test_another_operator(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session, "vector_l2_ops")
    remedy = the(diagnose_statement(db, nearest()), Cause.OTHER_OPERATOR)
    other = diagnose_statement(db, statement_of(remedy))
    assert other.index_used == "items_hnsw"
    build = re.search(r"create index.*?;", remedy)
    assert build is not None
    session.execute(build[0])
    assert diagnose_statement(db, nearest()).index_used is not None


@pytest.mark.parametrize(
    ("indexed", "order"),
    [
        ("(embedding::halfvec(8)) halfvec_cosine_ops", f"embedding <=> {QUERY}"),
        ("embedding vector_cosine_ops", f"embedding::halfvec(8) <=> {QUERY}"),
        ("(subvector(embedding, 1, 4)::vector(4)) vector_cosine_ops", f"embedding <=> {QUERY}"),
    ],
)
def test_another_expression(
    session: psycopg.Connection[Any], db: Database, indexed: str, order: str
) -> None:
    session.execute(f"create index items_other on items using hnsw ({indexed})")
    found = diagnose_statement(db, nearest(order=order))
    assert found.index_used is None
    mended = diagnose_statement(db, statement_of(the(found, Cause.OTHER_EXPRESSION)))
    assert mended.index_used == "items_other"


def test_a_partial_index(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute(
        "create index items_part on items using hnsw (embedding vector_cosine_ops) "
        "where year < 2000"
    )
    remedy = the(diagnose_statement(db, nearest()), Cause.PARTIAL_INDEX)
    assert diagnose_statement(db, statement_of(remedy)).index_used == "items_part"


def test_index_scans_switched_off(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    found = diagnose_statement(db, nearest(), settings={"enable_indexscan": "off"})
    remedy = the(found, Cause.SWITCHED_OFF)
    mended = diagnose_statement(db, nearest(), settings=settings_of(remedy))
    assert mended.index_used == "items_hnsw"


def test_the_planners_choice(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    session.execute("create index on items (year)")
    text = nearest(where="where year between 10 and 20")
    found = diagnose_statement(db, text)
    remedy = the(found, Cause.PLANNER)
    assert found.ordering is not None
    costs = re.findall(
        r"[\d,]+(?= against|, against)|(?<=against )[\d,]+", found.findings[0].sentence
    )
    assert len(costs) == 2
    assert int(costs[0].strip(",").replace(",", "")) < int(costs[1].replace(",", ""))
    assert diagnose_statement(db, text, settings=settings_of(remedy)).index_used == "items_hnsw"


def test_no_distance(session: psycopg.Connection[Any], db: Database) -> None:
    found = diagnose_statement(db, "select id from items order by year % 7 limit 3")
    assert [item.cause for item in found.findings] == [Cause.NO_DISTANCE]
    assert found.ordering is None


def test_nothing_is_wrong(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    found = diagnose_statement(db, f"-- a comment; with a semicolon\n{nearest()};\n")
    assert (found.index_used, found.findings) == ("items_hnsw", ())


# -- why rows are missing


def test_no_limit_and_an_index(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    text = nearest(None)
    found = diagnose_statement(db, text, settings={"enable_sort": "off"})
    assert found.index_used == "items_hnsw"
    remedy = the(found, Cause.NO_LIMIT)
    assert len(rows_of(session, text, enable_sort="off")) < ROWS
    assert len(rows_of(session, text, **settings_of(remedy))) == ROWS


@pytest.mark.parametrize("limit", [200, 1_500])
def test_a_limit_above_ef_search(
    session: psycopg.Connection[Any], db: Database, limit: int
) -> None:
    hnsw(session)
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, nearest(limit), settings=planned)
    remedy = the(found, Cause.EF_SEARCH)
    assert len(rows_of(session, nearest(limit), **planned)) < limit
    mended = {name.replace(".", "__"): value for name, value in settings_of(remedy).items()}
    assert len(rows_of(session, nearest(limit), **planned, **mended)) == limit
    after = diagnose_statement(db, nearest(limit), settings={**planned, **settings_of(remedy)})
    assert after.finding(Cause.EF_SEARCH) is None


def test_a_filter_after_the_index(session: psycopg.Connection[Any], db: Database) -> None:
    hnsw(session)
    text = nearest(where="where kind = 'k7'")
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, text, settings=planned)
    remedy = the(found, Cause.FILTER)
    assert len(rows_of(session, text, **planned)) < 10
    mended = {name.replace(".", "__"): value for name, value in settings_of(remedy).items()}
    assert len(rows_of(session, text, **planned, **mended)) == 10
    build = re.search(r"create index.*?;", remedy, re.DOTALL)
    assert build is not None
    session.execute(build[0])
    session.execute("analyze items")
    assert len(rows_of(session, text)) == 10


def ivfflat(session: psycopg.Connection[Any], lists: int) -> None:
    session.execute(
        f"create index items_ivf on items using ivfflat (embedding vector_cosine_ops) "
        f"with (lists = {lists})"
    )


def test_too_few_probes(session: psycopg.Connection[Any], db: Database) -> None:
    ivfflat(session, 100)
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, nearest(300), settings=planned)
    remedy = the(found, Cause.PROBES)
    assert len(rows_of(session, nearest(300), **planned)) < 300
    mended = {name.replace(".", "__"): value for name, value in settings_of(remedy).items()}
    assert len(rows_of(session, nearest(300), **planned, **mended)) == 300


def test_lists_made_from_too_few_rows(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute("create table late (like items including all)")
    session.execute("insert into late select * from items limit 3")
    session.execute(
        "create index late_ivf on late using ivfflat (embedding vector_cosine_ops) with (lists = 40)"
    )
    session.execute("insert into late select * from items on conflict do nothing")
    session.execute("analyze late")
    text = nearest(5).replace("items", "late")
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, text, settings=planned)
    remedy = the(found, Cause.TRAINING)
    for command in remedy.split("\n"):
        session.execute(command)
    after = diagnose_statement(db, text, settings=planned)
    assert after.finding(Cause.TRAINING) is None


def test_a_well_trained_index_is_not_blamed(session: psycopg.Connection[Any], db: Database) -> None:
    ivfflat(session, 40)
    assert diagnose_statement(db, nearest(5)).finding(Cause.TRAINING) is None


def test_null_and_zero_vectors(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute("update items set embedding = null where id < 3")
    zero = "[" + ",".join(["0"] * DIMENSION) + "]"
    session.execute("update items set embedding = %s where id between 10 and 14", (zero,))
    hnsw(session)
    found = diagnose_statement(db, nearest())
    null, zeros = found.finding(Cause.NULL_VECTORS), found.finding(Cause.ZERO_VECTORS)
    assert null is not None
    assert "3 rows have" in null.sentence
    assert zeros is not None
    assert "5 rows have" in zeros.sentence
    assert {row[0] for row in rows_of(session, null.remedy)} == {0, 1, 2}
    assert {row[0] for row in rows_of(session, zeros.remedy)} == set(range(10, 15))
    by_l2 = diagnose_statement(db, nearest(order=f"embedding <-> {QUERY}"))
    assert by_l2.finding(Cause.ZERO_VECTORS) is None


# -- what is not explained


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no statement"),
        (" ; ", "no statement"),
        ("select 1; drop table items", "several statements"),
        ("explain select 1", "EXPLAIN"),
        ("drop table items", "Only a SELECT"),
        ("(((", "Only a SELECT"),
        ("select * into copy from items", "would write"),
        ("with gone as (delete from items returning *) select * from gone", "would write"),
        ("select * from items for update", "write or lock"),
        (f"select * from items order by embedding <=> $1 limit 5 -- {QUERY}", "placeholder"),
        ("select '\0'", "NUL byte"),
        ("select '" + "x" * 1_000_001 + "'", "longer than"),
    ],
)
def test_what_is_refused(
    session: psycopg.Connection[Any], db: Database, text: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        diagnose_statement(db, text)
    assert rows_of(session, "select count(*) from items") == [(ROWS,)]


def test_what_postgres_refuses(session: psycopg.Connection[Any], db: Database) -> None:
    with pytest.raises(QueryFailed, match="syntax error"):
        diagnose_statement(db, "select from order by")
    with pytest.raises(NotFound):
        diagnose_statement(db, "select * from nowhere order by embedding <=> '[1]' limit 1")


def test_a_trick_with_quotes_reaches_one_statement_alone(
    session: psycopg.Connection[Any], db: Database
) -> None:
    # To Postgres the text ends at the second quote; read without escapes, it goes on
    text = "select E'\\'; drop table items; --'"
    with pytest.raises((InvalidInput, QueryFailed)):
        diagnose_statement(db, text)
    assert rows_of(session, "select count(*) from items") == [(ROWS,)]


def test_a_statement_that_calls_a_writing_function_is_not_run(
    session: psycopg.Connection[Any], db: Database
) -> None:
    session.execute(
        "create function gone() returns int language sql as 'delete from items returning id'"
    )
    diagnose_statement(db, f"select gone() from items order by embedding <=> {QUERY} limit 1")
    assert rows_of(session, "select count(*) from items") == [(ROWS,)]


def test_a_role_without_rights(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute("create role nobody_here")
    try:
        with pytest.raises(PermissionDenied):
            diagnose_statement(db, nearest(), settings={"role": "nobody_here"})
    finally:
        session.execute("drop role nobody_here")


def test_the_timeout_holds(
    session: psycopg.Connection[Any], db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A lock on the table holds the planner up
    monkeypatch.setattr(diagnosis, "STATEMENT_TIMEOUT_MS", 200)
    with session.transaction():
        session.execute("lock table items in access exclusive mode")
        with pytest.raises(StatementTimeout):
            diagnose_statement(db, nearest())


def test_names_that_need_quotes(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute('create schema "a b"')
    session.execute('create table "a b"."My ""Table; %s" (id int, "the Vec" vector(2))')
    session.execute(
        """insert into "a b"."My ""Table; %s" select i, array[i, 1]::vector"""
        " from generate_series(1, 3000) i"
    )
    text = """select id from "a b"."My ""Table; %s" order by 1 - ("the Vec" <-> '[1,2]') desc limit 5"""
    session.execute(
        """create index on "a b"."My ""Table; %s" using hnsw ("the Vec" vector_l2_ops)"""
    )
    session.execute('analyze "a b"."My ""Table; %s"')
    remedy = the(diagnose_statement(db, text), Cause.COMPUTED_ORDER)
    assert diagnose_statement(db, remedy).index_used is not None
