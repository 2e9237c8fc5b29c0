"""What the lesson on metadata holds in a session: what was measured, and the jobs that measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from pgvista.db.database import Database
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.progress import Reporter
from pgvista.services.lesson_metadata import (
    MetadataLesson,
    VectorLesson,
    measure,
    measure_vectors,
    refuse_read_only,
)
from pgvista.ui import connection
from pgvista.ui.jobs import job_panel, jobs, start_job
from pgvista.ui.learn.data import lesson_collection

T = TypeVar("T")

_RESULTS, _JOBS = "learn_metadata_results", "learn_metadata_jobs"


def measured(db: Database) -> MetadataLesson | None:
    """Return what conditions and indexes cost; None while that is measured or cannot be."""
    return _measured(db, "conditions", "Metadata: 20,000 rows, four ways to index", measure)


def measured_vectors(db: Database) -> VectorLesson | None:
    """Return what happens beside a vector index; None while that is measured or cannot be."""
    return _measured(db, "vectors", "Metadata beside a vector index", measure_vectors)


def _measured(
    db: Database, kind: str, name: str, work: Callable[[Database, Collection, Reporter], T]
) -> T | None:
    collection = lesson_collection(db, needs="vectors", rows=30)
    if collection is None:
        return None
    state = st.session_state
    key = (kind, connection.current().name, collection.schema, collection.table)
    results: dict[tuple[str, ...], T] = state.setdefault(_RESULTS, {})
    if key in results:
        return results[key]
    refuse_read_only(db)
    known: dict[tuple[str, ...], str] = state.setdefault(_JOBS, {})
    if key not in known:
        known[key] = start_job(name, lambda own, reporter: work(own, collection, reporter)).id
    job = next((item for item in jobs() if item.id == known[key]), None)
    if job is not None and job.state is JobState.DONE:
        results[key] = job.result
        return results[key]
    if job is not None:
        job_panel(job.id)
    if job is None or job.state.is_final:
        st.button(
            "Measure again",
            key=f"learn_metadata_again_{kind}",
            icon=":material/replay:",
            on_click=_forget,
            args=(key,),
        )
    return None


def _forget(key: tuple[str, ...]) -> None:
    st.session_state[_JOBS].pop(key, None)
