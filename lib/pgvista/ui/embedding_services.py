"""Services that turn texts into vectors: their addresses and keys, for this session alone."""

from __future__ import annotations

import time

import streamlit as st

from pgvista.config import Secret
from pgvista.embed import get_embedder, loading_state
from pgvista.errors import PgvistaError
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import duration
from pgvista.ui.state import session_has, set_service, settings

OPENAI_MODEL = "text-embedding-3-small"
HF_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


def embedding_services() -> None:
    """Draw the packaged model's state, and a form for each service."""
    st.markdown(
        f":gray[The packaged model all-MiniLM-L6-v2 needs no key: {_packaged()}. A service is "
        "chosen by a collection's model, such as] `openai:text-embedding-3-small` :gray[or] "
        "`hf:BAAI/bge-small-en-v1.5`:gray[. Keys are kept in this browser session, never in a file.]"
    )
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _openai()
    with right.container(border=True, height="stretch"):
        _hugging_face()


def _packaged() -> str:
    state = loading_state()
    return {"not loaded": "it is loaded when first used", "ready": "it is ready"}.get(state, state)


def _openai() -> None:
    known = settings()
    st.markdown(f"**OpenAI-compatible** {_badge('openai_api_key', bool(known.openai_api_key))}")
    with st.form("connect.openai", border=False):
        address = st.text_input(
            "Base URL", key="connect.openai.url",
            placeholder=known.openai_base_url or "https://api.openai.com/v1",
            help="Of any service that speaks the protocol: OpenAI, Ollama, vLLM, LM Studio …",
        )  # fmt: skip
        key = st.text_input(
            "Key", type="password", key="connect.openai.key", autocomplete="off",
            placeholder="in use" if known.openai_api_key else "none, or OPENAI_API_KEY",
        )  # fmt: skip
        model = st.text_input("Model to test", OPENAI_MODEL, key="connect.openai.model")
        keep, test, clear = _buttons()
    if clear:
        set_service(openai_base_url="", openai_api_key=Secret(""))
        st.rerun()
    if keep or test:
        set_service(
            openai_base_url=address.strip() or None, openai_api_key=Secret(key) if key else None
        )
    if test:
        _try(f"openai:{model.strip()}")
    elif keep:
        st.toast("Kept for this session", icon=":material/key:")


def _hugging_face() -> None:
    known = settings()
    st.markdown(f"**Hugging Face Inference** {_badge('hf_token', bool(known.hf_token))}")
    with st.form("connect.hf", border=False):
        key = st.text_input(
            "Token", type="password", key="connect.hf.key", autocomplete="off",
            placeholder="in use" if known.hf_token else "none, or HF_TOKEN",
        )  # fmt: skip
        model = st.text_input("Model to test", HF_MODEL, key="connect.hf.model")
        keep, test, clear = _buttons()
    if clear:
        set_service(hf_token=Secret(""))
        st.rerun()
    if keep or test:
        set_service(hf_token=Secret(key) if key else None)
    if test:
        _try(f"hf:{model.strip()}")
    elif keep:
        st.toast("Kept for this session", icon=":material/key:")


def _badge(name: str, present: bool) -> str:
    if session_has(name):
        return ":green-badge[key of this session]"
    return ":gray-badge[key of the environment]" if present else ""


def _buttons() -> tuple[bool, bool, bool]:
    with st.container(horizontal=True):
        keep = st.form_submit_button("Keep")
        test = st.form_submit_button("Test")
        clear = st.form_submit_button("Clear", type="tertiary")
    return keep, test, clear


def _try(name: str) -> None:
    """Embed one short text and say how long that took."""
    try:
        with st.spinner(f"Asking {plain(name)}"):
            began = time.perf_counter()
            vector = get_embedder(name, settings()).embed_query("A cat chases a mouse")
            took = time.perf_counter() - began
    except PgvistaError as error:
        show_error(error)
    else:
        st.success(
            f"**{plain(name)}** answered in {duration(took)} with {len(vector):,} dimensions.",
            icon=":material/check_circle:",
        )
