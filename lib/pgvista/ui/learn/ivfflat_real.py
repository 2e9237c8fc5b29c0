"""The last steps of the lesson on IVFFlat: pgvector's own index on the reader's rows, and what stays."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.index import MAX_LISTS, advised_lists
from pgvista.model.lesson_index import RealIndex
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.panels import milliseconds
from pgvista.ui.errors import plain, show_error
from pgvista.ui.format import size
from pgvista.ui.learn import ivfflat_state as state
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import keep_in_address, sql_behind, try_it
from pgvista.ui.learn.ivfflat_charts import real_chart
from pgvista.ui.state import PARAMETER

_FEWEST = 20


def real_step(db: Database) -> None:
    """Draw pgvector's index on a sample of the collection beside the model."""
    rows = collection_rows(db)
    if rows is not None:
        _real(rows)


def collection_rows(db: Database) -> state.Rows | None:
    """Return the rows of the collection, sampled; None where it will not do, which is then said."""
    collection = lesson_collection(db, needs="vectors", rows=_FEWEST)
    if collection is None:
        return None
    rows = state.rows_of(db, collection)
    with st.spinner("Drawing a sample of the rows…"):
        rows.sample()
    return rows


@st.fragment
def _real(rows: state.Rows) -> None:
    sample = rows.sample()
    count = len(sample.points)
    advised = max(2, advised_lists(count))
    keep_in_address(
        {state.REAL_LISTS: state.DEFAULT_REAL_LISTS, state.REAL_PROBES: float(state.DEFAULT_PROBES)}
    )
    st.session_state.setdefault(state.REAL_LISTS, state.DEFAULT_REAL_LISTS)
    left, right = st.columns((0.62, 0.38), gap="medium")
    with right:
        lists = int(
            st.number_input(
                "Lists",
                min_value=1,
                max_value=MAX_LISTS,
                key=state.REAL_LISTS,
                persist_state="session",
                help=f"The index is built anew: 1 to {MAX_LISTS:,}. pgvector's advice for {count:,} "
                f"rows is rows / 1000, so {advised}; more lists are smaller.",
            )
        )
        probes = int(
            live_slider(
                "Probes",
                key=state.REAL_PROBES,
                minimum=1,
                maximum=max(2, lists),
                value=state.DEFAULT_PROBES,
                log=lists > 40,
                help="ivfflat.probes: lists that a query visits, 1 to the number of lists.",
            )
        )
    real, error = None, None
    with left:
        with st.spinner(f"pgvector builds an index of {count:,} rows with {lists:,} lists…"):
            model = rows.model(min(lists, count))
            try:
                real = rows.real(lists)
            except PgvistaError as raised:
                error = raised
        real_chart(real, model, probes, key="learn_ivfflat_real_chart")
    with right:
        if error is not None:
            show_error(error)
        if real is not None:
            _figures(real, probes, lists)
    if real is not None:
        sql_behind(real.sql, name="real_sql")


def _figures(real: RealIndex, probes: int, lists: int) -> None:
    point = next((point for point in real.points if point.value >= probes), real.points[-1])
    st.markdown(
        f"With probes **{point.value}**: recall **{point.recall:.2f}**, "
        f"{100 * (point.looked_at or 0) / real.rows:.0f} % of {real.rows:,} rows looked at, "
        f"{milliseconds(point.p50_ms)} a query.  \n"
        f":gray[Built in {milliseconds(real.build_ms)}, {size(real.index_bytes)}.]"
    )
    if lists > real.rows:
        st.markdown(
            f":material/info: {lists:,} lists for {real.rows:,} rows: most lists are empty, so a few "
            f"probes find {point.rows:.1f} rows of 10."
        )
    elif point.value >= lists:
        st.markdown(
            ":material/info: Every list is visited: nothing is missed, and nothing is saved."
        )
    for notice in real.notices:
        st.markdown(f":material/info: {plain(notice)}")


def remember_step() -> None:
    """Say what stays, and open the real pages."""
    st.markdown(
        "1. **Lists are fixed when the index is built.** Build it when the rows are there, and "
        "`reindex` when they have changed.\n"
        "2. **Probes is the knob of a query.** Neighbours over a border are lost with one probe; "
        "with all lists nothing is, and nothing is saved.\n"
        "3. **Begin with rows / 1000 lists** (√rows above a million) **and √lists probes**, then "
        "measure recall on your own rows."
    )
    with st.container(border=True):
        st.markdown("**Try it on your collection**")
        name = st.query_params.get(PARAMETER)
        which = {} if name is None else {PARAMETER: name}
        try_it("Build an IVFFlat index", "indexes", **which)
        probes = int(st.session_state.get(state.REAL_PROBES) or state.DEFAULT_PROBES)
        try_it(
            f"Search by an index with probes {probes}, beside the exact rows",
            "pages/tune/live.py",
            live_probes=str(probes),
            **which,
        )
        try_it("Measure recall and time over many probes", "pages/tune/sweep.py", **which)
