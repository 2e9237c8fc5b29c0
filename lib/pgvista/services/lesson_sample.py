"""Rows of a collection for a lesson: a seeded sample, divided into points and queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import NotFound
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter
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


@dataclass(frozen=True, slots=True)
class FilteredSample:
    """Vectors of some rows, and which of the points meet a filter."""

    sample: Sample
    meets: NDArray[np.bool_]
    """Shape (n,)."""
    sql: str


def sample_vectors(
    db: Database, collection: Collection, *, rows: int, queries: int, ivfflat: bool = False
) -> Sample:
    """Draw `rows` points and `queries` queries, the same each time while the rows are the same.

    Of a collection with fewer rows, at most a fifth of them become queries. Raises NotFound when it
    has less than two rows with a vector.
    """
    query = sql.sample(collection, rows + queries, SEED)
    found = [row[0] for row in db.query(query.statement, query.params)]
    points, asked, metric = _divided(collection, found, queries)
    vectors = np.stack(found).astype(np.float32)
    if ivfflat and metric is Metric.L1:
        metric = Metric.L2
    return Sample(vectors[points], vectors[asked], metric)


def sample_filtered(
    db: Database, collection: Collection, wanted: Filter, *, rows: int, queries: int
) -> FilteredSample:
    """Draw the rows of `sample_vectors`, and tell which points meet the filter `wanted`.

    Raises as `sample_vectors`, and InvalidInput for a filter that does not fit the collection.
    """
    query = sql.filtered_sample(collection, wanted, rows + queries, SEED)
    found = db.query(query.statement, query.params)
    points, asked, metric = _divided(collection, [row[0] for row in found], queries)
    vectors = np.stack([row[0] for row in found]).astype(np.float32)
    meets = np.array([row[1] for row in found], bool)
    return FilteredSample(
        Sample(vectors[points], vectors[asked], metric), meets[points], query.text()
    )


def _divided(
    collection: Collection, vectors: Sequence[NDArray[Any]], queries: int
) -> tuple[NDArray[np.bool_], NDArray[np.intp], Metric]:
    """Return which vectors are points, the places of the queries, and the metric."""
    if len(vectors) < 2:
        raise NotFound(
            f"{collection.name} has {len(vectors)} rows with a vector, and an index needs more.",
            "Choose another collection.",
        )
    whole = np.array([np.any(vector) for vector in vectors])
    asked = np.flatnonzero(whole)[: max(1, min(queries, len(vectors) // 5))]
    rest = np.ones(len(vectors), bool)
    rest[asked] = False
    return rest, asked, collection.metric
