"""The keyword part of a search: which rows match, how they rank, what is marked in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.search import KeywordMatch, KeywordRank, SearchRequest
from pgvista.sql.names import id_expression, relation
from pgvista.sql.query import Query, column, compose, join, param

MARK_START = "\ue000"
MARK_STOP = "\ue001"
FRAGMENT_DELIMITER = " … "
SNIPPET_LENGTH = 600
"""Texts up to this many characters are shown whole."""

_RANK_CALL: dict[KeywordRank, LiteralString] = {
    # 1 divides by 1 + log(length), so that long texts do not win by length alone
    KeywordRank.TS_RANK: "ts_rank({fts}, {tsquery}, 1)",
    KeywordRank.TS_RANK_CD: "ts_rank_cd({fts}, {tsquery}, 1)",
}


def words(request: SearchRequest) -> str:
    """Return the query's words without NUL and lone surrogates, which Postgres cannot take."""
    return (request.text or "").replace("\0", " ").encode(errors="replace").decode()


def count_lexemes(collection: Collection, request: SearchRequest) -> Query:
    """Build a statement that counts what is left of the query's words after the dictionary."""
    statement = compose(
        "select coalesce(numnode({tsquery}), 0)", tsquery=tsquery(collection, request)
    )
    return Query(statement, {"words": words(request)})


def tsquery(collection: Collection, request: SearchRequest) -> sql.Composed:
    """Return the query's words as a tsquery, as the request matches them."""
    parts = {"config": config(collection, request), "words": param("words")}
    if request.keyword_match is KeywordMatch.WEBSEARCH:
        return compose("websearch_to_tsquery({config}, {words})", **parts)
    return compose(
        r"""(
  select string_agg(
    '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
  from unnest(to_tsvector({config}, {words}))
)""",
        **parts,
    )


def config(collection: Collection, request: SearchRequest) -> sql.Composed:
    """Return the text-search configuration: the request's, else the collection's."""
    name = request.text_config or collection.text_config
    return compose("{name}::regconfig", name=sql.Literal(name))


def keyword_parts(
    collection: Collection,
    request: SearchRequest,
    conditions: Sequence[sql.Composable],
    limit: sql.Composable,
) -> dict[str, sql.Composable]:
    """Return what keyword and hybrid statements share.

    `words`: the common table expressions, with the query as ``words.tsquery``; `best`: a select of
    (id, score), at most `limit` rows that meet all `conditions` on the relation ``d``; `headline`:
    the text with its matched words marked. Raises InvalidInput when the collection has no text in
    the language asked for.
    """
    fts = _fts(collection, request)
    asked = sql.SQL("words.tsquery")
    matches = compose("{fts} @@ {tsquery}", fts=fts, tsquery=asked)
    best = compose(
        """    select {id} as id, {rank} as score
    from {table} as d, words
    where {matches}
    order by score desc, {id}::text collate "C"
    limit {limit}""",
        id=id_expression(collection, "d"),
        rank=compose(_RANK_CALL[request.keyword_rank], fts=fts, tsquery=asked),
        table=relation(collection),
        matches=join(" and ", [matches, *conditions]),
        limit=limit,
    )
    return {
        "words": compose(
            "words as materialized (select {tsquery} as tsquery)",
            tsquery=tsquery(collection, request),
        ),
        "best": best,
        "headline": _headline(collection, request, asked),
    }


def _fts(collection: Collection, request: SearchRequest) -> sql.Composable:
    """Return the stored tsvector, or the text turned into one where none is stored as asked."""
    roles = collection.roles
    if roles.fts is not None and request.text_config in (None, collection.text_config):
        return column("d", roles.fts)
    if roles.content is not None:
        return compose(
            "to_tsvector({config}, coalesce({content}, ''))",
            config=config(collection, request),
            content=column("d", roles.content),
        )
    if roles.fts is None:
        raise InvalidInput(
            f"{collection.name} has no text column, so there are no words to search.",
            "Use semantic search, or give a column the role of text.",
        )
    raise InvalidInput(
        f"{collection.name} keeps its words in {collection.text_config!r} only.",
        "Search in that language.",
    )


def _headline(
    collection: Collection, request: SearchRequest, asked: sql.Composable
) -> sql.Composable:
    content = collection.roles.content
    if content is None or not request.highlight:
        return sql.SQL("null::text")
    return compose(
        """case when length({content}) <= {short}
    then ts_headline({config}, {content}, {tsquery}, {whole})
    else ts_headline({config}, left({content}, 50000), {tsquery}, {parts}) end""",
        content=column("d", content),
        config=config(collection, request),
        tsquery=asked,
        short=sql.Literal(SNIPPET_LENGTH),
        whole=sql.Literal(f"StartSel={MARK_START}, StopSel={MARK_STOP}, HighlightAll=true"),
        parts=sql.Literal(
            f"StartSel={MARK_START}, StopSel={MARK_STOP}, MaxFragments=3, MaxWords=35,"
            f' MinWords=15, FragmentDelimiter="{FRAGMENT_DELIMITER}"'
        ),
    )
