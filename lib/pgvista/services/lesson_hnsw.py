"""Rows of a collection to walk among: their ids and vectors, and rows beside them to ask with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import Collection
from pgvista.model.metric import Metric
from pgvista.sql import sweep as sweep_sql

FEWEST = 20
"""With fewer rows there is nothing to walk."""
_SEED = 41


@dataclass(frozen=True, slots=True, eq=False)
class WalkRows:
    """A sample of a collection's rows."""

    ids: tuple[str, ...]
    points: NDArray[np.float32]
    """What is walked among: shape (n, dimension), in the order of `ids`."""
    query_ids: tuple[str, ...]
    queries: NDArray[np.float32]
    """Rows that are not among the points: shape (q, dimension), none of them zero."""
    metric: Metric


def walk_rows(db: Database, collection: Collection, *, rows: int, queries: int) -> WalkRows:
    """Draw `rows` points and `queries` queries, the same each time while the rows are the same.

    Of a small collection, at most a fifth of the rows become queries. Raises NotFound where fewer
    than FEWEST rows have a vector (under cosine, one that is not zero), and InvalidInput where no row could be a query.
    """
    query = sweep_sql.sample(collection, rows + queries, _SEED)
    found = db.query(query.statement, query.params)
    if len(found) < FEWEST:
        what = "a vector that is not zero" if collection.metric is Metric.COSINE else "a vector"
        raise NotFound(
            f"{collection.name} has {len(found)} rows with {what}; a walk needs {FEWEST} or more.",
            "Choose another collection.",
        )
    vectors = np.stack([row[1] for row in found]).astype(np.float32)
    may_ask = np.flatnonzero(vectors.any(axis=1))[: min(queries, len(found) // 5)]
    if not len(may_ask):
        raise InvalidInput(
            f"Every vector of {collection.name} is zero, so no row is nearer than another.",
            "Choose another collection.",
        )
    asks = np.zeros(len(found), bool)
    asks[may_ask] = True
    ids = np.array([str(row[0]) for row in found], dtype=object)
    return WalkRows(
        tuple(ids[~asks][:rows]),
        vectors[~asks][:rows],
        tuple(ids[asks]),
        vectors[asks],
        collection.metric,
    )
