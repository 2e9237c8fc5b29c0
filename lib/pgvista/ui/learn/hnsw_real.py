"""The steps of the lesson on HNSW that run on the reader's rows and on pgvector's own index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.index import DEFAULT_EF_CONSTRUCTION, DEFAULT_M
from pgvista.model.lesson_index import RealIndex
from pgvista.science.hnsw import Hnsw, Near
from pgvista.science.hnsw_recall import EfPoint, missed, nearest, plane_ranks
from pgvista.science.hnsw_walk import walk
from pgvista.services.lesson_hnsw import FEWEST
from pgvista.ui.components.hnsw_player import (
    Scene,
    hnsw_graph,
    hnsw_player,
    pack_graph,
    pack_walk,
)
from pgvista.ui.components.panels import milliseconds
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.format import size
from pgvista.ui.learn import hnsw_state as state
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import (
    Guess,
    keep_in_address,
    predict,
    presenting,
    sql_behind,
    try_it,
    verdict,
)
from pgvista.ui.learn.hnsw_account import account
from pgvista.ui.learn.hnsw_charts import real_chart
from pgvista.ui.learn.hnsw_knobs import below_limit, build_knobs, ef_knob
from pgvista.ui.learn.hnsw_rows import Arena, Rows, plane_arena, rows_arena, rows_of
from pgvista.ui.state import PARAMETER, chosen_name

_BOARD = "rows"
_BUILDS, _MOST_BUILDS = "_learn_hnsw_builds", 5
_NEAR = ("9 or 10", "5 to 8", "1 to 4", "none")
_TITLE_CHARS = 40
_PLANE, _ROWS = "The plane", "Real rows"
_DIFFERENCES = """
The same: twice m links on layer 0 and m above, the heuristic that chooses them, a list of one above
layer 0 and of ef_search on it, and where the walk stops.

Different in pgvector:
- Its levels come from other random numbers, so its graph is another one; small differences of recall
  are chance, and so they are between two builds of pgvector.
- A node holds up to ten rows that are equal; the model keeps all equal points in one.
- Nodes lie on pages of 8 kB, of a table that others write: rows that were deleted are skipped and
  repaired by vacuum, and a graph that outgrows maintenance_work_mem is built on disk.
- With iterative scans it can go on where the list ends; the model ends there.
"""


def rows_step(db: Database) -> None:
    """Walk among the reader's rows in all their dimensions."""
    collection = lesson_collection(db, needs="vectors", rows=FEWEST)
    if collection is None:
        return
    rows = rows_of(db, collection)
    with st.spinner("Rows are drawn and linked…"):
        graph, (plane, asked) = rows.graph(DEFAULT_M, DEFAULT_EF_CONSTRUCTION), rows.plane()
        titles = rows.titles()
    guess = predict(
        "picture",
        f"The vectors have {graph.points.shape[1]:,} dimensions, the picture two (PCA). Of the "
        f"{state.LIMIT} true neighbours, how many are among the {state.LIMIT} nearest points here?",
        _NEAR,
    )
    _walk_rows(rows, guess)
    hnsw_graph(
        pack_graph(
            graph, plane, board=_BOARD, token=rows.token, titles=titles[: len(plane)], others=asked
        ),
        key="learn_hnsw_graph_rows",
    )


