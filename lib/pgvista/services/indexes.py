"""Vector indexes: build and drop them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Conflict, InvalidInput
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.filters import parse_filter
from pgvista.model.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    BitMetric,
    IndexMethod,
    IndexSpec,
    IndexTarget,
)
from pgvista.model.metric import Metric, VectorType
from pgvista.services import catalog
from pgvista.services.collections import indexes, stats
from pgvista.sql import index as index_sql
from pgvista.sql.query import Query

Choice = TypeVar("Choice", bound=StrEnum)


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


def _drop(connection: Connection[Any], index: IndexInfo) -> None:
    catalog.run(connection, index_sql.drop(index.schema, index.name, concurrently=True))
