"""The page Map: the query's line above, the map at the left, what it is and what was asked beside it."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.collection import Collection
from pgvista.model.map_words import rows_in_words
from pgvista.ui import map_state as state
from pgvista.ui.components.map_plot import (
    map_colours,
    map_overlay,
    map_points,
    pack_points,
)
from pgvista.ui.errors import plain, show_error
from pgvista.ui.format import plural
from pgvista.ui.map_ask import LISTS, Answer, find, overlay
from pgvista.ui.map_cards import query_card, row_card
from pgvista.ui.map_chance import chance_card
from pgvista.ui.map_colour import DISTANCE, colours
from pgvista.ui.map_honesty import honesty_card, stale_notice
from pgvista.ui.map_maps import look_card, maps_card
from pgvista.ui.map_selection import selection
from pgvista.ui.map_state import OpenMap
from pgvista.ui.map_titles import all_titles, hovered_title
from pgvista.ui.map_waiting import map_waiting

_LISTS_SHOWN = ["semantic", "keyword", "missed"]


@st.fragment
def map_view(
    db: Database,
    collection: Collection,
    shown: OpenMap,
    embedder: ModelEmbedder | None,
    rows: int,
) -> None:
    """Draw the map; a query, a click or a colour repaints this part alone, and the map stays."""
    if (said := st.session_state.pop("_map_said", None)) is not None:
        st.toast(said, icon=":material/check:")
    _line(collection, shown)
    answer = find(db, collection, shown, embedder)
    with st.container(key="map_notices"):  # one place for all: the map beneath must not move
        if answer.waits and embedder is not None:
            map_waiting(embedder)
        if answer.error is not None:
            show_error(answer.error)
        stale_notice(db, collection, shown)
    left, right = st.columns((0.7, 0.3), gap="medium")
    with right:  # first, since what is chosen here is drawn at the left
        row_card(db, collection, shown, answer)
        if answer.placed is not None:
            query_card(answer, answer.placed)
        look_card(db, collection)
        if st.session_state.get(state.COLOUR) == DISTANCE and answer.distances is None:
            # chosen in this very run: the distances are not read yet
            answer = find(db, collection, shown, embedder)
            if answer.distances is None and not answer.waits:
                st.info("Type a query or click a point: distances are measured from it.")
        maps_card(db, collection, shown, rows)
        honesty_card(shown)
    with left:
        _map(db, collection, shown, answer)
        selection(db, collection, shown)
        chance_card(collection, shown)


def _line(collection: Collection, shown: OpenMap) -> None:
    info = shown.saved.info
    with st.container(horizontal=True, gap="small", key="map_line"):
        st.text_input(
            "Query",
            key=state.TEXT,
            placeholder="Place words or a row's id on the map"
            if collection.model
            else "Place a row on the map, by its id",
            label_visibility="collapsed",
            persist_state="session",
            live="400ms",
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="map_bar"):
        if state.text():
            st.pills(
                "Hits shown",
                list(LISTS),
                format_func=LISTS.__getitem__,
                selection_mode="multi",
                default=None if state.LISTS in st.session_state else _LISTS_SHOWN,
                key=state.LISTS,
                label_visibility="collapsed",
                persist_state="session",
            )
        told = (collection.name, rows_in_words(info), info.spec.method.label, info.metric.label)
        st.markdown(f":gray[{' · '.join(map(plain, told))}]", width="content")
        if veiled := len(state.hidden()):
            st.button(
                f"Show {plural(veiled, 'hidden row')}",
                key="map_show_hidden",
                icon=":material/visibility:",
                type="tertiary",
                on_click=state.show_hidden,
            )


def _map(db: Database, collection: Collection, shown: OpenMap, answer: Answer) -> None:
    info = shown.saved.info
    payload = pack_points(
        shown.saved.points,
        key=state.KEY,
        token=shown.token,
        titles=all_titles(db, collection, shown),
        alt=f"Map of {info.points:,} rows of {collection.name} by {info.spec.method.label}; the "
        "rows selected, the row clicked and the query's rows are listed beside it",
        file=f"{collection.table}-map",
    )
    map_points(payload, key="map_points")
    lists = st.session_state.get(state.LISTS)
    # These two have nothing of their own to show: they tell the map what to draw
    with st.container(height=1, border=False, gap=None, key="map_told"):
        map_colours(colours(db, collection, shown, answer.distances), key="map_colours")
        map_overlay(
            overlay(shown, answer, _LISTS_SHOWN if lists is None else lists),
            key="map_overlay",
            happened=state.happened,
        )
        hovered_title(db, collection, shown)
