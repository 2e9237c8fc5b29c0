r"""The filter language: a JSON object in, a frozen tree out.

    {"year": {"$gte": 1970}, "kind": "report"}            several keys are joined by "and"
    {"$or": [{"lang": {"$in": ["de", "fr"]}}, {"tags": {"$contains": "news"}}]}
    {"$not": {"title": {"$like": "Draft%"}}, "author.name": {"$exists": true}}

A key names a structured column or, where there is none of that name, a key of the metadata. Dots
lead into nested objects, not into lists. A backslash takes a dot, a leading ``$`` or a backslash
as it is: ``a\.b`` is the key "a.b". A column is found by its bare name too, whatever is in it.

Values are compared by type: numbers with numbers (1 equals 1.0), texts with texts, true and false
with each other. What a condition says of a row whose value has another type, is null, or is not
there:

    operator                      holds when the value ...                  other type  null   no key
    $eq, or a bare value          equals the one given                      no          no     no
    $eq null                      is null or not there                      no          yes    yes
    $in [..]                      equals one of those given, null as above  no          no     no
    $ne, $nin                     $eq, $in do not hold (vecs drops more)    yes         yes    yes
    $lt $lte $gt $gte             is below, above ... a number or text      no          no     no
    $between [low, high]          lies in the range, both ends included     no          no     no
    $like, $ilike                 matches: % any characters, _ one          no          no     no
    $contains                     is a list that holds the one given        no          no     no
    $exists true, false           is there, is not there                    yes, no     *      no, yes
    {"$not": {..}}, k: {$not ..}  the condition within does not hold

``*`` A null is there in metadata, and not there in a column, which has no other way to be empty.
``$ilike`` takes no notice of case; a backslash takes ``%`` or ``_`` as it is. ``$not`` keeps every
row of which the condition within is not true, so it is the same as leaving those out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pgvista.errors import InvalidInput

MAX_DEPTH = 32
"""Filters within filters, and names in a dotted key."""
MAX_CONDITIONS = 500
MAX_NUMBER = 10**308
"""Whole numbers beyond it are no floating-point numbers either, and are refused."""

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


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not true: false, or unknown to SQL."""

    part: Filter


Filter = Comparison | And | Or | Not

ORDER_OPERATORS = ("$lt", "$lte", "$gt", "$gte")
PATTERN_OPERATORS = ("$like", "$ilike")
LIST_OPERATORS = ("$in", "$nin")
SCALAR_OPERATORS = ("$eq", "$ne", *ORDER_OPERATORS, *PATTERN_OPERATORS, "$contains")
OPERATORS = (*SCALAR_OPERATORS, *LIST_OPERATORS, "$between", "$exists")
_HINT = (
    f"Operators: {', '.join(OPERATORS)}, $and, $or, $not. "
    'Example: {"year": {"$gte": 1970}, "kind": "report"}.'
)
_TOO_DEEP = f"The filter is nested more than {MAX_DEPTH} deep."


def parse_filter(source: Mapping[str, Any] | str | None) -> Filter | None:
    """Turn a filter as people write it (an object, or its JSON) into a tree; None for none.

    An empty object means no filter. Raises InvalidInput for anything that is not clearly a
    condition: unknown operators, empty ``$and``/``$or``/``$in``, wrong types, NaN, a key that is
    written twice, nesting over MAX_DEPTH, more than MAX_CONDITIONS conditions.
    """
    if source is None:
        return None
    if isinstance(source, str):
        if not source.strip():
            return None
        source = _read(source)
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


def to_object(tree: Filter) -> dict[str, Any]:
    """Return the object that `parse_filter` makes `tree` from: its groups, as short as can be."""
    if isinstance(tree, Comparison):
        return {tree.key: _operand(tree)}
    if isinstance(tree, Not):
        return {"$not": to_object(tree.part)}
    if isinstance(tree, Or):
        return {"$or": _list_of(tree)}
    joined: dict[str, Any] = {}
    for part in tree.parts if len(tree.parts) > 1 else ():
        # an "and" within is written as one: it may be a group that somebody made
        key, value = (
            ("$and", _list_of(part))
            if isinstance(part, And)
            else next(iter(to_object(part).items()))
        )
        if key not in joined:
            joined[key] = value
        elif (
            key == next(reversed(joined))  # the order stays
            and _operators(key, joined[key])
            and _operators(key, value)
            and not joined[key].keys() & value
        ):
            joined[key] = joined[key] | value
        else:
            return {"$and": _list_of(tree)}
    return joined or {"$and": _list_of(tree)}


