"""UMAP from known neighbours: the graph, and its layout epoch by epoch.

McInnes, Healy and Melville (2018). umap-learn's `fit` cannot be stopped, holds the interpreter's lock
and compiles for half a minute in each new process. Here the graph is made by NumPy, and one function
is compiled within a second or two, whose machine code is kept on disk: an epoch takes a fraction of a
second without the lock, and between two of them the work can be watched and stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.science import umap_kernel
from pgvista.science.imports import wait_for_torch

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Places = NDArray[np.int32]
OnEpoch = Callable[[int, int, Floats], None]
"""Is told epochs done, epochs in all, and the positions as they are, shape (n, 2): not to be kept."""

NEGATIVE_SAMPLES = 5
_TOLERANCE = 1e-5
_LEAST_SCALE = 1e-3
_STEPS = 64


def epochs_for(points: int) -> int:
    """Return umap-learn's number of epochs: 500 up to 10,000 points, else 200."""
    return 500 if points <= 10_000 else 200


def umap_layout(
    neighbours: Places,
    distances: Floats,
    start: Floats,
    *,
    min_dist: float,
    seed: int,
    epochs: int | None = None,
    on_epoch: OnEpoch | None = None,
) -> Floats:
    """Lay points out so that neighbours lie near: shape (n, 2).

    `neighbours` and `distances`, shape (n, k), are the true neighbours without the point itself,
    nearest first; `start` has the positions to begin with, shape (n, 2). Deterministic for a seed.
    `on_epoch` may raise to stop.
    """
    epochs = epochs or epochs_for(len(neighbours))
    graph = fuzzy_graph(neighbours, distances).tocoo()
    graph.data[graph.data < graph.data.max() / max(10, epochs)] = 0
    graph.eliminate_zeros()
    per_sample = graph.data.max() / graph.data  # the strongest edge has all turns
    a, b = curve(min_dist)
    rng = np.random.RandomState(seed)
    positions = _scaled(start, rng)
    states = rng.randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64)
    # as umap-learn does: a state of its own for each point, by where the point lies
    states = np.ascontiguousarray(states + positions[:, :1].astype(np.float64).view(np.int64))
    per_negative = per_sample / NEGATIVE_SAMPLES
    next_negative, next_sample = per_negative.copy(), per_sample.copy()
    head, tail = graph.row.astype(np.int32), graph.col.astype(np.int32)
    run = kernel()
    for turn in range(epochs):
        run(
            positions, head, tail, per_sample, next_sample, per_negative, next_negative, states,
            a, b, 1.0 - turn / epochs, turn,
        )  # fmt: skip
        if on_epoch is not None:
            on_epoch(turn + 1, epochs, positions)
    return positions


@cache
def kernel() -> Callable[..., Any]:
    """Return `umap_kernel.epoch`, compiled to run without the interpreter's lock.

    The machine code is kept beside the module, or in the user's cache folder (NUMBA_CACHE_DIR names
    another): a new process loads it in a moment.
    """
    import numba

    plain, types = umap_kernel.epoch, umap_kernel.SIGNATURE
    try:
        compiled = numba.njit(types, fastmath=True, nogil=True, cache=True)(plain)
    except RuntimeError:  # no folder can be written to
        compiled = numba.njit(types, fastmath=True, nogil=True)(plain)
    return compiled


def curve(min_dist: float) -> tuple[float, float]:
    """Return a and b of the strength 1 / (1 + a d^(2b)) of two points at distance d on the map.

    The curve that is nearest to 1 up to `min_dist` and exp(min_dist - d) beyond, by least squares.
    """
    wait_for_torch()
    from scipy.optimize import curve_fit

    apart = np.linspace(0, 3, 300)
    wanted = np.where(apart < min_dist, 1.0, np.exp(min_dist - apart))

    def strength(d: Doubles, a: float, b: float) -> Doubles:
        return np.asarray(1.0 / (1.0 + a * d ** (2 * b)))

    (a, b), _ = curve_fit(strength, apart, wanted)
    return float(a), float(b)


def fuzzy_graph(neighbours: Places, distances: Floats) -> Any:
    """Return UMAP's fuzzy union of neighbourhoods: a sparse symmetric matrix of shape (n, n).

    The strength of j for i is exp(-max(0, d(i, j) - rho(i)) / sigma(i)): rho is the distance to the
    nearest different point, sigma such that a point's strengths sum to log2(k + 1). Strengths p and
    q of the two directions become p + q - p q.
    """
    wait_for_torch()
    import scipy.sparse

    count, k = neighbours.shape
    rho, sigma = _smooth(distances.astype(np.float64))
    strength = np.exp(-np.maximum(0, distances - rho[:, None]) / sigma[:, None])
    strength[neighbours < 0] = 0.0
    rows = np.repeat(np.arange(count), k)
    one_way = scipy.sparse.coo_matrix(
        (strength.ravel(), (rows, np.maximum(0, neighbours).ravel())), shape=(count, count)
    ).tocsr()
    other = one_way.T.tocsr()
    both = one_way + other - one_way.multiply(other)
    both = both.tocsr()
    both.eliminate_zeros()
    return both


def _smooth(distances: Doubles) -> tuple[Doubles, Doubles]:
    """Return rho and sigma of each point, each of shape (n,), by bisection."""
    count, k = distances.shape
    apart = np.where(distances > 0, distances, np.inf)
    rho = apart.min(axis=1)
    rho[~np.isfinite(rho)] = 0.0
    beyond = np.maximum(0.0, distances - rho[:, None])
    target = np.log2(k + 1)
    low, high = np.zeros(count), np.full(count, np.inf)
    sigma = np.ones(count)
    for _ in range(_STEPS):
        with np.errstate(over="ignore", under="ignore"):
            total = np.exp(-beyond / sigma[:, None]).sum(axis=1)
        if (np.abs(total - target) < _TOLERANCE).all():
            break
        over = total > target
        high = np.where(over, sigma, high)
        low = np.where(over, low, sigma)
        sigma = np.where(np.isinf(high), 2 * sigma, (low + high) / 2)
        sigma = np.clip(sigma, 1e-300, 1e300)
    own_mean = distances.mean(axis=1) * k / (k + 1)  # umap-learn counts the point itself too
    least = np.where(rho > 0, own_mean, distances.mean() * k / (k + 1)) * _LEAST_SCALE
    return rho, np.maximum(sigma, np.maximum(least, 1e-300))


def _scaled(start: Floats, rng: np.random.RandomState) -> Floats:
    """Bring positions to 0..10 on each axis, a little noise added so that no two are the same."""
    largest = float(np.abs(start).max()) or 1.0
    moved = start * (10.0 / largest) + rng.normal(scale=1e-4, size=start.shape)
    low, high = moved.min(axis=0), moved.max(axis=0)
    return np.ascontiguousarray(10.0 * (moved - low) / (high - low), dtype=np.float32)
