"""The cards of the map itself: which one is open, how it is drawn, its clusters, a new one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.map import MapInfo
from pgvista.model.map_words import rows_in_words
from pgvista.services import map_store
from pgvista.services.map_files import map_file
from pgvista.ui import map_state as state
from pgvista.ui.components.live_slider import page_slider
from pgvista.ui.components.map_plot import map_look
from pgvista.ui.errors import guarded, plain
from pgvista.ui.jobs import duration
from pgvista.ui.map_colour import CLUSTER, CONTOURS, LABELS, LEGEND, SHOWN
from pgvista.ui.map_make import compiling, make_card
from pgvista.ui.map_state import OpenMap


def look_card(offered: Mapping[str, str]) -> None:
    """Draw what the points are coloured by, and what else is shown."""
    if st.session_state.get(state.COLOUR) not in offered:
        st.session_state[state.COLOUR] = CLUSTER
    with st.container(border=True, key="map_look"):
        st.selectbox(
            "Colour by",
            list(offered),
            format_func=lambda item: offered[item],
            key=state.COLOUR,
            help="A column, a key of the metadata, the cluster, how much of a row's true "
            "neighbourhood the map keeps, or the true distance to the query or the row clicked.",
        )
        _shown()
        page_slider(
            "Point size", key="map_size", heard=f"{state.KEY}.size", minimum=1, maximum=16, step=0.5,
            unset=("auto", 5), format="{:.1f} px",
            help="Diameter of the points; auto: by their number and by how near one looks.",
        )  # fmt: skip


@st.fragment
def _shown() -> None:
    """Draw what is shown besides the points, and tell the map: nothing else is sent for it."""
    chosen = st.pills(
        "Show",
        SHOWN,
        selection_mode="multi",
        default=None if state.SHOW in st.session_state else [LEGEND, LABELS],
        key=state.SHOW,
        help=f"{CONTOURS} shades where points lie densely.",
        persist_state="session",
    )
    look = {
        "legend": LEGEND in chosen,
        "labels": LABELS in chosen,
        "density": CONTOURS in chosen,
    }
    map_look({"key": state.KEY, **look}, key="map_shown")


def maps_card(db: Database, collection: Collection, shown: OpenMap, rows: int) -> None:
    """Draw the maps kept, what the open one was made of, and what can be done with it."""
    info = shown.saved.info
    kept = map_store.list_maps(db, collection)
    by_number = {item.number: item for item in kept}
    by_number.setdefault(info.number, info)
    with st.container(border=True, key="map_maps"):
        key = f"map_pick.{shown.token}"
        chosen = st.selectbox(
            "Map",
            list(by_number),
            index=list(by_number).index(info.number),
            format_func=lambda number: _named(by_number[number]),
            key=key,
        )
        if chosen is not None and chosen != info.number:
            state.want(chosen)
            st.rerun()
        st.markdown(f":small[:gray[{plain(_made(info))}]]")
        if st.toggle("Make another", key="map_another"):
            compiling()
            make_card(db, collection, rows)
        if st.toggle("Names, link and files", key=state.MORE):
            _names(db, collection, shown)
            _files(db, collection, shown)


def _named(info: MapInfo) -> str:
    return f"{info.name} · {info.made_at:%d %b %Y %H:%M}"


def _made(info: MapInfo) -> str:
    spec = info.spec
    parts = [
        rows_in_words(info),
        spec.method.label,
        f"n_neighbors {min(spec.n_neighbors, info.points)}",
        f"min_dist {spec.min_dist:g}",
        f"seed {spec.seed}",
        info.metric.label,
        f"made in {duration(info.seconds)}",
    ]
    if spec.method.value != "umap":
        parts = [part for part in parts if not part.startswith(("n_neighbors", "min_dist"))]
    return " · ".join(parts)


def _names(db: Database, collection: Collection, shown: OpenMap) -> None:
    info = shown.saved.info
    if not info.number:
        return
    name = st.text_input("Name of the map", info.spec.name, key=f"map_name.{shown.token}")
    if name != info.spec.name:
        with guarded(stop=True):
            map_store.rename_map(db, collection, info.number, name)
        _again(info.number)
    if info.clusters:
        names = {item.number: item for item in info.clusters}
        number = st.selectbox(
            "Cluster",
            list(names),
            format_func=lambda item: f"{names[item].label} ({names[item].size:,})",
            key=f"map_cluster.{shown.token}",
        )
        chosen = names[number]
        label = st.text_input(
            "Its label",
            chosen.name,
            placeholder=", ".join(chosen.words[:3]),
            key=f"map_label.{shown.token}.{number}",
            help="Empty: its words name it.",
        )
        if label != chosen.name:
            with guarded(stop=True):
                map_store.rename_cluster(db, collection, info.number, number, label)
            _again(info.number)
    if st.button("Delete this map", key="map_drop", icon=":material/delete:", type="tertiary"):
        _drop_dialog(db, collection, info)


def _again(number: int) -> None:
    """Open the map anew, as the database has it now."""
    state.want(None)
    state.want(number)
    st.rerun()


@st.dialog("Delete this map?")
def _drop_dialog(db: Database, collection: Collection, info: MapInfo) -> None:
    st.markdown(f"**{plain(_named(info))}** goes; the rows of {plain(collection.name)} stay.")
    if st.button("Delete the map", key="map_drop_go", type="primary", disabled=db.read_only):
        with guarded(stop=True):
            map_store.delete_map(db, collection, info.number)
        state.want(None)
        st.rerun()


def _files(db: Database, collection: Collection, shown: OpenMap) -> None:
    with_text = bool(state.text()) and st.checkbox(
        "With the query in the link", key="map_share_text"
    )
    here = (st.context.url or "").split("?")[0]
    link = state.permalink(collection, shown.saved.info.number, with_text=with_text)
    st.code(here + link, language=None, wrap_lines=True)
    with st.container(horizontal=True):
        for ending, label, mime in (
            (".html", "HTML", "text/html"),
            (".parquet", "Parquet", "application/vnd.apache.parquet"),
        ):
            name = f"{collection.table}-map{ending}"
            st.download_button(
                label,
                data=partial(map_file, db, collection, shown.saved, name),
                file_name=name,
                mime=mime,
                key=f"map_file{ending}",
                icon=":material/download:",
                on_click="ignore",
            )