@st.fragment
def _walk_rows(rows: Rows, guess: Guess | None) -> None:
    with guarded():
        keep_in_address({state.ROW: 0, state.ROW_EF: 40.0})
        sample, graph = rows.sample(), rows.graph(DEFAULT_M, DEFAULT_EF_CONSTRUCTION)
        plane, asked = rows.plane()
        number = _row(len(sample.queries))
        title = rows.titles()[len(sample.ids) + number]
        at = tuple(asked[number].tolist())
        if guess is None:
            scene = Scene(
                board=_BOARD, token=rows.token, at=at, still=True, whole=True, can_click=False,
                alt=f"{len(plane):,} rows in the plane of their first two principal components.",
                rest_rem=17 if presenting() else 27.5,
            )  # fmt: skip
            hnsw_player(pack_walk(None, scene), key="learn_hnsw_rows_still", token=rows.token)
            return
        truth = nearest(graph.points, sample.queries[number], state.LIMIT, graph.metric)
        places = [place for _, place in truth]
        ranks = plane_ranks(plane, asked[number], places)
        inside = sum(rank <= state.LIMIT for rank in ranks)
        others = sorted(rank for rank in ranks if rank > state.LIMIT)
        far = (
            f"; the others have rank {_listed(others)}. It walks by all dimensions, so here it seems "
            "to jump"
            if others
            else ""
        )
        verdict(
            guess,
            _NEAR[0 if inside >= 9 else 1 if inside >= 5 else 2 if inside else 3],
            f"{inside} of the {len(ranks)} are{far}.",
        )
        left, right = st.columns((0.66, 0.34), gap="medium", vertical_alignment="center")
        with left, st.container(horizontal=True, vertical_alignment="center"):
            name = title if len(title) <= _TITLE_CHARS else f"{title[: _TITLE_CHARS - 1]}…"
            st.markdown(f"Query: **{plain(name)}**", width="content")
            st.button(
                "Another query", key="learn_hnsw_row_other", icon=":material/casino:",
                type="tertiary", on_click=_next, args=(len(sample.queries),),
            )  # fmt: skip
        with right:
            ef = ef_knob(state.ROW_EF, 40)
        below_limit(ef, state.LIMIT)
        _equal_rows(graph)
        found = walk(graph, sample.queries[number], ef=ef, limit=state.LIMIT)
        lost = missed(found.found, truth)
        scene = Scene(
            board=_BOARD,
            token=rows.token,
            at=at,
            truth=tuple(places),
            missed=lost,
            texts=account(graph, found, due=len(truth), missed=len(lost)),
            alt=f"{len(plane):,} rows in the plane of their first two principal components; "
            f"{len(truth) - len(lost)} of {len(truth)} neighbours found.",
            rest_rem=24.8 if presenting() else 34,
        )
        hnsw_player(
            pack_walk(found, scene),
            key="learn_hnsw_rows_walk",
            token=rows.token,
            clicked=lambda place: _nearest_query(place, asked.tolist()),
        )
        if not presenting():
            with st.expander(f"The {len(truth)} true neighbours", icon=":material/table_rows:"):
                _table(truth, ranks, lost, rows.titles())


def _equal_rows(graph: Hnsw) -> None:
    """Say where rows have one vector."""
    rows, nodes = len(graph.points), len(graph.layers[0])
    if nodes == 1:
        st.markdown(
            f":material/info: **All {rows:,} rows have the same vector:** they share one node, so there "
            "is nothing to walk, and no row is nearer than another."
        )
    elif nodes < rows:
        st.markdown(
            f":material/info: {rows - nodes:,} of {rows:,} rows have the vector of another row, and "
            "share its node."
        )


def _row(count: int) -> int:
    number = st.session_state.get(state.ROW, 0)
    return number % count if isinstance(number, int) else 0


def _next(count: int) -> None:
    st.session_state[state.ROW] = (_row(count) + 1) % count


def _nearest_query(place: tuple[float, float], asked: list[list[float]]) -> None:
    gaps = [np.hypot(x - place[0], y - place[1]) for x, y in asked]
    st.session_state[state.ROW] = int(np.argmin(gaps))


def _listed(ranks: list[int]) -> str:
    """Write ranks: "12, 40, 98 … 812"."""
    shown = [f"{rank:,}" for rank in ranks]
    return ", ".join(shown) if len(shown) < 5 else f"{', '.join(shown[:3])} … {shown[-1]}"


def _table(
    truth: Sequence[Near], ranks: Sequence[int], lost: Sequence[int], titles: Sequence[str]
) -> None:
    frame = pd.DataFrame(
        {
            "Row": [titles[place] for _, place in truth],
            "Distance": [distance for distance, _ in truth],
            "Rank in the picture": ranks,
            "By the walk": ["missed" if place in lost else "found" for _, place in truth],
        },
        index=pd.RangeIndex(1, len(truth) + 1, name="True rank"),
    )
    st.dataframe(
        frame,
        column_config={"Distance": st.column_config.NumberColumn(format="%.4f")},
    )


