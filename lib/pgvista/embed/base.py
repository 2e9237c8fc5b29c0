"""What pgvista asks of anything that turns texts into vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Array of shape (n_texts, dimension)."""


class Embedder(Protocol):
    """A model that maps texts to vectors of one fixed dimension."""

    @property
    def name(self) -> str:
        """The model's name as a collection remembers it, e.g. ``all-MiniLM-L6-v2``."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text the model reads, special tokens included; None if unknown."""
        ...

    def embed_documents(
        self,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Vectors:
        """Embed stored texts; the result has shape (len(texts), dimension), in the order given.

        `on_progress` is told how many texts are done; `should_stop` is asked between batches and
        ends the work with Cancelled. Raises ModelUnavailable when the model cannot answer.
        """
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed one query; the result has shape (dimension,)."""
        ...

    def token_spans(self, text: str) -> list[tuple[int, int]] | None:
        """Character spans (start, end) of the text's tokens; None when there is no tokenizer."""
        ...
