"""Lesson: what an embedding is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from pgvista.db.database import Database
from pgvista.science.similarity import cosine_similarities, nearest_other, principal_plane
from pgvista.services.lesson_embedding import pair_distances
from pgvista.ui.components.phrase_board import (
    LETTERS,
    PhraseField,
    matrix_pane,
    phrase_board,
    plane_pane,
    vector_pane,
)
from pgvista.ui.errors import guarded
from pgvista.ui.learn.data import embed_texts
from pgvista.ui.learn.embedding_other import other_models
from pgvista.ui.learn.embedding_phrases import (
    CHEESE,
    DEFAULTS,
    FIELDS,
    PREFIX,
    Phrases,
    board_in,
    common_words,
    lesson_link,
    notes_on,
    option,
    phrase_link,
    quoted,
    read_phrases,
    show_notes,
    small_figure,
    take_linked_phrases,
    typed_phrases,
)
from pgvista.ui.learn.embedding_tokens import tokens_and_mean
from pgvista.ui.learn.frame import Guess, Step, predict, sql_behind, try_it, verdict

STATEMENTS = ("I like ham", "I do not like ham", "Ham is one of my favourite foods")
_STATEMENT_FIELDS = tuple(
    PhraseField(f"{PREFIX}{key}", label, text)
    for (key, label), text in zip(
        (("said", "A statement"), ("negated", "Its negation"), ("paraphrase", "A paraphrase")),
        STATEMENTS,
        strict=True,
    )
)


def embedding_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson, on the connection `db`."""
    bodies: dict[str, tuple[str, Callable[[], None]]] = {
        "vector": ("A phrase becomes 384 numbers", _vectors),
        "near": ("Near in meaning, with or without a common word", lambda: _near(db)),
        "tokens": ("Word pieces go in, and their mean comes out", tokens_and_mean),
        "negation": ("A negation is nearly the same vector", _negation),
        "other": ("Other vectors of the same phrases", lambda: other_models(db)),
        "remember": ("What to remember", _remember),
    }
    return tuple(
        Step(name, title, partial(_with_linked_phrases, body), _NOTES[name])
        for name, (title, body) in bodies.items()
    )


def _with_linked_phrases(body: Callable[[], None]) -> None:
    take_linked_phrases()
    body()


def _vectors() -> None:
    st.markdown(
        "The model all-MiniLM-L6-v2 reads each phrase and answers with a point in 384 dimensions. "
        "Type: the picture follows. No single number means anything; only distances between "
        "vectors do."
    )
    embed_texts([text for text in typed_phrases() if text.strip()])
    # Pair by pair: in a narrow window columns stand below each other.
    columns = [column for _ in range(2) for column in st.columns(2, gap="medium")]
    for place, column in enumerate(columns):
        with column:
            _phrase_and_vector(place)


@st.fragment
def _phrase_and_vector(place: int) -> None:
    """Draw one phrase and its vector; a fragment each, so that typing repaints no other."""
    field, key = FIELDS[place], f"{PREFIX}phrase_{place}"
    text = field.text
    if not text.strip():
        phrase_board((field,), key=key)
        st.markdown(":gray[An empty phrase says nothing, so it gets no vector here.]")
        return
    phrase_board((field,), (vector_pane(embed_texts((text,))[0].tolist()),), key=key)
    show_notes(notes_on(text, f"Phrase {LETTERS[place]}"))


@st.fragment
def _near(db: Database) -> None:
    board = partial(board_in, st.container(), FIELDS, f"{PREFIX}near")
    phrases = read_phrases(typed_phrases(), meanwhile=board)
    if len(phrases.texts) < 2:
        board()
        st.info(
            "**One phrase alone is near to nothing.**  \nA vector says something beside others "
            "only: type a second phrase.",
            icon=":material/lightbulb:",
        )
        return
    guess = _guessed(phrases)
    if guess is None:
        board()
        return
    similarities = cosine_similarities(phrases.vectors)
    nearest = nearest_other(similarities, 0) or 1
    plane = principal_plane(phrases.vectors)
    matrix = matrix_pane(
        phrases.texts,
        similarities,
        title="Cosine similarity, from −1 to 1",
        marked=(0, nearest),
    )
    shadow = plane_pane(
        phrases.texts,
        plane.points,
        title=f"The first two principal components: {plane.share:.0%} of the spread",
    )
    board((matrix, shadow))
    _nearest_said(phrases, similarities, nearest, guess)
    show_notes(phrases.notes())
    with guarded():
        found = pair_distances(db, phrases.texts, phrases.vectors)
        worst = max(
            abs(1 - pair.distance - similarities[pair.first, pair.second]) for pair in found.pairs
        )
        pair = next(p for p in found.pairs if (p.first, p.second) == (0, nearest))
        st.markdown(
            f"Postgres measures the distance `A <=> {LETTERS[nearest]}` as {pair.distance:.4f}, and "
            f"1 − {pair.distance:.4f} = **{1 - pair.distance:.4f}**. Over all pairs it differs from "
            f"the table by {small_figure(worst)} at most."
        )
        sql_behind(found.sql)


