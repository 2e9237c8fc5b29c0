"""What is asked when types of vectors are compared: candidates by each type, and the bytes of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.quantisation import StoredType
from pgvista.sql import nearest
from pgvista.sql.index import indexed, of_target
from pgvista.sql.names import distance_operator, id_expression, relation, vector_type
from pgvista.sql.query import Query, column, compose, join, param

EXACT = {
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_custom_plan",
}
"""Settings under which every row is compared, however often the statement was run before."""
COMPARED = {**EXACT, "jit": "off"}
"""For types side by side: what compiling a statement takes is no merit of a type."""


def candidates(
    collection: Collection,
    stored: StoredType,
    vector: NDArray[np.float32],
    depth: int,
    *,
    share: float | None,
    exclude_id: str,
) -> Query:
    """Find the `depth` nearest rows by what is stored: (id, distance of the full vectors).

    In the order of the type's own distance, ties by id; run it with the settings `COMPARED`.
    """
    metric = collection.metric
    value = compose(
        "{value}::{type}",
        value=param("embedding"),
        type=vector_type(collection.vector_type, collection.extension_schema),
    )
    conditions: list[sql.Composable] = [
        compose("{embedding} is not null", embedding=column("d", collection.roles.embedding)),
        compose("{id}::text <> {excluded}", id=id_expression(collection, "d"), excluded=param("excluded")),
    ]  # fmt: skip
    if share is not None:
        conditions.append(nearest.in_share(collection, share))
    return Query(
        compose(
            """select id, distance from (
  select {id}::text as id, {distance} as distance, {row} {operator} {value} as near
  from {table} as d
  where {conditions}
) as compared
where near < 'NaN' and distance < 'NaN'
order by near, id collate "C"
limit {depth}""",
            id=id_expression(collection, "d"),
            distance=nearest.distance(collection, metric, "d", value),
            row=indexed(collection, stored.target, stored.leading, "d"),
            operator=_operator(collection, stored.target),
            value=of_target(collection, value, stored.target, stored.leading),
            table=relation(collection),
            conditions=join("\n    and ", conditions),
            depth=param("depth"),
        ),
        {"embedding": vector, "depth": depth, "excluded": exclude_id},
    )


def value_bytes(collection: Collection, types: Sequence[StoredType], rows: int) -> Query:
    """Measure values of some rows: the mean bytes of the whole row's other columns, and of each type."""
    sizes: list[sql.Composable] = [
        compose(
            "avg(pg_catalog.pg_column_size({value}))::float8",
            value=indexed(collection, stored.target, stored.leading, "d"),
        )
        for stored in types
    ]
    return Query(
        compose(
            "select {sizes} from (select {embedding} from {table} "
            "where {embedding} is not null limit {rows}) as d",
            sizes=join(", ", sizes),
            embedding=sql.Identifier(collection.roles.embedding),
            table=relation(collection),
            rows=sql.Literal(rows),
        )
    )


def other_bytes(collection: Collection, rows: int) -> Query:
    """Measure the mean bytes of the columns beside the vector, as stored, of the first `rows` rows.

    A row as a whole has a header of 24 bytes.
    """
    return Query(
        compose(
            """select greatest(0, avg(bytes - vector))::float8, count(*) from (
  select pg_catalog.pg_column_size(d.*) - 24 as bytes,
    coalesce(pg_catalog.pg_column_size({embedding}), 0) as vector
  from (select * from {table} limit {rows}) as d
) as measured""",
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            rows=sql.Literal(rows),
        )
    )


def explain(query: Query) -> Query:
    """Ask for the plan of a statement, which is not run: a JSON document."""
    return Query(compose("explain (format json) {it}", it=query.sql), dict[str, Any](query.params))


def _operator(collection: Collection, target: IndexTarget) -> sql.Composable:
    if target is not IndexTarget.BIT:
        return distance_operator(collection.metric, collection.extension_schema)
    symbol = sql.SQL(BitMetric.HAMMING.operator)
    if collection.extension_schema is None:
        return symbol
    return compose(
        "operator({schema}.{symbol})",
        schema=sql.Identifier(collection.extension_schema),
        symbol=symbol,
    )
