"""One value in a typed column and in jsonb: what each way of asking for it costs, measured.

All is done on a temporary table in one transaction that is rolled back: nothing is left behind.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import PermissionDenied, ReadOnly
from pgvista.model.collection import Collection
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.search import IterativeScan, Plan, PlanNode, SearchRequest
from pgvista.services.plan import read_plan
from pgvista.sql import lesson_metadata as sql
from pgvista.sql.lesson_metadata import FIRST_YEAR, LAST_YEAR, ROWS, Form, Index
from pgvista.sql.query import Query, local_settings
from pgvista.sql.search import plan as explain

YEARS = (1973, 1985, 2000, 2012, 2024)
"""Years that are asked for: the later, the more rows."""
BELOW = 1977
"""The range that is asked for: ``< 1977``."""
VECTOR_YEARS = (1973, 2024)
VECTOR_FORMS = (Form.COLUMN, Form.CONTAINS, Form.TEXT)
SCANS = (IterativeScan.OFF, IterativeScan.STRICT)

EQUAL = (Form.COLUMN, Form.CONTAINS, Form.PATH, Form.TEXT, Form.VALUE, Form.CAST)
RANGE = (
    Form.COLUMN_BELOW,
    Form.VALUE_BELOW,
    Form.PATH_BELOW,
    Form.CAST_BELOW,
    Form.FILTER_BELOW,
)
_ON_JSONB = tuple(form for form in (*EQUAL, *RANGE) if not form.value.startswith("column"))
_ASKED: dict[Index, tuple[Form, ...]] = {
    Index.NONE: (Form.COLUMN, Form.CONTAINS),
    Index.COLUMN: (Form.COLUMN,),
    Index.GIN: (Form.CONTAINS,),
    Index.EXPRESSION: (Form.CAST,),
}
"""What is asked for each year; the others of a kind are asked once."""
_REPEATS = 3
_BUFFERS = "64MB"
_ROW_ASKED = 77


@dataclass(frozen=True, slots=True)
class Run:
    """A statement as it was run: the plan of the run whose time was the median of three."""

    form: Form
    index: Index
    year: int
    plan: Plan = field(repr=False)
    sql: str = field(repr=False)
    served: bool
    """Whether the condition was looked up in an index."""
    reading: str
    """The step that reads the rows or the index, e.g. ``Bitmap Index Scan``."""
    ms: float
    """Execution time as EXPLAIN ANALYZE measured it."""

    @property
    def _top(self) -> PlanNode:
        return self.plan.nodes[0]

    @property
    def estimated(self) -> float:
        """Rows that the planner expected to meet the condition."""
        return self._top.estimated_rows

    @property
    def rows(self) -> int:
        """Rows that came out."""
        return int(self._top.actual_rows or 0)

    @property
    def pages(self) -> int:
        """Pages of 8 kB that were read, of table and index."""
        nodes = self.plan.nodes
        return sum((node.buffers_hit or 0) + (node.buffers_read or 0) for node in nodes)

    @property
    def condition(self) -> str:
        """The condition as it is run."""
        return sql.condition_text(self.form, self.year)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes: the table, all values of the year, all of the metadata, each index."""

    table_bytes: int
    column_bytes: int
    metadata_bytes: int
    index_bytes: Mapping[Index, int]


@dataclass(frozen=True, slots=True)
class MetadataLesson:
    """All that was measured without vectors."""

    rows: int
    example: tuple[int, Mapping[str, Any]]
    """The year and the metadata of one row."""
    sizes: Sizes
    runs: Mapping[tuple[Index, Form, int], Run]
    counts: Mapping[int, int]
    """Rows of each year."""
    estimates: Mapping[tuple[Index, Form], Sequence[float]]
    """Rows that the planner expects, for each year from 1970 to 2024."""
    sql: str
    """How the table was made and asked."""

    def run(self, index: Index, form: Form, year: int) -> Run:
        """Return what was measured. KeyError where it was not."""
        return self.runs[index, form, year]

    def below(self, year: int) -> int:
        """Return how many rows have an earlier year."""
        return sum(count for other, count in self.counts.items() if other < year)


@dataclass(frozen=True, slots=True)
class VectorRun:
    """The ten nearest rows under a condition: what the planner expected, chose and got."""

    form: Form
    year: int
    scan: IterativeScan
    estimated: float
    """Rows that the planner expected to meet the condition."""
    by_vector: bool
    """Whether the vector index was read, and the condition asked of what came out of it."""
    rows: int
    pages: int
    ms: float
    sql: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VectorLesson:
    """All that was measured with vectors."""

    counts: Mapping[int, int]
    runs: tuple[VectorRun, ...]
    sql: str


