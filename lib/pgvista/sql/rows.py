"""Statements that read, change and delete single rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import PARENT_KEY, Collection
from pgvista.model.filters import Filter, split_key
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import column_type, id_expression, relation, structured_columns
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

COUNT_LIMIT = 100_000
"""Filtered rows are counted up to here."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page of rows: which, in what order, from where."""

    limit: int = 25
    offset: int = 0
    filters: Filter | None = None
    sort: str | None = None
    """A structured column, the id or text column, or a metadata key; None: by id."""
    descending: bool = False


def page(collection: Collection, request: PageRequest) -> Query:
    """Read a page: id, content, metadata, embedding, then the structured columns."""
    filtered = FilterSql(request.filters, collection, "d")
    direction: LiteralString = " desc nulls last" if request.descending else " asc nulls last"
    order, order_params = _order(collection, request.sort)
    key_order: LiteralString = " desc" if request.descending else ""
    statement = compose(
        """select {row}
from {table} as d{where}
order by {order}{key}{key_order}
limit {limit} offset {offset}""",
        row=_row(collection),
        table=relation(collection),
        where=filtered.clause("\nwhere"),
        order=NOTHING
        if order is None
        else compose("{order}{direction}, ", order=order, direction=sql.SQL(direction)),
        key=id_expression(collection, "d"),
        key_order=sql.SQL(key_order),
        limit=param("limit"),
        offset=param("offset"),
    )
    values = {"limit": request.limit, "offset": request.offset}
    return Query(statement, filtered.params | order_params | values)


def by_id(collection: Collection, ids: Sequence[str]) -> Query:
    """Read rows by key: id, content, metadata, embedding, then the structured columns."""
    return Query(
        compose(
            "select {row} from {table} as d where {match}",
            row=_row(collection),
            table=relation(collection),
            match=_id_in(collection, "d"),
        ),
        {"ids": list(ids)},
    )


def count(collection: Collection, filters: Filter | None) -> Query:
    """Count rows, at most COUNT_LIMIT + 1 of them."""
    filtered = FilterSql(filters, collection, "d")
    return Query(
        compose(
            "select count(*) from (select from {table} as d{where} limit {limit}) as counted",
            table=relation(collection),
            where=filtered.clause("\nwhere"),
            limit=sql.Literal(COUNT_LIMIT + 1),
        ),
        filtered.params,
    )


def delete_ids(collection: Collection, ids: Sequence[str]) -> Query:
    """Delete rows by key, and the chunks cut from texts of that id; return the keys deleted."""
    conditions: list[sql.Composable] = [_id_in(collection, "d")]
    if collection.roles.metadata is not None:
        conditions.append(
            compose(
                "{metadata} ->> {parent} = any({ids}::text[])",
                metadata=column("d", collection.roles.metadata),
                parent=sql.Literal(PARENT_KEY),
                ids=param("ids"),
            )
        )
    return Query(
        compose(
            "delete from {table} as d where {conditions} returning {id}::text",
            table=relation(collection),
            conditions=join(" or ", conditions),
            id=id_expression(collection, "d"),
        ),
        {"ids": list(ids)},
    )


def delete_filtered(collection: Collection, filters: Filter) -> Query:
    """Delete the rows that a filter lets through."""
    filtered = FilterSql(filters, collection, "d")
    return Query(
        compose(
            "delete from {table} as d {where}",
            table=relation(collection),
            where=filtered.clause("where"),
        ),
        filtered.params,
    )


def metadata_keys(collection: Collection, sample: int = 2000) -> Query:
    """List the metadata's top-level keys in a sample of rows, the most frequent first."""
    metadata: sql.Composable = column("d", collection.roles.metadata or "metadata")
    if collection.metadata_type != "jsonb":
        metadata = compose("{metadata}::jsonb", metadata=metadata)
    return Query(
        compose(
            """select key, mode() within group (order by jsonb_typeof(value)), count(*)
from (select {metadata} as metadata from {table} as d limit {sample}) as sampled,
  jsonb_each(case jsonb_typeof(metadata) when 'object' then metadata end)
group by key order by count(*) desc, key limit 200""",
            metadata=metadata,
            table=relation(collection),
            sample=sql.Literal(sample),
        )
    )


def unembedded(collection: Collection, after: str | None, limit: int) -> Query:
    """Read texts that have no vector yet: id and content, in the order of the key."""
    roles = collection.roles
    if roles.content is None or roles.id is None:
        raise InvalidInput(
            f"{collection.name} needs a key and a text column to be embedded.",
            "Give two columns the roles of id and text.",
        )
    key = column("d", roles.id)
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
            """select {key}::text, {content} from {table} as d
where {embedding} is null and {content} is not null{later}
order by {key} limit {limit}""",
            key=key,
            content=column("d", roles.content),
            table=relation(collection),
            embedding=column("d", roles.embedding),
            later=later,
            limit=param("limit"),
        ),
        {"after": after, "limit": limit},
    )


def set_embedding(collection: Collection) -> Query:
    """Fill one row's vector, if its text is still the one that was embedded.

    Values: id, content (as read), embedding, content_hash.
    """
    roles = collection.roles
    hashed = (
        compose(", {hash} = %(content_hash)s", hash=sql.Identifier(roles.content_hash))
        if roles.content_hash
        else NOTHING
    )
    return Query(
        compose(
            """update {table} as d set {embedding} = %(embedding)s{hashed}
where {key} = %(id)s::{type} and {content} = %(content)s""",
            table=relation(collection),
            embedding=sql.Identifier(roles.embedding),
            hashed=hashed,
            key=column("d", roles.id or "id"),
            type=column_type(collection.key_type),
            content=column("d", roles.content or "content"),
        )
    )


def _row(collection: Collection) -> sql.Composed:
    roles = collection.roles
    return compose(
        "{id}::text as id, {content} as content, {metadata} as metadata, {embedding} as embedding{columns}",
        id=id_expression(collection, "d"),
        content=column("d", roles.content) if roles.content else sql.SQL("null::text"),
        metadata=column("d", roles.metadata) if roles.metadata else sql.SQL("null::jsonb"),
        embedding=column("d", roles.embedding),
        columns=structured_columns(collection, "d"),
    )


def _id_in(collection: Collection, alias: LiteralString) -> sql.Composed:
    return compose(
        "{id} = any({ids}::{type}[])",
        id=id_expression(collection, alias),
        ids=param("ids"),
        type=column_type(collection.key_type),
    )


def _order(
    collection: Collection, sort: str | None
) -> tuple[sql.Composable | None, dict[str, Any]]:
    roles = collection.roles
    if sort is None or sort == roles.id:
        return None, {}
    if sort == roles.content or collection.column(sort) is not None:
        return column("d", sort), {}
    if roles.metadata is None:
        raise InvalidInput(f"{collection.name} has nothing called {sort!r} to sort by.")
    json: LiteralString = "" if collection.metadata_type == "jsonb" else "::jsonb"
    value = compose(
        "({metadata}{json} #> {path}::text[])",
        metadata=column("d", roles.metadata),
        json=sql.SQL(json),
        path=param("sort_path"),
    )
    return value, {"sort_path": list(split_key(sort))}
