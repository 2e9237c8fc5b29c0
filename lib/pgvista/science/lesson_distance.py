"""Places by distance, with ties: what an order of points is read from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TIE = 1e-6
"""Distances that differ by less are taken for equal: single precision tells them no better."""


def places(distances: Sequence[float]) -> tuple[int | None, ...]:
    """Return the place of each distance, 1 for the smallest; equal ones share a place.

    None where a distance is NaN: it has no place. After two at place 1 comes place 3.
    """
    known = sorted(distance for distance in distances if not math.isnan(distance))
    return tuple(
        None
        if math.isnan(distance)
        else 1 + sum(other < distance - TIE * max(1.0, abs(distance)) for other in known)
        for distance in distances
    )


def same_order(first: Sequence[int | None], second: Sequence[int | None]) -> bool:
    """Tell whether two lists of places agree; a point without a place in one of them is passed over."""
    return all(
        a == b for a, b in zip(first, second, strict=True) if a is not None and b is not None
    )


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `vectors`, shape (n, dimension), each divided by its length; a zero vector stays one.

    As ``l2_normalize`` does: computed in double precision, returned in single.
    """
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)
