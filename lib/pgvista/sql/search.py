"""Semantic, keyword and hybrid search, each as one statement.

Every statement returns, in this order: id, content, metadata, structured columns,
and then as `tail` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.search import (
    IterativeScan,
    Mode,
    SearchRequest,
)
from pgvista.sql.filters import FilterSql
from pgvista.sql.fusion import fusion_parts
from pgvista.sql.keyword import keyword_parts, keyword_values, marks_titles
from pgvista.sql.names import (
    column_type,
    distance_operator,
    id_expression,
    relation,
    structured_columns,
    vector_type,
)
from pgvista.sql.query import NOTHING, Query, column, compose, join, local_settings, param

_TAIL = (
    "distance",
    "semantic_rank",
    "keyword_score",
    "keyword_rank",
    "score",
    "semantic_term",
    "keyword_term",
    "semantic_rows",
    "keyword_rows",
    "headline",
)


def tail(collection: Collection, request: SearchRequest) -> tuple[str, ...]:
    """Return the names of what follows the structured columns.

    `title` is there where `keyword.marks_titles`. `lists` is there in a hybrid search that asks for
    them, in the first row alone: the ids and distances of one list, the ids and scores of the
    other, and the score that covers the query.
    """
    return (
        *_TAIL,
        *(["title"] if marks_titles(collection, request) else []),
        *(["lists"] if request.mode is Mode.HYBRID and request.lists else []),
    )


def search(
    collection: Collection, request: SearchRequest, vector: tuple[float, ...] | None
) -> Query:
    """Build the statement for `request`; `vector` is the query's embedding, where one is needed.

    Raises InvalidInput when the request does not fit the collection.
    """
    values = _values(collection, request, vector)
    if request.filters is None:
        return replace(_statement(collection, _shape(request)), params=values)
    filtered = FilterSql(request.filters, collection, "d")
    builder = _Builder(collection, request, filtered.condition)
    return Query(builder.statement(), values | filtered.params)


def rows(collection: Collection, request: SearchRequest, ids: Sequence[str]) -> Query:
    """Build a statement for some rows of a hybrid search: as its hits, without places and scores.

    Rows: id, content, metadata, structured columns, headline, and title where
    `keyword.marks_titles`. Rows that are gone are left out.
    """
    builder = _Builder(collection, request, None)
    values = {"ids": list(ids), "depth": request.list_depth}
    return Query(builder.rows(), values | keyword_values(request))


@lru_cache(maxsize=256)
def _statement(collection: Collection, shape: SearchRequest) -> Query:
    """Return the statement without a filter; the same for all requests of one shape."""
    query = Query(_Builder(collection, shape, None).statement())
    return replace(query, made=query.sql.as_bytes(None))


def _shape(request: SearchRequest) -> SearchRequest:
    """Return a request that stands for all those whose statement differs in values alone."""
    return SearchRequest(
        mode=request.mode,
        text="words",
        exclude_id=None if request.exclude_id is None else "id",
        metric=request.metric,
        exact=request.exact,
        max_distance=None if request.max_distance is None else 0.0,
        keyword_match=request.keyword_match,
        keyword_rank=request.keyword_rank,
        label_weights=None if request.label_weights is None else (1, 1, 1, 1),
        text_config=request.text_config,
        fusion=request.fusion,
        highlight=request.highlight,
        lists=request.lists,
    )


def _values(
    collection: Collection, request: SearchRequest, vector: tuple[float, ...] | None
) -> dict[str, Any]:
    """Return the values of a request's statement, without those of its filter."""
    values: dict[str, Any] = {"limit": request.limit}
    if request.exclude_id is not None:
        values["excluded"] = request.exclude_id
    if request.mode is not Mode.KEYWORD:
        if vector is None:
            raise InvalidInput(f"A {request.mode} search needs a query vector.")
        expected = collection.dimension
        if expected is not None and len(vector) != expected:
            raise InvalidInput(
                f"The query vector has {len(vector)} numbers, but {collection.name} has {expected}.",
                f"Use a vector of the collection's own model ({collection.model or 'not recorded'}).",
            )
        values["embedding"] = np.array(vector, dtype=np.float32)
        if expected is None:
            values["dimension"] = len(vector)
        if request.max_distance is not None:
            values["max_distance"] = request.max_distance
    if request.mode is not Mode.SEMANTIC:
        values |= keyword_values(request)
    if request.mode is Mode.HYBRID:
        values |= {
            "depth": request.list_depth,
            "rrf_k": request.rrf_k,
            "semantic_weight": request.semantic_weight,
            "keyword_weight": request.keyword_weight,
        }
    return values


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


