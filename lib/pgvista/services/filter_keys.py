"""What a collection can be filtered by: keys, their types, and the values that are most common.

A collection of up to SAMPLE_ROWS rows is read whole. Of a larger one that many rows are read, from
pages taken at random where Postgres has an estimate of its size; what ANALYZE noted of its columns
goes before what the sample says of them. Each statement has LIMIT_MS; one that takes longer is
tried on fewer rows, and in the end there are names alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, QueryFailed
from pgvista.model.collection import CHUNK_KEY, PARENT_KEY, Collection
from pgvista.model.filters import Scalar, join_key
from pgvista.sql import filter_keys as statements
from pgvista.sql.query import Query

SAMPLE_ROWS = 2_000
FEW_ROWS = 100
LIMIT_MS = 2_000

_NUMBERS = {
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "oid",
}  # fmt: skip
_JSON_KINDS = {"string": "text", "number": "number", "boolean": "boolean", "array": "array"}


class KeyKind(StrEnum):
    """What the values of a key are."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    """A column of dates or times; their values are written as texts."""
    ARRAY = "array"
    """A list; the common values are its elements."""
    OBJECT = "object"
    MIXED = "mixed"
    """Values of several JSON types."""


@dataclass(frozen=True, slots=True)
class FilterKey:
    """A key that a filter can name, and what is known of its values."""

    name: str
    """As a filter writes it: ``a.b`` leads into an object, a dot of a name has a backslash."""
    kind: KeyKind
    share: float | None = None
    """Part of the rows that have a value there, 0 to 1; None when it is not known."""
    values: tuple[tuple[Scalar, int], ...] = ()
    """The most common values, each with the rows it is in, of `rows_read`."""
    is_column: bool = False
    rows_read: int = 0
    """Rows that were read to tell; for what ANALYZE noted, the rows there are, about."""
    whole: bool = False
    """Whether that was every row."""


@dataclass(frozen=True, slots=True)
class _Sample:
    rows: int
    whole: bool
    found: tuple[tuple[str, tuple[str, ...], Mapping[str, int], Sequence[Any]], ...] = ()
    """Source, path, rows by JSON type, and common values."""


def filter_keys(db: Database, collection: Collection) -> tuple[FilterKey, ...]:
    """Return what `collection` can be filtered by: the keys that most rows have first.

    The id and the text come after them, and last the keys that only chunks have. Takes some
    seconds at most, whatever the size. Raises PgvistaError when the server is away.
    """
    estimate = _estimate(db, collection)
    sample = _sample(db, collection, estimate)
    keys = list(_keys(collection, sample))
    if not sample.whole and estimate > SAMPLE_ROWS:
        keys = _with_statistics(db, collection, keys, estimate)
    chunk_keys = (PARENT_KEY, CHUNK_KEY)
    keys.sort(key=lambda key: (key.name in chunk_keys, -(key.share or 0), key.name))
    place = sum(key.name not in chunk_keys for key in keys)
    roles = collection.roles
    own = [
        FilterKey(_column_key(name), kind, 1.0 if name == roles.id else None, is_column=True)
        for name, kind in (
            (roles.id, column_kind(collection.key_type)),
            (roles.content, KeyKind.TEXT),
        )
        if name is not None
    ]
    return (*keys[:place], *own, *keys[place:])


def column_kind(kind: str) -> KeyKind:
    """Return what the values of a column of this type are, as a filter takes them."""
    bare = re.sub(r"\(\d+(,\s*-?\d+)?\)", "", kind)
    if bare.endswith("[]"):
        return KeyKind.ARRAY
    if bare in _NUMBERS:
        return KeyKind.NUMBER
    if bare in ("json", "jsonb"):
        return KeyKind.OBJECT
    if bare == "boolean":
        return KeyKind.BOOLEAN
    return KeyKind.DATE if bare.startswith(("date", "time")) else KeyKind.TEXT


def _estimate(db: Database, collection: Collection) -> int:
    found = _rows(db, statements.estimated_rows(collection))
    return int(found[0][0]) if found else -1


def _sample(db: Database, collection: Collection, estimate: int) -> _Sample:
    """Return what the first statement finds that Postgres can run in time."""
    tries: list[tuple[int, float | None, bool]] = [
        (SAMPLE_ROWS, None, True),
        (FEW_ROWS, None, True),
        (FEW_ROWS, None, False),  # metadata of type json can hold what jsonb cannot
    ]
    if estimate > 2 * SAMPLE_ROWS:
        tries.insert(0, (SAMPLE_ROWS, min(100.0, 120.0 * SAMPLE_ROWS / estimate), True))
    for limit, percent, metadata in tries:
        query = statements.sampled_keys(collection, limit, percent=percent, metadata=metadata)
        try:
            found = _rows(db, query)
        except (QueryFailed, InvalidInput):
            continue
        rows = int(found[-1][4])
        if percent is not None and rows < FEW_ROWS:  # the estimate was far off
            continue
        return _Sample(
            rows,
            whole=percent is None and metadata and rows < limit,
            found=tuple((row[0], tuple(row[1]), row[2], row[3] or ()) for row in found[:-1]),
        )
    return _Sample(0, whole=False)


def _rows(db: Database, query: Query) -> list[tuple[Any, ...]]:
    return db.read(lambda c: c.execute(query.sql, query.params).fetchall(), timeout_ms=LIMIT_MS)


def _keys(collection: Collection, sample: _Sample) -> Iterator[FilterKey]:
    known = FilterKey("", KeyKind.MIXED, rows_read=sample.rows, whole=sample.whole)
    told = set()
    for source, path, kinds, values in sample.found:
        if not all(path) and source == "metadata":
            continue  # a filter cannot name an empty key
        there = {name: rows for name, rows in kinds.items() if name != "null"}
        kind = _json_kind(there)
        names = path
        if source == "column":
            item = collection.columns[int(path[0])]
            names = (item.name, *path[1:])
            if not all(names):
                continue
            if len(path) == 1:
                kind = column_kind(item.type)
                told.add(item.name)
        elif collection.column(path[0]) is not None or path[0] in _role_names(collection):
            continue  # the column of that name is meant
        share = sum(there.values()) / sample.rows if sample.rows else None
        yield replace(
            known,
            name=_column_key(names[0])
            if len(names) == 1 and source == "column"
            else join_key(names),
            kind=kind,
            share=share,
            values=tuple(
                (value, int(rows))
                for value, rows, listed in values
                if listed == (kind is KeyKind.ARRAY)
            ),
            is_column=source == "column",
        )
    for item in collection.columns:
        if item.name not in told:
            yield replace(
                known, name=_column_key(item.name), kind=column_kind(item.type), is_column=True
            )


def _role_names(collection: Collection) -> tuple[str | None, ...]:
    roles = collection.roles
    return roles.id, roles.content, roles.embedding


def _column_key(name: str) -> str:
    """Return a column's name as a filter writes it: bare, but for what looks like an operator."""
    return join_key((name,)) if name.startswith("$") else name


