"""Going to production: a checklist of the collection, each item green or with the SQL to run."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.production_view import production_view
from pgvista.ui.state import no_collection, pick_collection

st.title("Going to production")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="production_collection")
    if collection is None:
        st.stop()
production_view(db, collection)
