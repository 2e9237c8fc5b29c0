"""What a model on this machine reads of a text: word pieces, and a vector for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.embed.base import Vectors
from pgvista.embed.local import SentenceTransformerEmbedder
from pgvista.embed.texts import clean_text
from pgvista.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class TextTokens:
    """The word pieces of a text."""

    pieces: tuple[str, ...]
    """As the model reads them, special tokens among them, cut at its limit."""
    total: int
    """Pieces of the whole text, special tokens among them."""
    limit: int | None
    """How many the model reads; None: all."""
    special: int
    """How many of `pieces` were put there by the tokenizer, such as ``[CLS]``."""
    unknown: int
    """How many of `pieces` stand for what is not in the vocabulary."""
    vocabulary: int
    """Pieces that the tokenizer knows."""

    @property
    def is_cut(self) -> bool:
        """Whether the end of the text is not read."""
        return self.total > len(self.pieces)


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """A vector for each piece that the model reads, and the text's own vector."""

    tokens: TextTokens
    vectors: Vectors
    """Shape (len(tokens.pieces), dimension)."""
    text_vector: NDArray[np.float32]
    """Shape (dimension,), as the model itself makes it."""


def text_tokens(embedder: SentenceTransformerEmbedder, text: str) -> TextTokens:
    """Return the pieces of `text`. Raises ModelUnavailable when the model tells none."""
    embedder.load()
    tokenizer = embedder._tokenizer
    if tokenizer is None:
        raise ModelUnavailable(
            f"The tokenizer of {embedder.name} does not tell its word pieces.",
            "Look at them with the packaged model.",
        )
    found = tokenizer.encode(clean_text(text))
    limit = embedder.max_tokens
    total = len(found.ids)
    pieces, marks = list(found.tokens), list(found.special_tokens_mask)
    if limit is not None and total > limit:
        # The last special token keeps its place: the text before it is cut.
        last = [(pieces[-1], marks[-1])] if marks[-1] else []
        kept = limit - len(last)
        pieces = pieces[:kept] + [piece for piece, _ in last]
        marks = marks[:kept] + [mark for _, mark in last]
    unknown = _unknown_piece(embedder)
    return TextTokens(
        pieces=tuple(pieces),
        total=total,
        limit=limit,
        special=sum(marks),
        unknown=sum(piece == unknown for piece in pieces),
        vocabulary=tokenizer.get_vocab_size(),
    )


def token_vectors(embedder: SentenceTransformerEmbedder, text: str) -> TokenVectors:
    """Return the vectors of the pieces of `text`, and its own. Raises as `text_tokens` does."""
    tokens = text_tokens(embedder, text)
    model: Any = embedder._loaded()
    with embedder._one_at_a_time():
        found = model.encode_document(
            [clean_text(text)],
            prompt_name=embedder._prompt_name,
            output_value=None,
            show_progress_bar=False,
        )[0]
    read = found["attention_mask"].bool()
    return TokenVectors(
        tokens=tokens,
        vectors=_array(found["token_embeddings"][read]),
        text_vector=_array(found["sentence_embedding"]),
    )


def _unknown_piece(embedder: SentenceTransformerEmbedder) -> str | None:
    found: str | None = getattr(embedder._loaded().tokenizer, "unk_token", None)
    return found


def _array(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float32)
