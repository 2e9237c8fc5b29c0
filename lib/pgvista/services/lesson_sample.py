"""Rows of a collection for a lesson: a seeded sample, divided into points and queries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import NotFound
from pgvista.model.collection import Collection
from pgvista.model.metric import Metric
from pgvista.sql import lesson_index as sql

SEED = 41


@dataclass(frozen=True, slots=True)
class Sample:
    """Vectors of some rows."""

    points: NDArray[np.float32]
    """What is searched: shape (n, dimension)."""
    queries: NDArray[np.float32]
    """Rows that are not among them: shape (m, dimension), none of them zero."""
    metric: Metric
    """The collection's; L2 stands for L1, which IVFFlat does not serve, where `ivfflat` was asked."""


def sample_vectors(
    db: Database, collection: Collection, *, rows: int, queries: int, ivfflat: bool = False
) -> Sample:
    """Draw `rows` points and `queries` queries, the same each time while the rows are the same.

    Of a collection with fewer rows, at most a fifth of them become queries. Raises NotFound when it
    has less than two rows with a vector.
    """
    query = sql.sample(collection, rows + queries, SEED)
    found = [row[0] for row in db.query(query.statement, query.params)]
    if len(found) < 2:
        raise NotFound(
            f"{collection.name} has {len(found)} rows with a vector, and an index needs more.",
            "Choose another collection.",
        )
    vectors = np.stack(found).astype(np.float32)
    asked = np.flatnonzero(vectors.any(axis=1))[: max(1, min(queries, len(vectors) // 5))]
    rest = np.ones(len(vectors), bool)
    rest[asked] = False
    metric = collection.metric
    if ivfflat and metric is Metric.L1:
        metric = Metric.L2
    return Sample(vectors[rest], vectors[asked], metric)
