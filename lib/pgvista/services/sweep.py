"""A sweep: recall, latency and throughput of indexes over their settings, on the user's own table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Cancelled, InvalidInput, NotFound, PgvistaError
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.index import IndexTarget
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.sweep import (
    ALL_ROWS,
    Setting,
    SweepPoint,
    SweepResult,
    SweepSpec,
    SweptIndex,
    TruthReport,
)
from pgvista.science.pareto import pareto_front
from pgvista.services.indexes import vector_indexes
from pgvista.services.sweep_points import point_of
from pgvista.services.sweep_run import Cell, Run, TableState, measure
from pgvista.services.sweep_settings import (
    cases_of,
    chosen_indexes,
    count_cases,
    has_rows,
    settings_of,
)
from pgvista.services.sweep_throughput import throughput
from pgvista.services.truth import Queries, Truths, as_truth, find_truth
from pgvista.sql import sweep as sweep_sql
from pgvista.sql.query import Query


def sweep(
    db: Database,
    collection: Collection,
    spec: SweepSpec | None = None,
    *,
    reporter: Reporter | None = None,
) -> SweepResult:
    """Measure every setting of every index, and the exact scan, on the same queries.

    Queries are rows drawn by `spec.seed`, each left out of its own answer, or vectors of one's
    own. All are asked one after the other, settings taking turns; throughput comes last, with
    several connections. When the table or an index changes meanwhile, Postgres refuses to go on, or
    `reporter` says to stop, the points measured so far are returned, `complete` is False and `notes`
    say why. Raises InvalidInput when there is nothing to measure, Cancelled when it is stopped
    before anything was measured.
    """
    spec, reporter = spec or SweepSpec(), reporter or SilentReporter()
    began = time.perf_counter()
    reporter.report(Progress(0, None, "looking at the table", "queries"))
    found = vector_indexes(db, collection)
    indexes, notes = chosen_indexes(collection, spec, found)
    with db.dedicated() as connection:
        facts = _Facts.read(connection, collection)
        if collection.row_security:
            notes.append("Row-level security is on: figures are those of this role.")
        reporter.check()
        queries = _queries(connection, collection, spec, facts)
        cases = cases_of(spec)
        swept_cases = count_cases(connection, collection, cases)
        cases = [
            case for case, told in zip(cases, swept_cases, strict=True) if has_rows(told, notes)
        ]
        if not cases:
            raise InvalidInput("No filter lets a row through, so there is nothing to find.")
        table = TableState.read(connection, collection)
        if table is None:
            raise NotFound(f"The collection {collection.name} is gone.")
        reporter.check()
        truths = find_truth(
            db,
            connection,
            collection,
            queries,
            cases,
            spec.limit,
            reporter=reporter,
            method=spec.truth,
        )
        settings = [Setting(), *settings_of(db, collection, spec, indexes)]
        _note_what_limits(spec, facts, queries, truths, settings, notes)
        run = Run(db, connection, collection, spec, queries, cases, settings, table)
        measured = measure(run, reporter)
    points = [
        point_of(cell, run, truths.cases[cell.case]) for cell in measured.cells if cell.numbers
    ]
    notes += measured.notes
    proof = _control(measured.cells, truths, notes)
    complete = measured.complete
    query_s = measured.query_s
    if complete and spec.connections:
        points, spent_s, told = _with_throughput(db, run, points, reporter)
        query_s += spent_s
        notes += told
        complete = not told or all("connections" in note for note in told)
    notes += _observations(points, indexes)
    return SweepResult(
        schema=collection.schema,
        table=collection.table,
        limit=spec.limit,
        seed=spec.seed,
        rounds=spec.rounds,
        queries=len(queries),
        query_source=_source(spec),
        metric=collection.metric.value,
        dimension=facts.dimension,
        rows=facts.rows,
        table_bytes=facts.table_bytes,
        indexes=tuple(
            SweptIndex(
                item.name,
                item.method,
                item.definition,
                item.size_bytes,
                item.target or IndexTarget.COLUMN,
            )
            for item in indexes
        ),
        cases=swept_cases,
        points=tuple(points),
        truth=TruthReport(truths.method, truths.seconds, f"{truths.proof} {proof}".strip()),
        versions=_versions(db),
        server=facts.server,
        wall_s=time.perf_counter() - began,
        query_s=query_s,
        finished_at=datetime.now(UTC),
        complete=complete,
        notes=tuple(dict.fromkeys(notes)),
    )


# -- what is there


@dataclass(frozen=True, slots=True)
class _Facts:
    rows: int
    dimension: int
    table_bytes: int
    server: dict[str, str]

    @classmethod
    def read(cls, connection: Connection[Any], collection: Collection) -> _Facts:
        rows, dimension, size = _run(connection, sweep_sql.counts(collection))[0]
        server = dict(_run(connection, sweep_sql.server_settings()))
        connection.commit()
        if rows < 2:
            raise InvalidInput(
                f"{collection.name} has {'one row' if rows else 'no row'} with a vector, so "
                "there is nothing to find.",
                "Load rows first.",
            )
        return cls(rows, collection.dimension or dimension, size, server)


def _run(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(query.sql, query.params, prepare=False).fetchall()


def _versions(db: Database) -> dict[str, str]:
    known = db.capabilities
    return {
        "postgres": known.server_version,
        "pgvector": ".".join(map(str, known.pgvector_version or ())),
        "pgvista": version("pgvista"),
    }


# -- queries and cases


def _queries(
    connection: Connection[Any], collection: Collection, spec: SweepSpec, facts: _Facts
) -> Queries:
    if spec.vectors is not None:
        if spec.vectors.shape[1] != facts.dimension:
            raise InvalidInput(
                f"The query vectors have {spec.vectors.shape[1]:,} numbers, but {collection.name} "
                f"has {facts.dimension:,}."
            )
        return Queries((None,) * len(spec.vectors), spec.vectors.astype(np.float32))
    rows = _run(connection, sweep_sql.sample(collection, spec.queries, spec.seed))
    connection.commit()
    whole = [row for row in rows if len(row[1]) == facts.dimension]
    return Queries(
        tuple(row[0] for row in whole),
        np.stack([np.asarray(row[1], dtype=np.float32) for row in whole]),
    )


def _source(spec: SweepSpec) -> str:
    if spec.vectors is not None:
        return "vectors given"
    return "rows drawn at random, each left out of its own answer"


def _note_what_limits(
    spec: SweepSpec,
    facts: _Facts,
    queries: Queries,
    truths: Truths,
    settings: Sequence[Setting],
    notes: list[str],
) -> None:
    if len(queries) < spec.queries and spec.vectors is None:
        notes.append(f"The table has {len(queries):,} rows to draw, so that many are the queries.")
    if (truths.cases[0].present < spec.limit).any():
        notes.append(
            f"There are fewer than {spec.limit:,} other rows to find; recall is of those there are."
        )
    short = [s for s in settings if s.ef_search is not None and s.ef_search <= spec.limit]
    if short and spec.vectors is None:
        notes.append(
            "A query's own row takes a place of ef_search: where that is no more than the limit, "
            "fewer rows than asked are found."
        )
    if len(queries) < 20:
        notes.append("With fewer than 20 queries, p95 and the interval say little.")


def _control(cells: Sequence[Cell], truths: Truths, notes: list[str]) -> str:
    """Compare the answers of the exact scan with the truth; return a sentence on it."""
    scans = [cell for cell in cells if cell.setting.exact and cell.numbers]
    other = 0
    for cell in scans:
        truth = truths.cases[cell.case].distances
        found = as_truth(cell.answers, truth.shape[1]).distances
        other += int((found != truth[cell.numbers]).any(axis=1).sum())
    asked = sum(len(cell.numbers) for cell in scans)
    if other:
        notes.append(
            f"{other:,} of {asked:,} exact scans found other distances than the truth had: rows "
            "were written meanwhile, or values differ in the last digits."
        )
    if not asked or other:
        return ""
    return f"{asked:,} exact scans, whose plans name no vector index, found the same distances."


# -- throughput and what is noticed


def _with_throughput(
    db: Database, run: Run, points: list[SweepPoint], reporter: Reporter
) -> tuple[list[SweepPoint], float, list[str]]:
    """Measure the exact scan and the front without a filter at each number of connections."""
    main = [point for point in points if point.case == ALL_ROWS]
    front = pareto_front([point.recall for point in main], [point.p95_ms for point in main])
    chosen = {main[place].setting for place in front} | {
        point.setting for point in main if point.setting.exact
    }
    spent, notes, rates = 0.0, [], {}
    ordered = [point for point in main if point.setting in chosen]
    for number, point in enumerate(ordered):
        reporter.report(Progress(number, len(ordered), "throughput", "settings"))
        try:
            rates[point.setting], took, told = throughput(db, run, point, reporter)
        except Cancelled:
            notes.append("It was stopped before all throughput was measured.")
            break
        except PgvistaError as error:
            notes.append(f"Throughput was not measured to the end: {error.message}")
            break
        spent += took
        notes += told
    return (
        [
            replace(point, qps=rates[point.setting])
            if point.case == ALL_ROWS and point.setting in rates
            else point
            for point in points
        ],
        spent,
        notes,
    )


def _observations(points: Sequence[SweepPoint], indexes: Sequence[IndexInfo]) -> list[str]:
    """Return sentences on settings that were not run as they were meant."""
    notes = []
    for item in indexes:
        own = [point for point in points if point.setting.index == item.name]
        other = sorted(
            {point.used for point in own if point.used not in (None, item.name)} - {None}
        )
        scanned = [point for point in own if point.used is None]
        if own and other:
            notes.append(
                f"Postgres uses {', '.join(map(str, other))} where {item.name} was meant: both serve the same "
                "order, and it takes the one it thinks cheaper. Drop one to measure the other."
            )
        if own and len(scanned) == len(own):
            notes.append(
                f"Postgres never uses {item.name}: it thinks comparing every row cheaper, or the "
                "index does not serve these searches."
            )
        elif scanned:
            told = ", ".join(f"{point.setting.knob} ({point.case})" for point in scanned[:4])
            more = f" and {len(scanned) - 4} more" if len(scanned) > 4 else ""
            notes.append(
                f"Postgres compares every row instead of using {item.name} at {told}{more}: it "
                "thinks that cheaper there."
            )
    return notes
