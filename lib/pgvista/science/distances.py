"""Distances between vectors, as pgvector measures them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric

_CHUNK_BYTES = 32_000_000


def to_all(
    vector: NDArray[np.float32], vectors: NDArray[np.float32], metric: Metric
) -> NDArray[np.float64]:
    """Return the distance of `vector`, shape (dimension,), to each of `vectors`, shape (n, dimension).

    Shape (n,), in the metric's own unit; NaN under cosine where one of the two is zero.
    """
    return between(np.broadcast_to(vector, vectors.shape), vectors, metric)


def between(
    left: NDArray[np.float32], right: NDArray[np.float32], metric: Metric
) -> NDArray[np.float64]:
    """Return the distances of two arrays of shape (n, dimension), row by row: shape (n,).

    Computed in double precision; equal vectors have distance 0 under cosine, L2 and L1.
    """
    found = np.empty(len(left))
    step = max(1, _CHUNK_BYTES // (8 * max(1, left.shape[1])))
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        found[part] = _between(
            left[part].astype(np.float64), right[part].astype(np.float64), metric
        )
    return found


def _between(
    left: NDArray[np.float64], right: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    if metric in (Metric.L1, Metric.L2):
        norm = 1 if metric is Metric.L1 else 2
        return np.asarray(np.linalg.norm(left - right, ord=norm, axis=1))
    inner = np.asarray(np.einsum("ij,ij->i", left, right))
    if metric is Metric.INNER_PRODUCT:
        return -inner
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = 1.0 - np.clip(inner / lengths, -1.0, 1.0)
    return np.where(cosine < 1e-12, 0.0, cosine)
