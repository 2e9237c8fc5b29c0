"""A fragment that does nothing but show a live slider's value: what a rerun takes by itself."""

import streamlit as st

from pgvista.ui.components.live_slider import live_slider


@st.fragment
def part() -> None:
    """Draw the slider and its value."""
    value = live_slider("RRF k", key="k", minimum=1, maximum=1000, value=60, log=True)
    with st.container(key="out"):
        st.markdown(f"value {value}")


part()
