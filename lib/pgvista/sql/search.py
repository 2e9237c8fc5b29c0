"""Semantic, keyword and hybrid search, each as one statement.

Every statement returns, in this order: id, content, metadata, structured columns,
distance, semantic_rank, keyword_score, keyword_rank, score, semantic_rows, keyword_rows, headline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

import numpy as np
from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.search import (
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import (
    distance_operator,
    id_expression,
    relation,
    structured_columns,
    vector_type,
)
from pgvista.sql.query import NOTHING, Query, column, compose, join, local_settings, param

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


def search(
    collection: Collection, request: SearchRequest, vector: tuple[float, ...] | None
) -> Query:
    """Build the statement for `request`; `vector` is the query's embedding, where one is needed."""
    builder = _Builder(collection, request, vector)
    if request.mode is Mode.SEMANTIC:
        return builder.semantic()
    if request.mode is Mode.KEYWORD:
        return builder.keyword()
    return builder.hybrid()


def knobs(request: SearchRequest, *, iterative_scan: bool) -> dict[str, str]:
    """Return the settings that `request` needs in its transaction.

    `iterative_scan` says whether the server's pgvector knows iterative scans (0.8.0 on).
    """
    if request.mode is Mode.KEYWORD:
        return {}
    if request.exact:
        return {"enable_indexscan": "off"}
    settings = {"hnsw.ef_search": str(request.effective_ef_search)}
    if request.probes is not None:
        settings["ivfflat.probes"] = str(request.probes)
    if request.iterative_scan is not IterativeScan.OFF and iterative_scan:
        settings["hnsw.iterative_scan"] = request.iterative_scan.value
        settings["ivfflat.iterative_scan"] = IterativeScan.RELAXED.value
        if request.max_scan_tuples is not None:
            settings["hnsw.max_scan_tuples"] = str(request.max_scan_tuples)
    return settings


def count_lexemes(collection: Collection, request: SearchRequest) -> Query:
    """Build a statement that counts what is left of the query's words after the dictionary."""
    builder = _Builder(collection, request, None)
    return Query(
        compose("select coalesce(numnode({tsquery}), 0)", tsquery=builder.tsquery()), builder.params
    )