def _json_kind(kinds: Mapping[str, int]) -> KeyKind:
    if len(kinds) != 1:
        return KeyKind.MIXED if kinds else KeyKind.TEXT
    return KeyKind(_JSON_KINDS.get(next(iter(kinds)), "object"))


def _with_statistics(
    db: Database, collection: Collection, keys: Sequence[FilterKey], estimate: int
) -> list[FilterKey]:
    """Put what ANALYZE noted, from many more rows, in the place of the sample's."""
    try:
        found = {row[0]: row[1:] for row in _rows(db, statements.column_statistics(collection))}
    except (QueryFailed, InvalidInput):
        return list(keys)
    by_name = {_column_key(name): values for name, values in found.items()}
    return [
        _noted(key, by_name[key.name], estimate) if key.is_column and key.name in by_name else key
        for key in keys
    ]


def _noted(key: FilterKey, statistics: tuple[Any, ...], estimate: int) -> FilterKey:
    """Return `key` with the part of nulls, the values and their parts as ANALYZE noted them."""
    nulls, values, parts = statistics
    noted = [
        (_read(key.kind, value), round(part * estimate))
        for value, part in zip(values or (), parts or (), strict=False)
        if value and len(value) <= statements.MAX_VALUE_CHARS
    ]
    noted.sort(key=lambda item: -item[1])
    if key.kind is KeyKind.ARRAY and not all(isinstance(value, str) for value, _ in key.values):
        noted = []  # the sample knows the type of the elements
    return replace(
        key,
        share=1 - nulls,
        values=tuple(noted[: statements.MAX_VALUES]) or key.values,
        rows_read=estimate if noted else key.rows_read,
    )


def _read(kind: KeyKind, text: str) -> Scalar:
    """Return a value as a filter takes it, from how Postgres writes it."""
    if kind is KeyKind.BOOLEAN:
        return text.startswith("t")
    if kind is not KeyKind.NUMBER:
        return text
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
