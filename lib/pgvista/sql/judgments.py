"""Query sets and judgments in the database, and judged documents looked up in a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from pgvista.model.collection import PARENT_KEY, Collection
from pgvista.sql.names import id_expression, relation
from pgvista.sql.query import Query, column, compose, join, param

_TEXT_KEYS = ("text", "character varying")
"""Types of a key whose index serves a comparison with texts."""


def create_tables() -> Query:
    """Create the tables of query sets. Safe to run again; needs the right to create the schema."""
    return Query(
        compose(
            """create schema if not exists pgvista;
create table if not exists pgvista.judgment_sets (
  id bigint generated always as identity primary key,
  collection_schema text not null,
  collection_name text not null,
  name text not null,
  updated_at timestamptz not null default now(),
  unique (collection_schema, collection_name, name)
);
create table if not exists pgvista.judgment_queries (
  set_id bigint not null references pgvista.judgment_sets on delete cascade,
  query_id text not null,
  place integer not null,
  query text not null,
  primary key (set_id, query_id)
);
create table if not exists pgvista.judgment_grades (
  set_id bigint not null references pgvista.judgment_sets on delete cascade,
  query_id text not null,
  document_id text not null,
  grade smallint not null,
  judged_at timestamptz not null default now(),
  primary key (set_id, query_id, document_id)
)"""
        )
    )


def tables_exist() -> Query:
    """Tell whether the tables are there and readable."""
    return Query(
        compose(
            """select coalesce(bool_and(has_table_privilege(to_regclass(name), 'select')), false)
  and bool_and(to_regclass(name) is not null)
from unnest(array['pgvista.judgment_sets', 'pgvista.judgment_queries', 'pgvista.judgment_grades']) as name"""
        )
    )


def sets_writable() -> Query:
    """Tell whether the table of sets is there and this role may change it."""
    return Query(
        compose(
            "select coalesce(has_table_privilege(to_regclass('pgvista.judgment_sets'), 'update'), false)"
        )
    )


def sets_deletable() -> Query:
    """Tell whether the table of sets is there and this role may delete from it."""
    return Query(
        compose(
            """select coalesce(bool_and(has_table_privilege(to_regclass('pgvista.judgment_sets'), right_)), false)
from unnest(array['select', 'delete']) as right_"""
        )
    )


def delete_of_collection(schema: str, table: str) -> Query:
    """Delete the sets of a collection that is dropped."""
    return Query(
        compose(
            """delete from pgvista.judgment_sets as s
where (s.collection_schema, s.collection_name) = (%(schema)s, %(table)s)"""
        ),
        {"schema": schema, "table": table},
    )


def rename_collection(schema: str, table: str, new: str) -> Query:
    """Carry the sets of a collection over to its new name, but those whose place is taken there."""
    return Query(
        compose(
            """update pgvista.judgment_sets as s set collection_name = %(new)s
where (s.collection_schema, s.collection_name) = (%(schema)s, %(table)s) and not exists (
  select from pgvista.judgment_sets as t
  where (t.collection_schema, t.collection_name, t.name) = (%(schema)s, %(new)s, s.name))"""
        ),
        {"schema": schema, "table": table, "new": new},
    )


def list_sets(collection: Collection | None) -> Query:
    """List sets: id, name, schema, table, queries, judgments, updated_at; all or a collection's."""
    statement = compose(
        """select s.id, s.name, s.collection_schema, s.collection_name,
  (select count(*) from pgvista.judgment_queries as q where q.set_id = s.id),
  (select count(*) from pgvista.judgment_grades as j where j.set_id = s.id),
  s.updated_at
from pgvista.judgment_sets as s
where {schema}::text is null
  or (s.collection_schema, s.collection_name) = ({schema}::text, {table}::text)
order by s.collection_schema, s.collection_name, s.name""",
        schema=param("schema"),
        table=param("table"),
    )
    values = {"schema": None, "table": None} if collection is None else _of(collection)
    return Query(statement, values)


def insert_set(collection: Collection, name: str) -> Query:
    """Create a set, or touch the one of that name; return its id."""
    return Query(
        compose(
            """insert into pgvista.judgment_sets (collection_schema, collection_name, name)
values (%(schema)s, %(table)s, %(name)s)
on conflict (collection_schema, collection_name, name) do update set updated_at = now()
returning id"""
        ),
        _of(collection) | {"name": name},
    )


def find_set(collection: Collection, name: str) -> Query:
    """Look a set up by its name: its id."""
    return Query(
        compose(
            """select id from pgvista.judgment_sets
where (collection_schema, collection_name, name) = (%(schema)s, %(table)s, %(name)s)"""
        ),
        _of(collection) | {"name": name},
    )


def clear_set(set_id: int) -> tuple[Query, Query]:
    """Remove a set's queries and judgments."""
    return (
        Query(
            compose("delete from pgvista.judgment_queries where set_id = %(set)s"), {"set": set_id}
        ),
        Query(
            compose("delete from pgvista.judgment_grades where set_id = %(set)s"), {"set": set_id}
        ),
    )


