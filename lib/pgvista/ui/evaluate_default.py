"""The winner of a grid as the default of a collection, and the way back to pgvista's own."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.evaluation_grid import Decision, Grid, GridSetting
from pgvista.services.evaluate import template
from pgvista.services.search_defaults import default_request, set_search_defaults
from pgvista.ui import evaluate_state as state
from pgvista.ui.confirm import READ_ONLY
from pgvista.ui.errors import guarded, plain

_NAMES = {
    "mode": "Mode",
    "fusion": "Fusion",
    "rrf_k": "RRF k",
    "semantic_weight": "Semantic weight",
    "keyword_weight": "Keyword weight",
    "keyword_match": "Words match",
    "keyword_rank": "Words ranked by",
}


def own_defaults(db: Database, collection: Collection) -> None:
    """Say what the collection searches with by default, and offer pgvista's own where it differs."""
    whose = "" if default_request(collection) else " (pgvista's own)"
    label = GridSetting.of(state.present(collection)).label
    st.markdown(f":small[:gray[What you have: {plain(label + whose)}]]", width="content")
    if default_request(collection) and st.button(
        "Back to pgvista's own",
        key="evaluate_default_reset",
        type="tertiary",
        icon=":material/lock:" if db.read_only else ":material/undo:",
        disabled=db.read_only,
        help=READ_ONLY if db.read_only else "Forgets the defaults of this collection.",
    ):
        _set(db, collection, {})


def take_button(db: Database, collection: Collection, grid: Grid) -> None:
    """Draw the button that makes the best setting the collection's default, after a look at it."""
    changes = _changes(collection, grid)
    if not changes:
        return
    if st.button(
        f"Make it the default of {plain(collection.name)}",
        key="evaluate_default",
        type="primary" if grid.decision is Decision.TAKE else "secondary",
        icon=":material/lock:" if db.read_only else ":material/star:",
        disabled=db.read_only,
        help=READ_ONLY
        if db.read_only
        else "Searches of this collection begin with it, on every page and for everybody.",
    ):
        _dialog(db, collection, grid)


@st.dialog("Make it the default")
def _dialog(db: Database, collection: Collection, grid: Grid) -> None:
    """Show what changes, and do it once agreed."""
    st.markdown(f"Searches of **{plain(collection.name)}** begin with:")
    rows = "".join(
        f"| {plain(name)} | {plain(before)} | **{plain(after)}** |\n"
        for name, before, after in _changes(collection, grid)
    )
    st.markdown(f"| | now | then |\n|:--|:--|:--|\n{rows}")
    if grid.decision is not Decision.TAKE:
        st.warning(
            "The held-out queries do not show that it is better than what you have.",
            icon=":material/warning:",
        )
    st.markdown(
        ":small[:gray[Kept in the catalog of the database, or in this session where the role may "
        "not write there. Knobs on the page Search can still be moved.]]"
    )
    with st.container(horizontal=True):
        if st.button("Make it the default", key="evaluate_default_go", type="primary"):
            with guarded():
                fields = default_request(collection) | grid.best.setting.fields()
                _set(db, collection, fields)
        if st.button("Cancel", key="evaluate_default_cancel"):
            st.rerun()


def _set(db: Database, collection: Collection, fields: dict[str, Any]) -> None:
    set_search_defaults(db, collection, fields)
    said = "has its new default" if fields else "begins with pgvista's own settings again"
    st.session_state["_evaluate_said"] = f"{plain(collection.name)} {said}"
    st.rerun()


def _changes(collection: Collection, grid: Grid) -> list[tuple[str, str, str]]:
    """Return what the best setting changes: name, now, then."""
    now = template(**default_request(collection))
    found = []
    for name, value in grid.best.setting.fields().items():
        before = getattr(now, name)
        if before != value:
            found.append((_NAMES[name], _written(before), _written(value)))
    return found


def _written(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:g}"
