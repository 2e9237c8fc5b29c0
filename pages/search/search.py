"""Search a collection by meaning, by words, or by both."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui import search_request
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.search_context import load_context
from pgvista.ui.search_view import search_view
from pgvista.ui.state import embedder_for, no_collection, pick_collection

search_request.restore()
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="search_collection")
    if collection is not None:
        context, rows, examples = load_context(db, collection)
        embedder = embedder_for(collection) if collection.model else None
        search_view(db, context, embedder, rows, examples)
