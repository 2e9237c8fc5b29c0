"""Two ranked lists become one: the same sums as the statement of a hybrid search, bit for bit.

Every step is one IEEE operation in a fixed order, and sums run down a list from its first place to
its last, here as in `pgvista.sql.fusion`: so both give the same doubles, and the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.model.search import Fusion

Floats = NDArray[np.float64]
Scored = Sequence[tuple[str, float]]
"""A list, best first: (id, score), higher being better."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """A list's scores made comparable: what each of its rows counts, and what a missing row does."""

    values: Floats
    """Shape (n,), in the list's order."""
    missing: float = 0.0


@dataclass(frozen=True, slots=True)
class Fused:
    """All candidates, best first.

    Of those with the same score, the one nearer by meaning stands first: the semantic list's order,
    then, for those that are not in it, the keyword list's.
    """

    ids: tuple[str, ...]
    semantic_rank: NDArray[np.int64]
    """Shape (n,): place in the semantic list, from 1; 0 where a row is not in it."""
    keyword_rank: NDArray[np.int64]
    semantic_term: Floats
    """Shape (n,): what the semantic list adds to the score."""
    keyword_term: Floats
    score: Floats
    """Shape (n,): the sum of both terms."""

    def tied(self) -> dict[str, int]:
        """Return how many other candidates have the same score, for each id where some have."""
        _, group, count = np.unique(self.score, return_inverse=True, return_counts=True)
        others = count[group] - 1
        return {self.ids[place]: int(others[place]) for place in np.flatnonzero(others)}


def fuse(
    method: Fusion,
    semantic: Scored,
    keyword: Scored,
    *,
    k: float = 60.0,
    semantic_weight: float = 1.0,
    keyword_weight: float = 1.0,
    covering: float | None = None,
) -> Fused:
    """Fuse two lists of finite scores, each best first and without an id twice.

    score(row) = semantic_weight * s(row) + keyword_weight * t(row), where s and t are the list's
    scores made comparable by `method`; `k` matters to reciprocal rank fusion alone, with coverage
    or without, and `covering`, the keyword score from which on a row covers the query, to fusion by
    coverage; None counts every row in full. A semantic list's scores are its distances negated. Two
    empty lists give an empty result. Raises ValueError for an id that stands in a list twice.
    """
    place: dict[str, int] = {}
    for row_id, _ in (*semantic, *keyword):
        place.setdefault(row_id, len(place))
    ids = list(place)
    ranks, terms = [], []
    for scored, weight, full in (
        (semantic, semantic_weight, None),
        (keyword, keyword_weight, covering if method is Fusion.COVERAGE else None),
    ):
        where = np.fromiter((place[row_id] for row_id, _ in scored), np.int64, len(scored))
        rank = np.zeros(len(ids), np.int64)
        rank[where] = np.arange(1, len(scored) + 1)
        if np.count_nonzero(rank) != len(scored):
            raise ValueError("An id stands in a list twice.")
        values = np.fromiter((score for _, score in scored), np.float64, len(scored))
        if method.has_k:
            term = np.zeros(len(ids))
            counts = weight if full is None else weight * coverage(values, full)
            term[where] = reciprocal_rank(len(scored), k, counts)
        else:
            normalized = _NORMALIZE[method](values)
            term = np.full(len(ids), weight * normalized.missing)
            term[where] = weight * normalized.values
        ranks.append(rank)
        terms.append(term)
    score = terms[0] + terms[1]
    places = [np.where(rank == 0, len(ids) + 1, rank) for rank in ranks]
    order = np.lexsort((places[1], places[0], -score))
    return Fused(
        ids=tuple(ids[row] for row in order),
        semantic_rank=ranks[0][order],
        keyword_rank=ranks[1][order],
        semantic_term=terms[0][order],
        keyword_term=terms[1][order],
        score=score[order],
    )


def coverage(scores: Floats, full: float) -> Floats:
    """Return (score / full) squared, at most 1, shape (n,): how much of the query each row covers.

    `full` is the score from which on a row counts in full. The square holds back rows that share
    only the common words of a question; Lucene's coordination factor did so by counting words.
    """
    part = np.minimum(scores / full, 1.0)
    return part * part


def reciprocal_rank(count: int, k: float, weight: float | Floats = 1.0) -> Floats:
    """Return what the places 1 to `count` count in reciprocal rank fusion: weight / (k + rank).

    Shape (count,), above 0 to weight / (k + 1). A missing row counts 0. Source: Cormack, Clarke
    and Buettcher, SIGIR 2009, with k = 60 and without weights.
    """
    return weight / (k + np.arange(1, count + 1, dtype=np.float64))


def min_max(scores: Floats) -> Normalized:
    """Return (score - lowest) / (highest - lowest), shape (n,), 0 to 1.

    Where all scores are equal, one row included, each counts 1: it is the best of its list. The
    last place counts 0, as a missing row does.
    """
    if not scores.size:
        return Normalized(scores)
    lowest, highest = float(scores.min()), float(scores.max())
    if lowest == highest:
        return Normalized(np.ones_like(scores))
    return Normalized((scores - lowest) / (highest - lowest))


def z_score(scores: Floats) -> Normalized:
    """Return (score - mean) / sd, shape (n,), by the list's mean and sample standard deviation.

    A missing row counts as much as the last place, so that it is never better to be missing. Where
    all scores are equal, one row included, each counts 0 and a missing row -1: one standard
    deviation below. In an empty list a missing row counts 0.
    """
    if not scores.size:
        return Normalized(scores)
    mean, deviation = spread(scores)
    if deviation == 0:
        return Normalized(np.zeros_like(scores), -1.0)
    return Normalized((scores - mean) / deviation, missing=(float(scores.min()) - mean) / deviation)


def distribution(scores: Floats) -> Normalized:
    """Return (score - low) / (high - low), shape (n,), with low and high 3 sd about the mean.

    Mostly 0 to 1; a score that stands out by more than 3 sd counts more than 1, and 3 sd below the
    mean 0, as a missing row does. Where all scores are equal, one row included, each counts 0.5.
    Source: Qdrant's distribution-based score fusion, which does not stop at 0.
    """
    if not scores.size:
        return Normalized(scores)
    mean, deviation = spread(scores)
    if deviation == 0:
        return Normalized(np.full_like(scores, 0.5))
    low, high = mean - 3 * deviation, mean + 3 * deviation
    return Normalized(np.maximum((scores - low) / (high - low), 0.0))


def spread(scores: Floats) -> tuple[float, float]:
    """Return mean and sample standard deviation of n > 0 scores; exactly 0 where all are equal.

    Summed from the first to the last (`cumsum`), where `sum` would add by pairs.
    """
    mean = float(np.cumsum(scores)[-1]) / scores.size
    if scores.min() == scores.max():
        return mean, 0.0
    away = scores - mean
    return mean, math.sqrt(float(np.cumsum(away * away)[-1]) / (scores.size - 1))


_NORMALIZE: dict[Fusion, Callable[[Floats], Normalized]] = {
    Fusion.MIN_MAX: min_max,
    Fusion.Z_SCORE: z_score,
    Fusion.DISTRIBUTION: distribution,
}
