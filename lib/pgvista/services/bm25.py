"""BM25's side tables: build, refresh and drop them, and fit a search to what there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import Bm25, Collection
from pgvista.model.search import KeywordMatch, KeywordRank, Mode, SearchRequest
from pgvista.services import catalog
from pgvista.services.bm25_state import reread, status
from pgvista.sql import bm25 as bm25_sql
from pgvista.sql import bm25_build as build_sql
from pgvista.sql import bm25_keep
from pgvista.sql import bm25_registry as registry
from pgvista.sql.query import Query

JOIN_AFTER = 64
"""After a load, postings are joined when this many statements have written since the last time."""


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

    Counted anew too where a look at every word finds one that is not counted.
    """
    current = reread(db, collection)
    tables = current.bm25
    if tables is None:
        return build(db, current)
    if status(db, current, thorough=True).state != "in step":
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
    found = catalog.run(connection, registry.fingerprint(collection)).fetchone()
    catalog.run(connection, bm25_keep.fill(collection, tables))
    catalog.run(connection, registry.note_fingerprint(tables, found[0] if found else None))


def _run_all(connection: Connection[Any], queries: list[Query]) -> None:
    for query in queries:
        catalog.run(connection, query)
