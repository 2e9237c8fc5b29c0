"""The reader's rows in the lesson on HNSW: their graph, where they lie, and pgvector's own index."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.index import IndexMethod
from pgvista.model.lesson_index import LessonIndex, RealIndex
from pgvista.model.metric import Metric
from pgvista.science.hnsw import Floats, Hnsw, build
from pgvista.science.hnsw_recall import EfPoint, recall_curve
from pgvista.science.pca import pca
from pgvista.services.collections import stats
from pgvista.services.lesson_hnsw import WalkRows, walk_rows
from pgvista.services.lesson_index import try_index
from pgvista.ui.learn import hnsw_state as state
from pgvista.ui.map_titles import titles_of

T = TypeVar("T")

QUERIES = 60
_KEPT, _MOST_KEPT = "_learn_hnsw_kept", 24


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """Return what was made before under `key` in this session, or make it."""
    found: dict[Hashable, Any] = st.session_state.setdefault(_KEPT, {})
    if key not in found:
        made = make()
        while len(found) >= _MOST_KEPT:
            del found[next(iter(found))]
        found[key] = made
    result: T = found[key]
    return result


@dataclass(frozen=True, slots=True)
class Rows:
    """A collection, as it was when the step was drawn."""

    db: Database
    collection: Collection
    count: int

    @property
    def key(self) -> tuple[Hashable, ...]:
        """What names the rows, as long as their number is the same."""
        name = f"{self.collection.schema}.{self.collection.table}"
        return self.db.label, name, self.collection.metric, self.count

    @property
    def token(self) -> str:
        """The same as a text, for the page."""
        return ".".join(map(str, self.key))

    def sample(self) -> WalkRows:
        """Return some of the rows."""
        return kept(
            ("sample", self.key),
            lambda: walk_rows(self.db, self.collection, rows=state.POINTS, queries=QUERIES),
        )

    def graph(self, m: int, ef_construction: int) -> Hnsw:
        """Return the model's graph of the sample."""
        return kept(
            ("graph", self.key, m, ef_construction),
            lambda: build(
                self.sample().points,
                m=m,
                ef_construction=ef_construction,
                metric=self.sample().metric,
            ),
        )

    def plane(self) -> tuple[Floats, Floats]:
        """Return where points and queries lie in the plane of their first two principal components.

        Shapes (n, 2) and (q, 2). Under cosine the vectors are made of length 1 first.
        """
        return kept(("plane", self.key), lambda: _plane(self.sample()))

    def titles(self) -> tuple[str, ...]:
        """Return what each point is called, then what each query is called."""
        return kept(("titles", self.key), self._titles)

    def _titles(self) -> tuple[str, ...]:
        ids = (*self.sample().ids, *self.sample().query_ids)
        found = titles_of(self.db, self.collection, ids)
        return tuple(found.get(row_id, row_id) for row_id in ids)


def rows_of(db: Database, collection: Collection) -> Rows:
    """Return the rows of a collection as they stand."""
    return Rows(db, collection, stats(db, collection).rows)


@dataclass(frozen=True, slots=True)
class Arena:
    """Points and queries on which the model and pgvector are compared."""

    key: Hashable
    points: Floats
    queries: Floats
    metric: Metric
    graph: Callable[[int, int], Hnsw]

    def model(self, m: int, ef_construction: int) -> tuple[EfPoint, ...]:
        """Return what the model finds for each of EFS."""
        return kept(
            ("model", self.key, m, ef_construction),
            lambda: recall_curve(
                self.graph(m, ef_construction), self.queries, state.EFS, limit=state.LIMIT
            ),
        )

    def real(self, db: Database, m: int, ef_construction: int, number: int) -> RealIndex:
        """Return what the build `number` of pgvector's index finds for each of EFS."""
        return kept(
            ("real", self.key, db.label, m, ef_construction, number),
            lambda: try_index(
                db,
                self.points,
                self.queries,
                LessonIndex(IndexMethod.HNSW, m=m, ef_construction=ef_construction),
                metric=self.metric,
                limit=state.LIMIT,
                values=state.EFS,
            ),
        )


def plane_arena() -> Arena:
    """Return the points of the plane."""
    return Arena("plane", state.plane(), state.plane_queries(), Metric.L2, state.plane_graph)


def rows_arena(rows: Rows) -> Arena:
    """Return a sample of the reader's rows."""
    sample = rows.sample()
    return Arena(rows.key, sample.points, sample.queries, sample.metric, rows.graph)


def _plane(sample: WalkRows) -> tuple[Floats, Floats]:
    both = np.concatenate([sample.points, sample.queries])
    if sample.metric is Metric.COSINE:
        lengths = np.linalg.norm(both, axis=1, keepdims=True)
        both = both / np.where(lengths > 0, lengths, 1)
    projected = pca(both.astype(np.float32))
    return projected[: len(sample.points)], projected[len(sample.points) :]
