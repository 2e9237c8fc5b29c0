"""The first screen: the state of things, three ways to begin, and the collections there are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NoReturn

import streamlit as st

from pgvista import embed
from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.io.samples import Sample
from pgvista.jobs import JobState
from pgvista.model.collection import CollectionStats
from pgvista.model.progress import Reporter
from pgvista.services.samples import QUICK_ROWS, Loaded, load_sample, seconds_to_load
from pgvista.ui import connection
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import duration, job_panel, jobs, start_job
from pgvista.ui.state import choose, go, link

SHOWN_COLLECTIONS = 8
EXAMPLES = 3

_ICONS = {"help_centre": ":material/support:", "python_reference": ":material/code_blocks:"}
_WAYS = {"search": ":material/search:", "browse": ":material/table_rows:"}
_ABOUT = {
    "help_centre": "Short articles of a maker of displays and printers: codes, synonyms, and 80 "
    "judged queries.",
    "python_reference": "The docstrings of Python and of the scientific packages installed here.",
}


def state_line(db: Database) -> None:
    """Say in one line which Postgres and which model are at hand."""
    if _settled():
        _draw_state(db)
    else:
        _watch_state(db)


@st.fragment(run_every=1.0)
def _watch_state(db: Database) -> None:
    _draw_state(db)
    if _settled():
        st.rerun()


def _settled() -> bool:
    state = embed.loading_state()
    return state == "ready" or state.startswith("failed")


def _draw_state(db: Database) -> None:
    known = db.capabilities
    here = connection.current()
    version = ".".join(map(str, known.pgvector_version or ()))
    place = "embedded" if here.embedded else plain(here.name)
    if here.read_only:
        place += ", read-only"
    model = embed.loading_state()
    told = ":gray[:material/hourglass_top:] model loading"
    if model == "ready":
        told = ":green[:material/check_circle:] model ready,"
    elif model.startswith("failed"):
        told = f":red[:material/error:] model {plain(model)},"
    server = plain(known.server_version.split(" ")[0])
    st.markdown(
        f":green[:material/check_circle:] Postgres {server} with pgvector {version}, {place}"
        f" &nbsp;·&nbsp; {told} :gray[{embed.DEFAULT_MODEL}]"
    )


def sample_card(sample: Sample, stats: CollectionStats | None, *, read_only: bool) -> None:
    """Draw a sample: a click loads it; once it is there, queries to try."""
    quick = sample.n_rows > QUICK_ROWS
    with st.container(border=True, height="stretch"):
        st.markdown(f"##### {_ICONS[sample.key]} &nbsp;{sample.title}")
        if stats is not None and stats.rows and not _at_work(sample.key):
            _loaded(sample, stats, more=quick and not read_only)
            return
        st.markdown(f":gray[{_ABOUT[sample.key]}]")
        busy = _at_work(sample.key) or read_only
        with st.container(horizontal=True, key=f"home_{sample.key}", vertical_alignment="center"):
            rows = QUICK_ROWS if quick else sample.n_rows
            told = _about(seconds_to_load(sample.key, rows))
            if st.button(
                f"Load {rows:,} rows",
                key=f"home_load_{sample.key}",
                type="secondary" if quick else "primary",
                disabled=busy,
            ):
                _start(sample, QUICK_ROWS if quick else None)
            st.markdown(f":gray[{told}]", width="content")
            if quick:
                _all_button(sample, busy)


def _all_button(sample: Sample, busy: bool) -> None:
    told = _about(seconds_to_load(sample.key))
    if st.button(
        f"all {round(sample.n_rows, -3):,} · {told}",
        key=f"home_all_{sample.key}",
        type="tertiary",
        disabled=busy,
        help="Texts are embedded on this machine. Loading goes on while other pages are used.",
    ):
        _start(sample, None)


def _loaded(sample: Sample, stats: CollectionStats, *, more: bool) -> None:
    queries = sample.example_queries[:EXAMPLES]
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Search it", key=f"home_search_it_{sample.key}", type="primary"):
            _search(sample.key, queries[0])
        st.markdown(f":green[:material/check_circle:] {_rows(stats)}", width="content")
        if more and stats.rows < sample.n_rows // 2:
            _all_button(sample, busy=False)
    with st.container(gap=None):
        for number, query in enumerate(queries):
            if st.button(
                f"“{plain(query)}”",
                key=f"home_try_{sample.key}_{number}",
                icon=":material/search:",
                type="tertiary",
            ):
                _search(sample.key, query)


def _search(collection: str, query: str) -> NoReturn:
    st.session_state["search_similar"] = None
    go("search", collection=collection, search_text=query)


def own_file_card() -> None:
    """Draw the way to a file of one's own."""
    with st.container(border=True, height="stretch"):
        st.markdown("##### :material/upload_file: &nbsp;Your own file")
        st.markdown(
            ":gray[CSV, JSON lines, Parquet, text or Markdown: a row for each thing, with its text "
            "or its vector. The rest becomes metadata to filter by.]"
        )
        if st.button("Choose a file", key="home_own_file"):
            go("load")


