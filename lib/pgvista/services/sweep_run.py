"""The measuring of a sweep: settings take turns, each query is timed alone, and changes are seen."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.db.errors import translated
from pgvista.errors import Cancelled, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.progress import Progress, Reporter
from pgvista.model.search import IterativeScan
from pgvista.model.sweep import Setting, SweepSpec
from pgvista.services.truth import Case, Queries, apply_settings, search_index
from pgvista.sql import map as map_sql
from pgvista.sql import search as search_sql
from pgvista.sql import sweep as sweep_sql
from pgvista.sql.nearest import nearest
from pgvista.sql.query import Query

BLOCK = 10
"""Queries asked in a row before the next setting has its turn."""
BASELINE_QUERIES = 30
"""The exact scan is asked so many queries: it is slow, and its recall is known."""
EXPLAINED = 2
"""Queries whose plan and buffers are read."""
WARM_UP = 10
"""Queries asked of an index setting before those that count; they are thrown away."""

Answer = list[tuple[str, float]]


@dataclass(slots=True)
class TableState:
    """What a table was like when a sweep of it began, and what is known of its changes."""

    oid: int
    file: int
    writes: int
    """Rows written, as Postgres' counters last told. They lag: a session that loaded rows may tell
    of them ten seconds later, so that a change of theirs is a reason to look, and no proof."""
    indexes: frozenset[str]
    contents: str
    """The rows' versions, as `sql.map.contents` sums them."""
    written: bool = False
    """Whether rows were written since."""

    @classmethod
    def read(cls, connection: Connection[Any], collection: Collection) -> TableState | None:
        """Return the state of now; None when the table is gone."""
        found = _state(connection, collection)
        if not found:
            return None
        oid, file, writes, indexes = found
        contents = _contents(connection, collection)
        return cls(oid, file, writes, frozenset(indexes), contents)


@dataclass(frozen=True, slots=True)
class Run:
    """All that measuring needs."""

    db: Database
    connection: Connection[Any]
    collection: Collection
    spec: SweepSpec
    queries: Queries
    cases: Sequence[Case]
    settings: Sequence[Setting]
    table: TableState

    def query(self, number: int, setting: Setting, case: Case) -> Query:
        """Return the statement of one query."""
        request = setting.request(
            tuple(self.queries.vectors[number].tolist()),
            self.spec.limit,
            filters=case.filters,
            share=case.share,
            exclude_id=self.queries.ids[number],
        )
        return nearest(self.collection, request)

    def knobs(self, setting: Setting) -> Mapping[str, str]:
        """Return what is SET LOCAL for a setting."""
        found = dict(
            setting.request((0.0,) * max(1, setting.leading or 1), 1).settings(
                iterative_scan=self.db.capabilities.supports_iterative_scan
            )
        )
        # two indexes of one order: the other's knob, which changes nothing else, makes it dear
        methods = {item.method for item in self.settings if item.target is setting.target}
        if {"hnsw", "ivfflat"} <= methods:
            if setting.method == "hnsw":
                found["ivfflat.probes"] = "32768"
            elif setting.method == "ivfflat":
                found["hnsw.ef_search"] = "1000"
        return found


@dataclass(slots=True)
class Cell:
    """What was measured of one setting in one case."""

    setting: Setting
    case: int
    """Its place among the cases."""
    used: str | None = None
    plan: str = ""
    buffers: list[tuple[int, int]] = field(default_factory=list)
    """Pages hit and read, of each query explained."""
    numbers: list[int] = field(default_factory=list)
    """Which queries were asked."""
    answers: list[Answer] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    off: bool = False
    """Not to be asked any more."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The cells, and how the measuring ended."""

    cells: list[Cell]
    query_s: float
    complete: bool
    notes: list[str]


