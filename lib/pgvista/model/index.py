"""What is asked for when an index is built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pgvista.errors import InvalidInput
from pgvista.model.filters import Filter
from pgvista.model.metric import Metric, VectorType

DEFAULT_M = 16
DEFAULT_EF_CONSTRUCTION = 64
MAX_LISTS = 32_768
MAX_BITS = 64_000
"""The longest bit string that an index takes."""


class IndexMethod(StrEnum):
    """pgvector's index types."""

    HNSW = "hnsw"
    IVFFLAT = "ivfflat"


class IndexTarget(StrEnum):
    """What of a vector is indexed; all but the column itself are expressions."""

    COLUMN = "column"
    """The column as it is."""
    HALFVEC = "halfvec"
    """A cast to halfvec: half the bytes, to 4,000 dimensions."""
    BIT = "bit"
    """The signs, by binary_quantize: one bit a dimension, to 64,000; wants re-ranking."""
    LEADING = "leading"
    """The first dimensions, by subvector, for Matryoshka models; wants re-ranking."""

    @property
    def wants_reranking(self) -> bool:
        """Whether what the index finds must be ranked by the whole vectors."""
        return self in (IndexTarget.BIT, IndexTarget.LEADING)


class BitMetric(StrEnum):
    """How the distance between two bit strings is measured; smaller is nearer."""

    HAMMING = "hamming"
    """Bits that differ, 0 and up. Operator ``<~>``."""
    JACCARD = "jaccard"
    """1 - bits set in both / bits set in either, 0 to 1. Operator ``<%>``."""

    @property
    def operator(self) -> str:
        """pgvector's operator, e.g. ``<~>``."""
        return "<~>" if self is BitMetric.HAMMING else "<%>"

    @property
    def label(self) -> str:
        """The metric's name for people."""
        return "Hamming" if self is BitMetric.HAMMING else "Jaccard"


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """A vector index: its method, metric, build options, what of the vector, and of which rows."""

    method: IndexMethod = IndexMethod.HNSW
    metric: Metric | BitMetric | None = None
    """None: the collection's, and Hamming for target bit."""
    m: int = DEFAULT_M
    """HNSW: links of a node in each layer, 2 to 100."""
    ef_construction: int = DEFAULT_EF_CONSTRUCTION
    """HNSW: candidate list while building, 4 to 1,000 and at least 2 * m."""
    lists: int | None = None
    """IVFFlat: k-means cells, 1 to 32,768; None: rows / 1000, from a million rows on sqrt(rows)."""
    target: IndexTarget = IndexTarget.COLUMN
    leading: int | None = None
    """Target leading: how many dimensions from the first on."""
    filters: Filter | None = None
    """A partial index: only rows that match are in it; None: every row."""
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
        if self.lists is not None and not 1 <= self.lists <= MAX_LISTS:
            raise InvalidInput(f"lists is {self.lists}, but it takes 1 to {MAX_LISTS:,}.")
        if self.method is IndexMethod.IVFFLAT and self.metric is Metric.L1:
            raise InvalidInput("IVFFlat does not serve L1.", "Use HNSW for L1.")
        if self.method is IndexMethod.IVFFLAT and self.metric is BitMetric.JACCARD:
            raise InvalidInput("IVFFlat does not serve Jaccard.", "Use HNSW, or Hamming.")
        self._check_target()

    def _check_target(self) -> None:
        bits = self.target is IndexTarget.BIT
        if self.metric is not None and isinstance(self.metric, BitMetric) is not bits:
            offered = ", ".join(BitMetric if bits else Metric)
            raise InvalidInput(
                f"An index on {'bits' if bits else 'vectors'} does not serve {self.metric.label}.",
                f"Metrics of target {self.target}: {offered}.",
            )
        if (self.leading is not None) is not (self.target is IndexTarget.LEADING):
            raise InvalidInput(
                "Target leading needs the number of dimensions, and no other target takes one.",
                "Example: target leading with leading 256.",
            )
        if self.leading is not None and self.leading < 1:
            raise InvalidInput(f"leading is {self.leading}, but it takes 1 and more dimensions.")


@dataclass(frozen=True, slots=True)
class FieldIndexSpec:
    """An index for words or filters: GIN on a tsvector, on JSON or on a list, else a btree."""

    column: str
    concurrently: bool = True


AnyIndexSpec = IndexSpec | FieldIndexSpec
"""What can be built."""


def advised_lists(rows: int) -> int:
    """pgvector's advice for IVFFlat: rows / 1000 up to a million rows, above that sqrt(rows)."""
    return max(1, min(MAX_LISTS, round(rows / 1000 if rows <= 1_000_000 else rows**0.5)))


def max_dimension(target: IndexTarget, own: VectorType) -> int:
    """Return the largest dimension that an index takes, on a column of type `own`."""
    if target is IndexTarget.BIT:
        return MAX_BITS
    return (VectorType.HALFVEC if target is IndexTarget.HALFVEC else own).max_index_dimension


def targets(dimension: int, own: VectorType) -> tuple[IndexTarget, ...]:
    """Return the targets that vectors of this type and dimension can be indexed by.

    The column itself is left out beyond its limit, and the cast where it would change nothing.
    """
    found = [
        target
        for target in (IndexTarget.COLUMN, IndexTarget.HALFVEC, IndexTarget.BIT)
        if dimension <= max_dimension(target, own)
        and not (target is IndexTarget.HALFVEC and own is VectorType.HALFVEC)
    ]
    return (*found, IndexTarget.LEADING) if dimension > 1 else tuple(found)
