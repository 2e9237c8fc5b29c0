"""The plane of the lesson on IVFFlat: rows in their cells, a query, and the knob of its probes."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.science.kmeans import Lists
from pgvista.science.lesson_ivfflat import HEIGHT, WIDTH, by_arrival
from pgvista.ui.components.ivfflat_cells import ivfflat_cells
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import plain
from pgvista.ui.learn import ivfflat_state as state
from pgvista.ui.learn.frame import keep_in_address, presenting
from pgvista.ui.learn.ivfflat_real import collection_rows

SPLIT = (0.62, 0.38)


def see_cells(db: Database) -> None:
    """Draw the plane that was chosen, drawn points or the reader's rows, with its knobs."""
    keep_in_address({state.ARENA: state.DRAWN})
    rows = None
    if st.session_state.get(state.ARENA) == state.OWN:
        rows = collection_rows(db)
        if rows is None:
            _choose_plane()
            return
        with st.spinner("Projecting a sample of the rows…"):
            rows.plane()
    _cells(rows)
    if not presenting():
        _choose_plane()


def _choose_plane() -> None:
    if st.session_state.get(state.ARENA) not in (state.DRAWN, state.OWN):
        st.session_state[state.ARENA] = state.DRAWN
    st.segmented_control(
        "Rows of the plane",
        (state.DRAWN, state.OWN),
        key=state.ARENA,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )


@st.fragment
def _cells(rows: state.Rows | None) -> None:
    keep_in_address(
        {state.LISTS: float(state.DEFAULT_LISTS), state.PROBES: float(state.DEFAULT_PROBES)}
    )
    points = state.plane() if rows is None else rows.plane().points
    left, right = st.columns(SPLIT, gap="medium")
    with right:
        lists = int(
            live_slider(
                "Lists",
                key=state.LISTS,
                minimum=2,
                maximum=state.MAX_LISTS,
                value=state.DEFAULT_LISTS,
                help="Cells that k-means cuts when the index is built: lists = ...",
            )
        )
        cut = state.plane_lists(lists) if rows is None else rows.plane_lists(lists)
        lists = len(cut.centroids)
        probes = probes_knob(max(2, lists), state.PROBES)
        st.markdown(
            f"**Build.** k-means puts {lists} centroids among {len(points):,} rows. Each row goes into "
            f"the list of its nearest centroid: {cut.sizes.min()} to {cut.sizes.max()} rows a list."
        )
        st.markdown(
            f"**Search.** The query is compared with the {lists} centroids, and then with the rows "
            f"of the {'nearest list' if probes == 1 else f'{probes} nearest lists'} alone."
        )
        st.markdown(":gray[Drag the query.]")
        if rows is not None:
            dimension = rows.sample().points.shape[1]
            st.markdown(
                f":gray[A projection: {plain(rows.collection.name)} on its first two principal "
                f"components, {rows.plane().share:.0%} of the spread. These cells cut the "
                f"projection; pgvector cuts all {dimension:,} dimensions, as the step pgvector shows.]"
            )
    with left:
        if rows is None:
            keep_in_address(
                {
                    f"{state.QUERY}_x": state.DEFAULT_QUERY[0],
                    f"{state.QUERY}_y": state.DEFAULT_QUERY[1],
                }
            )
            picture(cut, key=state.QUERY, query=state.DEFAULT_QUERY, probes=probes)
        else:
            ivfflat_cells(
                points,
                cut.centroids,
                key=f"{state.QUERY}_own",
                query=rows.plane().query,
                probes=probes,
                plane=(WIDTH, HEIGHT),
                alt=f"{len(points):,} rows of {rows.collection.name}, projected to the plane, cut "
                f"into {lists} cells, and a query.",
                limit=state.LIMIT,
            )


def probes_knob(lists: int, key: str) -> int:
    """Draw the knob; it ends at the number of lists, where every row is looked at."""
    return int(
        live_slider(
            "Probes",
            key=key,
            minimum=1,
            maximum=lists,
            value=state.DEFAULT_PROBES,
            help="Lists that a query visits: ivfflat.probes, 1 to the number of lists; default 1.",
        )
    )


def picture(
    cut: Lists,
    *,
    key: str,
    query: tuple[float, float],
    probes: int,
    fixed: bool = False,
    early: int = 0,
) -> None:
    """Draw the points of the plane in their cells; `early`: so many rows that came first are marked."""
    what = f"A plane of {state.ROWS:,} rows, cut into {len(cut.centroids)} cells, and a query."
    ivfflat_cells(
        state.plane(),
        cut.centroids,
        key=key,
        query=query,
        probes=probes,
        plane=(WIDTH, HEIGHT),
        alt=what,
        limit=state.LIMIT,
        movable=not fixed,
        reveal=not fixed or key.endswith("_along"),
        early=by_arrival(state.plane())[:early].tolist(),
    )
