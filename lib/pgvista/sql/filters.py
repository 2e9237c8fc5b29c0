"""Filters compiled to SQL: parameters only, compared by type.

A key that names a structured column (or the id or text column) becomes an ordinary comparison
that a btree index serves. Any other key is looked up in the metadata; ``$eq`` and ``$contains``
become containment (``@>``), which a GIN index serves. Order comparisons look at the JSON type
first: a number never compares with a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, LiteralString

from psycopg import sql

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.filters import ORDER_OPERATORS, And, Comparison, Filter
from pgvista.sql.names import column_type
from pgvista.sql.query import NOTHING, column, compose, join, param

_ORDER: dict[str, LiteralString] = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
_NUMERIC = {
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "oid",
}  # fmt: skip
_TEXTUAL = {"text", "character varying", "character", "citext", "name"}


class FilterSql:
    """A filter's condition and the values for it; parameter names begin with `prefix`."""

    def __init__(
        self,
        tree: Filter | None,
        collection: Collection,
        alias: LiteralString | None,
        prefix: str = "f",
    ) -> None:
        self.params: dict[str, Any] = {}
        self._collection = collection
        self._alias = alias
        self._prefix = prefix
        self.condition = None if tree is None else self._compile(tree)

    def clause(self, keyword: LiteralString) -> sql.Composable:
        """Return ``<keyword> (condition)``, or nothing when there is no filter."""
        if self.condition is None:
            return NOTHING
        return compose("{keyword} {condition}", keyword=sql.SQL(keyword), condition=self.condition)

    def _bind(self, value: Any) -> sql.Placeholder:
        name = f"{self._prefix}{len(self.params)}"
        self.params[name] = value
        return param(name)

    def _compile(self, tree: Filter) -> sql.Composed:
        if isinstance(tree, Comparison):
            return self._comparison(tree)
        word: LiteralString = " and " if isinstance(tree, And) else " or "
        return compose("({parts})", parts=join(word, map(self._compile, tree.parts)))

    def _comparison(self, item: Comparison) -> sql.Composed:
        found = self._column_type(item.key)
        if found is not None:
            return self._on_column(item, column(self._alias, item.key), found)
        if self._collection.roles.metadata is None:
            raise InvalidInput(
                f"{self._collection.name} has no column {item.key!r}, and no metadata to look it up in.",
                f"Columns: {', '.join(column.name for column in self._collection.columns) or 'none'}.",
            )
        return self._on_metadata(item)

    def _column_type(self, key: str) -> str | None:
        for candidate in self._collection.columns:
            if candidate.name == key:
                return candidate.type.partition("(")[0]
        return (
            "text" if key in {self._collection.roles.id, self._collection.roles.content} else None
        )

    # -- ordinary columns

    def _on_column(self, item: Comparison, name: sql.Composable, kind: str) -> sql.Composed:
        if kind.endswith("[]"):
            return self._on_array(item, name, kind)
        if item.operator == "$contains":
            raise InvalidInput(f"$contains needs a list, and {item.key!r} is {kind}.", "Use $eq.")
        values = item.value if isinstance(item.value, tuple) else (item.value,)
        if item.operator in ("$eq", "$in", "$ne"):
            condition = join(" or ", self._equals(item, name, kind, values))
            if item.operator == "$ne":
                return compose("({condition}) is not true", condition=condition)
            return compose("({condition})", condition=condition)
        value = self._typed(item, kind, values[0])
        return compose(
            "{name} {operator} {value}",
            name=self._comparable(name, item.key),
            operator=sql.SQL(_ORDER[item.operator]),
            value=value,
        )

    def _equals(
        self, item: Comparison, name: sql.Composable, kind: str, values: tuple[Any, ...]
    ) -> Iterator[sql.Composed]:
        present = [value for value in values if value is not None]
        if len(present) < len(values):
            yield compose("{name} is null", name=name)
        if len(present) == 1:
            yield compose(
                "{name} = {value}",
                name=self._comparable(name, item.key),
                value=self._typed(item, kind, present[0]),
            )
        elif present:
            typed = join(", ", [self._typed(item, kind, value) for value in present])
            yield compose(
                "{name} in ({values})", name=self._comparable(name, item.key), values=typed
            )

    def _comparable(self, name: sql.Composable, key: str) -> sql.Composable:
        roles = self._collection.roles
        known = any(item.name == key for item in self._collection.columns)
        return name if known or key == roles.content else compose("{name}::text", name=name)

    def _typed(self, item: Comparison, kind: str, value: Any) -> sql.Composed:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if kind in _NUMERIC:
            if not number:
                raise _wrong_type(item, kind, "a number")
            return compose("{value}::numeric", value=self._bind(str(value)))
        if kind == "boolean":
            if not isinstance(value, bool):
                raise _wrong_type(item, kind, "true or false")
            return compose("{value}", value=self._bind(value))
        if not isinstance(value, str):
            raise _wrong_type(item, kind, "a text")
        if kind in _TEXTUAL:
            return compose("{value}::text", value=self._bind(value))
        return compose("{value}::{kind}", value=self._bind(value), kind=column_type(kind))

    def _on_array(self, item: Comparison, name: sql.Composable, kind: str) -> sql.Composed:
        if item.operator != "$contains":
            raise InvalidInput(
                f"{item.operator} does not work on {item.key!r}, which is {kind}.", "Use $contains."
            )
        element = kind.removesuffix("[]")
        return compose(
            "{name} @> array[{value}]::{kind}",
            name=name,
            value=self._typed(item, element, item.value),
            kind=column_type(kind),
        )

    # -- metadata

    def _on_metadata(self, item: Comparison) -> sql.Composed:
        metadata = self._metadata()
        path = item.key.split(".")
        if not all(path):
            raise InvalidInput(f"The key {item.key!r} has an empty part between its dots.")
        values = item.value if isinstance(item.value, tuple) else (item.value,)
        if item.operator in ORDER_OPERATORS:
            return self._json_order(item, metadata, path)
        if item.operator == "$contains":
            return self._json_contains(metadata, path, [item.value])
        conditions = []
        if None in values:
            conditions.append(
                compose(
                    "coalesce({metadata} #> {path}::text[], 'null') = 'null'",
                    metadata=metadata,
                    path=self._bind(path),
                )
            )
        conditions += [
            self._json_contains(metadata, path, value) for value in values if value is not None
        ]
        condition = join(" or ", conditions)
        if item.operator == "$ne":
            return compose("({condition}) is not true", condition=condition)
        return compose("({condition})", condition=condition)

    def _metadata(self) -> sql.Composable:
        name = column(self._alias, self._collection.roles.metadata or "metadata")
        if self._collection.metadata_type == "jsonb":
            return name
        return compose("{name}::jsonb", name=name)

    def _json_contains(self, metadata: sql.Composable, path: list[str], value: Any) -> sql.Composed:
        for key in reversed(path):
            value = {key: value}
        return compose(
            "{metadata} @> {value}::jsonb",
            metadata=metadata,
            value=self._bind(json.dumps(value, ensure_ascii=False)),
        )

    def _json_order(
        self, item: Comparison, metadata: sql.Composable, path: list[str]
    ) -> sql.Composed:
        template: LiteralString = (
            "case jsonb_typeof({metadata} #> {path}::text[]) when 'string'"
            " then ({metadata} #>> {path}::text[]) {operator} {value}::text else false end"
            if isinstance(item.value, str)
            else "case jsonb_typeof({metadata} #> {path}::text[]) when 'number'"
            " then ({metadata} #>> {path}::text[])::numeric {operator} {value}::numeric else false end"
        )
        return compose(
            template,
            metadata=metadata,
            path=self._bind(path),
            operator=sql.SQL(_ORDER[item.operator]),
            value=self._bind(str(item.value)),
        )


def _wrong_type(item: Comparison, kind: str, wanted: str) -> InvalidInput:
    return InvalidInput(
        f"{item.operator} on {item.key!r} takes {wanted}, since the column is {kind}; "
        f"it was given {json.dumps(item.value if not isinstance(item.value, tuple) else list(item.value))}."
    )
