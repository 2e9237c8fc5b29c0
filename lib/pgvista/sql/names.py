"""Names of a collection's parts as SQL: relation, columns, pgvector's types and operators."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from pgvista.model.collection import Collection
from pgvista.model.metric import Metric, VectorType
from pgvista.sql.query import column, compose, join

_OPCLASS_STEM = {
    Metric.COSINE: "cosine_ops",
    Metric.L2: "l2_ops",
    Metric.INNER_PRODUCT: "ip_ops",
    Metric.L1: "l1_ops",
}


def relation(collection: Collection) -> sql.Identifier:
    """Return the relation's qualified name."""
    return sql.Identifier(collection.schema, collection.table)


def id_expression(collection: Collection, alias: LiteralString | None) -> sql.Composable:
    """Return the key column; without one the place of the row, or in a view a digest of it."""
    if collection.roles.id is None and collection.key_type == "text":
        return compose("md5({row}::text)", row=sql.SQL(alias or "d"))
    return column(alias, collection.roles.id or "ctid")


def vector_type(kind: VectorType, extension_schema: str | None) -> sql.Composable:
    """Return pgvector's type, qualified when it is not on the search path."""
    return (
        sql.SQL(kind.value)
        if extension_schema is None
        else sql.Identifier(extension_schema, kind.value)
    )


def distance_operator(metric: Metric, extension_schema: str | None) -> sql.Composable:
    """Return pgvector's operator, qualified when it is not on the search path."""
    operator = sql.SQL(metric.operator)
    if extension_schema is None:
        return operator
    return compose(
        "operator({schema}.{operator})", schema=sql.Identifier(extension_schema), operator=operator
    )


def opclass(metric: Metric, kind: VectorType, extension_schema: str | None) -> sql.Composable:
    """Return the operator class that an index needs to serve `metric`."""
    name = opclass_name(metric, kind)
    return (
        sql.Identifier(name) if extension_schema is None else sql.Identifier(extension_schema, name)
    )


def opclass_name(metric: Metric, kind: VectorType) -> str:
    """Return the operator class's bare name, e.g. ``vector_cosine_ops``."""
    return f"{kind.value}_{_OPCLASS_STEM[metric]}"


def opclass_metric(name: str) -> Metric | None:
    """Return the metric that an operator class serves; None when it is not pgvector's."""
    stem = name.partition("_")[2]
    return next((metric for metric, value in _OPCLASS_STEM.items() if value == stem), None)


def structured_columns(collection: Collection, alias: LiteralString | None) -> sql.Composed:
    """Return the structured columns, each led by a comma; nothing when there is none."""
    return join(
        "", [compose(", {name}", name=column(alias, item.name)) for item in collection.columns]
    )


def column_type(kind: str) -> sql.Composable:
    """Return a type as Postgres itself wrote it (format_type), which is SQL already."""
    return _TrustedType(kind)


class _TrustedType(sql.Composable):
    """A type's name from the catalog or from ColumnType, never from a person."""

    def __init__(self, name: str) -> None:
        super().__init__(name)

    def as_bytes(self, context: object = None) -> bytes:
        """Return the name as it is."""
        return str(self._obj).replace("%", "%%").encode()
