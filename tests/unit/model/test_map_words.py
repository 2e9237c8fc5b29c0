"""A map's rows and filter in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pgvista.model.filters import parse_filter
from pgvista.model.map import MapInfo, MapSpec, no_quality
from pgvista.model.map_words import filter_in_words, rows_in_words
from pgvista.model.metric import Metric

INFO = MapInfo(
    number=1, spec=MapSpec(), metric=Metric.COSINE, model=None, points=1204, rows=1204,
    made_at=datetime(2024, 1, 1, tzinfo=UTC), seconds=1.0, quality=no_quality(), table_rows=25_014,
)  # fmt: skip
PACKAGE = MapSpec(filters=parse_filter({"package": "numpy"}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "1,204 rows"),
        ({"points": 1, "rows": 1}, "1 row"),
        ({"rows": 25_014}, "1,204 of 25,014 rows, drawn at random"),
        ({"spec": PACKAGE}, "1,204 of 25,014 rows where package = numpy"),
        ({"spec": PACKAGE, "table_rows": 0}, "1,204 rows where package = numpy"),
        (
            {"spec": PACKAGE, "points": 500},
            "500 of 1,204 rows where package = numpy, drawn at random",
        ),
    ],
)
def test_rows(changes: dict[str, Any], told: str) -> None:
    assert rows_in_words(replace(INFO, **changes)) == told


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"year": {"$gte": 1970}, "kind": "report"}, "year ≥ 1970 and kind = report"),
        ({"$or": [{"a": 1}, {"b": {"$exists": False}}]}, "a = 1 or b is missing"),
        (
            {"$and": [{"$or": [{"a": 1}, {"a": 2}]}, {"c": "5"}]},
            '(a = 1 or a = 2) and c = "5"',
        ),
        ({"$not": {"t": {"$like": "Draft%"}}}, "not (t is like Draft%)"),
        ({"n": {"$between": [1, 2.5]}}, "n is between 1 and 2.5"),
        ({"n": {"$in": ["a", "b c"]}}, "n is one of a, b c"),
        ({"id": {"$nin": [str(n) for n in range(37)]}}, "id is none of 37 values"),
        ({"x": None, "y": True, "z": ""}, 'x = null and y = true and z = ""'),
        ({"a": "one\ntwo  three"}, "a = one two three"),
    ],
)
def test_filters(filters: dict[str, Any], told: str) -> None:
    tree = parse_filter(filters)
    assert tree is not None
    assert filter_in_words(tree) == told


def test_long_ones_are_cut() -> None:
    tree = parse_filter({f"key{n}": "x" * 500 for n in range(30)})
    assert tree is not None
    assert len(filter_in_words(tree)) == 240
