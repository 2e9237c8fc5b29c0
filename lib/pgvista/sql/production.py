"""What the checklist asks of a server, and the statements that mend what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.metric import VectorType
from pgvista.sql.names import id_expression, relation, vector_type
from pgvista.sql.query import Query, compose, join


def server() -> Query:
    """Ask for settings as new sessions have them, for extensions, and how many are connected."""
    return Query(
        compose(
            """select current_database(), current_user,
  current_setting('server_version_num')::int,
  pg_size_bytes(current_setting('shared_buffers')),
  pg_size_bytes(current_setting('effective_cache_size')),
  pg_size_bytes(current_setting('maintenance_work_mem')),
  (select reset_val::bigint from pg_settings where name = 'statement_timeout'),
  current_setting('max_connections')::int,
  (select count(*) from pg_stat_activity where datid is not null),
  (select setting from pg_settings where name = 'shared_preload_libraries'),
  exists (select from pg_extension where extname = 'pg_prewarm'),
  exists (select from pg_available_extensions where name = 'pg_prewarm'),
  (select extversion from pg_extension where extname = 'vector'),
  (select default_version from pg_available_extensions where name = 'vector'),
  pg_is_in_recovery(), now()"""
        )
    )


def about(collection: Collection) -> Query:
    """Ask who may read a relation, its policies, and when it was vacuumed; with its partitions."""
    return Query(
        compose(
            """select pg_get_userbyid(c.relowner),
  array(select distinct coalesce(r.rolname, 'public')
    from aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
    where a.privilege_type = 'SELECT' and a.grantee <> c.relowner order by 1)::text[],
  c.relrowsecurity, (select count(*) from pg_policy p where p.polrelid = c.oid),
  s.live, s.dead, s.vacuumed, s.analyzed, s.changed
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join lateral (
  select sum(u.n_live_tup)::bigint as live, sum(u.n_dead_tup)::bigint as dead,
    min(greatest(u.last_vacuum, u.last_autovacuum)) as vacuumed,
    min(greatest(u.last_analyze, u.last_autoanalyze)) as analyzed,
    sum(u.n_mod_since_analyze)::bigint as changed
  from pg_stat_all_tables u
  where u.relid = c.oid or u.relid in (
    select t.relid from pg_partition_tree(c.oid) t where t.isleaf)
) s on true
where n.nspname = %(schema)s and c.relname = %(table)s"""
        ),
        {"schema": collection.schema, "table": collection.table},
    )


def unfindable(collection: Collection) -> Query:
    """Count (all rows, those without a vector, those whose vector is all zeros)."""
    embedding = sql.Identifier(collection.roles.embedding)
    return Query(
        compose(
            "select count(*), count(*) filter (where {embedding} is null), "
            "count(*) filter (where {norm}({embedding}) = 0) from {table}",
            embedding=embedding,
            norm=_norm(collection),
            table=relation(collection),
        )
    )


def lengths(collection: Collection) -> Query:
    """Find two lengths of vectors: one row when all are of one length."""
    schema = collection.extension_schema
    name = ("vector_dims",) if schema is None else (schema, "vector_dims")
    return Query(
        compose(
            "select distinct {dims}({embedding}) as length from {table} "
            "where {embedding} is not null order by length limit 2",
            dims=sql.Identifier(*name),
            embedding=sql.Identifier(collection.roles.embedding),
            table=relation(collection),
        )
    )


# -- what mends it, as text for a person


def fix_dimension(collection: Collection, dimension: int) -> str:
    """Give a column that takes vectors of any length the one that they have."""
    return _text(
        "alter table {table} alter column {embedding} type {type}({dimension});",
        table=relation(collection),
        embedding=sql.Identifier(collection.roles.embedding),
        type=vector_type(collection.vector_type, collection.extension_schema),
        dimension=sql.Literal(dimension),
    )


def reindex(index: IndexInfo) -> str:
    """Build an index anew while searches go on."""
    name = sql.Identifier(index.schema, index.name)
    return _text("reindex index concurrently {name};", name=name)


def rebuilt_with(index: IndexInfo, options: Mapping[str, int]) -> str:
    """Give an index other options, and build it anew."""
    name = sql.Identifier(index.schema, index.name)
    settings = join(
        ", ",
        [
            compose("{key} = {value}", key=sql.Identifier(key), value=sql.Literal(value))
            for key, value in options.items()
        ],
    )
    altered = _text("alter index {name} set ({settings});", name=name, settings=settings)
    return f"{altered}\n{reindex(index)}"


def prewarm(index: IndexInfo | None) -> str:
    """Install pg_prewarm, and read an index into memory."""
    made = "create extension if not exists pg_prewarm;"
    if index is None:
        return made
    name = sql.Literal(sql.Identifier(index.schema, index.name).as_string(None))
    return f"{made}\n" + _text("select pg_prewarm({name}::regclass);", name=name)


def alter_system(name: str, value: str, note: str) -> str:
    """Set what only the whole server can be set to."""
    return (
        _text(
            "alter system set {name} = {value};",
            name=sql.Identifier(name),
            value=sql.Literal(value),
        )
        + f"  -- {note}"
    )


def alter_database(database: str, name: str, value: str) -> str:
    """Set what new sessions of a database begin with."""
    return _text(
        "alter database {database} set {name} = {value};",
        database=sql.Identifier(database),
        name=sql.Identifier(name),
        value=sql.Literal(value),
    )


def alter_role(role: str, database: str, name: str, value: str) -> str:
    """Set what new sessions of a role in a database begin with."""
    return _text(
        "alter role {role} in database {database} set {name} = {value};",
        role=sql.Identifier(role),
        database=sql.Identifier(database),
        name=sql.Identifier(name),
        value=sql.Literal(value),
    )


def vacuum(collection: Collection) -> str:
    """Free the room of dead rows, and refresh the planner's statistics."""
    return _text("vacuum (analyze) {table};", table=relation(collection))


def analyze(collection: Collection) -> str:
    """Refresh the planner's statistics."""
    return _text("analyze {table};", table=relation(collection))


def list_nulls(collection: Collection) -> str:
    """List the rows without a vector."""
    return _text(
        "select {id} from {table} as d where d.{embedding} is null;",
        id=id_expression(collection, "d"),
        table=relation(collection),
        embedding=sql.Identifier(collection.roles.embedding),
    )


def list_zeros(collection: Collection) -> str:
    """List the rows whose vector is all zeros."""
    return _text(
        "select {id} from {table} as d where {norm}(d.{embedding}) = 0;",
        id=id_expression(collection, "d"),
        table=relation(collection),
        norm=_norm(collection),
        embedding=sql.Identifier(collection.roles.embedding),
    )


def enable_row_security(collection: Collection) -> str:
    """Let roles other than the owner see only the rows that a policy shows them."""
    return _text(
        "alter table {table} enable row level security;\n"
        "-- then a policy for each role, for example:\n"
        "-- create policy readers on {table} for select to app using (owner = current_user);",
        table=relation(collection),
    )


def _text(template: LiteralString, **parts: sql.Composable) -> str:
    return compose(template, **parts).as_string(None)


def _norm(collection: Collection) -> sql.Identifier:
    name = "l2_norm" if collection.vector_type is VectorType.HALFVEC else "vector_norm"
    schema = collection.extension_schema
    return sql.Identifier(name) if schema is None else sql.Identifier(schema, name)
