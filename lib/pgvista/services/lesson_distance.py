"""The lesson on distance: what Postgres measures in a plane and on real rows, and what an index serves."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.index import BitMetric, IndexMethod, IndexSpec, IndexTarget
from pgvista.model.metric import Metric, VectorType
from pgvista.science.lesson_distance import places
from pgvista.services.collections import stats
from pgvista.sql import lesson_distance as sql
from pgvista.sql.names import opclass_name
from pgvista.sql.query import local_settings
from pgvista.sql.types import COMPARED, explain

METRICS = sql.METRICS
MAX_ROWS = 5_000
"""Real rows that are compared while a knob is moved; of more, about so many are drawn."""
INDEXED_ROWS = 500
"""Real rows in the index that the lesson builds."""
MAX_SPREAD = 8.0
_NO_SCAN = {"enable_seqscan": "off", "hnsw.ef_search": "1000"}
"""The planner shall take an index wherever one can serve."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measured:
    """One point or row: its distance and its place under each metric."""

    name: str
    distances: Mapping[Metric, float]
    """In the metric's own unit; NaN under cosine where a vector is zero."""
    places: Mapping[Metric, int | None]
    """From 1; points at the same distance share a place. None: NaN has no place."""


@dataclass(frozen=True, slots=True)
class PlaneResult:
    """Points as measured, in the order they were given."""

    points: tuple[Measured, ...]
    sql: str

    def order(self, metric: Metric) -> tuple[Measured, ...]:
        """Return the points by their place; those without one at the end."""
        return tuple(
            sorted(
                self.points,
                key=lambda point: (point.places[metric] is None, point.places[metric] or 0),
            )
        )

    def nearest(self, metric: Metric) -> tuple[str, ...]:
        """Return the names of the points at place 1: several when they are equally near."""
        return tuple(point.name for point in self.points if point.places[metric] == 1)


@dataclass(frozen=True, slots=True)
class RealResult:
    """The nearest real rows under each metric."""

    rows: tuple[Measured, ...]
    """Each row that is among the first under any metric, once; no two share a place."""
    limit: int
    took_ms: float
    sql: str

    def order(self, metric: Metric) -> tuple[Measured, ...]:
        """Return the first `limit` rows under `metric`."""
        known = [row for row in self.rows if (row.places[metric] or math.inf) <= self.limit]
        return tuple(sorted(known, key=lambda row: row.places[metric] or 0))

    def shared(self, metric: Metric, other: Metric) -> int:
        """Return how many of the first rows under `metric` are also among those under `other`."""
        return len({r.name for r in self.order(metric)} & {r.name for r in self.order(other)})


@dataclass(frozen=True, slots=True)
class Lengths:
    """The rows that are compared, and how long their vectors are as they are stored."""

    rows: int
    share: float | None
    """Which part of the collection that is, above 0 to 1; None: all of it."""
    shortest: float
    longest: float
    zeros: int
    """Vectors of length 0."""

    @property
    def are_one(self) -> bool:
        """Whether every vector has length 1, but for rounding: to halfvec is the coarsest."""
        return abs(self.shortest - 1) < 2e-3 and abs(self.longest - 1) < 2e-3


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """An operator of pgvector, and the operator classes by which an index serves it."""

    metric: Metric | BitMetric
    operator: str
    opclasses: tuple[str, ...]
    """For vector and halfvec, or for bit."""
    methods: tuple[IndexMethod, ...]


@dataclass(frozen=True, slots=True)
class ServedBy:
    """How Postgres answers one operator beside an index that was built for one."""

    metric: Metric
    by_index: bool
    steps: tuple[str, ...]
    """The plan's nodes from the top, as EXPLAIN names them."""
    rows: int
    """Rows that came back when all were asked for."""
    nans: int
    """Of them, those whose distance is NaN."""


@dataclass(frozen=True, slots=True)
class IndexProof:
    """An HNSW index of one operator class on real rows, and how each operator is answered."""

    built_for: Metric
    rows: int
    """Rows in the table, one of them a vector of zeros."""
    served: tuple[ServedBy, ...]
    sql: tuple[str, ...]

    def of(self, metric: Metric) -> ServedBy:
        """Return how `metric` is answered."""
        return next(item for item in self.served if item.metric is metric)


def measure_plane(
    db: Database, query: Vector, points: Mapping[str, Vector], *, normalise: bool = False
) -> PlaneResult:
    """Measure points, by name and of shape (2,), against `query`: by pgvector's four operators.

    Raises InvalidInput without a point, or for numbers that are not finite.
    """
    if not points:
        raise InvalidInput("There is no point to measure.", "Add one.")
    if not all(np.isfinite(vector).all() for vector in (query, *points.values())):
        raise InvalidInput("A coordinate is not a finite number.", "Use numbers such as 1.5.")
    db.capabilities.require_vector()
    schema = db.capabilities.extension_qualifier
    asked = sql.plane(query, points, schema, normalise=normalise)
    rows = {row[0]: row[1:] for row in db.query(asked.statement, asked.params)}
    ranked = {
        metric: dict(zip(points, places([float(rows[name][at]) for name in points]), strict=True))
        for at, metric in enumerate(METRICS)
    }
    return PlaneResult(
        tuple(
            Measured(
                name,
                {metric: float(rows[name][at]) for at, metric in enumerate(METRICS)},
                {metric: ranked[metric][name] for metric in METRICS},
            )
            for name in points
        ),
        asked.text() + ";",
    )


