"""What is asked for when a vector index is built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric, VectorType


class IndexMethod(StrEnum):
    """pgvector's index types."""

    HNSW = "hnsw"
    IVFFLAT = "ivfflat"


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """A vector index: its method, metric, build options, and type if other than the column's."""

    method: IndexMethod = IndexMethod.HNSW
    metric: Metric | None = None
    """None: the collection's."""
    m: int = 16
    """HNSW: links of a node in each layer, 2 to 100."""
    ef_construction: int = 64
    """HNSW: candidate list while building, 4 to 1,000 and at least 2 * m."""
    lists: int | None = None
    """IVFFlat: k-means cells, 1 to 32,768; None: rows / 1000, from a million rows on sqrt(rows)."""
    vector_type: VectorType | None = None
    """Index a cast to this type; None: the column's own type."""
    concurrently: bool = True

    def __post_init__(self) -> None:
        """Refuse what pgvector would refuse, with the range in the sentence."""
        if not 2 <= self.m <= 100:
            raise InvalidInput(f"m is {self.m}, but it takes 2 to 100.", "The default is 16.")
        if not 4 <= self.ef_construction <= 1000:
            raise InvalidInput(
                f"ef_construction is {self.ef_construction}, but it takes 4 to 1,000.",
                "The default is 64.",
            )
        if self.ef_construction < 2 * self.m:
            raise InvalidInput(
                f"ef_construction is {self.ef_construction}, but it must be at least 2 * m = {2 * self.m}.",
                "Raise ef_construction or lower m.",
            )
        if self.lists is not None and not 1 <= self.lists <= 32_768:
            raise InvalidInput(f"lists is {self.lists}, but it takes 1 to 32,768.")
        if self.method is IndexMethod.IVFFLAT and self.metric is Metric.L1:
            raise InvalidInput("IVFFlat does not serve L1.", "Use HNSW for L1.")


def advised_lists(rows: int) -> int:
    """pgvector's advice for IVFFlat: rows / 1000 up to a million rows, above that sqrt(rows)."""
    return max(1, min(32_768, round(rows / 1000 if rows <= 1_000_000 else rows**0.5)))
