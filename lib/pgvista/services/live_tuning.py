"""One query by an index, beside the truth: which of the nearest rows it finds, and what it costs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from pgvista.db.database import Database
from pgvista.errors import NotFound
from pgvista.model.collection import Collection
from pgvista.model.diagnosis import Diagnosis, Facts, Measured, VectorIndex
from pgvista.model.search import Mode, Plan, SearchRequest
from pgvista.model.tuning import MAX_EF_SEARCH, NearestRequest
from pgvista.services.diagnosis import diagnose_plan
from pgvista.services.ordering import walk
from pgvista.services.plan import read_plan
from pgvista.sql import live_tuning as sql
from pgvista.sql import nearest as nearest_sql
from pgvista.sql import search as search_sql

TRUTH_DEPTH = 100
"""So many exact rows are fetched at least, so that a moved limit needs no second exact search."""
EF_STEPS = (1, 2, 5, 10, 20, 40, 80, 120, 200, 400, 700, MAX_EF_SEARCH)
PROBES_STEPS = (1, 2, 3, 5, 8, 12, 20, 32, 50, 100, 200, 400)

CLIMB_MS = 150
"""So long the steps of a knob are tried; what takes longer shall not hold up the page."""

_OWN_PLAN = {"plan_cache_mode": "force_custom_plan"}
"""A prepared statement's plan is kept, and not made anew when enable_indexscan or a knob changes: the
exact search would be answered by the index, or the other way round."""


class Mark(StrEnum):
    """What became of a row."""

    HIT = "hit"
    """Among the nearest, and found."""
    MISSED = "missed"
    """Among the nearest, and not found."""
    EXTRA = "extra"
    """Found, and not among the nearest."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row of either list."""

    id: str
    distance: float
    mark: Mark
    exact_rank: int | None
    """Place among the nearest, from 1."""
    index_rank: int | None
    """Place in what the index returned, from 1."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The nearest rows by the exact search, (id, distance), and the time of that search."""

    rows: tuple[tuple[str, float], ...]
    depth: int
    """So many were asked for."""
    database_ms: float
    rows_read: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a search read, as EXPLAIN (ANALYZE, BUFFERS) measured it."""

    rows_read: int
    """Rows that the scan handed on, with those that a filter threw away."""
    buffers_hit: int
    """Pages of 8 kB, from Postgres's memory."""
    buffers_read: int
    """Pages of 8 kB, from outside of it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the index found with one set of knobs, beside the truth."""

    rows: tuple[Found, ...]
    """Both lists as one, nearest first."""
    asked: int
    """Rows asked for; `due` may be fewer, in a small table or behind a filter."""
    due: int
    got: int
    database_ms: float
    """Of the plain query, from sending it to the last row."""
    cost: Cost
    plan: Plan
    diagnosis: Diagnosis
    facts: Facts | None
    settings: Mapping[str, str] = field(default_factory=dict)
    sql: str = ""
    stale: bool = False
    """Whether the truth is older than the rows: something nearer was found."""

    @property
    def hits(self) -> int:
        """How many of the nearest rows were found."""
        return sum(row.mark is Mark.HIT for row in self.rows)

    @property
    def missed(self) -> int:
        """How many of the nearest rows were not found."""
        return self.due - self.hits

    @property
    def recall(self) -> float:
        """Hits of the rows due, 0 to 1; NaN where there is nothing to find."""
        return self.hits / self.due if self.due else math.nan


@dataclass(frozen=True, slots=True)
class Step:
    """The recall of one value of ef_search or probes."""

    value: int
    hits: int


def find_truth(db: Database, collection: Collection, request: NearestRequest) -> Truth:
    """Compare every row with the query, whatever indexes there are, and say how long it took."""
    depth = max(TRUTH_DEPTH, request.limit)
    wanted = replace(request, exact=True, limit=depth)
    rows, took = _run(db, collection, wanted)
    return Truth(rows, depth, took)


def try_index(
    db: Database,
    collection: Collection,
    request: NearestRequest,
    truth: Truth,
    *,
    known: Mapping[str | None, Facts] | None = None,
    dropped: Sequence[VectorIndex] = (),
    enough: tuple[str, int] | None = None,
) -> Trial:
    """Search with these knobs, then once more under EXPLAIN, and say what was missed and why.

    The time is that of the plain query; rows read and buffers are from the second run. `known` are
    the facts of former trials by the index that was used, `dropped` indexes that were there before,
    `enough` a setting and a value known to find all.
    """
    query = nearest_sql.nearest(collection, request)
    settings = _settings(db, request)
    start = time.perf_counter()
    raw = db.query(query.statement, query.params, settings=settings)
    took = (time.perf_counter() - start) * 1000
    found = tuple((str(row[0]), float(row[1])) for row in raw)
    analyzed = sql.analyze(query)
    explained = db.query(analyzed.statement, analyzed.params, settings=settings)[0][0]
    due = truth.rows[: request.limit]
    rows = compare(found, due)
    hits = sum(row.mark is Mark.HIT for row in rows)
    shown = {name: value for name, value in settings.items() if name not in _OWN_PLAN}
    diagnosis, facts = diagnose_plan(
        db,
        query,
        explained[0],
        settings=shown,
        known=known,
        dropped=dropped,
        measured=Measured(
            asked=max(len(due), min(request.limit, len(found))),
            got=len(found),
            missed=len(due) - hits,
            left_out=int(request.exclude_id is not None),
            enough=enough,
        ),
    )
    plain = SearchRequest(mode=Mode.SEMANTIC, vector=request.vector, exact=request.exact)
    return Trial(
        rows=rows,
        asked=request.limit,
        due=len(due),
        got=len(found),
        database_ms=took,
        cost=read_cost(explained[0]["Plan"]),
        plan=read_plan(explained, plain),
        diagnosis=diagnosis,
        facts=facts,
        settings=shown,
        sql=search_sql.in_psql(query, shown),
        stale=_is_stale(found, truth),
    )


