"""What the tests of loading share: an embedder that needs no model, and files made of rows."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import Cancelled
from pgvista.io.mapping import guess_mapping
from pgvista.io.readers import Source, open_source
from pgvista.model.collection import Collection
from pgvista.model.rows import ColumnMapping

DIMENSION = 8


class WordEmbedder:
    """Turns a text into a vector by its hash; a token is a word; counts what it embeds."""

    name = "words"
    dimension = DIMENSION
    max_tokens: int | None = 18

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_documents(
        self,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> NDArray[np.float32]:
        if should_stop is not None and should_stop():
            raise Cancelled("stopped")
        self.texts += texts
        if on_progress is not None:
            on_progress(len(texts))
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        digest = hashlib.sha256(text.encode()).digest()[:DIMENSION]
        return np.frombuffer(digest, dtype=np.uint8).astype(np.float32) + 1

    def token_spans(self, text: str) -> list[tuple[int, int]] | None:
        return [match.span() for match in re.finditer(r"\S+", text)]


def jsonl(rows: Iterable[Mapping[str, Any]], name: str = "rows.jsonl") -> Source:
    """Return a JSONL file of `rows`."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return open_source(lines.encode(), name=name)


def guessed(source: Source, collection: Collection) -> ColumnMapping:
    """Map the columns as the page proposes it."""
    return guess_mapping(source.columns, source.preview(200), collection)
