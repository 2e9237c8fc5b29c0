"""Ranking by BM25 from the side tables.

The score of a document is the sum over the query's lexemes of

    idf * f * (k1 + 1) / (f + k1 * (1 - b + b * length / average length))
    idf = ln(1 + (N - n + 0.5) / (n + 0.5))

(Robertson and Zaragoza 2009; the 1 + keeps the idf of common words above 0, as in Lucene), with f
how often the lexeme is in the document, N the documents, n those that have the lexeme. With labels,
f is the sum over labels of weight times frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Bm25, Collection
from pgvista.sql.bm25 import documents, postings, totals
from pgvista.sql.names import id_expression, relation
from pgvista.sql.query import compose, join, param

MAX_CONTINUATIONS = 200
"""A word that goes on is taken for this many lexemes at most."""
NEAR_SPELLINGS = 3
"""A word that no row holds is taken for this many lexemes at most."""

_SATURATED: LiteralString = "weight * f / (f + base + slope * length)"


def best(
    collection: Collection,
    bm25: Bm25,
    matches: sql.Composable | None,
    conditions: Sequence[sql.Composable],
    limit: sql.Composable,
) -> sql.Composed:
    """Return the select of (id, score) of the best rows by BM25.

    It reads the lexemes from ``asked (lexeme, term)``. `matches` and `conditions` hold on the
    relation ``d``. Rows that match as a whole are found first, and they alone are scored. Without
    `matches`, any row with one of the lexemes is scored, and the best are looked at first: where
    too few of them meet the conditions, all rows that do are found.
    """
    parts = {
        "id": id_expression(collection, "d"),
        "table": relation(collection),
        "documents": documents(bm25),
        "limit": limit,
    }
    if matches is not None:
        return compose(
            """    with matched as materialized (
      select {id} as id, k.doc
      from {table} as d join {documents} as k on k.id = {id}, words
      where {conditions}
    )
    select matched.id, coalesce(scored.score, 0) as score
    from matched left join (
{scores}
    ) as scored on scored.doc = matched.doc
    order by score desc, matched.id::text collate "C"
    limit {limit}""",
            scores=_scores(bm25, matched=True),
            conditions=join(" and ", [matches, *conditions]),
            **parts,
        )
    if conditions:
        return compose(
            """    with scored as materialized (
{scores}
    ),
    first as materialized (
      select {id} as id, s.score
      from (
        select * from scored order by score desc fetch first ({tries}) rows with ties
      ) as s join {documents} as k on k.doc = s.doc join {table} as d on {id} = k.id
      where {conditions}
      order by s.score desc, {id}::text collate "C"
      limit {limit}
    ),
    enough as materialized (
      select (select count(*) from first) >= {limit}
        or (select count(*) from scored) <= {tries} as so
    ),
    matched as materialized (
      select {id} as id, k.doc
      from {table} as d join {documents} as k on k.id = {id}
      where {conditions}
    )
    select id, score from first where (select so from enough)
    union all (
      select matched.id, scored.score from matched join scored on scored.doc = matched.doc
      where not (select so from enough)
      order by score desc, matched.id::text collate "C"
      limit {limit}
    )""",
            scores=_scores(bm25, matched=False),
            conditions=join(" and ", conditions),
            tries=compose("{limit}::bigint * 10 + 1000", limit=limit),
            **parts,
        )
    return compose(
        """    select {id} as id, scored.score
    from (
{scores}
      order by score desc fetch first ({limit}) rows with ties
    ) as scored
    join {documents} as k on k.doc = scored.doc join {table} as d on {id} = k.id
    order by scored.score desc, {id}::text collate "C"
    limit {limit}""",
        scores=_scores(bm25, matched=False),
        **parts,
    )


def _scores(bm25: Bm25, *, matched: bool) -> sql.Composed:
    """Return the select of (doc, score), all of them.

    Scores are rounded to 1e-9, so that rows alike are equal whatever the order of their sums.
    """
    flat: LiteralString = """      select doc, round(sum(sign * {saturated}) * 1e9) / 1e9 as score
      from (
        select (posting >> 32)::integer as doc, sign, weight, base, slope,
          (posting & 255)::float8 as f, (posting >> 8 & 4194303)::float8 as length
        from (
          select sign, weight, base, slope, unnest(postings) as posting from {lists}
        ) as found{among}
      ) as parts
      group by doc having sum(sign) > 0"""
    labelled: LiteralString = """      select doc, round(sum(sign * {saturated}) * 1e9) / 1e9 as score
      from (
        select (posting >> 32)::integer as doc, sign, weight, base, slope,
          sum((posting & 255) * ({label_weights}::float8[])[4 - (posting >> 30 & 3)]) as f,
          (posting >> 8 & 4194303)::float8 as length
        from (
          select lexeme, sign, weight, base, slope, unnest(postings) as posting from {lists}
        ) as found{among}
        group by doc, lexeme, sign, weight, base, slope, length
      ) as parts
      group by doc having sum(sign) > 0"""
    return compose(
        labelled if bm25.labelled else flat,
        saturated=sql.SQL(_SATURATED),
        lists=_lists(bm25),
        label_weights=param("label_weights"),
        among=sql.SQL("\n        where (posting >> 32)::integer in (select doc from matched)")
        if matched
        else sql.SQL(""),
    )


def _lists(bm25: Bm25) -> sql.Composed:
    """Return the subselect of postings with the weight of their term, and the length's part."""
    return compose(
        """(
            select l.lexeme, l.sign, l.postings,
              ln(1 + (l.documents - n + 0.5) / (n + 0.5)) * ({k1}::float8 + 1) as weight,
              {k1}::float8 * (1 - {b}::float8) as base,
              {k1}::float8 * {b}::float8 * l.documents / greatest(l.length, 1) as slope
            from (
              select p.lexeme, p.sign, p.postings, least(t.documents,
                sum(p.sign * p.documents) over (partition by asked.term))::float8 as n,
                t.documents, t.length
              from asked join {postings} as p on p.lexeme = asked.lexeme collate "C"
                cross join (
                  select sum(documents)::float8 as documents, sum(length)::float8 as length
                  from {totals}
                ) as t
            ) as l
            where n > 0
          ) as lists""",
        postings=postings(bm25),
        totals=totals(bm25),
        k1=param("bm25_k1"),
        b=param("bm25_b"),
    )


