"""Browse a collection: pages of rows, and each row in full."""

from __future__ import annotations

import streamlit as st

from pgvista.errors import PgvistaError
from pgvista.services.collections import list_collections
from pgvista.services.rows import metadata_keys
from pgvista.ui import browse_row, browse_view
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded, show_error
from pgvista.ui.state import no_collection, pick_collection

st.title("Browse")
with guarded(stop=True):
    db = database()
    if not list_collections(db):
        no_collection()
        st.stop()
    with st.sidebar:
        collection = pick_collection(key="browse_collection")
    if collection is None:
        st.stop()
    keys = metadata_keys(db, collection)
try:
    shown = browse_view.rows_view(db, collection, keys)
except PgvistaError as error:
    show_error(error)
    st.stop()
browse_view.state_line(db, collection, shown)

writable = not browse_view.not_writable(db, collection)
with guarded():
    left, right = st.columns([0.62, 0.38], gap="medium")
    with left:
        picked = browse_view.table(collection, shown)
        with st.container(horizontal=True, vertical_alignment="center"):
            browse_view.pager(shown)
            if writable and st.button("Add a row", key="browse_new", icon=":material/add:"):
                browse_row.add_dialog(db, collection)
            matching = shown.request.filters if writable and shown.page.rows else None
            if matching is not None and st.button(
                "Delete all that match",
                key="browse_delete_all",
                icon=":material/delete_sweep:",
            ):
                browse_row.delete_dialog(db, collection, filters=matching)
        browse_view.show_sql(shown)
    with right:
        if len(picked) == 1:
            browse_row.detail(db, collection, picked[0], writable=writable)
        elif picked:
            with st.container(border=True):
                st.markdown(f"**{len(picked)} rows picked**")
                if writable and st.button(
                    "Delete them", key="browse_delete_picked", icon=":material/delete:"
                ):
                    browse_row.delete_dialog(db, collection, ids=[row.id for row in picked])
        elif shown.page.rows:
            st.markdown(":gray[Pick a row to see it in full.]")
