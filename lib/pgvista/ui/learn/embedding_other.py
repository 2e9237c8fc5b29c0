"""The step that puts other vectors of the same phrases beside the model's: words counted, or a model."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed import DEFAULT_MODEL, canonical_name, get_embedder
from pgvista.errors import InvalidInput
from pgvista.science.similarity import cosine_similarities
from pgvista.services.lesson_embedding import WordVectors, word_vectors
from pgvista.ui.components.phrase_board import LETTERS, Pane, matrix_pane
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn.embedding_models import vectors_by
from pgvista.ui.learn.embedding_phrases import (
    FIELDS,
    PREFIX,
    Phrases,
    board_in,
    read_phrases,
    show_notes,
    typed_phrases,
)
from pgvista.ui.learn.frame import sql_behind
from pgvista.ui.state import settings

WORDS = "Word counts, by Postgres"
MODEL = f"{PREFIX}other_model"
OFFERED = (
    WORDS,
    "BAAI/bge-small-en-v1.5",
    "intfloat/e5-small-v2",
    "openai:text-embedding-3-small",
    "hf:BAAI/bge-small-en-v1.5",
)


@st.fragment
def other_models(db: Database) -> None:
    """Draw the phrases, and two matrices side by side."""
    chosen = st.selectbox(
        f"Beside {DEFAULT_MODEL}",
        OFFERED,
        key=MODEL,
        accept_new_options=True,
        persist_state="session",
        width=420,
        help="Word counts need no model. Also: a folder, a model of the Hugging Face hub that runs "
        "here, openai:… for an OpenAI-compatible service, hf:… for Hugging Face Inference. Type a "
        "name that is not in the list.",
    )
    board = partial(board_in, st.container(), FIELDS, f"{PREFIX}other")
    phrases = read_phrases(typed_phrases(), meanwhile=board)
    if len(phrases.texts) < 2:
        board()
        st.info(
            "**One phrase alone is near to nothing.**  \nType a second phrase.",
            icon=":material/lightbulb:",
        )
        return
    similarities = cosine_similarities(phrases.vectors)
    panes = [
        matrix_pane(
            phrases.texts,
            similarities,
            title=f"{DEFAULT_MODEL}: cosine similarity of 384 dimensions",
        )
    ]
    found: WordVectors | None = None
    with guarded():
        if chosen == WORDS:
            found = word_vectors(db, phrases.texts)
            panes.append(_words_pane(found, phrases))
        elif (pane := _model_pane(chosen, phrases)) is not None:
            panes.append(pane)
    board(panes)
    if found is not None:
        st.markdown(_words_said(found, cosine_similarities(found.counts), similarities))
        sql_behind(found.sql, name="words_sql")
    elif len(panes) > 1:
        st.markdown(
            "Another space with another scale: compare the order of the pairs, not the figures. "
            "Vectors of two models cannot be compared with each other, even where they are of one "
            "length."
        )
    show_notes(phrases.notes())


def _words_pane(found: WordVectors, phrases: Phrases) -> Pane:
    count = len(found.lexemes)
    return matrix_pane(
        phrases.texts,
        cosine_similarities(found.counts),
        title=f"Word counts: cosine similarity of {count:,} "
        f"{'dimension' if count == 1 else 'dimensions'}, a lexeme each",
    )


def _words_said(
    found: WordVectors, similarities: NDArray[np.float64], by_model: NDArray[np.float64]
) -> str:
    """Say which lexemes there are, what has none, and which pair words miss most."""
    said = []
    bare = [LETTERS[i] for i, counts in enumerate(found.counts) if not counts.any()]
    if bare:
        said.append(
            f"{', '.join(bare)} {'has' if len(bare) == 1 else 'have'} no lexeme, only stop words or "
            "signs, so words cannot compare it."
        )
    pairs = [
        (float(by_model[i, j]), i, j)
        for j in range(len(similarities))
        for i in range(j)
        if not math.isnan(similarities[i, j]) and similarities[i, j] == 0
    ]
    if pairs:
        value, first, second = max(pairs)
        said.append(
            f"{LETTERS[first]} and {LETTERS[second]} have no lexeme in common: by words their "
            f"similarity is 0, by the model it is {value:.2f}."
        )
    if found.lexemes:
        shown = ", ".join(f"`{plain(lexeme[:30])}`" for lexeme in found.lexemes[:8])
        more = len(found.lexemes) - 8
        said.append(f"The lexemes: {shown}{f' and {more:,} more' if more > 0 else ''}.")
    return " ".join(said)


def _model_pane(name: str | None, phrases: Phrases) -> Pane | None:
    """Return the matrix of a model; None while it loads or cannot be had, which is then said."""
    if not name or not name.strip():
        raise InvalidInput("No model is chosen.", "Choose one, or type its name.")
    if canonical_name(name) == DEFAULT_MODEL:
        raise InvalidInput("This is the model on the left.", "Choose another one to put beside it.")
    embedder = get_embedder(name, settings())
    vectors = vectors_by(embedder, phrases.texts, key=MODEL)
    if vectors is None:
        return None
    return matrix_pane(
        phrases.texts,
        cosine_similarities(vectors),
        title=f"{embedder.name}: cosine similarity of {vectors.shape[1]:,} dimensions",
    )
