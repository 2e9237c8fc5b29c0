"""Statements of the lesson on distance: points of a plane, real rows, and what an index serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.metric import Metric, VectorType
from pgvista.sql import nearest
from pgvista.sql.names import distance_operator, id_expression, opclass, relation, vector_type
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

LENGTH_BITS = 10
"""How much longer a vector is made is drawn by so many bits of a hash of its key."""

_NAMES: dict[Metric, LiteralString] = {
    Metric.L2: "l2",
    Metric.INNER_PRODUCT: "inner_product",
    Metric.COSINE: "cosine",
    Metric.L1: "l1",
}
METRICS = tuple(_NAMES)
"""In the order of the columns."""


def plane(
    query: NDArray[np.float32],
    points: Mapping[str, NDArray[np.float32]],
    extension_schema: str | None,
    *,
    normalise: bool = False,
) -> Query:
    """Measure the distances of points, by name, to `query`: (name, a distance for each of METRICS).

    All have shape (2,). With `normalise`, each vector is divided by its length before. `points`
    are not empty.
    """
    kind = vector_type(VectorType.VECTOR, extension_schema)
    values: dict[str, Any] = {"query": query}
    lines: list[sql.Composable] = []
    for number, (name, point) in enumerate(points.items()):
        values[f"name_{number}"], values[f"point_{number}"] = name, point
        lines.append(
            compose(
                "({name}, {point}::{kind})",
                name=param(f"name_{number}"),
                point=param(f"point_{number}"),
                kind=kind,
            )
        )
    place: sql.Composable = compose("point")
    asked: sql.Composable = compose("asked")
    if normalise:
        place, asked = (_normalised(value, extension_schema) for value in (place, asked))
    return Query(
        compose(
            """select name,
  {distances}
from (values
  {points}
) as points (name, point),
(select {query}::{kind} as asked) as question""",
            distances=_distances(place, asked, extension_schema),
            points=join(",\n  ", lines),
            query=param("query"),
            kind=kind,
        ),
        values,
    )


def real_rows(
    collection: Collection,
    vector: NDArray[np.float32],
    limit: int,
    *,
    normalise: bool,
    spread: float,
    share: float | None,
) -> Query:
    """Find the `limit` nearest rows under each metric: id, the four distances, the four places.

    A row that is near under any of them is returned once. With `normalise`, all vectors get length
    1. A `spread` above 1 makes each vector longer, by a factor from 1 to `spread` that is drawn by
    a hash of its key; the question stays as it is. Rows without a vector are left out; a zero
    vector has no place under cosine, and stands behind all others there.
    """
    schema = collection.extension_schema
    own = vector_type(collection.vector_type, schema)
    values: dict[str, Any] = {"embedding": vector, "limit": limit}
    embedding: sql.Composable = column("d", collection.roles.embedding)
    asked: sql.Composable = compose("{value}::{own}", value=param("embedding"), own=own)
    if normalise:
        embedding, asked = _normalised(embedding, schema), _normalised(asked, schema)
    if spread > 1:
        values["spread"] = spread
        embedding = compose(
            """{embedding} {times} pg_catalog.array_fill(
      (1 + ({spread}::float8 - 1) * (pg_catalog.hashtextextended({id}::text, 1) & {mask}) / {mask})::real,
      array[{dimension}])::{own}""",
            embedding=embedding,
            times=_operator("*", schema),
            spread=param("spread"),
            id=id_expression(collection, "d"),
            mask=sql.Literal(2**LENGTH_BITS - 1),
            dimension=sql.Literal(collection.dimension),
            own=own,
        )
    names = [sql.SQL(_NAMES[metric]) for metric in METRICS]
    return Query(
        compose(
            """with measured as (
  select d.id,
    {distances}
  from (
    select {id}::text as id, {embedding} as point
    from {table} as d
    where {there}{share}
    offset 0
  ) as d,
  (select {asked} as asked) as question
), ranked as (
  select *,
    {places}
  from measured
)
select * from ranked
where least({place_names}) <= {limit}
order by {first}_place, id collate "C\"""",
            distances=_distances(compose("d.point"), compose("asked"), schema, ",\n    "),
            id=id_expression(collection, "d"),
            embedding=embedding,
            table=relation(collection),
            there=compose("{column} is not null", column=column("d", collection.roles.embedding)),
            share=NOTHING
            if share is None
            else compose("\n      and {drawn}", drawn=nearest.in_share(collection, share)),
            asked=asked,
            places=join(
                ",\n    ",
                [
                    compose(
                        'row_number() over (order by {name}, id collate "C") as {name}_place',
                        name=name,
                    )
                    for name in names
                ],
            ),
            place_names=join(", ", [compose("{name}_place", name=name) for name in names]),
            limit=param("limit"),
            first=sql.SQL(_NAMES[Metric.COSINE]),
        ),
        values,
    )


