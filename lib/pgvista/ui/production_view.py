"""The checklist as the page shows it: what is green, and beside the rest what to run."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.production import Check, Checklist, Goal, Status
from pgvista.services.production import checklist, to_markdown
from pgvista.services.rows import metadata_keys
from pgvista.ui import connection
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import plural
from pgvista.ui.state import link

PAGES = {
    "Indexes": "pages/tune/indexes.py",
    "Live": "pages/tune/live.py",
    "Sweep": "pages/tune/sweep.py",
    "Types and sizes": "pages/tune/types.py",
    "Collections": "pages/data/collections.py",
    "Browse": "pages/data/browse.py",
}
"""Pages that a check leads to, by their titles."""

_FOUND = "_production_found"
_ICONS = {
    Status.OK: ("green", ":material/check_circle:"),
    Status.TODO: ("red", ":material/radio_button_unchecked:"),
    Status.WARNING: ("orange", ":material/warning:"),
    Status.UNKNOWN: ("gray", ":material/help:"),
}
_COUNTED = {
    Status.TODO: ("thing to do", "things to do"),
    Status.WARNING: ("to look at", "to look at"),
    Status.UNKNOWN: ("unknown", "unknown"),
    Status.OK: ("in order", "in order"),
}


def production_view(db: Database, collection: Collection) -> None:
    """Draw the goal and the checklist."""
    left, right = st.columns((0.7, 0.3), gap="medium")
    with right, guarded(stop=True):
        goal = _goal(db, collection)
    with left, guarded(stop=True):
        found = _checked(db, collection, goal)
        _list(collection, found)
    with right:
        _actions(collection, found)


def _goal(db: Database, collection: Collection) -> Goal:
    """Draw what the collection is to reach."""
    with st.container(border=True, key="production_goal", gap="small"):
        st.markdown("**Goal**")
        with st.container(horizontal=True, gap="small"):
            scan_ms = st.number_input(
                "Scan at most, ms", 0.1, 60_000.0, 20.0, step=5.0, format="%.1f",
                key="production_scan",
                help="An exact scan that takes no longer needs no index. Default: 20 ms.",
            )  # fmt: skip
            recall = st.number_input(
                "Recall at least", 0.0, 1.0, 0.95, step=0.01, format="%.2f",
                key="production_recall", help="Mean over the queries of a sweep, 0 to 1.",
            )  # fmt: skip
        names = [column.name for column in collection.columns]
        keys = names + [key for key, _ in metadata_keys(db, collection) if key not in names]
        chosen = st.multiselect(
            "Filters in use", keys, key=f"production_keys_{collection.schema}.{collection.table}",
            placeholder="All columns and metadata",
            help="The keys that searches filter by. None chosen: every column, and metadata.",
        )  # fmt: skip
    return Goal(scan_ms, recall, filter_keys=tuple(chosen) or None)


def _checked(db: Database, collection: Collection, goal: Goal) -> Checklist:
    """Return the checklist of this session, made when there is none for this goal."""
    mark = (connection.current().name, collection, goal)
    known = st.session_state.get(_FOUND)
    if known is not None and known[0] == mark:
        kept: Checklist = known[1]
        return kept
    with st.spinner("Checking: a few exact searches are timed, and rows are counted"):
        found = checklist(db, collection, goal)
    st.session_state[_FOUND] = (mark, found)
    return found


def _list(collection: Collection, found: Checklist) -> None:
    todo = found.count(Status.TODO)
    rest = " · ".join(
        plural(count, *_COUNTED[status])
        for status in (Status.TODO, Status.WARNING, Status.UNKNOWN, Status.OK)
        if (count := found.count(status)) and status is not Status.TODO
    )
    head = "Nothing is left to do" if not todo else plural(todo, *_COUNTED[Status.TODO])
    st.markdown(f"#### {head} &nbsp; :small[:gray[{rest}]]")
    for area in dict.fromkeys(check.area for check in found.checks):
        with st.container(border=True, key=f"production_{area.name.lower()}", gap="small"):
            st.markdown(f"**{area}**")
            for check in found.checks:
                if check.area is area:
                    _check(collection, check)


def _check(collection: Collection, check: Check) -> None:
    colour, icon = _ICONS[check.status]
    title, said = plain(check.title), plain(check.sentence)
    if check.status is Status.OK:
        st.markdown(f":{colour}[{icon}] {title} &nbsp; :small[:gray[{said}]]")
        return
    st.markdown(f":{colour}[{icon}] **{title}** :{colour}-badge[{check.status}]  \n{said}")
    if check.sql:
        sql_panel(check.sql, key=f"production_sql_{check.key}")
    if check.page is not None:
        link(
            PAGES[check.page], check.page, icon=":material/arrow_forward:",
            collection=collection.name,
        )  # fmt: skip


def _actions(collection: Collection, found: Checklist) -> None:
    minutes = (datetime.now(UTC) - found.facts.now).total_seconds() / 60
    when = "just now" if minutes < 1 else f"{minutes:,.0f} min ago"
    st.button(
        "Check again", key="production_again", type="primary", icon=":material/refresh:",
        width="stretch", on_click=lambda: st.session_state.pop(_FOUND, None),
    )  # fmt: skip
    st.download_button(
        "Markdown", lambda: to_markdown(found), f"production-{collection.table}.md",
        "text/markdown", key="production_markdown", icon=":material/download:",
        on_click="ignore", width="stretch",
    )  # fmt: skip
    st.markdown(
        f":small[:gray[Checked {when}. Nothing is changed by looking; the SQL is yours to run, "
        "`concurrently` outside of a transaction.]]"
    )
