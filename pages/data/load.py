"""Load a file, or pasted rows, into a collection."""

from __future__ import annotations

import streamlit as st

from pgvista.errors import PgvistaError
from pgvista.services.collections import list_collections, text_configs
from pgvista.services.load import check_mapping
from pgvista.ui import load_source, load_target, load_view
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded, show_error

st.title("Load")
db = database()
if load_view.show_load():
    st.stop()
if db.read_only:
    st.info("This connection is read-only: nothing can be loaded.", icon=":material/lock:")
    st.stop()

try:
    source = load_source.choose_source()
except PgvistaError as error:
    load_source.drop_options()
    show_error(error)
    st.stop()
if source is None:
    st.markdown(
        ":gray[Its format, encoding and columns are found, and shown before anything is written.]"
    )
    st.stop()
found, plans = st.columns([0.56, 0.44], gap="large")
with found:
    load_source.read_options(source)
    load_source.preview(source)
with plans, guarded(stop=True):
    existing = list_collections(db)
    target = load_target.choose_target(source, existing, text_configs(db))
    if target is None:
        st.info("Give the new collection a name.", icon=":material/edit:")
        st.stop()
    mapping, target = load_target.choose_columns(source, target)
    chunk = load_target.choose_chunking(target)
    plan = load_view.LoadPlan(source, mapping, target, chunk)
    check_mapping(source, mapping, target)
    st.markdown(load_view.summary(plan, [column.name for column in source.columns]))
    if st.button("Load", type="primary", icon=":material/upload:", key="load_start"):
        load_view.start(plan)
        st.rerun()
