"""Rows made ready to be written: checked, hashed, and turned into what COPY sends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput
from pgvista.io.chunking import approximate_spans, chunk_text
from pgvista.model.collection import CHUNK_KEY, PARENT_KEY, Collection
from pgvista.model.rows import BadRow, Row

CHUNK_OVERLAP = 0.15
"""Part of a chunk that is repeated at the start of the next one."""


KEPT_BAD_ROWS = 10_000
"""Of the rows set aside, so many are kept with their reasons."""


@dataclass(slots=True)
class Tally:
    """What a load has done so far."""

    read: int = 0
    written: int = 0
    embedded: int = 0
    unchanged: int = 0
    rejected: int = 0
    refused_in_a_row: int = 0
    bad: list[BadRow] = field(default_factory=list)

    def reject(self, bad: BadRow) -> None:
        """Count a row that was set aside, and keep it while there is room."""
        self.rejected += 1
        if len(self.bad) < KEPT_BAD_ROWS:
            self.bad.append(bad)


@dataclass(slots=True)
class Item:
    """A row ready to be written; `row` is what it was made from."""

    row: Row
    content_hash: bytes | None
    metadata_json: str
    columns: tuple[str | None, ...]
    embedding: NDArray[np.float32] | None = None
    unchanged: bool = False


def cut(row: Row, size: int, embedder: Embedder) -> Iterator[Row]:
    """Cut a text of more than `size` tokens into chunks that know their parent."""
    content = row.content or ""
    spans = embedder.token_spans(content) or approximate_spans(content)
    if len(spans) <= size:
        yield row
        return
    chunks = chunk_text(content, spans, max_tokens=size, overlap=int(size * CHUNK_OVERLAP))
    for number, chunk in enumerate(chunks, 1):
        metadata = {**row.metadata, PARENT_KEY: row.id, CHUNK_KEY: number}
        yield replace(row, id=f"{row.id}#{number}", content=chunk.text, metadata=metadata)


def make_item(collection: Collection, row: Row) -> Item:
    """Check and encode one row. Raises InvalidInput or ValueError with the reason."""
    content, metadata = row.content, row.metadata
    if not row.id:
        raise InvalidInput("The id is empty.")
    if content is not None and collection.roles.content is None:
        metadata = {**metadata, "content": content}
    text = json.dumps(metadata, ensure_ascii=False, allow_nan=False, default=str)
    for part in (row.id, content or "", text):
        part.encode()  # half a surrogate pair is not text
    if "\0" in row.id or (content is not None and "\0" in content) or "\\u0000" in text:
        raise InvalidInput("The row holds a NUL byte, which Postgres cannot store.")
    hashed = None
    if content is not None and row.embedding is None:
        hashed = content_hash(collection.model, content)
    return Item(
        row=row,
        content_hash=hashed,
        metadata_json=text,
        columns=tuple(_column_text(row.columns.get(item.name)) for item in collection.columns),
        embedding=row.embedding,
    )


def refuse_vectors(collection: Collection, items: Sequence[Item]) -> dict[int, str]:
    """Return a reason for each position whose given vector has the wrong shape, NaN or infinity.

    The vectors of the others become float32 rows of one matrix.
    """
    refused: dict[int, str] = {}
    whole: list[tuple[int, NDArray[np.float32]]] = []
    for position, item in enumerate(items):
        if item.embedding is None:
            continue
        vector = np.asarray(item.embedding, dtype=np.float32)
        if vector.ndim != 1 or (
            collection.dimension is not None and len(vector) != collection.dimension
        ):
            refused[position] = f"The vector has {vector.size} numbers, not {collection.dimension}."
        elif collection.dimension is None and not np.isfinite(vector).all():
            refused[position] = "The vector holds NaN or infinity."
        else:
            whole.append((position, vector))
    if whole and collection.dimension is not None:
        matrix = np.stack([vector for _, vector in whole])
        finite: list[bool] = np.all(np.isfinite(matrix), axis=1).tolist()
        for row, (position, _) in enumerate(whole):
            items[position].embedding = matrix[row]
            if not finite[row]:
                refused[position] = "The vector holds NaN or infinity."
    return refused


def content_hash(model: str | None, content: str) -> bytes:
    """Return the SHA-256 of the model's name and the text, 32 bytes."""
    return hashlib.sha256(f"{model or ''}\0{content}".encode()).digest()


def bad_row(row: Row, reason: str) -> BadRow:
    """Set a row aside with a reason."""
    raw = json.dumps(
        {"id": row.id, "content": (row.content or "")[:300]}, ensure_ascii=True, default=str
    )
    return BadRow(line=row.line, reason=reason, raw=raw)


def _column_text(value: Any) -> str | None:
    """Write a structured column's value as Postgres reads it; the merge casts it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        quoted = ('"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
        return "{" + ",".join(quoted) + "}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
