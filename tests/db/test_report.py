"""The test of a connection, on the embedded server."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pgvista.db.database import Database
from pgvista.db.report import (
    EXTENSIONS,
    create_extension,
    create_extension_statements,
    report,
)
from pgvista.db.target import target_from_url
from pgvista.errors import ReadOnly


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def test_report_of_the_embedded_server(database: Database) -> None:
    told = report(database)
    assert told.server_version.startswith("18")
    assert (told.pgvector_version or "").startswith("0.8")
    assert told.pgvector_version == told.pgvector_available
    assert told.extension_schema == "public"
    assert told.database.startswith("test_")
    assert told.role == "postgres"
    assert told.superuser
    assert told.can_create_schema
    assert told.can_create_extension
    assert 0 < told.round_trip_ms < 1000
    assert told.tls is None
    assert told.host == "local socket"
    assert told.pooler is None
    assert not told.read_only
    assert not told.in_recovery
    extensions = {extension.name: extension for extension in told.extensions}
    assert set(extensions) <= set(EXTENSIONS)
    assert {
        "vector",
        "pg_trgm",
        "unaccent",
        "pg_stat_statements",
        "postgres_fdw",
        "pg_prewarm",
    } <= (set(extensions))
    assert extensions["pg_trgm"].installed_version is None
    assert extensions["pg_trgm"].available_version
    assert extensions["vector"].schema == "public"


def test_a_read_only_connection_is_told(database: Database) -> None:
    read_only = Database(target_from_url(database.target.conninfo.reveal(), read_only=True))
    assert report(read_only).read_only
    with pytest.raises(ReadOnly):
        create_extension(read_only)


def test_a_default_of_read_only_is_warned_of(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = on',"
            " current_database()); end $$"
        )
    told = report(database)
    assert told.read_only
    assert any("default_transaction_read_only" in sentence for sentence in told.warnings)


def test_little_maintenance_memory_is_warned_of(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            "do $$ begin execute format('alter database %I set maintenance_work_mem = ''8MB''',"
            " current_database()); end $$"
        )
    assert any("maintenance_work_mem is 8 MB" in sentence for sentence in report(database).warnings)


def test_create_extension_may_be_repeated(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("drop extension vector")
    told = report(database)
    assert told.pgvector_version is None
    assert told.pgvector_available
    assert any("create the extension" in sentence for sentence in told.warnings)
    for _ in range(2):
        create_extension(database, schema='odd "name"; --').require_vector()
    assert database.capabilities.extension_schema == 'odd "name"; --'
    assert database.capabilities.extension_qualifier == 'odd "name"; --'


def test_the_statements_are_shown_beforehand() -> None:
    assert [statement.as_string() for statement in create_extension_statements()] == [
        "create extension if not exists vector"
    ]
    assert [statement.as_string() for statement in create_extension_statements("x y")] == [
        'create schema if not exists "x y"',
        'create extension if not exists vector with schema "x y"',
    ]
