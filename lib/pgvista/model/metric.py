"""Distances, vector types and what pgvector calls them."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """How the distance between two vectors is measured; smaller is nearer."""

    COSINE = "cosine"
    """1 - cos(a, b), from 0 (same direction) to 2 (opposite). Operator ``<=>``."""
    L2 = "l2"
    """Euclidean length of a - b, 0 and up. Operator ``<->``."""
    INNER_PRODUCT = "inner_product"
    """The *negative* inner product, any number. Operator ``<#>``."""
    L1 = "l1"
    """Sum of |a_i - b_i|, 0 and up. Operator ``<+>``."""

    @property
    def operator(self) -> str:
        """pgvector's operator, e.g. ``<=>``."""
        return _OPERATORS[self]

    @property
    def label(self) -> str:
        """The metric's name for people."""
        return _LABELS[self]

    def similarity(self, distance: float) -> float:
        """Turn a distance into a score where larger is nearer.

        cosine: 1 - d, from -1 to 1; inner product: -d; L2 and L1: 1 / (1 + d), from 0 to 1.
        """
        if self is Metric.COSINE:
            return 1.0 - distance
        if self is Metric.INNER_PRODUCT:
            return -distance
        return 1.0 / (1.0 + distance)


_OPERATORS = {
    Metric.COSINE: "<=>",
    Metric.L2: "<->",
    Metric.INNER_PRODUCT: "<#>",
    Metric.L1: "<+>",
}
_LABELS = {
    Metric.COSINE: "cosine",
    Metric.L2: "L2 (Euclidean)",
    Metric.INNER_PRODUCT: "inner product",
    Metric.L1: "L1 (taxicab)",
}


class VectorType(StrEnum):
    """A column type of pgvector that pgvista searches."""

    VECTOR = "vector"
    """4 bytes a dimension; indexes reach 2,000 dimensions."""
    HALFVEC = "halfvec"
    """2 bytes a dimension; indexes reach 4,000 dimensions."""

    @property
    def max_index_dimension(self) -> int:
        """The largest dimension an HNSW or IVFFlat index of this type takes."""
        return 2000 if self is VectorType.VECTOR else 4000


MAX_DIMENSION = 16_000
"""The largest dimension of a vector or halfvec column."""
