"""Types and sizes: what fewer bytes a vector cost in recall, and what tables and indexes take."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import list_collections
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded
from pgvista.ui.state import no_collection, pick_collection
from pgvista.ui.types_calculator import calculator_view
from pgvista.ui.types_view import types_view

MEASURED, CALCULATOR = "Measured here", "Calculator"

st.title("Types and sizes")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="types_collection")
    if collection is None:
        st.stop()
part = st.segmented_control(
    "Part",
    [MEASURED, CALCULATOR],
    default=MEASURED,
    required=True,
    key="types_part",
    label_visibility="collapsed",
)
with guarded():
    if part == CALCULATOR:
        calculator_view(db, collection)
    else:
        types_view(collection)
