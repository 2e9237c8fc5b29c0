"""How much of the true neighbourhoods a map keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.imports import wait_for_torch
from pgvista.science.knn import Scorer, blocks, largest

SAMPLED = 1_000
"""Trustworthiness and continuity are measured on up to so many points, against all others."""
_STEPS = 20_000_000
_FEWEST = 100

Floats = NDArray[np.float32]
Places = NDArray[np.int32]


def map_neighbours(xy: Floats, k: int, which: NDArray[np.int64] | None = None) -> Places:
    """Return the k nearest other points on the map, nearest first: shape (n, k).

    Of all points, or of those at the places `which`. k is cut to n - 1.
    """
    wait_for_torch()
    from scipy.spatial import cKDTree

    count = len(xy)
    own = np.arange(count) if which is None else which
    k = max(0, min(k, count - 1))
    if k == 0:
        return np.empty((len(own), 0), np.int32)
    found = np.asarray(cKDTree(xy).query(xy[own], k + 1)[1]).reshape(len(own), k + 1)
    # of points in one place, the point itself need not come first, nor at all
    itself = found == own[:, None]
    itself[~itself.any(axis=1), -1] = True
    return np.asarray(found[~itself].reshape(len(own), k), dtype=np.int32)


def neighbours_kept(true: Places, on_map: Places) -> Floats:
    """Return the share of each point's true neighbours that are neighbours on the map too.

    |T(i) & M(i)| / |T(i)|, from 0 to 1, shape (n,); NaN without any. `true` and `on_map` have shapes
    (n, k); -1 in `true` stands for none. Points strewn at random keep k / (n - 1).
    """
    there = true >= 0
    hits = np.zeros(true.shape, dtype=bool)
    for column in on_map.T:
        hits |= true == column[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray((hits & there).sum(axis=1) / there.sum(axis=1), dtype=np.float32)


def trustworthiness_and_continuity(
    vectors: Floats, xy: Floats, metric: Metric, k: int, *, seed: int = 0
) -> tuple[float, float, int] | None:
    """Return trustworthiness, continuity and how many points they were measured on.

    Venna and Kaski (2006): T = 1 - 2 / (n k (2 n - 3 k - 1)) * the sum over all points i, and over
    the k nearest of i on the map that are not among the k truly nearest, of r(i, j) - k, where r is
    the true rank of j seen from i. C is the same with map and truth exchanged. Both from 0 to 1. On
    many points, the sum is estimated from a sample drawn by `seed`. None where 2 k + 1 > n.
    """
    count = len(vectors)
    if k < 1 or count < 2 * k + 1:
        return None
    size = min(count, max(_FEWEST, min(SAMPLED, _STEPS // count)))
    chosen = np.arange(count)
    if size < count:
        chosen = np.sort(np.random.default_rng(seed).choice(count, size, replace=False))
    truth, shown = Scorer(vectors, metric), Scorer(xy, Metric.L2)
    near_on_map = map_neighbours(xy, k, chosen)
    false = missing = 0
    for start, end in blocks(size, 2 * count):
        own, rows = chosen[start:end], np.arange(end - start)
        truly, on_map = truth.scores(vectors[own]), shown.scores(xy[own])
        truly[rows, own] = on_map[rows, own] = -np.inf
        near = largest(truly, k)
        truly[rows, own] = on_map[rows, own] = np.inf
        false += _too_far(truly, near_on_map[start:end], k)
        missing += _too_far(on_map, near, k)
    worst = size * k * (2 * count - 3 * k - 1) / 2
    return 1 - false / worst, 1 - missing / worst, size


def _too_far(scores: Floats, places: Places, k: int) -> int:
    """Return the sum of rank - k of those places whose rank by `scores`, shape (m, n), is above k."""
    own = np.take_along_axis(scores, places, axis=1)
    total = 0
    for column in own.T:
        ranks = (scores > column[:, None]).sum(axis=1)  # the point itself is counted
        total += int(np.maximum(0, ranks - k).sum())
    return total


def tightness(xy: Floats, cluster: Places) -> float | None:
    """Return how wide a cluster is beside the map: the median, over clusters, of half of its width.

    That is the median distance of its points, shape (n, 2), from their median, as a share of the
    diagonal of the box that holds all points: 0 to 1. None with fewer than two clusters.
    """
    count = int(cluster.max(initial=-1)) + 1
    if count < 2:
        return None
    extent = float(np.linalg.norm(np.nanmax(xy, axis=0) - np.nanmin(xy, axis=0)))
    if not extent:
        return None
    half = []
    for number in range(count):
        members = xy[cluster == number]
        if not len(members):  # all its rows are gone
            continue
        middle = np.median(members, axis=0)
        half.append(float(np.median(np.linalg.norm(members - middle, axis=1))))
    return float(np.median(half)) / extent if len(half) > 1 else None


def agreement(one: Floats, other: Floats, k: int) -> float:
    """Return the mean share of a point's k neighbours on one map that are so on the other, 0 to 1.

    Both have shape (n, 2); NaN without neighbours. Turning, mirroring and scaling changes nothing.
    """
    kept = neighbours_kept(map_neighbours(one, k), map_neighbours(other, k))
    return float(np.nanmean(kept)) if kept.size and not np.isnan(kept).all() else float("nan")


def aligned(moved: Floats, onto: Floats) -> Floats:
    """Turn, mirror, scale and shift `moved`, shape (n, 2), to lie as near as it can to `onto`.

    Orthogonal Procrustes: maps of two seeds may differ by a turn alone.
    """
    if len(moved) < 2:
        return onto.copy()
    left, right = moved - moved.mean(axis=0), onto - onto.mean(axis=0)
    u, scale, v = np.linalg.svd(left.T.astype(np.float64) @ right)
    size = float((left.astype(np.float64) ** 2).sum()) or 1.0
    turned = left @ (u @ v) * (scale.sum() / size) + onto.mean(axis=0)
    return np.asarray(turned, dtype=np.float32)
