"""The step that shows tokens, and how their vectors become the vector of the text."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from pgvista.embed.tokens import TokenVectors, token_vectors
from pgvista.science.similarity import mean_pooled
from pgvista.ui.components.panels import metric_chips
from pgvista.ui.components.phrase_board import PhraseField
from pgvista.ui.components.token_vectors import tokens_pane
from pgvista.ui.learn.data import embed_texts
from pgvista.ui.learn.embedding_phrases import (
    PREFIX,
    board_in,
    notes_on,
    packaged,
    show_notes,
    small_figure,
)

TEXT = f"{PREFIX}text"
DEFAULT_TEXT = "unbelievably good ham"
FIELD = PhraseField(
    TEXT, "Text", DEFAULT_TEXT, "Nothing: and still it has two tokens", labelled=False
)
EXAMPLES = {
    "A sentence": DEFAULT_TEXT,
    "Nothing": "",
    "Emoji": "🐈 and 🍕",
    "Another script": "кошка 猫",
    "10,000 words": "ham " * 9_999 + "sandwich",
}

_UNKNOWN = "[UNK]"
_SPECIAL = ("[CLS]", "[SEP]")
_READ = f"_{PREFIX}token_vectors"


@st.fragment
def tokens_and_mean() -> None:
    """Draw examples, the field, the pieces with their vectors, and the mean beside the model's own vector."""
    with st.container(horizontal=True, gap="small", key=f"{PREFIX}examples"):
        for name, example in EXAMPLES.items():
            st.button(
                name,
                key=f"{PREFIX}example_{name}",
                type="tertiary",
                on_click=st.session_state.update,
                args=({TEXT: example},),
            )
    text, board = FIELD.text, partial(board_in, st.container(), (FIELD,), f"{PREFIX}tokens")
    if not packaged().is_loaded:
        board()
    embed_texts(())  # the waiting for the model
    found = _token_vectors(text)
    own, mean = found.text_vector, mean_pooled(found.vectors)
    tokens = found.tokens
    board((tokens_pane(tokens.pieces, found.vectors, mean, special=_SPECIAL, unknown=_UNKNOWN),))
    st.markdown(
        "The mean of the tokens, brought to length 1, **is** the text's vector: at most "
        f"{small_figure(float(np.abs(mean - own).max()))} off the model's own."
    )
    metric_chips(
        [
            ("tokens", f"{tokens.total:,}"),
            ("read", f"{len(tokens.pieces):,} of at most {tokens.limit or tokens.total:,}"),
            ("vocabulary", f"{tokens.vocabulary:,} pieces"),
        ],
        key=f"{PREFIX}token_facts",
    )
    if not text.strip():
        show_notes(
            (
                "An empty text still has the two tokens that stand at the beginning and the end of "
                "each, so it gets a vector that says nothing. Do not store it.",
            )
        )
    else:
        show_notes(notes_on(text, "The text"))


def _token_vectors(text: str) -> TokenVectors:
    """Read the text, unless it was the last one read."""
    kept: tuple[str, TokenVectors] | None = st.session_state.get(_READ)
    if kept is None or kept[0] != text:
        kept = (text, token_vectors(packaged(), text))
        st.session_state[_READ] = kept
    return kept[1]
