"""Statements on the rows selected on a map: as they are, tagged, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import PARENT_KEY, Collection
from pgvista.sql.names import column_type, id_expression, relation
from pgvista.sql.query import NOTHING, Query, column, compose, param


def seen(collection: Collection, ids: Sequence[str], *, chunks: bool, lock: bool = False) -> Query:
    """Read id and digest of rows, and with `chunks` of those cut from them; `lock` holds them."""
    parent: sql.Composable = NOTHING
    if chunks and collection.roles.metadata is not None:
        parent = compose(
            " or {metadata} ->> {key} = any({ids}::text[])",
            metadata=column("d", collection.roles.metadata),
            key=sql.Literal(PARENT_KEY),
            ids=param("ids"),
        )
    held: LiteralString = " for update" if lock else ""
    return Query(
        compose(
            "select {id}::text, md5(d::text) from {table} as d where {match}{parent} "
            "order by {id}{held}",
            id=id_expression(collection, "d"),
            table=relation(collection),
            match=_match(collection),
            parent=parent,
            held=sql.SQL(held),
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


def tagged(collection: Collection, ids: Sequence[str], key: str) -> Query:
    """Read id, digest, what the metadata has under `key` as JSON, and whether it can have a key.

    Metadata that is a list or a bare value has no keys.
    """
    return Query(
        compose(
            """select {id}::text, md5(d::text), ({metadata} -> {key})::text, {takes}
from {table} as d where {match} order by {id}""",
            id=id_expression(collection, "d"),
            metadata=_metadata(collection),
            key=param("key"),
            takes=_takes_keys(collection),
            table=relation(collection),
            match=_match(collection),
        ),
        {"ids": list(ids), "key": key},
    )


def tag(collection: Collection, ids: Sequence[str], key: str, value: str | None) -> Query:
    """Write `value`, as JSON, under a key of the metadata of rows; None takes the key away."""
    metadata = _metadata(collection)
    if value is None:
        written = compose("{metadata} - {key}::text", metadata=metadata, key=param("key"))
    else:
        written = compose(
            "coalesce(nullif({metadata}, 'null'), '{empty}') || "
            "jsonb_build_object({key}::text, {value}::jsonb)",
            metadata=metadata,
            empty=sql.SQL("{}"),
            key=param("key"),
            value=param("value"),
        )
    given = {"ids": list(ids), "key": key}
    return Query(
        compose(
            "update {table} as d set {name} = ({written}){type} where {match} and {takes}",
            table=relation(collection),
            name=sql.Identifier(collection.roles.metadata or "metadata"),
            written=written,
            type=NOTHING if collection.metadata_type == "jsonb" else sql.SQL("::json"),
            match=_match(collection),
            takes=_takes_keys(collection),
        ),
        given if value is None else {**given, "value": value},
    )


def _metadata(collection: Collection) -> sql.Composable:
    found = column("d", collection.roles.metadata or "metadata")
    return found if collection.metadata_type == "jsonb" else compose("{name}::jsonb", name=found)


def _takes_keys(collection: Collection) -> sql.Composable:
    return compose(
        "coalesce(jsonb_typeof({metadata}), 'null') in ('object', 'null')",
        metadata=_metadata(collection),
    )


def _match(collection: Collection) -> sql.Composed:
    return compose(
        "{id} = any({ids}::{type}[])",
        id=id_expression(collection, "d"),
        ids=param("ids"),
        type=column_type(collection.key_type),
    )
