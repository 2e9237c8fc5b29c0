"""A real index of a lesson: what is built, how it is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgvista.model.index import IndexMethod
from pgvista.model.search import DEFAULT_MAX_SCAN_TUPLES, IterativeScan


@dataclass(frozen=True, slots=True)
class LessonIndex:
    """What is built."""

    method: IndexMethod
    m: int = 16
    """HNSW: links of a node in each layer, 2 to 100."""
    ef_construction: int = 64
    """HNSW: candidate list while building, 4 to 1,000 and at least 2 * m."""
    lists: int = 10
    """IVFFlat: k-means cells, 1 to 32,768."""
    built_on: int | None = None
    """So many rows are there when the index is built, and the rest is inserted later; None: all."""
    only: int | None = None
    """A partial index: of the rows with this label; None: of every row."""

    @property
    def knob(self) -> str:
        """The setting that `Ask.value` is a value of."""
        return "hnsw.ef_search" if self.method is IndexMethod.HNSW else "ivfflat.probes"


@dataclass(frozen=True, slots=True)
class Ask:
    """One way to ask the index, tried for every query."""

    value: int
    """ef_search, 1 to 1,000, or probes, 1 to 32,768."""
    keep: int | None = None
    """Only rows with this label; None: all."""
    iterative_scan: IterativeScan = IterativeScan.OFF
    """IVFFlat knows relaxed_order alone, which strict_order stands for too."""
    max_scan_tuples: int = DEFAULT_MAX_SCAN_TUPLES
    """Where an iterative HNSW scan gives up, in rows."""
    free: bool = False
    """Leave it to the planner, which then has a btree on the labels too, whether the index is used."""

    def settings(self, method: IndexMethod, *, iterative: bool) -> Mapping[str, str]:
        """Return what is SET LOCAL; `iterative`: whether this pgvector knows iterative scans."""
        hnsw = method is IndexMethod.HNSW
        found = {"hnsw.ef_search" if hnsw else "ivfflat.probes": str(self.value)}
        if iterative:
            off = self.iterative_scan is IterativeScan.OFF
            scan = self.iterative_scan if hnsw or off else IterativeScan.RELAXED
            found["hnsw.iterative_scan" if hnsw else "ivfflat.iterative_scan"] = scan.value
            if hnsw and not off:
                found["hnsw.max_scan_tuples"] = str(self.max_scan_tuples)
        choice = "on" if self.free else "off"
        return {**found, "enable_seqscan": choice, "enable_bitmapscan": choice}


@dataclass(frozen=True, slots=True)
class RealPoint:
    """What came of one way to ask, over all queries."""

    ask: Ask
    recall: float
    """Mean over the queries, 0 to 1; ties count as hits. NaN where there is nothing to find."""
    rows: float
    """Mean of the rows returned."""
    p50_ms: float
    """Of one query, from sending it to its last row, on a table in this session's own memory."""
    pages: float
    """Mean of the pages of 8 kB that a query reads, of the index and the table."""
    looked_at: float | None
    """IVFFlat: mean of the rows in the lists that a query visits, which are all compared. None: HNSW,
    an iterative scan, or a planner that was free."""
    found: tuple[tuple[int, ...], ...]
    """The positions returned to each query, in the index's order."""
    nearest: tuple[tuple[int, ...], ...]
    """The positions of the true nearest rows of each query, nearest first."""
    sql: str
    """The settings and the first query, as run, for psql."""
    used_index: bool
    """Whether the plan orders by the index; always, unless the planner was free."""

    @property
    def value(self) -> int:
        """ef_search or probes."""
        return self.ask.value


@dataclass(frozen=True, slots=True)
class RealIndex:
    """A real index, and what came of each way to ask it."""

    index: LessonIndex
    rows: int
    build_ms: float
    """Of ``create index``, without rows that were inserted later."""
    index_bytes: int
    points: tuple[RealPoint, ...]
    sql: str
    """DDL, settings and a query, as run, for psql."""
    notices: tuple[str, ...] = ()
    """Sentences of pgvector's and of ours, e.g. that the index was built on little data."""