def split_key(key: str) -> tuple[str, ...]:
    r"""Return the names that a key leads through: ``a.b\.c`` is ("a", "b.c").

    Raises InvalidInput for an empty name, and for more than MAX_DEPTH names.
    """
    names, name, place = [], "", 0
    while place < len(key):
        mark = key[place]
        if mark == "\\" and key[place + 1 : place + 2] in (".", "$", "\\"):
            place += 1
            name += key[place]
        elif mark == ".":
            names.append(name)
            name = ""
        else:
            name += mark
        place += 1
    names.append(name)
    if not all(names):
        raise InvalidInput(
            f"The key {short(key)} has an empty part between its dots.",
            r"Write a dot that belongs to a name as \., in JSON as \\.",
        )
    if len(names) > MAX_DEPTH:
        raise InvalidInput(f"The key {short(key)} leads more than {MAX_DEPTH} objects deep.")
    return tuple(names)


def join_key(names: tuple[str, ...]) -> str:
    r"""Return the key that leads through `names`: ("a", "b.c") is ``a.b\.c``."""
    key = ".".join(name.replace("\\", r"\\").replace(".", r"\.") for name in names)
    return f"\\{key}" if key.startswith("$") else key


def short(value: object) -> str:
    """Return a value as Python writes it, cut to 80 characters."""
    text = repr(value[:100]) if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _read(text: str) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidInput(
                f"{short(twice)} is written twice in one object of the filter.",
                'Join conditions on one key as {"key": {"$gte": 1, "$lt": 9}}, or by $and.',
            )
        return made

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise InvalidInput(_TOO_DEEP, "Flatten it.") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The filter is not JSON: {error}.", _HINT) from None
    except ValueError:  # Python reads no whole number of thousands of digits
        raise InvalidInput("The filter holds a number that is too long to be one.") from None


