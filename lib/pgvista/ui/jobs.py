"""Long work in the background: started on one page, watched on any."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import NotFound
from pgvista.jobs import Job, JobRunner, JobState
from pgvista.model.progress import Reporter
from pgvista.ui import connection
from pgvista.ui.errors import plain, show_error

T = TypeVar("T")

POLL_S = 0.5


@st.cache_resource(show_spinner=False)
def runner() -> JobRunner:
    """Return the runner of all jobs of this process; each session sees its own."""
    return JobRunner(max_workers=2)


def start_job(
    name: str, work: Callable[[Database, Reporter], T], *, exclusive: str | None = None
) -> Job:
    """Begin `work` with a database of its own on the current connection; return the job.

    `name` says to people what it does. Of jobs with one `exclusive` text, only one may run on a
    database at a time: raises Conflict for the second. The work must not touch Streamlit.
    """
    make_database = connection.private_database()
    place = connection.open_database(connection.current().name).label

    def run(reporter: Reporter) -> T:
        database = make_database()
        try:
            return work(database, reporter)
        finally:
            database.close()

    return runner().submit(
        name,
        run,
        owner=connection.session_id(),
        exclusive_key=None if exclusive is None else f"{place}\n{exclusive}",
    )


def jobs() -> list[Job]:
    """Return the session's jobs, the newest first."""
    return runner().list(connection.session_id())


def running_jobs() -> list[Job]:
    """Return the session's jobs that wait or run, the oldest first."""
    return [job for job in reversed(jobs()) if not job.state.is_final]


def job_panel(job_id: str, *, done: Callable[[Any], None] | None = None) -> Job | None:
    """Draw a job: while it lives its progress, afterwards how it ended.

    `done` draws the result of a job that is done, beneath the line that says so. Returns the job
    as it stood when it was drawn; None when it is not known any more. The page is run again when
    the job ends.
    """
    job = _get(job_id)
    if job is None:
        return None
    if job.state.is_final:
        _draw_end(job, done)
    else:
        _watch(job_id)
    return job


def sidebar_jobs() -> None:
    """Draw the jobs that wait or run, small; nothing while there are none."""
    if live := running_jobs():
        _watch_all(tuple(job.id for job in live))


@st.fragment(run_every=POLL_S)
def _watch(job_id: str) -> None:
    job = _get(job_id)
    if job is None or job.state.is_final:
        st.rerun()
    with st.container(border=True):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.markdown(f"**{plain(job.name)}**")
        right.button(
            "Stopping…" if job.cancel_requested else "Cancel",
            key=f"job.cancel.{job_id}",
            icon=":material/stop_circle:",
            disabled=job.cancel_requested,
            on_click=_cancel,
            args=(job_id,),
            width="stretch",
        )
        share = _share(job)
        st.progress(share or 0.0)
        st.markdown(f":gray[{plain(progress_line(job))}]")


@st.fragment(run_every=2 * POLL_S)
def _watch_all(ids: tuple[str, ...]) -> None:
    live = running_jobs()
    if tuple(job.id for job in live) != ids:
        st.rerun()
    for job in live:
        share = _share(job)
        figure = f" · {share:.0%}" if share is not None else ""
        st.markdown(f":small[:gray[:material/progress_activity: {plain(job.name)}{figure}]]")
        if share is not None:
            st.progress(share)


def progress_line(job: Job) -> str:
    """Say in one line how far a job has come, how fast it goes and how long it will take."""
    progress = job.progress
    if job.state is JobState.QUEUED:
        return "waiting for another job to end"
    parts = [progress.stage or "starting"]
    if progress.done or progress.total:
        of = f" of {progress.total:,}" if progress.total else ""
        parts.append(f"{progress.done:,}{of} {progress.unit}")
    if job.rate_per_second:
        parts.append(f"{_rate(job.rate_per_second)} {progress.unit}/s")
    if job.eta_seconds is not None:
        parts.append(f"{duration(job.eta_seconds)} left")
    else:
        parts.append(duration(job.elapsed_seconds(time.monotonic())))
    if progress.message:
        parts.append(progress.message)
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Write a time as people do: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"


def _share(job: Job) -> float | None:
    if not job.progress.total:
        return None
    return min(1.0, job.progress.done / job.progress.total)


def _get(job_id: str) -> Job | None:
    try:
        return runner().get(job_id, owner=connection.session_id())
    except NotFound:
        return None


def _cancel(job_id: str) -> None:
    if _get(job_id) is not None:
        runner().cancel(job_id, owner=connection.session_id())


def _draw_end(job: Job, done: Callable[[Any], None] | None) -> None:
    took = duration(job.elapsed_seconds(time.monotonic()))
    if job.state is JobState.DONE:
        st.success(f"**{plain(job.name)}** · done in {took}", icon=":material/check_circle:")
        if done is not None:
            done(job.result)
    elif job.error is not None:
        show_error(job.error)
