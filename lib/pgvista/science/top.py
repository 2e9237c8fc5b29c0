"""The nearest rows of many queries, as batches of vectors come in: by matrix products."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric

_UNIT_ROUNDOFF = 2.0**-24
"""Of single precision."""


class NearestSoFar:
    """Keeps, for each query, more candidates than the `limit` nearest rows wanted.

    Distances are computed in single precision, so the order of rows that are nearly as far is not
    sure: `beyond` tells a distance that no row outside of the candidates comes under.
    """

    def __init__(self, queries: NDArray[np.float32], metric: Metric, limit: int) -> None:
        """Take queries of shape (n_queries, dimension). Raises ValueError for L1."""
        if metric is Metric.L1:
            raise ValueError("L1 distances are no matrix product")
        self._metric = metric
        self._kept = 2 * limit + 20
        self._lengths = np.linalg.norm(queries.astype(np.float64), axis=1)
        self._queries = queries
        if metric is Metric.COSINE:
            safe = np.where(self._lengths > 0, self._lengths, 1.0)
            self._queries = (queries / safe[:, None]).astype(np.float32)
        self._scores = np.full((len(queries), self._kept), np.inf, dtype=np.float32)
        self._places = np.full((len(queries), self._kept), -1, dtype=np.int64)
        self._longest = 0.0
        self._seen = 0

    def add(
        self, vectors: NDArray[np.float32], first: int, among: NDArray[np.bool_] | None = None
    ) -> None:
        """Compare `vectors`, shape (n, dimension), whose places are counted from `first` on.

        Only those that `among`, shape (n,), marks are taken.
        """
        places = np.arange(first, first + len(vectors))
        if among is not None and not among.all():
            vectors, places = vectors[among], places[among]
        if not len(vectors):
            return
        self._seen += len(vectors)
        scores = self._score(vectors)
        # from the second batch on few rows are nearer than the candidates there are
        bound = self._scores.max(axis=1)
        rows, columns = np.nonzero(scores < bound[:, None])
        if len(rows) > scores.size // 4:
            self._merge(slice(None), scores, np.broadcast_to(places, scores.shape))
            return
        for query in np.unique(rows):
            chosen = columns[np.searchsorted(rows, query) : np.searchsorted(rows, query, "right")]
            self._merge(slice(query, query + 1), scores[query, chosen][None], places[chosen][None])

    def places(self) -> list[list[int]]:
        """Return the candidates of each query, in no order; at most all rows there are."""
        return [row[row >= 0].tolist() for row in self._places]

    def beyond(self) -> NDArray[np.float64]:
        """Return what every row outside of the candidates is at least as far as: shape (n_queries,).

        In the metric's unit, less what rounding may have added; infinity where no row is outside.
        """
        if self._seen <= self._kept:
            return np.full(len(self._scores), np.inf)
        last = self._scores.max(axis=1).astype(np.float64)
        size = self._queries.shape[1]
        # a sum of n products in any order is off by at most n roundoffs; both sides may be
        slack = 4 * (size + 4) * _UNIT_ROUNDOFF
        if self._metric is Metric.COSINE:
            return np.asarray(1.0 + last - slack)
        slack = slack * self._lengths * self._longest
        if self._metric is Metric.INNER_PRODUCT:
            return np.asarray(last - slack)
        squared = last + self._lengths**2
        slack = slack + 4 * (size + 4) * _UNIT_ROUNDOFF * (self._longest**2 + self._lengths**2)
        return np.asarray(np.sqrt(np.maximum(0.0, squared - slack)))

    def _score(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what orders as the distance does: shape (n_queries, n)."""
        squares = np.einsum("ij,ij->i", vectors, vectors)
        self._longest = max(self._longest, float(np.sqrt(squares.max())))
        if self._metric is Metric.COSINE:
            lengths = np.sqrt(squares)
            return np.asarray(-(self._queries @ (vectors / lengths[:, None]).T))
        inner = self._queries @ vectors.T
        if self._metric is Metric.INNER_PRODUCT:
            return np.asarray(np.negative(inner, out=inner))
        return np.asarray(squares - 2 * inner, dtype=np.float32)

    def _merge(
        self, queries: slice, scores: NDArray[np.float32], places: NDArray[np.int64]
    ) -> None:
        both = np.concatenate([self._scores[queries], scores], axis=1)
        which = np.concatenate([self._places[queries], places], axis=1)
        nearest = np.argpartition(both, self._kept - 1, axis=1)[:, : self._kept]
        self._scores[queries] = np.take_along_axis(both, nearest, axis=1)
        self._places[queries] = np.take_along_axis(which, nearest, axis=1)
