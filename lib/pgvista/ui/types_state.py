"""The page Types and sizes: what was measured in this session, and the job that measures."""

from __future__ import annotations

import streamlit as st

from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.quantisation import TypesResult, TypesSpec
from pgvista.services.types import measure_types
from pgvista.ui import connection
from pgvista.ui.jobs import job_panel, start_job

_JOB = "_types_job"
_FOUND = "_types_found"


def place(collection: Collection) -> tuple[str, str, str]:
    """Return what tells a collection from those of its name on other connections."""
    return connection.current().name, collection.schema, collection.table


def start(collection: Collection, spec: TypesSpec) -> None:
    """Begin the job that measures. Raises Conflict while another one measures the collection."""
    job = start_job(
        f"Types of {collection.name}",
        lambda own, reporter: measure_types(own, collection, spec, reporter=reporter),
        exclusive=f"types {collection.schema}.{collection.table}",
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
        st.session_state.setdefault(_FOUND, {})[place(collection)] = job.result
        st.rerun()
    return not job.state.is_final


def found(collection: Collection) -> TypesResult | None:
    """Return what was measured last in this session, or None."""
    results: dict[tuple[str, str, str], TypesResult] = st.session_state.get(_FOUND, {})
    return results.get(place(collection))
