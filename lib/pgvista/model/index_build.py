"""A build of an index: what it is expected to cost, what the server gives it, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from pgvista.model.collection import IndexInfo


@dataclass(frozen=True, slots=True)
class BuildServer:
    """What a server gives to builds and to searches, and which helpers it has."""

    maintenance_work_mem_bytes: int
    """Memory of one build; an HNSW graph beyond it is built on disk, many times slower."""
    shared_buffers_bytes: int
    max_parallel_maintenance_workers: int
    min_parallel_table_scan_bytes: int
    """Smaller tables are read by one process, so their indexes are built by one too."""
    prewarm_schema: str | None = None
    """Schema of pg_prewarm; None: it is not installed in this database."""
    buffercache_schema: str | None = None
    """Schema of pg_buffercache; None: it is not installed, or this role may not read it."""
    available: frozenset[str] = frozenset()
    """Which of the two the server has the files of."""


@dataclass(frozen=True, slots=True)
class IndexEstimate:
    """What a build is expected to take."""

    rows: int
    """Rows that are put in the index."""
    size_bytes: int
    memory_bytes: int
    """HNSW: the graph in memory. IVFFlat: the samples and tables of k-means."""
    workers: int
    """Processes that help the one that builds; 0: it works alone."""
    maintenance_work_mem_bytes: int
    shared_buffers_bytes: int
    seconds: float | None = None
    """None where nothing was measured to go by."""

    @property
    def fits_maintenance_work_mem(self) -> bool:
        """Whether the build stays in memory; IVFFlat is refused by pgvector where it does not."""
        return self.memory_bytes <= self.maintenance_work_mem_bytes

    @property
    def fits_shared_buffers(self) -> bool:
        """Whether all of the index can be kept in Postgres's own cache."""
        return self.size_bytes <= self.shared_buffers_bytes

    @property
    def shared_memory_bytes(self) -> int:
        """Dynamic shared memory that a parallel HNSW build takes at once: all it may use."""
        return self.maintenance_work_mem_bytes if self.workers else 0


@dataclass(frozen=True, slots=True)
class IndexBuilt:
    """How a build ended."""

    index: IndexInfo
    seconds: float
    rows: int | None = None
    """Rows in the index; None where the server does not tell. NULL is in no index on vectors, and a
    zero vector in none for cosine."""
    notices: tuple[str, ...] = ()
    """What the server said meanwhile, such as that the graph no longer fits in memory."""
    analyzed: bool = True
    """False when it was stopped during ANALYZE."""


@dataclass(frozen=True, slots=True)
class IndexOverview:
    """An index beside what it serves and how much of it is in memory."""

    info: IndexInfo
    operators: tuple[str, ...] = ()
    """Operators of conditions and orders that it serves, e.g. ``<=>``."""
    cached_bytes: int | None = None
    """How much of it is in shared_buffers; None where pg_buffercache is not there."""
