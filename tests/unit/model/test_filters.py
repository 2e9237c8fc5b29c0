"""The filter language: what is understood, and what is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.filters import (
    MAX_DEPTH,
    And,
    Comparison,
    Not,
    Or,
    join_key,
    parse_filter,
    split_key,
    to_object,
)


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
        ({"a": {"$nin": []}}, "one or more values"),
        ({"a": {"$like": 5}}, "takes a pattern"),
        ({"a": {"$like": "x\\"}}, "lone backslash"),
        ({"a": {"$ilike": None}}, "takes a pattern"),
        ({"a": {"$exists": 1}}, "true or false"),
        ({"a": {"$between": [1]}}, "two numbers or two texts"),
        ({"a": {"$between": [1, "2"]}}, "two numbers or two texts"),
        ({"a": {"$between": [1, True]}}, "two numbers or two texts"),
        ({"a": {"$between": [1, None]}}, "two numbers or two texts"),
        ({"a": {"$between": 5}}, "takes a list"),
        ({"a": {"$between": [2, 1.5]}}, "has its ends swapped"),
        ({"a": {"$between": [1, float("nan")]}}, "NaN"),
        ({"a": {"$not": 5}}, "takes an operator and its value"),
        ({"a": {"$not": {}}}, "empty"),
        ({"$not": {}}, "not empty"),
        ({"$not": [{"a": 1}]}, "not empty"),
        ({"$not": {"a": {"$and": []}}}, "not a known operator"),
        ({"a": {"$near": "x"}}, "not a known operator"),
        ({"$where": "1=1"}, "not an operator that can stand there"),
        ({"a": {"b": 1}}, "not a known operator"),
        ({"a": {"$gt": None}}, "takes a number or a text"),
        ({"a": {"$gt": True}}, "takes a number or a text"),
        ({"a": float("nan")}, "NaN"),
        ({"a": {"$lt": float("inf")}}, "NaN or infinity"),
        ({"a": "x\0y"}, "NUL"),
        ({"a": "\ud800"}, "surrogate"),
        ({"a": 10**400}, "308 digits"),
        ({"a\0": 1}, "not a key"),
        ({"\ud800": 1}, "not a key"),
        ({"": 1}, "not a key"),
        ({1: 1}, "not a key"),
        ({"a": [1]}, "not list"),
        ("[1]", "JSON object"),
        ("{broken", "not JSON"),
        ('{"a": 1, "a": 2}', "written twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "infinity"),
        ('{"a": ' + "9" * 5000 + "}", "too long"),
    ],
)
def test_what_is_no_condition_is_refused(source: Any, part: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(source)
    assert part in caught.value.message


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100, 100_000])
@pytest.mark.parametrize(
    ("before", "inner", "after"),
    [
        ('{"$and": [', '{"a": 1}', "]}"),
        ('{"$not": ', '{"a": 1}', "}"),
        ('{"$or": [{"b": 2}, ', '{"a": 1}', "]}"),
        ("[", "1", "]"),
    ],
)
def test_deep_json_is_refused_in_one_sentence(
    depth: int, before: str, inner: str, after: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(before * depth + inner + after * depth)
    assert caught.value.message in (
        "The filter is nested more than 32 deep.",
        "A filter is a JSON object.",
    )


def test_deep_objects_are_refused_and_the_deepest_allowed_is_read() -> None:
    source: dict[str, Any] = {"a": 1}
    within: dict[str, Any] = {"$gt": 1}
    for _ in range(MAX_DEPTH - 1):
        source, within = {"$and": [source]}, {"$not": within}
    assert parse_filter(source) is not None
    assert parse_filter({"a": within}) is not None
    for deeper in ({"$or": [source]}, {"a": {"$not": within}}):
        with pytest.raises(InvalidInput, match="nested more than 32 deep"):
            parse_filter(deeper)


def test_not_takes_a_filter_or_stands_behind_a_key() -> None:
    assert parse_filter({"$not": {"a": 1, "b": 2}}) == Not(
        And((Comparison("a", "$eq", 1), Comparison("b", "$eq", 2)))
    )
    assert parse_filter({"a": {"$not": {"$gte": 1}, "$ne": 5}}) == And(
        (Not(Comparison("a", "$gte", 1)), Comparison("a", "$ne", 5))
    )


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        (r"a\.b.c", ("a.b", "c")),
        (r"\$ref", ("$ref",)),
        (r"a\\.b", ("a\\", "b")),
        (r"c:\dir", (r"c:\dir",)),
        ('it\'s "q"; drop', ('it\'s "q"; drop',)),
        ("日本", ("日本",)),
        ("a.$b", ("a", "$b")),
    ],
)
def test_keys_lead_through_names_and_back(key: str, names: tuple[str, ...]) -> None:
    assert split_key(key) == names
    assert split_key(join_key(names)) == names


@pytest.mark.parametrize("key", [".", "a.", ".a", "a..b", "a." * 40 + "b"])
def test_keys_that_lead_nowhere_are_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        split_key(key)


@pytest.mark.parametrize(
    "source",
    [
        {"year": 1973},
        {"year": {"$gte": 1970, "$lt": 1980}, "kind": "report"},
        {"a": {"$between": [1, 2]}, "b": {"$nin": ["x", None]}, "c": {"$exists": False}},
        {"$or": [{"a": 1}, {"$not": {"b": {"$like": "x%"}}}]},
        {"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 2}}]},
        {"$and": [{"a": 1}, {"a": {"$gt": 2}}]},
        {"a": 1, "$or": [{"b": 1}, {"c": {"$eq": True, "$lt": 5}}]},
    ],
)
def test_trees_are_written_as_they_are_read(source: dict[str, Any]) -> None:
    tree = parse_filter(source)
    assert tree is not None
    assert parse_filter(to_object(tree)) == tree
    assert parse_filter(json.dumps(to_object(tree))) == tree


def test_a_tree_is_written_in_the_short_form() -> None:
    source = {"year": {"$gte": 1970, "$lt": 1980}, "kind": "report"}
    tree = parse_filter(source)
    assert tree is not None
    assert to_object(tree) == source


def test_messages_stay_short_whatever_they_quote() -> None:
    huge: list[dict[str, Any]] = [
        {"k" * 10**6: {}},
        {"a": {"x" * 10**6: 1}},
        {"$" + "x" * 10**6: 1},
    ]
    for source in huge:
        with pytest.raises(InvalidInput) as caught:
            parse_filter(source)
        assert len(caught.value.message) < 200


def test_very_many_conditions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more than 500"):
        parse_filter({f"key{number}": number for number in range(501)})