class _Builder:
    """Writes a statement with placeholders; the values are no affair of it."""

    def __init__(
        self, collection: Collection, request: SearchRequest, condition: sql.Composable | None
    ) -> None:
        self.collection = collection
        self.request = request
        self.from_table = compose("{table} as d", table=relation(collection))
        self.id = id_expression(collection, "d")
        self.conditions: list[sql.Composable] = [] if condition is None else [condition]
        if request.exclude_id is not None:
            self.conditions.append(
                compose("{id}::text <> {excluded}", id=self.id, excluded=param("excluded"))
            )

    def statement(self) -> sql.Composed:
        """Return the statement of the request's mode."""
        if self.request.mode is Mode.SEMANTIC:
            return self.semantic()
        return self.keyword() if self.request.mode is Mode.KEYWORD else self.hybrid()

    # -- the two lists

    def semantic(self) -> sql.Composed:
        return compose(
            """select {row},
  semantic.distance, semantic.rank as semantic_rank,
  null::float8 as keyword_score, null::bigint as keyword_rank, null::float8 as score,
  null::float8 as semantic_term, null::float8 as keyword_term,
  count(*) over () as semantic_rows, null::bigint as keyword_rows, null::text as headline
from (
  select *, row_number() over (order by distance, id::text collate "C") as rank
  from (
    select {id} as id, {distance} as distance
    from {table}{where}
    order by {order}
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

    def keyword(self) -> sql.Composed:
        return compose(
            """with {words}
select {row},
  null::float8 as distance, null::bigint as semantic_rank,
  keyword.score::float8 as keyword_score, keyword.rank as keyword_rank, null::float8 as score,
  null::float8 as semantic_term, null::float8 as keyword_term,
  null::bigint as semantic_rows, count(*) over () as keyword_rows,
  {headline} as headline{title}
from (
  select *, row_number() over (order by score desc, id::text collate "C") as rank
  from (
{best}
  ) as best
) as keyword
join {table} on {id} = keyword.id
cross join words
order by keyword.rank""",
            **self._common(),
            **self._keyword_parts("limit"),
        )

    def hybrid(self) -> sql.Composed:
        return compose(
            """with {words},
semantic as (
  select id, distance, row_number() over (order by distance, id::text collate "C") as rank
  from (
    select {id} as id, {distance} as distance
    from {table}{where}
    order by {order}
    limit {depth}
  ) as nearest
  where {near_enough} and abs(distance) < 'Infinity'
),
keyword as (
  select id, score::float8 as score, row_number() over (order by score desc, id::text collate "C") as rank
  from (
{best}
  ) as best
),{stats}
fused as (
  select *, semantic_term + keyword_term as score
  from (
    select coalesce(semantic.id, keyword.id) as id,
      semantic.distance, semantic.rank as semantic_rank,
      keyword.score as keyword_score, keyword.rank as keyword_rank,
      {semantic_term} as semantic_term,
      {keyword_term} as keyword_term
    from semantic full join keyword on semantic.id = keyword.id{with_stats}
  ) as terms
  order by score desc, semantic_rank, keyword_rank
  limit {limit}
)
select {row},
  fused.distance, fused.semantic_rank, fused.keyword_score, fused.keyword_rank, fused.score,
  fused.semantic_term, fused.keyword_term,
  (select count(*) from semantic) as semantic_rows,
  (select count(*) from keyword) as keyword_rows,
  {headline} as headline{title}{lists}
from fused
join {table} on {id} = fused.id
cross join words
order by fused.score desc, fused.semantic_rank, fused.keyword_rank
""",
            **self._common(),
            **self._semantic_parts(),
            **self._keyword_parts("depth"),
            where=self._where(),
            depth=param("depth"),
            **fusion_parts(self.collection, self.request),
        )

    def rows(self) -> sql.Composed:
        """Return the statement of rows by id, as hits show them."""
        return compose(
            """with {words}
select {row},
  {headline} as headline{title}
from {table}
cross join words
where {match}""",
            **self._common(),
            **self._keyword_parts("depth"),
            match=compose(
                "{id} = any({ids}::{type}[])",
                id=self.id,
                ids=param("ids"),
                type=column_type(self.collection.key_type),
            ),
        )

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
        return {"distance": distance, "order": self._order(), "near_enough": near_enough}

    def _order(self) -> sql.Composable:
        """Return what the nearest rows are ordered by: the distance, or the cast that is indexed.

        By the cast, rows are found in its precision and ranked by the distance in full.
        """
        kind, metric = self.collection.index_cast, self.collection.metric
        other_metric = self.request.metric not in (None, metric)
        if kind is None or self.request.exact or other_metric:
            return sql.SQL("distance")
        qualifier = self.collection.extension_schema
        cast = compose(
            "{type}({dimension})",
            type=vector_type(kind, qualifier),
            dimension=sql.Literal(self.collection.dimension),
        )
        return compose(
            "({embedding}::{cast}) {operator} ({value}::{own}::{cast})",
            embedding=column("d", self.collection.roles.embedding),
            cast=cast,
            operator=distance_operator(metric, qualifier),
            value=param("embedding"),
            own=vector_type(self.collection.vector_type, qualifier),
        )

    def _keyword_parts(self, most: str) -> dict[str, sql.Composable]:
        """Return the parts of the keyword list; `most` names the value of its length."""
        return keyword_parts(self.collection, self.request, self.conditions, param(most))


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
