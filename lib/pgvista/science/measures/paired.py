"""Two settings on the same queries: mean gain, its interval, wins and losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pgvista.errors import InvalidInput
from pgvista.model.evaluation import PairedDifference
from pgvista.science.measures.bootstrap import bootstrap_interval

TIE = 1e-9
"""Values nearer than this are equal: they differ by rounding alone."""


def paired_difference(
    before: ArrayLike, after: ArrayLike, *, resamples: int = 10_000, seed: int = 0
) -> PairedDifference:
    """Return what `after` gains over `before`: mean(after - before) and its 95 % interval.

    A query is a win where `after` is higher by more than TIE, a loss where it is lower.

    Args:
        before: A measure under one setting, a value each query; shape (n_queries,).
        after: The same under another, for the same queries in the same order.
        resamples: Of the paired bootstrap.
        seed: Of its draws.

    Raises:
        InvalidInput: The lengths differ, there is no query, or a value is not finite.
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if first.shape != second.shape:
        raise InvalidInput("A paired comparison needs the same queries on both sides.")
    gains = second - first
    low, high = bootstrap_interval(gains, resamples=resamples, seed=seed)
    wins, losses = int((gains > TIE).sum()), int((gains < -TIE).sum())
    return PairedDifference(
        mean=float(gains.mean()),
        low=low,
        high=high,
        wins=wins,
        losses=losses,
        ties=gains.size - wins - losses,
    )
