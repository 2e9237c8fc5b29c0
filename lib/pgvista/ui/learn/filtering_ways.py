"""The later steps of the lesson on filters: what helps, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.lesson_index import RealPoint
from pgvista.model.search import IterativeScan
from pgvista.services.lesson_filtering import EF_SEARCHES, MAX_SCAN_TUPLES, Filtered
from pgvista.ui.format import size
from pgvista.ui.learn import filtering_state as state
from pgvista.ui.learn.filtering_charts import ef_chart, scan_chart, ways_chart
from pgvista.ui.learn.frame import keep_in_address, predict, sql_behind, try_it, verdict
from pgvista.ui.state import PARAMETER

_CHOICES = ("the HNSW index", "the rows of the filter, sorted")
_SPLIT = (0.6, 0.4)


@st.fragment
def ef_step(found: state.Rows, results: Filtered) -> None:
    """Draw rows returned over ef_search, for each share."""
    keep_in_address({state.EF: state.DEFAULT_EF})
    left, right = st.columns(_SPLIT, gap="medium")
    with right:
        if st.session_state.get(state.EF) not in EF_SEARCHES:
            st.session_state[state.EF] = state.DEFAULT_EF
        ef_search = st.select_slider(
            "ef_search",
            EF_SEARCHES,
            key=state.EF,
            format_func=lambda value: f"{value:,}",
            persist_state="session",
            help="hnsw.ef_search: candidates that the index keeps, 1 to 1,000; default 40.",
        )
        points = {
            name: next(point for point in results.by_ef[label] if point.value == ef_search)
            for label, name in state.NAMES.items()
        }
        st.markdown(points_table("meet the filter", points))
        if not state.placed():
            shares = (float(name.removesuffix(" %")) for name in points)
            expected = ", ".join(f"{ef_search * share / 100:g}" for share in shares)
            st.markdown(f":gray[ef_search × share: {expected} rows to be expected.]")
    with left:
        lines = {name: results.by_ef[label] for label, name in state.NAMES.items()}
        ef_chart(lines, ef_search, key="learn_filtering_ef_chart")


@st.fragment
def scan_step(found: state.Rows, results: Filtered) -> None:
    """Draw the iterative scans beside each other."""
    keep_in_address({state.LABEL: state.NARROW, state.TUPLES: state.DEFAULT_TUPLES})
    left, right = st.columns(_SPLIT, gap="medium")
    with right:
        label = _share()
        if st.session_state.get(state.TUPLES) not in MAX_SCAN_TUPLES:
            st.session_state[state.TUPLES] = state.DEFAULT_TUPLES
        most = st.select_slider(
            "max_scan_tuples",
            MAX_SCAN_TUPLES,
            key=state.TUPLES,
            format_func=lambda value: f"{value:,}",
            persist_state="session",
            help="hnsw.max_scan_tuples: rows after which an iterative scan gives up; default 20,000.",
        )
        points = {
            scan.value: results.by_scan[label][scan, most]
            for scan in IterativeScan
            if (scan, most) in results.by_scan[label]
        }
        st.markdown(points_table("iterative_scan", points))
        if len(points) == 1:
            st.info(
                "Iterative scans need pgvector 0.8.0 or newer, and this server has an older one."
            )
        else:
            st.markdown(f":gray[ef_search 40; the table has {results.index.rows:,} rows.]")
    with left:
        scan_chart(points, key="learn_filtering_scan_chart")
    strict = results.by_scan[label].get((IterativeScan.STRICT, most))
    if strict is not None:
        sql_behind(strict.sql, name="scan_sql")


def other_step(db: Database, found: state.Rows, results: Filtered) -> None:
    """Draw the planner's own choice and a partial index beside the others."""
    planner = results.planner[1]
    guess = predict(
        "planner",
        f"The label has an ordinary index too. What does Postgres take by itself at {state.NARROW}?",
        _CHOICES,
    )
    if guess is None:
        st.markdown(
            "```sql\ncreate index on documents using hnsw (embedding vector_cosine_ops);\n"
            "create index on documents (label);\n```"
        )
        return
    verdict(
        guess,
        _CHOICES[0] if planner.used_index else _CHOICES[1],
        f"It took {planner.p50_ms:.2f} ms, and recall is {planner.recall:.2f}.",
    )
    _ways(db, found, results)


@st.fragment
def _ways(db: Database, found: state.Rows, results: Filtered) -> None:
    keep_in_address({state.LABEL: state.NARROW})
    left, right = st.columns((0.5, 0.5), gap="medium")
    with right:
        label = _share()
        planner = results.planner[label]
        partial = state.partial(db, found, label)
        strict = results.by_scan[label].get((IterativeScan.STRICT, state.DEFAULT_TUPLES))
        ways = {
            "HNSW, filter after": results.by_scan[label][IterativeScan.OFF, state.DEFAULT_TUPLES],
            **({} if strict is None else {"HNSW, strict_order": strict}),
            "partial HNSW index": partial.points[0],
            "left to the planner": planner,
        }
        st.markdown(points_table("way", ways))
        took = "the HNSW index" if planner.used_index else "the rows of the filter, and sorted them"
        short = ", and rows are missing: it weighs cost, not recall." if planner.rows < 9.5 else "."
        st.markdown(
            f"The planner took {took}{short} The partial index takes "
            f"{size(partial.index_bytes)}, the whole one {size(results.index.index_bytes)}."
        )
    with left:
        ways_chart(ways, key="learn_filtering_ways_chart")
    sql_behind(partial.sql, name="partial_sql")


def remember_step() -> None:
    """Say what stays, and open the real pages."""
    st.markdown(
        "1. **The filter comes after the index.** Rows to expect: ef_search × share. Compare rows "
        "asked with rows got; no error is raised.\n"
        "2. **Iterative scans go on until there are enough**, up to max_scan_tuples. They cost the "
        "more, the fewer rows meet the filter.\n"
        "3. **For a filter that is always the same, build a partial index; for a narrow one, an "
        "ordinary index on its column**, and the exact way wins."
    )
    name = st.query_params.get(PARAMETER)
    which = {} if name is None else {PARAMETER: name}
    with st.container(border=True):
        st.markdown("**Try it on your collection**")
        try_it(
            "Search with a filter and an iterative scan, beside the exact rows",
            "pages/tune/live.py",
            live_scan=IterativeScan.STRICT.value,
            live_ef_search=str(state.DEFAULT_EF),
            **which,
        )
        try_it("Build a partial index, or one on a column", "indexes", **which)
        try_it("Search with a filter", "search", **which)


def _share() -> int:
    if st.session_state.get(state.LABEL) not in state.NAMES.values():
        st.session_state[state.LABEL] = state.NARROW
    chosen = st.segmented_control(
        "Rows that meet the filter",
        list(state.NAMES.values()),
        key=state.LABEL,
        required=True,
        persist_state="session",
    )
    return state.label_of(chosen)


def points_table(what: str, points: Mapping[str, RealPoint]) -> str:
    """Return Markdown: rows returned, recall and time, a line for each of `points`."""
    lines = [f"| {what} | rows | recall | p50 |", "|:--|--:|--:|--:|"]
    lines += [
        f"| {name} | {point.rows:.1f} | {point.recall:.2f} | {point.p50_ms:.2f} ms |"
        for name, point in points.items()
    ]
    return "\n".join(lines)
