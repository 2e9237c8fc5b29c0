"""What is asked about indexes beside their definition: operators, cache, memory, rows; and warming."""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.index import IndexSpec
from pgvista.sql.filters import FilterSql
from pgvista.sql.index import create
from pgvista.sql.names import relation
from pgvista.sql.query import Query, compose


def server() -> Query:
    """Ask for the settings that a build depends on, and for the extensions that tell of memory."""
    return Query(
        compose(
            """select pg_size_bytes(current_setting('maintenance_work_mem')),
  pg_size_bytes(current_setting('shared_buffers')),
  current_setting('max_parallel_maintenance_workers')::int,
  pg_size_bytes(current_setting('min_parallel_table_scan_size')),
  (select jsonb_object_agg(e.extname, n.nspname)
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname in ('pg_prewarm', 'pg_buffercache')
      and has_schema_privilege(n.oid, 'usage')
      and not exists (select from pg_proc p where p.pronamespace = n.oid
        and p.proname = 'pg_buffercache_pages' and not has_function_privilege(p.oid, 'execute'))),
  (select array_agg(name::text) from pg_available_extensions
    where name in ('pg_prewarm', 'pg_buffercache'))"""
        )
    )


def operators(schema: str, table: str) -> Query:
    """List (index, operators) of a relation: those of the first column's operator class."""
    return Query(
        compose(
            """select x.relname, array(
    select distinct p.oprname from pg_amop a join pg_operator p on p.oid = a.amopopr
    where a.amopfamily = o.opcfamily and a.amoplefttype = o.opcintype
      and a.amopmethod = x.relam order by p.oprname)::text[]
from pg_index i join pg_class x on x.oid = i.indexrelid
  join pg_opclass o on o.oid = i.indclass[0]
  join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = %(table)s"""
        ),
        {"schema": schema, "table": table},
    )


def cached(schema: str, table: str, buffercache_schema: str) -> Query:
    """List (index, bytes in shared_buffers) of a relation; reads the whole map of buffers."""
    return Query(
        compose(
            """select x.relname, count(b.bufferid) * current_setting('block_size')::bigint
from pg_index i join pg_class x on x.oid = i.indexrelid
  join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
  left join {view} b on b.relfilenode = pg_relation_filenode(x.oid)
    and b.reldatabase = (select oid from pg_database where datname = current_database())
where n.nspname = %(schema)s and c.relname = %(table)s
group by x.relname""",
            view=sql.Identifier(buffercache_schema, "pg_buffercache"),
        ),
        {"schema": schema, "table": table},
    )


def prewarm(schema: str, name: str, prewarm_schema: str | None) -> Query:
    """Read an index into shared_buffers; the answer is the number of pages."""
    function = (
        sql.Identifier("pg_prewarm")
        if prewarm_schema is None
        else sql.Identifier(prewarm_schema, "pg_prewarm")
    )
    return Query(
        compose(
            "select {function}({name}::regclass)",
            function=function,
            name=sql.Literal(sql.Identifier(schema, name).as_string(None)),
        )
    )


def create_extension(name: str) -> Query:
    """Install one of the extensions that tell of memory."""
    return Query(compose("create extension if not exists {name}", name=sql.Identifier(name)))


def planned(collection: Collection, spec: IndexSpec) -> Query:
    """Ask the planner how many rows a partial index will have: a JSON document."""
    condition = FilterSql(spec.filters, collection, None)
    return Query(
        compose(
            "explain (format json) select 1 from {table}{where}",
            table=relation(collection),
            where=condition.clause(" where"),
        ),
        condition.params,
    )


def entries(schema: str, name: str) -> Query:
    """Ask how many rows the last build of an index put in it."""
    return Query(
        compose(
            "select reltuples::bigint from pg_class where oid = {name}::regclass",
            name=sql.Literal(sql.Identifier(schema, name).as_string(None)),
        )
    )


SAMPLE_TABLE = "pgvista_sample"


def sample(collection: Collection, rows: int) -> Query:
    """Copy up to `rows` vectors, drawn at random from the table, into a temporary one."""
    return Query(
        compose(
            "create temp table {name} on commit drop as select {embedding} from {table} "
            "where {embedding} is not null order by random() limit {rows}",
            name=sql.Identifier(SAMPLE_TABLE),
            embedding=sql.Identifier(collection.roles.embedding),
            table=relation(collection),
            rows=sql.Literal(rows),
        )
    )


def index_sample(collection: Collection, spec: IndexSpec, rows: int) -> Query:
    """Build on the sample what `spec` would build on the table, with IVFFlat's lists in proportion."""
    parts = replace(spec, filters=None, concurrently=False)
    here = replace(collection, schema="pg_temp", table=SAMPLE_TABLE)
    return create(here, parts, rows=rows)[1]
