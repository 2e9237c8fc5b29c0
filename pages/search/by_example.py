"""By example: rows like these and unlike those, with variety and the best of each group."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui import example_state
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.example_view import example_view
from pgvista.ui.search_context import embedder, load_context
from pgvista.ui.state import no_collection, pick_collection

# The selector's key is gone after a visit to another page.
example_state.restore(arrived="example_collection" not in st.session_state)
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="example_collection")
    if collection is not None:
        example_view(db, load_context(db, collection), embedder(collection))
