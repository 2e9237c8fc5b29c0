"""Rows to measure with: seeded, clustered vectors with texts and metadata. NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 11
VOCABULARY = 20_000
CLUSTERS = 200


def make_vectors(n: int, dimension: int = 384, seed: int = SEED) -> NDArray[np.float32]:
    """Return `n` unit vectors around CLUSTERS centres, shape (n, dimension)."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((CLUSTERS, dimension))
    points = centres[rng.integers(0, CLUSTERS, n)] + 0.6 * rng.standard_normal((n, dimension))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


def make_texts(n: int, words: int = 60, seed: int = SEED) -> list[str]:
    """Return `n` texts of about `words` words, whose frequencies fall as those of a language."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([_word(number) for number in range(VOCABULARY)])
    lengths = rng.integers(words // 2, words * 3 // 2, n)
    picks = np.minimum(rng.zipf(1.15, int(lengths.sum())), VOCABULARY) - 1
    texts = []
    start = 0
    for length in lengths:
        texts.append(" ".join(vocabulary[picks[start : start + length]]))
        start += length
    return texts


def make_rows(n: int, dimension: int = 384) -> list[dict[str, Any]]:
    """Return `n` rows as `Collection.upsert` takes them, with ready vectors."""
    vectors, texts = make_vectors(n, dimension), make_texts(n)
    return [
        {
            "id": f"row-{number:07d}",
            "content": texts[number],
            "metadata": {"year": 1970 + number % 55, "kind": f"kind {number % 7}"},
            "embedding": vectors[number],
        }
        for number in range(n)
    ]


def _word(number: int) -> str:
    syllables = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu")
    return "".join(syllables[int(digit)] for digit in f"{number:03d}") + "n"
