"""Conditions of the filter builder: rows to JSON and back, what fits a key, what was typed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.filters import OPERATORS, Comparison, parse_filter
from pgvista.services.filter_keys import FilterKey, KeyKind
from pgvista.ui.filter_conditions import (
    WORDS,
    condition,
    conditions_of,
    label,
    operators_for,
    read,
    suggestions,
    text_of,
    with_condition,
    written,
)


@pytest.mark.parametrize(
    ("source", "rows", "any_of"),
    [
        ({}, 0, False),
        ({"a": 1}, 1, False),
        ({"a": {"$gte": 1, "$lt": 5}, "b": True}, 3, False),
        ({"$or": [{"a": 1}, {"a": 2}]}, 2, True),
        ({"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 2}}]}, 2, False),
    ],
)
def test_flat_filters_are_rows_and_back(source: dict[str, Any], rows: int, any_of: bool) -> None:
    tree = parse_filter(source)
    found = conditions_of(tree)
    assert found is not None
    assert (len(found.items), found.any) == (rows, any_of)
    assert parse_filter(text_of(found.tree())) == tree


@pytest.mark.parametrize(
    ("source", "joined"),
    [
        ({"$not": {"a": 1}}, {"$not": {"a": 1}, "k": {"$gt": 1}}),
        (
            {"a": 1, "$or": [{"b": 1}, {"c": 1}]},
            {"a": 1, "$or": [{"b": 1}, {"c": 1}], "k": {"$gt": 1}},
        ),
        (
            {"$or": [{"a": 1}, {"b": 1, "c": 1}]},
            {"$or": [{"a": 1}, {"b": 1, "c": 1}], "k": {"$gt": 1}},
        ),
        ({"k": {"$not": {"$gt": 5}}}, {"$not": {"k": {"$gt": 5}}, "k": {"$gt": 1}}),
    ],
)
def test_nested_filters_are_no_rows_and_are_kept(
    source: dict[str, Any], joined: dict[str, Any]
) -> None:
    assert conditions_of(parse_filter(source)) is None
    assert json.loads(with_condition(json.dumps(source), Comparison("k", "$gt", 1))) == joined


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("", {"k": {"$gt": 1}}),
        ('{"a": 1}', {"a": 1, "k": {"$gt": 1}}),
        ('{"k": {"$lt": 9}}', {"k": {"$lt": 9, "$gt": 1}}),
        ('{"k": {"$gt": 9}}', {"$and": [{"k": {"$gt": 9}}, {"k": {"$gt": 1}}]}),
        ('{"k": 5}', {"$and": [{"k": 5}, {"k": {"$gt": 1}}]}),
        ('{"$or": [{"a": 1}, {"b": 2}]}', {"$or": [{"a": 1}, {"b": 2}, {"k": {"$gt": 1}}]}),
    ],
)
def test_a_condition_is_joined_as_the_others_are(before: str, wanted: object) -> None:
    assert json.loads(with_condition(before, Comparison("k", "$gt", 1))) == wanted


def test_what_was_typed_wrongly_is_not_thrown_away() -> None:
    with pytest.raises(InvalidInput, match="not JSON"):
        with_condition('{"a": ', Comparison("k", "$gt", 1))


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
    assert label(item) == text


def test_labels_are_short() -> None:
    assert len(label(Comparison("k" * 500, "$eq", "v" * 500))) <= 48


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
    assert suggestions(mixed) == {"1": 5, '"1"': 4, "true": 3}
