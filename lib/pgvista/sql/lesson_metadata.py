"""Statements of the lesson on metadata: one value in a typed column and in jsonb, asked in many ways.

The table is temporary and named with its schema, pg_temp: nobody's table of that name is touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from pgvista.model.collection import Collection, Column, Layout, Roles
from pgvista.model.filters import Filter, parse_filter
from pgvista.model.metric import Metric, VectorType
from pgvista.sql.filters import FilterSql
from pgvista.sql.names import distance_operator, opclass, relation, vector_type
from pgvista.sql.query import NOTHING, Query, column, compose, param

ROWS = 20_000
FIRST_YEAR, LAST_YEAR = 1970, 2024
DIMENSIONS = 16
"""Leading numbers of the rows' own vectors that the lesson's vector index is built on."""
SEED = 0.42
VECTOR_INDEX = "lesson_embedding_idx"

_TABLE = sql.Identifier("pg_temp", "lesson")
_TEXT_CHARS = 200
_METADATA_BYTES = 2_000
_SAMPLED = 500
_NOISE = 3
"""In sizes of a vector's numbers: copies of a row in clumps would make a graph that falls apart."""


class Form(StrEnum):
    """A condition on the year."""

    COLUMN = "column"
    CONTAINS = "contains"
    PATH = "path"
    TEXT = "text"
    VALUE = "value"
    CAST = "cast"
    COLUMN_BELOW = "column_below"
    VALUE_BELOW = "value_below"
    PATH_BELOW = "path_below"
    CAST_BELOW = "cast_below"
    FILTER_BELOW = "filter_below"
    """What pgvista makes of ``{"year": {"$lt": ..}}`` on metadata."""


class Index(StrEnum):
    """The index that the table has besides."""

    NONE = "none"
    COLUMN = "column"
    GIN = "gin"
    EXPRESSION = "expression"


_INDEXES: dict[Index, LiteralString] = {
    Index.COLUMN: "create index lesson_year_idx on {table} (year)",
    Index.GIN: "create index lesson_metadata_idx on {table} using gin (metadata jsonb_path_ops)",
    Index.EXPRESSION: "create index lesson_expression_idx on {table} "
    "(((metadata ->> 'year')::integer))",
}

_CONDITIONS: dict[Form, LiteralString] = {
    Form.COLUMN: "year = {year}::integer",
    Form.CONTAINS: "metadata @> {object}::jsonb",
    Form.PATH: "metadata @? {path}::jsonpath",
    Form.TEXT: "metadata ->> 'year' = {text}::text",
    Form.VALUE: "metadata -> 'year' = {text}::jsonb",
    Form.CAST: "(metadata ->> 'year')::integer = {year}::integer",
    Form.COLUMN_BELOW: "year < {year}::integer",
    Form.VALUE_BELOW: "metadata -> 'year' < {text}::jsonb",
    Form.PATH_BELOW: "metadata @? {path_below}::jsonpath",
    Form.CAST_BELOW: "(metadata ->> 'year')::integer < {year}::integer",
}


def create_table(dimension: int | None, schema: str | None) -> Query:
    """Make the table, which goes with the transaction; with a vector column where `dimension` is."""
    vector = (
        NOTHING
        if dimension is None
        else compose(
            ",\n  embedding {vector}({dimension}) not null",
            vector=vector_type(VectorType.VECTOR, schema),
            dimension=sql.Literal(dimension),
        )
    )
    return Query(
        compose(
            """create temporary table {table} (
  id integer not null,
  content text,
  year integer not null,
  metadata jsonb not null{vector}
) on commit drop""",
            table=_TABLE,
            vector=vector,
        )
    )


def seed() -> Query:
    """Make the random numbers that follow the same each time."""
    return Query(compose("select setseed({seed})", seed=sql.Literal(SEED)))


