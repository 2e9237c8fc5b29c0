"""Recall of approximate nearest neighbours against the exact ones, ties counted as hits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-3
"""How far beyond the k-th true distance a row still counts, as ann-benchmarks has it."""


def hits_by_distance(
    found: NDArray[np.float64], truth: NDArray[np.float64], *, epsilon: float = EPSILON
) -> NDArray[np.int64]:
    """Count, for each query, the rows found within the k-th true distance + `epsilon`.

    Args:
        found: Distances of the rows found, shape (n_queries, k), rows not found as infinity.
        truth: True distances, ascending, shape (n_queries, k); where fewer than k rows exist,
            the rest is infinity, and the last finite one stands for the k-th.
        epsilon: 0 and up, in the metric's unit.

    Returns:
        Shape (n_queries,), each from 0 to the number of true rows.

    Source: `get_recall_values` in ann_benchmarks/plotting/metrics.py, which takes
    ``dataset_distances[i][count - 1] + 1e-3`` as threshold.
    """
    present = np.isfinite(truth).sum(axis=1)
    rows = np.arange(len(truth))
    last = np.where(present > 0, truth[rows, np.maximum(present - 1, 0)], -np.inf)
    hits: NDArray[np.int64] = (np.isfinite(found) & (found <= (last + epsilon)[:, None])).sum(
        axis=1
    )
    capped: NDArray[np.int64] = np.minimum(hits, present)
    return capped


def hits_by_id(found: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Count, for each query, the rows found that are among the true ones: shape (n_queries,)."""
    return np.array(
        [len(set(got) & set(due)) for got, due in zip(found, truth, strict=True)], dtype=np.int64
    )


def recalls(hits: NDArray[np.int64], present: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each query's recall, 0 to 1; a query with nothing to find is left out.

    Args:
        hits: Shape (n_queries,).
        present: Rows there are to find, at most k: shape (n_queries,).
    """
    some = present > 0
    return np.asarray(hits[some] / present[some])


def mean_recall(hits: NDArray[np.int64], present: NDArray[np.int64]) -> float:
    """Return the mean recall, 0 to 1; NaN where no query has anything to find.

    Where every query has k rows to find, it is ``mean(hits) / k``, digit for digit what
    ann-benchmarks computes.
    """
    some = present > 0
    if not some.any():
        return float("nan")
    due = present[some]
    if (due == due[0]).all():
        return float(np.mean(hits[some]) / float(due[0]))
    return float(np.mean(hits[some] / due))
