"""Indexes: those of a collection, what each is for and takes, and a new one with its cost before."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.services.index_overview import build_server, vector_rows
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.index_actions import show_jobs, show_said
from pgvista.ui.index_form import index_form
from pgvista.ui.index_list import index_list
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
    found = vector_rows(db, collection)
show_said()
left, right = st.columns((0.67, 0.33), gap="medium")
with left, guarded():
    show_jobs(collection)
    index_list(db, found, server)
with right, guarded():
    index_form(db, found, server)