def fill(collection: Collection, dimension: int | None) -> Query:
    """Fill the table: the collection's rows again and again, each with a year in both places.

    Later years have more rows, in proportion to their distance from 1969. Metadata that is no
    object, or larger than 2 kB, is left away. Vectors get noise, so
    that copies differ.
    """
    roles = collection.roles
    embedding = column("d", roles.embedding)
    value: sql.Composable = NOTHING
    noise: sql.Composable = NOTHING
    if dimension is not None:
        noise = compose(
            """, noise as materialized (
  select {noise} * avg(abs(number)) as size
  from (select embedding from source limit {sampled}) as sampled,
    unnest((embedding::real[])[1:{dimension}]) as number
)""",
            noise=sql.Literal(_NOISE),
            sampled=sql.Literal(_SAMPLED),
            dimension=sql.Literal(dimension),
        )
        value = compose(
            ",\n  array(select number + random() * (select size from noise)"
            " from unnest((source.embedding::real[])[1:{dimension}]) as number)"
            "::{vector}({dimension})",
            dimension=sql.Literal(dimension),
            vector=vector_type(VectorType.VECTOR, collection.extension_schema),
        )
    return Query(
        compose(
            """with source as materialized (
  select row_number() over () - 1 as place, {content} as content, {metadata} as metadata, {embedding} as embedding
  from {collection} as d where {embedding} is not null limit {rows}
), made as materialized (
  select n, {first} + floor({years} * sqrt(random()))::integer as year
  from generate_series(1, {rows}) as n
){noise}
insert into {table}
select n, left(source.content, {chars}), year,
  case when jsonb_typeof(source.metadata) = 'object' and pg_column_size(source.metadata) < {bytes}
    then source.metadata else '{{}}' end || jsonb_build_object('year', year){value}
from made join source on source.place = mod(made.n, (select count(*) from source))""",
            content=sql.SQL("null::text")
            if roles.content is None
            else compose("{content}::text", content=column("d", roles.content)),
            metadata=sql.SQL("'{}'::jsonb")
            if roles.metadata is None
            else compose("{metadata}::jsonb", metadata=column("d", roles.metadata)),
            embedding=embedding,
            collection=relation(collection),
            rows=sql.Literal(ROWS),
            first=sql.Literal(FIRST_YEAR),
            years=sql.Literal(LAST_YEAR - FIRST_YEAR + 1),
            table=_TABLE,
            chars=sql.Literal(_TEXT_CHARS),
            bytes=sql.Literal(_METADATA_BYTES),
            value=value,
            noise=noise,
        )
    )


def analyze() -> Query:
    """Collect the planner's statistics, also those of an index on an expression."""
    return Query(compose("analyze {table}", table=_TABLE))


def sizes() -> Query:
    """Read bytes: the table, its indexes, all values of the column, all of the metadata."""
    return Query(
        compose(
            """select pg_table_size({name}::regclass), pg_indexes_size({name}::regclass),
  sum(pg_column_size(year)), sum(pg_column_size(metadata)) from {table}""",
            name=sql.Literal("pg_temp.lesson"),
            table=_TABLE,
        )
    )


def example() -> Query:
    """Read one row: the year and the metadata."""
    return Query(compose("select year, metadata from {table} order by id limit 1", table=_TABLE))


def years() -> Query:
    """Count the rows of each year."""
    return Query(compose("select year, count(*) from {table} group by year", table=_TABLE))


def create_index(index: Index) -> Query:
    """Build one of the indexes. KeyError for NONE."""
    return Query(compose(_INDEXES[index], table=_TABLE))


def create_vector_index(schema: str | None) -> Query:
    """Build a small HNSW index for L2."""
    return Query(
        compose(
            "create index {name} on {table} using hnsw (embedding {opclass}) "
            "with (m = 8, ef_construction = 32)",
            name=sql.Identifier(VECTOR_INDEX),
            table=_TABLE,
            opclass=opclass(Metric.L2, VectorType.VECTOR, schema),
        )
    )


def select(form: Form, year: int) -> Query:
    """Read the rows that meet a condition on the year."""
    condition, params = _condition(form, year)
    return Query(
        compose("select id, content from {table} where {it}", table=_TABLE, it=condition), params
    )


