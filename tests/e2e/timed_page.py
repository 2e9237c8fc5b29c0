"""A page that sets what its own widgets hold, while the timer of a fragment runs beside it."""

from __future__ import annotations

import time

import streamlit as st

NAMES = ("a", "b", "c", "d")


def go_to(name: str) -> None:
    st.query_params["at"] = name


def chosen() -> None:
    go_to(st.session_state["outline"])
    st.session_state["chosen"] = st.session_state.get("chosen", 0) + 1


at = NAMES.index(st.query_params.get("at", "a"))
st.session_state["outline"] = NAMES[at]
st.segmented_control("Step", NAMES, key="outline", on_change=chosen, required=True)
time.sleep(0.05)  # as long as a real page may take until the browser learns of it
st.button("Next", on_click=go_to, args=(NAMES[(at + 1) % len(NAMES)],))
said = st.text_input("Words")


@st.fragment(run_every=0.1)
def tick() -> None:
    """Run by the browser's timer; it sees the address too."""
    time.sleep(0.02)
    st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1
    st.markdown(
        f"tick {st.session_state['ticks']} at={st.query_params.get('at', 'a')} words={said}"
    )


tick()
st.markdown(f"page at={NAMES[at]} chosen={st.session_state.get('chosen', 0)}")
