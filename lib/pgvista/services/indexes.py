"""Vector indexes: build and drop them."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Conflict
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.index import IndexSpec
from pgvista.services import catalog
from pgvista.services.collections import indexes, stats
from pgvista.sql import index as index_sql
from pgvista.sql.query import Query


def create_index(db: Database, collection: Collection, spec: IndexSpec) -> IndexInfo:
    """Build a vector index and analyse the table; return the index as the catalog has it.

    Raises Conflict when an index of that name is there already. An index left invalid by an
    earlier build that was cut off is removed first; this one's too, when it fails.
    """
    rows = stats(db, collection).rows
    name, query = index_sql.create(collection, spec, rows=rows)
    present = {index.name: index for index in indexes(db, collection)}
    with db.dedicated(autocommit=True, timeout_ms=0) as connection:
        if name in present:
            if present[name].valid:
                raise Conflict(
                    f"{collection.name} has the index {name} already.",
                    "Drop it first to build it with other options.",
                )
            _drop(connection, present[name])
        try:
            catalog.run(connection, query)
        except BaseException:
            left = {index.name: index for index in indexes(db, collection)}.get(name)
            if left is not None and not left.valid and not connection.closed:
                _drop(connection, left)
            raise
        catalog.run(connection, index_sql.analyze(collection))
    return {index.name: index for index in indexes(db, collection)}[name]


def drop_index(db: Database, index: IndexInfo) -> None:
    """Drop an index."""
    with db.transaction() as connection:
        catalog.run(connection, index_sql.drop(index.schema, index.name))


def create_index_sql(db: Database, collection: Collection, spec: IndexSpec) -> Query:
    """Return the statement that `create_index` would run."""
    return index_sql.create(collection, spec, rows=stats(db, collection).rows)[1]


def vector_indexes(db: Database, collection: Collection) -> tuple[IndexInfo, ...]:
    """Return the collection's HNSW and IVFFlat indexes."""
    found = db.read(lambda connection: catalog.indexes(connection, collection))
    return tuple(index for index in found if index.method in ("hnsw", "ivfflat"))


def _drop(connection: Connection[Any], index: IndexInfo) -> None:
    catalog.run(connection, index_sql.drop(index.schema, index.name, concurrently=True))