def measure(
    db: Database, collection: Collection, reporter: Reporter | None = None
) -> MetadataLesson:
    """Repeat the collection's rows to 20,000, and ask for a year in every way: some 3 s.

    Raises ReadOnly and PermissionDenied where no temporary table can be made, and Cancelled.
    """
    reporter = reporter or SilentReporter()
    with _table(db, collection, None, reporter) as (connection, made):
        counts = dict(_all(connection, sql.years()))
        example = _all(connection, sql.example())[0]
        table_bytes, _, column_bytes, metadata_bytes = _all(connection, sql.sizes())[0]
        runs: dict[tuple[Index, Form, int], Run] = {}
        index_bytes: dict[Index, int] = {}
        estimates: dict[tuple[Index, Form], Sequence[float]] = {}
        for number, index in enumerate(Index):
            reporter.report(Progress(number, len(Index), _stage(index), "indexes"))
            reporter.check()
            connection.execute("savepoint bare")
            if index is not Index.NONE:
                _run(connection, sql.create_index(index))
                _run(connection, sql.analyze())
                index_bytes[index] = int(_all(connection, sql.sizes())[0][1])
            for form, year in _asked(index):
                reporter.check()
                runs[index, form, year] = _measured(connection, index, form, year)
            for form in _estimated(index):
                estimates[index, form] = _estimates(connection, form)
            connection.execute("rollback to savepoint bare")
        indexes = [
            f"{sql.create_index(index).text()};" for index in Index if index is not Index.NONE
        ]
    return MetadataLesson(
        rows=ROWS,
        example=(int(example[0]), example[1]),
        sizes=Sizes(int(table_bytes), int(column_bytes), int(metadata_bytes), index_bytes),
        runs=runs,
        counts=counts,
        estimates=estimates,
        sql="\n".join([made, "-- one at a time:", *indexes, "rollback;"]),
    )


def measure_vectors(
    db: Database, collection: Collection, reporter: Reporter | None = None
) -> VectorLesson:
    """Build an HNSW index beside those on the year, and ask for the nearest rows of a year.

    Raises as `measure`.
    """
    reporter = reporter or SilentReporter()
    schema = collection.extension_schema
    dimension = min(sql.DIMENSIONS, collection.dimension or sql.DIMENSIONS)
    with _table(db, collection, dimension, reporter) as (connection, made):
        counts = dict(_all(connection, sql.years()))
        reporter.report(Progress(stage="building the HNSW index"))
        reporter.check()
        built = [
            sql.create_vector_index(schema),
            sql.create_index(Index.COLUMN),
            sql.create_index(Index.GIN),
        ]
        for query in built:
            _run(connection, query)
            reporter.check()
        _run(connection, sql.analyze())
        vector = _all(connection, sql.vector_of(_ROW_ASKED))[0][0]
        iterative = db.capabilities.supports_iterative_scan
        runs = []
        for scan in SCANS if iterative else SCANS[:1]:
            settings = {"hnsw.iterative_scan": scan.value} if iterative else {}
            for name, value in settings.items():
                connection.execute("select set_config(%s, %s, true)", (name, value))
            for year in VECTOR_YEARS:
                for form in VECTOR_FORMS:
                    reporter.check()
                    query = sql.nearest(form, year, vector, schema)
                    runs.append(_nearest(connection, query, form, year, scan, settings))
    return VectorLesson(
        counts,
        tuple(runs),
        "\n".join([made, *(f"{query.text()};" for query in built), "rollback;"]),
    )


# -- parts


@contextmanager
def _table(
    db: Database, collection: Collection, dimension: int | None, reporter: Reporter
) -> Iterator[tuple[Connection[Any], str]]:
    """Give a connection on which the table is filled, and the SQL that did it; all is undone."""
    refuse_read_only(db)
    queries = [
        sql.create_table(dimension, collection.extension_schema),
        sql.seed(),
        sql.fill(collection, dimension),
        sql.analyze(),
    ]
    with db.dedicated() as connection:
        reporter.report(Progress(stage=f"making {ROWS:,} rows"))
        # pages of temporary tables are kept in a memory of the session's own, whose size is settled
        # once it was used: a pooler may hand out a session where it was
        with suppress(psycopg.Error), connection.transaction():
            connection.execute("select set_config('temp_buffers', %s, true)", (_BUFFERS,))
        connection.execute("set local max_parallel_workers_per_gather = 0")
        connection.execute("set local jit = off")
        try:
            _run(connection, queries[0])
        except psycopg.errors.InsufficientPrivilege:
            raise PermissionDenied(
                "This role may not make temporary tables, so nothing can be measured here.",
                "Ask the owner of the database: grant temporary on database ... to ...",
            ) from None
        for query in queries[1:]:
            reporter.check()
            _run(connection, query)
        yield connection, "\n".join(["begin;", *(f"{query.text()};" for query in queries)])
        connection.rollback()


