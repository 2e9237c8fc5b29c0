"""What can be done to an index, and the builds that are at work or done."""

from __future__ import annotations

import re

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection, CollectionStats, IndexInfo
from pgvista.model.index_build import BuildServer, IndexBuilt, IndexOverview
from pgvista.services import index_overview, indexes
from pgvista.services.index_build import rebuild_index
from pgvista.sql import index as index_sql
from pgvista.sql import index_overview as overview_sql
from pgvista.ui import format as form
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import confirmed, write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import duration, job_panel, running_jobs, start_job

_JOBS = "indexes.jobs"
_SAID = "indexes.said"
_DO = "indexes.do"


def exclusive_key(collection: Collection) -> str:
    """Return the text by which only one build of a collection runs at a time."""
    return f"index {collection.schema}.{collection.table}"


def begun(collection: Collection, job_id: str) -> None:
    """Show this job above the table, and run the page again."""
    st.session_state.setdefault(_JOBS, {})[collection.name] = job_id
    st.rerun(scope="app")


def show_jobs(collection: Collection) -> None:
    """Draw the collection's last build of this session, if there is one."""
    job_id = st.session_state.get(_JOBS, {}).get(collection.name)
    if job_id is not None:
        job_panel(job_id, done=_built)


def is_building(collection: Collection) -> bool:
    """Tell whether a build of this session is at work on the collection."""
    job_id = st.session_state.get(_JOBS, {}).get(collection.name)
    return any(job.id == job_id for job in running_jobs())


def say(sentence: str) -> None:
    """Tell on the next run of the page that something was done; Markdown."""
    st.session_state[_SAID] = sentence


def show_said() -> None:
    """Draw what `say` was told, once."""
    if (sentence := st.session_state.pop(_SAID, None)) is not None:
        st.toast(sentence, icon=":material/check:")


def index_detail(
    db: Database, stats: CollectionStats, item: IndexOverview, server: BuildServer
) -> None:
    """Draw the definition of an index and the actions on it."""
    index = item.info
    with st.container(border=True, key="indexes_card_detail", gap="small"):
        st.markdown(f"**{plain(index.name)}** &nbsp; :gray[{plain(facts(item))}]")
        sql_panel(f"{in_lines(index.definition)};", key="indexes.definition")
        actions = ["Rebuild", "Prewarm"] + ([] if index.primary else ["Drop"])
        chosen = st.segmented_control(
            "Change it", actions, key=f"{_DO}.{index.name}", label_visibility="collapsed"
        )
        try:
            if chosen == "Rebuild":
                _rebuild(db, stats, index)
            elif chosen == "Prewarm":
                _prewarm(db, item, server)
            elif chosen == "Drop":
                _drop(db, index)
        except PgvistaError as error:
            show_error(error)


def in_lines(definition: str) -> str:
    """Break a definition as Postgres writes it into lines, never within a quoted name."""
    name = r'(?:"(?:[^"]|"")*"|[^\s".]+)'
    table = rf"{name}(?:\.{name})?"
    pattern = rf"(CREATE (?:UNIQUE )?INDEX {name}) (ON (?:ONLY )?{table}) (USING .*)"
    match = re.fullmatch(pattern, definition, re.DOTALL)
    return "\n  ".join(match.groups()) if match else definition


def facts(item: IndexOverview) -> str:
    """Say in a line what the table has no room for."""
    index = item.info
    parts = []
    if item.operators:
        parts.append(f"serves {'  '.join(item.operators)}")
    if index.metric is not None:
        parts.append(index.metric.label)
    if item.cached_bytes is not None:
        parts.append(f"{form.size(item.cached_bytes)} of it in shared_buffers")
    if index.build is not None:
        parts.append(f"being built: {index.build.removeprefix('building index: ')}")
    elif not index.valid:
        parts.append("left by a build that was cut off: it serves no search, and writes keep it up")
    if index.target is not None and index.target.wants_reranking:
        parts.append("what it finds wants re-ranking by the whole vectors")
    if index.predicate is not None:
        parts.append("serves searches whose filter implies its condition")
    return " · ".join(parts)


def _rebuild(db: Database, stats: CollectionStats, index: IndexInfo) -> None:
    collection = stats.collection
    query = index_sql.reindex(index.schema, index.name)
    sql_panel(f"{query.text()};", key="indexes.rebuild.sql")
    st.markdown(
        ":gray[Searches use the old one until the new one stands; both take room meanwhile. "
        "Stopped, the old one stays.]"
    )
    if write_button("Rebuild", key="indexes.rebuild.go", read_only=db.read_only):
        job = start_job(
            f"Rebuild of {index.name}",
            lambda own, reporter: rebuild_index(own, collection, index, reporter=reporter),
            exclusive=exclusive_key(collection),
        )
        _close(index)
        begun(collection, job.id)


def _prewarm(db: Database, item: IndexOverview, server: BuildServer) -> None:
    index = item.info
    install = [
        f"{overview_sql.create_extension('pg_prewarm').text()};"
    ] if server.prewarm_schema is None else []  # fmt: skip
    query = overview_sql.prewarm(index.schema, index.name, server.prewarm_schema)
    sql_panel("\n".join([*install, f"{query.text()};"]), key="indexes.prewarm.sql")
    if index.size_bytes > server.shared_buffers_bytes:
        st.markdown(
            f":orange[:material/warning: It is larger than shared_buffers "
            f"({form.size(server.shared_buffers_bytes)}): a part of it will be pushed out again.]"
        )
    with st.container(horizontal=True, gap="small"):
        if write_button("Prewarm", key="indexes.prewarm.go", read_only=db.read_only):
            pages = index_overview.prewarm(db, index, server)
            say(f"{form.plural(pages, 'page')} of {plain(index.name)} read into memory")
            _close(index)
            st.rerun(scope="app")
        missing = server.buffercache_schema is None and "pg_buffercache" in server.available
        if missing and st.button(
            "Show what is cached", key="indexes.buffercache", icon=":material/memory:",
            disabled=db.read_only, help="Runs: create extension pg_buffercache. It tells how much "
            "of each index lies in shared_buffers.",
        ):  # fmt: skip
            index_overview.install_buffercache(db, server)
            st.rerun(scope="app")


def _drop(db: Database, index: IndexInfo) -> None:
    if confirmed(
        "Drop the index", name=index.name,
        sql=f"{index_sql.drop(index.schema, index.name, concurrently=True).text()};",
        consequence=f"**{form.size(index.size_bytes)}** are freed and no row is touched. Searches "
        "that used it look at every row until it is built again.",
        key=f"indexes.drop.{index.name}", read_only=db.read_only,
    ):  # fmt: skip
        indexes.drop_index(db, index)
        say(f"{plain(index.name)} is dropped")
        st.rerun(scope="app")


def _close(index: IndexInfo) -> None:
    st.session_state.pop(f"{_DO}.{index.name}", None)


def _built(result: object) -> None:
    if not isinstance(result, IndexBuilt):
        return
    parts = [result.index.name, form.size(result.index.size_bytes), duration(result.seconds)]
    if result.rows is not None:
        parts.append(f"{form.plural(result.rows, 'row')} in it")
    parts.append("table analysed" if result.analyzed else "ANALYZE was stopped")
    st.markdown(f":gray[{plain(' · '.join(parts))}]")
    for notice in result.notices:
        st.markdown(f":orange[:material/warning: {plain(notice)}]")
