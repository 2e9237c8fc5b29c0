"""Vector indexes: build and drop them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any, TypeVar

import psycopg
from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Cancelled, Conflict, InvalidInput, NotFound, PgvistaError
from pgvista.model.collection import Collection, IndexInfo, RelationKind
from pgvista.model.filters import parse_filter
from pgvista.model.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    AnyIndexSpec,
    BitMetric,
    IndexMethod,
    IndexSpec,
    IndexTarget,
)
from pgvista.model.index_build import IndexBuilt
from pgvista.model.metric import Metric, VectorType
from pgvista.services import catalog
from pgvista.services.collections import indexes, stats
from pgvista.sql import index as index_sql
from pgvista.sql import index_overview as overview_sql
from pgvista.sql.query import Query

Choice = TypeVar("Choice", bound=StrEnum)

LOCK_TIMEOUT_MS = 10_000
"""How long a drop waits for sessions that use the table."""
CANCEL_TIMEOUT_S = 5.0
TURN_S = 0.5


def create_index(
    db: Database,
    collection: Collection,
    spec: AnyIndexSpec,
    *,
    maintenance_work_mem_bytes: int | None = None,
) -> IndexInfo:
    """Build an index and analyse the table; return the index as the catalog has it.

    `maintenance_work_mem_bytes` is for this build alone; None leaves the server's. Raises Conflict
    when an index of that name is there or being built. One left invalid by an earlier build that
    was cut off is removed first; this one's too, when it fails.
    """
    return IndexWork(db, collection, maintenance_work_mem_bytes).create(spec).index


def drop_index(db: Database, index: IndexInfo) -> None:
    """Drop an index, concurrently where Postgres can: searches go on meanwhile.

    Raises Conflict when another session holds the table for LOCK_TIMEOUT_MS.
    """
    with db.dedicated(autocommit=True, timeout_ms=0) as connection:
        _remove(connection, index.schema, index.name, pooled=db.capabilities.pooled)


def create_index_sql(db: Database, collection: Collection, spec: AnyIndexSpec) -> Query:
    """Return the statement that `create_index` would run."""
    return index_sql.create_any(collection, spec, rows=stats(db, collection).rows)[1]


def spec_of(
    collection: Collection,
    method: str = "hnsw",
    *,
    metric: str | None = None,
    m: int = DEFAULT_M,
    ef_construction: int = DEFAULT_EF_CONSTRUCTION,
    lists: int | None = None,
    vector_type: str | None = None,
    target: str | None = None,
    leading: int | None = None,
    filters: Mapping[str, Any] | str | None = None,
    concurrently: bool = True,
) -> IndexSpec:
    """Return the spec that plain texts and numbers ask for. Raises InvalidInput.

    `vector_type` halfvec is another word for target halfvec, where the column is not one already.
    """
    if vector_type is not None:
        kind = _choice(VectorType, "vector_type", vector_type)
        if target is not None:
            raise InvalidInput("vector_type and target say the same.", "Give one of them.")
        if kind is VectorType.VECTOR and collection.vector_type is VectorType.HALFVEC:
            raise InvalidInput(
                f"{collection.name} holds halfvec: an index of type vector would double the bytes "
                "and find nothing better.",
                "Leave vector_type out.",
            )
        target = "column" if kind is collection.vector_type else "halfvec"
    place = IndexTarget.COLUMN if target is None else _choice(IndexTarget, "target", target)
    if leading is not None and target is None:
        place = IndexTarget.LEADING
    distance: Metric | BitMetric | None = None
    if metric is not None:
        bits = place is IndexTarget.BIT
        distance = (
            _choice(BitMetric, "metric", metric) if bits else _choice(Metric, "metric", metric)
        )
    return IndexSpec(
        method=_choice(IndexMethod, "method", method),
        metric=distance,
        m=m,
        ef_construction=ef_construction,
        lists=lists,
        target=place,
        leading=leading,
        filters=parse_filter(filters),
        concurrently=concurrently,
    )


def _choice(kind: type[Choice], name: str, value: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        offered = ", ".join(item.value for item in kind)
        raise InvalidInput(f"{name} is {value!r}, but it takes: {offered}.") from None


def vector_indexes(db: Database, collection: Collection) -> tuple[IndexInfo, ...]:
    """Return the collection's HNSW and IVFFlat indexes."""
    found = db.read(lambda connection: catalog.indexes(connection, collection))
    return tuple(index for index in found if index.method in ("hnsw", "ivfflat"))


