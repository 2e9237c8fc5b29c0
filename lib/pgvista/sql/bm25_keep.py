"""What writes BM25's postings: one statement for all rows, and triggers for those that change."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Bm25, Collection
from pgvista.sql.bm25 import documents, function, postings, sequence, totals, words_of
from pgvista.sql.names import relation
from pgvista.sql.query import Query, column, compose

_TRIGGERS: tuple[tuple[str, LiteralString], ...] = (
    ("insert", "after insert on {table} referencing new table as new_rows"),
    (
        "update",
        "after update on {table} referencing old table as old_rows new table as new_rows",
    ),
    ("delete", "after delete on {table} referencing old table as old_rows"),
    ("truncate", "after truncate on {table}"),
)


def fill(collection: Collection, bm25: Bm25) -> Query:
    """Write the postings of all rows."""
    return Query(_add(collection, bm25, relation(collection)))


def keep(collection: Collection, bm25: Bm25, *, can_replace: bool) -> list[Query]:
    """Build the trigger function and the triggers that keep the postings in step.

    They take the place of those of earlier side tables. `can_replace`: whether the server can do
    that without holding back who reads the table (from Postgres 14 on).
    The function runs with the rights of who made it, since writers of the table have none on the
    side tables. Where those or a column were dropped it does nothing: no writing may fail for it.
    """
    body = compose(
        """
begin
  if tg_op = 'TRUNCATE' then
    truncate {postings}, {totals}, {documents};
    return null;
  end if;
  if tg_op = 'DELETE' then
    if not exists (select from old_rows) then return null; end if;
    {delete};
  elsif tg_op = 'INSERT' then
    if not exists (select from new_rows) then return null; end if;
    {insert};
  elsif tg_op = 'UPDATE' then
    if not exists (select from old_rows) then return null; end if;
    {gone};
    {come};
  end if;
  return null;
exception when undefined_table or undefined_column then
  return null;
