"""BM25 on plain Postgres: side tables of postings, kept in step with the rows by triggers.

Three tables in schema pgvista belong to a collection, told apart by a number:

- ``bm25_documents_<n>``: a whole number for each row that has words, beside the row's key;
- ``bm25_postings_<n>``: for each statement that wrote rows and each lexeme in them, one row with an
  array of postings. Rows that come are written with sign 1, rows that go once more with sign -1,
  so that nothing is ever changed in place, and writers never wait for each other;
- ``bm25_totals_<n>``: how many documents came or went with each statement, and their length.

A posting is 64 bits: document << 32 | label << 30 | length << 8 | term frequency. The length counts
all words of the document; labels are those of setweight, D 0 to A 3; Postgres itself counts a word
255 times at most.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Bm25, Collection, RelationKind
from pgvista.sql.names import column_type, relation
from pgvista.sql.query import Query, column, compose, param

SCHEMA = "pgvista"
CROWDED = 16
"""A lexeme with more rows of postings than this has them joined into one."""
_CHUNK_BITS = 48
"""Joined postings are cut where the document's number passes a multiple of 2 ** (48 - 32)."""

TRIGGERS: tuple[tuple[str, LiteralString], ...] = (
    ("insert", "after insert on {table} referencing new table as new_rows"),
    (
        "update",
        "after update on {table} referencing old table as old_rows new table as new_rows",
    ),
    ("delete", "after delete on {table} referencing old table as old_rows"),
    ("truncate", "after truncate on {table}"),
)


def postings(bm25: Bm25) -> sql.Identifier:
    """Return the table of postings."""
    return sql.Identifier(SCHEMA, f"bm25_postings_{bm25.number}")


def documents(bm25: Bm25) -> sql.Identifier:
    """Return the table of documents."""
    return sql.Identifier(SCHEMA, f"bm25_documents_{bm25.number}")


def totals(bm25: Bm25) -> sql.Identifier:
    """Return the table of totals."""
    return sql.Identifier(SCHEMA, f"bm25_totals_{bm25.number}")


def _sequence(bm25: Bm25) -> sql.Identifier:
    return sql.Identifier(SCHEMA, f"bm25_document_{bm25.number}")


def _function(bm25: Bm25) -> sql.Identifier:
    return sql.Identifier(SCHEMA, f"bm25_keep_{bm25.number}")


def create(collection: Collection, bm25: Bm25) -> list[Query]:
    """Build the statements that create the side tables, empty, and grant what the table grants."""
    return [
        Query(
            compose(
                "create table {documents} (doc integer primary key, id {key} not null unique)",
                documents=documents(bm25),
                key=column_type(collection.key_type),
            )
        ),
        Query(
            compose(
                "create sequence {sequence} as integer owned by {documents}.doc",
                sequence=_sequence(bm25),
                documents=documents(bm25),
            )
        ),
        Query(
            compose(
                """create table {postings} (
  lexeme text collate "C" not null,
  sign smallint not null,
  documents integer not null,
  postings bigint[] not null
)""",
                postings=postings(bm25),
            )
        ),
        Query(
            compose(
                "alter table {postings} alter postings set storage external",
                postings=postings(bm25),
            )
        ),
        Query(
            compose(
                "create table {totals} (documents bigint not null, length bigint not null)",
                totals=totals(bm25),
            )
        ),
    ]


def index(bm25: Bm25) -> Query:
    """Build the index by which postings are found; after the first rows are there."""
    return Query(compose("create index on {postings} (lexeme)", postings=postings(bm25)))


def grant(bm25: Bm25, role: str) -> Query:
    """Let a role read the side tables; '' stands for everybody."""
    return Query(
        compose(
            "grant select on {postings}, {documents}, {totals} to {role}",
            postings=postings(bm25),
            documents=documents(bm25),
            totals=totals(bm25),
            role=sql.Identifier(role) if role else sql.SQL("public"),
        )
    )


def fill(collection: Collection, bm25: Bm25) -> Query:
    """Write the postings of all rows."""
    return Query(_add(collection, bm25, relation(collection)))


