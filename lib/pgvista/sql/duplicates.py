"""Statements that find near-duplicates, measure their groups, and delete all but one of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.duplicates import Keep
from pgvista.model.metric import Metric
from pgvista.sql import nearest
from pgvista.sql.by_example import group_key
from pgvista.sql.names import column_type, id_expression, relation
from pgvista.sql.query import NOTHING, Query, column, compose, param


def counts(collection: Collection) -> Query:
    """Count the rows, those with a vector, and the numbers of the longest one."""
    size: sql.Composable = sql.Literal(collection.dimension)
    if collection.dimension is None:
        size = compose("max({dims})", dims=nearest.dims(collection, "d"))
    return Query(
        compose(
            "select count(*), count({embedding}), {size} from {table} as d",
            embedding=column("d", collection.roles.embedding),
            size=size,
            table=relation(collection),
        )
    )


def vectors(collection: Collection) -> Query:
    """Read every row's id, vector and digest of its text; null for a text that is empty."""
    return Query(
        compose(
            "select {id}::text, {embedding}, {digest} from {table} as d order by {id}",
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            digest=_digest(collection),
            table=relation(collection),
        )
    )


def same_texts(collection: Collection) -> Query:
    """Read the id and digest of those rows whose text another row has too."""
    return Query(
        compose(
            """select id, digest from (
  select {id}::text as id, {digest} as digest,
    count(*) over (partition by {digest}) as copies
  from {table} as d
) as texts
where digest is not null and copies > 1
order by digest, id collate "C"
""",
            id=id_expression(collection, "d"),
            digest=_digest(collection),
            table=relation(collection),
        )
    )


def neighbours(collection: Collection, metric: Metric, after: str | None, limit: int) -> Query:
    """Find the nearest rows of each of `limit` rows, by key: id, the other's id, distance.

    A row without another one near it has one line, with nulls. Values: after, limit, neighbours.
    """
    key = column("a", collection.roles.id or "id")
    other = column("d", collection.roles.id or "id")
    own = column("a", collection.roles.embedding)
    later = (
        NOTHING
        if after is None
        else compose(
            " and {key} > {after}::{type}",
            key=key,
            after=param("after"),
            type=column_type(collection.key_type),
        )
    )
    return Query(
        compose(
            """select a.id::text, near.id::text, near.distance
from (
  select {key} as id, {own} as embedding
  from {table} as a
  where {own} is not null{later}
  order by {key} limit {limit}
) as a
left join lateral (
  select {other} as id, {distance} as distance
  from {table} as d
  order by {order}
  limit {neighbours}
) as near on near.id <> a.id and near.distance < 'NaN'
order by a.id""",
            key=key,
            own=own,
            later=later,
            other=other,
            table=relation(collection),
            limit=param("limit"),
            neighbours=param("neighbours"),
            distance=nearest.distance(collection, metric, "d", sql.SQL("a.embedding")),
            order=nearest.order(collection, metric, "d", sql.SQL("a.embedding")),
        ),
        {"after": after, "limit": limit},
    )


def sample(collection: Collection, limit: int) -> Query:
    """Read some vectors, to know how long they usually are."""
    return Query(
        compose(
            "select {embedding} from {table} as d where {embedding} is not null limit {limit}",
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            limit=param("limit"),
        ),
        {"limit": limit},
    )


def spreads(
    collection: Collection, metric: Metric, ids: Sequence[str], groups: Sequence[int]
) -> Query:
    """Measure the largest distance within each group: group, distance. `groups` runs beside `ids`."""
    member = replace(collection, roles=replace(collection.roles, embedding="embedding"))
    return Query(
        compose(
            """with member as materialized (
  select place.number, {id}::text as id, {embedding} as embedding
  from unnest({ids}::text[], {groups}::int[]) as place (id, number)
  join {table} as d on {id} = place.id::{type}
)
select a.number, max({distance}) filter (where {distance} < 'NaN')
from member as a join member as b on a.number = b.number and a.id < b.id{one_length}
group by a.number""",
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            ids=param("ids"),
            groups=param("groups"),
            table=relation(collection),
            type=column_type(collection.key_type),
            distance=compose(
                "({distance})",
                distance=nearest.distance(member, metric, "a", sql.SQL("b.embedding")),
            ),
            one_length=NOTHING
            if collection.dimension is not None
            else compose(
                " and {a} = {b}", a=nearest.dims(member, "a"), b=nearest.dims(member, "b")
            ),
        ),
        {"ids": list(ids), "groups": list(groups)},
    )


def in_order(collection: Collection, ids: Sequence[str], keep: Keep, key: str | None) -> Query:
    """Read id and digest of rows, those first that `keep` prefers. Raises InvalidInput."""
    order: sql.Composable = NOTHING
    values: dict[str, list[str]] = {}
    if keep is Keep.LONGEST:
        if collection.roles.content is None:
            raise InvalidInput(f"{collection.name} has no text whose length could be compared.")
        content = column("d", collection.roles.content)
        order = compose("length({content}) desc nulls last, ", content=content)
    elif keep is Keep.NEWEST:
        if not key:
            raise InvalidInput("Say which column tells what is newest.", "Name a column or key.")
        value, values = _sortable(collection, key)
        order = compose("{value} desc nulls last, ", value=value)
    return Query(
        compose(
            "select {id}::text, {row} from {table} as d where {match} order by {order}{id}",
            id=id_expression(collection, "d"),
            row=_row_digest(),
            table=relation(collection),
            match=_match(collection),
            order=order,
        ),
        {"ids": list(ids), **values},
    )


def lock(collection: Collection, ids: Sequence[str]) -> Query:
    """Read id and digest of rows, and hold them until the transaction ends."""
    return Query(
        compose(
            "select {id}::text, {row} from {table} as d where {match} order by {id} for update",
            id=id_expression(collection, "d"),
            row=_row_digest(),
            table=relation(collection),
            match=_match(collection),
        ),
        {"ids": list(ids)},
    )


def delete(collection: Collection, ids: Sequence[str]) -> Query:
    """Delete rows by key, and nothing else."""
    return Query(
        compose(
            "delete from {table} as d where {match}",
            table=relation(collection),
            match=_match(collection),
        ),
        {"ids": list(ids)},
    )


def _match(collection: Collection) -> sql.Composed:
    return compose(
        "{id} = any({ids}::{type}[])",
        id=id_expression(collection, "d"),
        ids=param("ids"),
        type=column_type(collection.key_type),
    )


def _digest(collection: Collection) -> sql.Composable:
    if collection.roles.content is None:
        return sql.SQL("null::bytea")
    return compose(
        "sha256(convert_to(nullif(btrim({content}::text), ''), 'UTF8'))",
        content=column("d", collection.roles.content),
    )


def _row_digest() -> sql.Composable:
    return sql.SQL("md5(d::text)")


def _sortable(collection: Collection, key: str) -> tuple[sql.Composable, dict[str, list[str]]]:
    if collection.column(key) is not None:
        return column("d", key), {}
    found, values = group_key(collection, key)
    if not values:
        return found, {}
    json: LiteralString = "" if collection.metadata_type == "jsonb" else "::jsonb"
    value = compose(  # by jsonb's order: numbers as numbers, dates as ISO texts
        "nullif({metadata}{json} #> {path}::text[], 'null')",
        metadata=column("d", collection.roles.metadata or "metadata"),
        json=sql.SQL(json),
        path=param("group_path"),
    )
    return value, values
