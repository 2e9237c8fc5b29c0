"""From rows, dimensions and type to the bytes of table, index and memory."""

from __future__ import annotations

from dataclasses import dataclass

from pgvista.db.database import Database
from pgvista.errors import QueryFailed
from pgvista.model.collection import Collection
from pgvista.model.index import (
    DEFAULT_M,
    MAX_BITS,
    MAX_LISTS,
    IndexMethod,
    IndexTarget,
    advised_lists,
)
from pgvista.model.metric import MAX_DIMENSION, VectorType
from pgvista.model.tuning import check_whole
from pgvista.science.sizes import row_size, table_size
from pgvista.services import index_estimate
from pgvista.sql import types as types_sql

DEFAULT_OTHER_BYTES = 400
"""Bytes of text, metadata and keys beside a vector, where nothing was measured."""
MAX_ROWS = 10_000_000_000
_SIZED_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be kept."""

    rows: int
    dimension: int
    column: VectorType = VectorType.VECTOR
    target: IndexTarget = IndexTarget.COLUMN
    leading: int | None = None
    """LEADING: how many dimensions are indexed."""
    method: IndexMethod | None = IndexMethod.HNSW
    """None: no index."""
    m: int = DEFAULT_M
    lists: int | None = None
    other_bytes: int = DEFAULT_OTHER_BYTES
    """Bytes of the other columns of a row."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check_whole("rows", self.rows, 1, MAX_ROWS)
        check_whole("dimension", self.dimension, 1, MAX_DIMENSION)
        check_whole("m", self.m, 2, 100)
        check_whole("lists", self.lists, 1, MAX_LISTS)
        check_whole("other_bytes", self.other_bytes, 0, 1_000_000_000)
        if self.target is IndexTarget.LEADING:
            check_whole("leading", self.leading or 0, 1, self.dimension)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What it takes."""

    vector_bytes: int
    """One stored vector."""
    row_bytes: float
    """One row with its header, and what of it is moved out."""
    toasted: bool
    """Whether values are moved out of the row, which makes exact scans slower."""
    table_bytes: int
    index_bytes: int
    """0 without an index, and where none takes so many dimensions."""
    build_bytes: int
    """Memory of the build: maintenance_work_mem of at least so much keeps it in memory."""
    indexable: bool
    """False: no index takes so many dimensions of this type."""

    @property
    def total_bytes(self) -> int:
        """On disk."""
        return self.table_bytes + self.index_bytes

    @property
    def memory_bytes(self) -> int:
        """Of caches, shared_buffers and the system's, in which searches read nothing from disk."""
        return self.total_bytes


def calculate(plan: Plan) -> Sizes:
    """Return the sizes of a table and its index.

    Checked against real ones: the table within 5 %, the index within 3 % (HNSW) and 10 % (IVFFlat).
    """
    vector = index_estimate.value_bytes(plan.dimension, plan.column)
    row = row_size(vector, plan.other_bytes)
    dimension = plan.leading if plan.target is IndexTarget.LEADING else plan.dimension
    dimension = dimension or plan.dimension
    indexed_type = VectorType.HALFVEC if plan.target is IndexTarget.HALFVEC else plan.column
    bits = plan.target is IndexTarget.BIT
    limit = MAX_BITS if bits else indexed_type.max_index_dimension
    indexed = index_estimate.value_bytes(dimension, None if bits else indexed_type)
    table = table_size(plan.rows, vector, plan.other_bytes)
    index = build = 0
    indexable = plan.method is None or dimension <= limit
    if not indexable:
        pass
    elif plan.method is IndexMethod.HNSW:
        index = index_estimate.hnsw_size_bytes(plan.rows, indexed, plan.m)
        build = index_estimate.hnsw_memory_bytes(plan.rows, indexed, plan.m)
    elif plan.method is IndexMethod.IVFFLAT:
        lists = plan.lists or advised_lists(plan.rows)
        index = index_estimate.ivfflat_size_bytes(plan.rows, indexed, lists)
        build = index_estimate.ivfflat_memory_bytes(plan.rows, indexed, dimension, lists, table)
    return Sizes(
        vector_bytes=vector,
        row_bytes=row.total_bytes,
        toasted=row.toast_bytes > 0,
        table_bytes=table,
        index_bytes=index,
        build_bytes=build,
        indexable=indexable,
    )


def measured_other_bytes(db: Database, collection: Collection) -> int | None:
    """Return the mean bytes of a row beside its vector; None where there are no rows to measure."""
    query = types_sql.other_bytes(collection, _SIZED_ROWS)
    try:
        mean, rows = db.query(query.statement, query.params, timeout_ms=5_000)[0]
    except QueryFailed:
        return None
    return None if not rows or mean is None else round(mean)
