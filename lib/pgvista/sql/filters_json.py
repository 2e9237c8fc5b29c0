"""Conditions on what lies within a JSON column: compared by JSON type, never across types.

``$eq``, ``$in`` and ``$contains`` become containment (``@>``), which a GIN index of either operator
class serves; ``$exists`` on a key at the top becomes ``?``, which one of class jsonb_ops serves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.filters import ORDER_OPERATORS, PATTERN_OPERATORS, Comparison, Scalar, short
from pgvista.sql.query import compose, join

Bind = Callable[[Any], sql.Placeholder]
"""Keeps a value, and returns the placeholder for it."""

OPERATORS: dict[str, LiteralString] = {
    "$lt": "<",
    "$lte": "<=",
    "$gt": ">",
    "$gte": ">=",
    "$like": "like",
    "$ilike": "ilike",
}


def json_condition(
    item: Comparison, base: sql.Composable, path: tuple[str, ...], bind: Bind
) -> sql.Composed:
    """Return the condition on what `path` leads to in the jsonb value `base` (empty: itself)."""
    operator = item.operator
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    if operator in ("$ne", "$nin"):
        return compose("({same}) is not true", same=_same(values, base, path, bind))
    if operator in ("$eq", "$in"):
        return _same(values, base, path, bind)
    if operator == "$contains":
        return compose(
            "{base} @> {value}::jsonb", base=base, value=bind(_nested(path, list(values)))
        )
    if operator == "$exists":
        there = _there(base, path, bind)
        return there if item.value else compose("({there}) is not true", there=there)
    if operator == "$between":
        return _by_type(
            _value(base, path, bind),
            values[0],
            compose(
                "between {low} and {high}",
                low=_typed(values[0], bind),
                high=_typed(values[1], bind),
            ),
        )
    if operator not in ORDER_OPERATORS + PATTERN_OPERATORS:
        raise InvalidInput(f"{operator} on {short(item.key)} is not a known operator.")
    compared = compose(
        "{operator} {value}",
        operator=sql.SQL(OPERATORS[operator]),
        value=_typed(values[0], bind),
    )
    return _by_type(_value(base, path, bind), values[0], compared)


def _same(
    values: tuple[Scalar, ...], base: sql.Composable, path: tuple[str, ...], bind: Bind
) -> sql.Composed:
    parts = []
    if None in values:
        parts.append(compose("coalesce({value}, 'null') = 'null'", value=_value(base, path, bind)))
    present = [_nested(path, value) for value in values if value is not None]
    operator: LiteralString = "@>" if path else "="  # a list at the top contains its elements
    if present:
        given: LiteralString = (
            "{base} {operator} {value}::jsonb"
            if len(present) == 1
            else "{base} {operator} any({value}::jsonb[])"
        )
        value = bind(present[0] if len(present) == 1 else present)
        parts.append(compose(given, base=base, operator=sql.SQL(operator), value=value))
    return compose("({parts})", parts=join(" or ", parts))


def _there(base: sql.Composable, path: tuple[str, ...], bind: Bind) -> sql.Composed:
    if len(path) != 1:
        return compose("{value} is not null", value=_value(base, path, bind))
    return compose(  # a list of texts has its elements for keys
        "({base} ? {key}::text and jsonb_typeof({base}) = 'object')",
        base=base,
        key=bind(path[0]),
    )


def _value(base: sql.Composable, path: tuple[str, ...], bind: Bind) -> sql.Composed:
    """Return what `path` leads to; step by step, since ``#>`` would also count places in lists."""
    steps = [compose(" -> {name}::text", name=bind(name)) for name in path]
    return compose("({base}{steps})", base=base, steps=join("", steps))


def _by_type(value: sql.Composed, given: Scalar, compared: sql.Composed) -> sql.Composed:
    """Compare only where the JSON type is the given value's; CASE keeps the order of the steps."""
    template: LiteralString = (
        "case jsonb_typeof({value}) when 'string' then ({value} #>> '{{}}') {compared} else false end"
        if isinstance(given, str)
        else "case jsonb_typeof({value}) when 'number' then {value}::numeric {compared} else false end"
    )
    return compose(template, value=value, compared=compared)


def _typed(value: Scalar, bind: Bind) -> sql.Composed:
    template: LiteralString = "{value}::text" if isinstance(value, str) else "{value}::numeric"
    return compose(template, value=bind(str(value)))


def _nested(path: tuple[str, ...], value: Any) -> str:
    for name in reversed(path):
        value = {name: value}
    return json.dumps(value, ensure_ascii=False)