def lengths(collection: Collection, share: float | None) -> Query:
    """Measure the vectors' lengths: least, greatest, rows, zero vectors."""
    schema = collection.extension_schema
    name = "vector_norm" if collection.vector_type is VectorType.VECTOR else "l2_norm"
    return Query(
        compose(
            """select min(length), max(length), count(*), count(*) filter (where length = 0)
from (
  select {norm}({embedding}) as length from {table} as d
  where {embedding} is not null{share}
) as measured""",
            norm=_function(name, schema),
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            share=NOTHING
            if share is None
            else compose(" and {drawn}", drawn=nearest.in_share(collection, share)),
        )
    )


# -- which statements an index serves, on a temporary table


def some_rows(collection: Collection, rows: int) -> Query:
    """Copy vectors of `rows` rows, and one of zeros, to a temporary table that ends with the transaction."""
    return Query(
        compose(
            """create temporary table lesson_rows on commit drop as
  (select {embedding} as embedding from {table} as d
   where {embedding} is not null limit {rows})
  union all
  select pg_catalog.array_fill(0::real, array[{dimension}])::{own}""",
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            rows=sql.Literal(rows),
            dimension=sql.Literal(collection.dimension),
            own=vector_type(collection.vector_type, collection.extension_schema),
        )
    )


def lesson_index(collection: Collection, metric: Metric) -> Sequence[Query]:
    """Give the column its dimension, and build the HNSW index of `metric`'s operator class."""
    schema = collection.extension_schema
    return (
        Query(
            compose(
                "alter table pg_temp.lesson_rows alter column embedding type {own}({dimension})",
                own=vector_type(collection.vector_type, schema),
                dimension=sql.Literal(collection.dimension),
            )
        ),
        Query(
            compose(
                "create index lesson_rows_idx on pg_temp.lesson_rows using hnsw (embedding {opclass})",
                opclass=opclass(metric, collection.vector_type, schema),
            )
        ),
    )


def nearest_in_lesson(
    collection: Collection, vector: NDArray[np.float32], metric: Metric, limit: int
) -> Query:
    """Find the rows nearest to `vector` by one operator: distance."""
    schema = collection.extension_schema
    return Query(
        compose(
            "select embedding {operator} {value}::{own} as distance "
            "from pg_temp.lesson_rows order by distance limit {limit}",
            operator=distance_operator(metric, schema),
            value=param("embedding"),
            own=vector_type(collection.vector_type, schema),
            limit=sql.Literal(limit),
        ),
        {"embedding": vector},
    )


def count_lesson_rows() -> Query:
    """Count the rows of the temporary table."""
    return Query(compose("select count(*) from pg_temp.lesson_rows"))


# -- parts


def _distances(
    point: sql.Composable,
    asked: sql.Composable,
    schema: str | None,
    separator: LiteralString = ",\n  ",
) -> sql.Composed:
    return join(
        separator,
        [
            compose(
                "{point} {operator} {asked} as {name}",
                point=point,
                operator=distance_operator(metric, schema),
                asked=asked,
                name=sql.SQL(_NAMES[metric]),
            )
            for metric in METRICS
        ],
    )


def _normalised(value: sql.Composable, schema: str | None) -> sql.Composed:
    return compose("{function}({value})", function=_function("l2_normalize", schema), value=value)


def _function(name: LiteralString, schema: str | None) -> sql.Composable:
    return sql.SQL(name) if schema is None else sql.Identifier(schema, name)


def _operator(symbol: LiteralString, schema: str | None) -> sql.Composable:
    if schema is None:
        return sql.SQL(symbol)
    return compose(
        "operator({schema}.{symbol})", schema=sql.Identifier(schema), symbol=sql.SQL(symbol)
    )
