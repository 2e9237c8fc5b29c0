"""A filter on a real HNSW index, in every way that the lesson shows: one index, asked many times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import QueryFailed
from pgvista.model.collection import Collection
from pgvista.model.filters import Comparison
from pgvista.model.index import IndexMethod
from pgvista.model.lesson_index import Ask, LessonIndex, RealIndex, RealPoint
from pgvista.model.metric import Metric
from pgvista.model.search import DEFAULT_EF_SEARCH, DEFAULT_MAX_SCAN_TUPLES, IterativeScan
from pgvista.science.lesson_filtering import SHARES, labels_of
from pgvista.services.lesson_index import ask_index, try_index
from pgvista.services.lesson_sample import sample_filtered
from pgvista.sql import lesson_index as sql

LIMIT = 10
EF_SEARCHES = (10, 20, 40, 100, 200, 400, 1000)
MAX_SCAN_TUPLES = (100, 1_000, 3_000, DEFAULT_MAX_SCAN_TUPLES)
LEFT_TO_PLANNER = "left to the planner"
_COUNT_MS = 3_000
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


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """A filter on a real column or key of a collection, and what came of it."""

    meet: int
    """Points that meet it."""
    points: int
    in_table: tuple[int, int] | None
    """Rows of the whole table that meet it, and all with a vector; None where counting took too long."""
    index: RealIndex
    ways: Mapping[str, RealPoint]
    """By iterative_scan, and as the planner likes it; ef_search is 40. Empty where no point meets it."""
    sql: tuple[str, ...]
    """How rows are drawn and labelled, the index with its first query, and the other queries."""

    @property
    def share(self) -> float:
        """The part of the points that meets it, 0 to 1."""
        return self.meet / self.points


def measure_own_filter(
    db: Database, collection: Collection, wanted: Comparison, *, rows: int, queries: int
) -> OwnFilter:
    """Filter a sample of `rows` rows by the collection's own values, behind a real HNSW index.

    In the temporary table a label says whether a row meets the filter. Raises as `sample_filtered`
    and `ask_index`.
    """
    drawn = sample_filtered(db, collection, wanted, rows=rows, queries=queries)
    sample, meet = drawn.sample, int(drawn.meets.sum())
    scans = [IterativeScan.OFF]
    if db.capabilities.supports_iterative_scan:
        scans += [IterativeScan.STRICT, IterativeScan.RELAXED]
    asks = [Ask(DEFAULT_EF_SEARCH, keep=1, iterative_scan=scan) for scan in scans]
    asks.append(Ask(DEFAULT_EF_SEARCH, keep=1, free=True))
    index = ask_index(
        db,
        sample.points,
        sample.queries,
        _INDEX,
        asks,
        metric=sample.metric,
        limit=LIMIT,
        labels=drawn.meets.astype(np.int32),
    )
    names = [*(scan.value for scan in scans), LEFT_TO_PLANNER]
    ways = dict(zip(names, index.points, strict=True)) if meet else {}
    said = " ".join(f"{wanted.key} {wanted.operator} {wanted.value!r}".split())
    return OwnFilter(
        meet=meet,
        points=len(sample.points),
        in_table=_counted(db, collection, wanted),
        index=index,
        ways=ways,
        sql=(
            drawn.sql,
            f"-- label 1: rows that meet the filter, {said}; label 0: the others\n{index.sql}",
            *(point.sql for point in index.points[1:]),
        ),
    )


def _counted(db: Database, collection: Collection, wanted: Comparison) -> tuple[int, int] | None:
    query = sql.filtered_count(collection, wanted)
    try:
        [(meet, rows)] = db.read(
            lambda connection: connection.execute(query.sql, query.params).fetchall(),
            timeout_ms=_COUNT_MS,
        )
    except QueryFailed:
        return None
    return int(meet), int(rows)


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
