"""Points in the plane to walk among: threads with empty land between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.science.hnsw import Floats

_THREADS = 32
_SIDES = (17.0, 8.0)
_PACE = 0.06
_WIDTH = 0.12
_BEND = 0.08
_MARGIN = 0.02


def threads(count: int, *, seed: int = 0) -> Floats:
    """Return `count` points along winding threads, in random order: shape (count, 2).

    Like real vectors they lie neither evenly nor in round heaps, so that a greedy walk can come to
    the end of a thread with the query across the gap.
    """
    rng = np.random.default_rng(seed)
    length = count // _THREADS + 1
    start = rng.random((_THREADS, 1, 2)) * _SIDES
    turn = rng.random((_THREADS, 1)) * 2 * np.pi
    angle = turn + np.cumsum(rng.normal(size=(_THREADS, length)) * _BEND, axis=1)
    pace = np.stack([np.cos(angle), np.sin(angle)], axis=2) * _PACE
    found = start + np.cumsum(pace, axis=1) + rng.normal(size=(_THREADS, length, 2)) * _WIDTH
    return rng.permutation(found.reshape(-1, 2))[:count].astype(np.float32)


def anywhere(points: Floats, count: int, *, seed: int = 0) -> Floats:
    """Return `count` places in the box about `points`, evenly drawn: shape (count, 2)."""
    low, high = box(points)
    drawn = low + np.random.default_rng(seed).random((count, 2)) * (high - low)
    return drawn.astype(np.float32)


def box(points: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower left and the upper right corner of the box about `points`, never empty."""
    low = points.min(axis=0).astype(np.float64)
    high = points.max(axis=0).astype(np.float64)
    margin = np.maximum((high - low) * _MARGIN, 1e-6 * np.maximum(1.0, np.abs(high)))
    return low - margin, high + margin
