"""The k nearest neighbours of every row among all the others: by matrix products, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.distances import between
from pgvista.science.examples import unit
from pgvista.science.imports import wait_for_torch

BLOCK_BYTES = 48_000_000
"""Scores that are held at once."""
EXACT_ROWS = 50_000
"""Up to here every row is compared with every other one; it takes n * n * dimension steps."""
EXACT_ROWS_L1 = 5_000
"""L1 distances are no matrix product, and take a hundred times as long."""
PROBED = 16
"""Of so many groups a row's neighbours are sought in, when not all rows are compared."""
_MEASURED = 200
_ROUNDS = 3
_SPARE = 4

Floats = NDArray[np.float32]
Places = NDArray[np.int32]
OnRows = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Knn:
    """Neighbours of n rows, nearest first, equally near ones by place."""

    places: Places
    """Shape (n, k)."""
    distances: Floats
    """In the metric's own unit, shape (n, k)."""
    recall: float | None = None
    """None: every row was compared with every other one. Else the share of true neighbours that
    were found, measured on 200 rows."""

    @property
    def is_exact(self) -> bool:
        """Whether every row was compared with every other one."""
        return self.recall is None


def nearest_neighbours(
    vectors: Floats,
    k: int,
    metric: Metric,
    *,
    seed: int = 0,
    on_rows: OnRows | None = None,
) -> Knn:
    """Find the k nearest other rows of each of `vectors`, shape (n, dimension).

    Exactly up to EXACT_ROWS rows (EXACT_ROWS_L1 under L1); beyond, rows are parted by the nearest of
    sqrt(n) centres, and compared with those of the PROBED nearest parts. k is cut to n - 1. Under
    cosine no row may be zero. `on_rows` is told how many rows are done, and may raise to stop.
    """
    count = len(vectors)
    k = max(0, min(k, count - 1))
    if k == 0:
        return Knn(np.empty((count, 0), np.int32), np.empty((count, 0), np.float32))
    exact = count <= (EXACT_ROWS_L1 if metric is Metric.L1 else EXACT_ROWS)
    tell = on_rows or (lambda _done: None)
    if exact:
        places = _exact(vectors, k, metric, np.arange(count), tell)
        return Knn(*_measured(vectors, vectors, places, metric))
    places = _by_parts(vectors, k, metric, seed, tell)
    found = _measured(vectors, vectors, places, metric, k)
    chosen = np.random.default_rng(seed).choice(count, min(_MEASURED, count), replace=False)
    truth = _exact(vectors, k, metric, chosen, lambda _done: None)
    _, limits = _measured(vectors[chosen], vectors, truth, metric)
    near = found[1][chosen] <= limits[:, -1:] + 1e-5 * np.maximum(1, np.abs(limits[:, -1:]))
    return Knn(*found, recall=float(near.mean()))


def nearest_to(queries: Floats, vectors: Floats, k: int, metric: Metric) -> tuple[Places, Floats]:
    """Find the k nearest of `vectors`, shape (n, dimension), to each of `queries`, shape (m, dimension).

    Places and distances, each of shape (m, min(k, n)), nearest first.
    """
    k = min(k, len(vectors))
    if k == 0 or not len(queries):
        return np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
    scorer = Scorer(vectors, metric)
    places = np.empty((len(queries), k), np.int32)
    for start, end in blocks(len(queries), len(vectors)):
        places[start:end] = largest(scorer.scores(queries[start:end]), k)
    return _measured(queries, vectors, places, metric)


def largest(scores: Floats, k: int) -> Places:
    """Return the places of the k largest of each row of `scores`, shape (m, n), in no order.

    The k largest numbers lie in those k groups whose own largest are the k largest: few numbers are
    left to look at, and the largest of many groups are had at once.
    """
    rows, count = scores.shape
    groups = count // 32
    if groups <= 4 * k:
        return np.argpartition(scores, count - k, axis=1)[:, count - k :].astype(np.int32)
    whole = 32 * groups
    best = scores[:, :whole].reshape(rows, 32, groups).max(axis=1)
    chosen = np.argpartition(best, groups - k, axis=1)[:, groups - k :]
    members = (chosen[:, :, None] + groups * np.arange(32)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(whole, count), (rows, count - whole))
    places = np.concatenate([members, rest], axis=1)
    values = np.take_along_axis(scores, places, axis=1)
    kept = np.argpartition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k :]
    return np.take_along_axis(places, kept, axis=1).astype(np.int32)


