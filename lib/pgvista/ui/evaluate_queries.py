"""A table of the single queries: their value under two settings, the greatest loss first."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from pgvista.io.export import export_rows
from pgvista.model.collection import Collection
from pgvista.model.evaluation import Evaluation
from pgvista.model.search import Mode, SearchRequest
from pgvista.ui.errors import plain
from pgvista.ui.evaluate_names import measure_help
from pgvista.ui.format import plural
from pgvista.ui.search_link import link_parameters
from pgvista.ui.state import go

_ROWS_IN_VIEW = 12


def query_table(collection: Collection, found: Evaluation) -> None:
    """Draw the queries under two settings of an evaluation; a click opens one in Search."""
    names = [setting.name for setting in found.settings]
    measures = list(found.settings[0].measures)
    st.markdown("#### Query by query")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = _choice("Measure", measures, "evaluate_query_measure", measures[0])
        best = Mode.HYBRID.value if Mode.HYBRID.value in names else names[-1]
        setting = _choice("Setting", names, "evaluate_query_setting", best)
        others = [name for name in names if name != setting]
        against = _choice("Against", others, "evaluate_query_against", others[0]) if others else ""
    place = names.index(setting)
    compared = found.by_query(measure, place, names.index(against) if others else place)
    problems = {o.query.id: o.problem for o in found.settings[place].outcomes}
    rows: list[dict[str, Any]] = [
        {
            "query": row.query.text,
            **({against: row.before, setting: row.after, "gain": row.gain} if others else {}),
            **({} if others else {setting: row.after}),
            "id": row.query.id,
            "problem": problems.get(row.query.id, ""),
        }
        for row in compared
    ]
    if others:
        wins, losses = sum(r.gain > 0 for r in compared), sum(r.gain < 0 for r in compared)
        told = (
            f"{setting} against {against}: {plural(wins, 'win')}, "
            f"{plural(losses, 'loss', 'losses')}, {plural(len(rows) - wins - losses, 'tie')}."
        )
    else:
        told = "The lowest values stand first."
    told_line(f"{told} Click a query to open it in Search.", rows, key="evaluate_csv_queries")
    clicked = rows_table(
        rows,
        key=f"evaluate_queries_{measure}_{setting}_{against}",
        measure=measure,
        values=[against, setting, "gain"] if others else [setting],
    )
    if clicked is not None:
        open_in_search(collection, found.settings[place].request, compared[clicked].query.text)


def rows_table(
    rows: list[dict[str, Any]], *, key: str, measure: str, values: list[str]
) -> int | None:
    """Draw a row for each query; return the number of the row that was clicked."""
    number = st.column_config.NumberColumn
    event: Any = st.dataframe(
        rows,
        hide_index=True,
        key=key,
        height=min(len(rows), _ROWS_IN_VIEW) * 35 + 38,
        on_select="rerun",
        selection_mode="single-cell",
        column_order=["query", *values, "id", *(["problem"] if _has_problems(rows) else [])],
        column_config={
            "query": st.column_config.TextColumn("Query", width="medium"),
            **{
                name: number(format="%.3f", width="small", help=measure_help(measure))
                for name in values
            },
            **(
                {"gain": number("Gain", format="%+.3f", width="small", help="Below 0: a loss.")}
                if "gain" in values
                else {}
            ),
            "id": st.column_config.TextColumn("Id", width="small"),
            "problem": st.column_config.TextColumn("Why", width="medium"),
        },
        alt=f"A row for each of {len(rows)} queries with its {measure}",
    )
    cells = event.selection.cells
    return int(cells[0][0]) if cells and cells[0][0] < len(rows) else None


def told_line(told: str, rows: list[dict[str, Any]], *, key: str) -> None:
    """Draw the line above a table of queries: what it shows, and the way to take it along."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":small[:gray[{plain(told)}]]", width="stretch")
        csv_button(rows, key=key, file_name="queries")


def csv_button(rows: list[dict[str, Any]], *, key: str, file_name: str) -> None:
    """Draw the button that takes the rows of a table along."""
    st.download_button(
        "CSV",
        data=partial(export_rows, rows, "csv"),
        file_name=f"{file_name}.csv",
        mime="text/csv",
        key=key,
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def open_in_search(collection: Collection, request: SearchRequest, text: str) -> None:
    """Go to the page Search with a setting and a question."""
    go("search", **link_parameters(collection, request, text))


def _has_problems(rows: list[dict[str, Any]]) -> bool:
    return any(row.get("problem") for row in rows)


def _choice(label: str, options: list[str], key: str, default: str) -> str:
    """Draw a list whose choice outlives a change of the options."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = default
    return str(st.selectbox(label, options, key=key, persist_state="session", width=180))
