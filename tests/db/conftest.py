"""Fixtures of the tests that talk to Postgres itself."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """An autocommit session with a fresh database that has the extension `vector`."""
    with psycopg.connect(database_url, autocommit=True) as session:
        yield session
