"""The year in a column and in jsonb: what is served, expected and got, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import Cancelled, InvalidInput, PermissionDenied, ReadOnly
from pgvista.model.search import IterativeScan
from pgvista.services.lesson_metadata import (
    BELOW,
    EQUAL,
    RANGE,
    YEARS,
    MetadataLesson,
    VectorRun,
    measure,
    measure_vectors,
)
from pgvista.services.lesson_metadata_types import Question, answers, filter_sql, write
from pgvista.sql.lesson_metadata import FIRST_YEAR, Form, Index, condition_text

RARE = YEARS[0]


@pytest.fixture
def workbench(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


@pytest.fixture
def docs(workbench: Workbench) -> Collection:
    known = {item.info.table for item in workbench.collections()}
    if "docs" in known:
        return workbench.collection("docs")
    rng = np.random.default_rng(6)
    made = workbench.create_collection("docs", dimension=24)
    made.upsert(
        {
            "id": str(number),
            "content": f"Row {number}",
            "metadata": {"kind": f"k{number % 5}", "year": "of its own"},
            "embedding": rng.normal(size=24).tolist(),
        }
        for number in range(50)
    )
    return made


@pytest.fixture
def lesson(docs: Collection) -> MetadataLesson:
    return measure(docs.db, docs.info)


def test_what_each_index_serves(lesson: MetadataLesson) -> None:
    served = {(index, form): run.served for (index, form, _), run in lesson.runs.items()}
    assert served[Index.COLUMN, Form.COLUMN]
    assert served[Index.COLUMN, Form.COLUMN_BELOW]
    assert served[Index.EXPRESSION, Form.CAST]
    assert served[Index.EXPRESSION, Form.CAST_BELOW]
    assert not served[Index.NONE, Form.COLUMN]
    assert not served[Index.NONE, Form.CONTAINS]
    by_gin = {form for (index, form), yes in served.items() if index is Index.GIN and yes}
    assert {Form.CONTAINS, Form.PATH} <= by_gin <= {Form.CONTAINS, Form.PATH, Form.PATH_BELOW}
    not_by_gin = {Form.TEXT, Form.VALUE, Form.CAST, Form.VALUE_BELOW, Form.CAST_BELOW}
    assert all(not served[Index.GIN, form] for form in not_by_gin)
    assert not served[Index.GIN, Form.FILTER_BELOW]  # pgvista's own range


def test_every_way_finds_the_same_rows(lesson: MetadataLesson) -> None:
    assert lesson.rows == sum(lesson.counts.values()) == 20_000
    assert lesson.example[1]["year"] == lesson.example[0]  # a year of the row's own is overwritten
    assert "kind" in lesson.example[1]
    for run in lesson.runs.values():
        due = lesson.below(run.year) if run.form in RANGE else lesson.counts[run.year]
        assert run.rows == due, run
    assert 0 < lesson.counts[RARE] < 100 < lesson.counts[YEARS[-1]]
    # 20,000 * (2 i + 1) / 55^2 for the i-th year from 0
    assert lesson.counts[2024] == pytest.approx(20_000 * 109 / 55**2, rel=0.15)


def test_an_index_spares_pages(lesson: MetadataLesson) -> None:
    whole = lesson.run(Index.NONE, Form.CONTAINS, RARE).pages
    for index, form in ((Index.COLUMN, Form.COLUMN), (Index.GIN, Form.CONTAINS), (Index.EXPRESSION, Form.CAST)):  # fmt: skip
        assert lesson.run(index, form, RARE).pages < whole / 4
    sizes = lesson.sizes
    assert whole * 8192 <= sizes.table_bytes
    assert sizes.column_bytes == 4 * lesson.rows
    assert sizes.metadata_bytes > 10 * sizes.column_bytes
    assert all(100_000 < size < sizes.table_bytes for size in sizes.index_bytes.values())


def test_what_the_planner_expects(lesson: MetadataLesson) -> None:
    place = BELOW - FIRST_YEAR
    due = lesson.below(BELOW)
    expected = {form: lesson.estimates[Index.NONE, form][place] for form in (*EQUAL, *RANGE)}
    assert expected[Form.COLUMN_BELOW] == pytest.approx(due, rel=0.25)
    assert expected[Form.CAST_BELOW] == expected[Form.VALUE_BELOW] == 6_667  # a third
    assert expected[Form.TEXT] == expected[Form.CAST] == 100  # a two-hundredth
    assert expected[Form.FILTER_BELOW] == 10_000  # of CASE nothing at all is known
    with_index = lesson.estimates[Index.EXPRESSION, Form.CAST_BELOW]
    assert with_index[place] == pytest.approx(due, rel=0.25)
    assert len(with_index) == 55


def test_nothing_is_left_behind(docs: Collection, lesson: MetadataLesson) -> None:
    assert lesson.sql.endswith("rollback;")
    query = "select count(*) from pg_class where relname like 'lesson%%' and relpersistence = 't'"
    left = docs.db.read(lambda connection: connection.execute(query).fetchone())
    assert left == (0,)
    assert docs.count() == 50


def test_the_sql_shown_can_be_run(docs: Collection, lesson: MetadataLesson) -> None:
    run = lesson.run(Index.GIN, Form.CONTAINS, RARE)
    made, _, _ = lesson.sql.partition("-- one at a time:")
    with docs.db.transaction() as connection:
        connection.execute(made.removeprefix("begin;").encode())
        found = connection.execute(run.sql.rstrip(";").encode()).fetchall()
    assert len(found) == run.rows


def test_conditions_as_they_are_read() -> None:
    assert condition_text(Form.COLUMN, 1973) == "year = 1973"
    assert condition_text(Form.CONTAINS, 1973) == """metadata @> '{"year": 1973}'"""
    assert condition_text(Form.TEXT, 1973) == "metadata ->> 'year' = '1973'"
    assert condition_text(Form.CAST_BELOW, 1977) == "(metadata ->> 'year')::integer < 1977"


def run_of(found: tuple[VectorRun, ...], form: Form, scan: IterativeScan) -> VectorRun:
    return next(run for run in found if (run.form, run.year, run.scan) == (form, RARE, scan))


def test_a_condition_without_an_index_starves_the_vector_index(docs: Collection) -> None:
    found = measure_vectors(docs.db, docs.info)
    assert found.counts[RARE] > 10
    for form in (Form.COLUMN, Form.CONTAINS):
        run = run_of(found.runs, form, IterativeScan.OFF)
        assert (run.by_vector, run.rows) == (False, 10)
    starved = run_of(found.runs, Form.TEXT, IterativeScan.OFF)
    assert starved.by_vector
    assert starved.rows < 10
    assert starved.estimated == 100
    fed = run_of(found.runs, Form.TEXT, IterativeScan.STRICT)
    assert fed.rows == 10
    assert fed.pages > 5 * starved.pages
    assert "set local" in fed.sql


@pytest.mark.parametrize("where", ["no metadata, no texts", "metadata is a list", "json"])
def test_tables_of_others(workbench: Workbench, where: str) -> None:
    kinds = {
        "no metadata, no texts": "",
        "metadata is a list": ", meta jsonb",
        "json": ", meta json",
    }
    name = '100% "odd"; drop'
    quoted = '"100% ""odd""; drop"'
    with workbench.db.transaction() as connection:
        connection.execute(f"drop table if exists public.{quoted}".encode())
        connection.execute(
            f"create table public.{quoted} (id int primary key, v halfvec(3){kinds[where]})".encode()
        )
        value = ", '[1, 2]'" if kinds[where] else ""
        connection.execute(
            f"insert into public.{quoted} select n, '[1,2,3]'{value} from generate_series(1, 40) n".encode()
        )
    found = next(item for item in workbench.collections() if item.info.table == name)
    lesson = measure(found.db, found.info)
    assert lesson.example[1] == {"year": lesson.example[0]}
    assert lesson.run(Index.GIN, Form.CONTAINS, RARE).rows == lesson.counts[RARE]
    assert measure_vectors(found.db, found.info).counts == lesson.counts


def test_it_can_be_stopped(docs: Collection) -> None:
    class Stopped:
        def report(self, progress: object) -> None: ...

        def check(self) -> None:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        measure(docs.db, docs.info, Stopped())


def test_read_only(docs: Collection, module_database_url: str) -> None:
    reader = Database(target_from_url(module_database_url, read_only=True))
    try:
        for work in (measure, measure_vectors):
            with pytest.raises(ReadOnly, match="temporary table"):
                work(reader, docs.info)
        with pytest.raises(ReadOnly, match="temporary table"):
            write(reader, "1973")
        assert len(answers(reader, Question.EQUAL)) == 4  # these only read
    finally:
        reader.close()


def test_without_the_right_to_temporary_tables(
    docs: Collection, database_url: str, connection: psycopg.Connection
) -> None:
    connection.execute("create role lesson_reader login")
    connection.execute(
        f'revoke temporary on database "{connection.info.dbname}" from public'.encode()
    )
    url = database_url.replace("postgres@", "lesson_reader@").replace(
        "user=postgres", "user=lesson_reader"
    )
    other = Database(target_from_url(url))
    try:
        with pytest.raises(PermissionDenied, match="temporary tables"):
            measure(other, docs.info)
        with pytest.raises(PermissionDenied):
            write(other, "1973")
    finally:
        other.close()
        connection.execute("drop role lesson_reader")


# 1973, 1973.0, "1973", 2024, "2024", "unknown", null, not there
TYPES = {
    Question.EQUAL: {
        """metadata @> '{"year": 1973}'""": "yynnnnnn",
        "metadata ->> 'year' = '1973'": "ynynnn??",
        "(metadata ->> 'year')::integer = 1973": "",
        '{"year": 1973}': "yynnnnnn",
    },
    Question.BELOW: {
        "metadata -> 'year' < '2000'": "yyynyyy?",
        "metadata ->> 'year' < '2000'": "yyynnn??",
        "(metadata ->> 'year')::integer < 2000": "",
        '{"year": {"$lt": 2000}}': "yynnnnnn",
    },
    Question.NOT: {
        "metadata ->> 'year' <> '1973'": "nynyyy??",
        "metadata -> 'year' <> '1973'": "nnyyyyy?",
        """not metadata @> '{"year": 1973}'""": "nnyyyyyy",
        '{"year": {"$ne": 1973}}': "nnyyyyyy",
    },
}


@pytest.mark.parametrize("question", list(Question))
def test_what_conditions_say_of_other_types(docs: Collection, question: Question) -> None:
    letters = {True: "y", False: "n", None: "?"}
    found = answers(docs.db, question)
    assert {a.condition: "".join(letters[v] for v in a.found) for a in found} == TYPES[question]
    assert [a.is_filter for a in found] == [False, False, False, True]
    for answer in found:
        assert bool(answer.error) == (not answer.found)
        if answer.error:
            assert "invalid input syntax for type integer" in answer.error


@pytest.mark.parametrize(
    ("value", "refused", "kept"),
    [
        ("1973", "", '{"year": 1973}'),
        (" 1973 ", "", '{"year": 1973}'),
        ("unknown", 'integer: "unknown"', '{"year": "unknown"}'),
        ('"1973"', "invalid input syntax", '{"year": "1973"}'),
        ("1973.5", "invalid input syntax", '{"year": 1973.5}'),
        ("99999999999", "out of range", '{"year": 99999999999}'),
        ("NaN", "invalid input syntax", '{"year": "NaN"}'),
        ("Infinity", "invalid input syntax", '{"year": "Infinity"}'),
        ("1e999", "invalid input syntax", '{"year": "1e999"}'),
        ("[" * 150, "invalid input syntax", '{"year": "' + "[" * 150 + '"}'),
        ("'); drop table x; --", "invalid input syntax", '{"year": "\'); drop table x; --"}'),
        ("二千年 🦊", "invalid input syntax", '{"year": "二千年 🦊"}'),
    ],
)
def test_what_is_written(docs: Collection, value: str, refused: str, kept: str) -> None:
    found = write(docs.db, value)
    assert refused in found.refused
    assert bool(found.refused) == bool(refused)
    assert found.kept == kept


@pytest.mark.parametrize("value", ["", "   ", "1" * 201])
def test_nothing_and_too_much_is_not_written(docs: Collection, value: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 200"):
        write(docs.db, value)


def test_a_nul_byte_is_refused(docs: Collection) -> None:
    with pytest.raises(InvalidInput):
        write(docs.db, "19\x0073")


def test_one_filter_for_both_places() -> None:
    column, metadata = filter_sql('{"year": {"$gte": 2015}}')
    assert column == """"year" >= '2015'::bigint"""
    assert metadata.startswith("case jsonb_typeof(")
    assert filter_sql('{"year": 2015}')[1] == """("metadata" @> '{"year": 2015}'::jsonb)"""
    for wrong in ("", "{}", "{", '{"year": "2015"}', '{"year": {"$near": 1}}', '{"year": NaN}'):
        with pytest.raises(InvalidInput):
            filter_sql(wrong)