def nearest(form: Form, year: int, vector: NDArray[np.float32], schema: str | None) -> Query:
    """Read the ten nearest rows that meet a condition on the year."""
    condition, params = _condition(form, year)
    return Query(
        compose(
            "select id, content from {table}\nwhere {it}\n"
            "order by embedding {operator} {vector}::{type} limit 10",
            table=_TABLE,
            it=condition,
            operator=distance_operator(Metric.L2, schema),
            vector=param("vector"),
            type=vector_type(VectorType.VECTOR, schema),
        ),
        {**params, "vector": vector},
    )


def vector_of(row_id: int) -> Query:
    """Read the vector of a row, as the query of the lesson."""
    return Query(
        compose("select embedding from {table} where id = {id}", table=_TABLE, id=param("id")),
        {"id": row_id},
    )


def condition_text(form: Form, year: int) -> str:
    """Return a condition as it is run, with its values in place and without their casts."""
    condition, params = _condition(form, year)
    text = Query(condition, params).text()
    for cast in ("::jsonpath", "::jsonb", "::text", "::numeric"):
        text = text.replace(f"'{cast}", "'")
    return text.replace(f"{year}::integer", str(year))


def _condition(form: Form, year: int) -> tuple[sql.Composed, Mapping[str, Any]]:
    if form is Form.FILTER_BELOW:
        compiled = compiled_filter(parse_filter({"year": {"$lt": year}}), in_column=False)
        return compiled.sql, compiled.params
    values = {
        "year": year,
        "text": str(year),
        "object": json.dumps({"year": year}),
        "path": f"$.year ? (@ == {year})",
        "path_below": f"$.year ? (@ < {year})",
    }
    template = _CONDITIONS[form]
    used = {name: value for name, value in values.items() if f"{{{name}}}" in template}
    return compose(template, **{name: param(name) for name in used}), used


# -- values of any type


def compiled_filter(tree: Filter | None, *, in_column: bool) -> Query:
    """Return the condition that pgvista makes of a filter, the year in a column or in metadata.

    Raises InvalidInput for a filter that does not fit the column.
    """
    made = FilterSql(tree, lesson_table(in_column=in_column), None)
    return Query(made.condition or sql.Composed([sql.SQL("true")]), made.params)


def lesson_table(*, in_column: bool) -> Collection:
    """Return the lesson's table as a collection: with the year in a column, or in metadata alone."""
    return Collection(
        "pg_temp",
        "lesson",
        Roles("embedding", "id", "content", "metadata"),
        DIMENSIONS,
        columns=(Column("year", "integer"),) if in_column else (),
        layout=Layout.ADOPTED,
        key_type="integer",
    )


def ask_documents(condition: Query, documents: list[str]) -> Query:
    """Tell of each JSON document whether it meets a condition on `metadata`: true, false or null."""
    return Query(
        compose(
            "select metadata, {condition}\nfrom (select place, document::jsonb as metadata\n"
            "  from unnest({documents}::text[]) with ordinality as made (document, place)) as lesson\n"
            "order by place",
            condition=condition.sql,
            documents=param("documents"),
        ),
        {**condition.params, "documents": documents},
    )


def create_door() -> Query:
    """Make a table of a typed column beside metadata, which goes with the transaction."""
    return Query(
        compose(
            "create temporary table {table} (year integer, metadata jsonb) on commit drop",
            table=_TABLE,
        )
    )


def write_column(value: str) -> Query:
    """Write a text as the year."""
    return Query(
        compose("insert into {table} (year) values ({value})", table=_TABLE, value=param("value")),
        {"value": value},
    )


def write_metadata(document: str) -> Query:
    """Write a JSON document, and return it as it is kept."""
    return Query(
        compose(
            "insert into {table} (metadata) values ({document}::jsonb) returning metadata::text",
            table=_TABLE,
            document=param("document"),
        ),
        {"document": document},
    )
