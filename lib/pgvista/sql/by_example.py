"""The nearest rows to a vector made of examples, as one statement.

It returns, in this order: id, content, metadata, structured columns, distance, rank, candidates,
groups, group_key, group_rows, embedding (null where it is not asked for).
"""

from __future__ import annotations

from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.by_example import ExampleRequest
from pgvista.model.collection import Collection
from pgvista.model.filters import split_key
from pgvista.sql import nearest
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import (
    column_type,
    id_expression,
    relation,
    structured_columns,
    vector_type,
)
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

TRAILING = 7
"""Columns after the structured ones."""


def examples(collection: Collection, ids: tuple[str, ...]) -> Query:
    """Read the vectors of rows by key: id, embedding."""
    return Query(
        compose(
            "select {id}::text, {embedding} from {table} as d where {id} = any({ids}::{type}[])",
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            ids=param("ids"),
            type=column_type(collection.key_type),
        ),
        {"ids": list(ids)},
    )


def by_example(
    collection: Collection, request: ExampleRequest, vector: NDArray[np.float32]
) -> Query:
    """Find the rows nearest to `vector`, shape (dimension,), without the examples themselves.

    As many more rows are taken as there are examples, which are left out outside of the ordered
    part, so that an index serves it. Of each group the nearest row is a hit; rows without a value
    are a group too. With variety all candidates come back, with their vectors.
    """
    metric = request.metric or collection.metric
    value = compose(
        "{value}::{type}",
        value=param("embedding"),
        type=vector_type(collection.vector_type, collection.extension_schema),
    )
    excluded = (*request.like, *request.unlike)
    filtered = FilterSql(request.filters, collection, "d")
    conditions = [] if filtered.condition is None else [filtered.condition]
    values: dict[str, Any] = {"embedding": vector, "depth": request.looked_at + len(excluded)}
    if collection.dimension is None:
        conditions.append(
            compose("{dims} = {size}", dims=nearest.dims(collection, "d"), size=param("dimension"))
        )
        values["dimension"] = len(vector)
    near: list[sql.Composable] = [sql.SQL("distance < 'NaN'")]
    if request.max_distance is not None:
        near.append(compose("distance <= {most}", most=param("max_distance")))
        values["max_distance"] = request.max_distance
    if excluded:
        near.append(compose("id::text <> all({excluded})", excluded=param("excluded")))
        values["excluded"] = list(excluded)
    key, key_values = group_key(collection, request.group_by)
    grouped: LiteralString = "true" if request.group_by is None else "place = 1"
    roles = collection.roles
    statement = compose(
        """select {id}::text as id, {content} as content,
  {metadata} as metadata{columns},
  best.distance, best.rank, best.candidates, best.groups, best.group_key, best.group_rows,
  {embedding} as embedding
from (
  select *, count(*) over () as groups
  from (
    select *,
      row_number() over (order by distance, id::text collate "C") as rank,
      row_number() over (partition by group_key order by distance, id::text collate "C") as place,
      count(*) over (partition by group_key) as group_rows,
      count(*) over () as candidates
    from (
      select *
      from (
        select {id} as id, {distance} as distance, {key} as group_key
        from {table}{where}
        order by {order}
        limit {depth}
      ) as nearest
      where {near}
      order by distance, id::text collate "C"
      limit {looked_at}
    ) as near_enough
  ) as ranked
  where {grouped}
) as best
join {table} on {id} = best.id
order by best.rank
limit {limit}""",
        id=id_expression(collection, "d"),
        content=column("d", roles.content) if roles.content else sql.SQL("null::text"),
        metadata=column("d", roles.metadata) if roles.metadata else sql.SQL("null::jsonb"),
        columns=structured_columns(collection, "d"),
        embedding=column("d", roles.embedding) if request.variety else sql.SQL("null"),
        distance=nearest.distance(collection, metric, "d", value),
        key=key,
        table=compose("{table} as d", table=relation(collection)),
        where=compose("\n        where {all}", all=join(" and ", conditions))
        if conditions
        else NOTHING,
        order=nearest.order(collection, metric, "d", value, exact=request.exact),
        depth=param("depth"),
        near=join(" and ", near),
        looked_at=param("looked_at"),
        grouped=sql.SQL(grouped),
        limit=param("limit"),
    )
    values |= {
        "looked_at": request.looked_at,
        "limit": request.looked_at if request.variety else request.limit,
    }
    return Query(statement, filtered.params | key_values | values)


def group_key(
    collection: Collection, name: str | None
) -> tuple[sql.Composable, dict[str, list[str]]]:
    """Return the text that rows are grouped by, and its values; null without a name.

    A column comes before a metadata key of its name; dots lead into nested metadata. Raises
    InvalidInput when there is neither.
    """
    if name is None:
        return sql.SQL("null::text"), {}
    roles = collection.roles
    if collection.column(name) is not None or name in (roles.id, roles.content):
        return compose("{name}::text", name=column("d", name)), {}
    if roles.metadata is None:
        raise InvalidInput(
            f"{collection.name} has no column {name!r}, and no metadata to look it up in.",
            f"Columns: {', '.join(item.name for item in collection.columns) or 'none'}.",
        )
    json: LiteralString = "" if collection.metadata_type == "jsonb" else "::jsonb"
    key = compose(
        "({metadata}{json} #>> {path}::text[])",
        metadata=column("d", roles.metadata),
        json=sql.SQL(json),
        path=param("group_path"),
    )
    return key, {"group_path": list(split_key(name))}
