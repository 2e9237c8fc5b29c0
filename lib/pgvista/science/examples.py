"""One query vector made of rows that are wanted and rows that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric


def rocchio(
    like: NDArray[np.float32],
    unlike: NDArray[np.float32],
    *,
    metric: Metric,
    weight: float,
) -> NDArray[np.float32]:
    """Return the query vector of examples, shape (dimension,).

    `like` has shape (n, dimension) with n >= 1, `unlike` shape (m, dimension) with m >= 0; `weight`
    is 0 (the unlike are ignored) and up. With p and n the means of the two,

        q = p + weight * (p - n)        and q = p without `unlike`.

    This is Rocchio's formula (Rocchio 1971, "Relevance feedback in information retrieval"),
    q = beta * p - gamma * n, with beta = 1 + weight and gamma = weight. The two factors sum to 1, so
    that moving all vectors by the same amount moves q with them: L2 and L1 need that, and the
    directions, which are all that cosine looks at, are those of Rocchio with gamma / beta =
    weight / (1 + weight). A weight of 0.25 is the proportion that textbooks give (0.15 / 0.75); at 1
    it is p + p - n.

    Under cosine every example is brought to length 1 first, so that each counts the same. Raises
    InvalidInput when the examples leave no direction to look in.
    """
    if metric is Metric.COSINE:
        like, unlike = unit(like), unit(unlike)
    wanted: NDArray[np.float64] = like.astype(np.float64).mean(axis=0)
    query = wanted
    if len(unlike):
        query = wanted + weight * (wanted - unlike.astype(np.float64).mean(axis=0))
    if metric is Metric.COSINE and np.linalg.norm(query) < 1e-6:
        raise InvalidInput(
            "The rows chosen point in opposite directions and cancel each other out.",
            "Take one of them away.",
        )
    return np.asarray(query, dtype=np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring vectors of shape (n, dimension) to length 1; zero vectors stay as they are."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    shortened: NDArray[np.float32] = (vectors / np.where(lengths == 0, 1, lengths)).astype(
        np.float32
    )
    return shortened
