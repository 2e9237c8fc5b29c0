"""The parts of the search page that are drawn anew by themselves.

A moved knob draws its own card, the hits and what explains them; the rest of the page stays as it
is in the browser, and nothing of it is worked out or sent. A part is a fragment with a key.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pgvista.model.search import Mode

PAGE = "search_page"
"""All of it: the question and what is beneath."""
FOUND = "search_found"
STATUS = "search_told"
EXPLAINED = "search_explained"
FUSION = "search_fusion_knobs"
VECTORS = "search_vector_knobs"
WORDS = "search_word_knobs"
LIMIT = "search_limit_knob"


def draw_page() -> None:
    """Draw all of the page anew; call it at the end of a widget's callback."""
    st.rerun(PAGE)


def draw_anew(own: str, mode: Mode | None = None) -> Callable[[], None]:
    """Return a callback for the widgets of the part `own`: it draws the hits, that part and what
    explains the hits anew.

    With the `mode` of a part whose knobs have a say in what the vector index is asked for, its card
    is drawn too, where there is one.
    """
    index = [VECTORS] if mode is not None and mode is not Mode.KEYWORD and own != VECTORS else []
    return partial(st.rerun, list(dict.fromkeys((FOUND, STATUS, own, *index, EXPLAINED))))
