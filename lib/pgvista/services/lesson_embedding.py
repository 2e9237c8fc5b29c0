"""Typed phrases in Postgres: their distances by pgvector, and their vectors of lexemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed.texts import clean_text
from pgvista.errors import InvalidInput
from pgvista.model.collection import DEFAULT_TEXT_CONFIG
from pgvista.sql import lesson_embedding as sql

SHOWN_CHARS = 200
"""So much of a phrase stands in the statement that is shown."""


@dataclass(frozen=True, slots=True)
class PairDistance:
    """The cosine distance of two phrases, by their places from 0."""

    first: int
    second: int
    distance: float
    """1 - cosine, 0 to 2; NaN where one of the vectors is zero."""


@dataclass(frozen=True, slots=True)
class PairDistances:
    """What Postgres measured, the nearest pair first, and the statement."""

    pairs: tuple[PairDistance, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Phrases as counts of lexemes: the vector that words alone give."""

    lexemes: tuple[str, ...]
    """What each dimension counts, in the order of first use."""
    counts: NDArray[np.float32]
    """Shape (n_phrases, n_lexemes); with one column of zeros where no phrase has a lexeme."""
    sql: str


def pair_distances(
    db: Database, phrases: Sequence[str], vectors: NDArray[np.float32]
) -> PairDistances:
    """Let Postgres measure each two of `vectors`, shape (n, dimension). Raises InvalidInput below two."""
    if len(phrases) < 2:
        raise InvalidInput("A distance lies between two phrases.", "Type a second phrase.")
    query = sql.pair_distances(
        [clean_text(phrase)[:SHOWN_CHARS] for phrase in phrases],
        vectors,
        db.capabilities.extension_qualifier,
    )
    rows = db.query(query.statement, query.params)
    pairs = tuple(PairDistance(row[0] - 1, row[1] - 1, float(row[4])) for row in rows)
    return PairDistances(pairs, query.text())


def word_vectors(
    db: Database, phrases: Sequence[str], config: str = DEFAULT_TEXT_CONFIG
) -> WordVectors:
    """Count the lexemes of each phrase, as `to_tsvector` makes them in the language `config`.

    Two phrases without a common lexeme have the inner product 0, whatever they mean.
    """
    query = sql.lexemes([clean_text(phrase).replace("\ufffd", " ") for phrase in phrases], config)
    rows = db.query(query.statement, query.params)
    known = {lexeme: column for column, lexeme in enumerate(dict.fromkeys(row[1] for row in rows))}
    counts = np.zeros((len(phrases), max(1, len(known))), dtype=np.float32)
    for place, lexeme, occurrences in rows:
        counts[place - 1, known[lexeme]] = occurrences
    return WordVectors(tuple(known), counts, query.text())
