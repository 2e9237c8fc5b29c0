"""The page Evaluate: the query set, and three parts of which only the open one runs."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.ui import evaluate_state as state
from pgvista.ui.components.panels import empty_state
from pgvista.ui.errors import guarded
from pgvista.ui.evaluate_grid import grid_view
from pgvista.ui.evaluate_judge import judge_view
from pgvista.ui.evaluate_measure import measure_view
from pgvista.ui.evaluate_sets import choose_set

PARTS = {
    state.MEASURE: measure_view,
    state.GRID: grid_view,
    state.JUDGE: judge_view,
}


def evaluate_view(db: Database, collection: Collection) -> None:
    """Draw the page for one collection."""
    if not state.modes(collection):
        empty_state(
            "No question can be asked here",
            f"The vectors of {collection.name} come from elsewhere and it has no text, so neither "
            "meaning nor words can be searched. Name its model or its text on the page Collections.",
            key="evaluate_unaskable",
            icon=":material/help:",
        )
        return
    chosen = choose_set(db, collection)
    if chosen is None:
        return
    part = st.segmented_control(
        "Part",
        list(PARTS),
        key=state.PART,
        required=True,
        default=None if state.PART in st.session_state else state.MEASURE,
        label_visibility="collapsed",
        persist_state="session",
    )
    with guarded():
        PARTS[part or state.MEASURE](db, collection, chosen)
