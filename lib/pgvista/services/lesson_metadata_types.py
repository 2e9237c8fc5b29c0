"""Values of other types than expected: what conditions say of them, and where they are refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg import sql as pg

from pgvista.db.database import Database
from pgvista.db.errors import primary_message
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.filters import parse_filter
from pgvista.services.lesson_metadata import refuse_read_only
from pgvista.sql import lesson_metadata as sql
from pgvista.sql.query import Query

DOCUMENTS = (
    '{"year": 1973}',
    '{"year": 1973.0}',
    '{"year": "1973"}',
    '{"year": 2024}',
    '{"year": "2024"}',
    '{"year": "unknown"}',
    '{"year": null}',
    "{}",
)
LONGEST = 200


class Question(StrEnum):
    """What is asked of the year."""

    EQUAL = "is 1973"
    BELOW = "is below 2000"
    NOT = "is not 1973"


_WRITTEN: dict[Question, tuple[str, ...]] = {
    Question.EQUAL: (
        """metadata @> '{"year": 1973}'""",
        "metadata ->> 'year' = '1973'",
        "(metadata ->> 'year')::integer = 1973",
    ),
    Question.BELOW: (
        "metadata -> 'year' < '2000'",
        "metadata ->> 'year' < '2000'",
        "(metadata ->> 'year')::integer < 2000",
    ),
    Question.NOT: (
        "metadata ->> 'year' <> '1973'",
        "metadata -> 'year' <> '1973'",
        """not metadata @> '{"year": 1973}'""",
    ),
}
_FILTERS: dict[Question, Mapping[str, object]] = {
    Question.EQUAL: {"year": 1973},
    Question.BELOW: {"year": {"$lt": 2000}},
    Question.NOT: {"year": {"$ne": 1973}},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one condition says of each document."""

    condition: str
    """SQL, or a filter of pgvista's language."""
    is_filter: bool
    found: tuple[bool | None, ...]
    """None: unknown to SQL, which leaves the row out; empty where Postgres refused to go on."""
    error: str
    sql: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a value that was written into the column and into the metadata."""

    refused: str
    """What Postgres says against it as a year; empty: it was taken."""
    kept: str
    """The metadata as it is kept."""
    sql: tuple[str, str]


def answers(db: Database, question: Question) -> tuple[Answer, ...]:
    """Ask each condition of each of DOCUMENTS; the last one is pgvista's own."""
    found = [_answer(db, Query(_constant(text)), text) for text in _WRITTEN[question]]
    given = _FILTERS[question]
    compiled = sql.compiled_filter(parse_filter(given), in_column=False)
    return (*found, _answer(db, compiled, json.dumps(given), is_filter=True))


def write(db: Database, value: str) -> Written:
    """Write `value` into a column of type integer and into metadata; both are undone.

    What reads as JSON is written as that: ``1973`` is a number, ``unknown`` a text. Raises
    InvalidInput when it is empty or longer than 200 characters, ReadOnly and PermissionDenied.
    """
    value = value.strip()
    if not value or len(value) > LONGEST:
        raise InvalidInput(
            f"The value has {len(value):,} characters; 1 to {LONGEST} can be tried here.",
            "Type a year, or anything else.",
        )
    refuse_read_only(db)
    document = json.dumps({"year": _json(value)}, ensure_ascii=False)
    column, metadata = sql.write_column(value), sql.write_metadata(document)
    refused = ""
    with db.transaction() as connection:
        door = sql.create_door()
        connection.execute(door.sql, door.params)
        try:
            with connection.transaction():
                connection.execute(column.sql, column.params)
        except (psycopg.errors.DataError, psycopg.errors.SyntaxError) as error:
            refused = primary_message(error)
        row = connection.execute(metadata.sql, metadata.params).fetchone()
        kept = "" if row is None else str(row[0])
    return Written(refused, kept, (column.text(), metadata.text()))


def filter_sql(text: str) -> tuple[str, str]:
    """Return the condition of a filter, the year in a column, and in metadata.

    Raises InvalidInput for what is no filter, or does not fit a column of type integer.
    """
    tree = parse_filter(text)
    if tree is None:
        raise InvalidInput("There is no filter yet.", 'Type one, such as {"year": {"$gte": 2015}}.')
    return (
        sql.compiled_filter(tree, in_column=True).text(),
        sql.compiled_filter(tree, in_column=False).text(),
    )


def _answer(db: Database, condition: Query, text: str, *, is_filter: bool = False) -> Answer:
    query = sql.ask_documents(condition, list(DOCUMENTS))
    try:
        rows = db.query(query.statement, query.params)
    except PgvistaError as error:
        return Answer(text, is_filter, (), error.message, query.text())
    return Answer(text, is_filter, tuple(row[1] for row in rows), "", query.text())


def _constant(text: str) -> pg.Composed:
    return pg.Composed([pg.SQL(text)])  # of the constants above


def _json(value: str) -> object:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if isinstance(found, float) and not math.isfinite(found):  # Python reads them, JSON has none
        return value
    return found
