"""What nearest rows are found by: the distance, and the order that an index serves."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.metric import Metric
from pgvista.sql.names import distance_operator, vector_type
from pgvista.sql.query import column, compose


def distance(
    collection: Collection, metric: Metric, alias: LiteralString, value: sql.Composable
) -> sql.Composed:
    """Return the distance of a row's vector to `value`, a vector of the column's own type."""
    return compose(
        "{embedding} {operator} {value}",
        embedding=column(alias, collection.roles.embedding),
        operator=distance_operator(metric, collection.extension_schema),
        value=value,
    )


def order(
    collection: Collection,
    metric: Metric,
    alias: LiteralString,
    value: sql.Composable,
    *,
    exact: bool = False,
) -> sql.Composable:
    """Return what to order nearest rows by: the distance, or that of the cast which is indexed.

    By the cast, rows are found in its precision; rank them by the distance in full.
    """
    kind = collection.index_cast
    if kind is None or exact or metric is not collection.metric:
        return distance(collection, metric, alias, value)
    cast = compose(
        "{type}({dimension})",
        type=vector_type(kind, collection.extension_schema),
        dimension=sql.Literal(collection.dimension),
    )
    return compose(
        "({embedding}::{cast}) {operator} ({value}::{cast})",
        embedding=column(alias, collection.roles.embedding),
        cast=cast,
        operator=distance_operator(metric, collection.extension_schema),
        value=value,
    )


def dims(collection: Collection, alias: LiteralString) -> sql.Composed:
    """Return the length of a row's vector."""
    schema = collection.extension_schema
    name = ("vector_dims",) if schema is None else (schema, "vector_dims")
    return compose(
        "{dims}({embedding})",
        dims=sql.Identifier(*name),
        embedding=column(alias, collection.roles.embedding),
    )
