"""Compare two or three settings of a search on one question."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui import compare_state
from pgvista.ui.compare_view import compare_view
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.search_context import embedder, examples, load_context
from pgvista.ui.state import no_collection, pick_collection

# The selector's key is gone after a visit to another page.
compare_state.restore(arrived="compare_collection" not in st.session_state)
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="compare_collection")
    if collection is not None:
        context = load_context(db, collection)
        compare_view(db, context, embedder(collection), examples(collection))
