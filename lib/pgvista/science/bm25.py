"""BM25 taken apart: what each lexeme of a query adds to the score of one document.

    term  = idf * f * (k1 + 1) / (f + k1 * norm)
    idf   = ln(1 + (N - n + 0.5) / (n + 0.5))
    norm  = 1 - b + b * length / average length

with f how often the lexeme is in the document, N the documents, and n those that have the lexeme.
Source: Robertson and Zaragoza 2009, The Probabilistic Relevance Framework, (3.15); the 1 + within
the logarithm is Lucene's and keeps the idf of common words above 0. `pgvista.sql.bm25_rank` ranks
by the same formula in Postgres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bm25Terms:
    """The parts of one document's score; arrays of shape (n_lexemes,)."""

    idf: Floats
    """What the rarity of each lexeme counts, above 0."""
    saturation: Floats
    """What its frequency in the document counts, 0 to k1 + 1."""
    terms: Floats
    """Their products: the lexemes' parts of the score."""
    norm: float
    """What the document's length does to k1: 1 at the average length, more for longer ones."""

    @property
    def score(self) -> float:
        """The sum of the terms, rounded to 1e-9 as Postgres does when it ranks."""
        return round(float(self.terms.sum()) * 1e9) / 1e9


def bm25_terms(
    frequencies: ArrayLike,
    containing: ArrayLike,
    *,
    documents: int,
    length: float,
    average_length: float,
    k1: float,
    b: float,
) -> Bm25Terms:
    """Take the score of one document apart.

    Args:
        frequencies: How often the document has each lexeme, shape (n_lexemes,), 0 or more.
        containing: How many documents have each lexeme, shape (n_lexemes,), 0 to `documents`.
        documents: How many documents there are.
        length: Words of the document, without stop words.
        average_length: Mean of the documents' lengths.
        k1: How much a repeated word still adds, 0 or more.
        b: How much long documents are held back, 0 to 1.
    """
    idf = inverse_document_frequency(containing, documents)
    norm = length_norm(length, average_length, b)
    saturation = saturated(frequencies, norm, k1)
    return Bm25Terms(idf, saturation, idf * saturation, norm)


def inverse_document_frequency(containing: ArrayLike, documents: int) -> Floats:
    """Return ln(1 + (N - n + 0.5) / (n + 0.5)), the shape of `containing`, above 0.

    A lexeme that is in every document still counts ln(1 + 0.5 / (N + 0.5)).
    """
    found = np.asarray(containing, dtype=np.float64)
    return np.log(1 + (documents - found + 0.5) / (found + 0.5))


def length_norm(length: float, average_length: float, b: float) -> float:
    """Return 1 - b + b * length / average length: 1 at b 0 and for a document of average length."""
    return 1 - b + b * length / max(average_length, 1e-9)


def saturated(frequencies: ArrayLike, norm: float, k1: float) -> Floats:
    """Return f * (k1 + 1) / (f + k1 * norm), the shape of `frequencies`: 0 for f = 0, below k1 + 1.

    At k1 0 it is 1 for every f above 0: a document has the lexeme or has it not.
    """
    f = np.asarray(frequencies, dtype=np.float64)
    return np.divide(f * (k1 + 1), f + k1 * norm, out=np.zeros_like(f), where=f > 0)
