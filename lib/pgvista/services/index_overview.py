"""What the page of indexes shows: all of them, what the server gives to builds, what one will cost."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import ExtensionMissing, StatementTimeout
from pgvista.model.collection import Collection, CollectionStats, IndexInfo, RelationKind
from pgvista.model.index import IndexMethod, IndexSpec, advised_lists
from pgvista.model.index_build import BuildServer, IndexEstimate, IndexOverview
from pgvista.services import catalog, index_estimate
from pgvista.services.collections import stats
from pgvista.services.rows import count
from pgvista.sql import collection as ddl
from pgvista.sql import index_overview as overview_sql
from pgvista.sql.index import maintenance_work_mem

SAMPLE_ROWS = 2_000
"""Rows on which the time of a build is measured."""
COUNT_TIMEOUT_MS = 1_500
COUNT_LIMIT = 100_000
"""Rows that match a filter are counted up to this many, as `rows.count` does."""


def overview(
    db: Database, collection: Collection, server: BuildServer | None = None
) -> tuple[IndexOverview, ...]:
    """Return every index of a collection, those on vectors first."""
    server = server or build_server(db)

    def work(connection: Connection[Any]) -> tuple[IndexOverview, ...]:
        place = (collection.schema, collection.table)
        found = catalog.indexes(connection, collection)
        operators = dict(catalog.run(connection, overview_sql.operators(*place)).fetchall())
        cached: dict[str, int] = {}
        if server.buffercache_schema is not None:
            query = overview_sql.cached(*place, server.buffercache_schema)
            cached = dict(catalog.run(connection, query).fetchall())
        return tuple(
            IndexOverview(index, tuple(operators.get(index.name, ())), cached.get(index.name))
            for index in sorted(found, key=lambda index: (index.metric is None, index.primary))
        )

    return db.read(work)


def build_server(db: Database) -> BuildServer:
    """Return what the server gives to builds, and which extensions tell of memory."""
    row = db.read(lambda connection: catalog.run(connection, overview_sql.server()).fetchone())
    assert row is not None  # noqa: S101  (a select without a from gives a row)
    memory, buffers, workers, scan, schemas, available = row
    schemas = schemas or {}
    return BuildServer(
        maintenance_work_mem_bytes=memory,
        shared_buffers_bytes=buffers,
        max_parallel_maintenance_workers=workers,
        min_parallel_table_scan_bytes=scan,
        prewarm_schema=schemas.get("pg_prewarm"),
        buffercache_schema=schemas.get("pg_buffercache"),
        available=frozenset(available or ()),
    )


def vector_rows(db: Database, collection: Collection) -> CollectionStats:
    """Return the figures of a collection, its rows counted where that takes no longer than a moment.

    The planner's guess for a table that was never analysed can be ten times off, and an estimate of
    an index, and the lists that IVFFlat is advised, with it.
    """
    found = stats(db, collection)
    if found.rows_exact or collection.kind in (RelationKind.VIEW, RelationKind.FOREIGN):
        return found
    query = ddl.count_rows(collection)
    try:
        row = db.read(lambda c: catalog.run(c, query).fetchone(), timeout_ms=COUNT_TIMEOUT_MS)
    except StatementTimeout:
        return found
    if row is None:
        return found
    return replace(found, rows=row[0], unembedded=row[1], rows_exact=True)


def matching_rows(db: Database, about: CollectionStats, spec: IndexSpec) -> int:
    """Return how many vectors the index of `spec` will hold; many are estimated by the planner."""
    if spec.filters is None:
        return max(0, about.rows - (about.unembedded or 0))
    if about.rows_exact and about.rows <= COUNT_LIMIT:
        return count(db, about.collection, spec.filters)
    query = overview_sql.planned(about.collection, spec)
    row = db.read(lambda connection: catalog.run(connection, query).fetchone())
    return 0 if row is None else int(row[0][0]["Plan"]["Plan Rows"])


def estimate(
    db: Database,
    about: CollectionStats,
    spec: IndexSpec,
    server: BuildServer,
    *,
    maintenance_work_mem_bytes: int | None = None,
    seconds: float | None = None,
) -> IndexEstimate:
    """Return what the build of `spec` is expected to take; `seconds` as `sample_seconds` found."""
    return index_estimate.estimate(
        about.collection,
        spec,
        server,
        rows=matching_rows(db, about, spec),
        table_bytes=about.table_bytes,
        maintenance_work_mem_bytes=maintenance_work_mem_bytes,
        seconds=seconds,
    )


def sample_seconds(
    db: Database, about: CollectionStats, spec: IndexSpec, *, maintenance_work_mem_bytes: int
) -> tuple[float, int]:
    """Build the index on a sample in a temporary table; return the time, and the rows of the sample.

    Nothing of it stays. On a sample the build has no helpers and all of it is in memory, so a
    large one takes as long for each row, or longer where its graph does not fit.
    """
    rows = min(SAMPLE_ROWS, max(1, about.rows))
    sampled = spec
    if spec.method is IndexMethod.IVFFLAT:  # each row is compared with as many centres as later
        lists = spec.lists or advised_lists(about.rows)
        sampled = replace(spec, lists=max(1, min(lists, rows)))
    with db.transaction() as connection:
        catalog.run(connection, maintenance_work_mem(maintenance_work_mem_bytes))
        catalog.run(connection, overview_sql.sample(about.collection, rows))
        begun = time.monotonic()
        catalog.run(connection, overview_sql.index_sample(about.collection, sampled, rows))
        return time.monotonic() - begun, rows


def prewarm(db: Database, index: IndexInfo, server: BuildServer) -> int:
    """Read an index into shared_buffers; return its pages. Installs pg_prewarm where it is missing.

    Raises ExtensionMissing where the server has no files of it.
    """
    with db.transaction() as connection:
        if server.prewarm_schema is None:
            install(connection, "pg_prewarm", server)
        query = overview_sql.prewarm(index.schema, index.name, server.prewarm_schema)
        row = catalog.run(connection, query).fetchone()
        return 0 if row is None else int(row[0])


def install_buffercache(db: Database, server: BuildServer) -> None:
    """Install pg_buffercache, which tells how much of an index is in shared_buffers."""
    with db.transaction() as connection:
        install(connection, "pg_buffercache", server)


def install(connection: Connection[Any], name: str, server: BuildServer) -> None:
    """Install one of the extensions that come with Postgres. Raises ExtensionMissing."""
    if name not in server.available:
        raise ExtensionMissing(
            f"This server has no {name}, which comes with Postgres's contrib modules.",
            "Ask its administrator to install them.",
        )
    catalog.run(connection, overview_sql.create_extension(name))
