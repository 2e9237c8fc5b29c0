"""What a collection can be filtered by: its columns and the keys within its metadata, from a sample."""

from __future__ import annotations

from itertools import pairwise
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection, RelationKind
from pgvista.sql.names import relation
from pgvista.sql.query import NOTHING, Query, column, compose, join

MAX_KEYS = 200
MAX_VALUES = 12
"""Suggestions for each key."""
MAX_VALUE_CHARS = 80
"""Longer texts are no suggestions."""
NESTED = 3
"""Objects are looked into this deep."""

_SAMPLED_KINDS = {RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.MATVIEW}

_STATEMENT: LiteralString = """with sampled as materialized (
  select {columns} as columns, {metadata} as metadata
  from {table} as d{sampling}
  limit {limit}
), level1 as (
  select 'column' as source, array[key] as path, value
  from sampled, jsonb_each(columns)
  union all
  select 'metadata', array[key], value
  from sampled, jsonb_each(case jsonb_typeof(metadata) when 'object' then metadata end)
), {levels}, found as materialized (
  {all_levels}
), keys as materialized (
  select source, path, sum(rows)::bigint as rows, jsonb_object_agg(kind, rows) as kinds
  from (
    select source, path, jsonb_typeof(value) as kind, count(*) as rows
    from found group by source, path, kind) as typed
  group by source, path
  order by rows desc, path limit {keys}
), valued as (
  select source, path, value, false as listed from found
  union all
  select source, path, element, true
  from found, lateral (
    select distinct element
    from jsonb_array_elements(case jsonb_typeof(value) when 'array' then value end) as element
  ) as elements
), counted as (
  select source, path, value, listed, count(*) as rows,
    row_number() over (partition by source, path, listed order by count(*) desc, value) as place
  from valued join keys using (source, path)
  where jsonb_typeof(value) in ('string', 'number', 'boolean')
    and length(value #>> '{{}}') between 1 and {chars}
  group by source, path, value, listed
)
select source, path, kinds, (
    select jsonb_agg(jsonb_build_array(value, c.rows, listed) order by place)
    from counted as c where c.source = k.source and c.path = k.path and place <= {values}
  ), (select count(*) from sampled)
from keys as k
union all
select 'rows', null, null, null, (select count(*) from sampled)"""

_LEVEL: LiteralString = """{level} as (
  select source, path || key, e.value
  from {above} as a (source, path, value),
    jsonb_each(case jsonb_typeof(a.value) when 'object' then a.value end) as e
)"""


def sampled_keys(
    collection: Collection, limit: int, *, percent: float | None = None, metadata: bool = True
) -> Query:
    """Read the keys in at most `limit` rows, with how many have each type, and common values.

    Rows: source (``column``, ``metadata``), path, {JSON type: rows}, [[value, rows, whether
    it is an element of lists], ...], rows read; and one with source ``rows``, which is there for an empty table too. Columns are called by
    their place among the collection's, from 0, in the path's first name. `percent` takes that part
    of the table's pages at random instead of its first rows.
    """
    above = [sql.Identifier(f"level{depth}") for depth in range(1, NESTED + 1)]
    sampling: sql.Composable = NOTHING
    if percent is not None and collection.kind in _SAMPLED_KINDS:
        sampling = compose(
            "\n  tablesample system ({percent}) repeatable (0)", percent=sql.Literal(percent)
        )
    return Query(
        compose(
            _STATEMENT,
            columns=_columns(collection),
            metadata=_metadata(collection) if metadata else sql.SQL("null::jsonb"),
            table=relation(collection),
            sampling=sampling,
            limit=sql.Literal(limit),
            levels=join(
                ", ",
                [compose(_LEVEL, level=level, above=upper) for upper, level in pairwise(above)],
            ),
            all_levels=join(
                " union all ", [compose("select * from {level}", level=level) for level in above]
            ),
            keys=sql.Literal(MAX_KEYS),
            chars=sql.Literal(MAX_VALUE_CHARS),
            values=sql.Literal(MAX_VALUES),
        )
    )


def column_statistics(collection: Collection) -> Query:
    """Read what ANALYZE noted of the columns, where the role may see it.

    Rows: name, part of nulls, common values or elements as texts, their parts of all rows.
    """
    return Query(
        sql.Composed(
            [
                sql.SQL(
                    """select distinct on (attname) attname::text, null_frac,
  coalesce(most_common_elems, most_common_vals)::text::text[],
  case when most_common_elems is null then most_common_freqs else most_common_elem_freqs end
from pg_stats
where schemaname = %(schema)s and tablename = %(table)s and attname = any(%(columns)s)
order by attname, inherited desc"""
                )
            ]
        ),
        {
            "schema": collection.schema,
            "table": collection.table,
            "columns": [item.name for item in collection.columns],
        },
    )


def estimated_rows(collection: Collection) -> Query:
    """Read about how many rows there are; -1 when nobody has looked yet."""
    return Query(
        sql.Composed(
            [
                sql.SQL(
                    """select c.reltuples::bigint
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = %(table)s"""
                )
            ]
        ),
        {"schema": collection.schema, "table": collection.table},
    )


def _columns(collection: Collection) -> sql.Composable:
    if not collection.columns:
        return sql.SQL("null::jsonb")
    named = [
        compose(
            "{column} as {place}",
            column=column("d", item.name),
            place=sql.Identifier(str(place)),
        )
        for place, item in enumerate(collection.columns)
    ]
    return compose("(select to_jsonb(c) from (select {columns}) as c)", columns=join(", ", named))


def _metadata(collection: Collection) -> sql.Composable:
    if collection.roles.metadata is None:
        return sql.SQL("null::jsonb")
    name = column("d", collection.roles.metadata)
    if collection.metadata_type == "jsonb":
        return name
    return compose("{name}::jsonb", name=name)
