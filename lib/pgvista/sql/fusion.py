"""How the two lists of a hybrid search become one, as SQL.

`pgvista.science.fusion` does the same in NumPy and says what each method counts; both give the
same doubles, since sums run down each list in the order of its ranks.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.search import COVERED, Fusion, KeywordRank, SearchRequest
from pgvista.sql import bm25_rank
from pgvista.sql.query import NOTHING, compose, join, param

_LISTS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("semantic", "-semantic.distance"),
    ("keyword", "keyword.score"),
)
"""The common table expressions (id, rank, and what gives the score, higher being better)."""

_TERM: dict[Fusion, LiteralString] = {
    Fusion.MIN_MAX: """case when {list}.rank is null then 0
      when {stats}.highest > {stats}.lowest
      then ({score} - {stats}.lowest) / ({stats}.highest - {stats}.lowest)
      else 1 end""",
    Fusion.Z_SCORE: """case when {stats}.sd > 0
      then (coalesce({score}, {stats}.lowest) - {stats}.mean) / {stats}.sd
      when {list}.rank is null and {stats}.count > 0 then -1
      else 0 end""",
    Fusion.DISTRIBUTION: """case when {list}.rank is null then 0
      when {stats}.sd > 0
      then greatest(({score} - ({stats}.mean - 3 * {stats}.sd))
        / (({stats}.mean + 3 * {stats}.sd) - ({stats}.mean - 3 * {stats}.sd)), 0)
      else 0.5 end""",
}

_COVERAGE: LiteralString = """case when keyword.score < covering.score
        then (keyword.score / covering.score) * (keyword.score / covering.score) else 1 end"""

# Materialized, or the planner writes the deviation into each row of the sum, and sums it up there.
_MEAN_AND_SD: LiteralString = """
{stats} as materialized (
  select mean, count, lowest,
    case when highest > lowest then sqrt((
      select sum(({score} - mean) * ({score} - mean) order by {list}.rank) from {list}
    ) / (count - 1)) end as sd
  from (
    select sum({score} order by {list}.rank) / nullif(count(*), 0) as mean, count(*) as count,
      min({score}) as lowest, max({score}) as highest
    from {list}
  ) as summed
),"""
_LOWEST_AND_HIGHEST: LiteralString = """
{stats} as materialized (
  select min({score}) as lowest, max({score}) as highest from {list}
),"""

_LISTS_OUT: LiteralString = """,
  case when row_number() over (order by fused.score desc, fused.semantic_rank, fused.keyword_rank) = 1 then (
    select json_build_array(
      (select array_agg(id::text order by rank) from semantic),
      (select array_agg(distance order by rank) from semantic),
      (select array_agg(id::text order by rank) from keyword),
      (select array_agg(score order by rank) from keyword),
      {covering}
    )
  ) end as lists"""
"""In the first row alone, so that the lists travel once."""


def fusion_parts(collection: Collection, request: SearchRequest) -> dict[str, sql.Composable]:
    """Return what the statement over the CTEs `semantic` and `keyword` is filled with.

    `semantic_term` and `keyword_term`: expressions of each list's part of the score; `stats`: the
    CTEs that they need; `with_stats`: what joins these; `lists`: a column with both lists, for a
    request that asks for them. The values are named rrf_k, semantic_weight and keyword_weight.
    """
    method = request.fusion
    terms: dict[str, sql.Composable] = {}
    stats: list[sql.Composable] = []
    joined: list[sql.Composable] = []
    by_bm25 = collection.bm25 if _scores_by_idf(collection, request) else None
    covers = by_bm25 is not None and method is Fusion.COVERAGE
    if by_bm25 is not None and (covers or request.lists):
        stats.append(
            compose(
                """
covering as materialized (
  select case when exists (select from keyword) then (
    {covering}
  ) end as score
),""",
                covering=bm25_rank.covering(by_bm25, COVERED),
            )
        )
    if covers:
        joined.append(sql.SQL(" cross join covering"))
    for name, score in _LISTS:
        weight = compose("{weight}::float8", weight=param(f"{name}_weight"))
        if method.has_k:
            if covers and name == "keyword":
                weight = compose(
                    "{weight} * {coverage}", weight=weight, coverage=sql.SQL(_COVERAGE)
                )
            terms[f"{name}_term"] = compose(
                "coalesce({weight} / ({k}::float8 + {list}.rank), 0)",
                weight=weight,
                k=param("rrf_k"),
                list=sql.SQL(name),
            )
            continue
        holes = {
            "list": sql.SQL(name),
            "score": sql.SQL(score),
            "stats": sql.SQL(name + "_stats"),
        }
        terms[f"{name}_term"] = compose(
            "{weight} * {term}", weight=weight, term=compose(_TERM[method], **holes)
        )
        wants = _LOWEST_AND_HIGHEST if method is Fusion.MIN_MAX else _MEAN_AND_SD
        stats.append(compose(wants, **holes))
        joined.append(compose(" cross join {stats}", stats=holes["stats"]))
    known = sql.SQL("null" if by_bm25 is None else "(select score from covering)")
    return {
        **terms,
        "stats": join("", stats) if stats else NOTHING,
        "with_stats": join("", joined) if joined else NOTHING,
        "lists": compose(_LISTS_OUT, covering=known) if request.lists else NOTHING,
    }


def _scores_by_idf(collection: Collection, request: SearchRequest) -> bool:
    """Whether keyword scores are sums of the idf that the side tables tell.

    pg_textsearch has the same formula and the same lexemes; the others have tokens of their own.
    """
    made = collection.bm25_index
    return request.keyword_rank is KeywordRank.BM25 or (
        request.keyword_rank is KeywordRank.EXTENSION
        and made is not None
        and made.extension == "pg_textsearch"
    )
