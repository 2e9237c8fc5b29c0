"""Conditions of the filter builder: their words, what fits a key, what was typed."""

from __future__ import annotations

from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.filters import OPERATORS, Comparison
from pgvista.services.filter_keys import FilterKey, KeyKind
from pgvista.ui.filter_conditions import (
    WORDS,
    condition,
    cut,
    form_of,
    operators_for,
    read,
    said,
    suggestions,
    written,
)


def test_every_operator_has_words_and_a_key_that_it_fits() -> None:
    assert {*OPERATORS} - {"$exists"} == {*WORDS} - {"there", "missing"}
    offered = {operator for kind in KeyKind for operator in operators_for(kind)}
    assert offered == {*WORDS}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Comparison("year", "$gte", 1970), "year ≥ 1970"),
        (Comparison("kind", "$in", ("a", 5, "5", None)), 'kind is one of a, 5, "5", null'),
        (Comparison("x", "$between", (1, 2.5)), "x is between 1 and 2.5"),
        (Comparison("x", "$exists", False), "x is missing"),
        (Comparison("x", "$eq", ""), 'x is ""'),
        (Comparison("x", "$eq", True), "x is true"),
        (Comparison("x\ny", "$eq", "a\nb"), "x y is a b"),
    ],
)
def test_labels(item: Comparison, text: str) -> None:
    assert cut(said(item)) == text


def test_labels_are_short() -> None:
    assert len(cut(said(Comparison("k" * 500, "$eq", "v" * 500)))) <= 48


@pytest.mark.parametrize("kind", [KeyKind.TEXT, KeyKind.DATE, KeyKind.MIXED, KeyKind.ARRAY])
@pytest.mark.parametrize("value", ["a", "5", "true", '"q"', "null", "日本", "{"])
def test_texts_are_read_as_they_are_written(kind: KeyKind, value: str) -> None:
    assert read(kind, written(kind, value)) == value


@pytest.mark.parametrize("value", [5, 0.5, True, False, -3, 10**30])
def test_other_values_are_read_as_they_are_written(value: Any) -> None:
    for kind in (KeyKind.MIXED, KeyKind.ARRAY):
        found = read(kind, written(kind, value))
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize("text", ["", "abc", "true", "null", '"5"', "[1]", "1,5"])
def test_a_number_is_wanted(text: str) -> None:
    with pytest.raises(InvalidInput, match="number"):
        read(KeyKind.NUMBER, text)


@pytest.mark.parametrize(
    ("kind", "operator", "texts", "wanted"),
    [
        (KeyKind.TEXT, "$eq", ["5"], Comparison("k", "$eq", "5")),
        (KeyKind.MIXED, "$eq", ["5"], Comparison("k", "$eq", 5)),
        (KeyKind.NUMBER, "$between", ["1", "2.5"], Comparison("k", "$between", (1, 2.5))),
        (KeyKind.NUMBER, "$in", ["1", "2"], Comparison("k", "$in", (1, 2))),
        (KeyKind.BOOLEAN, "$eq", ["true"], Comparison("k", "$eq", True)),
        (KeyKind.MIXED, "$like", ["5%"], Comparison("k", "$like", "5%")),
        (KeyKind.TEXT, "there", [], Comparison("k", "$exists", True)),
        (KeyKind.OBJECT, "missing", [], Comparison("k", "$exists", False)),
    ],
)
def test_conditions_from_what_was_typed(
    kind: KeyKind, operator: str, texts: list[str], wanted: Comparison
) -> None:
    assert condition("k", kind, operator, texts) == wanted


@pytest.mark.parametrize(
    ("key", "kind", "operator", "texts"),
    [
        ("k", KeyKind.TEXT, "$eq", [""]),
        ("k", KeyKind.TEXT, "$in", []),
        ("k", KeyKind.NUMBER, "$between", ["1", ""]),
        ("k", KeyKind.NUMBER, "$eq", ["NaN"]),
        ("k", KeyKind.NUMBER, "$eq", ["1e999"]),
        ("k", KeyKind.MIXED, "$between", ["1", "x"]),
        ("k", KeyKind.TEXT, "$like", ["x\\"]),
        ("k", KeyKind.TEXT, "$eq", ["nul\0"]),
        ("$or", KeyKind.MIXED, "$eq", ["1"]),
        ("$not", KeyKind.MIXED, "$eq", ["1"]),
    ],
)
def test_conditions_that_are_none_are_refused(
    key: str, kind: KeyKind, operator: str, texts: list[str]
) -> None:
    with pytest.raises(InvalidInput):
        condition(key, kind, operator, texts)


def test_suggestions_are_written_as_they_are_typed() -> None:
    mixed = FilterKey("k", KeyKind.MIXED, values=((1, 5), ("1", 4), (True, 3)))
    assert suggestions(mixed, KeyKind.MIXED) == {"1": 5, '"1"': 4, "true": 3}


@pytest.mark.parametrize(
    ("kind", "item", "shown"),
    [
        (KeyKind.TEXT, Comparison("k", "$eq", "5"), (KeyKind.TEXT, "$eq", ["5"])),
        (KeyKind.TEXT, Comparison("k", "$eq", 5), (KeyKind.MIXED, "$eq", ["5"])),
        (KeyKind.TEXT, Comparison("k", "$eq", ""), (KeyKind.MIXED, "$eq", ['""'])),
        (KeyKind.TEXT, Comparison("k", "$eq", " a "), (KeyKind.MIXED, "$eq", ['" a "'])),
        (KeyKind.TEXT, Comparison("k", "$eq", None), (KeyKind.MIXED, "$eq", ["null"])),
        (KeyKind.TEXT, Comparison("k", "$contains", "x"), (KeyKind.MIXED, "$contains", ["x"])),
        (KeyKind.NUMBER, Comparison("k", "$between", (1, 2.5)), (KeyKind.NUMBER, "$between", ["1", "2.5"])),
        (KeyKind.NUMBER, Comparison("k", "$in", (1, "a")), (KeyKind.MIXED, "$in", ["1", "a"])),
        (KeyKind.NUMBER, Comparison("k", "$like", "1%"), (KeyKind.MIXED, "$like", ["1%"])),
        (KeyKind.BOOLEAN, Comparison("k", "$ne", True), (KeyKind.BOOLEAN, "$ne", ["true"])),
        (KeyKind.BOOLEAN, Comparison("k", "$eq", "yes"), (KeyKind.MIXED, "$eq", ["yes"])),
        (KeyKind.ARRAY, Comparison("k", "$contains", "5"), (KeyKind.ARRAY, "$contains", ['"5"'])),
        (KeyKind.OBJECT, Comparison("k", "$exists", False), (KeyKind.OBJECT, "missing", [])),
        (KeyKind.MIXED, Comparison("k", "$ilike", " %"), (KeyKind.MIXED, "$ilike", [" %"])),
    ],
)  # fmt: skip
def test_a_condition_is_shown_in_a_form_that_makes_it_again(
    kind: KeyKind, item: Comparison, shown: tuple[KeyKind, str, list[str]]
) -> None:
    found = form_of(FilterKey("k", kind), item)
    assert found == shown
    assert condition("k", *found) == item
