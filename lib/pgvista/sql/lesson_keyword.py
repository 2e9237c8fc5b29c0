"""What the lesson Keyword search asks: tokens, how many rows match, labels, and BM25's counts."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from pgvista.model.collection import Bm25, Collection
from pgvista.model.search import SearchRequest
from pgvista.sql.bm25 import documents, postings, totals, words_of
from pgvista.sql.keyword import config, keyword_parts, keyword_values, words
from pgvista.sql.names import column_type, id_expression, relation
from pgvista.sql.query import Query, column, compose, param

HEADING_LENGTH = 200
"""A text's first line, up to this many characters, is its heading."""


def tokens(text: str, text_config: str, most: int) -> Query:
    """Read how Postgres takes a text apart, at most so many tokens.

    Rows: type, the type in words, token, dictionary, lexemes (NULL: no dictionary knows the token;
    empty: a stop word), and the number of all tokens. Blanks are left out.
    """
    return Query(
        compose(
            """select alias, description, token, dictionary::text, lexemes, count(*) over ()
from ts_debug({config}::regconfig, {text}) with ordinality as t (
  alias, description, token, dictionaries, dictionary, lexemes, place)
where alias <> 'blank'
order by place
limit {most}""",
            config=sql.Literal(text_config),
            text=param("text"),
            most=param("most"),
        ),
        {"text": text, "most": most},
    )


def positions(text: str, text_config: str) -> Query:
    """Read (lexeme, positions) of a text's tsvector."""
    return Query(
        compose(
            "select lexeme, positions from unnest(to_tsvector({config}::regconfig, {text}))",
            config=sql.Literal(text_config),
            text=param("text"),
        ),
        {"text": text},
    )


def count_matching(collection: Collection, request: SearchRequest) -> Query:
    """Read the tsquery of a keyword search as text, and how many rows match it."""
    parts = keyword_parts(collection, request, [], sql.Literal(1))
    return Query(
        compose(
            """with {words}
select words.tsquery::text, (
    select count(*) from {table} as d where {fts} @@ words.tsquery
  )
from words""",
            words=parts["words"],
            table=relation(collection),
            fts=words_of(collection, "d"),
        ),
        keyword_values(request),
    )


def count_each(collection: Collection, request: SearchRequest, most: int) -> Query:
    """Read (lexeme, rows that hold it) for a query's lexemes in their order, at most so many."""
    return Query(
        compose(
            r"""with asked as materialized (
  select lexeme from unnest(to_tsvector({config}, {words})) order by positions[1] limit {most}
)
select lexeme, (
    select count(*) from {table} as d where {fts} @@ (
      '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''')::tsquery
  )
from asked""",
            config=config(collection, request),
            words=param("words"),
            most=param("most"),
            table=relation(collection),
            fts=words_of(collection, "d"),
        ),
        {"words": words(request), "most": most},
    )


def rank_by_labels(
    collection: Collection,
    request: SearchRequest,
    ids: Sequence[str],
    weights: Sequence[float],
    limit: int,
) -> Query:
    """Rank some rows by ts_rank with the words of the heading labelled A and all others D.

    `weights` are those of A, B, C and D. Rows: id, heading, how often the query's lexemes stand in
    the heading and in the rest, ts_rank, and the entries of these lexemes in the tsvector.
    """
    return Query(
        compose(
            """with {words},
labelled as materialized (
  select {id}::text as id, heading, {vector} as fts
  from {table} as d cross join lateral (
    select left(split_part({content}, chr(10), 1), {most}) as heading
  ) as h
  where {id} = any({ids}::{type}[])
)
select id, heading, coalesce(u.a, 0)::integer, coalesce(u.d, 0)::integer,
  ts_rank({weights}::real[], fts, words.tsquery)::float8 as score, coalesce(u.entries, '')
from labelled cross join words cross join lateral (
  select sum((select count(*) from unnest(weights) as w where w = 'A')) as a,
    sum((select count(*) from unnest(weights) as w where w = 'D')) as d,
    string_agg(lexeme || ':' || (
      select string_agg(p || replace(w, 'D', ''), ',' order by p)
      from unnest(positions, weights) as e (p, w)), '  ' order by positions[1]) as entries
  from unnest(fts) where lexeme in (select lexeme from asked)
) as u
order by score desc, id collate "C"
limit {limit}""",
            words=keyword_parts(collection, request, [], sql.Literal(1))["words"],
            id=id_expression(collection, "d"),
            type=column_type(collection.key_type),
            table=relation(collection),
            content=_content(collection),
            vector=compose(
                """setweight(to_tsvector({config}, heading), 'A')
    || setweight(to_tsvector({config}, substr({content}, length(heading) + 1)), 'D')""",
                config=config(collection, request),
                content=_content(collection),
            ),
            most=sql.Literal(HEADING_LENGTH),
            ids=param("ids"),
            weights=param("weights"),
            limit=param("limit"),
        ),
        {
            **keyword_values(request),
            "ids": list(ids),
            "weights": [*map(float, reversed(weights))],
            "limit": limit,
        },
    )


def bm25_counts(collection: Collection, bm25: Bm25, request: SearchRequest, row_id: str) -> Query:
    """Read what BM25 counts for one row, from the side tables.

    Rows: lexeme of the query, documents that hold it, how often the row has it with the labels A,
    B, C and D (without labels kept, all in D), the row's length in words, documents, and the words
    of all documents together.
    """
    return Query(
        compose(
            """with asked as materialized (
  select lexeme, positions[1] as place from unnest(to_tsvector({config}, {words}))
),
document as materialized (select doc from {documents} where id::text = {row_id}),
total as materialized (
  select coalesce(sum(documents), 0)::bigint as documents,
    coalesce(sum(length), 0)::bigint as length
  from {totals}
)
select asked.lexeme, least(total.documents, coalesce(n.documents, 0))::bigint,
  f.a, f.b, f.c, f.d, f.length, total.documents, total.length
from asked cross join total
cross join lateral (
  select sum(sign * documents) as documents from {postings} as p
  where p.lexeme = asked.lexeme collate "C"
) as n
cross join lateral (
  select coalesce(sum(count) filter (where label = 3), 0)::integer as a,
    coalesce(sum(count) filter (where label = 2), 0)::integer as b,
    coalesce(sum(count) filter (where label = 1), 0)::integer as c,
    coalesce(sum(count) filter (where label = 0), 0)::integer as d,
    coalesce(max(length), 0)::integer as length
  from (
    select sign * (posting & 255) as count, posting >> 30 & 3 as label,
      posting >> 8 & 4194303 as length
    from {postings} as p cross join unnest(p.postings) as posting cross join document
    where p.lexeme = asked.lexeme collate "C" and posting >> 32 = document.doc
  ) as found
) as f
order by asked.place, asked.lexeme""",
            config=config(collection, request),
            words=param("words"),
            row_id=param("row_id"),
            documents=documents(bm25),
            postings=postings(bm25),
            totals=totals(bm25),
        ),
        {"words": words(request), "row_id": row_id},
    )


def _content(collection: Collection) -> sql.Composable:
    return compose("coalesce({content}, '')", content=column("d", collection.roles.content or ""))
