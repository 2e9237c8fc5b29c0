"""Principal component analysis: the directions in which vectors differ most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WHOLE = 1_500
"""Up to so many dimensions the covariance is decomposed; beyond, its largest part by iteration."""
_ROUNDS = 7
_OVERSAMPLE = 8
_BLOCK = 8_192

Floats = NDArray[np.float32]


def pca(vectors: Floats, components: int = 2, *, seed: int = 0) -> Floats:
    """Project `vectors`, shape (n, dimension), on their first principal components: (n, components).

    Centred; the sign of each axis is chosen so that its largest weight is positive, so that the same
    vectors lie the same way each time. Axes beyond the rank are 0. `seed` bears only on vectors of
    more than 1,500 dimensions, whose axes are found by subspace iteration (Halko, Martinsson and
    Tropp 2011).
    """
    count, size = vectors.shape
    projected = np.zeros((count, components), np.float32)
    if count < 2 or size == 0:
        return projected
    mean = vectors.mean(axis=0, dtype=np.float64)
    if size <= _WHOLE:
        axes = _by_covariance(vectors, mean, components)
    else:
        axes = _by_iteration(vectors, mean, components, seed)
    flip = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    axes = axes * np.where(flip == 0, 1, flip)
    for start in range(0, count, _BLOCK):
        part = vectors[start : start + _BLOCK] - mean
        projected[start : start + _BLOCK, : axes.shape[1]] = part @ axes
    scale = float(np.abs(vectors).max()) or 1.0
    projected[:, np.abs(projected).max(axis=0) <= 1e-6 * scale] = 0.0  # rounding is no direction
    return projected


def _by_covariance(
    vectors: Floats, mean: NDArray[np.float64], components: int
) -> NDArray[np.float64]:
    size = vectors.shape[1]
    covariance = np.zeros((size, size))
    for start in range(0, len(vectors), _BLOCK):
        part = (vectors[start : start + _BLOCK] - mean).astype(np.float32)
        covariance += part.T @ part
    _, axes = np.linalg.eigh(covariance)
    return np.asarray(axes[:, ::-1][:, :components])


def _by_iteration(
    vectors: Floats, mean: NDArray[np.float64], components: int, seed: int
) -> NDArray[np.float64]:
    size = vectors.shape[1]
    wide = min(size, components + _OVERSAMPLE)
    basis = np.random.default_rng(seed).normal(size=(size, wide))
    for _ in range(_ROUNDS):
        basis = _through(vectors, mean, basis)
        if not np.isfinite(basis).all():
            break
        basis, _ = np.linalg.qr(basis)
    inner = basis.T @ _through(vectors, mean, basis)
    _, turn = np.linalg.eigh((inner + inner.T) / 2)
    return np.asarray((basis @ turn[:, ::-1])[:, :components])


def _through(
    vectors: Floats, mean: NDArray[np.float64], basis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the covariance (but for a factor) times `basis`."""
    found = np.zeros_like(basis)
    for start in range(0, len(vectors), _BLOCK):
        part = (vectors[start : start + _BLOCK] - mean).astype(np.float32)
        found += part.T @ (part @ basis.astype(np.float32))
    return found
