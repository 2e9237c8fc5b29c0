"""BM25's side tables: build them, tell whether they are in step, refresh and drop them."""

from __future__ import annotations

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
from pgvista.sql import bm25_keep
from pgvista.sql import bm25_registry as registry
from pgvista.sql.query import Query

JOIN_AFTER = 64
"""After a load, postings are joined when this many statements have written since the last time."""

_COUNT_MS = 300
"""How long rows are counted to tell whether statistics are stale."""

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

    Writers wait meanwhile. Side tables that were there are made anew; those of relations that are
    gone are removed. Raises InvalidInput without words or a key, PermissionDenied where the role
    may not create tables in schema pgvista or triggers on the table.
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
        spelling = False
        for former, spelled in catalog.run(connection, numbers).fetchall():
            spelling |= spelled
            _run_all(connection, bm25_sql.drop(Bm25(former)))
        (labelled,) = catalog.run(connection, bm25_sql.has_labels(collection)).fetchone() or (
            False,
        )
        entering = registry.register(collection, labelled=labelled, kept=kept)
        (number,) = catalog.run(connection, entering).fetchone() or (0,)
        made = Bm25(number, labelled, kept)
        _run_all(connection, bm25_sql.create(collection, made))
        _fill(connection, collection, made)
        catalog.run(connection, bm25_sql.index(made))
        if spelling:
            tables = catalog.bm25_tables(connection)[collection.schema, collection.table]
            catalog.run(connection, bm25_sql.index_trigrams(tables))
        if kept:
            _run_all(connection, bm25_keep.keep(collection, made))
        for (role,) in catalog.run(connection, registry.readers(collection)).fetchall():
            catalog.run(connection, bm25_sql.grant(made, role))
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
        entry = catalog.run(connection, registry.entry(tables)).fetchone()
        rows = catalog.run(connection, bm25_sql.rows_with_words(collection)).fetchone()
        now = catalog.run(connection, registry.fingerprint(collection)).fetchone()
        if measured is None or entry is None or rows is None or now is None:
            raise NotFound(f"The statistics of {collection.name} are gone.", "Build them anew.")
        found, length, _, blocks, lexemes, size = measured
        state, reason = _state(tables, found, rows[0], entry[0], now[0])
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

    return db.read(work)


def stale_note(
    db: Database, collection: Collection, request: SearchRequest, *, nothing_found: bool
) -> tuple[str, ...]:
    """Return a sentence where a search went by statistics that are known to be stale.

    Where triggers keep them, rows are counted only when no row was found by words, and not for
    longer than `_COUNT_MS`; of other relations the server's own counters are asked each time.
    """
    tables = collection.bm25
    if (
        request.mode is Mode.SEMANTIC
        or request.keyword_rank is not KeywordRank.BM25
        or tables is None
        or (tables.kept and not nothing_found)
    ):
        return ()

    def work(connection: Connection[Any]) -> tuple[State, str]:
        if tables.kept:
            counted = catalog.run(connection, bm25_sql.count_documents(tables)).fetchone()
            rows = catalog.run(connection, bm25_sql.rows_with_words(collection)).fetchone()
            return _state(tables, (counted or (0,))[0], (rows or (0,))[0], None, None)
        entry = catalog.run(connection, registry.entry(tables)).fetchone()
        now = catalog.run(connection, registry.fingerprint(collection)).fetchone()
        return _state(tables, 0, 0, (entry or (None,))[0], (now or (None,))[0])

    try:
        state, reason = db.read(work, timeout_ms=_COUNT_MS)
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


def _state(
    tables: Bm25, documents: int, rows: int, before: str | None, now: str | None
) -> tuple[State, str]:
    if documents != rows:
        return "stale", f"{rows:,} rows have words, and {documents:,} are counted."
    if tables.kept:
        return "in step", "Triggers count every row as it is written."
    if before is None or now is None:
        return "unknown", "Nothing tells when somebody writes to this relation."
    if before != now:
        return "stale", "The relation was written to since its words were counted."
    return "in step", "Nothing was written since the words were counted."


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
    state = catalog.run(connection, registry.fingerprint(collection)).fetchone()
    catalog.run(connection, bm25_keep.fill(collection, tables))
    catalog.run(connection, registry.note_fingerprint(tables, state[0] if state else None))


def _run_all(connection: Connection[Any], queries: list[Query]) -> None:
    for query in queries:
        catalog.run(connection, query)
