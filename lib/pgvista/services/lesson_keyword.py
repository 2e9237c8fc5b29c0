"""What the lesson Keyword search shows, asked of Postgres itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import Collection
from pgvista.model.label_weights import BM25_LABEL_WEIGHTS
from pgvista.model.search import (
    MAX_QUERY_BYTES,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)
from pgvista.services.search import search
from pgvista.sql import lesson_keyword as lesson_sql

MOST_TOKENS = 60
"""Of a text's tokens, this many are read; a picture of more says no more."""
MOST_LEXEMES = 12
"""Of a question's lexemes, this many are counted one by one."""
CANDIDATES = 300
"""Rows that are ranked by their labels: the best by the question's words."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text, and what Postgres made of it."""

    text: str
    kind: str
    """The parser's name for it, such as ``asciiword``."""
    described: str
    """The same in words: ``Word, all ASCII``."""
    dictionary: str | None
    """The dictionary that knew it; None: none did, and the token is left out."""
    lexemes: tuple[str, ...]
    """What is kept; empty where the dictionary threw a stop word away."""
    positions: tuple[int | None, ...] = ()
    """Where each lexeme stands in the text, from 1; None where Postgres keeps no position."""

    @property
    def is_stop_word(self) -> bool:
        """Whether a dictionary knew it as a stop word."""
        return self.dictionary is not None and not self.lexemes


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text taken apart."""

    tokens: tuple[Token, ...]
    """The first of them, at most MOST_TOKENS."""
    total: int
    """How many there are; blanks are not counted."""
    sql: str


def take_apart(db: Database, text: str, text_config: str) -> Tokens:
    """Take a text apart as ``to_tsvector`` does. Raises InvalidInput for one longer than 1 MB."""
    if len(text.encode(errors="replace")) > MAX_QUERY_BYTES:
        raise InvalidInput(
            f"The text is longer than {MAX_QUERY_BYTES:,} bytes, and a tsvector holds no more.",
            "Take a passage of it.",
        )
    text = text.replace("\0", " ").encode(errors="replace").decode()
    asked = lesson_sql.tokens(text, text_config, MOST_TOKENS)
    found = db.query(asked.statement, asked.params)
    placing = lesson_sql.positions(text, text_config)
    left = {
        lexeme: list(places or ()) for lexeme, places in db.query(placing.statement, placing.params)
    }
    tokens = []
    for kind, described, token, dictionary, lexemes, _ in found:
        kept = tuple(lexemes or ())
        places = tuple(left[one].pop(0) if left.get(one) else None for one in kept)
        tokens.append(Token(token, kind, described, dictionary, kept, places))
    return Tokens(tuple(tokens), found[0][-1] if found else 0, asked.text())


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """How many rows a question finds by its words."""

    rows_any: int
    """Rows with at least one of the words."""
    rows_all: int
    """Rows with every word, as ``websearch_to_tsquery`` asks."""
    any_tsquery: str
    """Empty where only stop words are left."""
    all_tsquery: str
    each: tuple[tuple[str, int], ...]
    """(lexeme, rows that hold it), the first of them, at most MOST_LEXEMES."""
    sql: tuple[str, ...]


def count_matches(db: Database, collection: Collection, text: str) -> MatchCounts:
    """Count the rows that match any word, every word, and each word by itself.

    Raises InvalidInput for a question without words.
    """
    request = _request(text)
    counted, texts, queries = [], [], []
    for match in (KeywordMatch.ANY_WORD, KeywordMatch.WEBSEARCH):
        query = lesson_sql.count_matching(collection, replace(request, keyword_match=match))
        queries.append(query)
        tsquery, rows = db.query(query.statement, query.params)[0]
        texts.append(tsquery or "")
        counted.append(int(rows))
    one_by_one = lesson_sql.count_each(collection, request, MOST_LEXEMES)
    each = db.query(one_by_one.statement, one_by_one.params)
    return MatchCounts(
        rows_any=counted[0],
        rows_all=counted[1],
        any_tsquery=texts[0],
        all_tsquery=texts[1],
        each=tuple((lexeme, int(rows)) for lexeme, rows in each),
        sql=tuple(query.text() for query in queries),
    )


@dataclass(frozen=True, slots=True)
class LabelledHit:
    """A row ranked with the words of its heading labelled A and all others D."""

    id: str
    heading: str
    in_heading: int
    """How often the question's lexemes stand in the heading."""
    in_text: int
    score: float
    """``ts_rank``, 0 to 1."""
    entries: str
    """The entries of these lexemes in the tsvector: ``subtitl:2A,15``."""


