"""BM25's side tables being made: the statements ahead of time, and the one that runs."""

from __future__ import annotations

from pgvista.model.collection import Bm25, Collection
from pgvista.sql import bm25, bm25_keep
from pgvista.sql import bm25_registry as registry
from pgvista.sql.names import relation
from pgvista.sql.query import Query, compose, param


def statements(collection: Collection, *, labelled: bool, can_replace: bool) -> list[Query]:
    """Build what makes the side tables of a collection, with 0 for the number it will get."""
    kept = bm25.keepable(collection)
    made, former = Bm25(0, labelled, kept), collection.bm25
    return [
        *registry.create_registry(),
        *([bm25.lock(collection)] if kept else []),
        *([registry.forget(former)] if former is not None else []),
        registry.register(collection, labelled=labelled, kept=kept),
        *bm25.create(collection, made),
        bm25_keep.fill(collection, made),
        bm25.index(made),
        *(keep(collection, made, can_replace=can_replace) if kept else []),
        *(bm25.drop(former) if former is not None else []),
    ]


def keep(collection: Collection, made: Bm25, *, can_replace: bool) -> list[Query]:
    """Build the triggers, and what remembers them."""
    return [
        *bm25_keep.keep(collection, made, can_replace=can_replace),
        registry.note_triggers(made),
    ]


def recount(collection: Collection, tables: Bm25) -> list[Query]:
    """Build what counts the words of a relation without triggers anew."""
    return [bm25.empty(tables), bm25_keep.fill(collection, tables)]


def running(collection: Collection) -> Query:
    """Find the build of this collection's statistics that began after a time: pid, and what it waits for.

    Its session either holds or waits for the lock that keeps writers back, which no search and no
    write takes; or, for relations without triggers, it reads them and changes side tables. Of
    several, that of this role that began first is meant.
    """
    return Query(
        compose(
            """select a.pid, a.wait_event_type
from pg_stat_activity a
where a.datname = current_database() and a.usename = current_user and a.state = 'active'
  and a.pid <> pg_backend_pid() and a.xact_start >= {since}
  and exists (
    select from pg_locks l
    where l.pid = a.pid and l.relation = to_regclass({name})
      and (l.mode = 'ShareRowExclusiveLock' or not {kept} and exists (
        select from pg_locks o join pg_class c on c.oid = o.relation
        where o.pid = a.pid and o.mode in ('RowExclusiveLock', 'AccessExclusiveLock')
          and c.relnamespace = to_regnamespace('pgvista') and c.relname like 'bm25%%')))
order by a.xact_start
limit 1""",
            since=param("since"),
            name=param("name"),
            kept=param("kept"),
        ),
        {"name": relation(collection).as_string(None), "kept": bm25.keepable(collection)},
    )


def now() -> Query:
    """Ask the server's clock."""
    return Query(compose("select clock_timestamp()"))
