"""k-means, as IVFFlat cuts its lists: centroids, the list of each row, and lists that a query visits.

Our own, small: a lesson shows its rounds, the same seed gives the same cells everywhere, and under
cosine centroids have length 1, as pgvector's have; scikit-learn's does not do that. It is a model of
pgvector's k-means (k-means++ and Elkan's rounds), not a copy: starting points are drawn otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.science.examples import unit

ROUNDS = 60
_BLOCK = 4_000_000
"""Distances that are held at once."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lists:
    """Centroids, and the list that each row is in."""

    centroids: Floats
    """Shape (k, dimension); k is at most the number of different rows."""
    of_row: NDArray[np.int64]
    """The list of each row, 0 to k - 1: that of its nearest centroid. Shape (n,)."""
    inertia: tuple[float, ...]
    """Sum of squared distances to the nearest centroid, at the start and after each round; it
    never rises."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows in each list: shape (k,)."""
        return np.bincount(self.of_row, minlength=len(self.centroids))


def kmeans(
    points: Floats, k: int, *, seed: int = 0, rounds: int = ROUNDS, spherical: bool = False
) -> Lists:
    """Cut `points`, shape (n, dimension), into at most `k` lists.

    Starting centroids are drawn by k-means++ (Arthur and Vassilvitskii 2007): each with a chance
    that grows with the squared distance to those there are. Then rows are given to the nearest
    centroid and centroids moved to the mean of their rows, until nothing changes (Lloyd 1982); a
    centroid without rows stays where it is. With `spherical`, rows and centroids have length 1.
    Raises ValueError when k is below 1 or there is no row.
    """
    if k < 1 or not len(points):
        raise ValueError("k-means needs a row and a list")
    data = unit(points) if spherical else np.asarray(points, dtype=np.float32)
    centroids = _start(data, k, np.random.default_rng(seed))
    of_row, far = nearest_centroid(data, centroids)
    inertia = [float(far.sum())]
    for _ in range(rounds):
        moved = _means(data, of_row, centroids, spherical=spherical)
        again, far = nearest_centroid(data, moved)
        total = float(far.sum())
        if total >= inertia[-1]:  # rounding alone is left
            break
        inertia.append(total)
        unchanged = np.array_equal(again, of_row)
        centroids, of_row = moved, again
        if unchanged:
            break
    return Lists(centroids, of_row, tuple(inertia))


def with_rows(centroids: Floats, points: Floats, *, spherical: bool = False) -> Lists:
    """Put rows into the lists of centroids that were learnt from others, as a later insert does."""
    data = unit(points) if spherical else np.asarray(points, dtype=np.float32)
    of_row, far = nearest_centroid(data, centroids)
    return Lists(centroids, of_row, (float(far.sum()),))


def nearest_centroid(
    points: Floats, centroids: Floats
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest centroid of each row, the first of equally near ones, and the squared
    distance to it: each of shape (n,)."""
    which = np.empty(len(points), np.int64)
    far = np.empty(len(points))
    step = max(1, _BLOCK // len(centroids))
    for start in range(0, len(points), step):
        part = slice(start, start + step)
        squares = _squares(points[part], centroids)
        which[part] = squares.argmin(axis=1)
        far[part] = squares[np.arange(len(squares)), which[part]]
    return which, far


def visited(queries: Floats, centroids: Floats, probes: int) -> NDArray[np.int64]:
    """Return the lists that each query visits, nearest centroid first: shape (m, min(probes, k))."""
    order = np.argsort(_squares(queries, centroids), axis=1, kind="stable")
    return np.asarray(order[:, :probes], dtype=np.int64)


def search(
    points: Floats, lists: Lists, queries: Floats, limit: int, probes: int
) -> tuple[tuple[tuple[int, ...], ...], NDArray[np.int64]]:
    """Find the nearest rows of each query among those of the lists it visits, by L2.

    Returns the positions found by each query, nearest first, and how many rows it looked at: shape
    (m,). Under cosine, give rows and queries of length 1.
    """
    found: list[tuple[int, ...]] = []
    looked_at = np.empty(len(queries), np.int64)
    step = max(1, _BLOCK // len(points))
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        squares = _squares(part, points)
        chosen = visited(part, lists.centroids, probes)
        for row, (near, order) in enumerate(zip(squares, chosen, strict=True), start):
            places = np.flatnonzero(np.isin(lists.of_row, order))
            found.append(tuple(places[np.argsort(near[places], kind="stable")[:limit]].tolist()))
            looked_at[row] = len(places)
    return tuple(found), looked_at


def _start(data: Floats, k: int, draw: np.random.Generator) -> Floats:
    chosen = [int(draw.integers(len(data)))]
    far = _squares(data, data[chosen])[:, 0]
    while len(chosen) < k and (total := far.sum()) > 0:
        # the row whose share of the sum is hit; a row that is a centroid already has none
        place = int(np.searchsorted(np.cumsum(far), draw.random() * total, side="right"))
        chosen.append(min(place, int(np.flatnonzero(far)[-1])))
        far = np.minimum(far, _squares(data, data[chosen[-1:]])[:, 0])
        far[chosen[-1]] = 0
    return data[chosen]


def _means(data: Floats, of_row: NDArray[np.int64], old: Floats, *, spherical: bool) -> Floats:
    sums = np.zeros(old.shape)
    np.add.at(sums, of_row, data)
    counts = np.bincount(of_row, minlength=len(old))
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], old)
    found = means.astype(np.float32)
    return unit(found) if spherical else found


def _squares(left: Floats, right: Floats) -> NDArray[np.float64]:
    """Return squared distances of shape (len(left), len(right))."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    squares = (a * a).sum(axis=1)[:, None] - 2 * (a @ b.T) + (b * b).sum(axis=1)
    return np.asarray(np.maximum(squares, 0.0))
