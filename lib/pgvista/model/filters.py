"""The filter language: a JSON object in, a frozen tree out.

    {"year": {"$gte": 1970}, "kind": "report"}            several keys are joined by "and"
    {"$or": [{"lang": {"$in": ["de", "fr"]}}, {"tags": {"$contains": "news"}}]}

A key names a structured column or, where there is none of that name, a key of the metadata;
dots lead into nested objects. A bare value means ``$eq``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pgvista.errors import InvalidInput

MAX_DEPTH = 32
MAX_CONDITIONS = 500

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition: the key, the operator and what it is compared with."""

    key: str
    operator: str
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class And:
    """True when every part is."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when at least one part is."""

    parts: tuple[Filter, ...]


Filter = Comparison | And | Or

SCALAR_OPERATORS = ("$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$contains")
LIST_OPERATORS = ("$in",)
ORDER_OPERATORS = ("$lt", "$lte", "$gt", "$gte")
OPERATORS = SCALAR_OPERATORS + LIST_OPERATORS
_HINT = f'Operators: {", ".join(OPERATORS)}, $and, $or. Example: {{"year": {{"$gte": 1970}}}}.'


def parse_filter(source: Mapping[str, Any] | str | None) -> Filter | None:
    """Turn a filter as people write it (an object, or its JSON) into a tree; None for none.

    An empty object means no filter. Raises InvalidInput for anything that is not clearly a
    condition: unknown operators, empty ``$and``/``$or``/``$in``, NaN, nesting over 32.
    """
    if source is None:
        return None
    if isinstance(source, str):
        if not source.strip():
            return None
        try:
            source = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"The filter is not JSON: {error}.", _HINT) from None
    if not isinstance(source, Mapping):
        raise InvalidInput("A filter is a JSON object.", _HINT)
    if not source:
        return None
    tree = _parse_object(source, 1)
    if _count(tree) > MAX_CONDITIONS:
        raise InvalidInput(
            f"The filter has more than {MAX_CONDITIONS} conditions.", "Use $in for lists of values."
        )
    return tree


def _parse_object(source: Mapping[str, Any], depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"The filter is nested more than {MAX_DEPTH} deep.", "Flatten it.")
    if not isinstance(source, Mapping) or not source:
        raise InvalidInput("A part of the filter is empty or not an object.", _HINT)
    parts = [part for key, value in source.items() for part in _parse_entry(key, value, depth)]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _parse_entry(key: object, value: Any, depth: int) -> list[Filter]:
    if not isinstance(key, str) or not key or "\0" in key:
        raise InvalidInput(f"{key!r} is not a key that a filter can name.", _HINT)
    if key in ("$and", "$or"):
        if not isinstance(value, list | tuple) or not value:
            raise InvalidInput(f"{key} takes a list of one or more filters.", _HINT)
        parts = tuple(_parse_object(part, depth + 1) for part in value)
        return [And(parts) if key == "$and" else Or(parts)]
    if key.startswith("$"):
        raise InvalidInput(f"{key} is not an operator that can stand there.", _HINT)
    if not isinstance(value, Mapping):
        return [Comparison(key, "$eq", _scalar(key, "$eq", value))]
    if not value:
        raise InvalidInput(f"The condition on {key!r} is empty.", _HINT)
    return [_comparison(key, operator, operand) for operator, operand in value.items()]


def _comparison(key: str, operator: Any, operand: Any) -> Comparison:
    if operator in LIST_OPERATORS:
        if not isinstance(operand, list | tuple) or not operand:
            raise InvalidInput(f"{operator} on {key!r} takes a list of one or more values.", _HINT)
        return Comparison(key, operator, tuple(_scalar(key, operator, item) for item in operand))
    if operator not in SCALAR_OPERATORS:
        raise InvalidInput(f"{operator!r} on {key!r} is not a known operator.", _HINT)
    scalar = _scalar(key, operator, operand)
    if operator in ORDER_OPERATORS and (scalar is None or isinstance(scalar, bool)):
        raise InvalidInput(f"{operator} on {key!r} takes a number or a text.", _HINT)
    return Comparison(key, operator, scalar)


def _scalar(key: str, operator: str, value: Any) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{operator} on {key!r} has NaN or infinity, which nothing equals.")
    if isinstance(value, str) and "\0" in value:
        raise InvalidInput(f"{operator} on {key!r} holds a NUL byte, which Postgres cannot store.")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise InvalidInput(
        f"{operator} on {key!r} takes a text, a number, true, false or null, not {type(value).__name__}.",
        _HINT,
    )


def _count(tree: Filter) -> int:
    return 1 if isinstance(tree, Comparison) else sum(_count(part) for part in tree.parts)
