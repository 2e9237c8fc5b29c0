"""Statements of maps: rows and vectors out, the state of a table, and the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from pgvista.model.collection import Collection, RelationKind
from pgvista.model.filters import Filter
from pgvista.model.metric import Metric, VectorType
from pgvista.sql import nearest
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import column_type, id_expression, relation
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

POINT_COLUMNS = ("ids", "xy", "kept", "cluster", "neighbours", "distances", "pca", "is_new")
"""Columns of a block of points, each an array as bytes."""


def counts(collection: Collection, filters: Filter | None) -> Query:
    """Count rows: all, those with a vector, those that can be on a map; and the usual dimension.

    The last is that of most rows where the column takes any.
    """
    filtered = FilterSql(filters, collection, "d")
    dims = nearest.dims(collection, "d")
    return Query(
        compose(
            "select count(*), count({embedding}), count(*) filter (where {there}), "
            "coalesce({dimension}, mode() within group (order by {dims})) from {table} as d{where}",
            embedding=column("d", collection.roles.embedding),
            there=_there(collection),
            dimension=sql.SQL("null::integer")
            if collection.dimension is None
            else sql.Literal(collection.dimension),
            dims=dims,
            table=relation(collection),
            where=filtered.clause("\nwhere"),
        ),
        filtered.params,
    )


def stream(
    collection: Collection,
    filters: Filter | None,
    dimension: int,
    *,
    sample: int | None = None,
    seed: int = 0,
    ids: Sequence[str] | None = None,
) -> Query:
    """Copy out id and vector, in binary, of rows that have a vector of this dimension.

    All, or `sample` of them by a hash of key and seed, the same each time; or those of `ids`.
    """
    filtered = FilterSql(filters, collection, "d")
    values: dict[str, Any] = dict(filtered.params)
    conditions: list[sql.Composable] = [_there(collection)]
    if filtered.condition is not None:
        conditions.append(filtered.condition)
    if collection.dimension is None:
        conditions.append(
            compose(
                "{dims} = {dimension}",
                dims=nearest.dims(collection, "d"),
                dimension=sql.Literal(dimension),
            )
        )
    if ids is not None:
        conditions.append(_among(collection, ids, values))
    order: sql.Composable = NOTHING
    if sample is not None:
        order = compose(
            ' order by pg_catalog.hashtextextended({id}::text, {seed}), {id}::text collate "C" '
            "limit {sample}",
            id=id_expression(collection, "d"),
            seed=sql.Literal(seed),
            sample=sql.Literal(sample),
        )
    return Query(
        compose(
            "copy (select {id}::text, {embedding} from {table} as d where {conditions}{order}) "
            "to stdout (format binary)",
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            conditions=join(" and ", conditions),
            order=order,
        ),
        values,
    )


def ids(collection: Collection, filters: Filter | None, dimension: int | None) -> Query:
    """Read the keys of all rows that can be on a map."""
    filtered = FilterSql(filters, collection, "d")
    conditions: list[sql.Composable] = [_there(collection)]
    if filtered.condition is not None:
        conditions.append(filtered.condition)
    if collection.dimension is None and dimension is not None:
        conditions.append(
            compose(
                "{dims} = {dimension}",
                dims=nearest.dims(collection, "d"),
                dimension=sql.Literal(dimension),
            )
        )
    return Query(
        compose(
            "select {id}::text from {table} as d where {conditions}",
            id=id_expression(collection, "d"),
            table=relation(collection),
            conditions=join(" and ", conditions),
        ),
        filtered.params,
    )


def texts(collection: Collection, keys: Sequence[str], length: int) -> Query:
    """Read the beginning of the texts of some rows: id, text."""
    values: dict[str, Any] = {"length": length}
    return Query(
        compose(
            "select {id}::text, left({content}::text, {length}) from {table} as d "
            "where {among} and {content} is not null",
            id=id_expression(collection, "d"),
            content=column("d", collection.roles.content or "content"),
            length=param("length"),
            table=relation(collection),
            among=_among(collection, keys, values),
        ),
        values,
    )


def values(collection: Collection, keys: Sequence[str], key: str) -> Query:
    """Read one value of some rows, a column or a key of the metadata, as text: id, value."""
    found: dict[str, Any] = {}
    known = collection.column(key) is not None or key in (
        collection.roles.id,
        collection.roles.content,
    )
    if known:
        value: sql.Composable = compose("{column}::text", column=column("d", key))
    else:
        found["key"] = key
        value = compose(
            "{metadata} ->> {key}",
            metadata=column("d", collection.roles.metadata or "metadata"),
            key=param("key"),
        )
    return Query(
        compose(
            "select {id}::text, {value} from {table} as d where {among}",
            id=id_expression(collection, "d"),
            value=value,
            table=relation(collection),
            among=_among(collection, keys, found),
        ),
        found,
    )


def lexemes(config: str, words: Sequence[str]) -> Query:
    """Read the first lexeme of each word by the dictionaries of a language; null for stop words."""
    return Query(
        compose(
            """select word, (tsvector_to_array(to_tsvector({config}::regconfig, word)))[1]
from unnest({words}::text[]) as word""",
            config=param("config"),
            words=param("words"),
        ),
        {"config": config, "words": list(words)},
    )


def contents(collection: Collection) -> Query:
    """Read what is different whenever a row was written: the count, and a sum over row versions.

    Of a view, which has no row versions, the count and the largest key.
    """
    if collection.kind in (RelationKind.VIEW, RelationKind.FOREIGN):
        return Query(
            compose(
                "select count(*) || ':' || coalesce(max({id}::text), '') from {table} as d",
                id=id_expression(collection, "d"),
                table=relation(collection),
            )
        )
    return Query(
        compose(
            """select count(*) || ':' || coalesce(sum(pg_catalog.hashtextextended(
  d.tableoid || ' ' || d.ctid::text || ' ' || d.xmin::text, 0)), 0)