def add_queries(set_id: int, ids: Sequence[str], texts: Sequence[str]) -> Query:
    """Add queries behind those of a set; one that is there gets the new text."""
    return Query(
        compose(
            """insert into pgvista.judgment_queries (set_id, query_id, place, query)
select %(set)s, new.id, new.place + (
  select coalesce(max(place), 0) from pgvista.judgment_queries where set_id = %(set)s), new.query
from unnest(%(ids)s::text[], %(texts)s::text[]) with ordinality as new(id, query, place)
on conflict (set_id, query_id) do update set query = excluded.query"""
        ),
        {"set": set_id, "ids": list(ids), "texts": list(texts)},
    )


def add_judgments(
    set_id: int, queries: Sequence[str], documents: Sequence[str], grades: Sequence[int]
) -> Query:
    """Write grades; over one that is there, the last to be committed wins."""
    return Query(
        compose(
            """insert into pgvista.judgment_grades (set_id, query_id, document_id, grade)
select %(set)s, new.query_id, new.document_id, new.grade
from unnest(%(queries)s::text[], %(documents)s::text[], %(grades)s::smallint[])
  as new(query_id, document_id, grade)
order by new.query_id, new.document_id
on conflict (set_id, query_id, document_id)
do update set grade = excluded.grade, judged_at = now()"""
        ),
        {
            "set": set_id,
            "queries": list(queries),
            "documents": list(documents),
            "grades": list(grades),
        },
    )


def remove_judgment(set_id: int, query_id: str, document_id: str) -> Query:
    """Take a grade back."""
    return Query(
        compose(
            """delete from pgvista.judgment_grades
where (set_id, query_id, document_id) = (%(set)s, %(query)s, %(document)s)"""
        ),
        {"set": set_id, "query": query_id, "document": document_id},
    )


def touch(set_id: int) -> Query:
    """Note that a set was changed now; return its name."""
    return Query(
        compose(
            "update pgvista.judgment_sets set updated_at = now() where id = %(set)s returning name"
        ),
        {"set": set_id},
    )


def name_of(set_id: int) -> Query:
    """Read a set's name."""
    return Query(
        compose("select name from pgvista.judgment_sets where id = %(set)s"), {"set": set_id}
    )


def read_queries(set_id: int) -> Query:
    """Read a set's queries in their order: id, text."""
    return Query(
        compose(
            """select query_id, query from pgvista.judgment_queries where set_id = %(set)s
order by place, query_id"""
        ),
        {"set": set_id},
    )


def read_judgments(set_id: int) -> Query:
    """Read a set's judgments: query id, document id, grade."""
    return Query(
        compose(
            """select query_id, document_id, grade from pgvista.judgment_grades where set_id = %(set)s
order by query_id, document_id"""
        ),
        {"set": set_id},
    )


def delete_set(set_id: int) -> Query:
    """Delete a set with its queries and judgments; return its name."""
    return Query(
        compose("delete from pgvista.judgment_sets where id = %(set)s returning name"),
        {"set": set_id},
    )


def known_documents(collection: Collection, ids: Sequence[str]) -> Query:
    """Find which of `ids` are keys of a collection, or the parents of its chunks."""
    parts: list[sql.Composable] = [
        compose(
            "select {id}::text from {table} as d where {match}",
            id=id_expression(collection, "d"),
            table=relation(collection),
            match=_is_one_of(collection),
        )
    ]
    if (parent := _parent(collection)) is not None:
        parts.append(
            compose(
                "select {parent} from {table} as d where {parent} = any({ids}::text[])",
                parent=parent,
                table=relation(collection),
                ids=param("ids"),
            )
        )
    return Query(join("\nunion\n", parts), {"ids": list(ids)})


def parents(collection: Collection, ids: Sequence[str]) -> Query | None:
    """Find the texts that rows were cut from: (key, parent); None where there can be none."""
    parent = _parent(collection)
    if parent is None:
        return None
    return Query(
        compose(
            "select {id}::text, {parent} from {table} as d where {match} and {parent} is not null",
            id=id_expression(collection, "d"),
            parent=parent,
            table=relation(collection),
            match=_is_one_of(collection),
        ),
        {"ids": list(ids)},
    )


def _parent(collection: Collection) -> sql.Composable | None:
    if collection.roles.metadata is None:
        return None
    return compose(
        "({metadata} ->> {key})",
        metadata=column("d", collection.roles.metadata),
        key=sql.Literal(PARENT_KEY),
    )


def _is_one_of(collection: Collection) -> sql.Composable:
    """Return the condition on the key; keys that are no texts are compared as such.

    A judged document's id may be anything, and Postgres refuses to read ``a7`` as a number.
    """
    key = id_expression(collection, "d")
    if collection.key_type not in _TEXT_KEYS:
        key = compose("{key}::text", key=key)
    return compose("{key} = any({ids}::text[])", key=key, ids=param("ids"))


def _of(collection: Collection) -> dict[str, Any]:
    return {"schema": collection.schema, "table": collection.table}
