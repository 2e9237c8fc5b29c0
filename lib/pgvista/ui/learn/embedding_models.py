"""Vectors by a model other than the packaged one: loaded, waited for, or refused in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.embed import ModelEmbedder
from pgvista.errors import ModelUnavailable
from pgvista.ui.errors import plain, show_error

POLL_S = 0.4
_FAILED = "failed: "
_KEPT = 500
_VECTORS = "_learn_model_vectors"


def vectors_by(
    embedder: ModelEmbedder, texts: Sequence[str], *, key: str
) -> NDArray[np.float32] | None:
    """Return the vectors of `texts` by any model: shape (n, dimension).

    None while it is loading or asked for the first time, and when it cannot be had: the page says
    which. Raises ModelUnavailable when a service fails later.
    """
    if not embedder.is_loaded:
        state = embedder.loading_state
        if state.startswith(_FAILED):
            show_error(ModelUnavailable(state.removeprefix(_FAILED)))
            st.button(
                "Try again", key=f"{key}_again", icon=":material/refresh:", on_click=embedder.warm
            )
        else:
            _wait(embedder)
        return None
    kept: dict[tuple[str, str], NDArray[np.float32]] = st.session_state.setdefault(_VECTORS, {})
    known = {text: kept[embedder.name, text] for text in texts if (embedder.name, text) in kept}
    if missing := [text for text in dict.fromkeys(texts) if text not in known]:
        if len(kept) + len(missing) > _KEPT:
            kept.clear()
        with st.spinner(f"Asking {plain(embedder.name)}"):
            made = embedder.embed_documents(missing)
        known |= dict(zip(missing, made, strict=True))
        kept.update({(embedder.name, text): vector for text, vector in known.items()})
    return np.stack([known[text] for text in texts])


@st.fragment(run_every=POLL_S)
def _wait(embedder: ModelEmbedder) -> None:
    state = embedder.loading_state
    if state == "not loaded":
        embedder.warm()
    elif state != "loading":
        st.rerun()
    st.info(
        f"**Loading {plain(embedder.name)}, once…**  \nA model of the hub is fetched first; a service "
        "is asked for one vector.",
        icon=":material/hourglass_top:",
    )
