"""Points of a plane that are dragged by mouse or by arrow keys, and the line of equal distance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pgvista.model.metric import Metric
from pgvista.ui.components._mount import component

_plane = component("plane")

X_RANGE, Y_RANGE = (-3.0, 6.0), (-2.0, 4.0)
"""What of the plane is shown, and where points can lie."""
STEP = 0.1
"""What is dragged comes to lie on a grid of this distance; what is typed lies where it was typed."""
QUERY = "query"
"""Name of the point that the others are measured against."""


@dataclass(frozen=True, slots=True)
class PlanePoint:
    """A point: its name, a letter or two, and where it lies."""

    name: str
    x: float
    y: float


def plane(
    points: Sequence[PlanePoint],
    *,
    key: str,
    metric: Metric | None,
    nearest: str | None,
    normalise: bool = False,
    colours: Mapping[str, str] | None = None,
    fixed: bool = False,
) -> None:
    """Draw the points that ``st.session_state[key]`` holds; `points` are there at first.

    The state is a tuple of `PlanePoint`, the one named `QUERY` first. It changes while a point is
    dragged, and may be set at any time before this call. Read it with `plane_points`.

    Args:
        points: Where they lie before anything is moved.
        key: Where they are kept.
        metric: Whose line of equal distance is drawn; None: none.
        nearest: The point that the line goes through; None: none.
        normalise: Draw each vector with length 1: only its direction can be changed.
        colours: Of the points, by name, as ``#rrggbb``.
        fixed: Nothing can be moved.
    """
    state: Any = st.session_state
    inner, known, marks = f"_{key}.input", f"_{key}.known", f"_{key}.marks"
    current = plane_points(key, points)
    seq, set_count = state.get(marks, (0, 0))
    if state.get(known) != current:
        set_count += 1
    state[key] = state[known] = current
    state[marks] = (seq, set_count)

    def take() -> None:
        """Keep what the browser sent, before the script runs."""
        moved = read_points((state.get(inner) or {}).get("sent"), current, state[marks][1])
        if moved is not None and not fixed:
            state[key] = state[known] = moved[0]
            state[marks] = (moved[1], state[marks][1])

    _plane(
        key=inner,
        data={
            "points": [[point.name, point.x, point.y] for point in current],
            "query": QUERY,
            "range": [X_RANGE, Y_RANGE],
            "step": STEP,
            "metric": "" if metric is None else metric.value,
            "nearest": nearest or "",
            "normalise": normalise,
            "colours": dict(colours or {}),
            "fixed": fixed,
            "label": _label(current, metric, nearest, normalise=normalise),
            "seq": seq,
            "set": set_count,
        },
        on_sent_change=take,
    )


def plane_points(key: str, points: Sequence[PlanePoint]) -> tuple[PlanePoint, ...]:
    """Return the points as they lie now; `points` where nothing was moved yet."""
    kept = st.session_state.get(key)
    if isinstance(kept, tuple) and kept and all(isinstance(item, PlanePoint) for item in kept):
        return kept
    return tuple(points)


def read_points(
    sent: object, points: Sequence[PlanePoint], set_count: int
) -> tuple[tuple[PlanePoint, ...], int] | None:
    """Return the points as the browser moved them, and the number of the message.

    None for anything else, and for points that are not there any more.
    """
    if not isinstance(sent, dict) or sent.get("set") != set_count:
        return None
    places, number = sent.get("places"), sent.get("seq")
    if not isinstance(places, list) or len(places) != len(points) or not isinstance(number, int):
        return None
    moved = []
    for point, place in zip(points, places, strict=True):
        if not isinstance(place, list) or len(place) != 2 or not all(map(_is_finite, place)):
            return None
        x, y = (
            round(min(max(float(value), low), high), 4) + 0.0  # never -0
            for value, (low, high) in zip(place, (X_RANGE, Y_RANGE), strict=True)
        )
        moved.append(PlanePoint(point.name, x, y))
    return tuple(moved), number


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _label(
    points: Sequence[PlanePoint], metric: Metric | None, nearest: str | None, *, normalise: bool
) -> str:
    """Return what the picture shows, in words."""
    where = "; ".join(f"{point.name} at {point.x:g}, {point.y:g}" for point in points)
    line = (
        f" The line of equal {metric.label} goes through {nearest}." if metric and nearest else ""
    )
    return f"Points of a plane{', each with length 1' if normalise else ''}: {where}.{line}"
