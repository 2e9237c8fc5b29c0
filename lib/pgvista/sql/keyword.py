"""The keyword part of a search: which rows match, how they rank, what is marked in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.label_weights import BM25_LABEL_WEIGHTS
from pgvista.model.search import KeywordMatch, KeywordRank, Mode, SearchRequest
from pgvista.sql import bm25_extensions, bm25_rank
from pgvista.sql.names import id_expression, relation
from pgvista.sql.query import NOTHING, Query, column, compose, join, param

MARK_START = "\ue000"
MARK_STOP = "\ue001"
FRAGMENT_DELIMITER = " … "
SNIPPET_LENGTH = 600
"""Texts up to this many characters are shown whole."""
MAX_WORDS = 12_500
"""Words of one query; from 18,000 on Postgres runs out of stack, or of memory for the rank."""

_RANK_CALL: dict[KeywordRank, LiteralString] = {
    KeywordRank.TS_RANK: "ts_rank({weights}{fts}, {tsquery}, {normalization}::integer)",
    KeywordRank.TS_RANK_CD: "ts_rank_cd({weights}{fts}, {tsquery}, {normalization}::integer)",
}
_WHOLE: dict[KeywordMatch, LiteralString] = {
    KeywordMatch.WEBSEARCH: "websearch_to_tsquery({config}, {words})",
    KeywordMatch.PHRASE: "phraseto_tsquery({config}, {words})",
}
"""Ways to match that take the query's words as a whole."""
_LAST_WORD = re.compile(r"\w+\Z")
_WORD = re.compile(r"\w+")


def words(request: SearchRequest) -> str:
    """Return the query's words without NUL and lone surrogates, which Postgres cannot take."""
    return (request.text or "").replace("\0", " ").encode(errors="replace").decode()


def keyword_values(request: SearchRequest) -> dict[str, Any]:
    """Return the values of the keyword part. Raises InvalidInput for too many words."""
    values: dict[str, Any] = {"words": words(request)}
    if len(values["words"]) >= 2 * MAX_WORDS:
        _check_count(values["words"], request.keyword_match)
    if request.keyword_match is KeywordMatch.PREFIX:
        last = _LAST_WORD.search(values["words"])
        values["last_word"] = last.group() if last else ""
    if request.keyword_rank is KeywordRank.BM25:
        values |= {"bm25_k1": request.bm25_k1, "bm25_b": request.bm25_b}
        values["label_weights"] = [*map(float, request.label_weights or BM25_LABEL_WEIGHTS)]
    elif request.keyword_rank is not KeywordRank.EXTENSION:
        values["normalization"] = request.rank_normalization
        if request.label_weights is not None:
            values["label_weights"] = [*map(float, reversed(request.label_weights))]
    return values


def _check_count(text: str, match: KeywordMatch) -> None:
    """Refuse more words than Postgres takes; where they are not matched whole, each counts once."""
    found = _WORD.findall(text)
    count = len(found if match in _WHOLE else {word.casefold() for word in found})
    if count > MAX_WORDS:
        raise InvalidInput(
            f"The query has {count:,} words, and a search by words takes {MAX_WORDS:,} at most.",
            "Shorten it, or search by meaning.",
        )


def count_lexemes(collection: Collection, request: SearchRequest) -> Query:
    """Build a statement that counts what is left of the query's words after the dictionary."""
    asked = {"config": config(collection, request), "words": param("words")}
    if request.keyword_match in _WHOLE:
        statement = compose(
            "select coalesce(numnode({tsquery}), 0)",
            tsquery=compose(_WHOLE[request.keyword_match], **asked),
        )
    else:
        statement = compose("select length(to_tsvector({config}, {words}))", **asked)
    return Query(statement, {"words": words(request)})


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
    the text with its matched words marked; `title`: a further column with that of the title, where
    `marks_titles`. Raises InvalidInput when the collection has no text in
    the language asked for.
    """
    fts = _fts(collection, request)
    asked = sql.SQL("words.tsquery")
    matches = compose("{fts} @@ {tsquery}", fts=fts, tsquery=asked)
    parts = {
        "words": _words(collection, request),
        "headline": _headline(collection, request, asked),
        "title": _title(collection, request, asked),
    }
    if request.keyword_rank is KeywordRank.BM25:
        if collection.bm25 is None:
            raise InvalidInput(
                f"{collection.name} has no statistics for BM25.",
                "Build them on the Collections page, or rank by ts_rank.",
            )
        whole = request.keyword_match in _WHOLE
        if collection.row_security and not conditions:
            conditions = [sql.SQL("true")]  # else rows that are hidden take places of the list
        parts["best"] = bm25_rank.best(
            collection, collection.bm25, matches if whole else None, conditions, limit
        )
        return parts
    if request.keyword_rank is KeywordRank.EXTENSION:
        if collection.bm25_index is None:
            raise InvalidInput(
                f"{collection.name} has no index of an extension for BM25.",
                "Rank by bm25, or make such an index.",
            )
        if request.keyword_match in _WHOLE:
            one = compose("{fts} @@ (select tsquery from words)", fts=fts)
            conditions = [one, *conditions]
        parts["best"] = bm25_extensions.best(collection, collection.bm25_index, conditions, limit)
        return parts
    call = compose(
        _RANK_CALL[request.keyword_rank],
        fts=fts,
        tsquery=asked,
        normalization=param("normalization"),
        weights=sql.SQL("")
        if request.label_weights is None
        else compose("{weights}::real[], ", weights=param("label_weights")),
    )
    parts["best"] = compose(
        """    select {id} as id, {rank} as score
    from {table} as d, words
    where {matches}
    order by score desc, {id}::text collate "C"
    limit {limit}""",
        id=id_expression(collection, "d"),
        rank=call,
        table=relation(collection),
        matches=join(" and ", [matches, *conditions]),
        limit=limit,
    )
    return parts


def _words(collection: Collection, request: SearchRequest) -> sql.Composed:
    """Return ``asked`` (the lexemes, and the term each stands for) and ``words`` (the tsquery)."""
    named = {"config": config(collection, request), "words": param("words")}
    if request.keyword_match in _WHOLE:
        whole = compose(_WHOLE[request.keyword_match], **named)
        if request.keyword_rank not in (KeywordRank.BM25, KeywordRank.EXTENSION):
            return compose("words as materialized (select {whole} as tsquery)", whole=whole)
        return compose(
            r"""words as materialized (select {whole} as tsquery),