def real_step(db: Database) -> None:
    """Put pgvector's index beside the model, on the same points with the same knobs."""
    keep_in_address({state.REAL_ON: _PLANE})
    if st.session_state.get(state.REAL_ON) not in (_PLANE, _ROWS):
        st.session_state[state.REAL_ON] = _PLANE
    chosen = st.segmented_control(
        "Points", [_PLANE, _ROWS], key=state.REAL_ON, required=True,
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if chosen == _ROWS:
        collection = lesson_collection(db, needs="vectors", rows=FEWEST)
        if collection is None:
            return
        rows = rows_of(db, collection)
        with st.spinner("Rows are drawn…"):
            rows.sample()
        _compare(db, rows_arena(rows))
    else:
        _compare(db, plane_arena())


@st.fragment
def _compare(db: Database, arena: Arena) -> None:
    with guarded():
        keep_in_address(
            {state.REAL_M: state.PLANE_M, state.REAL_EF_CONSTRUCTION: state.PLANE_EF_CONSTRUCTION}
        )
        left, right = st.columns((0.62, 0.38), gap="medium")
        above, beneath = left.container(), left.container()
        with right:
            m, ef_construction = build_knobs(
                state.REAL_M,
                state.REAL_EF_CONSTRUCTION,
                m=state.PLANE_M,
                ef_construction=state.PLANE_EF_CONSTRUCTION,
            )
            builds: tuple[RealIndex, ...] = ()
            error: PgvistaError | None = None
            with st.spinner(f"pgvector and the model link {len(arena.points):,} points…"):
                model = arena.model(m, ef_construction)
                try:
                    builds = _builds(db, arena, m, ef_construction, beneath)
                except PgvistaError as raised:
                    error = raised
            if error is not None:
                show_error(error)
            _figures(model, builds)
        with above:
            real_chart(model, builds, key="learn_hnsw_real_chart")
        first, second = st.columns(2) if presenting() else (st.container(), st.container())
        with first, st.expander("How the model differs from pgvector", icon=":material/compare:"):
            st.markdown(_DIFFERENCES)
        if builds:
            with second:
                sql_behind(builds[-1].sql, name="real_sql")


def _builds(
    db: Database, arena: Arena, m: int, ef_construction: int, where: DeltaGenerator
) -> tuple[RealIndex, ...]:
    """Return pgvector's index, built as often as was asked for by the button in `where`."""
    counts: dict[object, int] = st.session_state.setdefault(_BUILDS, {})
    key = (arena.key, m, ef_construction)

    def again() -> None:
        counts[key] = counts.get(key, 1) + 1

    with where:
        st.button(
            "Build pgvector's index again",
            key="learn_hnsw_again",
            icon=":material/refresh:",
            type="tertiary",
            help="Levels are drawn at random, so each build is another graph. The lines of earlier "
            "builds stay.",
            on_click=again,
        )
    last = counts.get(key, 1)
    return tuple(
        arena.real(db, m, ef_construction, number)
        for number in range(max(1, last - _MOST_BUILDS + 1), last + 1)
    )


def _figures(model: Sequence[EfPoint], builds: Sequence[RealIndex]) -> None:
    lines = ["| ef_search | model | pgvector |", "|--:|--:|--:|"]
    for place, point in enumerate(model):
        found = [real.points[place].recall for real in builds]
        theirs = f"**{found[-1]:.3f}**" if found else "–"
        if len(found) > 1:
            theirs += f" ({min(found):.3f} to {max(found):.3f})"
        lines.append(f"| {point.ef} | {point.recall:.3f} | {theirs} |")
    st.markdown("\n".join(lines))
    if builds:
        real = builds[-1]
        st.markdown(
            f":gray[Mean recall@{state.LIMIT}. pgvector built its index in "
            f"{milliseconds(real.build_ms)}, {size(real.index_bytes)}.]"
        )
        for notice in real.notices:
            st.markdown(f":material/info: {plain(notice)}")


def remember_step() -> None:
    """Say what stays, and open the real pages."""
    st.markdown(
        "1. **A walk looks at a small part of the points**, so it can end beside a neighbour that no "
        "visited point is linked to. Nothing tells that one was missed: measure recall.\n"
        "2. **ef_search is the knob of a query**: a longer list misses less and costs more. Set it to "
        "the limit at least; fewer places, fewer rows.\n"
        "3. **m and ef_construction are fixed when the index is built.** Begin with pgvector's 16 and "
        "64; more links cost memory and time for every row."
    )
    ef = str(int(st.session_state.get(state.ROW_EF) or 40))
    collection = chosen_name()
    where = {} if collection is None else {PARAMETER: collection}
    with st.container(border=True):
        st.markdown("**Try it on your collection**")
        try_it(
            f"One query by the index beside the exact rows, with ef_search {ef}",
            "pages/tune/live.py", live_ef=ef, **where,
        )  # fmt: skip
        try_it(
            f"Search by meaning with ef_search {ef}",
            "search", search_mode="semantic", search_ef=ef, **where,
        )  # fmt: skip
        try_it("Build an HNSW index", "indexes", **where)
