"""Rows along a concept axis: sampled from the collection, and measured by Postgres."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.science.axis import along
from pgvista.sql import lesson_axis as sql

SAMPLE_ROWS = 1_000
"""Of a larger table, so many rows are drawn."""
TEXT_CHARS = 400


@dataclass(frozen=True, slots=True)
class AxisRows:
    """Rows to lay along axes; the same ones as long as the table stays as it is."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    """The beginning of each row's text; empty where it has none."""
    vectors: NDArray[np.float32]
    """Shape (n, dimension)."""
    total: int
    """Rows with a vector in the table."""

    @property
    def is_sample(self) -> bool:
        """Whether there are more rows than these."""
        return self.total > len(self.ids)


@dataclass(frozen=True, slots=True)
class AxisPositions:
    """Where rows fall along an axis, by Postgres."""

    places: NDArray[np.int64]
    """Places in `AxisRows`, lowest position first: shape (n,)."""
    positions: NDArray[np.float64]
    """In the same order, in the unit of the vectors: shape (n,)."""
    gone: int
    """Rows that were deleted or added since they were read, and are left out."""
    difference: float
    """The largest difference from the same inner products by NumPy; NaN without rows."""
    database_ms: float
    sql: str


def read_rows(
    db: Database, collection: Collection, *, limit: int = SAMPLE_ROWS, seed: int = 0
) -> AxisRows:
    """Read the rows that axes are tried on: all, or `limit` of them by a seeded hash of their keys.

    Raises InvalidInput when vectors have no fixed dimension.
    """
    if collection.dimension is None:
        raise InvalidInput(
            f"The vectors of {collection.name} have no fixed dimension, so no axis fits them all.",
            "Choose a collection whose vectors all have the same length.",
        )
    counting = sql.count(collection)
    total = int(db.query(counting.statement, counting.params)[0][0])
    query = sql.rows(collection, limit, seed=seed, chars=TEXT_CHARS)
    found = db.query(query.statement, query.params)
    vectors = (
        np.stack([row[2] for row in found])
        if found
        else np.empty((0, collection.dimension), dtype=np.float32)
    )
    return AxisRows(
        ids=tuple(row[0] for row in found),
        texts=tuple(row[1] or "" for row in found),
        vectors=vectors.astype(np.float32, copy=False),
        total=max(total, len(found)),
    )


def measure_axis(
    db: Database,
    collection: Collection,
    rows: AxisRows,
    axis: NDArray[np.float32],
    *,
    seed: int = 0,
) -> AxisPositions:
    """Let Postgres measure `rows` along `axis`, shape (dimension,), and compare with NumPy.

    Raises InvalidInput when the axis does not fit the collection's vectors.
    """
    if len(axis) != collection.dimension:
        raise InvalidInput(
            f"The axis has {len(axis):,} numbers, but the vectors of {collection.name} have "
            f"{collection.dimension or 0:,}.",
            "Make it with the model that made the collection's vectors.",
        )
    limit = len(rows.ids) if rows.is_sample else None
    query = sql.positions(collection, axis, limit=limit, seed=seed)
    start = time.perf_counter()
    found = db.query(query.statement, query.params)
    database_ms = (time.perf_counter() - start) * 1000
    known = {row_id: place for place, row_id in enumerate(rows.ids)}
    kept = [(known[row[0]], float(row[1])) for row in found if row[0] in known]
    places = np.array([place for place, _ in kept], dtype=np.int64)
    positions = np.array([position for _, position in kept])
    expected = along(rows.vectors, axis)[places]
    return AxisPositions(
        places=places,
        positions=positions,
        gone=len(rows.ids) - len(kept) + len(found) - len(kept),
        difference=float(np.abs(positions - expected).max()) if kept else float("nan"),
        database_ms=database_ms,
        sql=query.text(),
    )
