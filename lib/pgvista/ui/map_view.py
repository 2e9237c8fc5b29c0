"""The page Map: the query's line above, the map at the left, what it is and what was asked beside it."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.map_words import rows_in_words
from pgvista.ui import map_state as state
from pgvista.ui.components.map_plot import map_colours, map_points, map_query, pack_points
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.format import plural
from pgvista.ui.map_ask import errors_of_row
from pgvista.ui.map_cards import row_card
from pgvista.ui.map_chance import chance_card
from pgvista.ui.map_colour import ASKED, choices, colours
from pgvista.ui.map_honesty import honesty_card, stale_notice
from pgvista.ui.map_maps import look_card, maps_card
from pgvista.ui.map_query import query_line
from pgvista.ui.map_selection import selection
from pgvista.ui.map_state import OpenMap
from pgvista.ui.map_titles import all_titles, hovered_title


@st.fragment
def map_view(
    db: Database,
    collection: Collection,
    shown: OpenMap,
    embedder: ModelEmbedder | None,
    rows: int,
) -> None:
    """Draw the map; a click or a colour repaints this part alone, a query its own, and the map stays."""
    if (said := st.session_state.pop("_map_said", None)) is not None:
        st.toast(said, icon=":material/check:")
    with st.container(key="map_line"):
        query_line(db, collection, shown, embedder)
    _bar(collection, shown)
    with st.container(key="map_notices"):  # one place for it: the map beneath must not move
        offered = _offered(db, collection, shown)
    left, right = st.columns((0.7, 0.3), gap="medium")
    with right:  # first, since what is chosen here is drawn at the left
        if offered:
            row_card(db, collection, shown, errors_of_row(shown))
        with st.container(border=True, key="map_query"):
            map_query(state.KEY, key="map_query_card")
        if offered:
            look_card(offered)
            maps_card(db, collection, shown, rows)
        honesty_card(shown)
    with left:
        with guarded():
            _map(db, collection, shown)
        if offered:
            selection(db, collection, shown)
            if shown.saved.info.quality.k:
                chance_card(collection, shown)


def _offered(db: Database, collection: Collection, shown: OpenMap) -> dict[str, str] | None:
    """Return what points can be coloured by; None, and say why, where the table cannot be read."""
    try:
        offered = choices(db, collection)
        stale_notice(db, collection, shown)
    except PgvistaError as error:
        show_error(error)
        return None
    return offered


def _bar(collection: Collection, shown: OpenMap) -> None:
    info = shown.saved.info
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="map_bar"):
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


def _map(db: Database, collection: Collection, shown: OpenMap) -> None:
    info = shown.saved.info
    payload = pack_points(
        shown.saved.points,
        key=state.KEY,
        token=shown.token,
        titles=all_titles(db, collection, shown),
        alt=f"Map of {info.points:,} rows of {collection.name} by {info.spec.method.label}; the "
        "rows selected, the row clicked and the query's rows are listed beside it",
        file=f"{collection.table}-map",
        acts=True,
    )
    map_points(payload, key="map_points", token=shown.token, happened=state.happened)
    # These have nothing of their own to show: they tell the map what to draw
    with st.container(height=1, border=False, gap=None, key="map_told"):
        if st.session_state.get(state.COLOUR) not in ASKED:  # else they come with the query
            map_colours(colours(db, collection, shown), key="map_colours")
        hovered_title(db, collection, shown)