def measure(run: Run, reporter: Reporter) -> Measured:
    """Ask every query in every setting and case.

    When it is stopped after some queries, what they gave is returned, and `complete` is False.
    Raises Cancelled when nothing was measured yet.
    """
    cells = [
        Cell(setting, number)
        for number, case in enumerate(run.cases)
        for setting in run.settings
        if _matters(run.spec, setting, case)
    ]
    notes: list[str] = []
    spent = [0.0]
    complete = True
    try:
        for number, cell in enumerate(cells):
            reporter.check()
            reporter.report(Progress(number, len(cells), "warming up", "settings"))
            _guarded(run, cell, notes, lambda cell=cell: _warm_up(run, cell, spent))
        complete = _take_turns(run, cells, notes, spent, reporter)
    except Cancelled:
        asked = max((len(cell.numbers) for cell in cells), default=0)
        if not asked:
            raise
        complete = False
        whole = run.spec.rounds * len(run.queries)
        notes.append(f"It was stopped: its figures are of {asked:,} of {whole:,} queries.")
    except PgvistaError as error:
        complete = False
        notes.append(f"The sweep ended early: {error.message}")
    return Measured(cells, spent[0], complete and not any(cell.off for cell in cells), notes)


def _matters(spec: SweepSpec, setting: Setting, case: Case) -> bool:
    """Tell whether to measure a setting: without a filter an iterative scan has nothing to add."""
    unfiltered = case.filters is None and case.share is None
    plain = setting.iterative_scan is IterativeScan.OFF
    return plain or not unfiltered or spec.iterative_scans is not None


def _take_turns(
    run: Run, cells: list[Cell], notes: list[str], spent: list[float], reporter: Reporter
) -> bool:
    """Ask blocks of queries, every cell in turn and in another order each time."""
    shuffle = random.Random(run.spec.seed)  # noqa: S311 - no secret hangs on it
    count = len(run.queries)
    order = list(range(count))
    total = run.spec.rounds * sum(
        min(count, BASELINE_QUERIES) if cell.setting.exact else count for cell in cells
    )
    done = 0
    complete = True
    for _ in range(run.spec.rounds):
        shuffle.shuffle(order)
        for start in range(0, count, BLOCK):
            turns = [
                cell
                for cell in cells
                if not cell.off and not (cell.setting.exact and start >= BASELINE_QUERIES)
            ]
            shuffle.shuffle(turns)
            marks = {id(cell): len(cell.numbers) for cell in turns}
            for cell in turns:
                _check(reporter, turns, marks)
                block = order[start : start + BLOCK]
                if cell.setting.exact:
                    block = block[: BASELINE_QUERIES - start]
                _guarded(
                    run, cell, notes, lambda cell=cell, block=block: _ask(run, cell, block, spent)
                )
                done += len(block)
                reporter.report(Progress(min(done, total), total, "measuring", "queries"))
            complete = _unchanged(run, turns, marks, notes) and complete
    return complete


def _check(reporter: Reporter, turns: list[Cell], marks: dict[int, int]) -> None:
    """Pass Cancelled on, and forget the turn that it ends: settings are compared on one set."""
    try:
        reporter.check()
    except Cancelled:
        _take_back(turns, marks)
        raise


def _guarded(run: Run, cell: Cell, notes: list[str], work: Any) -> None:
    """Do `work`; when Postgres refuses it, leave the setting alone from now on and say why."""
    try:
        with translated(run.db.label):
            work()
    except PgvistaError as error:
        if run.connection.closed or run.connection.broken:
            raise
        run.connection.rollback()
        if not _state(run.connection, run.collection):
            raise
        cell.off = True
        notes.append(
            f"{cell.setting.knob} of {cell.setting.index or 'no index'} ({run.cases[cell.case].name}) "
            f"was given up: {error.message}"
        )


