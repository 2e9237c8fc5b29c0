"""The lesson on IVFFlat: cells, probes, borders, how many lists, learning too early, the real index."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.index import advised_lists
from pgvista.science.lesson_ivfflat import advised_probes, compared, visit
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import guarded
from pgvista.ui.learn import ivfflat_state as state
from pgvista.ui.learn.frame import (
    Step,
    keep_in_address,
    predict,
    sql_behind,
    verdict,
)
from pgvista.ui.learn.ivfflat_charts import lists_chart
from pgvista.ui.learn.ivfflat_plane import SPLIT, picture, probes_knob, see_cells
from pgvista.ui.learn.ivfflat_real import real_step, remember_step

_MOST_PROBES = 4
_OWN = ("all 10", "7 to 9", "4 to 6", "0 to 3")
_LOOKED = ("about 5 %", "about 20 %", "more than half")


def ivfflat_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step(
            "cells",
            "A query looks into the nearest cells only",
            partial(see_cells, db),
            "Each cross is a **centroid**, each cell a **list**. Drag the query slowly over a border "
            "and watch another cell light up. Ask: what happens to the rows just over the border? "
            "The usual wrong idea: that IVFFlat looks around the query. It looks into whole lists, "
            "chosen by their centroids.",
        ),
        Step(
            "border",
            "A query near a border loses neighbours",
            _border,
            "Let the class predict first. Then move the query from the centroid to the border: "
            "nothing is lost in the middle of a cell. Ask: would a better k-means help? No: some "
            "border is always near. Probes is the remedy, one more list for each side.",
        ),
        Step(
            "lists",
            "Many small lists, or few large ones",
            _lists,
            "A query pays for the centroids and for the rows of the visited lists. Few lists are "
            "large; with too many, the centroids themselves are the work. Ask for the best number "
            "at 10 million rows before moving the slider. The advice is a place to begin: measure.",
        ),
        Step(
            "too early",
            "Centroids learnt from too little",
            partial(_early, db),
            "The usual mistake in practice: `create index` in the migration, before the data. "
            "Centroids never move afterwards. Rows that came later fall into the lists at the edge. "
            "Ask: what mends it? `reindex`, once the rows are there.",
        ),
        Step(
            "pgvector",
            "The same knobs on pgvector's own index",
            partial(real_step, db),
            "These are real rows and a real index; the dotted line is this page's own k-means. In the "
            "plane one list found nearly all. In hundreds of dimensions a cell has many neighbours, "
            "so with real texts one list often finds far less. "
            "Ask: how much of the table must be read for a recall of 0.95?",
        ),
        Step(
            "remember",
            "What to remember",
            remember_step,
            "Let the class say the three sentences before you show them. Then open the real pages.",
        ),
    )


def _border() -> None:
    way = state.plane_border()
    cut = state.plane_lists(state.DEFAULT_LISTS)
    own = visit(state.plane(), cut, way.end, 1).hits
    guess = predict("border", "How many of its 10 nearest rows lie in the query's own list?", _OWN)
    if guess is None:
        left, right = st.columns(SPLIT, gap="medium")
        with left:
            picture(cut, key=f"{state.QUERY}_asked", query=way.end, probes=1, fixed=True)
        right.markdown("probes = 1: the query looks into its own list, and into no other.")
        return
    answer = _OWN[0 if own == 10 else 1 if own >= 7 else 2 if own >= 4 else 3]
    verdict(guess, answer, f"{own} of the 10 are found; the others lie over the border.")
    _along()


@st.fragment
def _along() -> None:
    keep_in_address({state.WAY: 100.0, state.BORDER_PROBES: 1.0})
    cut, way = state.plane_lists(state.DEFAULT_LISTS), state.plane_border()
    left, right = st.columns(SPLIT, gap="medium")
    with right:
        share = live_slider(
            "From the centroid to the border",
            key=state.WAY,
            minimum=0,
            maximum=100,
            value=100,
            format="{:.0f} %",
            help="0 %: the query lies on the centroid of its list; 100 %: where it was asked.",
        )
        probes = probes_knob(_MOST_PROBES, state.BORDER_PROBES)
        place = way.at(share / 100)
        found = [visit(state.plane(), cut, place, number) for number in range(1, _MOST_PROBES + 1)]
        st.markdown(
            "| probes | rows looked at | found |\n|--:|--:|--:|\n"
            + "\n".join(
                f"| {_strong(number, number == probes)} | {_strong(seen.looked_at, number == probes)} "
                f"| {_strong(f'{seen.hits} of {seen.due}', number == probes)} |"
                for number, seen in enumerate(found, 1)
            )
        )
    along = f"{state.QUERY}_along"
    st.session_state[f"{along}_x"], st.session_state[f"{along}_y"] = place
    with left:
        picture(cut, key=along, query=place, probes=probes, fixed=True)


@st.fragment
def _lists() -> None:
    keep_in_address(
        {
            state.LISTS: float(state.DEFAULT_LISTS),
            state.PROBES: float(state.DEFAULT_PROBES),
            state.TABLE_ROWS: float(state.DEFAULT_TABLE_ROWS),
        }
    )
    left, right = st.columns(SPLIT, gap="medium")
    with right:
        lists = int(
            live_slider(
                "Lists",
                key=state.LISTS,
                minimum=2,
                maximum=state.MAX_LISTS,
                value=state.DEFAULT_LISTS,
                help="Of the 2,000 rows of the plane.",
            )
        )
        probes = probes_knob(lists, state.PROBES)
        mark = state.plane_point(lists, probes)
        st.markdown(
            f"Over {state.ASKED} queries: recall **{mark.recall:.2f}**, {lists} centroids and "
            f"{mark.looked_at:,.0f} rows compared, of {state.ROWS:,}."
        )
        with st.container(border=True, key="learn_ivfflat_advice"):
            _advice()
    with left:
        curves = {count: state.plane_curve(count) for count in (*state.OTHER_LISTS, lists)}
        lists_chart(curves, lists, mark, state.ROWS, key="learn_ivfflat_lists_chart")


def _advice() -> None:
    rows = int(
        live_slider(
            "pgvector's advice for",
            key=state.TABLE_ROWS,
            minimum=1_000,
            maximum=100_000_000,
            value=state.DEFAULT_TABLE_ROWS,
            step=1_000,
            log=True,
            format="{:,.0f} rows",
            help="lists: rows / 1000 up to a million rows, the square root of rows above; probes: "
            "the square root of lists. A place to begin.",
        )
    )
    lists = advised_lists(rows)
    probes = advised_probes(lists)
    cost = compared(rows, lists, probes)
    rule = "rows / 1000" if rows <= 1_000_000 else "√rows"
    st.markdown(
        f"lists **{lists:,}** ({rule}), {rows / lists:,.0f} rows each; probes **{probes:,}** (√lists): "
        f"{cost:,} vectors compared, {100 * cost / rows:.2g} % of the rows."
    )


def _early(db: Database) -> None:
    built_on, lists = state.DEFAULT_EARLY, state.DEFAULT_LISTS
    guess = predict(
        "early",
        f"{lists} lists are learnt from the first {built_on} rows; {state.ROWS - built_on:,} come later. "
        "How many of all rows does probes = 1 look at?",
        _LOOKED,
    )
    if guess is None:
        left, right = st.columns(SPLIT, gap="medium")
        with left:
            picture(
                state.plane_lists(lists),
                key=f"{state.QUERY}_before",
                query=state.DEFAULT_QUERY,
                probes=1,
                fixed=True,
                early=built_on,
            )
        right.markdown(
            "The cells here are those learnt from all rows. Those that were there first are marked: "
            "rows come from the left to the right, as rows of a table come by date or by source."
        )
        return
    cut = state.early_lists(lists, built_on)
    mean = state.early_point(lists, built_on).looked_at / state.ROWS
    with guarded():
        mean = (state.real_plane(db, lists, built_on).points[0].looked_at or 0) / state.ROWS
    answer = _LOOKED[0 if mean < 0.1 else 1 if mean < 0.5 else 2]
    verdict(
        guess,
        answer,
        f"{100 * mean:.0f} % on average, where lists of equal size would be {100 / lists:.0f} %: "
        f"in the picture, one list alone holds {100 * cut.sizes.max() / state.ROWS:.0f} % of the rows.",
    )
    _learnt(db)


@st.fragment
def _learnt(db: Database) -> None:
    keep_in_address({state.BUILT_ON: state.DEFAULT_EARLY})
    lists = state.DEFAULT_LISTS
    left, right = st.columns(SPLIT, gap="medium")
    with right:
        if st.session_state.get(state.BUILT_ON) not in state.EARLY:
            st.session_state[state.BUILT_ON] = state.DEFAULT_EARLY
        built_on = st.select_slider(
            "Rows there when the index is built",
            state.EARLY,
            key=state.BUILT_ON,
            persist_state="session",
            format_func=lambda count: f"{count:,}",
            help="Rows come from the left to the right, as rows of a table come by date or source.",
        )
        model, whole = state.early_point(lists, built_on), state.early_point(lists, state.ROWS)
        table = [
            "| learnt from | rows looked at | recall |",
            "|:--|--:|--:|",
            _row(f"model, {built_on:,} rows", model.looked_at, model.recall),
            _row("model, all rows", whole.looked_at, whole.recall),
        ]
        real = None
        with guarded():
            real = state.real_plane(db, lists, built_on)
            best = state.real_plane(db, lists, state.ROWS)
            for name, index in ((f"{built_on:,} rows", real), ("all rows", best)):
                point = index.points[0]
                table.append(_row(f"**pgvector, {name}**", point.looked_at or 0, point.recall))
        st.markdown("\n".join(table))
        st.markdown(
            f":gray[probes = 1, mean of {state.ASKED} queries. More rows looked at is more time; "
            "the centroids never move again. `reindex` learns anew.]"
        )
        if real is not None:
            for notice in real.notices:
                st.markdown(f":material/info: pgvector says: {notice}")
    with left:
        picture(
            state.early_lists(lists, built_on),
            key=f"{state.QUERY}_late",
            query=state.DEFAULT_QUERY,
            probes=1,
            early=built_on if built_on < state.ROWS else 0,
        )
    if real is not None:
        sql_behind(real.sql, name="early_sql")


def _row(name: str, looked_at: float, recall: float) -> str:
    return f"| {name} | {100 * looked_at / state.ROWS:.1f} % | {recall:.2f} |"


def _strong(value: object, strong: bool) -> str:
    return f"**{value}**" if strong else f"{value}"
