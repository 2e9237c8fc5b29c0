"""Statements that build and drop vector indexes."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.index import IndexMethod, IndexSpec, advised_lists
from pgvista.sql.collection import index_name
from pgvista.sql.names import opclass, relation, vector_type
from pgvista.sql.query import NOTHING, Query, compose


def create(collection: Collection, spec: IndexSpec, *, rows: int) -> tuple[str, Query]:
    """Build ``create index``; return the index's name too. `rows` sets IVFFlat's lists.

    Raises InvalidInput when the dimension is beyond what an index of this type takes.
    """
    metric = spec.metric or collection.metric
    kind = spec.vector_type or collection.vector_type
    if collection.dimension is None:
        raise InvalidInput(
            f"The vectors of {collection.name} have no fixed dimension, so no index can be built.",
            "Alter the column to a type such as vector(384).",
        )
    if collection.dimension > kind.max_index_dimension:
        raise InvalidInput(
            f"An index of type {kind.value} takes {kind.max_index_dimension:,} dimensions, "
            f"and {collection.name} has {collection.dimension:,}.",
            "Use halfvec (to 4,000 dimensions)." if kind.value == "vector" else "",
        )
    cast = kind is not collection.vector_type
    embedding: sql.Composable = sql.Identifier(collection.roles.embedding)
    if cast:
        embedding = compose(
            "({embedding}::{type}({dimension}))",
            embedding=embedding,
            type=vector_type(kind, collection.extension_schema),
            dimension=sql.Literal(collection.dimension),
        )
    name = index_name(
        collection.table,
        "_".join(
            [collection.roles.embedding, spec.method.value, metric.value]
            + ([kind.value] if cast else [])
        ),
    )
    concurrently: LiteralString = " concurrently" if spec.concurrently else ""
    statement = compose(
        "create index{concurrently} {name} on {table} using {method} ({embedding} {opclass}) with ({options})",
        concurrently=sql.SQL(concurrently),
        name=sql.Identifier(name),
        table=relation(collection),
        method=sql.SQL(spec.method.value),
        embedding=embedding,
        opclass=opclass(metric, kind, collection.extension_schema),
        options=_options(spec, rows),
    )
    return name, Query(statement)


def _options(spec: IndexSpec, rows: int) -> sql.Composed:
    if spec.method is IndexMethod.IVFFLAT:
        return compose("lists = {lists}", lists=sql.Literal(spec.lists or advised_lists(rows)))
    return compose(
        "m = {m}, ef_construction = {ef}",
        m=sql.Literal(spec.m),
        ef=sql.Literal(spec.ef_construction),
    )


def drop(schema: str, name: str, *, concurrently: bool = False) -> Query:
    """Build ``drop index``."""
    return Query(
        compose(
            "drop index{concurrently} if exists {name}",
            concurrently=sql.SQL(" concurrently") if concurrently else NOTHING,
            name=sql.Identifier(schema, name),
        )
    )


def analyze(collection: Collection) -> Query:
    """Build ``analyze``, so that the planner knows the table as it is."""
    return Query(compose("analyze {table}", table=relation(collection)))
