"""Vectors compared with each other: cosine similarities, the mean of tokens, a plane to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plane:
    """Vectors laid on the two directions in which they differ most."""

    points: Floats
    """Positions, shape (n, 2), centred at 0."""
    share: float
    """The part of the vectors' variance that the plane shows, 0 to 1; 1 when they do not differ."""


def cosine_similarities(vectors: Floats) -> NDArray[np.float64]:
    """Return the cosine of each two of `vectors`, shape (n, dimension): shape (n, n), -1 to 1.

    Computed in double precision; NaN where one of the two is zero, which has no direction.
    """
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = wide @ wide.T / np.outer(lengths, lengths)
    return np.asarray(np.clip(found, -1.0, 1.0))


def nearest_other(similarities: NDArray[np.float64], place: int) -> int | None:
    """Return which row is most similar to the row `place` of a matrix of shape (n, n), itself left out.

    The first of equals; None where nothing can be compared with it.
    """
    others = similarities[place].copy()
    others[place] = np.nan
    return None if np.isnan(others).all() else int(np.nanargmax(others))


def mean_pooled(token_vectors: Floats) -> Floats:
    """Return the mean of vectors of shape (n_tokens, dimension), brought to length 1: (dimension,).

    This is how all-MiniLM-L6-v2 makes one vector of a text. A mean of zero stays zero.
    """
    mean = token_vectors.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length else mean, dtype=np.float32)


def principal_plane(vectors: Floats) -> Plane:
    """Lay `vectors`, shape (n, dimension) with n >= 1, on their first two principal components.

    For a few of them; the largest weight of each direction is positive, as `pca` has it.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    whole = float((centred**2).sum())
    if whole <= 1e-12 * max(1.0, float((vectors.astype(np.float64) ** 2).sum())):
        return Plane(np.zeros((len(vectors), 2), np.float32), 1.0)
    # Few vectors of many dimensions: the decomposition of their table is quicker than of a covariance.
    left, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    shown = min(2, len(lengths))
    flip = np.sign(axes[np.arange(shown), np.abs(axes[:shown]).argmax(axis=1)])
    points = np.zeros((len(vectors), 2), np.float32)
    points[:, :shown] = left[:, :shown] * lengths[:shown] * np.where(flip == 0, 1, flip)
    return Plane(points, min(1.0, float((lengths[:shown] ** 2).sum()) / whole))
