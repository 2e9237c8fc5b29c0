"""The page Near-duplicates: the comparison it shows, and the job that makes a long one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.duplicates import DuplicateGroup, DuplicateScan, Method
from pgvista.model.metric import Metric
from pgvista.services import duplicate_scan
from pgvista.services.duplicates import without
from pgvista.ui import connection
from pgvista.ui.components.panels import empty_state
from pgvista.ui.jobs import job_panel, start_job
from pgvista.ui.state import go

PAGE = "duplicates_page"
_SCAN = "_duplicates_scan"
_JOB = "_duplicates_job"


@dataclass(frozen=True, slots=True)
class Shown:
    """A comparison, and its groups at the threshold chosen."""

    scan: DuplicateScan
    threshold: float
    groups: tuple[DuplicateGroup, ...]


def place(collection: Collection) -> tuple[str, str, str]:
    """Return what tells a collection from those of its name on other connections."""
    return connection.current().name, collection.schema, collection.table


def known_scan(collection: Collection) -> DuplicateScan | None:
    """Return the comparison made in this session, or None."""
    found = st.session_state.get(_SCAN)
    return found[1] if found is not None and found[0] == place(collection) else None


def keep_scan(collection: Collection, scan: DuplicateScan | None) -> None:
    """Remember a comparison; None forgets it."""
    st.session_state[_SCAN] = None if scan is None else (place(collection), scan)
    st.session_state[PAGE] = 0


def forget_rows(collection: Collection, ids: tuple[str, ...]) -> None:
    """Take rows that were deleted out of the comparison."""
    scan = known_scan(collection)
    if scan is not None:
        keep_scan(collection, without(scan, ids))


def find_scan(db: Database, collection: Collection) -> DuplicateScan | None:
    """Return the comparison: as made before, at once for few rows, or by a job that is drawn.

    None while there is none yet.
    """
    _take_from_job(collection)
    if (known := known_scan(collection)) is not None:
        return known
    method, rows = duplicate_scan.method_for(db, collection)
    quick = duplicate_scan.QUICK_ROWS
    if duplicate_scan.measured_by(collection) is Metric.L1:
        quick //= 4
    if method is Method.EXACT and rows <= quick:
        with st.spinner("Comparing all rows"):
            scan = duplicate_scan.scan(db, collection)
        keep_scan(collection, scan)
        return scan
    if method is Method.INDEX:
        try:
            duplicate_scan.check_index(db, collection)
        except InvalidInput as error:
            _offer_remedy(collection, error)
            return None
    _offer_job(collection, method, rows)
    return None


def _take_from_job(collection: Collection) -> None:
    """Keep what the collection's job has found, once."""
    started = st.session_state.get(_JOB)
    if started is None or started[0] != place(collection):
        return
    job = job_panel(started[1])  # how it failed stays to be read until another one is begun
    if job is None:
        st.session_state[_JOB] = None
    elif not job.state.is_final:
        st.stop()
    elif job.state is JobState.DONE and isinstance(job.result, DuplicateScan):
        st.session_state[_JOB] = None
        keep_scan(collection, job.result)
        st.rerun()


def _offer_remedy(collection: Collection, error: InvalidInput) -> None:
    """Say what a large collection lacks, and lead to where it is had."""
    page, label = ("indexes", "Indexes") if collection.roles.id else ("collections", "Collections")
    pressed = empty_state(
        error.message.rstrip("."),
        error.hint,
        key="duplicates_lacking",
        icon=":material/account_tree:",
        actions={page: label},
    )
    if pressed is not None:
        go(pressed, collection=collection.name)


def _offer_job(collection: Collection, method: Method, rows: int) -> None:
    if method is Method.EXACT:
        how = (
            "Each row is compared with every other one. That takes seconds to minutes, and goes on "
            "when you look at another page."
        )
    else:
        how = (
            f"That is too many to compare each with every other one: for each row the index is asked "
            f"for its {duplicate_scan.NEIGHBOURS} nearest, which may miss some. It takes minutes, and "
            "goes on when you look at another page."
        )
    with st.container(border=True, horizontal_alignment="center", key="duplicates_offer"):
        st.markdown(f"**{rows:,} rows with a vector**", text_alignment="center")
        st.markdown(f":gray[{how}]", text_alignment="center")
        if st.button("Compare all rows", key="duplicates_start", type="primary"):
            start(collection)
            st.rerun()


def start(collection: Collection) -> None:
    """Begin the job that compares all rows."""
    job = start_job(
        f"Near-duplicates of {collection.name}",
        lambda own, reporter: duplicate_scan.scan(own, collection, reporter=reporter),
        exclusive=f"duplicates {collection.schema}.{collection.table}",
    )
    st.session_state[_JOB] = (place(collection), job.id)
