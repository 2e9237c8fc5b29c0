"""A statement and its values: the one that is run is the one that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

Statement = sql.Composed | bytes
"""What psycopg runs."""


@dataclass(frozen=True, slots=True)
class Query:
    """A composed statement with named placeholders, and the values for them.

    It is always run with `params`, even when there are none: a per cent sign in a name is doubled.
    """

    sql: sql.Composed
    params: Mapping[str, Any] = field(default_factory=dict)
    made: bytes | None = None
    """`sql` as UTF-8, where it was made before: composing costs a search a twentieth of its time."""

    @property
    def statement(self) -> Statement:
        """What is handed to psycopg."""
        return self.made or self.sql

    def __post_init__(self) -> None:
        """Double the per cent signs of names and literals, which psycopg takes for placeholders."""
        if self.made is None:  # else they were doubled when it was made
            object.__setattr__(self, "sql", _doubled(self.sql))

    def text(self) -> str:
        """Return the statement with its values in place, ready for psql."""
        return _render(self.sql, self.params)


def compose(template: LiteralString, **parts: sql.Composable) -> sql.Composed:
    """Fill the named holes of a constant template."""
    return sql.SQL(template).format(**parts)


def join(separator: LiteralString, parts: Iterable[sql.Composable]) -> sql.Composed:
    """Join parts by a constant separator."""
    return sql.SQL(separator).join(list(parts))


def param(name: str) -> sql.Placeholder:
    """Return the placeholder called `name`."""
    return sql.Placeholder(name)


def column(alias: LiteralString | None, name: str) -> sql.Composable:
    """Return a column's name, led by the alias of its table."""
    if alias is None:
        return sql.Identifier(name)
    return compose("{alias}.{name}", alias=sql.SQL(alias), name=sql.Identifier(name))


NOTHING = sql.SQL("")


def local_settings(settings: Mapping[str, str]) -> str:
    """Return ``SET LOCAL`` statements for psql, one a line."""
    return "".join(
        compose(
            "set local {name} = {value};\n",
            name=sql.SQL(".").join(sql.Identifier(part) for part in name.split(".")),
            value=sql.Literal(value),
        ).as_string(None)
        for name, value in settings.items()
    )


def _render(part: sql.Composable, params: Mapping[str, Any]) -> str:
    if isinstance(part, sql.Composed):
        return "".join(_render(child, params) for child in part)
    if isinstance(part, sql.Placeholder):
        value = params[part._obj]
        literal = sql.Literal(_vector_text(value) if isinstance(value, np.ndarray) else value)
        return literal.as_string(None).lstrip()
    return part.as_string(None).replace("%%", "%")


class _Doubled(sql.Composable):
    """A name or literal with a per cent sign in it, as a statement with placeholders has it."""

    def as_bytes(self, context: Any = None) -> bytes:
        """Return the part with each per cent sign doubled."""
        part: sql.Composable = self._obj
        return part.as_bytes(context).replace(b"%", b"%%")


def _doubled(statement: sql.Composed) -> sql.Composed:
    return sql.Composed([_doubled_part(part) for part in statement])


def _doubled_part(part: sql.Composable) -> sql.Composable:
    if isinstance(part, sql.Composed):
        return _doubled(part)
    if isinstance(part, sql.Identifier | sql.Literal) and b"%" in part.as_bytes(None):
        return _Doubled(part)
    return part


def _vector_text(vector: NDArray[np.float32]) -> str:
    """Write a vector as pgvector reads it, with the fewest digits that keep each float32."""
    return "[" + ",".join(str(value) for value in vector.astype(np.float32)) + "]"
