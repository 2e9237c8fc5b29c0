"""The nearest rows of a few queries by comparing all rows, and the recall of what was found."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.distances import to_all
from pgvista.science.knn import nearest_to

_SPARE = 16
"""So many more rows are compared in double precision than are wanted: products of matrices round."""
_TIE = 1e-5
"""Rows that are farther than the last true one by no more than rounding are as near as it is."""


class ExactNearest:
    """The true nearest rows of each query.

    A row found counts as a hit when it is as near as the last true one, up to the rounding of single
    precision. The 1e-3 of ann-benchmarks would be too much for points of a plane, where the
    neighbours themselves may lie that near to each other.
    """

    def __init__(
        self,
        queries: NDArray[np.float32],
        points: NDArray[np.float32],
        limit: int,
        metric: Metric,
        among: NDArray[np.bool_] | None = None,
    ) -> None:
        """Compare queries of shape (n_queries, dimension) with points of shape (n, dimension).

        Only points that `among`, shape (n,), marks are candidates; under cosine, no zero vector is,
        and no query may be one.
        """
        some = np.ones(len(points), bool) if among is None else among.copy()
        if metric is Metric.COSINE:
            some &= points.any(axis=1)
        places = np.flatnonzero(some)
        found, distances = nearest_to(queries, points[places], limit + _SPARE, metric)
        self._queries, self._points, self._metric = queries, points, metric
        self.nearest = tuple(tuple(row) for row in places[found[:, :limit]].tolist())
        """Positions of the nearest of each query, nearest first; fewer than `limit` where there are."""
        self.due = min(limit, len(places))
        """Rows there are to find, for every query."""
        last = np.zeros(len(queries))  # where there is nothing to find, nothing is counted
        if self.due:
            last = distances[:, self.due - 1].astype(np.float64)
        longest = float(np.linalg.norm(points, axis=1).max(initial=0.0))
        self._limits = last + _TIE * (np.abs(last) + 0.01 * longest)

    def hits(self, found: Sequence[Sequence[int]]) -> list[int]:
        """Count the hits of each query among the positions found for it: 0 to `due`."""
        counted = []
        for query, positions, limit in zip(self._queries, found, self._limits, strict=True):
            some = self._points[np.asarray(positions, dtype=np.int64)]
            near = int((to_all(query, some, self._metric) <= limit).sum())
            counted.append(min(near, self.due))
        return counted

    def recall(self, found: Sequence[Sequence[int]]) -> float:
        """Return the mean recall, 0 to 1; NaN where there is nothing to find."""
        return statistics.fmean(self.hits(found)) / self.due if self.due else float("nan")