def _warm_up(run: Run, cell: Cell, spent: list[float]) -> None:
    """Ask a few queries that do not count, and explain a few: that tells plan and buffers."""
    began = time.perf_counter()
    apply_settings(run.connection, run.knobs(cell.setting), run.db.statement_timeout_ms)
    case, count = run.cases[cell.case], len(run.queries)
    for number in range(0 if cell.setting.exact else min(WARM_UP, count)):
        query = run.query(number, cell.setting, case)
        run.connection.execute(query.statement, query.params, prepare=False).fetchall()
    for number in range(min(EXPLAINED, count)):
        query = search_sql.plan(run.query(count - 1 - number, cell.setting, case), analyze=True)
        answer = run.connection.execute(query.sql, query.params, prepare=False).fetchall()[0][0]
        top = answer[0]["Plan"]
        cell.buffers.append(
            (int(top.get("Shared Hit Blocks", 0)), int(top.get("Shared Read Blocks", 0)))
        )
        cell.used = search_index(answer)
        cell.plan = _plan_sentence(answer, cell.used)
    run.connection.commit()
    spent[0] += time.perf_counter() - began


def _plan_sentence(explained: Any, used: str | None) -> str:
    nodes, removed, workers = [explained[0]["Plan"]], 0, 0
    while nodes:
        node = nodes.pop()
        removed += int(node.get("Rows Removed by Filter", 0))
        workers = max(workers, int(node.get("Workers Launched", 0)))
        nodes.extend(node.get("Plans", ()))
    how = f"Index scan using {used}" if used else "Every row compared"
    also = f", with {workers} parallel worker{'' if workers == 1 else 's'}" if workers else ""
    return f"{how}{also}" + (f"; {removed:,} rows removed by the filter" if removed > 1 else "")


def _ask(run: Run, cell: Cell, block: Sequence[int], spent: list[float]) -> None:
    """Time each query of a block by itself: from sending it to having its rows."""
    case = run.cases[cell.case]
    prepared = [run.query(number, cell.setting, case) for number in block]
    apply_settings(run.connection, run.knobs(cell.setting), run.db.statement_timeout_ms)
    cursor = run.connection.cursor()
    for number, query in zip(block, prepared, strict=True):
        statement = query.statement
        start = time.perf_counter()
        rows = cursor.execute(statement, query.params, prepare=False).fetchall()
        took = time.perf_counter() - start
        spent[0] += took
        cell.numbers.append(number)
        cell.answers.append(rows)
        cell.times_s.append(took)
    run.connection.commit()


# -- changes


def _state(connection: Connection[Any], collection: Collection) -> tuple[Any, ...]:
    """Return what `sql.sweep.state` tells; empty when the table is gone."""
    query = sweep_sql.state(collection)
    rows = connection.execute(query.sql, query.params, prepare=False).fetchall()
    connection.commit()
    return rows[0] if rows else ()


def _contents(connection: Connection[Any], collection: Collection) -> str:
    query = map_sql.contents(collection)
    [(contents,)] = connection.execute(query.sql, query.params, prepare=False).fetchall()
    connection.commit()
    return str(contents)


def _unchanged(run: Run, turns: list[Cell], marks: dict[int, int], notes: list[str]) -> bool:
    """See whether table and indexes are as they were; take back what was measured since, if not.

    Raises PgvistaError when the table itself is another one.
    """
    table = run.table
    with translated(run.db.label):
        now = _state(run.connection, run.collection)
        same = now[:2] == (table.oid, table.file)
        if same and now[2] != table.writes and not table.written:
            table.writes = now[2]
            table.written = _contents(run.connection, run.collection) != table.contents
    if not same:
        _take_back(turns, marks)
        raise PgvistaError(f"{run.collection.name} was dropped or written anew.")
    gone = {text.rsplit(" ", 2)[0] for text in table.indexes - set(now[3])}
    for name in sorted(gone):
        lost = [cell for cell in turns if cell.setting.index == name]
        if lost:
            notes.append(
                f"The index {name} was dropped or rebuilt during the sweep; its points are those "
                "measured before."
            )
            _take_back(lost, marks)
            for cell in lost:
                cell.off = True
    if table.written:
        told = "Rows were written during the sweep: the truth is that of its beginning."
        if told not in notes:
            notes.append(told)
        return False
    return not gone


def _take_back(cells: list[Cell], marks: dict[int, int]) -> None:
    for cell in cells:
        kept = marks.get(id(cell), 0)
        del cell.numbers[kept:], cell.answers[kept:], cell.times_s[kept:]
