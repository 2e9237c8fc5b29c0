"""What is left of vectors in fewer bytes: rounded to halfvec, their signs alone, their first dimensions.

NumPy's own computation of what pgvector does by casts, and how re-ranking mends it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

HALFVEC_MAX = 65_504.0
"""The largest number that a halfvec holds."""


def to_halfvec(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to halfvec's numbers: sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16).

    Args:
        vectors: Any shape. Beyond +-65,504 pgvector refuses the cast; here it gives infinity.

    Returns:
        The same shape; each number is off by at most 2**-11 of itself, or 2**-25 near 0.
    """
    with np.errstate(over="ignore"):
        return vectors.astype(np.float16).astype(np.float32)


def binary_quantize(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Keep the signs: a bit for each dimension, 1 where the number is above 0, packed by eights.

    Args:
        vectors: Shape (n, dimension).

    Returns:
        Shape (n, ceil(dimension / 8)), the first dimension in the highest bit, as pgvector's
        ``binary_quantize`` has it.
    """
    return np.packbits(vectors > 0, axis=1)


def hamming(query: NDArray[np.uint8], bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the bits in which `query`, shape (bytes,), differs from each of `bits`, shape (n, bytes).

    Returns:
        Shape (n,), each from 0 to 8 * bytes. Operator ``<~>``.
    """
    counted: NDArray[np.int64] = np.bitwise_count(query ^ bits).sum(axis=1, dtype=np.int64)
    return counted


def leading(
    vectors: NDArray[np.float32], count: int, *, renormalise: bool = False
) -> NDArray[np.float32]:
    """Keep the first `count` dimensions, 1 to dimension, as ``subvector(v, 1, count)`` does.

    With `renormalise`, each vector is divided by the length of what is left of it, as Matryoshka
    models ask; a vector of zeros stays one. Cosine distances are the same either way; inner
    products and L2 are not.

    Args:
        vectors: Shape (n, dimension).

    Returns:
        Shape (n, count).

    Source: Kusupati et al., Matryoshka Representation Learning, 2022.
    """
    first = vectors[:, :count]
    if not renormalise:
        return first.copy()
    lengths = np.linalg.norm(first, axis=1, keepdims=True)
    return np.asarray(first / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def candidate_count(limit: int, oversample: float) -> int:
    """Return how many rows are taken to keep `limit` of them: ``ceil(limit * oversample)``."""
    return math.ceil(limit * oversample)


def reranked(candidates: NDArray[np.float64], limit: int, oversample: float) -> NDArray[np.int64]:
    """Return which candidates are kept when the first ones are ranked by their full distances.

    Args:
        candidates: Full distances in the order of the coarse ranking, shape (n_queries, depth);
            rows that do not exist as infinity. depth is at least ``ceil(limit * oversample)``, or
            all there are.
        limit: Rows kept, 1 and up.
        oversample: Candidates for each row kept, 1 and up; 1 re-ranks nothing.

    Returns:
        Places among the candidates, nearest first, shape (n_queries, limit) or fewer columns.
    """
    first = candidates[:, : candidate_count(limit, oversample)]
    order: NDArray[np.int64] = np.argsort(first, axis=1, kind="stable")[:, :limit]
    return order
