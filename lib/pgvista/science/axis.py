"""A concept axis: the direction from one vector to another, and what vectors have along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.science.pca import pca

RANDOM_AXES = 500
"""Axes drawn to compare with."""
_NO_DIRECTION = 1e-4

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AxisShares:
    """How much of the variance of vectors lies along an axis, beside other axes; all 0 to 1."""

    axis: float
    directions: Doubles
    """Of axes of any direction, shape (n,), in ascending order; 1 / dimension on average."""
    pairs: Doubles
    """Of axes from one of the vectors to another, shape (n,), in ascending order."""
    largest: float
    """Of the first principal component: no axis has more."""

    @property
    def above_directions(self) -> float:
        """The part of the random directions that have a smaller share, 0 to 1."""
        return _below(self.directions, self.axis)

    @property
    def above_pairs(self) -> float:
        """The part of the axes between two of the vectors that have a smaller share, 0 to 1."""
        return _below(self.pairs, self.axis)


def concept_axis(start: Floats, end: Floats) -> Floats:
    """Return the direction from `start` to `end`, both of shape (dimension,): of length 1.

    Raises InvalidInput when the two are equal, since nothing leads from one to the other.
    """
    difference = end.astype(np.float64) - start.astype(np.float64)
    length = float(np.linalg.norm(difference))
    if length <= _NO_DIRECTION * max(1.0, float(np.linalg.norm(start))):
        raise InvalidInput(
            "Both phrases have the same vector, so there is no direction from one to the other.",
            "Type two phrases that differ in meaning.",
        )
    return np.asarray(difference / length, dtype=np.float32)


def along(vectors: Floats, axis: Floats) -> Doubles:
    """Return the inner product of each of `vectors`, shape (n, dimension), with `axis`: shape (n,).

    With an axis of length 1 this is the position along it, in the unit of the vectors. Computed in
    double precision.
    """
    return np.asarray(vectors.astype(np.float64) @ axis.astype(np.float64))


def explained_share(vectors: Floats, axis: Floats) -> float:
    """Return the part of the variance of `vectors` that lies along `axis`, of length 1: 0 to 1.

    Vectors that do not differ have no variance: 0.
    """
    return float(_shares(_centred(vectors), axis.astype(np.float64)[None])[0])


def compared_shares(
    vectors: Floats, axis: Floats, *, count: int = RANDOM_AXES, seed: int = 0
) -> AxisShares:
    """Compare the share of `axis` with those of `count` random directions and pairs of `vectors`.

    `vectors` has shape (n, dimension). The same vectors and seed give the same axes. Pairs of equal
    vectors are left out, so there may be fewer.
    """
    centred = _centred(vectors)
    rows, size = centred.shape
    random = np.random.default_rng(seed)
    directions = random.normal(size=(count, size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    pairs = np.zeros((0, size))
    if rows > 1:
        first = random.integers(0, rows, count)
        second = (first + random.integers(1, rows, count)) % rows
        pairs = centred[second] - centred[first]
        lengths = np.linalg.norm(pairs, axis=1, keepdims=True)
        apart = lengths[:, 0] > _NO_DIRECTION
        pairs = pairs[apart] / lengths[apart]
    whole = float((centred**2).sum())
    component = pca(vectors, 1).astype(np.float64)
    return AxisShares(
        axis=float(_shares(centred, axis.astype(np.float64)[None])[0]),
        directions=np.sort(_shares(centred, directions)),
        pairs=np.sort(_shares(centred, pairs)),
        largest=min(1.0, float((component**2).sum()) / whole) if whole else 0.0,
    )


def swarm(positions: Doubles, bins: int = 90) -> Doubles:
    """Return a height for each of `positions`, shape (n,), so that near ones stack and none hide.

    Whole steps about 0: points of one of `bins` equal parts of the range stand above and below it.
    """
    heights = np.zeros(len(positions))
    if not len(positions):
        return heights
    low, high = float(positions.min()), float(positions.max())
    width = (high - low) / bins or 1.0
    cell = np.minimum(((positions - low) / width).astype(int), bins - 1)
    order = np.random.default_rng(0).permutation(len(positions))  # by position they would lean
    for part in np.unique(cell):
        members = order[cell[order] == part]
        step = np.arange(len(members))
        heights[members] = np.where(step % 2, -(step + 1) // 2, step // 2)
    return heights


def _centred(vectors: Floats) -> Doubles:
    wide = vectors.astype(np.float64)
    return np.asarray(wide - wide.mean(axis=0)) if len(wide) else wide


def _shares(centred: Doubles, axes: Doubles) -> Doubles:
    """Return the share of each of `axes`, shape (n_axes, dimension): shape (n_axes,)."""
    whole = float((centred**2).sum())
    if whole <= 1e-12 or not len(axes):
        return np.zeros(len(axes))
    return np.asarray(((centred @ axes.T) ** 2).sum(axis=0) / whole)


def _below(values: Doubles, value: float) -> float:
    return float(np.searchsorted(values, value) / len(values)) if len(values) else 0.0
