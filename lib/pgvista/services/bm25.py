"""BM25's side tables: build them, tell whether they are in step, refresh and drop them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound, PgvistaError
from pgvista.model.collection import Bm25, Collection
from pgvista.model.search import KeywordMatch, KeywordRank, Mode, SearchRequest
from pgvista.services import catalog
from pgvista.sql import bm25 as bm25_sql
from pgvista.sql import bm25_build as build_sql
from pgvista.sql import bm25_keep
from pgvista.sql import bm25_registry as registry
from pgvista.sql.query import Query

JOIN_AFTER = 64
"""After a load, postings are joined when this many statements have written since the last time."""

_COUNT_MS = 300
"""How long rows are counted to tell whether statistics are stale."""

SWITCHED_OFF = (
    "A trigger that counts words is off, or was off or made anew since: what was written meanwhile "
    "may not be counted."
)

State = Literal["in step", "stale", "unknown"]


@dataclass(frozen=True, slots=True)
class Bm25Status:
    """What the side tables hold, and whether that is what the relation holds."""

    state: State
    reason: str
    """A sentence: why it is so."""
    documents: int
    average_length: float
    """Words a document, without stop words."""
    lexemes: int
    rows_of_postings: int
    """As many as lexemes right after a build; more make a search a little slower."""
    size_bytes: int
    built_at: datetime


def build(db: Database, collection: Collection) -> Collection:
    """Make the side tables of a collection, fill them, and keep them in step by triggers.

    Writers wait meanwhile. Side tables that were there serve searches to the end, and are removed
    with those of relations that are gone. Raises InvalidInput without words or a key,
    PermissionDenied where the role may not create tables in schema pgvista or triggers on the table.
    """
    if collection.roles.fts is None and collection.roles.content is None:
        raise InvalidInput(
            f"{collection.name} has no text, so there are no words to count.",
            "Give a column the role of text.",
        )
    if collection.roles.id is None:
        raise InvalidInput(
            f"{collection.name} has no key by which words could be led back to rows.",
            "Give a column the role of id.",
        )
    with db.transaction(timeout_ms=0) as connection:
        for query in registry.create_registry():
            catalog.run(connection, query)
        kept = bm25_sql.keepable(collection)
        if kept:
            catalog.run(connection, bm25_sql.lock(collection))
        numbers = registry.registered_numbers(collection.schema, collection.table)
        formers = catalog.run(connection, numbers).fetchall()
        _run_all(connection, [registry.forget(Bm25(former)) for former, _ in formers])
        (labelled,) = catalog.run(connection, bm25_sql.has_labels(collection)).fetchone() or (
            False,
        )
        entering = registry.register(collection, labelled=labelled, kept=kept)
        (number,) = catalog.run(connection, entering).fetchone() or (0,)
        made = Bm25(number, labelled, kept)
        _run_all(connection, bm25_sql.create(collection, made))
        _fill(connection, collection, made)
        catalog.run(connection, bm25_sql.index(made))
        if any(spelled for _, spelled in formers):
            tables = catalog.bm25_tables(connection)[collection.schema, collection.table]
            catalog.run(connection, bm25_sql.index_trigrams(tables))
        if kept:
            replaces = db.capabilities.can_replace_triggers
            _run_all(connection, build_sql.keep(collection, made, can_replace=replaces))
        for (role,) in catalog.run(connection, registry.readers(collection)).fetchall():
            catalog.run(connection, bm25_sql.grant(made, role))
        for former, _ in formers:  # last, since a search that begins now waits for the commit
            _run_all(connection, bm25_sql.drop(Bm25(former)))
    catalog.remember(db, collection)
    return reread(db, collection)


def reread(db: Database, collection: Collection) -> Collection:
    """Return the collection with its side tables as they are now."""
    found = db.read(lambda c: catalog.bm25_tables(c)).get((collection.schema, collection.table))
    return replace(collection, bm25=found)


def drop(db: Database, collection: Collection) -> Collection:
    """Remove the side tables and the triggers; the rows stay as they are."""
    if collection.bm25 is not None:
        with db.transaction() as connection:
            drop_with(connection, collection)
    return replace(collection, bm25=None)


def drop_with(connection: Connection[Any], collection: Collection) -> None:
    """Remove a collection's side tables in a transaction that goes on."""
    if collection.bm25 is not None:
        _run_all(connection, bm25_sql.drop(collection.bm25))
        catalog.run(connection, registry.forget(collection.bm25))


def refresh(db: Database, collection: Collection) -> Collection:
    """Bring the side tables in step: joined where triggers keep them, counted anew elsewhere.

    Counted anew too where triggers were switched off meanwhile. Raises NotFound without any.
    """
    current = reread(db, collection)
    tables = current.bm25
    if tables is None:
        return build(db, current)
    if status(db, current).state != "in step":
        if bm25_sql.keepable(current):
            return build(db, current)
        with db.transaction(timeout_ms=0) as connection:
            catalog.run(connection, bm25_sql.empty(tables))
            _fill(connection, current, tables)
        return current
    join_postings(db, current)
    return current


