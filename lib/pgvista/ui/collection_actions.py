"""What can be done to a collection: roles, embedding, rename, empty, drop."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection, CollectionStats, RelationKind
from pgvista.services import collections
from pgvista.services.bm25_state import Bm25Status
from pgvista.sql import collection as ddl
from pgvista.ui import format as form
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import confirmed, write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import job_panel
from pgvista.ui.state import choose
from pgvista.ui.table_roles import embed_missing, roles_form

_JOBS = "collections.jobs"
_ACTION = "collections.action"
_BEGUN = "collections.begun"
_SAID = "collections.said"

_TABLES = (RelationKind.TABLE, RelationKind.PARTITIONED)


def remember_job(name: str, job_id: str) -> None:
    """Show this job above the collection called `name`."""
    st.session_state.setdefault(_JOBS, {})[name] = job_id


def show_job(name: str) -> None:
    """Draw the collection's last job of this session, if there is one."""
    job_id = st.session_state.get(_JOBS, {}).get(name)
    if job_id is not None:
        job_panel(job_id, done=_result)


def say(sentence: str) -> None:
    """Tell on the next run of the page that something was done; Markdown."""
    st.session_state[_SAID] = sentence


def show_said() -> None:
    """Draw what `say` was told, once."""
    if (sentence := st.session_state.pop(_SAID, None)) is not None:
        st.toast(sentence, icon=":material/check:")


def collection_actions(db: Database, stats: CollectionStats) -> None:
    """Draw the actions that this relation allows, and the one that is chosen."""
    collection = stats.collection
    actions: dict[str, Callable[[Database, CollectionStats], None]] = {"Columns and model": _roles}
    if collection.writable and collection.roles.content:
        actions["Embed missing rows"] = _embed
    if collection.kind in (*_TABLES, RelationKind.MATVIEW):
        actions["Rename"] = _rename
    if collection.kind in _TABLES:
        actions["Empty"] = _empty
    actions["Drop"] = _drop
    key = f"{_ACTION}.{collection.name}"
    if st.session_state.pop(_BEGUN, None) == collection.name:
        st.session_state[key] = None
    chosen = st.segmented_control("Change it", list(actions), key=key)
    if chosen is None:
        return
    with st.container(border=True):
        try:
            actions[chosen](db, stats)
        except PgvistaError as error:
            show_error(error)


def _result(result: object) -> None:
    if isinstance(result, int):
        st.markdown(f":gray[{form.plural(result, 'text')} embedded.]")
    elif isinstance(result, Bm25Status):
        counted = (
            f"{form.plural(result.documents, 'document')}, {form.plural(result.lexemes, 'lexeme')}"
        )
        st.markdown(f":gray[{counted} · {form.size(result.size_bytes)}]")


def _begun(name: str, job_id: str) -> None:
    """Show the job that was started, in place of the action that started it."""
    remember_job(name, job_id)
    st.session_state[_BEGUN] = name
    st.rerun()


def _done(sentence: str, name: str | None) -> None:
    say(sentence)
    choose(name)
    st.rerun()


def _roles(db: Database, stats: CollectionStats) -> None:
    name = stats.collection.name
    if roles_form(db, stats.collection, key=f"roles.{name}") is not None:
        _done(f"The roles of {plain(name)} are kept", name)


def _embed(db: Database, stats: CollectionStats) -> None:
    collection = stats.collection
    if collection.model is None:
        st.markdown("Name the model first, under *Columns and model*.")
        return
    if stats.unembedded == 0:
        st.markdown("Every text has its vector.")
        return
    missing = "An unknown number of" if stats.unembedded is None else f"{stats.unembedded:,}"
    st.markdown(
        f"**{missing}** texts have no vector. {plain(collection.model)} embeds them in the "
        "background, batch by batch; what is done stays when it is stopped."
    )
    if write_button("Embed them", key="embed.go", read_only=db.read_only):
        _begun(collection.name, embed_missing(db, collection))


def _rename(db: Database, stats: CollectionStats) -> None:
    collection = stats.collection
    new = st.text_input(
        "New name", collection.table, key=f"rename.{collection.name}", live=True,
        disabled=db.read_only,
    )  # fmt: skip
    if new and new != collection.table:
        sql_panel(f"{ddl.rename(collection, new).text()};", key="rename.sql")
    if write_button(
        "Rename",
        key="rename.go",
        read_only=db.read_only,
        disabled=not new or new == collection.table,
    ):
        renamed = collections.rename(db, collection, new)
        _done(f"It is called {plain(renamed.name)} now", renamed.name)


def _empty(db: Database, stats: CollectionStats) -> None:
    collection = stats.collection
    if confirmed(
        "Empty", name=collection.name, sql=f"{ddl.empty(collection).text()};",
        consequence=_loses(collection, stats, "The table and its indexes stay, empty."),
        key=f"empty.{collection.name}", read_only=db.read_only,
    ):  # fmt: skip
        collections.empty(db, collection)
        _done(f"{plain(collection.name)} is empty", collection.name)


def _drop(db: Database, stats: CollectionStats) -> None:
    collection = stats.collection
    rest = (
        "The rows of the tables beneath stay."
        if collection.kind is RelationKind.VIEW
        else "The table, its indexes and what is remembered of it go too."
    )
    if confirmed(
        "Drop", name=collection.name, sql=f"{ddl.drop(collection).text()};",
        consequence=_loses(collection, stats, rest),
        key=f"drop.{collection.name}", read_only=db.read_only,
    ):  # fmt: skip
        collections.drop(db, collection)
        _done(f"{plain(collection.name)} is dropped", None)


def _loses(collection: Collection, stats: CollectionStats, rest: str) -> str:
    if collection.kind in (RelationKind.VIEW, RelationKind.FOREIGN):
        return rest
    gone = stats.table_bytes + stats.index_bytes
    return (
        f":red[**{form.rows(stats)} rows** are lost] ({form.size(gone)}), and cannot be had back "
        f"from here. {rest}"
    )
