"""Live: one query by the index beside the exact rows, knobs that follow the hand, and why."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui import live_state
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.live_ask import live_context
from pgvista.ui.live_view import live_view
from pgvista.ui.search_context import embedder
from pgvista.ui.state import no_collection, pick_collection

# The selector's key is gone after a visit to another page.
live_state.restore(arrived="live_collection" not in st.session_state)
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="live_collection")
    if collection is not None:
        live_view(db, live_context(db, collection), embedder(collection))
