"""Rows of the lesson on filters: vectors in groups, and labels drawn by shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARES = {1: 0.01, 2: 0.1, 3: 0.5}
"""The share of rows that has each label; the rest has label 0."""


def drawn(rows: int, *, seed: int) -> NDArray[np.float64]:
    """Draw a number from 0 to 1 for each row, whatever its vector: shape (rows,)."""
    return np.random.default_rng(seed).random(rows)


def by_place(vectors: NDArray[np.float32], *, seed: int) -> NDArray[np.float64]:
    """Give each row a number from 0 to 1 by where it lies in a direction drawn at random.

    Rows of like numbers lie in one part of space, as rows of one language or product do. Shape (n,).
    """
    direction = np.random.default_rng(seed).normal(size=vectors.shape[1])
    order = np.argsort(vectors.astype(np.float64) @ direction, kind="stable")
    found = np.empty(len(vectors))
    found[order] = (np.arange(len(vectors)) + 0.5) / len(vectors)
    return found


def labels_of(numbers: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return a label for each row by `SHARES`: 1 below 0.01, 2 to 0.11, 3 to 0.61, else 0."""
    found = np.zeros(len(numbers), np.int32)
    upper = 0.0
    for label, share in SHARES.items():
        found[(numbers >= upper) & (numbers < upper + share)] = label
        upper += share
    return found


def grouped_vectors(rows: int, dimension: int, *, groups: int, seed: int) -> NDArray[np.float32]:
    """Draw vectors in groups, as embeddings of texts on some topics lie: shape (rows, dimension)."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(groups, dimension))
    spread = draw.normal(size=(rows, dimension))
    return (centres[draw.integers(groups, size=rows)] + spread).astype(np.float32)


def passing(
    candidates: tuple[int, ...], numbers: NDArray[np.float64], share: float, limit: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Filter candidates after they were found: places of those that pass, and those of them kept.

    A row passes when its number is below `share`; the first `limit` of those are returned by a query.
    """
    passed = tuple(place for place, row in enumerate(candidates) if numbers[row] < share)
    return passed, passed[:limit]
