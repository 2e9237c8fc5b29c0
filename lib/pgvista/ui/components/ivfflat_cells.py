"""IVFFlat's lists as cells of the plane, with a query that can be moved and what it finds."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.ui.components._mount import component

_cells = component("ivfflat_cells")


def ivfflat_cells(
    points: NDArray[np.float32],
    centroids: NDArray[np.float32],
    *,
    key: str,
    query: tuple[float, float],
    probes: int,
    plane: tuple[float, float],
    alt: str,
    limit: int = 10,
    movable: bool = True,
    reveal: bool = True,
    early: Sequence[int] = (),
) -> tuple[float, float]:
    """Draw the cells of `centroids`, the rows, and a query; return where the query is.

    Cells visited are lit, rows in them counted, the true nearest rows filled where they were found
    and ringed where not; all of it follows the query while it is dragged, and Python is told where
    it was let go.

    Args:
        points: The rows, shape (n, 2).
        centroids: Shape (k, 2).
        key: Its place is kept in ``st.session_state[f"{key}_x"]`` and ``..._y``, which may be set
            before this call.
        query: Where it is at first.
        probes: Lists that are visited.
        plane: Width and height; it begins at 0, 0.
        alt: What is drawn, for those who do not see it; the figures are added.
        limit: How many nearest rows are wanted.
        movable: Whether the query can be moved.
        reveal: Whether the nearest rows are shown.
        early: Positions of rows to mark as those that the centroids were learnt from.
    """
    state: Any = st.session_state
    inner, known, marks = f"_{key}.input", f"_{key}.known", f"_{key}.marks"
    x_key, y_key = f"{key}_x", f"{key}_y"
    current = (
        _within(state.get(x_key), plane[0], query[0]),
        _within(state.get(y_key), plane[1], query[1]),
    )
    # `known` is what the browser was last told or last said: another place was set from Python
    seq, set_count = state.get(marks, (0, 0))
    if state.get(known) != current:
        set_count += 1
    state[x_key], state[y_key] = state[known] = current
    state[marks] = (seq, set_count)

    def take() -> None:
        """Keep what the browser sent, before the script runs."""
        sent = (state.get(inner) or {}).get("sent")
        if not isinstance(sent, dict) or not movable:
            return
        place = (
            _within(sent.get("x"), plane[0], current[0]),
            _within(sent.get("y"), plane[1], current[1]),
        )
        state[x_key], state[y_key] = state[known] = place
        number = sent.get("seq")
        state[marks] = (number if isinstance(number, int) else 0, state[marks][1])

    _cells(
        key=inner,
        data={
            "points": _packed(points),
            "centroids": _packed(centroids),
            "query": list(current),
            "probes": probes,
            "limit": limit,
            "width": plane[0],
            "height": plane[1],
            "alt": alt,
            "movable": movable,
            "reveal": reveal,
            "early": [int(place) for place in early],
            "seq": seq,
            "set": set_count,
        },
        on_sent_change=take,
    )
    return current


def _within(value: object, most: float, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return min(max(float(value), 0.0), most)


def _packed(array: NDArray[np.float32]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode()
