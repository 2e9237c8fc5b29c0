"""A real pgvector index on the points of a lesson: built, asked and measured in one transaction.

The rows lie in a temporary table, which goes with the transaction: nothing is left behind.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.errors import Diagnostic, InsufficientPrivilege

from pgvista.db.database import Database
from pgvista.errors import ExtensionMissing, InvalidInput, PermissionDenied, QueryFailed, ReadOnly
from pgvista.model.index import IndexMethod, IndexSpec
from pgvista.model.lesson_index import Ask, LessonIndex, RealIndex, RealPoint
from pgvista.model.metric import Metric, VectorType
from pgvista.model.search import IterativeScan
from pgvista.model.tuning import MAX_EF_SEARCH, MAX_PROBES, check_whole
from pgvista.science.exact import ExactNearest
from pgvista.sql import lesson_index as sql
from pgvista.sql.query import Query, local_settings
from pgvista.sql.search import plan

__all__ = ["Ask", "LessonIndex", "RealIndex", "RealPoint", "ask_index", "try_index"]

MAX_ROWS = 20_000
MAX_QUERIES = 500
MAX_LIMIT = 1_000
_MEMORY = "256MB"
_PAGES_OF = 3
"""Pages are counted for so many queries, since each must be asked once more for it."""


def try_index(
    db: Database,
    points: NDArray[Any],
    queries: NDArray[Any],
    index: LessonIndex,
    *,
    metric: Metric = Metric.L2,
    limit: int = 10,
    values: Sequence[int],
    labels: NDArray[Any] | None = None,
    keep: int | None = None,
    iterative_scan: IterativeScan = IterativeScan.OFF,
    order: NDArray[Any] | None = None,
) -> RealIndex:
    """Build `index` on `points`, and try each of `values` of its knob for all `queries`.

    `keep` asks for ``where label = keep``. Else as `ask_index`.
    """
    asks = [Ask(value, keep=keep, iterative_scan=iterative_scan) for value in values]
    return ask_index(
        db, points, queries, index, asks, metric=metric, limit=limit, labels=labels, order=order
    )


def ask_index(
    db: Database,
    points: NDArray[Any],
    queries: NDArray[Any],
    index: LessonIndex,
    asks: Sequence[Ask],
    *,
    metric: Metric = Metric.L2,
    limit: int = 10,
    labels: NDArray[Any] | None = None,
    order: NDArray[Any] | None = None,
) -> RealIndex:
    """Build a real index on a temporary table, ask it, and drop it with the transaction.

    Args:
        db: Where; a role that may make temporary tables.
        points: Shape (n, dimension), n from 1 to 20,000, dimension to 2,000; finite.
        queries: Shape (n_queries, dimension), n_queries from 1 to 500.
        index: What is built.
        asks: Ways to ask; those where the planner is free come last.
        metric: Under cosine, zero vectors are in no index, and no query may be one.
        limit: Rows wanted by each query, 1 to 1,000.
        labels: Whole numbers, shape (n,); None: all 0.
        order: The order in which rows are inserted: positions, shape (n,); None: as they are.

    A row found counts when it is as near as the last true one, up to the rounding of single
    precision: what counts is not a row's name but how far it is. Raises InvalidInput, ReadOnly,
    PermissionDenied, and QueryFailed where the plan does not use the index.
    """
    work = _Work(points, queries, index, asks, metric, limit, labels, order)
    if db.read_only or db.capabilities.in_recovery:
        raise ReadOnly(
            "The connection is read-only, and a real index needs a temporary table.",
            "Open the connection without read-only to see the real index.",
        )
    db.capabilities.require_vector()
    schema = db.capabilities.extension_qualifier
    iterative = db.capabilities.supports_iterative_scan
    if not iterative and any(ask.iterative_scan is not IterativeScan.OFF for ask in asks):
        raise ExtensionMissing(
            "Iterative scans need pgvector 0.8.0 or newer.", "Update the extension."
        )
    with db.transaction() as connection, _notices(connection) as notices:
        return work.run(connection, schema, iterative, notices)


class _Work:
    """The checked input, and what is done with it on one connection."""

    def __init__(
        self,
        points: NDArray[Any],
        queries: NDArray[Any],
        index: LessonIndex,
        asks: Sequence[Ask],
        metric: Metric,
        limit: int,
        labels: NDArray[Any] | None,
        order: NDArray[Any] | None,
    ) -> None:
        self.points = _vectors(points, "points", MAX_ROWS)
        self.queries = _vectors(queries, "queries", MAX_QUERIES)
        n, dimension = self.points.shape
        if self.queries.shape[1] != dimension:
            raise InvalidInput(
                f"The queries have {self.queries.shape[1]:,} dimensions, and the points {dimension:,}."
            )
        if metric is Metric.COSINE and not self.queries.any(axis=1).all():
            raise InvalidInput(
                "A query is a zero vector, and cosine has no angle to it.",
                "Move it off the origin.",
            )
        IndexSpec(  # refuses what pgvector would, in the words used elsewhere
            method=index.method,
            metric=metric,
            m=index.m,
            ef_construction=index.ef_construction,
            lists=index.lists,
        )
        check_whole("limit", limit, 1, MAX_LIMIT)
        check_whole("built_on", index.built_on, 0, n)
        for ask in asks:
            hnsw = index.method is IndexMethod.HNSW
            check_whole(
                index.knob.partition(".")[2], ask.value, 1, MAX_EF_SEARCH if hnsw else MAX_PROBES
            )
            check_whole("max_scan_tuples", ask.max_scan_tuples, 1, 2_147_483_647)
            if index.only is not None and ask.keep != index.only and not ask.free:
                raise InvalidInput(
                    "A partial index serves only queries with its own condition.",
                    f"Ask for the rows with label {index.only}.",
                )
        self.labels = np.zeros(n, np.int32) if labels is None else np.asarray(labels)
        self.order = np.arange(n) if order is None else np.asarray(order)
        if self.labels.shape != (n,) or not np.array_equal(
            self.labels, self.labels.astype(np.int32)
        ):
            raise InvalidInput(f"The labels must be {n:,} whole numbers, one a point.")
        if not np.array_equal(np.sort(self.order), np.arange(n)):
            raise InvalidInput(f"The order must name each of {n:,} positions once.")
        self.index, self.metric, self.limit = index, metric, limit
        self.asks = sorted(asks, key=lambda ask: ask.free)
        self.truths: dict[int | None, ExactNearest] = {}

    def run(
        self, connection: Connection[Any], schema: str | None, iterative: bool, notices: list[str]
    ) -> RealIndex:
        index = self.index
        made = sql.create_table(self.points.shape[1], schema)
        try:
            connection.execute(made.sql, made.params)
        except InsufficientPrivilege:
            raise PermissionDenied(
                "This role may not make temporary tables, so no real index can be built.",
                "Ask the owner of the database: grant temporary on database ... to ...",
            ) from None
        memory = {"maintenance_work_mem": _MEMORY}
        _set_local(connection, memory)
        first = len(self.order) if index.built_on is None else index.built_on
        self._copy(connection, self.order[:first])
        build = sql.create_index(
            index.method,
            self.metric,
            m=index.m,
            ef_construction=index.ef_construction,
            lists=index.lists,
            only=index.only,
            schema=schema,
        )
        start = time.perf_counter()
        _execute(connection, build)
        build_ms = (time.perf_counter() - start) * 1000
        self._copy(connection, self.order[first:])
        _execute(connection, sql.analyze())
        size = _execute(connection, sql.index_bytes())[0][0]
        found = []
        labelled = False
        for ask in self.asks:
            if ask.free and not labelled:
                _execute(connection, sql.create_label_index())
                labelled = True
            found.append(self._ask(connection, ask, schema, iterative))
        zero = int((~self.points.any(axis=1)).sum()) if self.metric is Metric.COSINE else 0
        if zero:
            notices.append(
                f"{zero:,} of {len(self.points):,} points are zero vectors, which have no angle: under cosine they are in no index."
            )
        shown = self.asks[0] if self.asks else Ask(1)
        return RealIndex(
            index=index,
            rows=len(self.points),
            build_ms=build_ms,
            index_bytes=int(size),
            points=tuple(found),
            sql="\n".join(
                [
                    "begin;",
                    f"{made.text()};",
                    f"-- {first:,} rows are copied into it" if first else "-- it is empty yet",
                    f"{local_settings(memory)}{build.text()};",
                    *([f"-- {len(self.order) - first:,} rows more"] * (first < len(self.order))),
                    f"{sql.analyze().text()};",
                    self._shown(shown, schema, iterative),
                    "rollback;",
                ]
            ),
            notices=tuple(dict.fromkeys(notices)),
        )

    def _shown(self, ask: Ask, schema: str | None, iterative: bool) -> str:
        settings = local_settings(ask.settings(self.index.method, iterative=iterative))
        return f"{settings}{self._nearest(0, ask, schema).text()};"

    def _nearest(self, query: int, ask: Ask, schema: str | None) -> Query:
        return sql.nearest(
            self.queries[query],
            self.limit,
            self.metric,
            keep=ask.keep,
            schema=schema,
        )

    def _ask(
        self, connection: Connection[Any], ask: Ask, schema: str | None, iterative: bool
    ) -> RealPoint:
        _set_local(connection, ask.settings(self.index.method, iterative=iterative))
        statements = [self._nearest(number, ask, schema) for number in range(len(self.queries))]
        used, pages = self._plans(connection, statements, ask)
        found: list[tuple[int, ...]] = []
        times = []
        for query in statements:
            start = time.perf_counter()
            rows = connection.execute(query.sql, query.params).fetchall()
            times.append((time.perf_counter() - start) * 1000)
            found.append(tuple(row[0] for row in rows))
        truth = self.truths.get(ask.keep)
        if truth is None:
            among = None if ask.keep is None else self.labels == ask.keep
            truth = ExactNearest(self.queries, self.points, self.limit, self.metric, among)
            self.truths[ask.keep] = truth
        return RealPoint(
            ask=ask,
            recall=truth.recall(found),
            rows=statistics.fmean(len(row) for row in found),
            p50_ms=statistics.median(times),
            pages=pages,
            looked_at=self._looked_at(connection, ask, schema),
            found=tuple(found),
            nearest=truth.nearest,
            sql=self._shown(ask, schema, iterative),
            used_index=used,
        )

    def _looked_at(self, connection: Connection[Any], ask: Ask, schema: str | None) -> float | None:
        """Without a limit, IVFFlat gives every row of the lists it visits: count them."""
        index = self.index
        on = ask.iterative_scan is not IterativeScan.OFF
        if index.method is not IndexMethod.IVFFLAT or ask.free or on:
            return None
        counts = []
        for vector in self.queries:
            query = sql.nearest(
                vector, len(self.points), self.metric, keep=index.only, schema=schema
            )
            counts.append(_execute(connection, sql.count(query))[0][0])
        return statistics.fmean(counts)

    def _plans(
        self, connection: Connection[Any], statements: Sequence[Query], ask: Ask
    ) -> tuple[bool, float]:
        """Return whether the plan orders by the index, and the mean of the pages read."""
        used, pages = True, []
        for query in statements[:_PAGES_OF]:
            root = _execute(connection, plan(query, analyze=True))[0][0][0]["Plan"]
            pages.append(sum(root.get(f"Local {kind} Blocks", 0) for kind in ("Hit", "Read")))
            used = used and any(
                node.get("Index Name") == sql.INDEX and "Order By" in node for node in _nodes(root)
            )
        if not used and not ask.free:
            raise QueryFailed(
                "Postgres did not use the index though nothing else was left to it, so what it finds cannot be measured."
            )
        return used, statistics.fmean(pages)

    def _copy(self, connection: Connection[Any], positions: NDArray[Any]) -> None:
        if not len(positions):
            return
        query = sql.copy_rows()
        with connection.cursor() as cursor, cursor.copy(query.sql, query.params) as copy:
            copy.write(_copy_bytes(positions, self.labels[positions], self.points[positions]))


def _vectors(given: NDArray[Any], name: str, most: int) -> NDArray[np.float32]:
    """Return `given` as float32 of shape (n, dimension). Raises InvalidInput."""
    found = np.asarray(given)
    if found.ndim != 2 or not len(found):
        raise InvalidInput(f"There are no {name}.", "Give at least one.")
    if len(found) > most:
        raise InvalidInput(
            f"There are {len(found):,} {name}, and a lesson takes {most:,} at most.",
            "Take a sample of them.",
        )
    longest = VectorType.VECTOR.max_index_dimension
    if not 1 <= found.shape[1] <= longest:
        raise InvalidInput(
            f"The {name} have {found.shape[1]:,} dimensions, and an index takes 1 to {longest:,}."
        )
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(found, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise InvalidInput(
            f"Some of the {name} hold NaN or infinity, which pgvector does not take.",
            "Use finite numbers.",
        )
    return vectors


@contextmanager
def _notices(connection: Connection[Any]) -> Iterator[list[str]]:
    """Collect what Postgres says by the way, a sentence each."""
    found: list[str] = []

    def keep(said: Diagnostic) -> None:
        parts = (said.message_primary, said.message_detail, said.message_hint)
        found.append(". ".join(part.rstrip(".") for part in parts if part) + ".")

    connection.add_notice_handler(keep)
    try:
        yield found
    finally:
        connection.remove_notice_handler(keep)


def _copy_bytes(
    positions: NDArray[Any], labels: NDArray[Any], vectors: NDArray[np.float32]
) -> bytes:
    """Return rows in Postgres's binary COPY format, made by NumPy at once."""
    dimension = vectors.shape[1]
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("id_bytes", ">i4"),
            ("id", ">i4"),
            ("label_bytes", ">i4"),
            ("label", ">i4"),
            ("vector_bytes", ">i4"),
            ("dimension", ">u2"),
            ("unused", ">u2"),
            ("numbers", ">f4", (dimension,)),
        ]
    )
    rows = np.zeros(len(positions), row)
    rows["fields"], rows["id_bytes"], rows["label_bytes"] = 3, 4, 4
    rows["id"], rows["label"] = positions, labels
    rows["vector_bytes"], rows["dimension"] = 4 + 4 * dimension, dimension
    rows["numbers"] = vectors
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _execute(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    cursor = connection.execute(query.sql, query.params, prepare=False)
    return cursor.fetchall() if cursor.description else []


def _set_local(connection: Connection[Any], settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        _execute(connection, sql.set_local(name, value))


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