class _Builder:
    def __init__(
        self, collection: Collection, request: SearchRequest, vector: tuple[float, ...] | None
    ) -> None:
        self.collection = collection
        self.request = request
        self.params: dict[str, Any] = {"limit": request.limit}
        self.from_table = compose("{table} as d", table=relation(collection))
        self.id = id_expression(collection, "d")
        filtered = FilterSql(request.filters, collection, "d")
        self.params |= filtered.params
        conditions = [] if filtered.condition is None else [filtered.condition]
        if request.exclude_id is not None:
            conditions.append(
                compose("{id}::text <> {excluded}", id=self.id, excluded=param("excluded"))
            )
            self.params["excluded"] = request.exclude_id
        self.conditions: list[sql.Composable] = list(conditions)
        if request.mode is not Mode.KEYWORD and vector is not None:
            self._prepare_vector(vector)
        if request.mode is not Mode.SEMANTIC:
            self._prepare_words()

    # -- the two lists

    def semantic(self) -> Query:
        statement = compose(
            """select {row},
  semantic.distance, semantic.rank as semantic_rank,
  null::float8 as keyword_score, null::bigint as keyword_rank, null::float8 as score,
  count(*) over () as semantic_rows, null::bigint as keyword_rows, null::text as headline
from (
  select *, row_number() over (order by distance, id::text) as rank
  from (
    select {id} as id, {distance} as distance
    from {table}{where}
    order by distance
    limit {limit}
  ) as nearest
  where {near_enough}
) as semantic
join {table} on {id} = semantic.id
order by semantic.rank""",
            **self._common(),
            **self._semantic_parts(),
            where=self._where(),
        )
        return Query(statement, self.params)

    def keyword(self) -> Query:
        statement = compose(
            """with words as materialized (select {tsquery} as tsquery)
select {row},
  null::float8 as distance, null::bigint as semantic_rank,
  keyword.score as keyword_score, keyword.rank as keyword_rank, null::float8 as score,
  null::bigint as semantic_rows, count(*) over () as keyword_rows,
  {headline} as headline
from (
  select *, row_number() over (order by score desc, id::text) as rank
  from (
    select {id} as id, {rank} as score
    from {table}, words
    where {matches}
    order by score desc, {id}::text
    limit {limit}
  ) as best
) as keyword
join {table} on {id} = keyword.id
cross join words
order by keyword.rank""",
            **self._common(),
            **self._keyword_parts(),
        )
        return Query(statement, self.params)

    def hybrid(self) -> Query:
        request = self.request
        self.params |= {
            "depth": request.list_depth,
            "rrf_k": request.rrf_k,
            "semantic_weight": request.semantic_weight,
            "keyword_weight": request.keyword_weight,
        }
        statement = compose(
            """with words as materialized (select {tsquery} as tsquery),
semantic as (
  select id, distance, row_number() over (order by distance, id::text) as rank
  from (
    select {id} as id, {distance} as distance
    from {table}{where}
    order by distance
    limit {depth}
  ) as nearest
  where {near_enough}
),
keyword as (
  select id, score, row_number() over (order by score desc, id::text) as rank
  from (
    select {id} as id, {rank} as score
    from {table}, words
    where {matches}
    order by score desc, {id}::text
    limit {depth}
  ) as best
),
fused as (
  select coalesce(semantic.id, keyword.id) as id,
    semantic.distance, semantic.rank as semantic_rank,
    keyword.score as keyword_score, keyword.rank as keyword_rank,
    coalesce({semantic_weight}::float8 / ({k}::float8 + semantic.rank), 0)
      + coalesce({keyword_weight}::float8 / ({k}::float8 + keyword.rank), 0) as score
  from semantic full join keyword on semantic.id = keyword.id
  order by score desc, coalesce(semantic.id, keyword.id)::text
  limit {limit}
)
select {row},
  fused.distance, fused.semantic_rank, fused.keyword_score, fused.keyword_rank, fused.score,
  (select count(*) from semantic) as semantic_rows,
  (select count(*) from keyword) as keyword_rows,
  {headline} as headline
from fused
join {table} on {id} = fused.id
cross join words
order by fused.score desc, {id}::text""",
            **self._common(),
            **self._semantic_parts(),
            **self._keyword_parts(),
            where=self._where(),
            depth=param("depth"),
            k=param("rrf_k"),
            semantic_weight=param("semantic_weight"),
            keyword_weight=param("keyword_weight"),
        )
        return Query(statement, self.params)

    # -- their parts

    def _common(self) -> dict[str, sql.Composable]:
        roles = self.collection.roles
        content = column("d", roles.content) if roles.content else sql.SQL("null::text")
        metadata = column("d", roles.metadata) if roles.metadata else sql.SQL("null::jsonb")
        row = compose(
            "{id}::text as id, {content} as content,\n  {metadata} as metadata{columns}",
            id=self.id,
            content=content,
            metadata=metadata,
            columns=structured_columns(self.collection, "d"),
        )
        return {"row": row, "id": self.id, "table": self.from_table, "limit": param("limit")}

    def _where(self) -> sql.Composable:
        conditions = list(self.conditions)
        if self.collection.dimension is None:
            dims = compose(
                "{dims}({embedding}) = {dimension}",
                dims=sql.Identifier(*self._qualified("vector_dims")),
                embedding=column("d", self.collection.roles.embedding),
                dimension=param("dimension"),
            )
            conditions.append(dims)
        if not conditions:
            return NOTHING
        return compose("\n    where {conditions}", conditions=join(" and ", conditions))

    def _qualified(self, name: str) -> tuple[str, ...]:
        schema = self.collection.extension_schema
        return (name,) if schema is None else (schema, name)

    def _prepare_vector(self, vector: tuple[float, ...]) -> None:
        expected = self.collection.dimension
        if expected is not None and len(vector) != expected:
            raise InvalidInput(
                f"The query vector has {len(vector)} numbers, but {self.collection.name} has {expected}.",
                f"Use a vector of the collection's own model ({self.collection.model or 'not recorded'}).",
            )
        self.params["embedding"] = np.asarray(vector, dtype=np.float32)
        if expected is None:
            self.params["dimension"] = len(vector)

    def _semantic_parts(self) -> dict[str, sql.Composable]:
        metric = self.request.metric or self.collection.metric
        qualifier = self.collection.extension_schema
        distance = compose(
            "{embedding} {operator} {value}::{type}",
            embedding=column("d", self.collection.roles.embedding),
            operator=distance_operator(metric, qualifier),
            value=param("embedding"),
            type=vector_type(self.collection.vector_type, qualifier),
        )
        near_enough: sql.Composable = sql.SQL("distance < 'NaN'")
        if self.request.max_distance is not None:
            near_enough = compose("distance <= {most}", most=param("max_distance"))
            self.params["max_distance"] = self.request.max_distance
        return {"distance": distance, "near_enough": near_enough}

    def _prepare_words(self) -> None:
        roles = self.collection.roles
        if roles.content is None and roles.fts is None:
            raise InvalidInput(
                f"{self.collection.name} has no text column, so there are no words to search.",
                "Use semantic search, or give a column the role of text.",
            )
        text = (self.request.text or "").replace("\0", " ")
        self.params["words"] = text

    @property
    def config(self) -> sql.Composable:
        name = self.request.text_config or self.collection.text_config
        return compose("{name}::regconfig", name=sql.Literal(name))

    def tsquery(self) -> sql.Composed:
        """Return the query's words as a tsquery, as the request matches them."""
        if self.request.keyword_match is KeywordMatch.WEBSEARCH:
            return compose("websearch_to_tsquery({config}, {words})", **self._words())
        return compose(
            r"""(
  select string_agg(
    '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
  from unnest(to_tsvector({config}, {words}))
)""",
            **self._words(),
        )

    def _words(self) -> dict[str, sql.Composable]:
        return {"config": self.config, "words": param("words")}

    def _keyword_parts(self) -> dict[str, sql.Composable]:
        collection, request = self.collection, self.request
        roles = collection.roles
        stored = roles.fts is not None and request.text_config in (None, collection.text_config)
        fts: sql.Composable
        if stored and roles.fts is not None:
            fts = column("d", roles.fts)
        elif roles.content is not None:
            fts = compose(
                "to_tsvector({config}, coalesce({content}, ''))",
                config=self.config,
                content=column("d", roles.content),
            )
        else:
            raise InvalidInput(
                f"{collection.name} keeps its words in {collection.text_config!r} only.",
                "Search in that language.",
            )
        tsquery = sql.SQL("words.tsquery")
        matches = compose("{fts} @@ {tsquery}", fts=fts, tsquery=tsquery)
        return {
            "tsquery": self.tsquery(),
            "rank": compose(_RANK_CALL[request.keyword_rank], fts=fts, tsquery=tsquery),
            "matches": join(" and ", [matches, *self.conditions]),
            "headline": self._headline(tsquery),
        }

    def _headline(self, tsquery: sql.Composable) -> sql.Composable:
        content = self.collection.roles.content
        if content is None or not self.request.highlight:
            return sql.SQL("null::text")
        return compose(
            """case when length({content}) <= {short}
    then ts_headline({config}, {content}, {tsquery}, {whole})
    else ts_headline({config}, left({content}, 50000), {tsquery}, {parts}) end""",
            content=column("d", content),
            config=self.config,
            tsquery=tsquery,
            short=sql.Literal(SNIPPET_LENGTH),
            whole=sql.Literal(f"StartSel={MARK_START}, StopSel={MARK_STOP}, HighlightAll=true"),
            parts=sql.Literal(
                f"StartSel={MARK_START}, StopSel={MARK_STOP}, MaxFragments=3, MaxWords=35,"
                f' MinWords=15, FragmentDelimiter="{FRAGMENT_DELIMITER}"'
            ),
        )


def plan(query: Query, *, analyze: bool) -> Query:
    """Wrap a statement in EXPLAIN; with `analyze` it is run and measured."""
    options = sql.SQL("analyze, buffers, format json") if analyze else sql.SQL("format json")
    return Query(
        compose("explain ({options}) {statement}", options=options, statement=query.sql),
        query.params,
    )


def in_psql(query: Query, settings: Mapping[str, str], *, begin: str = "begin read only;") -> str:
    """Return the whole transaction as text for psql."""
    return f"{begin}\n{local_settings(settings)}{query.text()};\ncommit;"
