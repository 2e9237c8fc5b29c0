"""Statements of the lesson on smaller vectors: one vector in each type, and bits side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.metric import Metric
from pgvista.sql.index import indexed
from pgvista.sql.names import distance_operator, id_expression, relation
from pgvista.sql.query import Query, column, compose, join, param


def one_vector(collection: Collection, row_id: str) -> Query:
    """Read one vector as it is, as halfvec and as bits, then the bytes of each; no row when it is gone."""
    values = [
        column("d", collection.roles.embedding),
        indexed(collection, IndexTarget.HALFVEC, alias="d"),
        indexed(collection, IndexTarget.BIT, alias="d"),
    ]
    return Query(
        compose(
            "select {values},\n  {sizes}\nfrom {table} as d\n"
            "where {id}::text = {row_id} and {embedding} is not null",
            values=join(",\n  ", values),
            sizes=join(
                ",\n  ",
                [compose("pg_catalog.pg_column_size({value})", value=value) for value in values],
            ),
            table=relation(collection),
            id=id_expression(collection, "d"),
            embedding=column("d", collection.roles.embedding),
            row_id=param("row_id"),
        ),
        {"row_id": row_id},
    )


def bits_beside(collection: Collection, row_id: str, others: Sequence[str]) -> Query:
    """Compare the bits of one row with those of others: (id, bits, bits of the one, Hamming, cosine)."""
    one = indexed(collection, IndexTarget.BIT, alias="one")
    other = indexed(collection, IndexTarget.BIT, alias="other")
    return Query(
        compose(
            """select {other_id}::text, {other}, {one},
  ({one} {hamming} {other})::int as hamming,
  {one_embedding} {cosine} {other_embedding} as cosine
from {table} as one, {table} as other
where {one_id}::text = {row_id} and {other_id}::text = any({others})
  and {one_embedding} is not null and {other_embedding} is not null""",
            one=one,
            other=other,
            one_id=id_expression(collection, "one"),
            other_id=id_expression(collection, "other"),
            one_embedding=column("one", collection.roles.embedding),
            other_embedding=column("other", collection.roles.embedding),
            hamming=_operator(BitMetric.HAMMING.operator, collection.extension_schema),
            cosine=distance_operator(Metric.COSINE, collection.extension_schema),
            table=relation(collection),
            row_id=param("row_id"),
            others=param("others"),
        ),
        {"row_id": row_id, "others": list(others)},
    )


def _operator(symbol: str, schema: str | None) -> sql.Composable:
    known: LiteralString = "<~>" if symbol == "<~>" else "<%>"
    if schema is None:
        return sql.SQL(known)
    return compose(
        "operator({schema}.{symbol})", schema=sql.Identifier(schema), symbol=sql.SQL(known)
    )
