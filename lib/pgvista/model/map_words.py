"""A map's rows and its filter in words, as the page, the file and the command tell them."""

from __future__ import annotations

import json

from pgvista.model.filters import And, Comparison, Filter, Not, Or, Scalar
from pgvista.model.map import MapInfo

_SIGNS = {
    "$eq": "=", "$ne": "≠", "$lt": "<", "$lte": "≤", "$gt": ">", "$gte": "≥", "$like": "is like",
    "$ilike": "is like, in any case,", "$contains": "contains", "$in": "is one of",
    "$nin": "is none of", "$between": "is between",
}  # fmt: skip
_NAMED = 4
"""Lists of more values are told by their number."""
_LONGEST_VALUE = 60
_LONGEST = 240


def rows_in_words(info: MapInfo) -> str:
    """Say which rows a map is made of: ``1,204 of 25,014 rows where package = numpy``."""
    where = ""
    if info.spec.filters is not None:
        where = f" where {filter_in_words(info.spec.filters)}"
    if info.is_sample:
        return f"{info.points:,} of {info.rows:,} rows{where}, drawn at random"
    if where and info.table_rows:
        return f"{info.points:,} of {info.table_rows:,} rows{where}"
    return f"{_rows(info.points)}{where}"


def filter_in_words(tree: Filter) -> str:
    """Say in one line what a filter lets through; a long one is cut."""
    told = " ".join(_words(tree).split())
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _words(tree: Filter) -> str:
    if isinstance(tree, Comparison):
        return _condition(tree)
    if isinstance(tree, Not):
        return f"not ({_words(tree.part)})"
    between = " or " if isinstance(tree, Or) else " and "
    parts = [
        f"({_words(part)})" if isinstance(part, And | Or) and len(part.parts) > 1 else _words(part)
        for part in tree.parts
    ]
    return between.join(parts)


def _condition(item: Comparison) -> str:
    if item.operator == "$exists":
        return f"{item.key} {'is there' if item.value else 'is missing'}"
    sign = _SIGNS[item.operator]
    if not isinstance(item.value, tuple):
        return f"{item.key} {sign} {_value(item.value)}"
    if item.operator == "$between":
        return f"{item.key} {sign} {' and '.join(map(_value, item.value))}"
    if len(item.value) > _NAMED:
        return f"{item.key} {sign} {len(item.value):,} values"
    return f"{item.key} {sign} {', '.join(map(_value, item.value))}"


def _value(value: Scalar) -> str:
    """Write a value as people do; a text that could be taken for a number keeps its quotes."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            told = value or '""'
        else:
            told = json.dumps(value, ensure_ascii=False)
    else:
        told = json.dumps(value)
    return told if len(told) <= _LONGEST_VALUE else f"{told[: _LONGEST_VALUE - 1]}…"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
