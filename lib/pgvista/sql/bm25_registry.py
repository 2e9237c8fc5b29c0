"""The registry of BM25's side tables: ``pgvista.bm25``, a row for each relation that has them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Bm25, Collection
from pgvista.sql.names import relation
from pgvista.sql.query import Query, compose, param

_KEPT: LiteralString = """b.kept and (
    select count(*) = 4
      and ((b.fingerprint like 'triggers %%') is not true or b.fingerprint = {found})
    from pg_trigger t where t.tgrelid = b.relation and t.tgenabled in ('O', 'A') and {named})"""
_NAMED: LiteralString = """t.tgname in ('pgvista_bm25_insert', 'pgvista_bm25_update',
      'pgvista_bm25_delete', 'pgvista_bm25_truncate')"""
_TRIGGERS: LiteralString = (
    "'triggers ' || string_agg(format('%%s:%%s', t.oid, t.xmin), ' ' order by t.tgname)"
)
"""Tells triggers apart from the same ones after somebody switched one off, even if on again."""


def _kept() -> sql.Composed:
    """Whether triggers keep the postings of a registered relation `b`, and did since the build.

    Entries made before triggers had a fingerprint are taken as kept while all triggers are on.
    """
    return compose(_KEPT, found=compose(_TRIGGERS), named=compose(_NAMED))


def registry_exists() -> Query:
    """Tell whether the registry is there and readable."""
    return Query(
        compose(
            "select coalesce(has_table_privilege(to_regclass('pgvista.bm25'), 'select'), false)"
        )
    )


def create_registry() -> list[Query]:
    """Create the registry of side tables. Safe to run again."""
    return [
        Query(compose("create schema if not exists pgvista")),
        Query(
            compose(
                """create table if not exists pgvista.bm25 (
  number integer generated always as identity primary key,
  relation regclass not null unique,
  labelled boolean not null,
  kept boolean not null,
  fingerprint text,
  built_at timestamptz not null default now()
)"""
            )
        ),
    ]


def registered() -> Query:
    """Read the registry: schema, table, number, labelled, kept, and the schema of pg_trgm.

    `kept` is true when all triggers are there and enabled, and have not been switched off and on
    since the build. Side tables that are gone, or that the role may not read, are left out.
    """
    return Query(
        compose(
            """select n.nspname, c.relname, b.number, b.labelled, {kept},
  (select x.nspname from pg_extension e join pg_namespace x on x.oid = e.extnamespace
    where e.extname = 'pg_trgm')
from pgvista.bm25 b join pg_class c on c.oid = b.relation join pg_namespace n on n.oid = c.relnamespace
where (
  select bool_and(coalesce(has_table_privilege(
    to_regclass(format('pgvista.bm25_%%s_%%s', part, b.number)), 'select'), false))
  from unnest(array['postings', 'documents', 'totals']) as part)""",
            kept=_kept(),
        )
    )


def registered_numbers(schema: str, table: str) -> Query:
    """Read (number, spelling) of a relation's side tables, and of those whose relation is gone.

    `spelling` tells whether lexemes spelled alike were found.
    """
    return Query(
        compose(
            """select b.number, c.oid is not null
  and to_regclass(format('pgvista.bm25_spelling_%%s', b.number)) is not null
from pgvista.bm25 b left join pg_class c on c.oid = b.relation
where c.oid is null or b.relation = to_regclass({name})""",
            name=param("name"),
        ),
        {"name": sql.Identifier(schema, table).as_string(None)},
    )


def register(collection: Collection, *, labelled: bool, kept: bool) -> Query:
    """Enter a relation into the registry; returns its number."""
    return Query(
        compose(
            """insert into pgvista.bm25 (relation, labelled, kept)
values ({name}::regclass, {labelled}, {kept}) returning number""",
            name=param("name"),
            labelled=param("labelled"),
            kept=param("kept"),
        ),
        {"name": relation(collection).as_string(None), "labelled": labelled, "kept": kept},
    )


def forget(bm25: Bm25) -> Query:
    """Take a relation out of the registry."""
    return Query(
        compose("delete from pgvista.bm25 where number = {number}", number=param("number")),
        {"number": bm25.number},
    )


def readers(collection: Collection) -> Query:
    """Name the roles that may read the relation and do not own it; '' stands for everybody."""
    return Query(
        compose(
            """select coalesce(r.rolname, '') from pg_class c, aclexplode(c.relacl) a
left join pg_roles r on r.oid = a.grantee
where c.oid = to_regclass({name}) and a.privilege_type = 'SELECT' and a.grantee <> c.relowner""",
            name=param("name"),
        ),
        {"name": relation(collection).as_string(None)},
    )


def fingerprint(collection: Collection) -> Query:
    """Read what changes when somebody writes: the file of the relation, and rows written so far."""
    return Query(
        compose(
            """select pg_relation_filenode(c.oid) || ':' || coalesce(
    pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
      + pg_stat_get_tuples_deleted(c.oid), 0)
from pg_class c where c.oid = to_regclass({name})""",
            name=param("name"),
        ),
        {"name": relation(collection).as_string(None)},
    )


def note_fingerprint(bm25: Bm25, found: str | None) -> Query:
    """Remember the state of a relation without triggers that the postings were made of."""
    return Query(
        compose(
            """update pgvista.bm25 set fingerprint = {found}, built_at = now()
where number = {number}""",
            found=param("found"),
            number=param("number"),
        ),
        {"found": found, "number": bm25.number},
    )


def note_triggers(bm25: Bm25) -> Query:
    """Remember the triggers as they are now, so that one switched off for a while is noticed."""
    return Query(
        compose(
            """update pgvista.bm25 b set fingerprint = (
  select {found} from pg_trigger t where t.tgrelid = b.relation and {named})
where b.number = {number}""",
            found=compose(_TRIGGERS),
            named=compose(_NAMED),
            number=param("number"),
        ),
        {"number": bm25.number},
    )


@lru_cache(maxsize=256)
def entry(bm25: Bm25) -> Query:
    """Read what the registry says: fingerprint and time of the last build, and `kept` as it is now.

    Beside them, the number of rows written to the relation and its partitions so far.
    """
    query = Query(
        compose(
            """select b.fingerprint, b.built_at, {kept}, (
    select coalesce(sum(pg_stat_get_tuples_inserted(w.relid)
      + pg_stat_get_tuples_updated(w.relid) + pg_stat_get_tuples_deleted(w.relid)), 0)::bigint
    from (
      select b.relation::oid union select relid::oid from pg_partition_tree(b.relation)
    ) as w (relid)
  )
from pgvista.bm25 b where b.number = {number}""",
            kept=_kept(),
            number=param("number"),
        ),
        {"number": bm25.number},
    )
    return replace(query, made=query.sql.as_bytes(None))  # each search asks