asked as materialized (
  select distinct replace(replace(found[1], '''''', ''''), '\\', '\') as lexeme,
    found[1] as term
  from words, regexp_matches(querytree(words.tsquery), '''((?:[^'']|'''')*)''', 'g') as found
)""",
            whole=whole,
        )
    return compose(
        r"""asked as materialized (
  {lexemes}
),
words as materialized (
  select {tsquery} as tsquery from asked
)""",
        lexemes=_lexemes(collection, request, named),
        tsquery=_any_of(request, named),
    )


def _any_of(request: SearchRequest, named: dict[str, sql.Composable]) -> sql.Composable:
    any_of: LiteralString = r"""string_agg(
    '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery"""
    if request.keyword_match is not KeywordMatch.PREFIX:
        return sql.SQL(any_of)
    return compose(
        "coalesce({any_of}, '') || to_tsquery({config}, {last})",
        any_of=sql.SQL(any_of),
        last=compose(
            "case {word}::text when '' then '' else quote_literal({word}::text) || ':*' end",
            word=param("last_word"),
        ),
        **named,
    )


def _lexemes(
    collection: Collection, request: SearchRequest, named: dict[str, sql.Composable]
) -> sql.Composable:
    """Return the select of (lexeme, term): the words, what they may go on to, or spellings near."""
    plain = compose(
        "select lexeme, lexeme as term from unnest(to_tsvector({config}, {words}))", **named
    )
    if collection.bm25 is None:
        return plain
    if request.keyword_match is KeywordMatch.NEAR and collection.bm25.trigram_schema is not None:
        return bm25_rank.near_spellings(collection.bm25, plain)
    if (request.keyword_match, request.keyword_rank) == (KeywordMatch.PREFIX, KeywordRank.BM25):
        stem = compose(
            "select lexeme as stem from unnest(to_tsvector({config}, {last})) limit 1",
            config=named["config"],
            last=param("last_word"),
        )
        return bm25_rank.continuations(collection.bm25, plain, stem)
    return plain


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


def marks_titles(collection: Collection, request: SearchRequest) -> bool:
    """Tell whether a search marks the words that it matched in titles."""
    return (
        collection.titled
        and request.highlight
        and request.mode is not Mode.SEMANTIC
        and (collection.roles.metadata is not None or _has_title_column(collection))
    )


def _has_title_column(collection: Collection) -> bool:
    return any(item.name == "title" for item in collection.columns)


def _title(collection: Collection, request: SearchRequest, asked: sql.Composable) -> sql.Composable:
    """Return a column with the title of a row, as hits show it: that of metadata, else a column's."""
    if not marks_titles(collection, request):
        return NOTHING
    metadata, found = collection.roles.metadata, []
    if metadata is not None:
        found.append(compose("{metadata} ->> 'title'", metadata=column("d", metadata)))
    if _has_title_column(collection):
        found.append(compose("{title}::text", title=column("d", "title")))
    return compose(
        ",\n  ts_headline({config}, coalesce({titles}), {tsquery}, {whole}) as title",
        config=config(collection, request),
        titles=join(", ", found),
        tsquery=asked,
        whole=_WHOLE_TEXT,
    )


_WHOLE_TEXT = sql.Literal(f"StartSel={MARK_START}, StopSel={MARK_STOP}, HighlightAll=true")


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
        whole=_WHOLE_TEXT,
        parts=sql.Literal(
            f"StartSel={MARK_START}, StopSel={MARK_STOP}, MaxFragments=3, MaxWords=35,"
            f' MinWords=15, FragmentDelimiter="{FRAGMENT_DELIMITER}"'
        ),
    )
