"""Build an index as a job: with progress, as Postgres tells it, and with a way to stop it."""

from __future__ import annotations

import threading
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Cancelled, PgvistaError
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.index import IndexSpec
from pgvista.model.progress import Progress, Reporter
from pgvista.services.indexes import create_index
from pgvista.sql import progress as progress_sql

POLL_S = 0.5


def build_index(
    db: Database, collection: Collection, spec: IndexSpec, *, reporter: Reporter
) -> IndexInfo:
    """Build an index as `create_index` does, telling `reporter` how far it is.

    When the reporter says stop, the statement is cancelled, nothing of the index is left, and
    Cancelled is raised.
    """
    watcher = _Watcher(db, collection, reporter)
    watcher.start()
    try:
        return create_index(db, collection, spec)
    except PgvistaError:
        if watcher.stopped_by is not None:
            raise watcher.stopped_by from None
        raise
    finally:
        watcher.end()


class _Watcher(threading.Thread):
    """Looks at the build twice a second from a connection of the pool."""

    def __init__(self, db: Database, collection: Collection, reporter: Reporter) -> None:
        super().__init__(name="pgvista-index-build", daemon=True)
        self.stopped_by: Cancelled | None = None
        self._db = db
        self._collection = collection
        self._reporter = reporter
        self._over = threading.Event()

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(POLL_S):
            try:
                found = self._db.read(self._look)
            except PgvistaError:
                continue  # the build itself tells what is wrong
            if found is not None and self._tell(*found):
                return

    def _look(self, connection: Connection[Any]) -> tuple[int, Progress] | None:
        query = progress_sql.index_build(self._collection.schema, self._collection.table)
        row = connection.execute(query.sql, query.params).fetchone()
        if row is None:
            return None
        pid, phase, blocks_done, blocks_total, tuples_done, tuples_total = row
        stage = phase.removeprefix("building index: ")
        if tuples_total:
            return pid, Progress(tuples_done, tuples_total, stage, "rows")
        return pid, Progress(blocks_done or 0, blocks_total or None, stage, "blocks")

    def _tell(self, pid: int, progress: Progress) -> bool:
        """Report, and cancel the build when a person stopped it; return whether it was."""
        self._reporter.report(progress)
        try:
            self._reporter.check()
        except Cancelled as stopped:
            self.stopped_by = stopped
            query = progress_sql.cancel_statement(pid)
            try:
                self._db.read(lambda connection: connection.execute(query.sql, query.params))
            except PgvistaError:
                self.stopped_by = None
            return self.stopped_by is not None
        return False
