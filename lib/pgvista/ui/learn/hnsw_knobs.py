"""The knobs of the lesson on HNSW: of a search, and of a build."""

from __future__ import annotations

import streamlit as st

from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import show_error
from pgvista.ui.learn import hnsw_state as state


def ef_knob(key: str, default: int) -> int:
    """Draw ef_search, which acts while it is moved."""
    return int(
        live_slider(
            "ef_search",
            key=key,
            minimum=1,
            maximum=state.LARGEST_EF,
            value=default,
            log=True,
            help="Places in the candidate list on layer 0: hnsw.ef_search, 1 to 1,000; pgvector's "
            "default is 40.",
        )
    )


def below_limit(ef: int, limit: int) -> None:
    """Say what happens where the list is shorter than what is asked for."""
    if ef < limit:
        st.markdown(
            f":material/info: **ef_search {ef} is below the limit of {limit}:** the list has {ef} "
            f"{'place' if ef == 1 else 'places'}, so no more than {ef} of {limit} rows come back. "
            f"Set it to {limit} or more."
        )


def build_knobs(m_key: str, ef_key: str, *, m: int, ef_construction: int) -> tuple[int, int]:
    """Draw m and ef_construction; both act when they are let go."""
    refused = state.knobs(m_key, ef_key, m=m, ef_construction=ef_construction)
    if refused is not None:
        show_error(refused)
    one, two = st.columns(2)
    with one:
        links = st.select_slider(
            "m",
            state.MS,
            key=m_key,
            help="Links of a point on each layer, twice as many on layer 0: 2 to 100; pgvector's "
            "default is 16.",
        )
    with two:
        length = st.select_slider(
            "ef_construction",
            state.EF_CONSTRUCTIONS,
            key=ef_key,
            help="Candidates among which the links of a new point are chosen: 4 to 1,000, and at "
            "least 2 * m; pgvector's default is 64.",
        )
    return int(links), int(length)
