"""The columns of a file and what their values look like."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from pgvista.model.rows import Record


class ColumnKind(StrEnum):
    """What the values of a column look like."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    VECTOR = "vector"
    """Lists of numbers, all of one length, or their text form."""
    LIST = "list"
    OBJECT = "object"
    EMPTY = "empty"
    """No value in the rows that were looked at."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a file: its name, and the kind guessed from the first rows."""

    name: str
    kind: ColumnKind
    dimension: int | None = None
    """Numbers in each vector, for kind `VECTOR`."""


_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d{2}(?::?\d{2})?))?"
)
_NUMBERS = re.compile(r"\s*\[?\s*[-+.\deE]+(?:(?:\s*[,;]\s*|\s+)[-+.\deE]+)+\s*\]?\s*")
_MIN_BARE_VECTOR = 3
"""Numbers that a text without brackets needs to be taken for a vector."""


def describe_columns(records: Iterable[Record], *, textual: bool) -> tuple[SourceColumn, ...]:
    """Name the columns of `records`, in the order they appear, and guess a kind for each.

    `textual` says that the file holds texts alone (CSV), so that ``12`` is a number and ``true`` a
    boolean there; elsewhere a text is a text, whatever it spells.
    """
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.values.items():
            values.setdefault(name, []).append(value)
    return tuple(_describe(name, held, textual=textual) for name, held in values.items())


def _describe(name: str, values: list[Any], *, textual: bool) -> SourceColumn:
    held = [value for value in values if not is_missing(value)]
    if not held:
        return SourceColumn(name, ColumnKind.EMPTY)
    if all(isinstance(value, str) for value in held):
        dimension = _text_dimension(held)
        if dimension is not None:
            return SourceColumn(name, ColumnKind.VECTOR, dimension)
        return SourceColumn(name, _text_kind(held, textual=textual))
    if all(isinstance(value, list | tuple | np.ndarray) for value in held):
        lengths = {len(value) for value in held}
        if len(lengths) == 1 and min(lengths) > 1 and all(map(_all_numbers, held)):
            return SourceColumn(name, ColumnKind.VECTOR, lengths.pop())
        return SourceColumn(name, ColumnKind.LIST)
    for kind, types in _NATIVE:
        if all(isinstance(value, types) for value in held):
            return SourceColumn(name, kind)
    return SourceColumn(name, ColumnKind.TEXT)


_NATIVE: tuple[tuple[ColumnKind, tuple[type, ...]], ...] = (
    (ColumnKind.BOOLEAN, (bool, np.bool_)),
    (ColumnKind.INTEGER, (int, np.integer)),
    (ColumnKind.NUMBER, (int, float, np.integer, np.floating)),
    (ColumnKind.OBJECT, (dict,)),
    (ColumnKind.TIMESTAMP, (dt.datetime,)),
    (ColumnKind.DATE, (dt.date,)),
)


def is_missing(value: Any) -> bool:
    """Whether a value stands for nothing: None, NaN or an empty text."""
    return value is None or value == "" if isinstance(value, str | None) else _is_nan(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and value != value


def _all_numbers(value: Sequence[Any]) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value.dtype.kind in "fiu"
    return all(type(item) in (int, float) for item in value)


def _text_dimension(texts: Sequence[str]) -> int | None:
    """Return how many numbers each text spells, when it is the same in all and they are vectors."""
    lengths = set()
    for text in texts:
        if not _NUMBERS.fullmatch(text):
            return None
        numbers = re.findall(r"[^\s,;\[\]]+", text)
        if not text.lstrip().startswith("[") and len(numbers) < _MIN_BARE_VECTOR:
            return None
        lengths.add(len(numbers))
    return lengths.pop() if len(lengths) == 1 else None


def _text_kind(texts: Sequence[str], *, textual: bool) -> ColumnKind:
    tests = [(ColumnKind.TIMESTAMP, _TIMESTAMP), (ColumnKind.DATE, _DATE)]
    if textual:
        tests += [(ColumnKind.INTEGER, _INTEGER), (ColumnKind.NUMBER, _NUMBER)]
        if all(text.lower() in ("true", "false") for text in texts):
            return ColumnKind.BOOLEAN
    for kind, pattern in tests:
        if all(pattern.fullmatch(text.strip()) for text in texts):
            return kind
    for kind, opening, type_ in ((ColumnKind.OBJECT, "{", dict), (ColumnKind.LIST, "[", list)):
        if all(text.startswith(opening) for text in texts) and all(
            isinstance(_json(text), type_) for text in texts
        ):
            return kind
    return ColumnKind.TEXT


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def typed(text: str, kind: ColumnKind) -> Any:
    """Return a CSV cell as the column's kind says, or the text itself where it does not fit.

    Integers, numbers, booleans, and JSON lists and objects change; an empty cell becomes None in
    such a column.
    """
    stripped = text.strip()
    if not stripped:
        return None if kind in _TYPED else text
    if kind is ColumnKind.INTEGER and _INTEGER.fullmatch(stripped):
        return int(stripped)
    if kind is ColumnKind.NUMBER and _NUMBER.fullmatch(stripped):
        return float(stripped)
    if kind is ColumnKind.BOOLEAN and stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    if kind in (ColumnKind.LIST, ColumnKind.OBJECT):
        value = _json(stripped)
        return value if isinstance(value, list | dict) else text
    return text


_TYPED = frozenset(
    {
        ColumnKind.INTEGER,
        ColumnKind.NUMBER,
        ColumnKind.BOOLEAN,
        ColumnKind.LIST,
        ColumnKind.OBJECT,
    }
)