end
""",
        postings=postings(bm25),
        documents=documents(bm25),
        totals=totals(bm25),
        delete=_remove(collection, bm25, sql.SQL("old_rows")),
        insert=_add(collection, bm25, sql.SQL("new_rows")),
        gone=_remove(collection, bm25, _changed(collection, "old_rows", "new_rows")),
        come=_add(collection, bm25, _changed(collection, "new_rows", "old_rows")),
    )
    keeper = function(bm25)
    return [
        Query(
            compose(
                """create function {function}() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as {body}""",
                function=keeper,
                body=sql.Literal(body.as_string(None)),
            )
        ),
        Query(compose("revoke all on function {function}() from public", function=keeper)),
        *[
            query
            for trigger in _TRIGGERS
            for query in _trigger(collection, bm25, *trigger, can_replace)
        ],
    ]


def _trigger(
    collection: Collection, bm25: Bm25, event: str, when: LiteralString, can_replace: bool
) -> list[Query]:
    name, table = sql.Identifier(f"pgvista_bm25_{event}"), relation(collection)
    making = Query(
        compose(
            "{create} trigger {name} {when} for each statement execute function {function}()",
            create=sql.SQL("create or replace" if can_replace else "create"),
            name=name,
            when=compose(when, table=table),
            function=function(bm25),
        )
    )
    if can_replace:
        return [making]
    return [
        Query(compose("drop trigger if exists {name} on {table}", name=name, table=table)),
        making,
    ]


def _changed(collection: Collection, rows: LiteralString, others: LiteralString) -> sql.Composed:
    """Return those of `rows` whose key or words are not the same among `others`."""
    roles = collection.roles
    compared = roles.fts or roles.content or ""
    return compose(
        """(
  select a.* from {rows} a left join {others} b on b.{key} = a.{key}
  where b.{key} is null or b.{compared} is distinct from a.{compared}
)""",
        rows=sql.SQL(rows),
        others=sql.SQL(others),
        key=sql.Identifier(roles.id or "id"),
        compared=sql.Identifier(compared),
    )


def _add(collection: Collection, bm25: Bm25, rows: sql.Composable) -> sql.Composed:
    """Return the statement that numbers rows and writes their postings, as of `rows`."""
    return compose(
        """with numbered as materialized (
  select nextval({sequence})::integer as doc, r.{key} as id, {words} as fts
  from {rows} as r where {words} is not null
),
named as (
  insert into {documents} (doc, id) select doc, id from numbered
)
{write}""",
        sequence=sql.Literal(sequence(bm25).as_string(None)),
        key=sql.Identifier(collection.roles.id or "id"),
        words=words_of(collection, "r"),
        rows=rows,
        documents=documents(bm25),
        write=_write(bm25, 1),
    )


def _remove(collection: Collection, bm25: Bm25, rows: sql.Composable) -> sql.Composed:
    """Return the statement that takes the postings of rows back, as of `rows`."""
    return compose(
        """with numbered as materialized (
  delete from {documents} as k using {rows} as r
  where k.id = r.{key} and {words} is not null
  returning k.doc, k.id, {words} as fts
)
{write}""",
        documents=documents(bm25),
        rows=rows,
        key=sql.Identifier(collection.roles.id or "id"),
        words=words_of(collection, "r"),
        write=_write(bm25, -1),
    )


def count_differing(collection: Collection, bm25: Bm25) -> Query:
    """Count the rows whose postings are not what their words make, by a checksum for each row.

    About a second for a million postings, thirty times what `bm25.compare` takes.
    """
    source, posting, _ = _postings(bm25)
    return Query(
        compose(
            """with numbered as (
  select r.id, k.doc, r.fts
  from (select {key} as id, {words} as fts from {table} as r offset 0) as r
    left join {documents} as k on k.id = r.id
),
sized as materialized (
  {sized}
),
held as (
  select doc, sum(hashint8extended({posting}, hashtextextended(u.lexeme collate "C", 0))) as checksum
  from {source} group by id, doc
),
counted as (
  select posting >> 32 as doc, sum(p.sign * hashint8extended(posting, p.seed)) as checksum
  from (
    select sign, postings, hashtextextended(lexeme, 0) as seed from {postings} offset 0
  ) as p cross join unnest(p.postings) as posting
  group by posting >> 32
)
select count(*) from counted full join held on held.doc = counted.doc
where coalesce(counted.checksum, 0) <> coalesce(held.checksum, 0)""",
            key=column("r", collection.roles.id or "id"),
            words=words_of(collection, "r"),
            table=relation(collection),
            documents=documents(bm25),
            sized=compose(_SIZED),
            posting=posting,
            source=source,
            postings=postings(bm25),
        )
    )


_SIZED: LiteralString = """select *, (
    select coalesce(sum(coalesce(cardinality(positions), 1)), 0) from unnest(fts)
  ) as length
  from numbered"""
"""Rows with the number of their words."""


def _postings(bm25: Bm25) -> tuple[sql.Composed, sql.Composed, sql.Composed]:
    """Return what the lexemes of the rows in ``sized`` are read from, the posting of one, and their number.

    A stripped tsvector has no positions: each of its words counts once.
    """
    if not bm25.labelled:
        return (
            compose("sized cross join unnest(fts) as u"),
            compose("(doc::bigint << 32) | (length << 8) | coalesce(cardinality(u.positions), 1)"),
            compose("count(*)"),
        )
    return (
        compose(
            """sized cross join unnest(fts) as u cross join lateral (
  select row_number() over (order by label) = 1 as first, count(*) as frequency,
    case label when 'A' then 3 when 'B' then 2 when 'C' then 1 else 0 end::bigint as label
  from unnest(coalesce(u.weights, array['D'])) as label group by label
) as w"""
        ),
        compose("(doc::bigint << 32) | (w.label << 30) | (length << 8) | w.frequency"),
        compose("count(*) filter (where w.first)"),
    )


def _write(bm25: Bm25, sign: int) -> sql.Composed:
    """Return the part of a statement that writes the postings of the rows in ``numbered``."""
    source, posting, number = _postings(bm25)
    return compose(
        """, sized as materialized (
  {sized}
),
counted as (
  insert into {totals} (documents, length)
  select {sign} * count(*), {sign} * coalesce(sum(length), 0) from sized having count(*) > 0
)
insert into {postings} (lexeme, sign, documents, postings)
select u.lexeme, {sign}, {number}, array_agg({posting})
from {source}
group by u.lexeme""",
        sized=compose(_SIZED),
        totals=totals(bm25),
        sign=sql.Literal(sign),
        postings=postings(bm25),
        number=number,
        posting=posting,
        source=source,
    )
