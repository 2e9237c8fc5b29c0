"""A fragment that does nothing but show what is typed: what a rerun takes by itself."""

import streamlit as st


@st.fragment
def part() -> None:
    """Draw the field and its text."""
    text = st.text_input("Phrase", "a slice of cheese", key="phrase", live=True)
    with st.container(key="out"):
        st.markdown(f"text {text}")


part()
