"""The words of a collection: whether BM25 has its statistics, and what can be done about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Bm25, Collection, CollectionStats
from pgvista.services import bm25, bm25_build, bm25_extensions, bm25_state, collections
from pgvista.services.bm25_state import Bm25Status
from pgvista.sql import bm25 as bm25_sql
from pgvista.sql import bm25_build as build_sql
from pgvista.sql.query import Query
from pgvista.ui import format as form
from pgvista.ui.bm25_extensions_view import extensions_view
from pgvista.ui.collection_actions import remember_job, say
from pgvista.ui.components.panels import metric_chips, sql_panel
from pgvista.ui.confirm import confirmed, write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import start_job
from pgvista.ui.state import choose
from pgvista.ui.table_roles import plain_name

CHECKED_UNSTORED = 5_000
"""Without a stored tsvector, tables up to this many rows are checked without being asked."""

_ACTION = "words.action"
_LEFT = "words.left"
_CHECKED = "words.checked"

_Colour = Literal["green", "orange", "gray"]


def collection_words(db: Database, stats: CollectionStats) -> None:
    """Draw the section: language, the state of the statistics, their figures and the actions."""
    collection = stats.collection
    if sentence := impossible(collection):
        st.markdown("**Words**")
        st.markdown(f":gray[{sentence}]")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        line = st.empty()
        status, at, failed = _status(db, stats)
    badge, colour, reason = standing(collection, status)
    checked = f" Checked at {at:%H:%M:%S}." if at is not None else ""
    line.markdown(f"**Words** &nbsp; :{colour}-badge[{badge}] &nbsp; :gray[{reason}{checked}]")
    if failed is not None:
        show_error(failed)
    metric_chips(figures(stats, status), key="words.figures")
    _actions(db, stats, status)


def impossible(collection: Collection) -> str:
    """Say in Markdown why BM25 can have no statistics of this collection; empty when it can."""
    if collection.roles.content is None and collection.roles.fts is None:
        return "No text column: there are no words to search or to count."
    if collection.roles.id is None:
        return (
            "No key column, by which words could be led back to rows: search by words works, and "
            "ranks by ts\\_rank. A key chosen under *Columns and model* mends that."
        )
    return ""


def standing(collection: Collection, status: Bm25Status | None) -> tuple[str, _Colour, str]:
    """Return how the statistics stand: a badge, its colour, and a sentence that says why."""
    tables = collection.bm25
    if tables is None:
        return (
            "no statistics",
            "gray",
            "Search by words ranks by ts\\_rank, which does not know how rare a word is. BM25 does, "
            "from statistics that are built once.",
        )
    if status is not None:
        colours: dict[str, _Colour] = {"in step": "green", "stale": "orange", "unknown": "gray"}
        return status.state, colours[status.state], plain(status.reason)
    if tables.kept:
        return "by triggers", "gray", "Triggers count every row as it is written. Not checked."
    if bm25_sql.keepable(collection):
        return "stale", "orange", bm25_state.SWITCHED_OFF
    return "as built", "gray", "The words are as they were when counted. Not checked."


def figures(stats: CollectionStats, status: Bm25Status | None) -> list[tuple[str, str]]:
    """Return the figures of the words, name and value."""
    found = [("language", stats.collection.text_config)]
    if status is not None:
        found += [
            ("documents", f"{status.documents:,}"),
            ("average length", f"{status.average_length:,.1f} words"),
            ("lexemes", f"{status.lexemes:,}"),
            ("statistics", form.size(status.size_bytes)),
            ("table", form.size(stats.table_bytes)),
            ("built", f"{status.built_at.astimezone():%Y-%m-%d %H:%M}"),
        ]
    return found


# -- the state


def _status(
    db: Database, stats: CollectionStats
) -> tuple[Bm25Status | None, datetime | None, PgvistaError | None]:
    """Look at small tables at once; word by word, and at others, when that is asked for.

    Returns what was found, when it was asked for, and what went wrong.
    """
    tables = stats.collection.bm25
    if tables is None:
        return None, None, None
    try:
        found = bm25_state.status(db, stats.collection) if _small(stats) else None
        if found is not None and (
            found.state == "stale" or found.word_for_word or stats.collection.row_security
        ):
            return found, None, None
        asked, at = _asked(db, stats.collection, tables)
        if found is not None and asked is not None:
            asked = replace(
                found, state=asked.state, reason=asked.reason, word_for_word=asked.word_for_word
            )
        return asked or found, at, None
    except PgvistaError as error:
        return None, None, error


def _small(stats: CollectionStats) -> bool:
    stored = stats.collection.roles.fts is not None
    limit = collections.EXACT_COUNT_LIMIT if stored else CHECKED_UNSTORED
    return stats.rows_exact and stats.rows <= limit


def _asked(
    db: Database, collection: Collection, tables: Bm25
) -> tuple[Bm25Status | None, datetime | None]:
    """Draw the button that asks; what it found is kept while the side tables are the same."""
    place = (db.label, collection.name, tables)
    if st.button(
        "Check", key=f"words.check.{collection.name}", icon=":material/fact_check:",
        help="Compares every word of every row with what is counted. Reads the whole table.",
    ):  # fmt: skip
        with st.spinner("Reading the table"):
            found = bm25_state.status(db, collection, thorough=True)
        st.session_state[_CHECKED] = (place, found, datetime.now().astimezone())
    checked = st.session_state.get(_CHECKED)
    if checked is None or checked[0] != place:
        return None, None
    return checked[1], checked[2]


# -- the actions


def _actions(db: Database, stats: CollectionStats, status: Bm25Status | None) -> None:
    collection = stats.collection
    actions: dict[str, Callable[[], None]] = {}
    if (tables := collection.bm25) is None:
        actions["Build statistics"] = lambda: _build(db, collection)
    else:
        actions["Refresh"] = lambda: _refresh(db, collection, tables, status)
        actions["Build anew"] = lambda: _build(db, collection)
        spelling = "Near spelling" if tables.trigram_schema else "Allow near spelling"
        actions[spelling] = lambda: _spelling(db, collection, tables)
        actions["Drop statistics"] = lambda: _drop(db, collection, tables, status)
    actions["Extensions for BM25"] = lambda: extensions_view(db, collection)
    key = f"{_ACTION}.{collection.name}"
    if st.session_state.pop(_LEFT, None) == collection.name:
        st.session_state[key] = None
    if st.session_state.get(key) not in (None, *actions):
        del st.session_state[key]
    chosen = st.segmented_control(
        "Statistics for BM25", list(actions), key=key, label_visibility="collapsed"
    )
    if chosen is None:
        return
    with st.container(border=True):
        try:
            actions[chosen]()
        except PgvistaError as error:
            show_error(error)


def _build(db: Database, collection: Collection) -> None:
    after = (
        "From then on, triggers count every row as it is written."
        if bm25_sql.keepable(collection)
        else f"Nothing tells when the rows of a {collection.kind.value} change: refresh them then."
    )
    waiting = "Writers wait meanwhile, searches do not. " if bm25_sql.keepable(collection) else ""
    st.markdown(
        "The words of all rows are counted into three tables in schema pgvista, in the background. "
        f"{waiting}{after}"
    )
    _sql_of(
        bm25_build.statements(db, collection),
        first="-- the side tables get the next free number in place of 0",
    )
    if write_button("Build", key="words.build", read_only=db.read_only):
        _start(collection, "Counting the words of", bm25_build.build_as_job)


def _refresh(db: Database, collection: Collection, tables: Bm25, status: Bm25Status | None) -> None:
    keepable = bm25_sql.keepable(collection)
    in_step = status is not None and status.state == "in step"
    if in_step and not tables.kept:
        st.markdown("What is counted is what the rows hold: nothing is to be done.")
        return
    if status is not None and in_step and status.word_for_word:
        st.markdown(
            f"Nothing is missing. What small writes have left, **{status.rows_of_postings:,}** rows "
            f"for {form.plural(status.lexemes, 'lexeme')}, is joined: searches get a little faster."
        )
        _sql_of(bm25_sql.join_postings(tables))
    elif keepable and not in_step and (status is not None or not tables.kept):
        st.markdown("The words are counted anew. Writers wait meanwhile, searches do not.")
        _sql_of(
            bm25_build.statements(db, collection),
            first="-- the side tables get the next free number in place of 0",
        )
    elif keepable:
        st.markdown(
            "The table is looked at first. When words are missing they are counted anew, and writers "
            "wait meanwhile; else what small writes have left is joined."
        )
        _sql_of(bm25_sql.join_postings(tables))
    else:
        st.markdown("The words of all rows are counted anew.")
        _sql_of(build_sql.recount(collection, tables))
    if write_button("Refresh", key="words.refresh", read_only=db.read_only):
        _start(collection, "Refreshing the words of", bm25_build.refresh_as_job)


def _spelling(db: Database, collection: Collection, tables: Bm25) -> None:
    trigrams = bm25_extensions.near_spelling(db)
    st.markdown(
        "A word that no row holds, such as *partikular*, is taken for those that are spelled most "
        "like it. The extension pg\\_trgm tells which."
    )
    if trigrams.standing == "absent":
        st.markdown(
            ":orange[The server has no files of pg\\_trgm, which is one of Postgres' own contrib "
            "modules: its administrator can install their package.]"
        )
        return
    if trigrams.standing == "available" and not trigrams.may_install:
        st.markdown(
            ":orange[pg\\_trgm is on the server, and this role may not install it: the owner of "
            "the database may, or a role with the right CREATE on it.]"
        )
        return
    making = [] if trigrams.standing == "installed" else [bm25_sql.create_trigrams()]
    if not making:
        st.markdown(
            f":green[It is allowed: pg\\_trgm {plain(trigrams.installed or '')} is installed.] The "
            "index makes it quick."
        )
    _sql_of([*making, bm25_sql.index_trigrams(tables)])
    label = "Allow near spelling" if making else "Index the lexemes"
    if write_button(label, key="words.spelling", read_only=db.read_only):
        with st.spinner("Indexing the lexemes"):
            bm25.allow_near_spelling(db, collection)
        _done(f"{plain(collection.name)} finds words spelled alike", collection)


def _drop(db: Database, collection: Collection, tables: Bm25, status: Bm25Status | None) -> None:
    freed = f"**{form.size(status.size_bytes)}** are freed" if status else "Their space is freed"
    if confirmed(
        "Drop the statistics", name=collection.name,
        sql=_text(bm25_sql.drop(tables)),
        consequence=f"{freed} and no row is touched. Search by words ranks by ts\\_rank until they "
        "are built again.",
        key=f"words.drop.{collection.name}", read_only=db.read_only,
    ):  # fmt: skip
        bm25.drop(db, collection)
        _done(f"The statistics of {plain(collection.name)} are dropped", collection)


def _start(
    collection: Collection,
    what: str,
    work: Callable[..., Bm25Status],
) -> None:
    job = start_job(
        f"{what} {plain_name(collection)}",
        lambda own, reporter: work(own, collection, reporter),
        exclusive=f"words {collection.schema}.{collection.table}",
    )
    remember_job(collection.name, job.id)
    _leave(collection)


def _done(sentence: str, collection: Collection) -> None:
    say(sentence)
    _leave(collection)


def _leave(collection: Collection) -> None:
    """Close the action that was chosen, and draw the page anew."""
    choose(collection.name)
    st.session_state.pop(_CHECKED, None)
    st.session_state[_LEFT] = collection.name
    st.rerun()


def _sql_of(queries: Sequence[Query], *, first: str = "") -> None:
    sql_panel(f"{first}\n{_text(queries)}" if first else _text(queries), key="words.sql")


def _text(queries: Sequence[Query]) -> str:
    return "\n\n".join(f"{query.text()};" for query in queries)