def _guessed(phrases: Phrases) -> Guess | None:
    """Ask which is nearest to A, where there is a choice."""
    options = [option(i, text) for i, text in enumerate(phrases.texts) if i]
    if len(options) < 2:
        return Guess(None)
    guess = predict("nearest", f"Which is nearest to {quoted(phrases.texts[0])}?", options)
    if guess is not None and guess.choice not in options:
        return Guess(None, guess.shown)  # the phrases are others by now
    return guess


def _nearest_said(phrases: Phrases, similarities: np.ndarray, nearest: int, guess: Guess) -> None:
    others = [i for i in range(1, len(phrases.texts)) if i != nearest]
    value = similarities[0, nearest]
    against = ", ".join(f"{LETTERS[i]} {similarities[0, i]:.2f}" for i in others)
    why = f"Similarity {value:.2f}" + (f", against {against}. " if against else ". ")
    verdict(
        guess,
        option(nearest, phrases.texts[nearest]),
        why + common_words(phrases.texts[0], phrases.texts[nearest]),
    )


@st.fragment
def _negation() -> None:
    board = partial(board_in, st.container(), _STATEMENT_FIELDS, f"{PREFIX}negations")
    texts = [field.text for field in _STATEMENT_FIELDS]
    if not all(text.strip() for text in texts):
        board()
        st.info(
            "**All three are needed.**  \nType a statement, its negation, and the statement in "
            "other words.",
            icon=":material/lightbulb:",
        )
        return
    phrases = read_phrases(texts, meanwhile=board)
    answers = ("the negation", "the paraphrase")
    guess = predict("negation", f"Which is nearer to {quoted(texts[0])}?", answers)
    if guess is None:
        board()
        return
    similarities = cosine_similarities(phrases.vectors)
    negated, paraphrased = float(similarities[0, 1]), float(similarities[0, 2])
    fails = negated > paraphrased
    matrix = matrix_pane(
        phrases.texts,
        similarities,
        title="Cosine similarity, from −1 to 1",
        marked=(0, 1 if fails else 2),
    )
    board((matrix,))
    verdict(
        guess,
        answers[0] if fails else answers[1],
        f"Similarity {negated:.2f} for the negation, {paraphrased:.2f} for the paraphrase. "
        + (
            "What it is about weighs more than whether it is so."
            if fails
            else "Here the model tells them apart; with the phrases given at first it does not."
        ),
    )
    show_notes(phrases.notes())
    st.markdown(
        "So a question with “not” finds what it would rule out. Put what must not be into a filter, "
        "or let a model that reads question and row together rank the hits anew."
    )


def _remember() -> None:
    st.markdown(
        "- An embedding is a point; **near means alike in meaning**, with or without common words.\n"
        "- One vector holds the whole text: the mean of its tokens, so **long texts are cut and "
        "blurred, and “not” hardly counts**.\n"
        "- Each model has a space of its own: **rows and questions need the same model**."
    )
    texts = [text for text in typed_phrases() if text.strip()] or [DEFAULTS[0]]
    asked = texts[min(1, len(texts) - 1)][:200]
    try_it(
        f"Search your collection by meaning for {quoted(asked, 30)}",
        "search",
        search_mode="semantic",
        search_text=asked,
    )
    linked = phrase_link()
    if linked:
        lesson_link("your phrases", linked)


_NOTES = {
    "vector": f"Let the class read the numbers: nobody can. Change one letter and watch all bars "
    f"move. Then ask for a fourth phrase about cheese, such as *{CHEESE}*. **Usual wrong idea:** "
    "that dimension 17 stands for something, such as size.",
    "near": "Ask for hands before you reveal. The kitten is nearest to the cat although only *the* is "
    "common. Then type a phrase about cheese as D: which one does it move to? The plane is a shadow: "
    "read its share of the spread aloud. **Usual wrong idea:** that 0.8 is near and 0.3 is far for "
    "every model; only the order can be trusted.",
    "tokens": "Count the pieces of *unbelievably* first. Each row is drawn to its own scale. Then press the examples: an empty text still "
    "has two tokens, a cat and a Chinese character become the same unknown piece, and of 10,000 "
    "words 254 are read. **Question:** what does that mean for a ten-page document?",
    "negation": "Most say the paraphrase. The mean over tokens is about ham and liking, and *not* is "
    "one token of seven. **Question:** which searches in your work hold a *not*?",
    "other": "Counting words is the oldest embedding: a dimension for each lexeme. Without a common "
    "word the similarity is exactly 0. Another model needs the net or a key; its figures have another "
    "scale. **Usual wrong idea:** that vectors of two models can be mixed in one column.",
    "remember": "Let somebody say each line in their own words. Then search the collection together, "
    "once by meaning and once by words.",
}
