"""Conditions as a person sees them: their words, which fit which key, and the JSON they make."""

from __future__ import annotations

import json

from pgvista.errors import InvalidInput
from pgvista.model.filters import Comparison, Scalar, parse_filter
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


def indented(text: str) -> str:
    """Return JSON over several lines where it is long; anything else as it is."""
    if len(text) <= MAX_LINE_CHARS or "\n" in text:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def said(item: Comparison) -> str:
    """Return a condition in words: ``year ≥ 1970``."""
    if item.operator == "$exists":
        return f"{item.key} {WORDS['there' if item.value else 'missing']}"
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    between = " and " if item.operator == "$between" else ", "
    return f"{item.key} {WORDS[item.operator]} {between.join(map(_shown, values))}"


def cut(text: str, chars: int = MAX_LABEL_CHARS) -> str:
    """Return `text` on one line, and of so many characters at most."""
    text = " ".join(text[: 10 * chars].split())
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


def operators_for(kind: KeyKind) -> tuple[str, ...]:
    """Return the keys of WORDS that fit, the likeliest first."""
    return (*_FIT[kind], *WITHOUT_VALUE)


def suggestions(key: FilterKey, kind: KeyKind) -> dict[str, int]:
    """Return the common values as they are typed for a key of `kind`, with the rows they are in."""
    return {written(kind, value): rows for value, rows in key.values}


def written(kind: KeyKind, value: Scalar) -> str:
    """Return a value as it is typed for a key of this kind; `read` takes it back."""
    if isinstance(value, str) and kind in (KeyKind.TEXT, KeyKind.DATE):
        return value
    if isinstance(value, str):
        bare = value and value == value.strip() and _loose(value) == value
        return value if bare else json.dumps(value, ensure_ascii=False)
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


def form_of(key: FilterKey, item: Comparison) -> tuple[KeyKind, str, list[str]]:
    """Return a condition as its form shows it: the kind of the key, what is said, and the texts.

    The kind is the key's own where `condition` makes the same of them, and else MIXED.
    """
    if item.operator == "$exists":
        return key.kind, "there" if item.value else "missing", []
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    for kind in (key.kind, KeyKind.MIXED):
        texts = [
            str(value) if item.operator in PATTERNS else written(kind, value) for value in values
        ]
        if item.operator in operators_for(kind) and _makes(item, kind, texts):
            return kind, item.operator, texts
    return KeyKind.MIXED, item.operator, [""]  # a pattern of blanks, which is not taken


def _makes(item: Comparison, kind: KeyKind, texts: list[str]) -> bool:
    if kind is KeyKind.BOOLEAN and not {*texts} <= {"true", "false"}:
        return False
    try:
        return condition(item.key, kind, item.operator, texts) == item
    except InvalidInput:
        return False


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
