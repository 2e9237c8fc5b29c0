"""Fixtures of the tests that talk to Postgres itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """An autocommit session with a fresh database that has the extension `vector`."""
    with psycopg.connect(database_url, autocommit=True) as session:
        yield session


@pytest.fixture
def some_rows_url(
    database_url: str, connection: psycopg.Connection
) -> Iterator[Callable[[str], str]]:
    """Give the URL of a role that reads schema pgvista, and of pgvista.docs the row of one id."""
    role = f"some_rows_{os.getpid()}"
    connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))

    def allowed(row_id: str) -> str:
        for statement in (
            "grant usage on schema pgvista to {role}",
            "grant select on all tables in schema pgvista to {role}",
            "alter table pgvista.docs enable row level security",
            "create policy one on pgvista.docs using (id = {id})",
        ):
            made = sql.SQL(statement).format(role=sql.Identifier(role), id=sql.Literal(row_id))
            connection.execute(made)
        return psycopg.conninfo.make_conninfo(database_url, user=role)

    try:
        yield allowed
    finally:
        for statement in ("drop owned by {}", "drop role {}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(role)))
