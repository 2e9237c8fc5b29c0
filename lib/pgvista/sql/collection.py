"""Statements that make, change and remove collections."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import PARENT_KEY, Collection, Column, ColumnType, NewCollection
from pgvista.model.collection import Layout as LayoutKind
from pgvista.model.metric import VectorType
from pgvista.sql.names import relation, vector_type
from pgvista.sql.query import Query, column, compose, join

_TYPES: dict[str, LiteralString] = {kind.value: kind.value for kind in ColumnType}


def create(new: NewCollection, extension_schema: str | None) -> list[Query]:
    """Build the statements that create a collection's schema, table and column indexes."""
    vector = compose(
        "{type}({dimension})",
        type=vector_type(new.vector_type, extension_schema),
        dimension=sql.Literal(new.dimension),
    )
    table = sql.Identifier(new.schema, new.table)
    statements = [
        compose("create schema if not exists {schema}", schema=sql.Identifier(new.schema))
    ]
    if new.layout is LayoutKind.VECS:
        body = compose(
            """create table {table} (
  id varchar primary key,
  vec {vector} not null,
  metadata jsonb not null default jsonb_build_object()
)""",
            table=table,
            vector=vector,
        )
        return [Query(statement) for statement in [*statements, body]]
    columns = [
        compose(
            ",\n  {name} {type}", name=sql.Identifier(item.name), type=sql.SQL(_TYPES[item.type])
        )
        for item in new.columns
    ]
    statements.append(
        compose(
            """create table {table} (
  id text primary key,
  content text,
  metadata jsonb not null default '{{}}',
  content_hash bytea,
  fts tsvector generated always as ({words}) stored,
  embedding {vector}{columns}
)""",
            table=table,
            words=_words(new),
            vector=vector,
            columns=join("", columns),
        )
    )
    statements.append(
        compose(
            "create index {name} on {table} using gin (fts)",
            name=sql.Identifier(index_name(new.table, "fts")),
            table=table,
        )
    )
    statements.append(
        compose(
            "create index {name} on {table} using gin (metadata jsonb_path_ops)",
            name=sql.Identifier(index_name(new.table, "metadata")),
            table=table,
        )
    )
    statements += [
        _column_index(new.table, table, item)
        for item in new.columns
        if item.name in new.indexed_columns
    ]
    return [Query(statement) for statement in statements]


def _words(new: NewCollection) -> sql.Composed:
    """Return the tsvector of a row: of its text, and of the columns that have a label."""
    config = compose("{name}::regconfig", name=sql.Literal(stored_config(new)))
    text = compose("to_tsvector({config}, coalesce(content, ''))", config=config)
    labelled = [
        compose(
            "setweight(to_tsvector({config}, coalesce({column}, '')), {label})",
            config=config,
            column=sql.Identifier(name),
            label=sql.Literal(label),
        )
        for name, label in new.labels
    ]
    return join(" || ", [*labelled, text])


def stored_config(new: NewCollection) -> str:
    """Return the name of the configuration that the words are stored by."""
    return unaccented_name(new.text_config) if new.unaccent else new.text_config


def unaccented_name(config: str) -> str:
    """Return the name of a configuration's variant that has no regard to accents."""
    return f"pgvista.{config.rpartition('.')[2]}_unaccent"


def create_unaccented(config: str, dictionaries: Sequence[tuple[str, str]]) -> list[Query]:
    """Build the statements that make a configuration's variant without regard to accents.

    `dictionaries` are (schema, name) of those that words pass through, unaccent first.
    """
    made = sql.Identifier(*unaccented_name(config).split("."))
    return [
        Query(
            compose(
                "create text search configuration {made} (copy = {config})",
                made=made,
                config=sql.Identifier(*config.split(".")),
            )
        ),
        Query(
            compose(
                "alter text search configuration {made} "
                "alter mapping for word, hword, hword_part with {dictionaries}",
                made=made,
                dictionaries=join(", ", [sql.Identifier(*name) for name in dictionaries]),
            )
        ),
    ]


def _column_index(name: str, table: sql.Identifier, item: Column) -> sql.Composed:
    method: LiteralString = "gin" if item.type.endswith("[]") else "btree"
    return compose(
        "create index {name} on {table} using {method} ({column})",
        name=sql.Identifier(index_name(name, item.name)),
        table=table,
        method=sql.SQL(method),
        column=sql.Identifier(item.name),
    )


def index_parents(collection: Collection) -> Query:
    """Build the index by which the chunks of a text are found; it costs nothing without chunks."""
    return Query(
        compose(
            "create index if not exists {name} on {table} (({metadata} ->> {key})) where {metadata} ->> {key} is not null",
            name=sql.Identifier(index_name(collection.table, PARENT_KEY)),
            table=relation(collection),
            metadata=sql.Identifier(collection.roles.metadata or "metadata"),
            key=sql.Literal(PARENT_KEY),
        )
    )


def rename_parents_index(collection: Collection, new: str) -> Query:
    """Carry the index of chunks over to a collection's new name, by which it is looked for."""
    return Query(
        compose(
            "alter index if exists {old} rename to {new}",
            old=sql.Identifier(collection.schema, index_name(collection.table, PARENT_KEY)),
            new=sql.Identifier(index_name(new, PARENT_KEY)),
        )
    )


def index_name(table: str, part: str) -> str:
    """Return ``<table>_<part>_idx``, cut to 63 bytes with a digest that keeps it unique."""
    name = f"{table}_{part}_idx"
    if len(name.encode()) <= 63:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return table.encode()[:40].decode(errors="ignore") + f"_{digest}_idx"


def rename(collection: Collection, new: str) -> Query:
    """Rename the relation."""
    kind: LiteralString = (
        "materialized view" if collection.kind.value == "materialised view" else "table"
    )
    return Query(
        compose(
            "alter {kind} {table} rename to {new}",
            kind=sql.SQL(kind),
            table=relation(collection),
            new=sql.Identifier(new),
        )
    )


def empty(collection: Collection) -> Query:
    """Remove all rows at once."""
    return Query(compose("truncate table {table}", table=relation(collection)))


def drop(collection: Collection) -> Query:
    """Remove the relation."""
    kinds: dict[str, LiteralString] = {
        "materialised view": "materialized view",
        "view": "view",
        "foreign table": "foreign table",
    }
    kind = kinds.get(collection.kind.value, "table")
    return Query(compose("drop {kind} {table}", kind=sql.SQL(kind), table=relation(collection)))


def add_vector_column(
    schema: str,
    table: str,
    name: str,
    dimension: int,
    kind: VectorType,
    extension_schema: str | None,
) -> Query:
    """Give a table a vector column; existing rows get NULL, without a rewrite of the table."""
    return Query(
        compose(
            "alter table {table} add column {name} {type}({dimension})",
            table=sql.Identifier(schema, table),
            name=sql.Identifier(name),
            type=vector_type(kind, extension_schema),
            dimension=sql.Literal(dimension),
        )
    )


def count_rows(collection: Collection) -> Query:
    """Count the rows, and the rows with text and no vector, exactly."""
    content = collection.roles.content
    missing = (
        compose(
            "count(*) filter (where {embedding} is null and {content} is not null)",
            embedding=column(None, collection.roles.embedding),
            content=column(None, content),
        )
        if content
        else compose(
            "count(*) filter (where {embedding} is null)",
            embedding=column(None, collection.roles.embedding),
        )
    )
    return Query(
        compose(
            "select count(*), {missing} from {table}", missing=missing, table=relation(collection)
        )
    )
