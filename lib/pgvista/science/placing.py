"""Where something new lies on a map: among the points that are truly nearest to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDE = 0.1
"""Neighbours spread wider than this share of the map's diagonal make no good place."""

Floats = NDArray[np.float32]


def place(neighbours: Floats, extent: float) -> tuple[tuple[float, float], float, bool]:
    """Return the position, the spread and whether it is a good place.

    `neighbours`, shape (k, 2), are the positions of the points truly nearest; `extent` is the
    diagonal of the map. The position is their median on each axis, the spread the median of their
    distances from there; it is good up to WIDE times `extent`. NaN and no good place without any.
    """
    if not len(neighbours):
        return (float("nan"), float("nan")), float("nan"), False
    middle = np.median(neighbours, axis=0)
    spread = float(np.median(np.linalg.norm(neighbours - middle, axis=1)))
    return (float(middle[0]), float(middle[1])), spread, spread <= WIDE * extent or extent == 0


def place_many(positions: Floats, neighbours: NDArray[np.integer], seed: int = 0) -> Floats:
    """Place many rows by the median of their neighbours: shape (m, 2).

    `neighbours`, shape (m, k), are places in `positions`, shape (n, 2). A little noise, a thousandth
    of the map, keeps rows with the same neighbours apart.
    """
    if not len(neighbours):
        return np.empty((0, 2), np.float32)
    if not len(positions) or not neighbours.shape[1]:
        return np.zeros((len(neighbours), 2), np.float32)
    middle = np.median(positions[neighbours], axis=1)
    box = positions.max(axis=0) - positions.min(axis=0)
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=middle.shape) * box
    return np.asarray(middle + noise, dtype=np.float32)
