"""Statements that write rows: COPY into a temporary table, then one merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import PARENT_KEY, Collection
from pgvista.sql.collection import index_name
from pgvista.sql.names import column_type, relation, vector_type
from pgvista.sql.query import Query, column, compose, join

INCOMING = sql.Identifier("pgvista_incoming")

_SOURCES: tuple[tuple[str, LiteralString], ...] = (
    ("content", "content"),
    ("metadata", "metadata"),
    ("content_hash", "content_hash"),
    ("embedding", "embedding"),
)


def lock_collection(collection: Collection) -> Query:
    """Wait until no other batch is being written to the collection; held to the commit.

    Two loads at once take turns batch by batch, and cannot deadlock.
    """
    return Query(
        compose(
            "select pg_advisory_xact_lock(hashtext('pgvista ingest'), hashtext({name}))",
            name=sql.Literal(f"{collection.schema}.{collection.table}"),
        )
    )


def create_incoming(collection: Collection) -> Query:
    """Create the temporary table that a batch is copied into; it goes with the transaction.

    Values whose type is the collection's own affair (key, metadata, structured columns) arrive as
    text and are cast by the merge.
    """
    columns = [
        compose(", {name} text", name=sql.Identifier(f"column_{position}"))
        for position in range(len(collection.columns))
    ]
    return Query(
        compose(
            """create temporary table {incoming} (
  id text not null, content text, metadata text, content_hash bytea, embedding {vector}{columns}
) on commit drop""",
            incoming=INCOMING,
            vector=vector_type(collection.vector_type, collection.extension_schema),
            columns=join("", columns),
        )
    )


def copy_incoming(collection: Collection) -> Query:
    """Build the binary COPY into the temporary table."""
    return Query(compose("copy {incoming} from stdin (format binary)", incoming=INCOMING))


def copy_types(collection: Collection) -> list[str]:
    """Return the types of the copied columns, in order."""
    return ["text", "text", "text", "bytea", collection.vector_type.value] + [
        "text" for _ in collection.columns
    ]


def merge_incoming(collection: Collection, given: Sequence[str]) -> Query:
    """Insert what was copied; a row with the same key takes the new values.

    `given` names the structured columns that the rows bring; the others keep what they hold.
    """
    pairs = _pairs(collection, given)
    targets = [pair[0] for pair in pairs]
    key = sql.Identifier(_key(collection))
    return Query(
        compose(
            """insert into {table} ({targets})
select {values}
from {incoming} as i
order by i.id
on conflict ({key}) do update set {updates}""",
            table=relation(collection),
            targets=join(", ", [key, *targets]),
            values=join(", ", [_cast_key(collection), *[pair[1] for pair in pairs]]),
            incoming=INCOMING,
            key=key,
            updates=join(
                ", ", [compose("{name} = excluded.{name}", name=target) for target in targets]
            ),
        )
    )


def update_unchanged(collection: Collection, given: Sequence[str]) -> Query:
    """Write metadata and structured columns of rows whose text and vector stay; return their keys.

    Rows that hold the same values already are returned too, and not written.
    """
    pairs = [
        pair
        for pair in _pairs(collection, given)
        if pair[0].as_string(None).strip('"')
        not in {collection.roles.content, collection.roles.content_hash, collection.roles.embedding}
    ]
    key = column("t", _key(collection))
    if not pairs:
        return Query(
            compose(
                "select i.id from {incoming} as i join {table} as t on {key} = {id}",
                incoming=INCOMING,
                table=relation(collection),
                key=key,
                id=_cast_key(collection),
            )
        )
    return Query(
        compose(
            """with changed as (
  update {table} as t set {updates}
  from {incoming} as i
  where {key} = {id} and ({old}) is distinct from ({new})
)
select i.id from {incoming} as i join {table} as t on {key} = {id}""",
            table=relation(collection),
            updates=join(
                ", ",
                [compose("{name} = {value}", name=pair[0], value=pair[1]) for pair in pairs],
            ),
            incoming=INCOMING,
            key=key,
            id=_cast_key(collection),
            old=join(", ", [_comparable(compose("t.{name}", name=pair[0])) for pair in pairs]),
            new=join(", ", [_comparable(pair[1]) for pair in pairs]),
        )
    )


def empty_incoming() -> Query:
    """Empty the temporary table for a second COPY in the same transaction."""
    return Query(compose("truncate {incoming}", incoming=INCOMING))


def has_chunks(collection: Collection) -> Query:
    """Tell whether any text was ever cut: the index by which chunks are found is there."""
    return Query(
        compose("select to_regclass({name}) is not null", name=sql.Placeholder("name")),
        {
            "name": sql.Identifier(
                collection.schema, index_name(collection.table, PARENT_KEY)
            ).as_string(None)
        },
    )


def known_hashes(collection: Collection, ids: Sequence[str]) -> Query:
    """Read the content hashes of rows that have a vector."""
    return Query(
        compose(
            """select {key}::text, {hash} from {table}