def refuse_read_only(db: Database) -> None:
    """Raise ReadOnly where no temporary table can be made."""
    if db.read_only:
        raise ReadOnly(
            "The connection is read-only, and what is measured here needs a temporary table.",
            "Open the connection for writing on the page Connect; nothing is left behind.",
        )


def _asked(index: Index) -> Iterator[tuple[Form, int]]:
    """Yield what is measured with one index."""
    for form in _ASKED[index]:
        for year in YEARS:
            yield form, year
    if index is Index.GIN:
        for form in _ON_JSONB:
            if form in RANGE:
                yield form, BELOW
            elif form not in _ASKED[index]:
                yield form, YEARS[0]
    if index is Index.COLUMN:
        yield Form.COLUMN_BELOW, BELOW
    if index is Index.EXPRESSION:
        yield Form.CAST_BELOW, BELOW


def _estimated(index: Index) -> tuple[Form, ...]:
    if index is Index.NONE:
        return (*EQUAL, *RANGE)
    return (Form.CAST, Form.CAST_BELOW) if index is Index.EXPRESSION else ()


def _stage(index: Index) -> str:
    return {
        Index.NONE: "asking without an index",
        Index.COLUMN: "a btree on the column",
        Index.GIN: "GIN on the metadata",
        Index.EXPRESSION: "a btree on the expression",
    }[index]


def _measured(connection: Connection[Any], index: Index, form: Form, year: int) -> Run:
    query = sql.select(form, year)
    plans = [_explained(connection, query) for _ in range(_REPEATS)]
    middle = statistics.median_low([plan.execution_ms or 0.0 for plan in plans])
    plan = next(plan for plan in plans if (plan.execution_ms or 0.0) == middle)
    served = any(detail.startswith("Index Cond") for node in plan.nodes for detail in node.details)
    return Run(
        form,
        index,
        year,
        plan,
        f"{query.text()};",
        served,
        plan.nodes[-1].title.partition(" on ")[0].partition(" using ")[0],
        middle,
    )


def _estimates(connection: Connection[Any], form: Form) -> tuple[float, ...]:
    """Return the planner's guess for each year, without running anything."""
    found = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        explained = _all(connection, explain(sql.select(form, year), analyze=False))[0][0]
        found.append(float(explained[0]["Plan"]["Plan Rows"]))
    return tuple(found)


def _nearest(
    connection: Connection[Any],
    query: Query,
    form: Form,
    year: int,
    scan: IterativeScan,
    settings: Mapping[str, str],
) -> VectorRun:
    _explained(connection, query)  # the first one reads pages that are not in memory
    start = time.perf_counter()
    rows = _all(connection, query)
    took = (time.perf_counter() - start) * 1000
    plan = _explained(connection, query)
    expected = _explained(connection, sql.select(form, year)).nodes[0].estimated_rows
    return VectorRun(
        form=form,
        year=year,
        scan=scan,
        estimated=expected,
        by_vector=plan.vector_index is not None,
        rows=len(rows),
        pages=sum((node.buffers_hit or 0) + (node.buffers_read or 0) for node in plan.nodes),
        ms=took,
        sql=f"{local_settings(settings)}{query.text()};",
    )


def _explained(connection: Connection[Any], query: Query) -> Plan:
    explained = _all(connection, explain(query, analyze=True))[0][0]
    _as_shared(explained[0]["Plan"])
    return read_plan(explained, SearchRequest(text="-"))


def _as_shared(node: dict[str, Any]) -> None:
    """Count the pages of a temporary table, which are the session's own, as any others."""
    for kind in ("Hit", "Read"):
        local = node.get(f"Local {kind} Blocks", 0)
        node[f"Shared {kind} Blocks"] = node.get(f"Shared {kind} Blocks", 0) + local
    for child in node.get("Plans", ()):
        _as_shared(child)


def _run(connection: Connection[Any], query: Query) -> None:
    connection.execute(query.sql, query.params, prepare=False)


def _all(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(query.sql, query.params, prepare=False).fetchall()