def empty(bm25: Bm25) -> Query:
    """Remove all postings."""
    return Query(
        compose(
            "truncate {postings}, {documents}, {totals}",
            postings=postings(bm25),
            documents=documents(bm25),
            totals=totals(bm25),
        )
    )


def lock(collection: Collection) -> Query:
    """Hold writers of the table back until the commit, so that none is missed."""
    return Query(
        compose("lock table {table} in share row exclusive mode", table=relation(collection))
    )


def keep(collection: Collection, bm25: Bm25) -> list[Query]:
    """Build the trigger function and the triggers that keep the postings in step.

    The function runs with the rights of who made it, since writers of the table have none on the
    side tables. Where those or a column were dropped it does nothing: no writing may fail for it.
    """
    body = compose(
        """
begin
  if tg_op = 'TRUNCATE' then
    truncate {postings}, {documents}, {totals};
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
    function = _function(bm25)
    return [
        Query(
            compose(
                """create function {function}() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as {body}""",
                function=function,
                body=sql.Literal(body.as_string(None)),
            )
        ),
        Query(compose("revoke all on function {function}() from public", function=function)),
        *[
            Query(
                compose(
                    "create trigger {name} {event} for each statement execute function {function}()",
                    name=sql.Identifier(f"pgvista_bm25_{name}"),
                    event=compose(event, table=relation(collection)),
                    function=function,
                )
            )
            for name, event in TRIGGERS
        ],
    ]


def keepable(collection: Collection) -> bool:
    """Tell whether triggers can keep the postings of such a relation in step."""
    return collection.kind in (RelationKind.TABLE, RelationKind.PARTITIONED)


def _words(collection: Collection, alias: LiteralString) -> sql.Composable:
    """Return the tsvector of a row: the stored one, else made from the text."""
    roles = collection.roles
    if roles.fts is not None:
        return column(alias, roles.fts)
    return compose(
        "to_tsvector({config}::regconfig, coalesce({content}, ''))",
        config=sql.Literal(collection.text_config),
        content=column(alias, roles.content or "content"),
    )


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
        sequence=sql.Literal(_sequence(bm25).as_string(None)),
        key=sql.Identifier(collection.roles.id or "id"),
        words=_words(collection, "r"),
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
        words=_words(collection, "r"),
        write=_write(bm25, -1),
    )


def _write(bm25: Bm25, sign: int) -> sql.Composed:
    """Return the part of a statement that writes the postings of the rows in ``numbered``.

    A stripped tsvector has no positions: each of its words counts once.
    """
    plain: LiteralString = """select u.lexeme, {sign}, count(*),
  array_agg((doc::bigint << 32) | (length << 8) | coalesce(cardinality(u.positions), 1))
from sized cross join unnest(fts) as u
group by u.lexeme"""
    labelled: LiteralString = """select u.lexeme, {sign}, count(*) filter (where w.first),
  array_agg((doc::bigint << 32) | (w.label << 30) | (length << 8) | w.frequency)
from sized cross join unnest(fts) as u cross join lateral (
  select row_number() over (order by label) = 1 as first, count(*) as frequency,
    case label when 'A' then 3 when 'B' then 2 when 'C' then 1 else 0 end::bigint as label
  from unnest(coalesce(u.weights, array['D'])) as label group by label
) as w
group by u.lexeme"""
    return compose(
        """, sized as materialized (
  select doc, fts, (
    select coalesce(sum(coalesce(cardinality(positions), 1)), 0) from unnest(fts)
  ) as length
  from numbered
),
counted as (
  insert into {totals} (documents, length)
  select {sign} * count(*), {sign} * coalesce(sum(length), 0) from sized having count(*) > 0
)
insert into {postings} (lexeme, sign, documents, postings)
{rows}""",
        totals=totals(bm25),
        sign=sql.Literal(sign),
        postings=postings(bm25),
        rows=compose(labelled if bm25.labelled else plain, sign=sql.Literal(sign)),
    )


def join_postings(bm25: Bm25) -> list[Query]:
    """Join the postings of crowded lexemes, and strike out those of rows that are gone."""
    return [
        Query(
            compose(
                """with crowded as materialized (
  select lexeme from {postings} group by lexeme having count(*) > {most} or min(sign) < 0
),
gone as (
  delete from {postings} as p using crowded as c where p.lexeme = c.lexeme
  returning p.lexeme, p.sign, p.postings
),
live as (
  select lexeme, posting from gone cross join unnest(gone.postings) as posting
  group by lexeme, posting having sum(sign) > 0
)
insert into {postings} (lexeme, sign, documents, postings)
select lexeme, 1, count(distinct posting >> 32), array_agg(posting order by posting)
from live group by lexeme, posting >> {chunk}""",
                postings=postings(bm25),
                most=sql.Literal(CROWDED),
                chunk=sql.Literal(_CHUNK_BITS),
            )
        ),
        Query(
            compose(
                """with gone as (delete from {totals} returning documents, length)
insert into {totals} (documents, length)
select coalesce(sum(documents), 0), coalesce(sum(length), 0) from gone""",
                totals=totals(bm25),
            )
        ),
    ]


def measure(bm25: Bm25) -> Query:
    """Read documents, their length in words, rows of postings, lexemes and bytes."""
    return Query(
        compose(
            """select coalesce(t.documents, 0)::bigint, coalesce(t.length, 0)::bigint, t.statements,
  (select count(*) from {postings}), (select count(distinct lexeme) from {postings}),
  pg_total_relation_size({postings_name}) + pg_total_relation_size({documents_name})
    + pg_total_relation_size({totals_name})
from (select sum(documents) as documents, sum(length) as length, count(*) as statements
  from {totals}) as t""",
            totals=totals(bm25),
            postings=postings(bm25),
            postings_name=sql.Literal(postings(bm25).as_string(None)),
            documents_name=sql.Literal(documents(bm25).as_string(None)),
            totals_name=sql.Literal(totals(bm25).as_string(None)),
        )
    )


def lock_joining(bm25: Bm25) -> Query:
    """Wait until nobody else joins these postings; held to the commit. Writers are not held up."""
    return Query(
        compose(
            "select pg_advisory_xact_lock(hashtext('pgvista bm25'), {number}::integer)",
            number=sql.Literal(bm25.number),
        )
    )


def has_labels(collection: Collection) -> Query:
    """Tell whether words carry other labels than D: by how the column is made, or by a look at rows."""
    return Query(
        compose(
            """select exists (
  select from pg_attrdef f join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
  where f.adrelid = to_regclass({name}) and a.attname = {column}
    and pg_get_expr(f.adbin, f.adrelid) like '%%setweight%%'
) or exists (
  select from (select {words} as fts from {table} as r limit 1000) as s cross join unnest(fts) as u
  where u.weights && array['A', 'B', 'C'])""",
            name=param("name"),
            column=param("column"),
            table=relation(collection),
            words=_words(collection, "r"),
        ),
        {"name": relation(collection).as_string(None), "column": collection.roles.fts},
    )


def statements_written(bm25: Bm25) -> Query:
    """Count the statements that wrote since the postings were joined last."""
    return Query(compose("select count(*) from {totals}", totals=totals(bm25)))


def rows_with_words(collection: Collection) -> Query:
    """Count the rows that have a tsvector."""
    return Query(
        compose(
            "select count(*) from {table} as r where {words} is not null",
            table=relation(collection),
            words=_words(collection, "r"),
        )
    )


def drop(bm25: Bm25) -> list[Query]:
    """Remove side tables, function and entry in the registry; the triggers go with the function."""
    return [
        Query(compose("drop function if exists {function} cascade", function=_function(bm25))),
        Query(
            compose(
                "drop table if exists {postings}, {documents}, {totals}",
                postings=postings(bm25),
                documents=documents(bm25),
                totals=totals(bm25),
            )
        ),
        Query(
            compose("delete from pgvista.bm25 where number = {number}", number=param("number")),
            {"number": bm25.number},
        ),
    ]
