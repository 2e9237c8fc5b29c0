"""While the model is loading: what happens, for how long, and what works meanwhile."""

from __future__ import annotations

import time

import streamlit as st

from pgvista.embed import ModelEmbedder
from pgvista.errors import ModelUnavailable
from pgvista.ui.errors import plain, show_error

POLL_S = 0.4
_BEGAN = "_search_wait"
_FAILED = "failed: "


def show_waiting(
    embedder: ModelEmbedder, *, meanwhile: bool, rest: str = "Keyword search works meanwhile."
) -> None:
    """Say that the model is loading, or why it cannot be; `meanwhile`: words are searched below.

    `rest` is what is said of the time until then, where nothing is searched below.
    The loading begins when the page has been painted, and the page is drawn again at its end.
    """
    state = embedder.loading_state
    if state.startswith(_FAILED):
        show_error(ModelUnavailable(state.removeprefix(_FAILED)))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Try again",
                key="search_model_again",
                icon=":material/refresh:",
                on_click=embedder.warm,
            )
            if meanwhile:
                st.markdown(":gray[Below: what words alone find.]")
        return
    _wait(embedder, "Meanwhile, words are searched." if meanwhile else rest)
    if not meanwhile:
        for _ in range(3):
            st.skeleton(height=90)


@st.fragment(run_every=POLL_S)
def _wait(embedder: ModelEmbedder, rest: str) -> None:
    began = st.session_state.get(_BEGAN)
    state = embedder.loading_state
    if began is None or began[0] != embedder.name:
        st.session_state[_BEGAN] = began = (embedder.name, time.monotonic())
    elif state == "not loaded":
        embedder.warm()  # the second run: the page is painted
    elif state != "loading":
        del st.session_state[_BEGAN]
        st.rerun()
    seconds = time.monotonic() - began[1]
    passed = f" {seconds:.0f} s" if seconds >= 1 else ""
    st.info(
        f"**Loading {plain(embedder.name)}, once…**{passed}  \n{rest}",
        icon=":material/hourglass_top:",
    )
