"""Rows given as dicts, as scripts and notebooks write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgvista.errors import InvalidInput
from pgvista.io.vectors import parse_vector
from pgvista.model.collection import Collection
from pgvista.model.rows import Row


def row_from_dict(info: Collection, row: Mapping[str, Any], number: int) -> Row:
    """Turn a dict into a Row. Raises InvalidInput for keys that the collection has no place for."""
    if not isinstance(row, Mapping):
        raise InvalidInput(f"Row {number} is {type(row).__name__}, but a row is a dict.")
    if row.get("id") is None:
        raise InvalidInput(f"Row {number} has no id.", "Give each row an id of its own.")
    structured = {item.name for item in info.columns}
    rest = row.keys() - {"id", "content", "metadata", "embedding"}
    if unknown := sorted(map(str, rest - structured)):
        raise InvalidInput(
            f"Row {number} has {unknown[0]!r}, and {info.name} has no such column.",
            "Put it into metadata, or create the collection with that column.",
        )
    metadata = row.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidInput(f"The metadata of row {number} is not a dict.")
    content = row.get("content")
    if content is not None and not isinstance(content, str):
        raise InvalidInput(f"The content of row {number} is {type(content).__name__}, not a text.")
    vector = row.get("embedding")
    return Row(
        id=str(row["id"]),
        content=content,
        metadata=metadata or {},
        embedding=None if vector is None else parse_vector(vector, info.dimension),
        columns={key: row[key] for key in rest},
        line=number,
    )
