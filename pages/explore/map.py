"""Map: the vectors of a collection in two dimensions, with the query among them."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections, stats
from pgvista.ui import map_state
from pgvista.ui.components.map_plot import plotly_script
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.map_make import first_map, job_view
from pgvista.ui.map_view import map_view
from pgvista.ui.search_context import embedder
from pgvista.ui.state import no_collection, pick_collection

plotly_script()
# The selector's key is gone after a visit to another page.
map_state.restore(arrived="map_collection" not in st.session_state)
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="map_collection")
    if collection is not None:
        told = st.container()
        place = st.container()  # before anything that may show that it waits: the map must not move
        rows = stats(db, collection).rows
        running = job_view(db, collection)
        with told:
            shown = map_state.opened(db, collection)
        if shown is not None and not running:
            asked = embedder(collection)
            with place:
                map_view(db, collection, shown, asked, rows)
        elif not running:
            first_map(db, collection, rows)
