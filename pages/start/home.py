"""The first screen: what this is, what is there, and three ways to begin."""

from __future__ import annotations

import streamlit as st

from pgvista.io.samples import samples
from pgvista.services.collections import list_stats
from pgvista.ui import home_view
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded

st.title("The workbench for vectors in Postgres")
st.markdown(
    "Load texts, and search them by meaning, by words and by both, with every knob live and the "
    "SQL beside the result."
)
with guarded(stop=True):
    db = database()
    home_view.state_line(db)
    found = {item.collection.name: item for item in list_stats(db)}

st.space("small")
for place, sample in zip(st.columns(3, gap="medium"), (*samples(), None), strict=True):
    with place:
        if sample is None:
            home_view.own_file_card()
        else:
            home_view.sample_card(sample, found.get(sample.key), read_only=db.read_only)
home_view.job_line()
home_view.collection_links(found)