from {table} as d""",
            table=relation(collection),
        )
    )


# -- the store


def create_tables() -> Query:
    """Create the tables of maps. Safe to run again; needs the right to create the schema."""
    external = join(
        ", ",
        [
            compose("alter column {name} set storage external", name=sql.Identifier(name))
            for name in POINT_COLUMNS
            if name != "ids"
        ],
    )
    return Query(
        compose(
            """create schema if not exists pgvista;
create table if not exists pgvista.maps (
  id bigint generated always as identity primary key,
  collection_schema text not null,
  collection_name text not null,
  made_at timestamptz not null default now(),
  made_by name not null default current_user,
  info jsonb not null
);
create table if not exists pgvista.map_points (
  map bigint not null references pgvista.maps on delete cascade,
  block integer not null,
  points integer not null,
  neighbours_of_each integer not null,
  {columns},
  primary key (map, block)
);
alter table pgvista.map_points {external}""",
            columns=join(
                ",\n  ",
                [compose("{n} bytea not null", n=sql.Identifier(name)) for name in POINT_COLUMNS],
            ),
            external=external,
        )
    )


def tables_exist() -> Query:
    """Tell whether the tables are there and readable."""
    return Query(
        compose(
            """select coalesce(has_table_privilege(to_regclass('pgvista.maps'), 'select'), false)
  and coalesce(has_table_privilege(to_regclass('pgvista.map_points'), 'select'), false)"""
        )
    )


def insert(collection: Collection, info: Any) -> Query:
    """Keep a map without its points; return its number and time."""
    return Query(
        compose(
            """insert into pgvista.maps (collection_schema, collection_name, info)
values (%(schema)s, %(table)s, %(info)s) returning id, made_at"""
        ),
        {"schema": collection.schema, "table": collection.table, "info": info},
    )


def insert_points(
    number: int, block: int, points: int, k: int, arrays: Mapping[str, bytes]
) -> Query:
    """Keep a block of points."""
    return Query(
        compose(
            "insert into pgvista.map_points (map, block, points, neighbours_of_each, {names}) "
            "values ({map}, {block}, {points}, {k}, {values})",
            names=join(", ", [sql.Identifier(name) for name in POINT_COLUMNS]),
            map=param("map"),
            block=param("block"),
            points=param("points"),
            k=param("k"),
            values=join(", ", [param(name) for name in POINT_COLUMNS]),
        ),
        {"map": number, "block": block, "points": points, "k": k, **arrays},
    )


def delete_points(number: int) -> Query:
    """Delete the points of a map, to write them anew."""
    return Query(compose("delete from pgvista.map_points where map = %(map)s"), {"map": number})


def read(collection: Collection, number: int | None = None) -> Query:
    """Read the maps of a collection, or one of them, the newest first: id, made_at, info.

    Where policies keep rows from roles, only those that the role itself made.
    """
    own = sql.SQL(" and made_by = current_user") if collection.row_security else NOTHING
    one = sql.SQL(" and id = %(number)s") if number is not None else NOTHING
    given = {} if number is None else {"number": number}
    return Query(
        compose(
            """select id, made_at, info from pgvista.maps
where (collection_schema, collection_name) = (%(schema)s, %(table)s){own}{one}
order by id desc""",
            own=own,
            one=one,
        ),
        {"schema": collection.schema, "table": collection.table, **given},
    )


def lock(collection: Collection, number: int) -> Query:
    """Read a map's info as `read` does, and hold it until the transaction ends."""
    reading = read(collection, number)
    return Query(compose("{read} for update", read=reading.sql), reading.params)


def read_points(number: int) -> Query:
    """Read the blocks of points: points, neighbours of each, and the arrays."""
    return Query(
        compose(
            "select points, neighbours_of_each, {names} from pgvista.map_points "
            "where map = {map} order by block",
            names=join(", ", [sql.Identifier(name) for name in POINT_COLUMNS]),
            map=param("map"),
        ),
        {"map": number},
    )


def update(number: int, info: Any) -> Query:
    """Write what is known of a map anew."""
    return Query(
        compose("update pgvista.maps set info = %(info)s where id = %(number)s returning id"),
        {"info": info, "number": number},
    )


def delete(collection: Collection, number: int) -> Query:
    """Delete a map with its points; return its number."""
    own = sql.SQL(" and made_by = current_user") if collection.row_security else NOTHING
    return Query(
        compose(
            """delete from pgvista.maps where id = %(number)s
and (collection_schema, collection_name) = (%(schema)s, %(table)s){own} returning id""",
            own=own,
        ),
        {"number": number, "schema": collection.schema, "table": collection.table},
    )


# -- parts


def _among(collection: Collection, keys: Sequence[str], params: dict[str, Any]) -> sql.Composable:
    """Return the condition that a row's key is one of `keys`, which join `params`."""
    params["keys"] = list(keys)
    return compose(
        "{id} = any({keys}::{type}[])",
        id=id_expression(collection, "d"),
        keys=param("keys"),
        type=column_type(collection.key_type),
    )


def _there(collection: Collection) -> sql.Composable:
    """Return the condition that a row can be on a map."""
    embedding = column("d", collection.roles.embedding)
    if collection.metric is not Metric.COSINE:
        return compose("{embedding} is not null", embedding=embedding)
    schema = collection.extension_schema
    name = "vector_norm" if collection.vector_type is VectorType.VECTOR else "l2_norm"
    return compose(
        "{norm}({embedding}) > 0",
        norm=sql.Identifier(*((name,) if schema is None else (schema, name))),
        embedding=embedding,
    )
