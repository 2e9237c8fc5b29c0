"""Why an index is not used, and why rows are missing: each cause provoked, and mended by its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.db import diagnosis_cases as provoke
from tests.db.diagnosis_cases import (
    CASES,
    DIMENSION,
    QUERY,
    ROWS,
    VARIANTS,
    Case,
    Knobs,
    fill,
    nearest,
)

import pgvista
from pgvista.api import Workbench
from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound, PermissionDenied, QueryFailed, StatementTimeout
from pgvista.model.diagnosis import Cause, Diagnosis, VectorIndex
from pgvista.services import diagnosis, live_tuning
from pgvista.services.diagnosis import diagnose_statement, vector_indexes
from pgvista.sql import remedies


@pytest.fixture
def session(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session with a table of rows, without an index."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        fill(connection)
        yield connection


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


@pytest.fixture
def db(workbench: Workbench) -> Database:
    return workbench.db


# -- each cause, and each alternative of its remedy


@dataclass(frozen=True)
class Seen:
    """What was said of a case, and how many of the nearest rows came; None where it was not run."""

    diagnosis: Diagnosis
    recall: float | None = None


def look(
    workbench: Workbench,
    asked: str | Knobs,
    settings: dict[str, str],
    dropped: Sequence[VectorIndex],
) -> Seen:
    if isinstance(asked, str):
        found = diagnose_statement(workbench.db, asked, settings=settings, dropped=dropped)
        return Seen(found)
    docs, request = workbench.collection("public.items"), asked.request()
    truth = live_tuning.find_truth(docs.db, docs.info, request)
    enough = None
    if request.ef_search is not None:  # as the page finds out before it advises
        last = live_tuning.climb(
            docs.db, docs.info, request, truth, name="ef_search", steps=live_tuning.EF_STEPS
        )[-1]
        if last.hits == min(request.limit, len(truth.rows)):
            enough = ("hnsw.ef_search", last.value)
    trial = live_tuning.try_index(
        docs.db, docs.info, request, truth, dropped=dropped, enough=enough
    )
    return Seen(trial.diagnosis, trial.recall)


def provoked(workbench: Workbench, session: psycopg.Connection[Any], case: Case) -> Seen:
    fill(session)
    case.provoke(session)
    seen = vector_indexes(workbench.db, "public", "items")
    if case.meanwhile is not None:
        case.meanwhile(session)
    return look(workbench, case.asked, dict(case.database), seen)


def alternatives(remedy: str) -> list[list[str]]:
    """Return the statements of each alternative, which are parted by an empty line."""
    return [
        [f"{part.strip()};" for part in re.sub(r"--[^\n]*", "", text).split(";") if part.strip()]
        for text in remedy.split("\n\n")
    ]


def mend(
    session: psycopg.Connection[Any], case: Case, statements: Sequence[str]
) -> tuple[str | Knobs, dict[str, str]]:
    """Carry an alternative out; return what is asked from now on, and with which settings."""
    asked, settings = case.asked, dict(case.database)
    changed: dict[str, str] = {}
    for statement in statements:
        kind = statement.split()[0].lower()
        if kind == "set":
            changed |= settings_of(statement)
        elif kind != "select":
            session.execute(statement)
        elif case.cause in (Cause.NULL_VECTORS, Cause.ZERO_VECTORS):
            # The remedy lists the rows: what shall become of them is for a person to say
            session.execute(f"delete from items where id in (select id from ({statement[:-1]}))")
        else:
            asked = statement.replace("'[...]'", QUERY)
    if isinstance(asked, Knobs):
        return asked.mended(changed), settings
    return asked, {**settings, **changed}


@pytest.mark.parametrize("case", [*CASES, *VARIANTS], ids=lambda case: case.name)
def test_each_cause_is_told_first_and_mended_by_its_remedy(
    workbench: Workbench, session: psycopg.Connection[Any], case: Case
) -> None:
    first = provoked(workbench, session, case)
    finding = first.diagnosis.findings[0]
    assert finding.cause is case.cause, first.diagnosis.findings
    assert finding.sentence.endswith(".")
    parts = alternatives(finding.remedy)
    assert all(parts), "each diagnosis has its remedy as SQL"
    for place, statements in enumerate(parts):
        if place:
            provoked(workbench, session, case)
        asked, settings = mend(session, case, statements)
        if statements == ["analyze items;"]:  # better estimates need not change the choice
            continue
        after = look(workbench, asked, settings, ())
        if "enable_indexscan" in settings and settings["enable_indexscan"] == "off":
            assert after.diagnosis.index_used is None
            continue
        assert after.diagnosis.index_used is not None
        if case.cause is not Cause.APPROXIMATE:
            assert after.diagnosis.finding(case.cause) is None
        if after.recall is not None and case.cause is Cause.APPROXIMATE:
            assert first.recall is not None
            told_all = "all are found" in finding.sentence
            assert after.recall == 1 if told_all else after.recall >= first.recall


def test_every_cause_is_provoked() -> None:
    assert sorted(case.cause for case in CASES) == sorted(Cause)
    names = [case.name for case in (*CASES, *VARIANTS)]
    assert len(set(names)) == len(names)


def the(found: Diagnosis, cause: Cause) -> str:
    """Return the remedy of the first finding, which must be of that cause."""
    assert [item.cause for item in found.findings][:1] == [cause], found.findings
    return found.findings[0].remedy


def statement_of(remedy: str) -> str:
    """Return the first SELECT of a remedy."""
    return next(s for part in alternatives(remedy) for s in part if s.startswith("select"))


def settings_of(remedy: str) -> dict[str, str]:
    """Return what a remedy sets."""
    found = re.findall(r"set local ([\w.]+) = (\w+);", remedy)
    assert found, remedy
    return dict(found)


def rows_of(session: psycopg.Connection[Any], statement: str, **settings: str) -> list[Any]:
    """Run a statement with settings of its own transaction; ``__`` stands for a point."""
    with session.transaction():
        for name, value in settings.items():
            session.execute("select set_config(%s, %s, true)", (name.replace("__", "."), value))
        return session.execute(statement).fetchall()


def dotless(settings: dict[str, str]) -> dict[str, str]:
    return {name.replace(".", "__"): value for name, value in settings.items()}


# -- why no index is used


def test_the_farthest_rows_are_those_nearest_to_the_opposite(
    session: psycopg.Connection[Any], db: Database
) -> None:
    provoke.cosine(session)
    text = nearest(order=f"embedding <=> {QUERY} desc")
    remedy = the(diagnose_statement(db, text), Cause.DESCENDING)
    farthest = alternatives(remedy)[1][0]
    assert diagnose_statement(db, farthest).index_used == "items_hnsw"
    by_index = rows_of(session, farthest, hnsw__ef_search="400")
    assert [row[0] for row in by_index] == [row[0] for row in rows_of(session, text)]
    by_l2 = diagnose_statement(db, nearest(order=f"embedding <-> {QUERY} desc"))
    assert len(alternatives(by_l2.findings[0].remedy)) == 1


def test_a_vector_of_a_subselect(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.cosine(session)
    vector = "(select embedding from items where id = 7)"
    assert diagnose_statement(db, nearest(order=f"embedding <=> {vector}")).findings == ()
    found = diagnose_statement(db, nearest(order=f"1 - (embedding <=> {vector}) desc"))
    remedy = statement_of(the(found, Cause.COMPUTED_ORDER)).replace("'[...]'", vector)
    assert diagnose_statement(db, remedy).index_used == "items_hnsw"
    assert "InitPlan" not in found.findings[0].sentence


def test_a_vector_of_a_join(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.cosine(session)
    one = next(case for case in CASES if case.cause is Cause.JOINED_VECTOR).asked
    assert isinstance(one, str)
    remedy = the(diagnose_statement(db, one), Cause.JOINED_VECTOR)
    assert rows_of(session, remedy)[0][0] == 7
    assert "lateral" not in remedy
    several = one.replace("id = 7", "year < 100")
    assert "lateral" in the(diagnose_statement(db, several), Cause.JOINED_VECTOR)


def test_no_limit_and_a_sort(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.cosine(session)
    with_sort = {"enable_indexscan": "off"}
    found = diagnose_statement(db, nearest(None), settings=with_sort)
    assert found.index_used is None
    mended = diagnose_statement(db, statement_of(the(found, Cause.NO_LIMIT)))
    assert mended.index_used == "items_hnsw"


def test_a_vector_too_long_for_an_index(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute("create table wide (id int primary key, embedding vector(2500))")
    session.execute(
        "insert into wide select i, (select array_agg(sin(i * j)) from generate_series(1, 2500) j)"
        " from generate_series(1, 300) i"
    )
    session.execute("analyze wide")
    query = "'[" + ",".join(["0.5"] * 2500) + "]'"
    text = f"select id from wide order by embedding <=> {query} limit 3"
    remedy = the(diagnose_statement(db, text), Cause.NO_INDEX)
    build, statement = alternatives(remedy)[0]
    session.execute(build)
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    assert diagnose_statement(db, statement, settings=planned).index_used is not None


@pytest.mark.parametrize(
    "indexed",
    [
        f"(embedding::halfvec({DIMENSION})) halfvec_cosine_ops",
        "(subvector(embedding, 1, 4)::vector(4)) vector_cosine_ops",
    ],
)
def test_another_expression(session: psycopg.Connection[Any], db: Database, indexed: str) -> None:
    session.execute(f"create index items_other on items using hnsw ({indexed})")
    found = diagnose_statement(db, nearest())
    assert found.index_used is None
    mended = diagnose_statement(db, statement_of(the(found, Cause.OTHER_EXPRESSION)))
    assert mended.index_used == "items_other"


def test_the_planners_choice_has_both_costs(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.with_years(session)
    found = diagnose_statement(db, nearest(where="where year between 10 and 20"))
    the(found, Cause.PLANNER)
    told = re.search(r"cost at ([\d,]+), against ([\d,]+) with", found.findings[0].sentence)
    assert told is not None
    assert int(told[1].replace(",", "")) < int(told[2].replace(",", ""))


def test_no_distance(session: psycopg.Connection[Any], db: Database) -> None:
    found = diagnose_statement(db, "select id from items order by year % 7 limit 3")
    assert [item.cause for item in found.findings] == [Cause.NO_DISTANCE]
    assert found.ordering is None
    assert "compared" not in found.summary
    assert "<=>" in found.findings[0].remedy
    provoke.other_class(session)  # the operator that an index serves is the one to take
    found = diagnose_statement(db, "select id from items order by year % 7 limit 3")
    assert "<->" in found.findings[0].remedy
    none = diagnose_statement(db, "select 1 as one from pg_class order by one limit 3").findings[0]
    assert "None of its tables has a vector column" in none.sentence
    assert none.remedy == ""


def test_nothing_is_wrong(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.cosine(session)
    found = diagnose_statement(db, f"-- a comment; with a semicolon\n{nearest()};\n")
    assert (found.index_used, found.findings) == ("items_hnsw", ())


# -- why rows are missing


def test_no_limit_and_an_index(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.cosine(session)
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
    provoke.cosine(session)
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, nearest(limit), settings=planned)
    remedy = the(found, Cause.EF_SEARCH)
    assert len(rows_of(session, nearest(limit), **planned)) < limit
    mended = dotless(settings_of(remedy))
    assert len(rows_of(session, nearest(limit), **planned, **mended)) == limit
    after = diagnose_statement(db, nearest(limit), settings={**planned, **settings_of(remedy)})
    assert after.finding(Cause.EF_SEARCH) is None


def test_a_filter_after_the_index(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.cosine(session)
    text = nearest(where="where kind = 'k7'")
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, text, settings=planned)
    scan, build = alternatives(the(found, Cause.FILTER))
    assert len(rows_of(session, text, **planned)) < 10
    mended = dotless(settings_of(scan[0]))
    assert len(rows_of(session, text, **planned, **mended)) == 10
    session.execute(build[0])
    session.execute("analyze items")
    assert len(rows_of(session, text)) == 10


def test_too_few_probes(session: psycopg.Connection[Any], db: Database) -> None:
    provoke.lists(session)
    planned = {"enable_seqscan": "off", "enable_sort": "off"}
    found = diagnose_statement(db, nearest(300), settings=planned)
    assert len(rows_of(session, nearest(300), **planned)) < 300
    for statements in alternatives(the(found, Cause.PROBES)):
        mended = dotless(settings_of(statements[0]))
        assert len(rows_of(session, nearest(300), **planned, **mended)) == 300


def test_a_well_trained_index_is_not_blamed(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute(
        "create index items_ivf on items using ivfflat (embedding vector_cosine_ops)"
        " with (lists = 40)"
    )
    assert diagnose_statement(db, nearest(5)).finding(Cause.TRAINING) is None


def test_null_and_zero_vectors(session: psycopg.Connection[Any], db: Database) -> None:
    session.execute("update items set embedding = null where id < 3")
    provoke.zeros(session)
    found = diagnose_statement(db, nearest())
    null, zeros = found.finding(Cause.NULL_VECTORS), found.finding(Cause.ZERO_VECTORS)
    assert null is not None
    assert "3 rows have" in null.sentence
    assert zeros is not None
    assert "5 rows have" in zeros.sentence
    assert {row[0] for row in rows_of(session, null.remedy)} == {0, 1, 2}
    assert {row[0] for row in rows_of(session, zeros.remedy)} == set(range(10, 15))
    exact = rows_of(session, nearest(ROWS), enable_indexscan="off")
    assert {row[0] for row in exact[-3:]} == {0, 1, 2}  # as the sentence says
    by_l2 = diagnose_statement(db, nearest(order=f"embedding <-> {QUERY}"))
    assert by_l2.finding(Cause.ZERO_VECTORS) is None


# -- names


def test_the_words_that_need_quotes_are_those_of_postgres(
    session: psycopg.Connection[Any],
) -> None:
    found = rows_of(session, "select word from pg_get_keywords() where catcode <> 'U'")
    assert {row[0] for row in found} <= remedies.KEYWORDS
    for name in ("items", "user", "Items", "a b", "_1", "1a", 'say ""x""', "größe", "limit", "'x"):
        quoted = sql.Identifier(name.replace('""', '"')).as_string(None)
        want = session.execute("select quote_ident(%s)", (name.replace('""', '"'),)).fetchone()
        got = remedies.legible(quoted)
        assert want is not None
        assert got in (want[0], quoted)
    text = """select "a" from t where x = 'say "b"' -- "c" """
    assert remedies.legible(text) == """select a from t where x = 'say "b"' -- "c" """


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
