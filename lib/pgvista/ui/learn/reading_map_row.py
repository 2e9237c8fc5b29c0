"""One row of the lesson on maps: its true neighbours, those near on the map, and the difference."""

from __future__ import annotations

import random
import zlib
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pgvista.science.lesson_reading_map import errors_at, rank_on_map
from pgvista.services.lesson_reading_map import UMAP
from pgvista.ui.learn.frame import keep_in_address, predict, verdict
from pgvista.ui.learn.reading_map_charts import CONFIG, MAP_PX, errors_figure
from pgvista.ui.learn.reading_map_state import LessonData, plain_line, ready
from pgvista.ui.theme import palette

_ROW = "learn_reading_map_row"
_ANSWERS = ("0 to 2", "3 or 4", "5 or 6", "7 or 8", "9 or 10")


def one_row(data: LessonData) -> None:
    """Draw one row on the map by UMAP, ask how many neighbours it keeps, and show which."""
    if not ready(data, UMAP):
        return
    made, rows = data.picture(UMAP), data.lesson.rows
    place = _row_choice(data)
    found = errors_at(rows, made.xy, place)
    guess = predict(
        f"kept_{zlib.crc32(data.lesson.ids[place].encode()):08x}",
        f"Of its {rows.k} truly nearest rows, how many are among its {rows.k} nearest on this map?",
        _ANSWERS,
    )
    if guess is not None:
        kept = len(found.true)
        verdict(
            guess,
            _ANSWERS[min(4, max(0, (kept - 1) // 2))],
            f"{kept} of {rows.k} are near on the map, {len(found.missing)} lie elsewhere, and "
            f"{len(found.false)} rows near on the map are no neighbours. The mean of all rows is "
            f"{made.mean_kept * rows.k:.1f}.",
        )
    left, right = st.columns((0.55, 0.45), gap="medium")
    with left:
        st.plotly_chart(
            errors_figure(
                made.xy,
                found,
                data.titles,
                palette(),
                revealed=guess is not None,
                height=MAP_PX + 20,
            ),
            key="learn_reading_map_errors",
            config=CONFIG,
            alt=f"UMAP of {len(data):,} rows with one row marked"
            + (
                f": {len(found.true)} true neighbours near, {len(found.missing)} elsewhere, "
                f"{len(found.false)} false ones"
                if guess is not None
                else ""
            ),
        )
    with right:
        if guess is None:
            st.markdown(
                ":gray[The star is the row. Its true neighbours are those with the smallest "
                f"{rows.metric.label} distance among all {len(data):,} rows.]"
            )
        else:
            _neighbour_table(data, place)


def _row_choice(data: LessonData) -> int:
    """Draw the choice of a row by its title, and return its place."""
    kept = data.picture(UMAP).kept
    order = sorted(range(len(data)), key=lambda place: (data.titles[place].lower(), place))
    state = st.session_state
    known = {row_id: place for place, row_id in enumerate(data.lesson.ids)}
    usual = int(np.abs(kept - np.nanmedian(kept)).argmin())
    if known.get(str(state.get(_ROW))) is None:
        state[_ROW] = data.lesson.ids[usual]
    keep_in_address({_ROW: data.lesson.ids[usual]})
    if known.get(str(state.get(_ROW))) is None:  # the address named a row that is not there
        state[_ROW] = data.lesson.ids[usual]

    def another() -> None:
        state[_ROW] = random.choice(data.lesson.ids)  # noqa: S311 - no secret

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Row",
            [data.lesson.ids[place] for place in order],
            key=_ROW,
            format_func=lambda row_id: plain_line(data.titles[known[row_id]]),
            persist_state="session",
            width=460,
        )
        st.button(
            "Another row",
            key="learn_reading_map_another",
            icon=":material/casino:",
            on_click=another,
        )
    return known[str(state[_ROW])]


def _neighbour_table(data: LessonData, place: int) -> None:
    """List the true neighbours, how far they are, and which neighbours they are on the map."""
    xy, rows, shades = data.picture(UMAP).xy, data.lesson.rows, palette()
    near = rows.true[place].tolist()
    ranks = [rank_on_map(xy, place, other) for other in near]
    frame = pd.DataFrame(
        {
            "": range(1, len(near) + 1),
            "On the map": ranks,
            "True neighbour": [plain_line(data.titles[other]) for other in near],
            "Distance": rows.knn.distances[place, : len(near)],
        }
    )

    def colour(rank: Any) -> str:
        return f"color: {shades.primary if rank <= rows.k else shades.keyword_text}"

    st.dataframe(
        frame.style.map(colour, subset=["On the map"]).format({"Distance": "{:.3f}"}),
        hide_index=True,
        width="stretch",
        height="content",
        row_height=29,
        column_config={
            "": st.column_config.NumberColumn(width=36, help="Place among the true neighbours."),
            "True neighbour": st.column_config.TextColumn(width=215),
            "Distance": st.column_config.NumberColumn(width=76),
            "On the map": st.column_config.NumberColumn(
                width=90, help="Place among the neighbours on the map; up to 10 it is kept."
            ),
        },
    )
