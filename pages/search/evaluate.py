"""Evaluate: how well judged queries are answered, which settings are better, and the judging."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.evaluate_view import evaluate_view
from pgvista.ui.state import no_collection, pick_collection

st.title("Evaluate")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="evaluate_collection")
    if collection is not None:
        evaluate_view(db, collection)
