"""Filters compiled to SQL: parameters only, compared by type.

A key that names a structured column (or the id or text column) becomes an ordinary comparison
whose values are cast to what the column compares with, never the column itself: a btree index
serves it, and a GIN index ``$contains`` on a list. Any other key is looked up in the metadata, or
in another JSON column that it begins with; see `sql.filters_json`.

What each operator says of nulls, of missing keys and of other types stands in `model.filters`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.filters import (
    ORDER_OPERATORS,
    PATTERN_OPERATORS,
    And,
    Comparison,
    Filter,
    Not,
    Scalar,
    short,
    split_key,
)
from pgvista.sql.filters_json import OPERATORS, json_condition
from pgvista.sql.names import column_type
from pgvista.sql.query import NOTHING, column, compose, join, param

_WHOLE = {
    "smallint": ("bigint", 2**15),
    "integer": ("bigint", 2**31),
    "bigint": ("bigint", 2**63),
    "oid": ("oid", 2**32),
}
"""Whole numbers: the type that an index on the column compares with, and the limit of its range."""
_FLOATING = {"numeric", "real", "double precision"}
_TEXTUAL = {"text": "text", "character varying": "text", "name": "text", "character": "bpchar"}
_LARGEST_REAL, _SMALLEST_REAL = 3.4028234e38, 1.1754944e-38
_FALSE = sql.Composed([sql.SQL("false")])


class FilterSql:
    """A filter's condition and the values for it; parameter names begin with `prefix`."""

    def __init__(
        self,
        tree: Filter | None,
        collection: Collection,
        alias: LiteralString | None,
        prefix: str = "f",
    ) -> None:
        self.params: dict[str, Any] = {}
        self._collection = collection
        self._alias = alias
        self._prefix = prefix
        self.condition = None if tree is None else self._compile(tree)

    def clause(self, keyword: LiteralString) -> sql.Composable:
        """Return ``<keyword> (condition)``, or nothing when there is no filter."""
        if self.condition is None:
            return NOTHING
        return compose("{keyword} {condition}", keyword=sql.SQL(keyword), condition=self.condition)

    def _bind(self, value: Any) -> sql.Placeholder:
        name = f"{self._prefix}{len(self.params)}"
        self.params[name] = value
        return param(name)

    def _compile(self, tree: Filter) -> sql.Composed:
        if isinstance(tree, Comparison):
            return self._comparison(tree)
        if isinstance(tree, Not):
            return compose("({part}) is not true", part=self._compile(tree.part))
        if not tree.parts:
            raise InvalidInput("A part of the filter is empty, which would let every row through.")
        word: LiteralString = " and " if isinstance(tree, And) else " or "
        return compose("({parts})", parts=join(word, map(self._compile, tree.parts)))

    def _comparison(self, item: Comparison) -> sql.Composed:
        if isinstance(item.value, tuple) and not item.value:
            raise InvalidInput(f"{item.operator} on {short(item.key)} has an empty list.")
        kind = self._kind(item.key)
        if kind is not None and kind not in ("json", "jsonb"):
            return self._on_column(item, column(self._alias, self._bare(item.key)), kind)
        base, path = self._json_place(item.key)
        return json_condition(item, base, path, self._bind)

    # -- what a key names

    def _bare(self, key: str) -> str:
        """Return the column that a key names, where it names one; a column wins as it is written."""
        if self._kind_of(key) is not None or "\\" not in key:
            return key
        path = split_key(key)
        return path[0] if len(path) == 1 else key

    def _kind(self, key: str) -> str | None:
        """Return the type of the column that `key` names, without its length; None for no column."""
        return self._kind_of(self._bare(key))

    def _kind_of(self, name: str) -> str | None:
        roles = self._collection.roles
        if (found := self._collection.column(name)) is not None:
            return re.sub(r"\(\d+(,\s*-?\d+)?\)", "", found.type)
        if name == roles.id:
            return re.sub(r"\(\d+(,\s*-?\d+)?\)", "", self._collection.key_type)
        if name == roles.content:
            return "text"
        return self._collection.vector_type.value if name == roles.embedding else None

    def _json_place(self, key: str) -> tuple[sql.Composable, tuple[str, ...]]:
        """Return the jsonb value that a key is looked up in, and the names that lead through it."""
        collection = self._collection
        if (kind := self._kind(key)) is not None:
            return _as_jsonb(column(self._alias, self._bare(key)), kind), ()
        path = split_key(key)
        if len(path) > 1 and (kind := self._kind_of(path[0])) in ("json", "jsonb"):
            return _as_jsonb(column(self._alias, path[0]), kind), path[1:]
        if collection.roles.metadata is None:
            raise InvalidInput(
                f"{collection.name} has no column {short(key)}, and no metadata to look it up in.",
                f"Columns: {', '.join(column.name for column in collection.columns) or 'none'}.",
            )
        metadata = column(self._alias, collection.roles.metadata)
        return _as_jsonb(metadata, collection.metadata_type), path

    # -- ordinary columns

    def _on_column(self, item: Comparison, name: sql.Composable, kind: str) -> sql.Composed:
        operator = item.operator
        if operator == "$exists":
            there: LiteralString = "{name} is not null" if item.value else "{name} is null"
            return compose(there, name=name)
        if operator in ("$ne", "$nin"):
            positive = Comparison(item.key, "$eq" if operator == "$ne" else "$in", item.value)
            return compose(
                "({condition}) is not true", condition=self._on_column(positive, name, kind)
            )
        values = item.value if isinstance(item.value, tuple) else (item.value,)
        if operator in ("$eq", "$in") and set(values) == {None}:
            return compose("{name} is null", name=name)
        if kind.endswith("[]"):
            return self._on_array(item, name, kind)
        if kind == self._collection.vector_type.value:
            raise InvalidInput(
                f"{operator} does not work on {short(item.key)}, which is a {kind}.", "Use $exists."
            )
        if operator == "$contains":
            raise InvalidInput(
                f"$contains needs a list, and {short(item.key)} is {kind}.", "Use $eq or $like."
            )
        if operator in ("$eq", "$in"):
            return compose("({parts})", parts=join(" or ", self._equals(item, name, kind, values)))
        if operator == "$between":
            low = self._order(item, "$gte", name, kind, values[0])
            high = self._order(item, "$lte", name, kind, values[1])
            return compose("({low} and {high})", low=low, high=high)
        if operator in ORDER_OPERATORS:
            return self._order(item, operator, name, kind, values[0])
        return self._pattern(item, name, kind)

    def _equals(
        self, item: Comparison, name: sql.Composable, kind: str, values: tuple[Scalar, ...]
    ) -> Iterator[sql.Composed]:
        if None in values:
            yield compose("{name} is null", name=name)
        present = [self._checked(item, kind, value) for value in values if value is not None]
        present = [value for value in present if _fits(kind, value)]
        if not present:
            yield _FALSE
        elif len(present) == 1:
            yield compose("{name} = {value}", name=name, value=self._typed(kind, present[0]))
        else:
            yield compose(
                "{name} = any({values}::{type}[])",
                name=name,
                values=self._bind([_plain(value) for value in present]),
                type=_compared_as(kind, present),
            )

    def _order(
        self, item: Comparison, operator: str, name: sql.Composable, kind: str, value: Scalar
    ) -> sql.Composed:
        value = self._checked(item, kind, value)
        if kind in _WHOLE:
            if not _fits(kind, value) and isinstance(value, float) and value != math.floor(value):
                below = operator in ("$lt", "$lte")
                operator = "$lte" if below else "$gte"
                value = math.floor(value) if below else math.ceil(value)
            if not _fits(kind, value):  # the column holds nothing beyond its range
                every = (float(str(value)) > 0) == (operator in ("$lt", "$lte"))
                return compose("{name} is not null", name=name) if every else _FALSE
        return compose(
            "{name} {operator} {value}",
            name=name,
            operator=sql.SQL(OPERATORS[operator]),
            value=self._typed(kind, value),
        )

    def _pattern(self, item: Comparison, name: sql.Composable, kind: str) -> sql.Composed:
        if item.operator not in PATTERN_OPERATORS:
            raise InvalidInput(f"{item.operator} on {short(item.key)} is not a known operator.")
        if kind not in _TEXTUAL and not kind.endswith("citext"):
            raise InvalidInput(
                f"{item.operator} works on texts, and the column {short(item.key)} is {kind}.",
                "Use $between, or $eq.",
            )
        return compose(
            "{name} {operator} {pattern}::{type}",
            name=name,
            operator=sql.SQL(OPERATORS[item.operator]),
            pattern=self._bind(item.value),
            type=column_type(kind if kind.endswith("citext") else "text"),
        )

    def _on_array(self, item: Comparison, name: sql.Composable, kind: str) -> sql.Composed:
        if item.operator != "$contains" or isinstance(item.value, tuple):
            raise InvalidInput(
                f"{item.operator} does not work on {short(item.key)}, which is {kind}.",
                "Use $contains.",
            )
        element = kind.removesuffix("[]")
        value = self._checked(item, element, item.value)
        if not _fits(element, value):
            return _FALSE
        return compose(
            "{name} @> array[{value}]::{kind}",
            name=name,
            value=self._typed(element, value),
            kind=column_type(kind),
        )

    def _checked(self, item: Comparison, kind: str, value: Scalar) -> Scalar:
        """Return a value as the column's type has it. Raises InvalidInput for another type."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if kind in _WHOLE or kind in _FLOATING:
            if isinstance(value, str) and item.key == self._collection.roles.id:
                return _number_of(item, kind, value)  # ids are texts everywhere else
            if not number:
                raise _wrong_type(item, kind, "a number")
        elif kind == "boolean":
            if not isinstance(value, bool):
                raise _wrong_type(item, kind, "true or false")
        elif not isinstance(value, str):
            raise _wrong_type(item, kind, "a text")
        return value

    def _typed(self, kind: str, value: Scalar) -> sql.Composed:
        return compose(
            "{value}::{type}", value=self._bind(_plain(value)), type=_compared_as(kind, [value])
        )


def _as_jsonb(name: sql.Composable, kind: str | None) -> sql.Composable:
    return name if kind == "jsonb" else compose("{name}::jsonb", name=name)


def _fits(kind: str, value: Scalar) -> bool:
    """Return whether a column of this type could hold `value`, which is of the right sort."""
    if kind == "real":
        size = abs(float(str(value)))
        return size == 0 or _SMALLEST_REAL <= size <= _LARGEST_REAL
    if kind not in _WHOLE:
        return True
    limit = _WHOLE[kind][1]
    if isinstance(value, float) and value != math.floor(value):
        return False
    return (0 if kind == "oid" else -limit) <= int(value or 0) < limit


def _plain(value: Scalar) -> str | bool:
    """Return a value as it is sent: whole numbers without a point, so that they are read as such."""
    if isinstance(value, bool):
        return value
    whole = isinstance(value, float) and value == math.floor(value) and abs(value) < 2**53
    return str(int(value)) if whole and isinstance(value, float) else str(value)


def _compared_as(kind: str, values: list[Scalar]) -> sql.Composable:
    """Return the type that values are cast to, so that the column need not be."""
    if kind in _WHOLE:
        return column_type(_WHOLE[kind][0])
    if kind == "real" and not all(_fits(kind, value) for value in values):
        return column_type("double precision")  # one btree family has both
    return column_type(_TEXTUAL.get(kind, kind))


def _number_of(item: Comparison, kind: str, text: str) -> Scalar:
    try:
        return int(text) if kind in _WHOLE else float(text)
    except ValueError:
        raise _wrong_type(item, kind, "a number") from None


def _wrong_type(item: Comparison, kind: str, wanted: str) -> InvalidInput:
    given = json.dumps(list(item.value) if isinstance(item.value, tuple) else item.value)
    given = given if len(given) <= 80 else f"{given[:79]}…"
    return InvalidInput(
        f"{item.operator} on {short(item.key)} takes {wanted}, since the column is {kind}; "
        f"it was given {given}."
    )