def measure_lengths(db: Database, collection: Collection) -> Lengths:
    """Measure the vectors that are compared: of more than MAX_ROWS rows about so many are drawn.

    Raises InvalidInput when the collection has no vectors.
    """
    held = stats(db, collection).rows
    share = None if held <= MAX_ROWS else MAX_ROWS / held
    asked = sql.lengths(collection, share)
    least, most, count, zeros = db.query(asked.statement, asked.params, settings=COMPARED)[0]
    if not count:
        raise InvalidInput(f"{collection.name} has no vectors yet.", "Load or embed rows first.")
    return Lengths(int(count), share, float(least), float(most), int(zeros))


def compare_metrics(
    db: Database,
    collection: Collection,
    vector: Vector,
    *,
    limit: int = 10,
    normalise: bool = False,
    spread: float = 1.0,
    share: float | None = None,
) -> RealResult:
    """Find the rows nearest to `vector`, shape (dimension,), under each of the four metrics.

    `spread`, 1 to 8: vectors are made longer by factors from 1 to `spread`, drawn by a hash of the
    row's key. `share`: only this part of the rows, as `measure_lengths` says. Raises InvalidInput
    when the vector does not fit.
    """
    if collection.dimension != len(vector):
        raise InvalidInput(
            f"The question's vector has {len(vector):,} numbers, and {collection.name} has "
            f"{'vectors of any length' if collection.dimension is None else collection.dimension}.",
            "Choose another collection.",
        )
    if not 1 <= spread <= MAX_SPREAD:
        raise InvalidInput(f"The lengths spread by {spread}, but it takes 1 to {MAX_SPREAD:g}.")
    asked = sql.real_rows(
        collection, vector, limit, normalise=normalise, spread=spread, share=share
    )
    start = time.perf_counter()
    rows = db.query(asked.statement, asked.params, settings=COMPARED)
    return RealResult(
        rows=tuple(
            Measured(
                row[0],
                {metric: float(row[1 + at]) for at, metric in enumerate(METRICS)},
                {metric: int(row[1 + len(METRICS) + at]) for at, metric in enumerate(METRICS)},
            )
            for row in rows
        ),
        limit=limit,
        took_ms=(time.perf_counter() - start) * 1000,
        sql=asked.text() + ";",
    )


def operators() -> tuple[OperatorRow, ...]:
    """Return pgvector's operators of vectors and of bits, from the tables that indexes are built by."""
    vectors = [
        OperatorRow(
            metric,
            metric.operator,
            tuple(opclass_name(metric, kind) for kind in VectorType),
            _methods(metric, IndexTarget.COLUMN),
        )
        for metric in METRICS
    ]
    bits = [
        OperatorRow(
            metric,
            metric.operator,
            (f"bit_{metric.value}_ops",),
            _methods(metric, IndexTarget.BIT),
        )
        for metric in BitMetric
    ]
    return (*vectors, *bits)


def prove(db: Database, collection: Collection, vector: Vector, built_for: Metric) -> IndexProof:
    """Build an index of `built_for`'s operator class, and see which operators Postgres answers by it.

    On a copy of at most INDEXED_ROWS real rows and one vector of zeros, in a temporary table that
    ends with the transaction; sequential scans are discouraged, so that whatever the index can
    serve is served by it. Raises ReadOnly or PermissionDenied where no temporary table may be made,
    InvalidInput beyond the dimensions that an index takes.
    """
    limit = collection.vector_type.max_index_dimension
    if collection.dimension is None or collection.dimension > limit:
        raise InvalidInput(
            f"The vectors of {collection.name} have "
            f"{'any length' if collection.dimension is None else f'{collection.dimension:,} dimensions'}"
            f", and an index of type {collection.vector_type.value} takes {limit:,} at most.",
            "Choose another collection.",
        )
    made = (sql.some_rows(collection, INDEXED_ROWS), *sql.lesson_index(collection, built_for))
    served: list[ServedBy] = []
    building = "\n".join(f"{query.text()};" for query in made)
    shown = [f"begin;\n{building}\n{local_settings(_NO_SCAN)}"]
    with db.transaction() as connection:
        for query in made:
            connection.execute(query.sql, query.params)
        counted = sql.count_lesson_rows()
        rows = int(connection.execute(counted.sql, counted.params).fetchone()[0])  # type: ignore[index]
        for name, value in _NO_SCAN.items():
            connection.execute("select pg_catalog.set_config(%s, %s, true)", (name, value))
        for metric in METRICS:
            # as many as the widest candidate list may hold: the index gives back all it has
            query = sql.nearest_in_lesson(collection, vector, metric, rows)
            plan = explain(query)
            found = connection.execute(plan.sql, plan.params).fetchone()
            steps = _steps(found[0][0]["Plan"]) if found else ()
            distances = [row[0] for row in connection.execute(query.sql, query.params)]
            served.append(
                ServedBy(
                    metric,
                    any("Index" in step for step in steps),
                    steps,
                    len(distances),
                    sum(map(math.isnan, distances)),
                )
            )
            shown.append(f"explain\n{query.text()};")
    return IndexProof(built_for, rows, tuple(served), (*shown, "rollback;"))


def _methods(metric: Metric | BitMetric, target: IndexTarget) -> tuple[IndexMethod, ...]:
    """Return the index methods that take the metric: those whose specification is not refused."""
    found = []
    for method in IndexMethod:
        try:
            IndexSpec(method, metric, target=target)
        except InvalidInput:
            continue
        found.append(method)
    return tuple(found)


def _steps(node: Mapping[str, Any]) -> tuple[str, ...]:
    children: Sequence[Mapping[str, Any]] = node.get("Plans", ())
    return (node["Node Type"], *(step for child in children for step in _steps(child)))
