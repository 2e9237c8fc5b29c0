"""Conditions as a person sees them: their words, which fit which key, and the JSON they make."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pgvista.errors import InvalidInput
from pgvista.model.filters import (
    And,
    Comparison,
    Filter,
    Or,
    Scalar,
    parse_filter,
    to_object,
)
from pgvista.services.filter_keys import FilterKey, KeyKind

MAX_LABEL_CHARS = 48
MAX_LINE_CHARS = 120

WORDS = {
    "$eq": "is",
    "$ne": "is not",
    "$in": "is one of",
    "$nin": "is none of",
    "$gte": "≥",
    "$lte": "≤",
    "$gt": ">",
    "$lt": "<",
    "$between": "is between",
    "$like": "is like",
    "$ilike": "is like, any case",
    "$contains": "contains",
    "there": "is there",
    "missing": "is missing",
}
"""What can be said of a key; ``there`` and ``missing`` are ``$exists``."""

LISTS = ("$in", "$nin")
PATTERNS = ("$like", "$ilike")
WITHOUT_VALUE = ("there", "missing")

_EQUAL = ("$eq", "$ne", "$in", "$nin")
_ORDER = ("$gte", "$lte", "$gt", "$lt", "$between")
_FIT = {
    KeyKind.TEXT: (*_EQUAL, *PATTERNS, *_ORDER),
    KeyKind.NUMBER: (*_ORDER, *_EQUAL),
    KeyKind.DATE: (*_ORDER, *_EQUAL),
    KeyKind.BOOLEAN: ("$eq", "$ne"),
    KeyKind.ARRAY: ("$contains",),
    KeyKind.OBJECT: (),
    KeyKind.MIXED: (*_EQUAL, *_ORDER, *PATTERNS, "$contains"),
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """A filter that rows of conditions can show: all of them, or any of them, must hold."""

    items: tuple[Comparison, ...] = ()
    any: bool = False

    def tree(self) -> Filter | None:
        """Return the filter; None without a condition."""
        if len(self.items) < 2:
            return self.items[0] if self.items else None
        return Or(self.items) if self.any else And(self.items)


def conditions_of(tree: Filter | None) -> Conditions | None:
    """Return the conditions that `tree` is made of; None when they are nested."""
    if tree is None:
        return Conditions()
    if isinstance(tree, Comparison):
        return Conditions((tree,))
    if not isinstance(tree, And | Or):
        return None
    items = tuple(part for part in tree.parts if isinstance(part, Comparison))
    return Conditions(items, isinstance(tree, Or)) if len(items) == len(tree.parts) else None


def text_of(tree: Filter | None) -> str:
    """Return a filter's JSON on one line; empty for none."""
    return "" if tree is None else json.dumps(to_object(tree), ensure_ascii=False)


def with_condition(text: str, added: Comparison) -> str:
    """Return the filter `text` with one condition more: joined as the others are, by and if nested.

    Raises InvalidInput when `text` is no filter: what a person typed is not thrown away.
    """
    tree = parse_filter(text)
    known = conditions_of(tree)
    if known is not None:
        made = Conditions((*known.items, added), known.any).tree()
    else:
        made = added if tree is None else And((tree, added))
    return text_of(made)


def indented(text: str) -> str:
    """Return JSON over several lines where it is long; anything else as it is."""
    if len(text) <= MAX_LINE_CHARS or "\n" in text:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def label(item: Comparison) -> str:
    """Return a condition in few words: ``year ≥ 1970``."""
    if item.operator == "$exists":
        return _cut(f"{item.key} {WORDS['there' if item.value else 'missing']}")
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    between = " and " if item.operator == "$between" else ", "
    return _cut(f"{item.key} {WORDS[item.operator]} {between.join(map(_shown, values))}")


def operators_for(kind: KeyKind) -> tuple[str, ...]:
    """Return the keys of WORDS that fit, the likeliest first."""
    return (*_FIT[kind], *WITHOUT_VALUE)


def suggestions(key: FilterKey) -> dict[str, int]:
    """Return the common values as a person would type them, with the rows they are in."""
    return {written(key.kind, value): rows for value, rows in key.values}


def written(kind: KeyKind, value: Scalar) -> str:
    """Return a value as it is typed for a key of this kind; `read` takes it back."""
    if isinstance(value, str) and kind in (KeyKind.TEXT, KeyKind.DATE):
        return value
    if isinstance(value, str):
        return value if _loose(value) == value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def read(kind: KeyKind, text: str) -> Scalar:
    """Return the value that a person typed for a key of this kind. Raises InvalidInput.

    For keys of several types, and the elements of lists, ``5``, ``true`` and ``null`` are what they
    are in JSON, ``"5"`` is a text, and all else is a text without quotes.
    """
    text = text.strip()
    if kind in (KeyKind.TEXT, KeyKind.DATE):
        return text
    value = _loose(text)
    if kind is KeyKind.NUMBER and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InvalidInput(
            "Type a number, such as 42 or 0.5." if not text else f"{text[:40]!r} is not a number."
        )
    return value


def condition(key: str, kind: KeyKind, operator: str, texts: list[str]) -> Comparison:
    """Return the condition that a person has put together. Raises InvalidInput."""
    if operator in WITHOUT_VALUE:
        return _checked(key, "$exists", operator == "there")
    if not texts or not all(text.strip() for text in texts):
        raise InvalidInput("Type a value, or choose one.")
    if operator in PATTERNS:
        return _checked(key, operator, texts[0])
    values = [read(kind, text) for text in texts]
    several = operator in LISTS or operator == "$between"
    return _checked(key, operator, values if several else values[0])


def _checked(key: str, operator: str, operand: object) -> Comparison:
    tree = parse_filter({key: {operator: operand}})
    if not isinstance(tree, Comparison):  # a key such as $or
        raise InvalidInput(f"{key!r} is no key. Write a leading $ as \\$.")
    return tree


def _loose(text: str) -> Scalar:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, str | int | float) else text


def _shown(value: Scalar) -> str:
    if isinstance(value, str) and value and _loose(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_LABEL_CHARS else f"{text[: MAX_LABEL_CHARS - 1]}…"
