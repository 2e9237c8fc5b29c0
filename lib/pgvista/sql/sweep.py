"""Statements of a sweep: queries drawn from the rows, the truth, what may change, and the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.filters import Filter
from pgvista.model.metric import Metric
from pgvista.sql import nearest
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import column_type, id_expression, relation, vector_type
from pgvista.sql.query import Query, column, compose, join, param

SERVER_SETTINGS = (
    "shared_buffers",
    "effective_cache_size",
    "work_mem",
    "maintenance_work_mem",
    "max_parallel_workers_per_gather",
    "random_page_cost",
    "jit",
)


def counts(collection: Collection) -> Query:
    """Count the rows that can be found by vector, and measure the table: (rows, dimension, bytes)."""
    return Query(
        compose(
            "select count(*), coalesce(max({dims}), 0), "
            "pg_catalog.pg_table_size({name}::regclass) from {table} as d where {there}",
            dims=nearest.dims(collection, "d"),
            name=_regclass(collection),
            table=relation(collection),
            there=_there(collection),
        )
    )


def sample(collection: Collection, count: int, seed: int) -> Query:
    """Draw rows by a hash of key and seed, the same each time: id, vector."""
    return Query(
        compose(
            """select {id}::text, {embedding} from {table} as d where {there}
order by pg_catalog.hashtextextended({id}::text, {seed}), {id}::text collate "C" limit {count}""",
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            there=_there(collection),
            seed=param("seed"),
            count=param("count"),
        ),
        # the shares of rows are drawn with seed 0: queries must not be those of a share alone
        {"seed": seed + 1, "count": count},
    )


def condition(
    collection: Collection, filters: Filter | None, share: float | None, prefix: str
) -> tuple[sql.Composable, dict[str, Any]]:
    """Return the condition of a case, and its values by names that begin with `prefix`."""
    if share is not None:
        return nearest.in_share(collection, share), {}
    filtered = FilterSql(filters, collection, "d", prefix)
    return filtered.condition or sql.SQL("true"), filtered.params


def case_rows(collection: Collection, conditions: Sequence[sql.Composable], params: Any) -> Query:
    """Count the rows with a vector that each condition lets through, a column each."""
    return Query(
        compose(
            "select {counts} from {table} as d where {there}",
            counts=join(
                ", ",
                [compose("count(*) filter (where {part})", part=part) for part in conditions],
            ),
            table=relation(collection),
            there=_there(collection),
        ),
        params,
    )


def stream(collection: Collection, conditions: Sequence[sql.Composable], params: Any) -> Query:
    """Read every row with a vector: id, vector, and whether each condition holds."""
    flags = [compose(", coalesce(({part}), false)", part=part) for part in conditions]
    return Query(
        compose(
            "select {id}::text, {embedding}{flags} from {table} as d where {there}",
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            flags=join("", flags),
            table=relation(collection),
            there=_there(collection),
        ),
        params,
    )


def distances(
    collection: Collection, metric: Metric, ids: Sequence[str], vector: NDArray[np.float32]
) -> Query:
    """Measure the distances of some rows to a vector: id, distance, nearest first, ties by id."""
    value = compose(
        "{value}::{type}",
        value=param("embedding"),
        type=vector_type(collection.vector_type, collection.extension_schema),
    )
    return Query(
        compose(
            """select id::text, distance from (
  select {id} as id, {distance} as distance from {table} as d where {id} = any({ids}::{type}[])
) as candidates
where distance < 'NaN'
order by distance, id::text collate "C\"""",
            id=id_expression(collection, "d"),
            distance=nearest.distance(collection, metric, "d", value),
            table=relation(collection),
            ids=param("ids"),
            type=column_type(collection.key_type),
        ),
        {"ids": list(ids), "embedding": vector},
    )


def state(collection: Collection) -> Query:
    """Tell what must not change: the relation's file, rows written so far, its valid indexes by oid.

    No row when the relation is gone.
    """
    return Query(
        compose(
            """select c.oid::bigint, c.relfilenode::bigint,
  coalesce(pg_catalog.pg_stat_get_tuples_inserted(c.oid), 0)
    + coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0)
    + coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0),
  array(select x.relname::text || ' ' || i.indexrelid || ' ' || x.relfilenode
    from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
    where i.indrelid = c.oid and i.indisvalid)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = %(table)s"""
        ),
        {"schema": collection.schema, "table": collection.table},
    )


def server_settings() -> Query:
    """Read the settings that bear on speed: name, value."""
    return Query(
        compose(
            "select name, pg_catalog.current_setting(name) "
            "from pg_catalog.unnest(%(names)s::text[]) as name"
        ),
        {"names": list(SERVER_SETTINGS)},
    )


# -- the store


def create_table() -> Query:
    """Create the table of sweeps. Safe to run again; needs the right to create the schema."""
    return Query(
        compose(
            """create schema if not exists pgvista;
create table if not exists pgvista.tuning_sweeps (
  id bigint generated always as identity primary key,
  collection_schema text not null,
  collection_name text not null,
  finished_at timestamptz not null default now(),
  result jsonb not null
)"""
        )
    )


def table_exists() -> Query:
    """Tell whether the table is there and readable."""
    return Query(
        compose(
            """select to_regclass('pgvista.tuning_sweeps') is not null and
  coalesce(has_table_privilege(to_regclass('pgvista.tuning_sweeps'), 'select'), false)"""
        )
    )


def insert(collection: Collection, result: Any) -> Query:
    """Keep a sweep, as JSON; return its id."""
    return Query(
        compose(
            """insert into pgvista.tuning_sweeps (collection_schema, collection_name, result)
values (%(schema)s, %(table)s, %(result)s) returning id"""
        ),
        {"schema": collection.schema, "table": collection.table, "result": result},
    )


def read(collection: Collection, most: int) -> Query:
    """Read a collection's sweeps, the newest first: id, result."""
    return Query(
        compose(
            """select id, result from pgvista.tuning_sweeps
where (collection_schema, collection_name) = (%(schema)s, %(table)s)
order by id desc limit %(most)s"""
        ),
        {"schema": collection.schema, "table": collection.table, "most": most},
    )


def delete(number: int) -> Query:
    """Delete a sweep; return its id."""
    return Query(
        compose("delete from pgvista.tuning_sweeps where id = %(id)s returning id"), {"id": number}
    )


# -- parts


def _there(collection: Collection) -> sql.Composable:
    """Return the condition that a row can be found by its vector."""
    embedding = column("d", collection.roles.embedding)
    if collection.metric is not Metric.COSINE:
        return compose("{embedding} is not null", embedding=embedding)
    schema = collection.extension_schema
    name = "vector_norm" if collection.vector_type == "vector" else "l2_norm"
    return compose(
        "{norm}({embedding}) > 0",
        norm=sql.Identifier(*((name,) if schema is None else (schema, name))),
        embedding=embedding,
    )


def _regclass(collection: Collection) -> sql.Composable:
    """Return the relation's name as a literal that can be cast to regclass."""
    return sql.Literal(relation(collection).as_string(None))
