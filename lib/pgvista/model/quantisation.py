"""Types of vectors side by side: what is measured of them on a collection, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pgvista.errors import InvalidInput
from pgvista.model.index import IndexTarget
from pgvista.model.tuning import MAX_NEAREST, check_whole

DEFAULT_OVERSAMPLE = (1, 2, 4, 8, 12, 16, 20)
DEFAULT_ROWS = 20_000
"""Rows that each query is compared with; more are sampled down to about so many."""


@dataclass(frozen=True, slots=True)
class StoredType:
    """What of a vector is compared: the column, a cast to halfvec, its signs, or its first dimensions."""

    target: IndexTarget = IndexTarget.COLUMN
    leading: int | None = None
    """LEADING: how many dimensions."""

    @property
    def key(self) -> str:
        """A short name: ``column``, ``halfvec``, ``bit``, ``leading 192``."""
        return self.target.value if self.leading is None else f"{self.target.value} {self.leading}"


@dataclass(frozen=True, slots=True)
class TypesSpec:
    """What is measured."""

    limit: int = 10
    """k: rows wanted, 1 to 100."""
    queries: int = 50
    """Rows drawn as queries, 1 to 1,000; each is left out of its own answer."""
    rows: int = DEFAULT_ROWS
    """Rows that queries are compared with, 100 to 10,000,000; fewer there are all taken."""
    seed: int = 0
    leading: tuple[int, ...] | None = None
    """Numbers of leading dimensions; None: a half and a quarter of them."""
    oversample: tuple[int, ...] = DEFAULT_OVERSAMPLE
    """Candidates for each row wanted, 1 to 20."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check_whole("limit", self.limit, 1, 100)
        check_whole("queries", self.queries, 1, 1000)
        check_whole("rows", self.rows, 100, 10_000_000)
        check_whole("seed", self.seed, 0, 2**31 - 1)
        if not self.oversample:
            raise InvalidInput("No oversample was given.", "It takes 1 to 20; 1 re-ranks nothing.")
        for factor in self.oversample:
            check_whole("oversample", factor, 1, 20)
        for count in self.leading or ():
            check_whole("leading", count, 1, 16_000)

    @property
    def depth(self) -> int:
        """Candidates that are fetched for each query."""
        return min(MAX_NEAREST, self.limit * max(self.oversample))


@dataclass(frozen=True, slots=True)
class MeasuredIndex:
    """An index of one type that the collection has, and how it answers."""

    name: str
    method: str
    size_bytes: int
    p50_ms: float
    """With the settings of the server, and without re-ranking."""
    p95_ms: float
    used: bool
    """Whether Postgres used it."""


@dataclass(frozen=True, slots=True)
class TypePoint:
    """What one type gave."""

    stored: StoredType
    value_bytes: float
    """One vector of this type, header included: mean of pg_column_size of rows sampled."""
    index_bytes: int | None
    """An HNSW index of all rows with m 16, as estimated; None: beyond the dimensions it takes."""
    recall: Mapping[int, float]
    """By oversample: mean share of hits within the k-th true distance + 1e-3, 0 to 1. 1: not
    re-ranked."""
    recall_by_id: Mapping[int, float]
    """By oversample: mean share of the very rows of the truth."""
    scan_p50_ms: float
    """Comparing every row of the sample, the cast included."""
    scan_p95_ms: float
    indexes: tuple[MeasuredIndex, ...] = ()
    problem: str | None = None
    """Why it could not be measured."""

    def enough(self, target: float) -> int | None:
        """Return the smallest oversample that reaches a recall; None when none does."""
        return next((o for o, found in sorted(self.recall.items()) if found >= target), None)


@dataclass(frozen=True, slots=True)
class TypesResult:
    """All types of a collection, side by side."""

    limit: int
    queries: int
    rows: int
    """Rows of the collection with a vector that can be found."""
    compared_rows: int
    """Of them, those that queries were compared with."""
    dimension: int
    seed: int
    points: tuple[TypePoint, ...]
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
