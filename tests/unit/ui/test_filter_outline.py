"""The outline of a filter: every filter both ways, and what is done to its groups."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgvista.errors import InvalidInput
from pgvista.model.filters import And, Comparison, Filter, Not, Or, parse_filter, to_object
from pgvista.ui.filter_outline import (
    Group,
    Joint,
    added,
    dissolved,
    grouped,
    label,
    outline,
    part_at,
    replaced,
    rows,
    text_of,
    told,
)

NEW = Comparison("k", "$gt", 1)
CONDITIONS = st.builds(
    Comparison, st.sampled_from("ab"), st.sampled_from(["$eq", "$gt", "$lt"]), st.integers(0, 2)
)


def joined(kind: type[And | Or], parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    return st.lists(parts, min_size=1, max_size=3).map(lambda found: kind(tuple(found)))


FILTERS: st.SearchStrategy[Filter] = st.recursive(
    CONDITIONS,
    lambda parts: st.one_of(joined(And, parts), joined(Or, parts), st.builds(Not, parts)),
    max_leaves=8,
)


def of(source: object) -> Group:
    return outline(json.dumps(source))


def source_of(root: Group) -> Any:
    return json.loads(text_of(root) or "{}")


@given(FILTERS)
def test_every_filter_is_written_as_it_is_read_and_has_an_outline(tree: Filter) -> None:
    assert parse_filter(to_object(tree)) == tree
    root = of(to_object(tree))
    assert outline(text_of(root)) == root


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        ({}, []),
        ({"a": 1}, ["all", ".a"]),
        ({"a": 1, "b": {"$gt": 1, "$lt": 9}}, ["all", ".a", ".b", ".b"]),
        ({"$or": [{"a": 1}, {"b": 1, "c": 1}]}, ["any", ".a", ".all", "..b", "..c"]),
        ({"$not": {"a": 1}}, ["none", ".a"]),
        ({"$not": {"$or": [{"a": 1}, {"b": 1}]}}, ["none", ".a", ".b"]),
        ({"$not": {"a": 1, "b": 1}}, ["not all", ".a", ".b"]),
        ({"a": 1, "$not": {"b": 1}}, ["all", ".a", ".none", "..b"]),
        ({"k": {"$not": {"$gt": 5}}, "a": 1}, ["all", ".none", "..k", ".a"]),
        ({"$not": {"$not": {"a": 1}}}, ["none", ".none", "..a"]),
        ({"$and": [{"$and": [{"a": 1}, {"b": 1}]}, {"c": 1}]}, ["all", ".all", "..a", "..b", ".c"]),
    ],
)  # fmt: skip
def test_the_rows_of_a_filter(source: dict[str, Any], drawn: list[str]) -> None:
    root = of(source)
    found = [
        "." * len(path) + (part.joint if isinstance(part, Group) else part.key)
        for path, part in (rows(root) if root.parts else ())
    ]
    assert found == drawn


@pytest.mark.parametrize(
    ("before", "path", "wanted"),
    [
        ({}, (), {"k": {"$gt": 1}}),
        ({"a": 1}, (), {"a": 1, "k": {"$gt": 1}}),
        ({"k": {"$lt": 9}}, (), {"k": {"$lt": 9, "$gt": 1}}),
        ({"k": {"$gt": 9}}, (), {"$and": [{"k": {"$gt": 9}}, {"k": {"$gt": 1}}]}),
        ({"k": 5}, (), {"$and": [{"k": 5}, {"k": {"$gt": 1}}]}),
        ({"$or": [{"a": 1}, {"b": 2}]}, (), {"$or": [{"a": 1}, {"b": 2}, {"k": {"$gt": 1}}]}),
        ({"$not": {"a": 1}}, (), {"$not": {"$or": [{"a": 1}, {"k": {"$gt": 1}}]}}),
        ({"a": 1, "$or": [{"b": 1}]}, (1,), {"a": 1, "$or": [{"b": 1}, {"k": {"$gt": 1}}]}),
        ({"$or": [{"a": 1}, {"b": 1, "c": 1}]}, (1,), {"$or": [{"a": 1}, {"b": 1, "c": 1, "k": {"$gt": 1}}]}),
    ],
)  # fmt: skip
def test_a_condition_joins_a_group(before: object, path: tuple[int, ...], wanted: object) -> None:
    root, where = added(of(before), path, NEW)
    assert source_of(root) == wanted
    assert part_at(outline(text_of(root)), where) == NEW


def test_a_group_is_added_and_its_kind_changed() -> None:
    root, where = added(of({"a": 1}), (), Group(Joint.ANY, (NEW,)))
    assert source_of(root) == {"a": 1, "$or": [{"k": {"$gt": 1}}]}
    root, _ = added(root, where, Comparison("b", "$eq", 2))
    root = replaced(root, where, Group(Joint.NOT_ALL, (NEW, NEW)))
    assert source_of(root) == {
        "a": 1, "$not": {"$and": [{"k": {"$gt": 1}}, {"k": {"$gt": 1}}]},
    }  # fmt: skip


def test_what_is_grouped_means_the_same_until_something_joins_it() -> None:
    root = grouped(of({"a": 1, "b": 2}), (1,))
    assert source_of(root) == {"a": 1, "$or": [{"b": 2}]}
    assert source_of(dissolved(root, (1,))) == {"a": 1, "b": 2}
    whole = grouped(of({"$or": [{"a": 1}, {"b": 2}]}), ())
    assert source_of(whole) == {"$and": [{"$or": [{"a": 1}, {"b": 2}]}]}
    assert source_of(added(whole, (), NEW)[0]) == {
        "$or": [{"a": 1}, {"b": 2}], "k": {"$gt": 1},
    }  # fmt: skip
    assert source_of(dissolved(whole, (0,))) == {"$or": [{"a": 1}, {"b": 2}]}
    assert source_of(grouped(of({"a": 1, "b": 2}), ())) == {"$or": [{"a": 1, "b": 2}]}


def test_a_dissolved_group_joins_the_one_above_in_its_place() -> None:
    root = of({"$or": [{"a": 1}, {"b": 1, "c": 1}, {"d": 1}]})
    assert source_of(dissolved(root, (1,))) == {"$or": [{"a": 1}, {"b": 1}, {"c": 1}, {"d": 1}]}
    inner = of({"$not": {"a": 1, "b": 1}, "c": 1})
    assert source_of(dissolved(inner, (0,))) == {"a": 1, "b": 1, "c": 1}


def test_what_is_removed_leaves_no_empty_group() -> None:
    root = of({"a": 1, "$not": {"$or": [{"$not": {"b": 1}}]}})
    assert source_of(replaced(root, (1, 0, 0), None)) == {"a": 1}
    assert text_of(replaced(of({"a": 1}), (0,), None)) == ""
    assert text_of(replaced(root, (), None)) == ""
    assert source_of(replaced(of({"$or": [{"a": 1}, {"b": 1}]}), (0,), None)) == {"$or": [{"b": 1}]}


def test_what_is_nested_too_deep_is_refused() -> None:
    root = of({"a": 1})
    for _ in range(40):
        root = grouped(root, ())
    with pytest.raises(InvalidInput, match="nested more than 32 deep"):
        text_of(root)


@pytest.mark.parametrize("path", [(5,), (0, 0), (1, 9)])
def test_nothing_stands_where_there_is_nothing(path: tuple[int, ...]) -> None:
    with pytest.raises(LookupError):
        part_at(of({"a": 1, "$or": [{"b": 1}]}), path)


def test_what_is_no_filter_has_no_outline() -> None:
    with pytest.raises(InvalidInput, match="not JSON"):
        outline('{"a": ')


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"a": 1}, "a is 1"),
        ({"a": 1, "$or": [{"b": 2}, {"c": 3}]}, "a is 1 and (b is 2 or c is 3)"),
        ({"$not": {"a": 1}}, "not (a is 1)"),
        ({"$not": {"a": 1, "b": 2}}, "not (a is 1 and b is 2)"),
        ({"$or": [{"$not": {"a": 1}}, {"b": 2}]}, "not (a is 1) or b is 2"),
        ({"a": 1, "$or": [{"b": 2}]}, "a is 1 and b is 2"),
    ],
)
def test_a_filter_in_words(source: object, text: str) -> None:
    assert told(of(source)) == text


def test_labels_are_short() -> None:
    root = of({"$or": [{f"key{n}": n} for n in range(400)]})
    assert len(label(root)) <= 48