def join_postings(db: Database, collection: Collection, *, after: int = 0) -> None:
    """Join the postings of many small writes, if `after` statements have written since."""
    tables = collection.bm25
    if tables is None or not tables.kept:
        return
    counting = bm25_sql.statements_written(tables)
    (written,) = db.query(counting.statement, counting.params)[0]
    if written < after:
        return
    with db.transaction(timeout_ms=0) as connection:
        catalog.run(connection, bm25_sql.lock_joining(tables))
        _run_all(connection, bm25_sql.join_postings(tables))


def status(db: Database, collection: Collection) -> Bm25Status:
    """Tell what the side tables hold and whether they are in step. Reads the whole table.

    Raises NotFound when there are none.
    """
    tables = collection.bm25
    if tables is None:
        raise NotFound(f"{collection.name} has no statistics for BM25.", "Build them.")

    def work(connection: Connection[Any]) -> Bm25Status:
        measured = catalog.run(connection, bm25_sql.measure(tables)).fetchone()
        if measured is None or (entry := _entry(connection, tables)) is None:
            raise NotFound(f"The statistics of {collection.name} are gone.", "Build them anew.")
        found, length, blocks, lexemes, size = measured
        state, reason = _compared(connection, collection, tables)
        if state == "in step":
            state, reason = _watched(
                collection, entry, lambda: _fingerprint(connection, collection)
            )
        return Bm25Status(
            state=state,
            reason=reason,
            documents=found,
            average_length=length / found if found else 0.0,
            lexemes=lexemes,
            rows_of_postings=blocks,
            size_bytes=size,
            built_at=entry[1],
        )

    try:
        return db.read(work)
    except NotFound:
        current = reread(db, collection)
        if current.bm25 in (None, tables):
            raise
        return status(db, current)  # they were built anew meanwhile


def state_without_counting(db: Database, collection: Collection) -> tuple[State, str]:
    """Tell whether the side tables are in step as far as that is known without a look at rows, and why."""
    tables = collection.bm25
    if tables is None:
        return "unknown", "There are no statistics."
    asking = registry.entry(tables)
    found = db.query(asking.statement, asking.params, timeout_ms=_COUNT_MS)
    if not found:
        return "unknown", "The statistics are gone."

    def now() -> str | None:
        query = registry.fingerprint(collection)
        rows = db.query(query.statement, query.params)
        return rows[0][0] if rows else None

    return _watched(collection, found[0], now)


def stale_note(
    db: Database, collection: Collection, request: SearchRequest, *, nothing_found: bool
) -> tuple[str, ...]:
    """Return a sentence where a search went by statistics that are known to be stale.

    Whether triggers keep them is looked at each time, and so are the server's own counters where
    none do; rows and words are counted only when no row was found by words, and not for longer
    than `_COUNT_MS`.
    """
    tables = collection.bm25
    if (
        request.mode is Mode.SEMANTIC
        or request.keyword_rank is not KeywordRank.BM25
        or tables is None
    ):
        return ()

    def counted(connection: Connection[Any]) -> tuple[State, str]:
        both = catalog.run(connection, bm25_sql.compare_documents(collection, tables)).fetchone()
        return _differing("rows have words", *(both or (0, 0)))

    def compared(connection: Connection[Any]) -> tuple[State, str]:
        return _compared(connection, collection, tables)

    try:
        state, reason = state_without_counting(db, collection)
        if nothing_found and bm25_sql.keepable(collection):
            for look in (counted, compared):
                if state == "in step":
                    state, reason = db.read(look, timeout_ms=_COUNT_MS)
    except (
        PgvistaError
    ):  # it takes too long, or something went meanwhile: the search has its result
        return ()
    if state != "stale":
        return ()
    return (f"The statistics for BM25 are stale: {reason} The page Collections refreshes them.",)


def allow_near_spelling(db: Database, collection: Collection) -> Collection:
    """Install pg_trgm, and index the lexemes by it, so that words spelled alike are found.

    Raises NotFound without side tables, PermissionDenied where the role may not.
    """
    tables = collection.bm25
    if tables is None:
        raise NotFound(f"{collection.name} has no statistics for BM25.", "Build them first.")
    with db.transaction(timeout_ms=0) as connection:
        catalog.run(connection, bm25_sql.create_trigrams())
        tables = catalog.bm25_tables(connection)[collection.schema, collection.table]
        catalog.run(connection, bm25_sql.index_trigrams(tables))
    return replace(collection, bm25=tables)


