"""What the lesson on smaller vectors computes beside Postgres: rounding, angles, leading dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science import distances, recall

Floats = NDArray[np.float32]

MAX_ROTATED = 2_000
"""Up to so many dimensions the principal directions are found: time grows with their cube."""


def rounding_errors(full: Floats, rounded: Floats) -> NDArray[np.float64]:
    """Return how far each number was rounded, relative to it: ``|rounded - full| / |full|``.

    Any shape, both the same; 0 where `full` is 0 and was kept.
    """
    wide = full.astype(np.float64)
    off = np.abs(rounded.astype(np.float64) - wide)
    return np.asarray(np.where(off > 0, off / np.where(wide == 0, 1.0, np.abs(wide)), 0.0))


def expected_hamming(cosine_distance: float, dimension: int) -> float:
    """Return how many signs differ on average at an angle, in directions drawn at random.

    ``dimension * angle / pi``: a plane through the origin separates two vectors with a probability
    of their angle over pi. The axes of a model are not drawn at random, so it is a guide.

    Source: Goemans and Williamson 1995, lemma 3.2; Charikar 2002, section 3.
    """
    angle = np.arccos(np.clip(1.0 - cosine_distance, -1.0, 1.0))
    return float(dimension * angle / np.pi)


def principal_axes(vectors: Floats) -> Floats:
    """Rotate `vectors`, shape (n, dimension), so that the first numbers say the most: same shape.

    By the eigenvectors of their second moments, not centred: with all dimensions, lengths and inner
    products are what they were. Raises ValueError beyond MAX_ROTATED dimensions.
    """
    if vectors.shape[1] > MAX_ROTATED:
        raise ValueError(f"{vectors.shape[1]} dimensions are too many to rotate")
    wide = vectors.astype(np.float64)
    _, axes = np.linalg.eigh(wide.T @ wide)
    return np.asarray(wide @ axes[:, ::-1], dtype=np.float32)


def share_of_length(vectors: Floats, counts: Sequence[int]) -> list[float]:
    """Return which share of the squared lengths lies in the first `counts` numbers, 0 to 1 each."""
    squares = np.square(vectors, dtype=np.float64).sum(axis=0)
    whole = float(squares.sum())
    return [float(squares[:count].sum()) / whole if whole else 0.0 for count in counts]


def leading_recall(
    vectors: Floats, queries: Sequence[int], counts: Sequence[int], metric: Metric, k: int = 10
) -> Mapping[int, float]:
    """Return recall@k when only the first `counts` numbers are compared: by count, 0 to 1.

    Rows at the places `queries` ask for their neighbours among the other rows; nothing is re-ranked.
    A row counts when its full distance is within the k-th true one + 1e-3.

    Args:
        vectors: Shape (n, dimension), n at least 2.
        queries: Places in `vectors`.
        counts: Numbers kept, 1 to dimension.
        metric: The distance, of the parts as of the whole.
        k: Neighbours wanted; fewer where there are fewer rows.
    """
    kept = min(k, len(vectors) - 1)
    places = np.asarray(queries)
    full = _to_others(vectors, places, metric)
    true = np.sort(full, axis=1)[:, :kept]
    present = np.isfinite(true).sum(axis=1)
    found = {}
    for count in counts:
        part = _to_others(vectors[:, :count], places, metric)
        first = np.argsort(part, axis=1, kind="stable")[:, :kept]
        hits = recall.hits_by_distance(np.take_along_axis(full, first, axis=1), true)
        found[count] = recall.mean_recall(hits, present)
    return found


def _to_others(vectors: Floats, places: NDArray[np.int64], metric: Metric) -> NDArray[np.float64]:
    """Return distances of some rows to all: (n_queries, n); infinite to itself and where it is NaN."""
    if metric is Metric.L1:
        found = np.stack([distances.to_all(vectors[place], vectors, metric) for place in places])
    else:
        wide = vectors.astype(np.float64)
        squares = np.einsum("ij,ij->i", wide, wide)
        inner = wide[places] @ wide.T
        if metric is Metric.L2:
            squared = squares[places, None] + squares[None, :] - 2 * inner
            found = np.sqrt(np.maximum(squared, 0.0))
        elif metric is Metric.INNER_PRODUCT:
            found = -inner
        else:
            lengths = np.sqrt(squares)
            with np.errstate(invalid="ignore", divide="ignore"):
                found = 1.0 - inner / (lengths[places, None] * lengths[None, :])
    found[np.isnan(found)] = np.inf
    found[np.arange(len(places)), places] = np.inf
    return found
