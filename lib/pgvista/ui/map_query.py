"""The query's line above the map: a fragment of its own, so that a query sends what lies over the map.

A run of the page's fragments sends some 3.3 kB before anything is drawn (theme and pages), and each
element its frame; so what a query changes goes to the browser as one compressed message.
"""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.collection import Collection
from pgvista.ui import map_state as state
from pgvista.ui.components.map_plot import map_colours, map_overlay, pack_overlay
from pgvista.ui.errors import show_error
from pgvista.ui.map_ask import find, overlay
from pgvista.ui.map_colour import ASKED, colours
from pgvista.ui.map_state import OpenMap
from pgvista.ui.map_waiting import map_waiting

_TYPED = "_map_typed"


@st.fragment
def query_line(
    db: Database, collection: Collection, shown: OpenMap, embedder: ModelEmbedder | None
) -> None:
    """Draw the query's line, and hand the map what lies over its points."""
    st.text_input(
        "Query",
        key=state.TEXT,
        placeholder="Place words or a row's id on the map"
        if collection.model
        else "Place a row on the map, by its id",
        label_visibility="collapsed",
        persist_state="session",
        live="400ms",
        on_change=_typed,
    )
    if st.session_state.pop(_TYPED, False) and state.link_is_shown():
        st.rerun()  # the link holds the query
    answer = find(db, collection, shown, embedder)
    map_overlay(pack_overlay(overlay(shown, answer)), key="map_overlay")
    if st.session_state.get(state.COLOUR) in ASKED:  # a byte a point, for each query
        told = colours(db, collection, shown, answer.distances, answer.scores)
        map_colours(told, key="map_asked_colours")
    if answer.waits and embedder is not None:
        map_waiting(embedder)
    if answer.error is not None:
        show_error(answer.error)


def _typed() -> None:
    st.session_state[_TYPED] = True