class Scorer:
    """Scores that are larger the nearer a row is: comparable within a query's own."""

    def __init__(self, vectors: Floats, metric: Metric) -> None:
        self._metric = metric
        self._mean: Floats = np.zeros(vectors.shape[1], np.float32)
        if metric is Metric.L2:  # nearer to the origin, less is lost in single precision
            self._mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
            vectors = vectors - self._mean
        self.vectors = unit(vectors) if metric is Metric.COSINE else vectors
        self._half_squares = np.einsum("ij,ij->i", self.vectors, self.vectors) / 2

    def among(self, places: NDArray[np.int64]) -> Scorer:
        """Return a scorer of some of the rows."""
        some = copy(self)
        some.vectors, some._half_squares = self.vectors[places], self._half_squares[places]
        return some

    def scores(self, queries: Floats) -> Floats:
        """Return scores of shape (m, n)."""
        if self._metric is Metric.L1:
            wait_for_torch()
            from scipy.spatial.distance import cdist

            return np.asarray(-cdist(queries, self.vectors, "cityblock"), dtype=np.float32)
        if self._metric is not Metric.L2:  # the length of a query changes no order
            return np.asarray(queries @ self.vectors.T)
        product: Floats = np.asarray((queries - self._mean) @ self.vectors.T)
        product -= self._half_squares
        return product


def _exact(
    vectors: Floats, k: int, metric: Metric, which: NDArray[np.int64], tell: OnRows
) -> Places:
    scorer = Scorer(vectors, metric)
    places = np.empty((len(which), k), np.int32)
    for start, end in blocks(len(which), len(vectors)):
        own = which[start:end]
        scores = scorer.scores(vectors[own])
        scores[np.arange(end - start), own] = -np.inf
        places[start:end] = largest(scores, k)
        tell(end)
    return places


def _by_parts(vectors: Floats, k: int, metric: Metric, seed: int, tell: OnRows) -> Places:
    """Find neighbours within the nearest parts; those under L1 by L2, some to spare."""
    by = Metric.L2 if metric is Metric.L1 else metric
    wanted = k * _SPARE if metric is Metric.L1 else k
    count = len(vectors)
    part_of, centres = _parts(vectors, by, seed)
    scorer = Scorer(vectors, by)
    order = np.argsort(part_of, kind="stable")
    starts = np.searchsorted(part_of[order], np.arange(len(centres) + 1))
    sizes = np.diff(starts)
    between_parts = Scorer(centres, by).scores(centres)
    np.fill_diagonal(between_parts, np.inf)
    ranked = np.argsort(-between_parts, axis=1)
    places = np.empty((count, wanted), np.int32)
    done = 0
    for part in np.flatnonzero(sizes):
        enough = int(np.searchsorted(np.cumsum(sizes[ranked[part]]), wanted + 1)) + 1
        near = ranked[part, : max(PROBED, enough)]
        among = np.concatenate([order[starts[p] : starts[p + 1]] for p in near])
        own = order[starts[part] : starts[part + 1]]
        local = scorer.among(among)
        for start, end in blocks(len(own), len(among)):
            scores = local.scores(vectors[own[start:end]])
            # a row's own part comes first, in the same order
            scores[np.arange(end - start), np.arange(start, end)] = -np.inf
            places[own[start:end]] = among[largest(scores, wanted)]
        done += len(own)
        tell(done)
    return places


def _parts(vectors: Floats, metric: Metric, seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the part of each row, shape (n,), and the parts' centres, by a few rounds of k-means."""
    rng = np.random.default_rng(seed)
    count = len(vectors)
    number = math.isqrt(count)
    by = Metric.COSINE if metric is Metric.COSINE else Metric.L2
    sample = vectors[rng.choice(count, min(count, 40 * number), replace=False)]
    centres = sample[:number].copy()
    for _ in range(_ROUNDS):
        nearest = _nearest_centre(sample, centres, by)
        sums = np.zeros(centres.shape, np.float64)
        np.add.at(sums, nearest, unit(sample) if by is Metric.COSINE else sample)
        sizes = np.bincount(nearest, minlength=number)
        held = (sizes > 0) & (np.abs(sums).max(axis=1) > 0)
        centres[held] = (sums[held] / sizes[held, None]).astype(np.float32)
    return _nearest_centre(vectors, centres, by), centres


def _nearest_centre(vectors: Floats, centres: Floats, metric: Metric) -> NDArray[np.int64]:
    scorer = Scorer(centres, metric)
    found = np.empty(len(vectors), np.int64)
    for start, end in blocks(len(vectors), len(centres)):
        found[start:end] = scorer.scores(vectors[start:end]).argmax(axis=1)
    return found


def _measured(
    queries: Floats, vectors: Floats, places: Places, metric: Metric, k: int | None = None
) -> tuple[Places, Floats]:
    """Measure neighbours in double precision and sort them: places and distances, the k nearest."""
    rows, wide = places.shape
    distances = np.empty((rows, wide))
    step = max(1, 4_000_000 // max(1, wide * vectors.shape[1]))
    for start in range(0, rows, step):
        part = places[start : start + step]
        left = np.repeat(queries[start : start + step], wide, axis=0)
        distances[start : start + step] = between(left, vectors[part.ravel()], metric).reshape(
            part.shape
        )
    order = np.lexsort((places, distances), axis=1)[:, :k]
    return (
        np.take_along_axis(places, order, axis=1),
        np.take_along_axis(distances, order, axis=1).astype(np.float32),
    )


def blocks(rows: int, columns: int) -> list[tuple[int, int]]:
    """Return the bounds of blocks of rows whose scores take BLOCK_BYTES."""
    step = max(1, min(2048, BLOCK_BYTES // (4 * max(1, columns))))
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]
