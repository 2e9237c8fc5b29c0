"""Maximal marginal relevance: hits that are near the query and unlike each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.distances import to_all


def mmr(
    relevance: NDArray[np.float64],
    vectors: NDArray[np.float32],
    *,
    metric: Metric,
    lambda_: float,
    limit: int,
) -> list[int]:
    """Choose up to `limit` of n candidates, one after the other; return their places, in that order.

    `relevance`, shape (n,), is each candidate's similarity with the query, `vectors`, shape
    (n, dimension), are the candidates' own. `lambda_` is from 1 (nearest first, as without) to 0
    (each as unlike those before it as can be). With S the candidates chosen so far, the next one is

        argmax over d not in S of  lambda * sim(d, q) - (1 - lambda) * max over s in S of sim(d, s)

    (Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering
    documents and producing summaries"). The first is the most similar one, whatever `lambda_`;
    among equals the earlier candidate is taken. sim is `Metric.similarity`: cosine from -1 to 1,
    1 / (1 + distance) for L2 and L1, the inner product itself.
    """
    count = len(relevance)
    chosen: list[int] = []
    left = np.ones(count, dtype=bool)
    nearest_chosen = np.full(count, -np.inf)
    while len(chosen) < min(limit, count):
        if chosen:
            gain = lambda_ * relevance - (1 - lambda_) * nearest_chosen
        else:
            gain = relevance.astype(np.float64)
        place = int(np.argmax(np.where(left, gain, -np.inf)))
        chosen.append(place)
        left[place] = False
        distances = to_all(vectors[place], vectors, metric)
        nearest_chosen = np.maximum(nearest_chosen, _similarity(distances, metric))
    return chosen


def _similarity(distances: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    """`Metric.similarity` for an array; a zero vector, which is like nothing, gives 0 under cosine."""
    if metric is Metric.COSINE:
        return np.nan_to_num(1.0 - distances, nan=0.0)
    if metric is Metric.INNER_PRODUCT:
        return -distances
    return 1.0 / (1.0 + distances)
