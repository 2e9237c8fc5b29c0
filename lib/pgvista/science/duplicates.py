"""Near-duplicates among vectors: nearest neighbours, and links below a distance, exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.distances import between, to_all
from pgvista.science.examples import unit
from pgvista.science.forest import Distances, Places, SpanningForest

BLOCK = 512
"""Rows compared with all later ones in one matrix product."""
DEFAULT_COSINE = 0.2
"""Cosine distance below which two texts are worth a look."""
CEILING_COSINE = 0.4
"""Cosine distance up to which links are kept, so that the threshold can be moved."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a comparison of n vectors found."""

    nearest: Distances
    """Each row's distance to the nearest other one, shape (n,); NaN where there is none."""
    left: Places
    right: Places
    distance: Distances
    """The links of the minimum spanning forest up to the ceiling, each of shape (m,)."""


def compare_all(
    vectors: NDArray[np.float32],
    metric: Metric,
    ceiling: float,
    *,
    on_rows: Callable[[int], None] | None = None,
) -> Neighbours:
    """Compare every row with every other one: exact, in n * n * dimension / 2 steps.

    `vectors` has shape (n, dimension), without zero vectors under cosine; `metric` is cosine, L2 or
    L1 (an inner product is no distance: a row need not be nearest to itself). `ceiling`, in the
    metric's unit, is the longest distance of a link. `on_rows` is told how many rows are done, and
    may raise to stop. Memory: some copies of `vectors`, and `BLOCK` x n distances.
    """
    count = len(vectors)
    firsts, alike = _distinct(vectors)
    forest = SpanningForest(count)
    same = np.flatnonzero(firsts[alike] != np.arange(count))
    forest.add(firsts[alike][same], same, np.zeros(len(same)))
    distinct = vectors[firsts]
    nearest_of = _compare_distinct(distinct, metric, ceiling, firsts, forest, on_rows, count)
    left, right, _ = forest.links()
    # The product is in single precision; what is told is measured again in double.
    distance = between(vectors[left], vectors[right], metric)
    kept = distance <= ceiling
    order = np.argsort(distance[kept], kind="stable")
    nearest = np.full(count, np.nan)
    if len(distinct) > 1:
        nearest = between(distinct, distinct[nearest_of], metric)[alike]
    nearest[np.bincount(alike, minlength=len(firsts))[alike] > 1] = 0.0
    return Neighbours(nearest, left[kept][order], right[kept][order], distance[kept][order])


def _distinct(vectors: NDArray[np.float32]) -> tuple[Places, Places]:
    """Return the first place of each different vector, and for each row which of those it equals."""
    known: dict[bytes, int] = {}
    firsts: list[int] = []
    alike = np.empty(len(vectors), dtype=np.int64)
    for place, row in enumerate(vectors + np.float32(0)):  # -0 and 0 are the same number
        number = known.setdefault(row.tobytes(), len(firsts))
        if number == len(firsts):
            firsts.append(place)
        alike[place] = number
    return np.array(firsts, dtype=np.int64), alike


def _compare_distinct(
    vectors: NDArray[np.float32],
    metric: Metric,
    ceiling: float,
    firsts: Places,
    forest: SpanningForest,
    on_rows: Callable[[int], None] | None,
    total: int,
) -> Places:
    """Link the rows of `vectors`, told by `firsts`; return the place of each one's nearest."""
    count = len(vectors)
    prepared = unit(vectors) if metric is Metric.COSINE else vectors
    if metric is Metric.L2 and count:  # nearer to the origin, the square roots below lose less
        prepared = (vectors - vectors.mean(axis=0, dtype=np.float64)).astype(np.float32)
    squares = np.einsum("ij,ij->i", prepared, prepared)
    slack = 1e-5 * max(1.0, float(np.sqrt(squares.max(initial=0.0))))
    best = np.full(count, np.inf, dtype=np.float32)
    nearest = np.zeros(count, dtype=np.int64)
    step = 1 if metric is Metric.L1 else BLOCK
    for start in range(0, count, step):
        end = min(start + step, count)
        block, rest = prepared[start:end], prepared[start:]
        found = _block(block, rest, squares[start:end], squares[start:], metric)
        own = np.arange(end - start)
        found[own, own] = np.inf
        _take_nearest(found.min(axis=1), found.argmin(axis=1) + start, best, nearest, start)
        _take_nearest(found.min(axis=0), found.argmin(axis=0) + start, best, nearest, start)
        near_left, near_right = np.nonzero(found <= ceiling + slack)
        upper = near_right > near_left
        near_left, near_right = near_left[upper], near_right[upper]
        forest.add(
            firsts[near_left + start],
            firsts[near_right + start],
            found[near_left, near_right].astype(np.float64),
        )
        if on_rows is not None and (end == count or end // BLOCK > start // BLOCK):
            on_rows(total * end // count)
    return nearest


def _block(
    block: NDArray[np.float32],
    rest: NDArray[np.float32],
    block_squares: NDArray[np.float32],
    rest_squares: NDArray[np.float32],
    metric: Metric,
) -> NDArray[np.float32]:
    """Return the distances of `block` to `rest`, in single precision."""
    if metric is Metric.L1:
        return to_all(block[0], rest, metric).astype(np.float32)[None, :]
    product: NDArray[np.float32] = block @ rest.T
    if metric is Metric.COSINE:
        return 1.0 - product
    product *= -2
    product += block_squares[:, None]
    product += rest_squares
    np.sqrt(np.maximum(product, 0, out=product), out=product)
    return product


def _take_nearest(
    found: NDArray[np.float32],
    places: Places,
    best: NDArray[np.float32],
    nearest: Places,
    start: int,
) -> None:
    part = slice(start, start + len(found))
    better = found < best[part]
    best[part][better] = found[better]
    nearest[part][better] = places[better]


def equivalent(cosine: float, metric: Metric, length: float, dimension: int) -> float:
    """Turn a cosine distance into one of `metric`, for vectors of a usual `length`.

    Two vectors of one length r at the cosine distance c are r * sqrt(2 c) apart; their taxicab
    distance is that times sqrt(2 dimension / pi) where the difference spreads evenly over the
    components. A guess to begin with, no more.
    """
    if metric is Metric.COSINE:
        return cosine
    straight = length * math.sqrt(2 * cosine)
    if metric is Metric.L1:
        return straight * math.sqrt(2 * dimension / math.pi)
    return straight
