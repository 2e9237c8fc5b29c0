"""While the model is loading: the map can be looked at, and the query is placed as soon as it can be."""

from __future__ import annotations

import streamlit as st

from pgvista.embed import ModelEmbedder
from pgvista.errors import ModelUnavailable
from pgvista.ui.errors import plain, show_error

POLL_S = 0.4
_FAILED = "failed: "


def map_waiting(embedder: ModelEmbedder) -> None:
    """Say that the model is loading, or why it cannot be; the page is drawn again at its end."""
    found = embedder.loading_state
    if found.startswith(_FAILED):
        show_error(ModelUnavailable(found.removeprefix(_FAILED)))
        st.button(
            "Try again", key="map_model_again", icon=":material/refresh:", on_click=embedder.warm
        )
        return
    _wait(embedder)


@st.fragment(run_every=POLL_S)
def _wait(embedder: ModelEmbedder) -> None:
    found = embedder.loading_state
    if found == "not loaded":
        embedder.warm()
    elif found != "loading":
        st.rerun()
    st.info(
        f"**Loading {plain(embedder.name)}, once…** The query is placed then; a row's id can be "
        "placed meanwhile.",
        icon=":material/hourglass_top:",
    )
