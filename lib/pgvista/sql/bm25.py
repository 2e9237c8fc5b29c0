"""BM25 on plain Postgres: side tables of postings, kept in step with the rows by triggers.

Three tables in schema pgvista belong to a collection, told apart by a number:

- ``bm25_documents_<n>``: a whole number for each row that has words, beside the row's key;
- ``bm25_postings_<n>``: for each statement that wrote rows and each lexeme in them, one row with an
  array of postings. Rows that come are written with sign 1, rows that go once more with sign -1,
  so that nothing is ever changed in place, and writers never wait for each other;
- ``bm25_totals_<n>``: how many documents came or went with each statement, and their length.

Whoever locks several of them does so in the order postings, totals, documents, so that a search and
a build never wait for each other.

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


def postings(bm25: Bm25) -> sql.Identifier:
    """Return the table of postings."""
    return sql.Identifier(SCHEMA, f"bm25_postings_{bm25.number}")


def documents(bm25: Bm25) -> sql.Identifier:
    """Return the table of documents."""
    return sql.Identifier(SCHEMA, f"bm25_documents_{bm25.number}")


def totals(bm25: Bm25) -> sql.Identifier:
    """Return the table of totals."""
    return sql.Identifier(SCHEMA, f"bm25_totals_{bm25.number}")


def sequence(bm25: Bm25) -> sql.Identifier:
    """Return the sequence that numbers documents."""
    return sql.Identifier(SCHEMA, f"bm25_document_{bm25.number}")


def function(bm25: Bm25) -> sql.Identifier:
    """Return the function that the triggers call."""
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
                sequence=sequence(bm25),
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


def create_trigrams() -> Query:
    """Install pg_trgm, by which words spelled alike are found."""
    return Query(compose("create extension if not exists pg_trgm"))


def index_trigrams(bm25: Bm25) -> Query:
    """Build the index by which lexemes spelled alike are found."""
    return Query(
        compose(
            "create index if not exists {name} on {postings} using gin (lexeme {opclass})",
            name=sql.Identifier(f"bm25_spelling_{bm25.number}"),
            postings=postings(bm25),
            opclass=sql.Identifier(bm25.trigram_schema or "public", "gin_trgm_ops"),
        )
    )


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


def empty(bm25: Bm25) -> Query:
    """Remove all postings."""
    return Query(
        compose(
            "truncate {postings}, {totals}, {documents}",
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


def keepable(collection: Collection) -> bool:
    """Tell whether triggers can keep the postings of such a relation in step."""
    return collection.kind in (RelationKind.TABLE, RelationKind.PARTITIONED)


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


def words_of(collection: Collection, alias: LiteralString) -> sql.Composable:
    """Return the tsvector of a row: the stored one, else made from the text."""
    roles = collection.roles
    if roles.fts is not None:
        return column(alias, roles.fts)
    return compose(
        "to_tsvector({config}::regconfig, coalesce({content}, ''))",
        config=sql.Literal(collection.text_config),
        content=column(alias, roles.content or "content"),
    )


def measure(bm25: Bm25) -> Query:
    """Read documents, their length in words, rows of postings, lexemes and bytes."""
    return Query(
        compose(
            """select t.documents, t.length, p.blocks, p.lexemes,
  pg_total_relation_size({postings_name}) + pg_total_relation_size({documents_name})
    + pg_total_relation_size({totals_name})
from (select count(*) as blocks, count(distinct lexeme) as lexemes from {postings}) as p
cross join (
  select coalesce(sum(documents), 0)::bigint as documents,
    coalesce(sum(length), 0)::bigint as length
  from {totals}
) as t""",
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
            words=words_of(collection, "r"),
        ),
        {"name": relation(collection).as_string(None), "column": collection.roles.fts},
    )


def statements_written(bm25: Bm25) -> Query:
    """Count the statements that wrote since the postings were joined last."""
    return Query(compose("select count(*) from {totals}", totals=totals(bm25)))


def compare(collection: Collection, bm25: Bm25) -> Query:
    """Count words and documents of the side tables, then words, each once a row, and rows."""
    return Query(
        compose(
            """select (select coalesce(sum(sign * documents), 0)::bigint from {postings}),
  (select coalesce(sum(documents), 0)::bigint from {totals}),
  coalesce(sum(length(words)), 0)::bigint, count(words)
from (select {words} as words from {table} as r offset 0) as s""",
            postings=postings(bm25),
            totals=totals(bm25),
            table=relation(collection),
            words=words_of(collection, "r"),
        )
    )


def drop(bm25: Bm25) -> list[Query]:
    """Remove function and side tables; triggers that call the function go with it."""
    return [
        Query(compose("drop function if exists {function} cascade", function=function(bm25))),
        Query(
            compose(
                "drop table if exists {postings}, {totals}, {documents}",
                postings=postings(bm25),
                documents=documents(bm25),
                totals=totals(bm25),
            )
        ),
    ]
