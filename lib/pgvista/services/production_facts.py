"""What the checklist goes by, asked of the collection and its server; nothing is changed."""

from __future__ import annotations

import math
import statistics
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import NotFound, PgvistaError, StatementTimeout
from pgvista.model.collection import Collection, CollectionStats, IndexInfo, RelationKind
from pgvista.model.diagnosis import Ordering, VectorIndex
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.metric import Metric
from pgvista.model.production import (
    Facts,
    Goal,
    RecallFacts,
    RelationFacts,
    ServerFacts,
    WordsFacts,
)
from pgvista.model.server import version_tuple
from pgvista.model.sweep import SweepResult
from pgvista.model.tuning import NearestRequest, Target
from pgvista.services import bm25_state, catalog, collections
from pgvista.services.recommend import recommend
from pgvista.services.sweep_store import list_sweeps
from pgvista.sql import diagnosis as diagnosis_sql
from pgvista.sql import nearest as nearest_sql
from pgvista.sql import production as production_sql
from pgvista.sql import sweep as sweep_sql
from pgvista.sql import types as types_sql

LIMIT_MS = 10_000
"""Nothing that is asked takes longer; what would is not known."""
WORDS_ROWS = 200_000
"""In larger collections words are not counted to see whether BM25's statistics are in step."""
_QUERIES = 4
_ROWS_ASKED = 10
_TARGETS = (IndexTarget.COLUMN, IndexTarget.HALFVEC, IndexTarget.LEADING, IndexTarget.BIT)


def gather(db: Database, collection: Collection, goal: Goal) -> Facts:
    """Return what is known of a collection and its server. Raises NotFound when it is gone."""
    stats = collections.stats(db, collection)
    server, now = _server(db)
    stats, nulls, zeros = _counted(db, stats)
    queries = _queries(db, collection)
    scan_ms, problem = _scan(db, collection, queries)
    serving = serving_index(collection, stats.indexes)
    known, newest = _newest_sweep(db, collection)
    return Facts(
        stats=stats,
        server=server,
        relation=_relation(db, collection),
        now=now,
        zero_vectors=zeros,
        null_vectors=nulls,
        lengths=_lengths(db, collection),
        scan_ms=scan_ms,
        scan_problem=problem,
        serving=serving,
        used=_used(db, collection, serving, queries),
        list_rows=_list_rows(db, collection, serving, stats.rows),
        recall=None if newest is None else _recall(newest, goal),
        recall_known=known,
        words=_words(db, stats),
    )


def serving_index(collection: Collection, found: tuple[IndexInfo, ...]) -> IndexInfo | None:
    """Return the index that searches of the collection's metric can use; the fullest one first."""
    usable = [
        index
        for index in found
        if index.valid
        and index.predicate is None
        and index.target is not None
        and (
            index.metric is collection.metric
            or (isinstance(index.metric, BitMetric) and collection.metric is not Metric.L1)
        )
    ]
    return min(
        usable, key=lambda index: _TARGETS.index(index.target or IndexTarget.BIT), default=None
    )


def _server(db: Database) -> tuple[ServerFacts, Any]:
    """Ask on a connection of its own, which has the settings as they are now."""
    pooled = db.capabilities.pooled
    with db.dedicated() as connection:
        row = catalog.run(connection, production_sql.server()).fetchone()
        assert row is not None  # noqa: S101  (a select without a from gives a row)
        host = connection.info.host
        socket = host.startswith(("/", "@"))
        encrypted = connection.pgconn.ssl_in_use
    return (
        ServerFacts(
            database=row[0],
            role=row[1],
            server_version_num=row[2],
            shared_buffers_bytes=row[3],
            effective_cache_bytes=row[4],
            maintenance_work_mem_bytes=row[5],
            statement_timeout_ms=row[6],
            max_connections=row[7],
            connections=row[8],
            preload_libraries=row[9],
            prewarm_installed=row[10],
            prewarm_available=row[11],
            pgvector=version_tuple(row[12]) if row[12] else None,
            pgvector_available=version_tuple(row[13]) if row[13] else None,
            in_recovery=row[14],
            pooled=pooled,
            encrypted=encrypted,
            host="local socket" if socket else host,
            local=socket or host in ("localhost", "::1") or host.startswith("127."),
        ),
        row[15],
    )


def _relation(db: Database, collection: Collection) -> RelationFacts:
    query = production_sql.about(collection)
    rows = db.query(query.statement, query.params)
    if not rows:
        raise NotFound(f"There is no collection {collection.name}.", "Somebody dropped it.")
    owner, readers, secured, policies, live, dead, vacuumed, analyzed, changed = rows[0]
    return RelationFacts(
        owner, tuple(readers), secured, policies, live, dead, vacuumed, analyzed, changed
    )


def _counted(
    db: Database, stats: CollectionStats
) -> tuple[CollectionStats, int | None, int | None]:
    """Count rows, NULLs and zero vectors; where that takes too long, the estimate stays."""
    query = production_sql.unfindable(stats.collection)
    try:
        rows, nulls, zeros = db.query(query.statement, query.params, timeout_ms=LIMIT_MS)[0]
    except PgvistaError:
        return stats, stats.unembedded, None
    return replace(stats, rows=int(rows), rows_exact=True), int(nulls), int(zeros)


