"""The paired bootstrap: how sure a mean difference of two settings on the same queries is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pgvista.errors import InvalidInput

_CELLS = 4_000_000
"""Draws held at once: 32 MB of places."""


def bootstrap_interval(
    differences: ArrayLike,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile interval (low, high) of the mean of `differences`.

    The n differences are drawn n times with replacement, `resamples` times over; the interval
    holds the middle `confidence` of the means. The same seed gives the same interval. When all
    differences are equal, both ends are that value; one difference alone says nothing, and its
    interval has no width.

    Args:
        differences: Finite numbers, one for each query; shape (n_queries,), n_queries >= 1.
        resamples: How many means are taken, 1 and up.
        confidence: Share of the means within the interval, above 0 and below 1.
        seed: Of the draws.

    Raises:
        InvalidInput: There is no difference, or one is NaN or infinite; another argument is out
            of range.

    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; for
    rankings T. Sakai, Evaluating evaluation metrics based on the bootstrap, SIGIR 2006.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise InvalidInput("An interval needs at least one difference, and all must be finite.")
    if resamples < 1 or not 0 < confidence < 1:
        raise InvalidInput("An interval needs a resample, and a confidence between 0 and 1.")
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, _CELLS // values.size)
    for start in range(0, resamples, step):
        stop = min(resamples, start + step)
        means[start:stop] = _means(values, stop - start, rng)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _means(
    values: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return `count` means of n draws with replacement."""
    drawn = values[rng.integers(0, values.size, (count, values.size))]
    found: NDArray[np.float64] = drawn.mean(axis=1)
    return found
