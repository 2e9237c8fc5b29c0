"""Vectors laid out in two dimensions: by PCA, UMAP or t-SNE, whatever their number and size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pgvista.model.map_spec import MapMethod
from pgvista.model.metric import Metric
from pgvista.science.knn import Knn
from pgvista.science.umap_layout import umap_layout

FEWEST = 5
"""Fewer points are laid out by PCA: their neighbourhoods are all of them."""
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))

Floats = NDArray[np.float32]
OnStep = Callable[[int, int, Floats | None], None]
"""Is told steps done, steps in all, and the positions as they are, where they are known."""


def layout(
    vectors: Floats,
    knn: Knn,
    start: Floats,
    method: MapMethod,
    metric: Metric,
    *,
    n_neighbors: int,
    min_dist: float,
    seed: int,
    on_step: OnStep | None = None,
) -> Floats:
    """Return the position of each of `vectors`, shape (n, dimension): shape (n, 2), never NaN.

    `knn` holds their nearest neighbours, at least n_neighbors - 1 where there are as many; `start`
    their positions by PCA. `on_step` may raise to stop. The same input and seed make the same
    layout; one or two points, or vectors that are all equal, get a place too. Centred at 0.
    """
    if is_constant(start):
        return sunflower(len(start))
    if len(start) < FEWEST or method is MapMethod.PCA:
        return centred(start)
    if method is MapMethod.TSNE:
        from pgvista.science.tsne import tsne_layout

        return centred(
            tsne_layout(vectors, start, metric, perplexity=n_neighbors, seed=seed, on_step=on_step)
        )
    k = max(1, min(n_neighbors - 1, knn.places.shape[1]))
    distances = knn.distances[:, :k]
    if metric is Metric.INNER_PRODUCT:  # negative numbers: only how much farther counts
        distances = distances - distances[:, :1]
    return centred(
        umap_layout(
            knn.places[:, :k], distances, start, min_dist=min_dist, seed=seed, on_epoch=on_step
        )
    )


def is_constant(positions: Floats) -> bool:
    """Tell whether all points lie in one place, or there is none."""
    return not len(positions) or bool((positions == positions[0]).all())


def sunflower(count: int) -> Floats:
    """Return `count` points of a sunflower's head, shape (n, 2): near, and none above another."""
    number = np.arange(count)
    radius = np.sqrt(number / max(1, count))
    angle = number * _GOLDEN_ANGLE
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


def centred(positions: Floats) -> Floats:
    """Return positions moved so that the middle of their box is 0."""
    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    return np.ascontiguousarray(positions - middle, dtype=np.float32)
