"""What the lesson on concept axes asks Postgres: sampled rows, and where they fall along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.metric import Metric, VectorType
from pgvista.sql.names import distance_operator, id_expression, relation, vector_type
from pgvista.sql.query import Query, column, compose, param


def count(collection: Collection) -> Query:
    """Count the rows with a vector."""
    return Query(
        compose(
            "select count({embedding}) from {table} as d",
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
        )
    )


def rows(collection: Collection, limit: int, *, seed: int, chars: int) -> Query:
    """Read up to `limit` rows drawn by a hash of key and seed: id, the text's beginning, vector."""
    content = collection.roles.content
    text: sql.Composable = sql.SQL("null::text")
    values: dict[str, Any] = {"limit": limit, "seed": seed}
    if content is not None:
        text = compose(
            "left({content}::text, {chars})", content=column("d", content), chars=param("chars")
        )
        values["chars"] = chars
    return Query(
        compose(
            "select {id}::text, {text}, {embedding}\nfrom {table} as d\n{drawn}",
            id=id_expression(collection, "d"),
            text=text,
            embedding=_in_full(collection, column("d", collection.roles.embedding)),
            table=relation(collection),
            drawn=_drawn(collection),
        ),
        values,
    )


def positions(
    collection: Collection, axis: NDArray[np.float32], *, limit: int | None, seed: int
) -> Query:
    """Measure rows along an axis of shape (dimension,): id, position, lowest first, ties by id.

    ``<#>`` is the negative inner product, so its sign is turned. Of all rows with a vector, or of
    the `limit` rows that `rows` draws with the same seed.
    """
    schema = collection.extension_schema
    embedding = column("d", collection.roles.embedding)
    measure = {
        "operator": distance_operator(Metric.INNER_PRODUCT, schema),
        "axis": param("axis"),
        "kind": vector_type(VectorType.VECTOR, schema),
        "table": relation(collection),
    }
    if limit is None:
        return Query(
            compose(
                """select {id}::text as id, -({embedding} {operator} {axis}::{kind}) as position
from {table} as d
where {present} is not null
order by position, {id}::text collate "C\"""",
                id=id_expression(collection, "d"),
                embedding=_in_full(collection, embedding),
                present=embedding,
                **measure,
            ),
            {"axis": axis},
        )
    return Query(
        compose(
            """select id, -(embedding {operator} {axis}::{kind}) as position
from (
  select {id}::text as id, {embedding} as embedding
  from {table} as d
  {drawn}
) as drawn
order by position, id collate "C\"""",
            id=id_expression(collection, "d"),
            embedding=_in_full(collection, embedding),
            drawn=_drawn(collection, indent="  "),
            **measure,
        ),
        {"axis": axis, "limit": limit, "seed": seed},
    )


def _in_full(collection: Collection, embedding: sql.Composable) -> sql.Composable:
    """Return a row's vector in single precision, whatever it is stored in."""
    if collection.vector_type is VectorType.VECTOR:
        return embedding
    return compose(
        "{embedding}::{kind}",
        embedding=embedding,
        kind=vector_type(VectorType.VECTOR, collection.extension_schema),
    )


def _drawn(collection: Collection, indent: str = "") -> sql.Composable:
    """Return what draws rows with a vector, the same ones for a seed each time."""
    return compose(
        "where {embedding} is not null\n{indent}order by "
        'pg_catalog.hashtextextended({id}::text, {seed}), {id}::text collate "C"\n{indent}'
        "limit {limit}",
        embedding=column("d", collection.roles.embedding),
        indent=sql.SQL("  " if indent else ""),
        id=id_expression(collection, "d"),
        seed=param("seed"),
        limit=param("limit"),
    )
