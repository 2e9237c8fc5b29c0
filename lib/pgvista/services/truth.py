"""The exact truth of many queries at once: their nearest rows, whatever indexes there are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, ServerCursor, sql
from psycopg.types.string import ByteaBinaryLoader

from pgvista.db.database import Database
from pgvista.errors import QueryFailed
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter
from pgvista.model.metric import Metric, VectorType
from pgvista.model.progress import Progress, Reporter
from pgvista.model.sweep import Setting, TruthMethod
from pgvista.science.top import NearestSoFar
from pgvista.sql import nearest as nearest_sql
from pgvista.sql import search as search_sql
from pgvista.sql import sweep as sweep_sql
from pgvista.sql.query import Query

EXACT = Setting()
_BATCH_ROWS = 4096
_HEADER_BYTES = 4
_TRIED = 2
"""Exact scans that are timed before it is decided where the truth is found."""


@dataclass(frozen=True, slots=True)
class Queries:
    """The queries of a sweep."""

    ids: tuple[str | None, ...]
    """The row that each was taken from, which is left out of its answer; None: it is no row."""
    vectors: NDArray[np.float32]
    """Shape (n_queries, dimension)."""

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, number: int) -> str:
        """Return what a query is called: its row's id, or its number from 1."""
        return self.ids[number] or str(number + 1)


@dataclass(frozen=True, slots=True)
class Case:
    """The rows that queries may find: all, or those that a filter or a share lets through."""

    name: str
    filters: Filter | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """The nearest rows of each query in one case, nearest first."""

    ids: tuple[tuple[str, ...], ...]
    distances: NDArray[np.float64]
    """Shape (n_queries, k), rows that do not exist as infinity."""

    @property
    def present(self) -> NDArray[np.int64]:
        """Rows there are to find, at most k: shape (n_queries,)."""
        found: NDArray[np.int64] = np.isfinite(self.distances).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Truths:
    """The truth of every case, and how it was found."""

    cases: tuple[Truth, ...]
    method: str
    seconds: float
    proof: str


def find_truth(
    db: Database,
    connection: Connection[Any],
    collection: Collection,
    queries: Queries,
    cases: Sequence[Case],
    limit: int,
    *,
    reporter: Reporter,
    method: TruthMethod = "auto",
) -> Truths:
    """Return the `limit` nearest rows of each query in each case, with pgvector's own distances.

    server: an exact scan for each, whose plan is read first. transfer: all vectors are read once
    and compared here, in single precision; the candidates are then measured by Postgres, and where
    rounding could have hidden one, the server is asked. auto takes the faster, by what a few scans
    and the first rows of the transfer take. Raises QueryFailed when a plan is not exact.
    """
    began = time.perf_counter()
    scan = _Scan(connection, collection, queries, limit, db.statement_timeout_ms)
    for case in cases:
        scan.prove(case)
    found = None
    if method != "server" and collection.metric is not Metric.L1:
        most_s = scan.seconds(cases) if method == "auto" else None
        found = _transfer(connection, collection, queries, cases, limit, reporter, most_s)
    if found is not None:
        truths, doubtful = _measure(connection, collection, queries, found, limit, scan, cases)
        told = "Every vector was compared with every query, and Postgres measured the nearest."
        if doubtful:
            told += f" Rounding left {doubtful:,} in doubt; exact scans settled them."
        return Truths(truths, "transfer", time.perf_counter() - began, told)
    truths = tuple(_scan_all(scan, case, queries, reporter) for case in cases)
    return Truths(
        truths,
        "server",
        time.perf_counter() - began,
        "Every query was answered by an exact scan, whose plan names no vector index.",
    )


