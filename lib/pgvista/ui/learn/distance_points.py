"""Points of the lesson on distance: those it begins with, those drawn for a question, those typed."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric
from pgvista.science.distances import to_all
from pgvista.ui.components.plane import QUERY, X_RANGE, Y_RANGE, PlanePoint

MAX_POINTS = 8
FOUR = (
    PlanePoint(QUERY, 2.0, 1.0),
    PlanePoint("A", 3.8, 2.0),
    PlanePoint("B", 2.8, 1.8),
    PlanePoint("C", 2.0, 2.3),
    PlanePoint("D", 5.4, 0.4),
    PlanePoint("E", -1.5, 1.0),
)
"""Each of the four metrics has another nearest point."""
LENGTH = (
    PlanePoint(QUERY, 1.5, 1.0),
    PlanePoint("A", 1.5, 1.0),
    PlanePoint("B", 4.5, 2.2),
    PlanePoint("C", 0.6, 2.2),
    PlanePoint("D", -2.0, 0.8),
)
"""A lies on the query, B is longer."""
_LINE = re.compile(
    r"\s*(?P<name>\S+)\s*[ :]\s*\[?\s*(?P<x>[^\s,;\]]+)\s*[,;\s]\s*(?P<y>[^\s,;\]]+)\s*\]?\s*"
)
_NAMES = "ABCD"
_CLEAR = 1.15
"""So many times as far is the second point: the eye can tell."""

Floats = NDArray[np.float32]


def drawn(number: int) -> tuple[PlanePoint, ...]:
    """Return a query and four points whose nearest by L2 is another than by cosine, by a clear margin.

    The same for the same `number`, whatever it is.
    """
    draw = random.Random(f"points {number}")  # noqa: S311  (an exercise, no secret)
    while True:
        query = PlanePoint(QUERY, _at(draw, 1.0, 3.0), _at(draw, 0.6, 2.4))
        points = [PlanePoint(name, _at(draw, -2.5, 5.6), _at(draw, -1.6, 3.6)) for name in _NAMES]
        vectors = np.array([[point.x, point.y] for point in points], np.float32)
        if np.linalg.norm(vectors, axis=1).min() < 0.7 or _crowded(points, query):
            continue
        asked = np.array([query.x, query.y], np.float32)
        first = [_clear(to_all(asked, vectors, metric)) for metric in (Metric.L2, Metric.COSINE)]
        if None not in first and first[0] != first[1]:
            return (query, *points)


def split(points: Sequence[PlanePoint]) -> tuple[Floats, Mapping[str, Floats]]:
    """Return the query's vector, and those of the other points by name: each of shape (2,)."""
    vectors = {point.name: np.array([point.x, point.y], np.float32) for point in points}
    return vectors[QUERY], {name: value for name, value in vectors.items() if name != QUERY}


def typed(text: str) -> tuple[PlanePoint, ...]:
    """Read points from lines such as ``query 2, 1`` and ``A 3.5, -1``; the query comes first.

    Raises InvalidInput for a line that is no point, for a coordinate outside of the plane, a name
    used twice, and unless there is one query and 1 to MAX_POINTS others.
    """
    found: dict[str, PlanePoint] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        point = _point(line)
        if point.name in found:
            raise InvalidInput(f"There are two points {point.name!r}.", "Give each its own name.")
        found[point.name] = point
        if len(found) > MAX_POINTS + 1:
            raise InvalidInput(f"There are more than {MAX_POINTS} points.", "Take some away.")
    query = found.pop(QUERY, None)
    if query is None:
        raise InvalidInput("The query is missing.", f"Add a line such as: {QUERY} 2, 1")
    if not found:
        raise InvalidInput("There is no point beside the query.", "Add a line such as: A 3, 1.5")
    return (query, *found.values())


def written(points: Sequence[PlanePoint]) -> str:
    """Write points as `typed` reads them."""
    return "\n".join(f"{point.name} {point.x:g}, {point.y:g}" for point in points)


def _point(line: str) -> PlanePoint:
    shown = line.strip()[:40]
    match = _LINE.fullmatch(line)
    if match is None:
        raise InvalidInput(
            f"{shown!r} is no point.", "Write a name and two numbers, such as: A 3, 1.5"
        )
    name = match["name"].rstrip(":")
    name = QUERY if name.casefold() == QUERY else name
    if not name or (name != QUERY and len(name) > 2):
        raise InvalidInput(f"{name[:40]!r} is too long for a name.", "Take a letter or two.")
    values = []
    for axis, (low, high) in (("x", X_RANGE), ("y", Y_RANGE)):
        try:
            value = float(match[axis].replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            value = math.nan
        if not math.isfinite(value) and match[axis].lower().lstrip("+-") not in ("inf", "infinity"):
            raise InvalidInput(
                f"{match[axis][:40]!r} is no number.", "Write numbers such as 1.5 or -2."
            )
        if not low <= value <= high:
            raise InvalidInput(
                f"{match[axis][:40]} lies outside of the plane: {axis} goes from "
                f"\N{MINUS SIGN}{-low:g} to {high:g}.",
                "Only ratios matter here: make all points smaller by one factor.",
            )
        values.append(round(value, 4) + 0.0)
    return PlanePoint(name, values[0], values[1])


def _at(draw: random.Random, low: float, high: float) -> float:
    return round(draw.uniform(low, high), 1)


def _crowded(points: Sequence[PlanePoint], query: PlanePoint) -> bool:
    every = [*points, query]
    return any(
        math.hypot(a.x - b.x, a.y - b.y) < 0.8 for i, a in enumerate(every) for b in every[:i]
    )


def _clear(distances: NDArray[np.float64]) -> int | None:
    """Return the place of the least distance; None when the second is nearly as near."""
    order = np.argsort(distances)
    first, second = distances[order[:2]]
    return int(order[0]) if second > first * _CLEAR + 0.01 else None
