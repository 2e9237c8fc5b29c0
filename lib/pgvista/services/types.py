"""Types of vectors measured on the collection itself, without building an index of them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, QueryFailed
from pgvista.model.collection import Collection, IndexInfo, RelationKind
from pgvista.model.index import BitMetric, IndexTarget, max_dimension
from pgvista.model.metric import Metric, VectorType
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.quantisation import (
    MeasuredIndex,
    StoredType,
    TypePoint,
    TypesResult,
    TypesSpec,
)
from pgvista.model.tuning import NearestRequest
from pgvista.science import recall as recall_science
from pgvista.science.quantisation import reranked
from pgvista.services import index_estimate
from pgvista.services.collections import indexes
from pgvista.sql import nearest as nearest_sql
from pgvista.sql import sweep as sweep_sql
from pgvista.sql import types as types_sql
from pgvista.sql.query import Query

SIZED_ROWS = 1_000
"""Rows whose values are measured in bytes."""
DEFAULT_M = 16


@dataclass(slots=True)
class _Found:
    """What one type has given so far."""

    ids: list[list[str]] = field(default_factory=list)
    distances: list[list[float]] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)
    problem: str | None = None


def stored_types(
    collection: Collection, leading: Sequence[int] | None = None
) -> tuple[StoredType, ...]:
    """Return the types that a collection's vectors can be compared by, the column itself first.

    The cast is left out where the column is halfvec already, and signs under L1, of which they say
    nothing. `leading` None: a half and a quarter of the dimensions. Raises InvalidInput when
    vectors have no fixed dimension, or fewer than `leading` asks for.
    """
    dimension = collection.dimension
    if dimension is None:
        raise InvalidInput(
            f"The vectors of {collection.name} have no fixed dimension, so they cannot be cast.",
            "Alter the column to a type such as vector(384), or choose another collection.",
        )
    found = [StoredType()]
    if collection.vector_type is VectorType.VECTOR:
        found.append(StoredType(IndexTarget.HALFVEC))
    if collection.metric is not Metric.L1:
        found.append(StoredType(IndexTarget.BIT))
    given = (dimension // 2, dimension // 4) if leading is None else leading
    for count in sorted(set(given), reverse=True):
        if count >= dimension and leading is not None:
            raise InvalidInput(
                f"leading is {count:,}, but the vectors of {collection.name} have {dimension:,} "
                "dimensions.",
                "Take fewer.",
            )
        if 1 <= count < dimension:
            found.append(StoredType(IndexTarget.LEADING, count))
    return tuple(found)


def measure_types(
    db: Database,
    collection: Collection,
    spec: TypesSpec | None = None,
    *,
    reporter: Reporter | None = None,
) -> TypesResult:
    """Compare every type with the full vectors: recall by oversample, bytes, and latency.

    Queries are rows drawn by a seeded hash; the rows they are compared with are drawn by another.
    Each type's order is exact: what it loses is lost by the type, not by an index. Raises
    InvalidInput for a collection with fewer than two vectors, Cancelled when `reporter` says so.
    """
    spec = spec or TypesSpec()
    reporter = reporter or SilentReporter()
    types = stored_types(collection, spec.leading)
    rows = _count(db, collection)
    if rows < 2:
        raise InvalidInput(
            f"{collection.name} has {rows:,} {'row' if rows == 1 else 'rows'} with a vector that "
            "can be found, and types are compared on two and more.",
            "Load rows first.",
        )
    share = None if rows <= spec.rows else spec.rows / rows
    queries = _sample(db, collection, spec)
    if not queries:
        raise InvalidInput(
            f"The rows of {collection.name} are gone.", "Somebody else may have emptied it."
        )
    found = {stored: _Found() for stored in types}
    _compare(db, collection, spec, queries, share, found, reporter)
    truth = found[types[0]]
    if truth.problem is not None:
        raise QueryFailed(truth.problem, "Compare fewer rows.")
    sizes = _sizes(db, collection, types)
    real = _real_indexes(db, collection, spec, queries, reporter)
    points = tuple(
        _point(collection, spec, stored, found[stored], truth, sizes[stored], rows, real)
        for stored in types
    )
    notes = [] if share is None else [
        f"Queries were compared with a sample of about {spec.rows:,} of {rows:,} rows. With more "
        "rows there are more near ones to be confused, so recall without re-ranking can be lower."
    ]  # fmt: skip
    if collection.metric is Metric.L1:
        notes.append("Signs say nothing of L1 distances, so bits are left out.")
    capabilities = db.capabilities
    return TypesResult(
        limit=spec.limit,
        queries=len(queries),
        rows=rows,
        compared_rows=rows if share is None else _count(db, collection, share),
        dimension=collection.dimension or 0,
        seed=spec.seed,
        points=points,
        notes=tuple(notes),
        versions={
            "postgres": capabilities.server_version,
            "pgvector": ".".join(map(str, capabilities.pgvector_version or ())),
        },
    )


def _compare(
    db: Database,
    collection: Collection,
    spec: TypesSpec,
    queries: list[tuple[str, NDArray[np.float32]]],
    share: float | None,
    found: dict[StoredType, _Found],
    reporter: Reporter,
) -> None:
    """Ask every query of every type, the types taking turns; the first round is a warm-up."""
    total, done = (len(queries) + 1) * len(found), 0
    for number, (row_id, vector) in enumerate([queries[0], *queries]):
        for stored, kept in found.items():
            reporter.check()
            reporter.report(Progress(done, total, "comparing", "searches", stored.key))
            done += 1
            if kept.problem is not None:
                continue
            query = types_sql.candidates(
                collection, stored, vector, spec.depth, share=share, exclude_id=row_id
            )
            start = time.perf_counter()
            try:
                rows = db.query(query.statement, query.params, settings=types_sql.COMPARED)
            except InvalidInput as error:  # a number that halfvec cannot hold
                kept.problem = error.message
                continue
            if number == 0:
                continue
            kept.times_ms.append((time.perf_counter() - start) * 1000)
            kept.ids.append([row[0] for row in rows])
            kept.distances.append([float(row[1]) for row in rows])
    reporter.report(Progress(total, total, "comparing", "searches"))


def _point(
    collection: Collection,
    spec: TypesSpec,
    stored: StoredType,
    found: _Found,
    truth: _Found,
    value_bytes: float,
    rows: int,
    real: list[tuple[IndexInfo, MeasuredIndex]],
) -> TypePoint:
    recall: dict[int, float] = {}
    by_id: dict[int, float] = {}
    if found.problem is None:
        true = _padded(truth.distances, spec.limit)[:, : spec.limit]
        true_ids = [ids[: spec.limit] for ids in truth.ids]
        distances = _padded(found.distances, spec.depth)
        present = np.isfinite(true).sum(axis=1)
        for factor in sorted(set(spec.oversample)):
            places = reranked(distances, spec.limit, factor)
            kept = np.take_along_axis(distances, places, axis=1)
            ids = [
                [listed[place] for place in chosen if place < len(listed)]
                for listed, chosen in zip(found.ids, places.tolist(), strict=True)
            ]
            hits = recall_science.hits_by_distance(kept, true)
            recall[factor] = recall_science.mean_recall(hits, present)
            hits = recall_science.hits_by_id(ids, true_ids)
            by_id[factor] = recall_science.mean_recall(hits, present)
    times = np.array(found.times_ms or [math.nan])
    return TypePoint(
        stored=stored,
        value_bytes=value_bytes,
        index_bytes=estimated_index_bytes(collection, stored, rows),
        recall=recall,
        recall_by_id=by_id,
        scan_p50_ms=float(np.percentile(times, 50)),
        scan_p95_ms=float(np.percentile(times, 95)),
        indexes=tuple(
            measured
            for index, measured in real
            if (index.target, index.leading) == (stored.target, stored.leading)
        ),
        problem=found.problem,
    )


def estimated_index_bytes(
    collection: Collection, stored: StoredType, rows: int, m: int = DEFAULT_M
) -> int | None:
    """Return the size of an HNSW index of all rows; None beyond the dimensions it takes."""
    dimension = stored.leading or collection.dimension or 0
    if dimension > max_dimension(stored.target, collection.vector_type):
        return None
    kind = VectorType.HALFVEC if stored.target is IndexTarget.HALFVEC else collection.vector_type
    size = index_estimate.value_bytes(dimension, None if stored.target is IndexTarget.BIT else kind)
    return index_estimate.hnsw_size_bytes(rows, size, m)


# -- what is read


def _count(db: Database, collection: Collection, share: float | None = None) -> int:
    if share is None:
        query = sweep_sql.counts(collection)
        if collection.kind in (RelationKind.VIEW, RelationKind.FOREIGN):
            query = sweep_sql.case_rows(collection, [nearest_sql.in_share(collection, 1)], {})
    else:
        query = sweep_sql.case_rows(collection, [nearest_sql.in_share(collection, share)], {})
    return int(db.query(query.statement, query.params)[0][0])


def _sample(
    db: Database, collection: Collection, spec: TypesSpec
) -> list[tuple[str, NDArray[np.float32]]]:
    query = sweep_sql.sample(collection, spec.queries, spec.seed)
    return [(row[0], row[1]) for row in db.query(query.statement, query.params)]


def _sizes(
    db: Database, collection: Collection, types: Sequence[StoredType]
) -> dict[StoredType, float]:
    """Return the mean bytes of a value of each type; NaN where a cast is refused."""
    found: dict[StoredType, float] = {}
    for stored in types:
        query = types_sql.value_bytes(collection, [stored], SIZED_ROWS)
        try:
            size = db.query(query.statement, query.params)[0][0]
        except InvalidInput:
            size = None
        found[stored] = math.nan if size is None else float(size)
    return found


def _real_indexes(
    db: Database,
    collection: Collection,
    spec: TypesSpec,
    queries: list[tuple[str, NDArray[np.float32]]],
    reporter: Reporter,
) -> list[tuple[IndexInfo, MeasuredIndex]]:
    """Ask the indexes that there are, each by what it was built on."""
    found = []
    for index in indexes(db, collection):
        own = index.metric in (collection.metric, BitMetric.HAMMING)
        if index.target is None or not own or not index.valid or index.predicate is not None:
            continue
        times: list[float] = []
        used = False
        for number, (row_id, vector) in enumerate([queries[0], *queries]):
            reporter.check()
            if number == 0 or number % 10 == 0:
                told = Progress(number, len(queries) + 1, "asking indexes", "searches", index.name)
                reporter.report(told)
            request = NearestRequest(
                vector=tuple(map(float, vector)),
                limit=spec.limit,
                target=index.target,
                leading=index.leading,
                exclude_id=row_id,
            )
            query = nearest_sql.nearest(collection, request)
            settings = {**request.settings(), "plan_cache_mode": "force_custom_plan"}
            start = time.perf_counter()
            db.query(query.statement, query.params, settings=settings)
            if number:
                times.append((time.perf_counter() - start) * 1000)
            else:
                used = _uses(db, query, settings, index.name)
        found.append(
            (
                index,
                MeasuredIndex(
                    name=index.name,
                    method=index.method,
                    size_bytes=index.size_bytes,
                    p50_ms=float(np.percentile(times, 50)),
                    p95_ms=float(np.percentile(times, 95)),
                    used=used,
                ),
            )
        )
    return found


def _uses(db: Database, query: Query, settings: dict[str, str], name: str) -> bool:
    """Tell whether the plan of a statement has an index in it."""
    explained = types_sql.explain(query)
    plan = db.query(explained.statement, explained.params, settings=settings)[0][0]
    return any(node.get("Index Name") == name for node in _nodes(plan[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(found for child in node.get("Plans", ()) for found in _nodes(child))]


def _padded(distances: list[list[float]], width: int) -> NDArray[np.float64]:
    """Return lists of distances as an array of shape (n_queries, width), filled with infinity."""
    found = np.full((len(distances), width), np.inf)
    for number, row in enumerate(distances):
        found[number, : len(row)] = row[:width]
    return found