@dataclass(frozen=True, slots=True)
class LabelledRanking:
    """Rows by ``ts_rank`` with weights of labels."""

    hits: tuple[LabelledHit, ...]
    matched: int
    """Rows that were ranked, at most CANDIDATES."""
    sql: str


def rank_by_labels(
    db: Database,
    collection: Collection,
    text: str,
    *,
    heading_weight: float,
    text_weight: float,
    limit: int = 6,
) -> LabelledRanking:
    """Rank the rows that hold any word by ``ts_rank`` with these weights of labels A and D, 0 to 1.

    A row's heading is its first line. Raises InvalidInput for a question without words, or for
    weights that ``ts_rank`` does not take.
    """
    for name, weight in (("heading", heading_weight), ("text", text_weight)):
        if not 0 <= weight <= 1:
            raise InvalidInput(f"The weight of the {name} is {weight!r}; ts_rank takes 0 to 1.")
    if collection.roles.content is None:
        raise InvalidInput(
            f"{collection.name} has no text column, so there is no heading to label.",
            "Choose a collection with texts.",
        )
    request = _request(text)
    found = search(db, collection, replace(request, limit=CANDIDATES, highlight=False))
    ids = [hit.id for hit in found.hits]
    weights = (heading_weight, 0.4, 0.2, text_weight)
    query = lesson_sql.rank_by_labels(collection, request, ids, weights, limit)
    rows = db.query(query.statement, query.params) if ids else []
    return LabelledRanking(tuple(LabelledHit(*row) for row in rows), len(ids), query.text())


@dataclass(frozen=True, slots=True)
class Bm25Counts:
    """What BM25 counts for one row: see `science.bm25`."""

    lexemes: tuple[str, ...]
    """The question's, in its order."""
    frequencies: NDArray[np.float64]
    """Shape (n_lexemes,): how often the row has each, with labels their weighted sum."""
    containing: NDArray[np.int64]
    """Shape (n_lexemes,): how many documents hold each."""
    length: int
    """Words of the row; 0 where it holds none of the lexemes."""
    documents: int
    average_length: float
    sql: str


def bm25_counts(db: Database, collection: Collection, text: str, row_id: str) -> Bm25Counts:
    """Read what BM25 counts for one row and a question, with any word matching.

    Raises InvalidInput without statistics for BM25 or without words, NotFound where the statistics
    are gone.
    """
    if collection.bm25 is None:
        raise InvalidInput(
            f"{collection.name} has no statistics for BM25, so its parts cannot be shown.",
            "Build them on the Collections page, or choose another collection.",
        )
    query = lesson_sql.bm25_counts(collection, collection.bm25, _request(text), row_id)
    rows = db.query(query.statement, query.params)
    if not rows:
        raise InvalidInput(
            "The question holds only stop words, so there is nothing to rank by.",
            "Ask with a word that means something.",
        )
    if not rows[0][7]:
        raise NotFound(f"The statistics of {collection.name} are empty.", "Build them anew.")
    labels = np.array([row[2:6] for row in rows], dtype=np.float64)
    weights = np.array(BM25_LABEL_WEIGHTS if collection.bm25.labelled else (1.0, 1.0, 1.0, 1.0))
    documents, words = int(rows[0][7]), int(rows[0][8])
    return Bm25Counts(
        lexemes=tuple(row[0] for row in rows),
        frequencies=labels @ weights,
        containing=np.array([row[1] for row in rows], dtype=np.int64),
        length=max(int(row[6]) for row in rows),
        documents=documents,
        average_length=words / documents,
        sql=query.text(),
    )


def _request(text: str) -> SearchRequest:
    return SearchRequest(mode=Mode.KEYWORD, text=text, keyword_rank=KeywordRank.TS_RANK)