where {key} = any({ids}::{type}[]) and {hash} is not null and {embedding} is not null""",
            key=sql.Identifier(_key(collection)),
            hash=sql.Identifier(collection.roles.content_hash or "content_hash"),
            table=relation(collection),
            embedding=sql.Identifier(collection.roles.embedding),
            ids=sql.Placeholder("ids"),
            type=_key_type(collection),
        ),
        {"ids": list(ids)},
    )


def delete_stale_chunks(
    collection: Collection, parents: Sequence[str], kept: Sequence[str]
) -> Query:
    """Delete earlier forms of texts: chunks that are no longer cut, or a whole that now is."""
    roles = collection.roles
    return Query(
        compose(
            """delete from {table}
where ({metadata} ->> {parent} = any({parents}) or {id} = any({parents}))
  and {id} <> all({kept})""",
            table=relation(collection),
            metadata=sql.Identifier(roles.metadata or "metadata"),
            parent=sql.Literal(PARENT_KEY),
            id=compose("{key}::text", key=sql.Identifier(_key(collection)))
            if _key_is_cast(collection)
            else sql.Identifier(_key(collection)),
            parents=sql.Placeholder("parents"),
            kept=sql.Placeholder("kept"),
        ),
        {"parents": list(parents), "kept": list(kept)},
    )


def _pairs(
    collection: Collection, given: Sequence[str]
) -> list[tuple[sql.Identifier, sql.Composable]]:
    """Pair each target column with its value from the temporary table ``i``."""
    pairs: list[tuple[sql.Identifier, sql.Composable]] = []
    for role, source in _SOURCES:
        target = getattr(collection.roles, role)
        if target is None:
            continue
        value: sql.Composable = column("i", source)
        if role == "metadata":
            json: LiteralString = "::jsonb" if collection.metadata_type == "jsonb" else "::json"
            value = compose("{value}{json}", value=value, json=sql.SQL(json))
        pairs.append((sql.Identifier(target), value))
    for position, item in enumerate(collection.columns):
        if item.name in given:
            value = column("i", f"column_{position}")
            pairs.append(
                (
                    sql.Identifier(item.name),
                    compose("{value}::{type}", value=value, type=column_type(item.type)),
                )
            )
    return pairs


def _comparable(value: sql.Composable) -> sql.Composed:
    """json has no equality, so values are compared as text where the type may be json."""
    return compose("({value})::text", value=value)


def _key(collection: Collection) -> str:
    key = collection.roles.id
    if key is None:
        raise ValueError("rows are written to collections with a key only")
    return key


def _key_type(collection: Collection) -> sql.Composable:
    return column_type(collection.key_type)


def _key_is_cast(collection: Collection) -> bool:
    return collection.key_type not in ("text", "character varying")


def _cast_key(collection: Collection) -> sql.Composable:
    if not _key_is_cast(collection):
        return sql.SQL("i.id")
    return compose("i.id::{type}", type=_key_type(collection))
