"""What is asked of an index while it is tuned: the nearest rows, and nothing else of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pgvista.errors import InvalidInput
from pgvista.model.filters import Filter
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.metric import Metric
from pgvista.model.search import IterativeScan

MAX_EF_SEARCH = 1000
MAX_PROBES = 32_768
MAX_NEAREST = 10_000
"""The most rows that are asked for at once, and the most candidates that are re-ranked."""


@dataclass(frozen=True, slots=True)
class NearestRequest:
    """The `limit` rows nearest to a vector, found by what one kind of index holds.

    An index on bits or on leading dimensions knows the vectors by halves: `oversample * limit`
    candidates are taken from it, and the nearest `limit` of them by the full vectors are kept.
    """

    vector: tuple[float, ...]
    """The query, of the collection's dimension."""
    limit: int = 10
    """Rows wanted, 1 to 10,000."""
    target: IndexTarget = IndexTarget.COLUMN
    leading: int | None = None
    """LEADING: how many of the first dimensions are indexed, 1 to the collection's dimension."""
    bit_metric: BitMetric = BitMetric.HAMMING
    """BIT: how bits are compared."""
    oversample: float = 1.0
    """BIT and LEADING: candidates for each row wanted, 1 to 1,000. 1 keeps what the index found."""
    metric: Metric | None = None
    """None: the collection's."""
    filters: Filter | None = None
    share: float | None = None
    """Only this share of the rows, above 0 to 1, drawn by a hash of their keys; None: all."""
    exclude_id: str | None = None
    """A row to leave out: the one that the query was taken from."""
    exact: bool = False
    """Compare with every row, whatever indexes there are."""
    ef_search: int | None = None
    """HNSW's candidate list, 1 to 1,000. None: the server's setting (40)."""
    probes: int | None = None
    """IVFFlat's lists to visit, 1 to 32,768. None: the server's setting (1)."""
    iterative_scan: IterativeScan = IterativeScan.OFF
    max_scan_tuples: int | None = None
    """Where an iterative HNSW scan gives up, in rows. None: the server's setting (20,000)."""
    max_probes: int | None = None
    """Where an iterative IVFFlat scan gives up, in lists. None: the server's setting (all)."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check_whole("limit", self.limit, 1, MAX_NEAREST)
        check_whole("ef_search", self.ef_search, 1, MAX_EF_SEARCH)
        check_whole("probes", self.probes, 1, MAX_PROBES)
        check_whole("max_scan_tuples", self.max_scan_tuples, 1, 2_147_483_647)
        check_whole("max_probes", self.max_probes, 1, MAX_PROBES)
        if not self.vector or not all(map(math.isfinite, self.vector)):
            raise InvalidInput(
                "The query vector is empty, or holds NaN or infinity.", "Use finite numbers."
            )
        if not (1 <= self.oversample <= 1000):
            raise InvalidInput(f"oversample is {self.oversample}, but it takes 1 to 1,000.")
        if self.share is not None and not 0 < self.share <= 1:
            raise InvalidInput(f"The share of rows is {self.share}, but it takes above 0 to 1.")
        if self.target is IndexTarget.LEADING:
            if self.leading is None:
                raise InvalidInput("The number of leading dimensions is missing.")
            check_whole("leading", self.leading, 1, len(self.vector))

    @property
    def candidates(self) -> int:
        """Rows asked of the index: `limit`, or what is re-ranked."""
        if self.exact or not self.target.wants_reranking:
            return self.limit
        return min(MAX_NEAREST, math.ceil(self.limit * self.oversample))

    def settings(self, *, iterative_scan: bool = True) -> Mapping[str, str]:
        """Return what is SET LOCAL for it.

        `iterative_scan` says whether the server's pgvector knows iterative scans (0.8.0 on).
        """
        if self.exact:
            return {"enable_indexscan": "off", "enable_bitmapscan": "off"}
        found: dict[str, str] = {}
        if self.ef_search is not None:
            found["hnsw.ef_search"] = str(self.ef_search)
        if self.probes is not None:
            found["ivfflat.probes"] = str(self.probes)
        if iterative_scan and self.iterative_scan is not IterativeScan.OFF:
            found["hnsw.iterative_scan"] = self.iterative_scan.value
            found["ivfflat.iterative_scan"] = IterativeScan.RELAXED.value
            if self.max_scan_tuples is not None:
                found["hnsw.max_scan_tuples"] = str(self.max_scan_tuples)
            if self.max_probes is not None:
                found["ivfflat.max_probes"] = str(self.max_probes)
        return found


@dataclass(frozen=True, slots=True)
class Target:
    """What a setting must reach."""

    recall: float = 0.95
    """Least mean recall, 0 to 1."""
    p95_ms: float | None = 20.0
    """Longest p95 in milliseconds; None: any."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if not 0 <= self.recall <= 1:
            raise InvalidInput(f"The recall wanted is {self.recall}, but it takes 0 to 1.")
        if self.p95_ms is not None and not self.p95_ms > 0:
            raise InvalidInput(f"The p95 wanted is {self.p95_ms} ms, but it must be above 0.")


def check_whole(name: str, value: int | None, low: int, high: int) -> None:
    """Raise InvalidInput unless `value` is None or a whole number from `low` to `high`."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(
            f"{name} is {value!r}, but it takes a whole number from {low:,} to {high:,}."
        )
