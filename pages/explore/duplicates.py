"""Near-duplicates: rows that say the same, in groups, and a way to keep one of each."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.services.rows import metadata_keys
from pgvista.ui.connection import database
from pgvista.ui.duplicates_state import find_scan
from pgvista.ui.duplicates_view import duplicates_view
from pgvista.ui.errors import guarded
from pgvista.ui.state import no_collection, pick_collection

st.title("Near-duplicates")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="duplicates_collection")
    if collection is not None:
        names = [column.name for column in collection.columns]
        names += [key for key, _ in metadata_keys(db, collection)]
        scan = find_scan(db, collection)
        if scan is not None:
            duplicates_view(db, collection, scan, tuple(dict.fromkeys(names)))
