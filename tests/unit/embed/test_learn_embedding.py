"""Word pieces and their vectors by the packaged model itself."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.embed import get_embedder
from pgvista.embed.local import SentenceTransformerEmbedder
from pgvista.embed.tokens import text_tokens, token_vectors
from pgvista.science.similarity import mean_pooled


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    found = get_embedder()
    assert isinstance(found, SentenceTransformerEmbedder)
    return found


def test_words_and_pieces(embedder: SentenceTransformerEmbedder) -> None:
    found = text_tokens(embedder, "Unbelievably good")
    assert found.pieces == ("[CLS]", "un", "##bel", "##ie", "##va", "##bly", "good", "[SEP]")
    assert (found.total, found.special, found.unknown, found.is_cut) == (8, 2, 0, False)
    assert (found.limit, found.vocabulary) == (256, 30_522)


def test_an_empty_text_has_two_tokens(embedder: SentenceTransformerEmbedder) -> None:
    assert text_tokens(embedder, "").pieces == ("[CLS]", "[SEP]")


def test_what_is_not_in_the_vocabulary(embedder: SentenceTransformerEmbedder) -> None:
    found = text_tokens(embedder, "🐈 猫 кошка")
    assert found.unknown == 2
    assert found.pieces[1:3] == ("[UNK]", "[UNK]")


def test_ten_thousand_words_are_cut(embedder: SentenceTransformerEmbedder) -> None:
    found = text_tokens(embedder, "word " * 10_000)
    assert found.total == 10_002
    assert len(found.pieces) == 256
    assert (found.pieces[-1], found.is_cut, found.special) == ("[SEP]", True, 2)


@pytest.mark.parametrize(
    "text", ["the kitten", "", "a\0b", "🐈", "word " * 400, "Unbelievably good!"]
)
def test_the_mean_of_the_tokens_is_the_vector(
    embedder: SentenceTransformerEmbedder, text: str
) -> None:
    found = token_vectors(embedder, text)
    assert found.vectors.shape == (len(found.tokens.pieces), 384)
    assert np.abs(mean_pooled(found.vectors) - found.text_vector).max() < 1e-6
    assert np.abs(embedder.embed_documents([text])[0] - found.text_vector).max() < 1e-6
