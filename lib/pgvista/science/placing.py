"""Where something new lies on a map: among the points that are truly nearest to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.distances import between

WIDE = 0.1
"""Neighbours spread wider than this share of the map's diagonal make no good place."""
COMPARED = 5
"""Distances of each point by which it is told whether its vector is still the same."""

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


def changed(
    vectors: Floats, neighbours: NDArray[np.integer], distances: Floats, metric: Metric
) -> NDArray[np.bool_]:
    """Return which points have other vectors than those the distances were measured of: shape (n,).

    `vectors`, shape (n, dimension), are those of today, NaN where a row is gone; `neighbours` and
    `distances`, shape (n, k), are of before, -1 and NaN for none. A point's vector has changed when
    most of its distances to its nearest COMPARED neighbours are others now: a neighbour that
    changed is only one of them. Points without neighbours are taken as they are.
    """
    asked = np.zeros(len(vectors), np.int64)
    other = np.zeros(len(vectors), np.int64)
    there = np.asarray(np.isfinite(vectors).all(axis=1))
    for place in range(min(COMPARED, neighbours.shape[1])):
        near, known = neighbours[:, place], distances[:, place]
        which = np.flatnonzero((near >= 0) & there & there[near])
        now = between(vectors[which], vectors[near[which]], metric)
        asked[which] += 1
        other[which] += ~np.isclose(now, known[which], rtol=1e-4, atol=1e-6)
    return 2 * other > asked
