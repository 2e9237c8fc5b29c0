"""Make a map: its knobs, the job, and the points as they move meanwhile."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, parse_filter
from pgvista.model.map import (
    DEFAULT_MIN_DIST,
    DEFAULT_NEIGHBORS,
    DEFAULT_SAMPLE,
    MAX_SAMPLE,
    MapMethod,
    MapSpec,
    SavedMap,
)
from pgvista.services import map_warm
from pgvista.services import rows as row_service
from pgvista.services.map import make_map
from pgvista.sql.rows import COUNT_LIMIT
from pgvista.ui import map_state as state
from pgvista.ui.components.map_plot import map_points, pack_points
from pgvista.ui.components.panels import empty_state
from pgvista.ui.errors import guarded, show_error
from pgvista.ui.filter_builder import filter_button, filter_chips
from pgvista.ui.filter_place import Bar
from pgvista.ui.jobs import job_panel, start_job

_MINUTE_ROWS = 20_000
"""UMAP lays out about so many rows a minute."""
_PREVIEW_S = 1.0
_KNOBS_PX = 420
_COUNTED = "_map_counted"


def first_map(db: Database, collection: Collection, rows: int) -> None:
    """Say that there is no map yet, what making one does, and how long it takes."""
    if rows == 0:
        empty_state(
            "No rows yet",
            f"{collection.name} is empty. Load a file or paste rows on the page Load.",
            key="map_no_rows",
            icon=":material/inbox:",
        )
        return
    count = min(rows, DEFAULT_SAMPLE)
    drawn = (
        f"all {rows:,} rows"
        if rows <= DEFAULT_SAMPLE
        else f"{count:,} of {rows:,} rows, drawn at random"
    )
    compiling()
    pressed = empty_state(
        "No map yet",
        f"UMAP lays {drawn} out in two dimensions, so that rows with alike vectors lie together. "
        f"It takes {_how_long(count)}, goes on when you look at another page, and the map is "
        "kept in the database.",
        key="map_none",
        icon=":material/scatter_plot:",
        actions={"make": "Make a map"},
    )
    if pressed == "make":
        start(collection, MapSpec())
        st.rerun()
    with st.container(key="map_first", width=_KNOBS_PX):
        if st.toggle("Choose rows, method and seed", key="map_first_knobs"):
            make_card(db, collection, rows)


def compiling() -> None:
    """Say that UMAP is being compiled, while it is; the page is drawn again at its end."""
    if map_warm.is_compiling():
        _compiling()


@st.fragment(run_every=_PREVIEW_S)
def _compiling() -> None:
    if not map_warm.is_compiling():
        st.rerun()
    st.info(
        "**Compiling UMAP, once on this machine…** A map that is made meanwhile takes some seconds "
        "longer.",
        icon=":material/hourglass_top:",
    )


def make_card(db: Database, collection: Collection, rows: int) -> None:
    """Draw the knobs of a new map, and the button that makes it."""
    matching, filters = _rows_to_draw(db, collection, rows)
    method = st.segmented_control(
        "Method",
        list(MapMethod),
        format_func=lambda item: item.label,
        key="map_method",
        default=MapMethod.UMAP,
        required=True,
        help="UMAP keeps neighbourhoods. t-SNE keeps the very nearest, and is slower. PCA shows the "
        "two directions of largest variance, at once.",
    )
    sample = st.number_input(
        "Rows at most",
        1,
        MAX_SAMPLE,
        DEFAULT_SAMPLE,
        step=1_000,
        key="map_sample",
        help="Of more rows, so many are drawn at random by the seed. Default 20,000.",
    )
    neighbors, min_dist = DEFAULT_NEIGHBORS, DEFAULT_MIN_DIST
    if method is not MapMethod.PCA:
        neighbors = st.slider(
            "n_neighbors" if method is MapMethod.UMAP else "Perplexity",
            2,
            200 if method is MapMethod.UMAP else 100,
            DEFAULT_NEIGHBORS,
            key=f"map_neighbors_{method}",
            help="Few show fine structure, many the whole. 2 to 200, default 15.",
        )
    if method is MapMethod.UMAP:
        min_dist = st.slider(
            "min_dist",
            0.0,
            0.99,
            DEFAULT_MIN_DIST,
            0.01,
            key="map_min_dist",
            help="How near points may lie to each other. 0 to 0.99, default 0.1.",
        )
    seed = st.number_input(
        "Seed",
        0,
        2_147_483_647,
        0,
        key="map_seed",
        help="The same seed and rows make the same map. Default 0.",
    )
    if matching:
        count = min(matching, int(sample))
        many = "more than " if matching > COUNT_LIMIT and filters is not None else ""
        among = f"{many}{min(matching, COUNT_LIMIT) if many else matching:,}"
        met = "rows" if filters is None else f"rows that meet the filter, of {rows:,} in all"
        st.markdown(f":gray[{count:,} of {among} {met}: {_how_long(count, method)}.]")
    if st.button(
        "Make the map",
        key="map_make",
        icon=":material/scatter_plot:",
        width="stretch",
        disabled=not matching,
    ):
        with guarded(stop=True):
            spec = MapSpec(
                method=method or MapMethod.UMAP,
                sample=int(sample),
                filters=filters,
                n_neighbors=int(neighbors),
                min_dist=float(min_dist),
                seed=int(seed),
            )
            start(collection, spec)
        st.rerun()


def _rows_to_draw(
    db: Database, collection: Collection, rows: int
) -> tuple[int | None, Filter | None]:
    """Draw the filter; return how many rows meet it, None where that cannot be told, and itself."""
    text = state.filter_of(collection)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        filter_button(db, collection, Bar(state.FILTER))
        if not text.strip():
            st.markdown(":gray[No filter: all rows.]", width="content")
    filter_chips(Bar(state.FILTER))
    try:
        filters = parse_filter(text)
        if filters is None:
            return rows, None
        found = _matching(db, collection, filters, text, rows)
    except PgvistaError as error:
        if not isinstance(error, InvalidInput):  # the chips tell what is wrong with a filter
            show_error(error)
        return None, None
    if not found:
        st.markdown(":orange[No row meets this filter.]")
    return found, filters


def _matching(db: Database, collection: Collection, filters: Filter, text: str, rows: int) -> int:
    """Count the rows that meet the filter, anew when it or the number of all rows changed."""
    key = (state.where(collection), text, rows)
    kept = st.session_state.get(_COUNTED)
    if kept is None or kept[0] != key:
        kept = st.session_state[_COUNTED] = (key, row_service.count(db, collection, filters))
    return int(kept[1])


def start(collection: Collection, spec: MapSpec) -> None:
    """Begin the job that makes a map. Raises Conflict while one is made already."""
    preview = state.Preview()
    try:
        begun = start_job(
            f"Map of {collection.name}",
            lambda own, reporter: make_map(
                own, collection, spec, reporter=reporter, on_preview=preview.put
            ),
            exclusive=f"map {collection.schema}.{collection.table}",
        )
    except PgvistaError as error:
        show_error(error)
        st.stop()
    state.keep_job(collection, begun.id, preview)


def job_view(db: Database, collection: Collection) -> bool:
    """Draw the job that makes a map, and its points as they move; return whether it is running.

    The map that was made is shown next. How a job failed stays to be read until another begins.
    """
    known = state.job(collection)
    if known is None:
        return False
    job_id, preview = known
    job = job_panel(job_id)
    if job is None:
        state.keep_job(collection, None)
    elif not job.state.is_final:
        _moving(job_id, preview)
        return True
    elif job.state is JobState.DONE and isinstance(job.result, SavedMap):
        state.keep_job(collection, None)
        state.keep(collection, job.result)
        st.rerun()
    return False


@st.fragment(run_every=_PREVIEW_S)
def _moving(job_id: str, preview: state.Preview) -> None:
    points, turn = preview.get()
    if points is None or not len(points):
        st.skeleton(height=420)
        return
    name = "by PCA at first" if turn <= 1 else "moving into place"
    st.markdown(f":gray[{len(points):,} points, {name}]")
    map_points(
        pack_points(
            points,
            key="map_preview",
            token=f"{job_id}/{turn}",
            series=job_id,
            alt=f"{len(points):,} points of a map that is being made",
            file="map",
        ),
        key="map_preview",
    )


def _how_long(count: int, method: MapMethod | None = MapMethod.UMAP) -> str:
    if method is MapMethod.PCA:
        return "a second or two"
    minutes = count / _MINUTE_ROWS * (3 if method is MapMethod.TSNE else 1)
    cold = method is MapMethod.UMAP and not map_warm.is_kept()
    first = ", and some more to compile UMAP, once on this machine" if cold else ""
    if minutes < 0.2:
        return f"a few seconds{first}"
    if minutes <= 1:
        return f"about a minute{first}"
    return f"some {minutes:,.0f} minutes"
