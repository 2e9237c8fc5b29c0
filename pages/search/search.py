"""Search a collection by meaning, by words, or by both."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui import search_link, search_request
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.search_context import embedder, examples, load_context
from pgvista.ui.search_view import search_view
from pgvista.ui.state import no_collection, pick_collection

# The selector's key is gone after a visit to another page.
search_link.restore(arrived="search_collection" not in st.session_state)
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="search_collection")
    if collection is not None:
        search_request.begin(collection)
        context = load_context(db, collection)
        search_view(db, context, embedder(collection), examples(collection))
