"""What nearest rows are found by: the distance, the order that an index serves, the statement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, LiteralString

import numpy as np
from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.metric import Metric
from pgvista.model.tuning import NearestRequest
from pgvista.sql.filters import FilterSql
from pgvista.sql.index import indexed, of_target
from pgvista.sql.names import distance_operator, id_expression, relation, vector_type
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

BITS = 20
"""A share of rows is drawn by so many bits of a hash of their keys."""


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


def nearest(collection: Collection, request: NearestRequest) -> Query:
    """Find the rows nearest to a vector: (id, distance), nearest first, ties by id.

    The distance is that of the full vectors, in the metric's own unit, whatever the index holds.
    Rows without a vector, and under cosine zero vectors, are not among them. Raises InvalidInput
    when the request does not fit the collection.
    """
    metric = request.metric or collection.metric
    _check(collection, request, metric)
    filtered = FilterSql(request.filters, collection, "d")
    values: dict[str, Any] = {
        "embedding": np.array(request.vector, dtype=np.float32),
        "candidates": request.candidates,
    }
    conditions: list[sql.Composable] = [] if filtered.condition is None else [filtered.condition]
    if request.exclude_id is not None:
        values["excluded"] = request.exclude_id
        conditions.append(
            compose(
                "{id}::text <> {excluded}",
                id=id_expression(collection, "d"),
                excluded=param("excluded"),
            )
        )
    if request.share is not None:
        conditions.append(in_share(collection, request.share))
    if collection.dimension is None:
        values["dimension"] = len(request.vector)
        conditions.append(
            compose(
                "{dims} = {dimension}", dims=dims(collection, "d"), dimension=param("dimension")
            )
        )
    statement = compose(
        """select id::text as id, distance
from (
  select {id} as id, {distance} as distance
  from {table} as d{where}
  order by {order}
  limit {candidates}
) as nearest
where distance < 'NaN'
order by distance, id::text collate "C\"""",
        id=id_expression(collection, "d"),
        distance=distance(collection, metric, "d", _value(collection)),
        table=relation(collection),
        where=compose("\n  where {conditions}", conditions=join(" and ", conditions))
        if conditions
        else NOTHING,
        order=_target_order(collection, request, metric),
        candidates=param("candidates"),
    )
    if request.candidates > request.limit:
        statement = compose("{all}\nlimit {limit}", all=statement, limit=param("limit"))
        values["limit"] = request.limit
    return Query(statement, values | filtered.params)


def exact(collection: Collection, request: NearestRequest) -> Query:
    """Find the rows nearest to a vector by the full vectors: run it with `exact` settings."""
    return nearest(collection, replace(request, exact=True))


def in_share(collection: Collection, share: float) -> sql.Composed:
    """Return the condition that draws a share of the rows by a hash of their keys.

    The same rows each time, and no matter where their vectors lie.
    """
    return compose(
        "pg_catalog.hashtextextended({id}::text, 0) & {mask} < {bound}",
        id=id_expression(collection, "d"),
        mask=sql.Literal(2**BITS - 1),
        bound=sql.Literal(max(1, round(share * 2**BITS))),
    )


def _check(collection: Collection, request: NearestRequest, metric: Metric) -> None:
    expected = collection.dimension
    if expected is not None and len(request.vector) != expected:
        raise InvalidInput(
            f"The query vector has {len(request.vector):,} numbers, "
            f"but {collection.name} has {expected:,}."
        )
    if request.exact or request.target is IndexTarget.COLUMN:
        return
    if expected is None:
        raise InvalidInput(
            f"The vectors of {collection.name} have no fixed dimension, so no index can serve them."
        )
    if request.target is IndexTarget.BIT and metric is Metric.L1:
        raise InvalidInput(
            "The signs of the numbers say nothing of L1 distances.", "Index the column itself."
        )


def _target_order(
    collection: Collection, request: NearestRequest, metric: Metric
) -> sql.Composable:
    """Return what the index is ordered by: the very expression that it was built on."""
    if request.exact or request.target is IndexTarget.COLUMN:
        return sql.SQL("distance")
    bits = request.target is IndexTarget.BIT
    schema = collection.extension_schema
    return compose(
        "{row} {operator} {value}",
        row=indexed(collection, request.target, request.leading, "d"),
        operator=_operator(request.bit_metric, schema)
        if bits
        else distance_operator(metric, schema),
        value=of_target(collection, _value(collection), request.target, request.leading),
    )


def _operator(metric: BitMetric, schema: str | None) -> sql.Composable:
    symbol = sql.SQL(metric.operator)
    if schema is None:
        return symbol
    return compose("operator({schema}.{symbol})", schema=sql.Identifier(schema), symbol=symbol)


def _value(collection: Collection) -> sql.Composed:
    """Return the query's vector as one of the column's own type."""
    return compose(
        "{value}::{type}",
        value=param("embedding"),
        type=vector_type(collection.vector_type, collection.extension_schema),
    )
