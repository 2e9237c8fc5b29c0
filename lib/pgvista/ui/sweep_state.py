"""The page Sweep: the sweeps it shows, and the job that makes one."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.progress import Reporter
from pgvista.model.sweep import SweepResult, SweepSpec
from pgvista.services.sweep import sweep
from pgvista.services.sweep_store import list_sweeps
from pgvista.services.tune import keep
from pgvista.ui import connection
from pgvista.ui.jobs import job_panel, start_job

SHOWN = "sweep_shown"
_JOB = "_sweep_job"
_OWN = "_sweep_own"
"""Sweeps that could not be kept in the database, by place."""
_NOTE = "_sweep_note"

Outcome = tuple[SweepResult, tuple[str, ...]]


def place(collection: Collection) -> tuple[str, str, str]:
    """Return what tells a collection from those of its name on other connections."""
    return connection.current().name, collection.schema, collection.table


def start(collection: Collection, spec: SweepSpec) -> None:
    """Begin the job that measures."""

    def work(db: Database, reporter: Reporter) -> Outcome:
        return keep(db, collection, sweep(db, collection, spec, reporter=reporter))

    job = start_job(
        f"Sweep of {collection.name}",
        work,
        exclusive=f"sweep {collection.schema}.{collection.table}",
    )
    st.session_state[_JOB] = (place(collection), job.id)


def watch(collection: Collection) -> bool:
    """Draw the collection's job, and take its result once; return whether it still runs."""
    started = st.session_state.get(_JOB)
    if started is None or started[0] != place(collection):
        return False
    job = job_panel(started[1])  # how it failed stays to be read until another one is begun
    if job is None:
        st.session_state[_JOB] = None
        return False
    if job.state is JobState.DONE:
        st.session_state[_JOB] = None
        result, notes = job.result
        if result.id is None:
            kept = st.session_state.setdefault(_OWN, {})
            kept[place(collection)] = [result, *kept.get(place(collection), [])]
        st.session_state[_NOTE] = (place(collection), notes)
        st.session_state.pop(SHOWN, None)
        st.rerun()
    return not job.state.is_final


def note(collection: Collection) -> tuple[str, ...]:
    """Return what is to be said of the last job beside its result."""
    found = st.session_state.get(_NOTE)
    return found[1] if found is not None and found[0] == place(collection) else ()


def sweeps(db: Database, collection: Collection) -> list[SweepResult]:
    """Return the collection's sweeps, the newest first: those kept, and those of this session."""
    own = st.session_state.get(_OWN, {}).get(place(collection), [])
    found = [*own, *list_sweeps(db, collection)]
    return sorted(found, key=lambda item: item.finished_at, reverse=True)


def name_of(result: SweepResult) -> str:
    """Return what a sweep is called in a list."""
    count = len(result.indexes)
    what = "no index" if not count else "1 index" if count == 1 else f"{count} indexes"
    when = f"{result.finished_at:%d %b %Y %H:%M:%S}"
    unfinished = "" if result.complete else " · unfinished"
    return f"{when} · {what}{unfinished}"
