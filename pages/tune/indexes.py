"""Indexes: those of a collection, what each is for and takes, and a new one with its cost before."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections, stats
from pgvista.services.index_overview import build_server, overview
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.index_actions import index_detail, show_jobs, show_said
from pgvista.ui.index_form import index_form
from pgvista.ui.index_table import index_table, summary
from pgvista.ui.state import no_collection, pick_collection

st.title("Indexes")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="indexes_collection")
    if collection is None:
        st.stop()
    server = build_server(db)
    found = stats(db, collection)
    items = overview(db, collection, server)
show_said()
left, right = st.columns((0.64, 0.36), gap="medium")
with left, guarded():
    show_jobs(collection)
    summary(found, items, server)
    chosen = index_table(collection, items)
    if chosen is not None:
        index_detail(db, found, chosen, server)
with right, guarded():
    index_form(db, found, items, server)