def job_line() -> None:
    """Draw the sample that is being loaded, or how the latest ended."""
    known = {job.id: job for job in jobs()}
    job = known.get(st.session_state.get("home_job", ""))
    if job is None:
        return
    if job.state is JobState.DONE and isinstance(job.result, Loaded):
        took = duration(job.elapsed_seconds(time.monotonic()))
        report = job.result.report
        parts = [f"{report.written:,} rows written", f"{report.embedded:,} texts embedded"]
        if report.unchanged:
            parts.append(f"{report.unchanged:,} unchanged")
        told = " · ".join([job.result.sample.title, *parts, took])
        st.markdown(f":gray[:material/done: {told}]")
        return
    drawn = job_panel(job.id)
    if drawn is not None and drawn.state in (JobState.FAILED, JobState.CANCELLED):
        st.markdown(":gray[What was loaded stays. Load it again to go on from there.]")


def collection_links(found: Mapping[str, CollectionStats]) -> None:
    """Draw the collections there are, each with a way to search and to browse it."""
    if not found:
        return
    st.markdown("##### Collections")
    with st.container(border=True, gap="small"):
        for name in list(found)[:SHOWN_COLLECTIONS]:
            _collection_line(name, found[name])
    if len(found) > SHOWN_COLLECTIONS:
        link("collections", f"All {len(found):,} collections", icon=":material/database:")


def _collection_line(name: str, stats: CollectionStats) -> None:
    model = stats.collection.model or "own vectors"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(
            f"**{plain(name)}** &nbsp; :gray[{_rows(stats)} · {plain(model)}]", width="content"
        )
        st.space("stretch")
        with st.container(horizontal=True, width="content", gap="medium"):
            for page, icon in _WAYS.items():
                if st.button(page.title(), key=f"home_{page}_{name}", icon=icon, type="tertiary"):
                    choose(name)
                    go(page, collection=name)


def _start(sample: Sample, limit: int | None) -> None:
    def work(db: Database, reporter: Reporter) -> Loaded:
        return load_sample(db, sample.key, limit=limit, reporter=reporter)

    try:
        job = start_job(f"Load {sample.title}", work, exclusive=f"load {sample.key}")
    except PgvistaError as error:
        show_error(error)
        return
    st.session_state["home_job"] = job.id
    st.rerun()


def _at_work(key: str) -> bool:
    title = {"help_centre": "Load Help centre", "python_reference": "Load Python reference"}[key]
    return any(job.name == title and not job.state.is_final for job in jobs())


def _rows(stats: CollectionStats) -> str:
    return f"{'' if stats.rows_exact else '≈ '}{stats.rows:,} rows"


def _about(seconds: float) -> str:
    rounded = max(10, round(seconds, -1)) if seconds < 90 else round(seconds / 60) * 60
    return f"about {duration(rounded).removesuffix(' 0 s')}"
