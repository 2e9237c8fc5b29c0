"""What the lesson on HNSW remembers: its plane, its knobs, and graphs that were built."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from pgvista.errors import InvalidInput
from pgvista.model.index import DEFAULT_EF_CONSTRUCTION, IndexSpec
from pgvista.model.metric import Metric
from pgvista.science.hnsw import Floats, Hnsw, Near, build
from pgvista.science.hnsw_points import anywhere, box, threads
from pgvista.science.hnsw_recall import EfPoint, nearest, recall_curve

EF, X, Y = "learn_hnsw_ef", "learn_hnsw_x", "learn_hnsw_y"
M, EF_CONSTRUCTION = "learn_hnsw_m", "learn_hnsw_efc"
ROW_EF, ROW = "learn_hnsw_row_ef", "learn_hnsw_row"
REAL_ON, REAL_EF = "learn_hnsw_on", "learn_hnsw_real_ef"
REAL_M, REAL_EF_CONSTRUCTION = "learn_hnsw_real_m", "learn_hnsw_real_efc"

POINTS = 2_000
LIMIT = 10
QUERY = (7.73, 0.49)
DEFAULT_EF = 10
LARGEST_EF = 200
PLANE_M, PLANE_EF_CONSTRUCTION = 4, 12
"""Fewer links than pgvector's default, so that they can be seen and now and then lead astray."""
MS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
EF_CONSTRUCTIONS = (4, 8, 12, 16, 24, 32, 48, 64, 100, 150, 200)
EFS = (10, 20, 40, 80, 160)
ASKED = 100
"""Queries over which recall is measured."""
_SEED = 3


@lru_cache(maxsize=1)
def plane() -> Floats:
    """Return the points of the plane: shape (2,000, 2)."""
    return threads(POINTS, seed=_SEED)


@lru_cache(maxsize=1)
def plane_queries() -> Floats:
    """Return queries anywhere in the plane: shape (100, 2)."""
    return anywhere(plane(), ASKED, seed=_SEED)


@lru_cache(maxsize=32)
def plane_graph(m: int = PLANE_M, ef_construction: int = PLANE_EF_CONSTRUCTION) -> Hnsw:
    """Return the graph of the plane."""
    return build(plane(), m=m, ef_construction=ef_construction)


@lru_cache(maxsize=32)
def plane_curve(
    m: int = PLANE_M, ef_construction: int = PLANE_EF_CONSTRUCTION
) -> tuple[EfPoint, ...]:
    """Return recall and cost of that graph, for some ef_search."""
    return recall_curve(plane_graph(m, ef_construction), plane_queries(), EFS, limit=LIMIT)


@lru_cache(maxsize=512)
def plane_point(ef: int, m: int = PLANE_M, ef_construction: int = PLANE_EF_CONSTRUCTION) -> EfPoint:
    """Return recall and cost of that graph at one ef_search."""
    return recall_curve(plane_graph(m, ef_construction), plane_queries(), [ef], limit=LIMIT)[0]


def query() -> tuple[float, float]:
    """Return where the query lies, kept within the plane."""
    low, high = box(plane())
    found = [
        _number(st.session_state.get(key), default)
        for key, default in zip((X, Y), QUERY, strict=True)
    ]
    x, y = np.clip(found, low, high).tolist()
    return x, y


def truth(place: tuple[float, float]) -> tuple[Near, ...]:
    """Return the points that are truly nearest to a place of the plane."""
    return nearest(plane(), np.array(place, np.float32), LIMIT, Metric.L2)


def knobs(m_key: str, ef_key: str, *, m: int, ef_construction: int) -> InvalidInput | None:
    """Put what the session holds for m and ef_construction onto the sliders' steps.

    Returns why, where pgvector would refuse one of the two by itself; it is then at its default.
    """
    refused: InvalidInput | None = None
    state: Any = st.session_state
    for key, steps, default in ((m_key, MS, m), (ef_key, EF_CONSTRUCTIONS, ef_construction)):
        value = state.get(key, default)
        try:
            given = int(_number(value, default))
            if key == m_key:
                IndexSpec(m=given, ef_construction=max(2 * given, DEFAULT_EF_CONSTRUCTION))
            else:
                IndexSpec(m=2, ef_construction=given)
        except InvalidInput as error:
            refused, given = error, default
        state[key] = min(steps, key=lambda step: abs(step - given))
    return refused


def _number(value: object, default: float) -> float:
    """Return `value` where it is a number, else the default."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        return default
    return float(value)
