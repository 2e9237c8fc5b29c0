"""Throughput: the queries a second that several connections get at once."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.progress import Reporter
from pgvista.model.sweep import ALL_ROWS, SweepPoint
from pgvista.science.throughput import queries_per_second
from pgvista.services.sweep_run import Run
from pgvista.services.truth import apply_settings
from pgvista.sql.query import Query

LONGEST_S = 5.0
"""A number of connections is left out when a single round of queries would take longer."""
_DISTINCT = 50


def throughput(
    db: Database, run: Run, point: SweepPoint, reporter: Reporter
) -> tuple[dict[int, float], float, list[str]]:
    """Return queries a second by number of connections, the time spent, and sentences on gaps.

    Connections are opened before the clock starts. Where the server takes no more of them, or it
    would take too long, the larger numbers are left out. Raises Cancelled.
    """
    case = next(item for item in run.cases if item.name == ALL_ROWS)
    count = min(_DISTINCT, len(run.queries))
    queries = [run.query(number, point.setting, case) for number in range(count)]
    rates: dict[int, float] = {}
    spent, notes = 0.0, []
    for number in sorted(set(run.spec.connections)):
        reporter.check()
        if number * point.p50_ms / 1000 > LONGEST_S:
            notes.append(
                f"Throughput of {point.setting.knob} was not measured with {number} connections or more: "
                "it would take too long."
            )
            break
        crew = _Crew(db, run, point, queries, number)
        try:
            finished, began = crew.work(run.spec.throughput_s)
        except PgvistaError as error:
            notes.append(f"Throughput with {number} connections was not measured: {error.message}")
            break
        rates[number] = queries_per_second(finished, began)
        spent += max(finished, default=began) - began
    return rates, spent, notes


class _Crew:
    """So many threads, each with a connection of its own."""

    def __init__(
        self, db: Database, run: Run, point: SweepPoint, queries: list[Query], number: int
    ) -> None:
        self._db, self._run, self._point, self._queries = db, run, point, queries
        self._number = number
        self._ready = threading.Barrier(number + 1)
        self._finished: list[float] = []
        self._error: PgvistaError | None = None

    def work(self, seconds: float) -> tuple[list[float], float]:
        """Return when each query finished, and when the first began. Raises PgvistaError."""
        threads = [
            threading.Thread(target=self._one, args=(number, seconds), daemon=True)
            for number in range(self._number)
        ]
        for thread in threads:
            thread.start()
        with suppress(threading.BrokenBarrierError):
            self._ready.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise self._error
        return self._finished, began

    def _one(self, number: int, seconds: float) -> None:
        try:
            with self._db.dedicated() as connection:
                knobs = self._run.knobs(self._point.setting)
                apply_settings(connection, knobs, self._db.statement_timeout_ms)
                self._ready.wait()
                self._loop(connection, number, time.perf_counter() + seconds)
                connection.rollback()
        except PgvistaError as error:
            self._error = error
            self._ready.abort()
        except threading.BrokenBarrierError:
            pass

    def _loop(self, connection: Connection[Any], number: int, until: float) -> None:
        cursor = connection.cursor()
        place = number * 7
        while True:
            query = self._queries[place % len(self._queries)]
            cursor.execute(query.statement, query.params, prepare=False).fetchall()
            now = time.perf_counter()
            self._finished.append(now)  # a list's append is atomic
            if now >= until:
                return
            place += 1
