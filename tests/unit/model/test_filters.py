"""The filter language: what is understood, and what is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.filters import MAX_DEPTH, And, Comparison, Or, parse_filter


def test_bare_value_means_equal() -> None:
    assert parse_filter({"year": 1973}) == Comparison("year", "$eq", 1973)


def test_several_keys_and_operators_are_joined_by_and() -> None:
    assert parse_filter({"year": {"$gte": 1970, "$lt": 1980}, "kind": "report"}) == And(
        (
            Comparison("year", "$gte", 1970),
            Comparison("year", "$lt", 1980),
            Comparison("kind", "$eq", "report"),
        )
    )


def test_or_and_nesting() -> None:
    tree = parse_filter({"$or": [{"a": 1}, {"$and": [{"b": 2}, {"c": {"$in": [1, "x", None]}}]}]})
    assert tree == Or(
        (
            Comparison("a", "$eq", 1),
            And((Comparison("b", "$eq", 2), Comparison("c", "$in", (1, "x", None)))),
        )
    )


@pytest.mark.parametrize("nothing", [None, {}, "", "  ", "{}"])
def test_nothing_is_no_filter(nothing: Any) -> None:
    assert parse_filter(nothing) is None


def test_json_text_is_read() -> None:
    assert parse_filter('{"a": {"$ne": null}}') == Comparison("a", "$ne", None)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"$and": []}, "$and takes a list of one or more"),
        ({"$or": []}, "$or takes a list of one or more"),
        ({"$and": [{}]}, "empty"),
        ({"a": {}}, "empty"),
        ({"a": {"$in": []}}, "one or more values"),
        ({"a": {"$in": 3}}, "takes a list"),
        ({"a": {"$like": "x"}}, "not a known operator"),
        ({"$where": "1=1"}, "not an operator that can stand there"),
        ({"a": {"b": 1}}, "not a known operator"),
        ({"a": {"$gt": None}}, "takes a number or a text"),
        ({"a": {"$gt": True}}, "takes a number or a text"),
        ({"a": float("nan")}, "NaN"),
        ({"a": {"$lt": float("inf")}}, "NaN or infinity"),
        ({"a": "x\0y"}, "NUL"),
        ({"a\0": 1}, "not a key"),
        ({"": 1}, "not a key"),
        ({1: 1}, "not a key"),
        ({"a": [1]}, "not list"),
        ("[1]", "JSON object"),
        ("{broken", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_condition_is_refused(source: Any, part: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(source)
    assert part in caught.value.message


def test_deep_nesting_is_refused() -> None:
    source: dict[str, Any] = {"a": 1}
    for _ in range(MAX_DEPTH):
        source = {"$and": [source]}
    with pytest.raises(InvalidInput, match="nested"):
        parse_filter(source)


def test_very_many_conditions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more than 500"):
        parse_filter({f"key{number}": number for number in range(501)})
