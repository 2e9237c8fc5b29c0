"""Statements of live tuning: a row drawn at random, and what a search cost."""

from __future__ import annotations

from psycopg import sql

from pgvista.model.collection import Collection, RelationKind
from pgvista.sql.names import id_expression, relation
from pgvista.sql.query import NOTHING, Query, column, compose


def random_row(collection: Collection, *, sampled: bool) -> Query:
    """Draw the id of a row with a vector; `sampled` reads a thousandth of the pages alone.

    A sample of pages may hold no row: then draw from all of them.
    """
    return Query(
        compose(
            "select {id}::text from {table} as d{sample} where {embedding} is not null "
            "order by random() limit 1",
            id=id_expression(collection, "d"),
            table=relation(collection),
            sample=sql.SQL(" tablesample system (0.1)") if sampled else NOTHING,
            embedding=column("d", collection.roles.embedding),
        )
    )


def can_sample(collection: Collection) -> bool:
    """Tell whether pages of the relation can be sampled: views and foreign tables have none."""
    return collection.kind in (
        RelationKind.TABLE,
        RelationKind.PARTITIONED,
        RelationKind.MATVIEW,
    )


def analyze(query: Query) -> Query:
    """Run a statement under EXPLAIN, with its buffers and the settings that are not the default."""
    return Query(
        compose("explain (analyze, buffers, verbose, settings, format json) {it}", it=query.sql),
        query.params,
    )
