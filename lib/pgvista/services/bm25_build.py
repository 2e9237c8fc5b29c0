"""Build BM25's side tables as a job: with a word on how it stands, and with a way to stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Cancelled, PermissionDenied, PgvistaError, ReadOnly
from pgvista.model.collection import Collection
from pgvista.model.progress import Progress, Reporter
from pgvista.services import bm25, catalog
from pgvista.services.bm25_state import Bm25Status, status
from pgvista.sql import bm25 as bm25_sql
from pgvista.sql import bm25_build as build_sql
from pgvista.sql import progress as progress_sql
from pgvista.sql.query import Query

POLL_S = 0.5


def statements(db: Database, collection: Collection) -> list[Query]:
    """Return what `bm25.build` would run, with 0 for the number that the side tables will get."""
    query = bm25_sql.has_labels(collection)
    labelled = db.read(lambda connection: catalog.run(connection, query).fetchone())
    return build_sql.statements(
        collection,
        labelled=bool(labelled and labelled[0]),
        can_replace=db.capabilities.can_replace_triggers,
    )


def build_as_job(db: Database, collection: Collection, reporter: Reporter) -> Bm25Status:
    """Build as `bm25.build` does, and return how the side tables are then."""
    return _watched(db, collection, reporter, bm25.build)


def refresh_as_job(db: Database, collection: Collection, reporter: Reporter) -> Bm25Status:
    """Bring the side tables in step as `bm25.refresh` does, and return how they are then."""
    return _watched(db, collection, reporter, bm25.refresh)


def _watched(
    db: Database,
    collection: Collection,
    reporter: Reporter,
    work: Callable[[Database, Collection], Collection],
) -> Bm25Status:
    """Do the work while another thread looks at it.

    When the reporter says stop, the statement is cancelled, everything is as it was before, and
    Cancelled is raised.
    """
    reporter.check()
    asked = build_sql.now()
    (since,) = db.query(asked.statement, asked.params)[0]
    watcher = _Watcher(db, collection, reporter, since)
    watcher.start()
    try:
        made = work(db, collection)
    except ReadOnly:
        raise
    except PermissionDenied as error:
        raise PermissionDenied(
            f"This role may not count the words of {collection.name}. {error.message}",
            "The table's owner may, with the right to create schema pgvista or tables in it.",
        ) from None
    except PgvistaError:
        if watcher.stopped_by is not None:
            raise watcher.stopped_by from None
        raise
    finally:
        watcher.end()
    return status(db, made)


class _Watcher(threading.Thread):
    """Looks at the build twice a second from a connection of the pool."""

    def __init__(
        self, db: Database, collection: Collection, reporter: Reporter, since: datetime
    ) -> None:
        super().__init__(name="pgvista-bm25-build", daemon=True)
        self.stopped_by: Cancelled | None = None
        self._db = db
        self._reporter = reporter
        running = build_sql.running(collection)
        self._running = replace(running, params={**running.params, "since": since})
        self._over = threading.Event()

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()

    def run(self) -> None:
        self._reporter.report(Progress(stage="counting words"))
        while not self._over.wait(POLL_S):
            try:
                found = self._db.read(self._look)
            except PgvistaError:
                continue  # the build itself tells what is wrong
            if found is not None and self._tell(*found):
                return

    def _look(self, connection: Connection[Any]) -> tuple[int, str | None] | None:
        return catalog.run(connection, self._running).fetchone()

    def _tell(self, pid: int, waits_for: str | None) -> bool:
        """Report, and cancel the build when a person stopped it; return whether it was."""
        stage = "waiting for writers to end" if waits_for == "Lock" else "counting words"
        self._reporter.report(Progress(stage=stage))
        try:
            self._reporter.check()
        except Cancelled as stopped:
            self.stopped_by = stopped
            query = progress_sql.cancel_statement(pid)
            try:
                self._db.read(lambda connection: catalog.run(connection, query))
            except PgvistaError:
                self.stopped_by = None
            return self.stopped_by is not None
        return False