def climb(
    db: Database,
    collection: Collection,
    request: NearestRequest,
    truth: Truth,
    *,
    name: str,
    steps: Sequence[int],
) -> tuple[Step, ...]:
    """Search with growing values of a knob, until all the nearest rows are found, or CLIMB_MS passed.

    `name` is ``ef_search`` or ``probes``; the other knobs stay as they are in `request`.
    """
    due = truth.rows[: request.limit]
    climbed: list[Step] = []
    spent = 0.0
    for value in steps:
        if spent > CLIMB_MS:
            break
        knobs: dict[str, Any] = {name: value}
        found, took = _run(db, collection, replace(request, **knobs))
        spent += took
        hits = sum(row.mark is Mark.HIT for row in compare(found, due))
        climbed.append(Step(value, hits))
        if hits == len(due):
            break
    return tuple(climbed)


def random_row(db: Database, collection: Collection) -> str:
    """Return the id of a row drawn at random. Raises NotFound when no row has a vector."""
    for sampled in (True, False):
        if sampled and not sql.can_sample(collection):
            continue
        query = sql.random_row(collection, sampled=sampled)
        if rows := db.query(query.statement, query.params):
            return str(rows[0][0])
    raise NotFound(
        f"No row of {collection.name} has a vector.", "Load rows, or embed those that are there."
    )


def compare(
    found: Sequence[tuple[str, float]], due: Sequence[tuple[str, float]]
) -> tuple[Found, ...]:
    """Return both lists as one, nearest first; of rows at one distance any is as good as another.

    A row that is found at the distance of the last one due counts as a hit in place of a row due
    that was not found: which of the two stands in the exact list is chance.
    """
    exact = {row_id: (rank, distance) for rank, (row_id, distance) in enumerate(due, 1)}
    by_index = {row_id: (rank, distance) for rank, (row_id, distance) in enumerate(found, 1)}
    ties = []
    if due:
        last = due[-1][1]
        tied = [row_id for row_id, d in found if row_id not in exact and _same(d, last)]
        lost = [row_id for row_id, d in due if row_id not in by_index and _same(d, last)]
        ties = list(zip(lost, tied, strict=False))
    for row_id, other in ties:
        exact[other] = exact.pop(row_id)
    rows = [
        Found(
            row_id,
            by_index[row_id][1] if row_id in by_index else exact[row_id][1],
            (Mark.HIT if row_id in by_index else Mark.MISSED) if row_id in exact else Mark.EXTRA,
            exact[row_id][0] if row_id in exact else None,
            by_index[row_id][0] if row_id in by_index else None,
        )
        for row_id in {**exact, **by_index}
    ]
    far = math.inf
    return tuple(
        sorted(rows, key=lambda row: (row.distance, row.exact_rank or far, row.index_rank or far))
    )


def read_cost(root: Mapping[str, Any]) -> Cost:
    """Return what the plan `root`, as measured, read from the table."""
    read = 0.0
    for place in walk(root):
        node = place.node
        if "Relation Name" in node:
            loops = float(node.get("Actual Loops", 1))
            removed = float(node.get("Rows Removed by Filter", 0))
            read += (float(node.get("Actual Rows", 0)) + removed) * loops
    return Cost(
        rows_read=round(read),
        buffers_hit=int(root.get("Shared Hit Blocks", 0)),
        buffers_read=int(root.get("Shared Read Blocks", 0)),
    )


def _run(
    db: Database, collection: Collection, request: NearestRequest
) -> tuple[tuple[tuple[str, float], ...], float]:
    """Return (id, distance) of the rows found, and milliseconds."""
    query = nearest_sql.nearest(collection, request)
    start = time.perf_counter()
    rows = db.query(query.statement, query.params, settings=_settings(db, request))
    took = (time.perf_counter() - start) * 1000
    return tuple((str(row[0]), float(row[1])) for row in rows), took


def _settings(db: Database, request: NearestRequest) -> dict[str, str]:
    iterative = db.capabilities.supports_iterative_scan
    return {**request.settings(iterative_scan=iterative), **_OWN_PLAN}


def _is_stale(found: Sequence[tuple[str, float]], truth: Truth) -> bool:
    """Tell whether a row was found that is nearer than the truth knows."""
    if not truth.rows:
        return bool(found)
    known = {row_id for row_id, _ in truth.rows}
    last = truth.rows[-1][1]
    full = len(truth.rows) >= truth.depth
    return any(
        row_id not in known and (not full or (distance < last and not _same(distance, last)))
        for row_id, distance in found
    )


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
