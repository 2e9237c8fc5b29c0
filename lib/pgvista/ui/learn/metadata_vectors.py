"""The step of the lesson on metadata where a vector index stands beside those on the year."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.search import IterativeScan
from pgvista.services.lesson_metadata import VECTOR_YEARS, VectorLesson, VectorRun
from pgvista.sql.lesson_metadata import Form, condition_text
from pgvista.ui.learn.frame import predict, presenting, sql_behind, try_it, verdict
from pgvista.ui.learn.lessons import lessons
from pgvista.ui.learn.metadata_state import measured_vectors

_SCAN = "learn_metadata_scan"
_GUESSES = ("all ten", "some of them", "none")


def vectors(db: Database) -> None:
    """Ask for the ten nearest rows of a year by three conditions."""
    found = measured_vectors(db)
    if found is None:
        return
    year = VECTOR_YEARS[0]
    asked = _of(found, Form.TEXT, year, IterativeScan.OFF)
    st.markdown(
        "Indexes: HNSW on the vectors, btree on the column, GIN on the metadata. Asked: the ten "
        f"nearest of the **{found.counts.get(year, 0)}** rows of {year}."
    )
    guess = predict(
        "starved",
        f"How many of the ten come out by `{condition_text(Form.TEXT, year)}`?",
        _GUESSES,
    )
    if guess is None:
        return
    answer = _GUESSES[0] if asked.rows >= 10 else _GUESSES[1] if asked.rows else _GUESSES[2]
    way = (
        "No index serves this condition, so the vector index was read: "
        f"{asked.rows or 'none'} of its 40 rows met the condition."
        if asked.by_vector
        else "The planner compared every row that meets the condition."
    )
    verdict(guess, answer, way)
    _table(found)


@st.fragment
def _table(found: VectorLesson) -> None:
    scans = list(dict.fromkeys(run.scan for run in found.runs))
    scan = IterativeScan.OFF
    if len(scans) > 1:
        scan = st.segmented_control(
            "hnsw.iterative_scan", scans, key=_SCAN, default=scans[0], required=True,
            format_func=_scan_named if presenting() else str,
            label_visibility="collapsed" if presenting() else "visible",
            help="strict_order: the index goes on until ten rows have met the condition.",
        )  # fmt: skip
    lines = [
        "| Condition | Expected | There are | Rows chosen by | Rows of 10 | Pages |",
        "|:--|--:|--:|:--|--:|--:|",
    ]
    runs = [run for run in found.runs if run.scan == scan]
    lines += [_line(run, found.counts.get(run.year, 0)) for run in runs]
    st.markdown("\n".join(lines))
    st.markdown(
        "Where few rows are expected, the condition's index comes first; else the vector index, which "
        "needs an iterative scan."
    )
    if presenting():
        return
    following = next((lesson for lesson in lessons() if lesson.key == "filtering"), None)
    if following is not None:
        try_it(f"More on this: the lesson {following.title}", following.path)
    sql_behind([found.sql, *(run.sql for run in runs)], name="vectors")


def _scan_named(scan: IterativeScan) -> str:
    return f"hnsw.iterative_scan = {scan}"


def _line(run: VectorRun, there: int) -> str:
    way = ":orange[the vector index]" if run.by_vector else ":primary[the condition's index]"
    got = f"**{run.rows}**" if run.rows >= 10 else f":red[**{run.rows}**]"
    return (
        f"| `{condition_text(run.form, run.year)}` | {run.estimated:,.0f} | {there:,} | {way} | {got} "
        f"| {run.pages:,} |"
    )


def _of(found: VectorLesson, form: Form, year: int, scan: IterativeScan) -> VectorRun:
    return next(run for run in found.runs if (run.form, run.year, run.scan) == (form, year, scan))
