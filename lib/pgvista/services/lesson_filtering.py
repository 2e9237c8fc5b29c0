"""A filter on a real HNSW index, in every way that the lesson shows: one index, asked many times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.model.index import IndexMethod
from pgvista.model.lesson_index import Ask, LessonIndex, RealIndex, RealPoint
from pgvista.model.metric import Metric
from pgvista.model.search import DEFAULT_EF_SEARCH, DEFAULT_MAX_SCAN_TUPLES, IterativeScan
from pgvista.science.lesson_filtering import SHARES, labels_of
from pgvista.services.lesson_index import ask_index, try_index

LIMIT = 10
EF_SEARCHES = (10, 20, 40, 100, 200, 400, 1000)
MAX_SCAN_TUPLES = (100, 1_000, 3_000, DEFAULT_MAX_SCAN_TUPLES)
_INDEX = LessonIndex(IndexMethod.HNSW)


@dataclass(frozen=True, slots=True)
class Filtered:
    """What came of each way to ask; keys are labels, of the shares in `SHARES`."""

    index: RealIndex
    by_ef: Mapping[int, tuple[RealPoint, ...]]
    """For each ef_search of `EF_SEARCHES`, without an iterative scan."""
    by_scan: Mapping[int, Mapping[tuple[IterativeScan, int], RealPoint]]
    """For each iterative scan and max_scan_tuples, with ef_search 40; off at each of them too."""
    planner: Mapping[int, RealPoint]
    """As the planner likes it, with a btree on the labels."""


def find_candidates(
    db: Database, points: NDArray[np.float32], queries: NDArray[np.float32], metric: Metric
) -> RealIndex:
    """Return what the index finds without a filter: for each query the 40 rows of ef_search = 40."""
    values = (DEFAULT_EF_SEARCH,)
    return try_index(
        db, points, queries, _INDEX, metric=metric, limit=DEFAULT_EF_SEARCH, values=values
    )


def measure_filters(
    db: Database,
    points: NDArray[np.float32],
    queries: NDArray[np.float32],
    numbers: NDArray[np.float64],
    metric: Metric,
) -> Filtered:
    """Build the index on `points`, shape (n, dimension), and ask it in every way.

    `numbers`, shape (n,), draws the labels. Iterative scans are left out where pgvector is older than
    0.8.0. Raises as `ask_index`.
    """
    labels = labels_of(numbers)
    scans = (
        (IterativeScan.STRICT, IterativeScan.RELAXED)
        if db.capabilities.supports_iterative_scan
        else ()
    )
    asks = {
        "ef": [Ask(value, keep=label) for label in SHARES for value in EF_SEARCHES],
        "scan": [
            Ask(DEFAULT_EF_SEARCH, keep=label, iterative_scan=scan, max_scan_tuples=most)
            for label in SHARES
            for scan in scans
            for most in MAX_SCAN_TUPLES
        ],
        "free": [Ask(DEFAULT_EF_SEARCH, keep=label, free=True) for label in SHARES],
    }
    # the first one is what the index's SQL shows
    starved = Ask(DEFAULT_EF_SEARCH, keep=min(SHARES))
    every = list(dict.fromkeys([starved, *(ask for group in asks.values() for ask in group)]))
    index = ask_index(db, points, queries, _INDEX, every, metric=metric, limit=LIMIT, labels=labels)
    found = {point.ask: point for point in index.points}
    by_ef = {
        label: tuple(found[ask] for ask in asks["ef"] if ask.keep == label) for label in SHARES
    }
    by_scan = {
        label: {
            (ask.iterative_scan, ask.max_scan_tuples): found[ask]
            for ask in asks["scan"]
            if ask.keep == label
        }
        | {
            (IterativeScan.OFF, most): found[Ask(DEFAULT_EF_SEARCH, keep=label)]
            for most in MAX_SCAN_TUPLES
        }
        for label in SHARES
    }
    planner = {ask.keep: found[ask] for ask in asks["free"] if ask.keep is not None}
    return Filtered(index, by_ef, by_scan, planner)


def partial_index(
    db: Database,
    points: NDArray[np.float32],
    queries: NDArray[np.float32],
    numbers: NDArray[np.float64],
    metric: Metric,
    label: int,
) -> RealIndex:
    """Return an index of the rows with `label` alone, asked with ef_search 40."""
    return ask_index(
        db,
        points,
        queries,
        LessonIndex(IndexMethod.HNSW, only=label),
        [Ask(DEFAULT_EF_SEARCH, keep=label)],
        metric=metric,
        limit=LIMIT,
        labels=labels_of(numbers),
    )
