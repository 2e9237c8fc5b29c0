"""Build an index as a job: with progress, as Postgres tells it, and with a way to stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Cancelled, Conflict, PgvistaError
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.index import AnyIndexSpec
from pgvista.model.index_build import IndexBuilt
from pgvista.model.progress import Progress, Reporter
from pgvista.services.indexes import IndexWork
from pgvista.sql import progress as progress_sql

POLL_S = 0.5

STARTING = "waiting for the server"
WAITING = "waiting for a lock"


def build_index(
    db: Database,
    collection: Collection,
    spec: AnyIndexSpec,
    *,
    reporter: Reporter,
    maintenance_work_mem_bytes: int | None = None,
) -> IndexBuilt:
    """Build an index as `create_index` does, telling `reporter` how far it is.

    When the reporter says stop, the statement is cancelled in whatever phase it is, nothing of the
    index is left, and Cancelled is raised. Stopped during ANALYZE, the index stands.
    """
    work = IndexWork(db, collection, maintenance_work_mem_bytes)
    return _watched(db, collection, work, lambda: work.create(spec), reporter)


def rebuild_index(
    db: Database,
    collection: Collection,
    index: IndexInfo,
    *,
    reporter: Reporter,
    maintenance_work_mem_bytes: int | None = None,
) -> IndexBuilt:
    """Build an index anew, as `build_index` does; stopped, the old one stays as it was."""
    work = IndexWork(db, collection, maintenance_work_mem_bytes)
    return _watched(db, collection, work, lambda: work.rebuild(index), reporter)


def _watched(
    db: Database,
    collection: Collection,
    work: IndexWork,
    run: Callable[[], IndexBuilt],
    reporter: Reporter,
) -> IndexBuilt:
    reporter.check()
    watcher = _Watcher(db, collection, work, reporter)
    watcher.start()
    try:
        return run()
    except PgvistaError:
        if work.left is not None:
            raise Conflict(
                f"The build was stopped, and the index {work.left} is left, not ready: another "
                "session has used the table all the while.",
                "It serves no search. Drop it when the other is done.",
            ) from None
        if watcher.stopped_by is not None:
            raise watcher.stopped_by from None
        raise
    finally:
        watcher.end()


class _Watcher(threading.Thread):
    """Looks at the build twice a second from a connection of the pool."""

    def __init__(
        self, db: Database, collection: Collection, work: IndexWork, reporter: Reporter
    ) -> None:
        super().__init__(name="pgvista-index-build", daemon=True)
        self.stopped_by: Cancelled | None = None
        self._db = db
        self._collection = collection
        self._work = work
        self._reporter = reporter
        self._over = threading.Event()

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(POLL_S):
            try:
                self._reporter.check()
                progress = self._db.read(self._look)
            except Cancelled as stopped:
                self.stopped_by = stopped
                if self._work.running:  # not while it removes what is left
                    self._work.cancel()
                continue
            except PgvistaError:
                continue  # the build itself tells what is wrong
            self._reporter.report(progress)

    def _look(self, connection: Connection[Any]) -> Progress:
        query = progress_sql.index_build(
            self._work.pid, self._collection.schema, self._collection.table
        )
        row = connection.execute(query.sql, query.params).fetchone()
        message = self._work.notices[-1].partition(". ")[0] if self._work.notices else ""
        if row is None:
            return Progress(stage=STARTING, message=message)
        phase, blocks_done, blocks_total, tuples_done, tuples_total, blockers, state = row
        if blockers:
            who = f"process {blockers[0]}" + (f" ({state})" if state else "")
            message = ". ".join(filter(None, [f"{who} is in the way", message]))
        if phase is None:
            stage = WAITING if blockers else self._work.doing
            return Progress(stage=stage, message=message)
        stage = phase.removeprefix("building index: ")
        if tuples_total:
            return Progress(tuples_done, tuples_total, stage, "rows", message)
        if tuples_done:
            message = ". ".join(filter(None, [f"{tuples_done:,} rows", message]))
        return Progress(blocks_done or 0, blocks_total or None, stage, "blocks", message)