def covering(bm25: Bm25, part: float) -> sql.Composed:
    """Return the select of one score: a part of what a row that covers the query has.

    Such a row is of average length and has every term of ``asked`` once: the sum of their idf,
    whatever k1 and b. A term that no row has counts too, most of all. NULL where nothing is asked.
    """
    return compose(
        """select {part}::float8 * round(sum(ln(1 + (t.documents - n + 0.5) / (n + 0.5))) * 1e9) / 1e9
    from (
      select sum(documents)::float8 as documents from {totals}
    ) as t cross join lateral (
      select least(t.documents, coalesce(sum(p.sign * p.documents), 0))::float8 as n
      from asked left join {postings} as p on p.lexeme = asked.lexeme collate "C"
      group by asked.term
    ) as terms""",
        part=sql.Literal(part),
        totals=totals(bm25),
        postings=postings(bm25),
    )


def continuations(bm25: Bm25, plain: sql.Composable, stem: sql.Composable) -> sql.Composed:
    """Add to the lexemes of `plain` those that begin with the word of `stem`, as one term."""
    return compose(
        """{plain}
  union
  select p.lexeme, s.stem from ({stem}) as s cross join lateral (
    select distinct p.lexeme from {postings} as p
    where p.lexeme >= s.stem collate "C"
      and p.lexeme < (left(s.stem, -1) || chr(ascii(right(s.stem, 1)) + 1)) collate "C"
    limit {most}
  ) as p""",
        plain=plain,
        stem=stem,
        postings=postings(bm25),
        most=sql.Literal(MAX_CONTINUATIONS),
    )


def near_spellings(bm25: Bm25, plain: sql.Composable) -> sql.Composed:
    """Put lexemes spelled alike in place of those of `plain` that no row holds. Needs pg_trgm."""
    schema = bm25.trigram_schema or "public"
    return compose(
        """select w.lexeme, w.term from ({plain}) as w
  where exists (select from {postings} as p where p.lexeme = w.lexeme collate "C")
  union
  select n.lexeme, w.term from ({plain}) as w cross join lateral (
    select p.lexeme from (
      select distinct lexeme from {postings} where lexeme operator({schema}.%%) w.lexeme
    ) as p
    order by {similarity}(p.lexeme, w.lexeme) desc, p.lexeme limit {most}
  ) as n
  where not exists (select from {postings} as p where p.lexeme = w.lexeme collate "C")""",
        plain=plain,
        postings=postings(bm25),
        schema=sql.Identifier(schema),
        similarity=sql.Identifier(schema, "similarity"),
        most=sql.Literal(NEAR_SPELLINGS),
    )