class IndexWork:
    """Builds and rebuilds indexes on one connection of its own, which others may cancel."""

    def __init__(
        self,
        db: Database,
        collection: Collection,
        maintenance_work_mem_bytes: int | None = None,
        *,
        timeout_ms: int = 0,
    ) -> None:
        self.notices: list[str] = []
        """What the server said meanwhile."""
        self.running = True
        """Whether what is at work may be cancelled; clearing up may not."""
        self.doing = "starting"
        """What is done, for the time in which Postgres does not tell a phase."""
        self.left: str | None = None
        """Name of an index that is not ready and could not be removed."""
        self._db = db
        self._collection = collection
        self._memory = maintenance_work_mem_bytes
        self._timeout_ms = timeout_ms
        self._connection: Connection[Any] | None = None
        self._stopped = threading.Event()

    @property
    def pid(self) -> int | None:
        """The server process at work; None before there is one, and behind a pooler."""
        connection = self._connection
        if connection is None or connection.closed or self._db.capabilities.pooled:
            return None
        return connection.info.backend_pid

    def cancel(self) -> None:
        """Stop the statement that is running, whatever its phase; from any thread."""
        self._stopped.set()
        connection = self._connection
        if connection is not None and not connection.closed:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=CANCEL_TIMEOUT_S)

    def create(self, spec: AnyIndexSpec) -> IndexBuilt:
        """Build an index, and analyse the table. Raises as `create_index` does."""
        rows = stats(self._db, self._collection).rows
        name, query = index_sql.create_any(self._collection, spec, rows=rows)
        with self._session() as connection:
            self._take_turn(connection)
            present = self._named(name)
            if present is not None and present.valid:
                raise Conflict(
                    f"{self._collection.name} has the index {name} already.",
                    "Drop it first to build it anew, or choose other options.",
                )
            if present is not None:
                self.running, self.doing = False, "removing what an earlier build left"
                self._remove(connection, present)
            return self._run(connection, query, name, left=(name,))

    def rebuild(self, index: IndexInfo) -> IndexBuilt:
        """Build an index anew; concurrently, searches use the old one until the new one stands."""
        concurrently = self._collection.kind is not RelationKind.PARTITIONED
        query = index_sql.reindex(index.schema, index.name, concurrently=concurrently)
        with self._session() as connection:
            self._take_turn(connection)
            left = (f"{index.name}_ccnew", f"{index.name}_ccold")
            return self._run(connection, query, index.name, left=left)

    def _take_turn(self, connection: Connection[Any]) -> None:
        """Wait until no other session builds an index on the table, asking now and then.

        Two concurrent builds on one table can end in a deadlock: the second waits for the table,
        and the first, before it is done, for the second's snapshot.
        """
        query = index_sql.take_turn(self._collection, alone=not self._db.capabilities.pooled)
        while not (catalog.run(connection, query).fetchone() or (True,))[0]:
            self.doing = "waiting for another build on this table"
            if self._stopped.wait(TURN_S):
                raise Cancelled("The build was stopped before it began.")

    @contextmanager
    def _session(self) -> Iterator[Connection[Any]]:
        with self._db.dedicated(autocommit=True, timeout_ms=self._timeout_ms) as connection:
            connection.add_notice_handler(self._note)
            if self._memory is not None and not self._db.capabilities.pooled:
                catalog.run(connection, index_sql.maintenance_work_mem(self._memory))
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    def _run(
        self, connection: Connection[Any], query: Query, name: str, *, left: tuple[str, ...]
    ) -> IndexBuilt:
        begun = time.monotonic()
        self.running = True
        try:
            catalog.run(connection, query)
        except psycopg.errors.DuplicateTable:
            raise Conflict(
                f"{self._collection.name} has the index {name} already: somebody else was faster.",
                "Look at the indexes again.",
            ) from None
        except BaseException:
            self.running, self.doing = False, "removing what is left"
            self._clear(connection, left)
            raise
        seconds = time.monotonic() - begun
        analyzed = True
        made = self._named(name)
        if made is None:
            raise NotFound(
                f"The index {name} was dropped as soon as it was built.", "Somebody else did it."
            )
        entries = catalog.run(connection, overview_sql.entries(made.schema, name)).fetchone()
        self.doing = "analysing the table"
        try:
            catalog.run(connection, index_sql.analyze(self._collection))
        except psycopg.errors.QueryCanceled:
            analyzed = False
        self.running = False
        return IndexBuilt(
            index=self._named(name) or made,
            seconds=seconds,
            rows=None if entries is None or entries[0] < 0 else int(entries[0]),
            notices=tuple(self.notices),
            analyzed=analyzed,
        )

    def _clear(self, connection: Connection[Any], names: tuple[str, ...]) -> None:
        """Remove what a build that failed has left, where nobody holds on to it."""
        if connection.closed:
            return
        for name in names:
            with suppress(PgvistaError, psycopg.Error):
                found = self._named(name)
                if found is None or found.valid:
                    continue
                try:
                    self._remove(connection, found)
                except Conflict:
                    self.left = name

    def _remove(self, connection: Connection[Any], index: IndexInfo) -> None:
        _remove(connection, index.schema, index.name, pooled=self._db.capabilities.pooled)

    def _named(self, name: str) -> IndexInfo | None:
        found = indexes(self._db, self._collection)
        return next((index for index in found if index.name == name), None)

    def _note(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized in ("NOTICE", "WARNING"):
            parts = (diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint)
            said = [part.rstrip(".") for part in parts if part]
            self.notices.append(". ".join(said) + ".")


def _remove(connection: Connection[Any], schema: str, name: str, *, pooled: bool) -> None:
    """Drop an index; a session's settings are left alone behind a pooler, which shares sessions."""
    try:
        if not pooled:
            catalog.run(connection, index_sql.lock_timeout(LOCK_TIMEOUT_MS))
        try:
            catalog.run(connection, index_sql.drop(schema, name, concurrently=True))
        except psycopg.errors.FeatureNotSupported:  # the index of a partitioned table
            catalog.run(connection, index_sql.drop(schema, name))
    except psycopg.errors.LockNotAvailable:
        raise Conflict(
            f"The index {name} was not dropped, because another session has used the table for "
            f"{LOCK_TIMEOUT_MS // 1000} s and more.",
            "It may be marked as not ready. Drop it when the other is done.",
        ) from None
    finally:
        if not pooled and not connection.closed:
            catalog.run(connection, index_sql.lock_timeout(0))