def _lengths(db: Database, collection: Collection) -> tuple[int, ...]:
    if collection.dimension is not None:
        return ()
    query = production_sql.lengths(collection)
    try:
        found = db.query(query.statement, query.params, timeout_ms=LIMIT_MS)
    except PgvistaError:
        return ()
    return tuple(row[0] for row in found)


def _queries(db: Database, collection: Collection) -> list[NDArray[np.float32]] | str:
    """Return a few vectors of the collection, or why there are none."""
    query = sweep_sql.sample(collection, _QUERIES, 0)
    try:
        rows = db.query(query.statement, query.params, timeout_ms=LIMIT_MS)
    except PgvistaError as error:
        return error.message
    return [row[1] for row in rows]


def _request(vector: NDArray[np.float32], **more: Any) -> NearestRequest:
    return NearestRequest(vector=tuple(map(float, vector)), limit=_ROWS_ASKED, **more)


def _scan(
    db: Database, collection: Collection, queries: list[NDArray[np.float32]] | str
) -> tuple[float | None, str | None]:
    """Return the median time of exact searches, or why it is not known; the first warms up."""
    if isinstance(queries, str):
        return None, queries
    if not queries:
        return None, "There is no row with a vector."
    times = []
    for vector in [queries[0], *queries]:
        query = nearest_sql.exact(collection, _request(vector))
        start = time.perf_counter()
        try:
            db.query(query.statement, query.params, settings=types_sql.EXACT, timeout_ms=LIMIT_MS)
        except StatementTimeout:
            return math.inf, None
        except PgvistaError as error:
            return None, error.message
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[1:]), None


def _used(
    db: Database,
    collection: Collection,
    index: IndexInfo | None,
    queries: list[NDArray[np.float32]] | str,
) -> bool | None:
    if index is None or index.target is None or isinstance(queries, str) or not queries:
        return None
    request = _request(queries[0], target=index.target, leading=index.leading)
    if isinstance(index.metric, BitMetric):
        request = _request(queries[0], target=index.target, bit_metric=index.metric)
    explained = types_sql.explain(nearest_sql.nearest(collection, request))
    try:
        plan = db.query(explained.statement, explained.params, settings=request.settings())
    except PgvistaError:
        return None
    return index.name in str(plan[0][0])


def _list_rows(
    db: Database, collection: Collection, index: IndexInfo | None, rows: int
) -> float | None:
    """Measure how many rows an IVFFlat list holds; None where it does not apply, or takes long."""
    if index is None or index.method != "ivfflat" or index.target is not IndexTarget.COLUMN:
        return None
    column = collection.roles.embedding
    operator = collection.metric.operator
    ordering = Ordering(
        collection.schema, collection.table, collection.table, column, column, operator, ""
    )
    as_planned = VectorIndex(
        index.schema, index.name, index.method, index.definition, True, index.opclasses[0],
        (operator,), column, options=dict(index.options),
    )  # fmt: skip
    most = max(100, min(20_000, 10 * rows // as_planned.lists))
    query = diagnosis_sql.list_sizes(ordering, as_planned, most)
    settings = {
        "enable_seqscan": "off",
        "enable_sort": "off",
        "ivfflat.probes": "1",
        "plan_cache_mode": "force_custom_plan",
    }
    if db.capabilities.supports_iterative_scan:
        settings["ivfflat.iterative_scan"] = "off"
    try:
        row = db.query(query.statement, query.params, settings=settings, timeout_ms=LIMIT_MS)[0]
    except PgvistaError:
        return None
    return float(row[0])


def _newest_sweep(db: Database, collection: Collection) -> tuple[bool, SweepResult | None]:
    """Return whether kept sweeps could be read, and the newest."""
    try:
        kept = list_sweeps(db, collection)
    except PgvistaError:
        return False, None
    return True, next((sweep for sweep in kept if sweep.points), None)


def _recall(sweep: SweepResult, goal: Goal) -> RecallFacts:
    advised = recommend(sweep, Target(goal.recall, None))
    indexed = [point.recall for point in sweep.points if not point.setting.exact]
    point = advised.point
    told = "" if point is None else " ".join((point.setting.index or "", point.setting.knob))
    return RecallFacts(
        finished_at=sweep.finished_at,
        best=max((r for r in indexed if not math.isnan(r)), default=math.nan),
        settings=told.strip(),
        rows=sweep.rows,
    )


def _words(db: Database, stats: CollectionStats) -> WordsFacts:
    collection = stats.collection
    if collection.bm25 is None:
        return WordsFacts("none")
    with suppress(PgvistaError):
        if stats.rows > WORDS_ROWS or collection.kind is RelationKind.FOREIGN:
            return WordsFacts(*bm25_state.state_without_counting(db, collection))
        found = bm25_state.status(db, collection)
        return WordsFacts(found.state, found.reason)
    return WordsFacts("unknown", "The statistics could not be read.")