_Entry = tuple[str | None, datetime, bool]
"""What the registry holds: fingerprint and time of the build, and whether triggers keep it."""


def _entry(connection: Connection[Any], tables: Bm25) -> _Entry | None:
    return catalog.run(connection, registry.entry(tables)).fetchone()


def _compared(
    connection: Connection[Any], collection: Collection, tables: Bm25
) -> tuple[State, str]:
    """Compare the documents and words of the side tables with the rows and words of the relation."""
    found = catalog.run(connection, bm25_sql.compare(collection, tables)).fetchone()
    words, documents, words_held, rows = found or (0, 0, 0, 0)
    state, reason = _differing("rows have words", documents, rows)
    if state == "stale":
        return state, reason
    return _differing("words are in the rows, each once a row", words, words_held)


def _differing(what: str, counted: int, held: int) -> tuple[State, str]:
    if counted == held:
        return "in step", ""
    return "stale", f"{held:,} {what}, and {counted:,} are counted."


def _watched(
    collection: Collection, entry: _Entry, now: Callable[[], str | None]
) -> tuple[State, str]:
    """Tell what is known without a look at the rows; `now` reads the relation's fingerprint."""
    before, _, kept = entry
    if kept:
        return "in step", "Triggers count every row as it is written."
    if bm25_sql.keepable(collection):
        return "stale", SWITCHED_OFF
    current = now()
    if before is None or current is None:
        return "unknown", "Nothing tells when somebody writes to this relation."
    if before != current:
        return "stale", "The relation was written to since its words were counted."
    return "in step", "Nothing was written since the words were counted."


def _fingerprint(connection: Connection[Any], collection: Collection) -> str | None:
    found = catalog.run(connection, registry.fingerprint(collection)).fetchone()
    return found[0] if found else None


def fit(collection: Collection, request: SearchRequest) -> tuple[SearchRequest, tuple[str, ...]]:
    """Return `request` as it can be run, and a sentence for each thing that had to be changed.

    An extension ranks by an index of its own; without, pgvista's BM25 takes its place. That needs
    statistics in the language of the query; without, ts_rank takes its place.
    """
    if request.mode is Mode.SEMANTIC:
        return request, ()
    notes: list[str] = []
    foreign = request.text_config not in (None, collection.text_config)
    usable = collection.bm25 is not None and not foreign
    if request.keyword_rank is KeywordRank.EXTENSION:
        request, notes = _fit_extension(collection, request, foreign=foreign, usable=usable)
    if request.keyword_match is KeywordMatch.NEAR and (
        collection.bm25 is None or foreign or collection.bm25.trigram_schema is None
    ):
        if collection.bm25 is None:
            why = "statistics for BM25, which the page Collections builds"
        elif foreign:
            why = f"the language {collection.text_config!r}, in which the words are counted"
        else:
            why = "the extension pg_trgm, which the page Collections installs"
        notes.append(f"Near spelling needs {why}; the words were looked up as they are.")
        request = replace(request, keyword_match=KeywordMatch.ANY_WORD)
    if request.keyword_rank is KeywordRank.BM25 and not usable:
        why = (
            f"the words are counted in {collection.text_config!r} only"
            if collection.bm25 is not None
            else f"{collection.name} has no statistics for BM25; the Collections page builds them"
        )
        notes.append(f"Ranked by ts_rank, since {why}.")
        request = replace(request, keyword_rank=KeywordRank.TS_RANK)
    return request, tuple(notes)


def _fit_extension(
    collection: Collection, request: SearchRequest, *, foreign: bool, usable: bool
) -> tuple[SearchRequest, list[str]]:
    """Return a request for an extension's ranking as it can be run, and what had to be changed."""
    made = collection.bm25_index
    if made is None or foreign:
        why = (
            f"{collection.name} has no index of an extension for BM25"
            if made is None
            else f"the index of {made.extension} is in one language"
        )
        told = (
            f"Ranked by pgvista's own BM25, since {why}."
            if usable
            else f"No ranking by an extension: {why}."
        )
        return replace(request, keyword_rank=KeywordRank.BM25), [told]
    if request.keyword_match in (KeywordMatch.PREFIX, KeywordMatch.NEAR):
        return replace(request, keyword_match=KeywordMatch.ANY_WORD), [
            f"{made.extension} takes words as they are: rows with any of them were looked up."
        ]
    return request, []


def _fill(connection: Connection[Any], collection: Collection, tables: Bm25) -> None:
    state = _fingerprint(connection, collection)
    catalog.run(connection, bm25_keep.fill(collection, tables))
    catalog.run(connection, registry.note_fingerprint(tables, state))


def _run_all(connection: Connection[Any], queries: list[Query]) -> None:
    for query in queries:
        catalog.run(connection, query)
