"""Statements of a lesson's index: a temporary table of vectors, an index on it, and the nearest rows.

The table is named with its schema, pg_temp: nobody's table of that name is ever touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.filters import Filter
from pgvista.model.index import IndexMethod
from pgvista.model.metric import Metric, VectorType
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import distance_operator, id_expression, opclass, relation, vector_type
from pgvista.sql.query import NOTHING, Query, column, compose, param

INDEX = "pgvista_lesson_embedding_idx"
"""The index's name."""
_TABLE = sql.Identifier("pg_temp", "pgvista_lesson")


def sample(collection: Collection, count: int, seed: int) -> Query:
    """Draw vectors by a hash of their rows' key and `seed`, the same each time; zero vectors too."""
    return Query(
        compose(
            """select {embedding} from {table} as d where {embedding} is not null
order by pg_catalog.hashtextextended({id}::text, {seed}), {id}::text collate "C" limit {count}""",
            embedding=column("d", collection.roles.embedding),
            table=relation(collection),
            id=id_expression(collection, "d"),
            seed=param("seed"),
            count=param("count"),
        ),
        {"seed": seed, "count": count},
    )


def filtered_sample(collection: Collection, wanted: Filter, count: int, seed: int) -> Query:
    """Draw the rows of `sample`, and tell of each whether it meets the filter `wanted`."""
    found = FilterSql(wanted, collection, "d")
    return Query(
        compose(
            """select {embedding} as embedding, coalesce({condition}, false) as meets
from {table} as d where {embedding} is not null
order by pg_catalog.hashtextextended({id}::text, {seed}), {id}::text collate "C" limit {count}""",
            embedding=column("d", collection.roles.embedding),
            condition=found.condition or sql.SQL("true"),
            table=relation(collection),
            id=id_expression(collection, "d"),
            seed=param("seed"),
            count=param("count"),
        ),
        {"seed": seed, "count": count, **found.params},
    )


def filtered_count(collection: Collection, wanted: Filter) -> Query:
    """Count the rows with a vector that meet the filter `wanted`, and all rows with a vector."""
    found = FilterSql(wanted, collection, "d")
    return Query(
        compose(
            """select count(*) filter (where {condition}) as meet, count(*) as rows
from {table} as d where {embedding} is not null""",
            condition=found.condition or sql.SQL("true"),
            table=relation(collection),
            embedding=column("d", collection.roles.embedding),
        ),
        dict(found.params),
    )


def create_table(dimension: int, schema: str | None) -> Query:
    """Make the table, which goes when the transaction ends; `schema`: where pgvector's types are."""
    return Query(
        compose(
            """create temporary table {table} (
  id integer not null, label integer not null, embedding {vector}({dimension}) not null
) on commit drop""",
            table=_TABLE,
            vector=vector_type(VectorType.VECTOR, schema),
            dimension=sql.Literal(dimension),
        )
    )


def copy_rows() -> Query:
    """Build the binary COPY into the table."""
    return Query(compose("copy {table} from stdin (format binary)", table=_TABLE))


def create_index(
    method: IndexMethod,
    metric: Metric,
    *,
    m: int,
    ef_construction: int,
    lists: int,
    only: int | None,
    schema: str | None,
) -> Query:
    """Build the index on the vectors; `only`: a partial one, of the rows with that label."""
    options = (
        compose("lists = {lists}", lists=sql.Literal(lists))
        if method is IndexMethod.IVFFLAT
        else compose(
            "m = {m}, ef_construction = {ef}", m=sql.Literal(m), ef=sql.Literal(ef_construction)
        )
    )
    return Query(
        compose(
            "create index {name} on {table}\n  using {method} (embedding {opclass})\n  with ({options}){where}",
            name=sql.Identifier(INDEX),
            table=_TABLE,
            method=sql.SQL(method.value),
            opclass=opclass(metric, VectorType.VECTOR, schema),
            options=options,
            where=NOTHING
            if only is None
            else compose("\n  where label = {only}", only=sql.Literal(only)),
        )
    )


def create_label_index() -> Query:
    """Build a btree on the labels, as a column that is filtered by has one."""
    return Query(compose("create index on {table} (label)", table=_TABLE))


def analyze() -> Query:
    """Let the planner know the table as it is."""
    return Query(compose("analyze {table}", table=_TABLE))


def index_bytes() -> Query:
    """Tell how large the index is."""
    return Query(
        compose(
            "select pg_catalog.pg_relation_size({name}::regclass)",
            name=sql.Literal(f"pg_temp.{INDEX}"),
        )
    )


def nearest(
    vector: NDArray[np.float32],
    limit: int,
    metric: Metric,
    *,
    keep: int | None,
    schema: str | None,
) -> Query:
    """Find the ids of the nearest rows, in the index's own order; `keep`: of those with that label."""
    values: dict[str, Any] = {"embedding": vector, "limit": limit}
    where: sql.Composable = NOTHING
    if keep is not None:
        where = compose("\nwhere label = {keep}", keep=param("keep"))
        values["keep"] = keep
    return Query(
        compose(
            "select id from {table}{where}\norder by embedding {operator} {value}::{type}\nlimit {limit}",
            table=_TABLE,
            where=where,
            operator=distance_operator(metric, schema),
            value=param("embedding"),
            type=vector_type(VectorType.VECTOR, schema),
            limit=param("limit"),
        ),
        values,
    )


def count(query: Query) -> Query:
    """Count the rows that a statement finds."""
    return Query(
        compose("select count(*) from ({statement}) as found", statement=query.sql), query.params
    )


def set_local(name: str, value: str) -> Query:
    """Change a setting until the transaction ends."""
    return Query(
        compose(
            "select pg_catalog.set_config({name}, {value}, true)",
            name=sql.Literal(name),
            value=sql.Literal(value),
        )
    )
