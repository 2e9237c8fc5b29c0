"""A fragment that encodes what is typed, and says how long that took in the app's own process."""

import time

import streamlit as st

from pgvista.embed import get_embedder


@st.fragment
def part() -> None:
    """Draw the field and the milliseconds."""
    text = st.text_input("Phrase", "a slice of cheese", key="bench_encoded", live=True)
    embedder = get_embedder()
    embedder.load()
    start = time.perf_counter()
    embedder.embed_documents([text])
    took_ms = (time.perf_counter() - start) * 1000
    with st.container(key="out"):
        st.markdown(f"encoded {took_ms:.3f} ms")


part()
