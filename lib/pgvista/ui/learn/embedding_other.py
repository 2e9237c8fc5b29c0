"""The step that puts other vectors of the same phrases beside the model's: words counted, or a model."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed import DEFAULT_MODEL, canonical_name, get_embedder
from pgvista.errors import InvalidInput
from pgvista.science.similarity import cosine_similarities
from pgvista.services.lesson_embedding import WordVectors, word_vectors
from pgvista.ui.components.similarity_matrix import LETTERS, similarity_matrix
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn.embedding_models import vectors_by
from pgvista.ui.learn.embedding_phrases import (
    PREFIX,
    Phrases,
    phrase_fields,
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
    phrase_fields()
    phrases = read_phrases(typed_phrases())
    if len(phrases.texts) < 2:
        st.info(
            "**One phrase alone is near to nothing.**  \nType a second phrase.",
            icon=":material/lightbulb:",
        )
        return
    similarities = cosine_similarities(phrases.vectors)
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
    left, right = st.columns(2, gap="medium")
    with left:
        similarity_matrix(
            phrases.texts,
            similarities,
            key=f"{PREFIX}own_matrix",
            title=f"{DEFAULT_MODEL}: cosine similarity of 384 dimensions",
        )
    with right, guarded():
        if chosen == WORDS:
            _words(db, phrases, similarities)
        else:
            _model(chosen, phrases)
    show_notes(phrases.notes)


def _words(db: Database, phrases: Phrases, by_model: NDArray[np.float64]) -> None:
    found = word_vectors(db, phrases.texts)
    similarities = cosine_similarities(found.counts)
    count = len(found.lexemes)
    similarity_matrix(
        phrases.texts,
        similarities,
        key=f"{PREFIX}other_matrix",
        title=f"Word counts: cosine similarity of {count:,} "
        f"{'dimension' if count == 1 else 'dimensions'}, a lexeme each",
    )
    st.markdown(_words_said(found, similarities, by_model))
    sql_behind(found.sql, name="words_sql")


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


def _model(name: str | None, phrases: Phrases) -> None:
    if not name or not name.strip():
        raise InvalidInput("No model is chosen.", "Choose one, or type its name.")
    if canonical_name(name) == DEFAULT_MODEL:
        raise InvalidInput("This is the model on the left.", "Choose another one to put beside it.")
    embedder = get_embedder(name, settings())
    vectors = vectors_by(embedder, phrases.texts, key=MODEL)
    if vectors is None:
        return
    similarity_matrix(
        phrases.texts,
        cosine_similarities(vectors),
        key=f"{PREFIX}other_matrix",
        title=f"{embedder.name}: cosine similarity of {vectors.shape[1]:,} dimensions",
    )
    st.markdown(
        "Another space with another scale: compare the order of the pairs, not the figures. Vectors "
        "of two models cannot be compared with each other, even where they are of one length."
    )
