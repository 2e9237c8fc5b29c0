"""Points of the lesson on distance: typed, drawn, and as the browser moves them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric
from pgvista.science.distances import to_all
from pgvista.ui.components.plane import QUERY, PlanePoint, read_points
from pgvista.ui.learn.distance_points import FOUR, LENGTH, drawn, split, typed, written


def nearest(points: tuple[PlanePoint, ...], metric: Metric) -> str:
    query, others = split(points)
    found = to_all(query, np.stack(list(others.values())), metric)
    return list(others)[int(found.argmin())]


def test_each_metric_has_another_nearest_point_at_first() -> None:
    assert {metric: nearest(FOUR, metric) for metric in Metric} == {
        Metric.L2: "B",
        Metric.INNER_PRODUCT: "D",
        Metric.COSINE: "A",
        Metric.L1: "C",
    }
    assert nearest(LENGTH, Metric.L2) == "A"
    assert nearest(LENGTH, Metric.INNER_PRODUCT) == "B"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 50, 998, -3])
def test_drawn_points_have_clear_answers_that_differ(number: int) -> None:
    points = drawn(number)
    assert points == drawn(number)
    assert [point.name for point in points] == [QUERY, "A", "B", "C", "D"]
    query, others = split(points)
    vectors = np.stack(list(others.values()))
    for metric in (Metric.L2, Metric.COSINE):
        first, second = np.sort(to_all(query, vectors, metric))[:2]
        assert second > 1.1 * first
    assert nearest(points, Metric.L2) != nearest(points, Metric.COSINE)


def test_other_numbers_draw_other_points() -> None:
    assert len({drawn(number) for number in range(12)}) == 12


def test_what_is_written_can_be_typed() -> None:
    for points in (FOUR, LENGTH, drawn(7)):
        assert typed(written(points)) == points


@pytest.mark.parametrize(
    "line",
    ["A 3, -1.5", "A: 3 -1.5", "A [3,-1.5]", " A  3 ; −1.5 ", "A 3e0, -15e-1", "A [3.0, -1.5]"],
)
def test_ways_to_write_a_point(line: str) -> None:
    assert typed(f"\n{line}\nQUERY 2, 1\n") == (
        PlanePoint(QUERY, 2.0, 1.0),
        PlanePoint("A", 3.0, -1.5),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The query is missing"),
        ("A 1, 1", "The query is missing"),
        ("query 1, 1", "no point beside the query"),
        ("query 1, 1\nA 1", "'A 1' is no point"),
        ("query 1, 1\nA one, two", "'one' is no number"),
        ("query 1, 1\nA nan, 1", "'nan' is no number"),
        ("query 1, 1\nA 1e999, 1", "'1e999' is no number"),
        ("query 1, 1\nA inf, 1", "inf lies outside of the plane: x goes from −3 to 6"),
        ("query 1, 1\nA 1, 1e30", "1e30 lies outside of the plane: y goes from −2 to 4"),
        ("query 1, 1\nA 1, -2.5", "-2.5 lies outside"),
        ("query 1, 1\nA 1, 1\nA 2, 2", "two points 'A'"),
        ("query 1, 1\nlong 2, 2", "'long' is too long"),
        ("query 1, 1\nA 1, 1, 1", "is no point"),
        ("query 1, 1\n" + "\n".join(f"{c} 1, 1" for c in "ABCDEFGHI"), "more than 8 points"),
        ("query 1, 1\n" + "x" * 2_000, "is no point"),
        ("query 1, 1\nA \0, 1", "is no number"),
    ],
)
def test_what_is_no_point_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("(", r"\(")) as refused:
        typed(text)
    assert len(str(refused.value)) < 220


def test_points_may_lie_in_one_place_and_at_the_origin() -> None:
    found = typed("query 0, 0\nA 0, -0\nB 0, 0")
    assert [(point.x, math.copysign(1, point.y)) for point in found] == [(0, 1)] * 3


def test_what_the_browser_sent_is_taken_over() -> None:
    points = (PlanePoint(QUERY, 1, 1), PlanePoint("A", 2, 2))
    sent = {"places": [[1.5, 1], [99, -99]], "seq": 3, "set": 1}
    assert read_points(sent, points, 1) == (
        (PlanePoint(QUERY, 1.5, 1.0), PlanePoint("A", 6.0, -2.0)),
        3,
    )


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        {"places": [[1, 1]], "seq": 1, "set": 1},
        {"places": [[1, 1], [2, 2]], "seq": 1, "set": 0},
        {"places": [[1, 1], [2]], "seq": 1, "set": 1},
        {"places": [[1, 1], [2, math.nan]], "seq": 1, "set": 1},
        {"places": [[1, 1], [2, "2"]], "seq": 1, "set": 1},
        {"places": [[1, 1], [2, True]], "seq": 1, "set": 1},
        {"places": [[1, 1], [2, 2]], "seq": "1", "set": 1},
    ],
)
def test_anything_else_is_dropped(sent: Any) -> None:
    points = (PlanePoint(QUERY, 1, 1), PlanePoint("A", 2, 2))
    assert read_points(sent, points, 1) is None
