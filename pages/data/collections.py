"""Collections: those there are, with all that can be done to one, and the ways to a new one."""

from __future__ import annotations

import streamlit as st

from pgvista.services.collections import describe, list_stats
from pgvista.ui.collection_actions import (
    collection_actions,
    remember_job,
    say,
    show_job,
    show_said,
)
from pgvista.ui.collection_details import collection_head, collection_parts, collection_sql
from pgvista.ui.collection_form import collection_form
from pgvista.ui.collection_words import collection_words
from pgvista.ui.collections_list import collections_list
from pgvista.ui.connection import database
from pgvista.ui.errors import guarded, plain
from pgvista.ui.state import NEXT_VIEW, choose, no_collection
from pgvista.ui.table_roles import add_vectors, open_table

VIEWS = ("All", "New", "Open a table", "Add vectors to a table")


def finish(name: str, sentence: str) -> None:
    """Go back to the list, with the collection called `name` chosen."""
    choose(name)
    say(sentence)
    st.session_state[NEXT_VIEW] = VIEWS[0]
    st.rerun()


if NEXT_VIEW in st.session_state:
    st.session_state["collections.view"] = st.session_state.pop(NEXT_VIEW)
st.session_state.setdefault("collections.view", VIEWS[0])
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Collections", width="stretch")
    view = st.segmented_control(
        "View",
        VIEWS,
        required=True,
        key="collections.view",
        label_visibility="collapsed",
    )
db = database()
show_said()
with guarded(stop=True):
    if view == "New":
        if name := collection_form(db):
            finish(name, f"{plain(name)} is created")
    elif view == "Open a table":
        if name := open_table(db, list_stats(db)):
            finish(name, f"{plain(name)} is open")
    elif view == "Add vectors to a table":
        if made := add_vectors(db):
            remember_job(*made)
            finish(made[0], f"{plain(made[0])} has a vector column")
    elif found := list_stats(db):
        chosen = collections_list(found)
        collection = chosen.collection
        collection_head(chosen)
        show_job(collection.name)
        collection_actions(db, chosen)
        columns = describe(db, collection.schema, collection.table)
        collection_parts(chosen, columns)
        collection_words(db, chosen)
        collection_sql(chosen, columns)
    else:
        no_collection()
