"""Sweep: recall against latency over the settings of the indexes, and the one to take."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.services.indexes import vector_indexes
from pgvista.ui import sweep_state
from pgvista.ui.components.panels import empty_state
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded, plain
from pgvista.ui.state import no_collection, pick_collection
from pgvista.ui.sweep_form import sweep_form
from pgvista.ui.sweep_view import earlier_sweeps, sweep_view, target_inputs

st.title("Sweep")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="sweep_collection")
    if collection is None:
        st.stop()
    indexes = list(vector_indexes(db, collection))
    found = sweep_state.sweeps(db, collection)
left, right = st.columns((0.7, 0.3), gap="medium")
shown = under = None
with left, guarded():
    running = sweep_state.watch(collection)
    for note in sweep_state.note(collection):
        st.info(plain(note), icon=":material/info:")
with right, guarded():
    if found:
        shown, under = earlier_sweeps(db, found)
    if not running:
        sweep_form(db, collection, indexes)
with left, guarded():
    if shown is not None:
        sweep_view(collection, shown, target_inputs(shown), under)
    elif not running:
        empty_state(
            "Nothing measured yet",
            "A sweep asks the same queries in every setting of the indexes, compares each answer "
            "with the exact one, and recommends what to set. It takes seconds to minutes.",
            key="sweep_empty",
            icon=":material/monitoring:",
        )