def _parse_object(source: Any, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise InvalidInput(_TOO_DEEP, "Flatten it.")
    if not isinstance(source, Mapping) or not source:
        raise InvalidInput("A part of the filter is empty or not an object.", _HINT)
    parts = [part for key, value in source.items() for part in _parse_entry(key, value, depth)]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _parse_entry(key: object, value: Any, depth: int) -> list[Filter]:
    if not isinstance(key, str) or not key or not _is_text(key):
        raise InvalidInput(f"{short(key)} is not a key that a filter can name.", _HINT)
    if key in ("$and", "$or"):
        if not isinstance(value, list | tuple) or not value:
            raise InvalidInput(f"{key} takes a list of one or more filters.", _HINT)
        parts = tuple(_parse_object(part, depth + 1) for part in value)
        return [And(parts) if key == "$and" else Or(parts)]
    if key == "$not":
        if not isinstance(value, Mapping) or not value:
            raise InvalidInput("$not takes a filter that is not empty.", _HINT)
        return [Not(_parse_object(value, depth + 1))]
    if key.startswith("$"):
        raise InvalidInput(
            f"{short(key)} is not an operator that can stand there.",
            rf"{_HINT} A key that begins with $ is written \$, in JSON \\$.",
        )
    return _parse_conditions(key, value, depth)


def _parse_conditions(key: str, value: Any, depth: int) -> list[Filter]:
    """Return the conditions that stand behind a key."""
    if depth > MAX_DEPTH:
        raise InvalidInput(_TOO_DEEP, "Flatten it.")
    if not isinstance(value, Mapping):
        return [Comparison(key, "$eq", _scalar(key, "$eq", value))]
    if not value:
        raise InvalidInput(f"The condition on {short(key)} is empty.", _HINT)
    parts: list[Filter] = []
    for operator, operand in value.items():
        if operator != "$not":
            parts.append(_comparison(key, operator, operand))
            continue
        if not isinstance(operand, Mapping):
            raise InvalidInput(
                f"$not on {short(key)} takes an operator and its value.",
                'Example: {"year": {"$not": {"$gte": 1970}}}; or use $ne.',
            )
        within = _parse_conditions(key, operand, depth + 1)
        parts.append(Not(within[0] if len(within) == 1 else And(tuple(within))))
    return parts


def _comparison(key: str, operator: Any, operand: Any) -> Comparison:
    if operator not in OPERATORS:
        raise InvalidInput(f"{short(operator)} on {short(key)} is not a known operator.", _HINT)
    if operator == "$exists":
        if not isinstance(operand, bool):
            raise InvalidInput(f"$exists on {short(key)} takes true or false.")
        return Comparison(key, operator, operand)
    if operator in LIST_OPERATORS or operator == "$between":
        return Comparison(key, operator, _list(key, operator, operand))
    scalar = _scalar(key, operator, operand)
    if operator in ORDER_OPERATORS and not _has_order(scalar):
        raise InvalidInput(f"{operator} on {short(key)} takes a number or a text.", _HINT)
    if operator in PATTERN_OPERATORS:
        if not isinstance(scalar, str):
            raise InvalidInput(
                f"{operator} on {short(key)} takes a pattern, which is a text.", _HINT
            )
        if (len(scalar) - len(scalar.rstrip("\\"))) % 2:
            raise InvalidInput(
                f"The pattern of {operator} on {short(key)} ends in a lone backslash.",
                "A backslash takes the next character as it is; write two for one.",
            )
    return Comparison(key, operator, scalar)


def _list(key: str, operator: str, operand: Any) -> tuple[Scalar, ...]:
    if not isinstance(operand, list | tuple) or not operand:
        raise InvalidInput(f"{operator} on {short(key)} takes a list of one or more values.", _HINT)
    values = tuple(_scalar(key, operator, item) for item in operand)
    if operator == "$between" and (
        len(values) != 2
        or not all(map(_has_order, values))
        or isinstance(values[0], str) != isinstance(values[1], str)
    ):
        raise InvalidInput(
            f"$between on {short(key)} takes a list of two numbers or two texts, the lower first.",
            'Example: {"year": {"$between": [1970, 1980]}}.',
        )
    if operator == "$between" and _is_swapped(*values):
        raise InvalidInput(
            f"$between on {short(key)} has its ends swapped: nothing is at least {short(values[0])} "
            f"and at most {short(values[1])}.",
            "Write the lower one first.",
        )
    return values


def _is_swapped(low: Scalar, high: Scalar) -> bool:
    """Return whether the ends are numbers, the greater first; texts have the order of their column."""
    if isinstance(low, str) or isinstance(high, str) or low is None or high is None:
        return False
    return low > high


def _has_order(value: Scalar) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _scalar(key: str, operator: str, value: Any) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(
            f"{operator} on {short(key)} has NaN or infinity, which nothing equals.",
            "Use a number, or $exists to ask whether there is one.",
        )
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise InvalidInput(f"{operator} on {short(key)} has a number of more than 308 digits.")
    if isinstance(value, str) and "\0" in value:
        raise InvalidInput(
            f"{operator} on {short(key)} holds a NUL byte, which Postgres cannot store.",
            "Remove it.",
        )
    if isinstance(value, str) and not _is_text(value):
        raise InvalidInput(
            f"{operator} on {short(key)} holds half of a surrogate pair, which is not text.",
            "Retype it.",
        )
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise InvalidInput(
        f"{operator} on {short(key)} takes a text, a number, true, false or null, "
        f"not {type(value).__name__}.",
        _HINT,
    )


def _is_text(value: str) -> bool:
    """Return whether Postgres can store `value`: no NUL byte, and no half of a surrogate pair."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _list_of(tree: And | Or) -> list[dict[str, Any]]:
    return [to_object(part) for part in tree.parts]


def _operand(item: Comparison) -> Any:
    if item.operator == "$eq":
        return item.value
    return {item.operator: list(item.value) if isinstance(item.value, tuple) else item.value}


def _operators(key: str, value: Any) -> bool:
    """Return whether `value` is an object of operators behind a key of rows."""
    return not key.startswith("$") and isinstance(value, dict)


def _count(tree: Filter) -> int:
    if isinstance(tree, Comparison):
        return 1
    parts = (tree.part,) if isinstance(tree, Not) else tree.parts
    return sum(map(_count, parts))