class _Scan:
    """Exact scans on one connection, each in a transaction of its own."""

    def __init__(
        self,
        connection: Connection[Any],
        collection: Collection,
        queries: Queries,
        limit: int,
        timeout_ms: int,
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._queries = queries
        self.limit = limit
        self._timeout_ms = timeout_ms

    def prove(self, case: Case) -> None:
        """Raise QueryFailed unless the plan compares every row."""
        query = search_sql.plan(self._query(0, case), analyze=False)
        explained = self._run(query)[0][0]
        if search_index(explained) is not None:
            raise QueryFailed(
                "Postgres uses a vector index though it was told not to, so the truth is not exact."
            )

    def run(self, number: int, case: Case) -> list[tuple[Any, ...]]:
        """Return (id, distance) of the nearest rows of one query."""
        return self._run(self._query(number, case))

    def seconds(self, cases: Sequence[Case]) -> float:
        """Return how long it would take to scan for every query in every case, by trying a few."""
        took = []
        for number in range(min(_TRIED, len(self._queries))):
            start = time.perf_counter()
            self.run(number, cases[0])
            took.append(time.perf_counter() - start)
        return min(took) * len(self._queries) * len(cases)

    def _query(self, number: int, case: Case) -> Query:
        request = EXACT.request(
            tuple(self._queries.vectors[number].tolist()),
            self.limit,
            filters=case.filters,
            share=case.share,
            exclude_id=self._queries.ids[number],
        )
        return nearest_sql.nearest(self._collection, request)

    def _run(self, query: Query) -> list[tuple[Any, ...]]:
        settings = {"enable_indexscan": "off", "enable_bitmapscan": "off"}
        apply_settings(self._connection, settings, self._timeout_ms)
        rows = self._connection.execute(query.sql, query.params, prepare=False).fetchall()
        self._connection.commit()
        return rows


def apply_settings(
    connection: Connection[Any], settings: dict[str, str] | Any, timeout_ms: int
) -> None:
    """Begin a transaction with `settings`, as SET LOCAL does."""
    local = {"statement_timeout": str(timeout_ms), **settings}
    calls = [
        sql.SQL("pg_catalog.set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
        for name, value in local.items()
    ]
    connection.execute(sql.SQL("select {}").format(sql.SQL(", ").join(calls)), prepare=False)


def search_index(explained: Any) -> str | None:
    """Return the index that a plan orders by, from EXPLAIN's JSON; None where rows are compared."""
    nodes = [explained[0]["Plan"]]
    while nodes:
        node = nodes.pop()
        if node["Node Type"] == "Index Scan" and "Order By" in node:
            return str(node["Index Name"])
        nodes.extend(node.get("Plans", ()))
    return None


def _scan_all(scan: _Scan, case: Case, queries: Queries, reporter: Reporter) -> Truth:
    rows = []
    for number in range(len(queries)):
        reporter.check()
        reporter.report(Progress(number, len(queries), f"exact truth, {case.name}", "queries"))
        rows.append(scan.run(number, case))
    return as_truth(rows, scan.limit)


def as_truth(rows: Sequence[Sequence[tuple[Any, ...]]], limit: int) -> Truth:
    """Return answers, (id, distance) of each row, as arrays."""
    distances = np.full((len(rows), limit), np.inf)
    for number, answer in enumerate(rows):
        distances[number, : len(answer)] = [row[1] for row in answer]
    return Truth(tuple(tuple(row[0] for row in answer) for answer in rows), distances)


# -- by transfer


@dataclass(frozen=True, slots=True)
class _Found:
    """Candidates of every query in one case: ids, and how far the nearest of all others is."""

    ids: list[list[str]]
    beyond: NDArray[np.float64]


def _transfer(
    connection: Connection[Any],
    collection: Collection,
    queries: Queries,
    cases: Sequence[Case],
    limit: int,
    reporter: Reporter,
    most_s: float | None,
) -> list[_Found] | None:
    """Read every vector once and keep candidates; None when that takes longer than `most_s`."""
    conditions: list[sql.Composable] = []
    params: dict[str, Any] = {}
    for number, case in enumerate(cases):
        part, values = sweep_sql.condition(collection, case.filters, case.share, f"c{number}_")
        conditions.append(part)
        params |= values
    counted = sweep_sql.counts(collection)
    total = int(connection.execute(counted.sql, counted.params).fetchall()[0][0])
    bests = [NearestSoFar(queries.vectors, collection.metric, limit) for _ in cases]
    query = sweep_sql.stream(collection, conditions, params)
    ids: list[str] = []
    began = time.perf_counter()
    done = True
    with connection.cursor("pgvista_truth") as cursor:
        kind = connection.adapters.types[collection.vector_type.value]
        cursor.adapters.register_loader(kind.oid, ByteaBinaryLoader)  # numbers are read by NumPy
        cursor.execute(query.sql, query.params, binary=True)
        for names, vectors, flags in _batches(cursor, collection, queries.vectors.shape[1]):
            reporter.check()
            for best, flag in zip(bests, flags.T, strict=True):
                best.add(vectors, len(ids), flag)
            ids += names
            reporter.report(Progress(len(ids), total, "exact truth", "rows"))
            elapsed = time.perf_counter() - began
            if most_s is not None and elapsed * total / len(ids) > most_s and len(ids) < total / 2:
                done = False
                break
    if not done:
        connection.rollback()
        return None
    connection.commit()
    return [
        _Found([[ids[place] for place in row] for row in best.places()], best.beyond())
        for best in bests
    ]


def _batches(
    cursor: ServerCursor[Any], collection: Collection, dimension: int
) -> Iterator[tuple[list[str], NDArray[np.float32], NDArray[np.bool_]]]:
    """Yield ids, vectors of shape (n, dimension) and flags of shape (n, n_cases)."""
    half = collection.vector_type is VectorType.HALFVEC
    length = _HEADER_BYTES + dimension * (2 if half else 4)
    while rows := cursor.fetchmany(_BATCH_ROWS):
        # other lengths can only be in a column that takes any
        if whole := [row for row in rows if len(row[1]) == length]:
            yield _arrays(whole, half)


def _arrays(
    rows: list[tuple[Any, ...]], half: bool
) -> tuple[list[str], NDArray[np.float32], NDArray[np.bool_]]:
    raw = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.uint8).reshape(len(rows), -1)
    numbers = np.ascontiguousarray(raw[:, _HEADER_BYTES:]).view(">f2" if half else ">f4")
    return (
        [row[0] for row in rows],
        numbers.astype(np.float32),
        np.array([row[2:] for row in rows], dtype=bool),
    )


def _measure(
    connection: Connection[Any],
    collection: Collection,
    queries: Queries,
    found: Sequence[_Found],
    limit: int,
    scan: _Scan,
    cases: Sequence[Case],
) -> tuple[tuple[Truth, ...], int]:
    """Let Postgres measure the candidates; return the truths, and how many it had to be asked."""
    doubtful = 0
    truths = []
    for case, candidates in zip(cases, found, strict=True):
        answers = []
        for number, vector in enumerate(queries.vectors):
            query = sweep_sql.distances(
                collection, collection.metric, candidates.ids[number], vector
            )
            answer = connection.execute(query.sql, query.params).fetchall()
            own = queries.ids[number]
            answers.append([row for row in answer if row[0] != own][:limit])
        connection.commit()
        for number, beyond in enumerate(candidates.beyond):
            whole = len(answers[number]) == limit
            if not (np.isinf(beyond) or (whole and answers[number][-1][1] < beyond)):
                answers[number] = scan.run(number, case)
                doubtful += 1
        truths.append(as_truth(answers, limit))
    return tuple(truths), doubtful
