"""Sweeps kept in the database, to compare before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from pgvista.db.database import Database
from pgvista.errors import NotFound, PermissionDenied, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.sweep import SweepResult
from pgvista.sql import sweep as sweep_sql
from pgvista.sql.query import Query

MOST = 50
"""So many of the newest are read."""


def save_sweep(db: Database, collection: Collection, result: SweepResult) -> SweepResult:
    """Keep a sweep; return it with its number.

    Raises PermissionDenied where the role may not make or write the table.
    """
    _ensure_table(db)
    with db.transaction() as connection:
        query = sweep_sql.insert(collection, Jsonb(result.to_dict()))
        number = int(_run(connection, query)[0][0])
    return replace(result, id=number)


def list_sweeps(db: Database, collection: Collection) -> list[SweepResult]:
    """Return the sweeps kept of a collection, the newest first; those unreadable are left out."""

    def work(connection: Connection[Any]) -> list[tuple[Any, ...]]:
        if not _exists(connection):
            return []
        return _run(connection, sweep_sql.read(collection, MOST))

    found = []
    for number, told in db.read(work):
        try:
            found.append(SweepResult.from_dict(told, number=number))
        except (KeyError, TypeError, ValueError):
            continue  # written by another version
    return found


def delete_sweep(db: Database, number: int) -> None:
    """Delete a sweep. Raises NotFound when it is gone."""
    with db.transaction() as connection:
        if not _exists(connection) or not _run(connection, sweep_sql.delete(number)):
            raise NotFound("This sweep is gone.", "Somebody else may have deleted it.")


def _ensure_table(db: Database) -> None:
    if db.read(_exists):
        return
    query = sweep_sql.create_table()
    try:
        with db.transaction() as connection:
            connection.execute(query.sql, query.params)
    except PermissionDenied:
        raise PermissionDenied(
            "This role may not create tables in the schema pgvista, so sweeps are not kept.",
            "Download the report, or ask for the right to create.",
        ) from None
    except PgvistaError:
        if not db.read(_exists):  # two processes may create it at the same moment
            raise


def _exists(connection: Connection[Any]) -> bool:
    return bool(_run(connection, sweep_sql.table_exists())[0][0])


def _run(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(query.sql, query.params).fetchall()
