"""Whether BM25's side tables are in step with the rows, and how that is found out.

Three things tell, each at its price: the triggers as the catalogue has them and the server's own
counters (well below a millisecond), the numbers of rows and words on both sides (30 ms for 30,000
rows), and the postings one by one (a second for a million of them).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from weakref import WeakKeyDictionary

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import NotFound, PgvistaError, StatementTimeout
from pgvista.model.collection import Bm25, Collection
from pgvista.model.search import KeywordRank, Mode, SearchRequest
from pgvista.services import catalog
from pgvista.sql import bm25 as bm25_sql
from pgvista.sql import bm25_keep
from pgvista.sql import bm25_registry as registry

WORD_FOR_WORD = 100_000
"""Collections of up to this many words, each once a row, are compared word for word unasked."""

_COUNT_MS = 300
"""How long a search looks at rows to tell whether statistics are stale."""
_LOOK_SHARE = 100
"""A look at rows that took a while is taken again after this many times as long, not before."""

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
    """A sentence or two: why it is so."""
    documents: int
    average_length: float
    """Words a document, without stop words."""
    lexemes: int
    rows_of_postings: int
    """As many as lexemes right after a build; more make a search a little slower."""
    size_bytes: int
    built_at: datetime
    word_for_word: bool
    """Whether every word of every row was compared, and not their numbers alone."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the registry holds, and how much was written to the relation."""

    fingerprint: str | None
    """Of the last build."""
    built_at: datetime
    kept: bool
    """Whether triggers keep the side tables."""
    written: int
    """Rows inserted, updated and deleted, as the server counts them; it may be a second late."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at rows: what it told, and when the next one may be taken."""

    written: int
    state: State
    reason: str
    again_at: float


_looks: WeakKeyDictionary[Database, dict[Bm25, _Look]] = WeakKeyDictionary()


def reread(db: Database, collection: Collection) -> Collection:
    """Return the collection with its side tables as they are now."""
    found = db.read(lambda c: catalog.bm25_tables(c)).get((collection.schema, collection.table))
    return replace(collection, bm25=found)


def status(db: Database, collection: Collection, *, thorough: bool = False) -> Bm25Status:
    """Tell what the side tables hold and whether they are in step. Reads the whole table.

    Rows and words are counted; where they are as many, the words are compared one by one, in
    collections of up to `WORD_FOR_WORD` of them or when `thorough`, unless the statement's time
    limit ends that. Raises NotFound without any.
    """
    tables = collection.bm25
    if tables is None:
        raise NotFound(f"{collection.name} has no statistics for BM25.", "Build them.")

    def work(connection: Connection[Any]) -> Bm25Status:
        measured = catalog.run(connection, bm25_sql.measure(tables)).fetchone()
        found = catalog.run(connection, registry.entry(tables)).fetchone()
        if measured is None or found is None:
            raise NotFound(f"The statistics of {collection.name} are gone.", "Build them anew.")
        entry = _Entry(*found)
        documents, length, blocks, lexemes, size = measured
        state, reason, word_for_word = _compared(connection, collection, tables, thorough=thorough)
        if state != "stale":
            known, why = _watched(collection, entry, lambda: _fingerprint(connection, collection))
            if known == "in step" or (known == "unknown" and word_for_word):
                reason = f"{why} {reason}"
            else:
                state, reason = known, why
        return Bm25Status(
            state=state,
            reason=reason,
            documents=documents,
            average_length=length / documents if documents else 0.0,
            lexemes=lexemes,
            rows_of_postings=blocks,
            size_bytes=size,
            built_at=entry.built_at,
            word_for_word=word_for_word,
        )

    try:
        return db.read(work)
    except StatementTimeout as error:
        if not thorough:
            raise
        found = status(db, collection)
        return replace(found, reason=f"{found.reason} Not every word was compared. {error.message}")
    except NotFound:
        current = reread(db, collection)
        if current.bm25 in (None, tables):
            raise
        return status(db, current, thorough=thorough)  # they were built anew meanwhile


def state_without_counting(db: Database, collection: Collection) -> tuple[State, str]:
    """Tell whether the side tables are in step as far as that is known without a look at rows, and why."""
    tables = collection.bm25
    if tables is None:
        return "unknown", "There are no statistics."
    entry = _read_entry(db, tables)
    if entry is None:
        return "unknown", "The statistics are gone."
    return _known(db, collection, entry)


def stale_note(
    db: Database, collection: Collection, request: SearchRequest, *, nothing_found: bool
) -> tuple[str, ...]:
    """Return a sentence where a search went by statistics that are known to be stale.

    What the catalogue and the server's counters tell is looked at each time. Rows and words are
    compared when something was written since that was done last, not for longer than `_COUNT_MS`,
    and, unless no row was found by words, not in more than a hundredth of the time.
    """
    tables = collection.bm25
    if (
        request.mode is Mode.SEMANTIC
        or request.keyword_rank is not KeywordRank.BM25
        or tables is None
    ):
        return ()
    try:
        entry = _read_entry(db, tables)
        if entry is None:
            return ()
        state, reason = _known(db, collection, entry)
        if state == "in step" and bm25_sql.keepable(collection):
            state, reason = _looked(db, collection, tables, entry, at_once=nothing_found)
    except PgvistaError:  # something went meanwhile: the search has its result
        return ()
    if state != "stale":
        return ()
    return (f"The statistics for BM25 are stale: {reason} The page Collections refreshes them.",)


def _looked(
    db: Database, collection: Collection, tables: Bm25, entry: _Entry, *, at_once: bool
) -> tuple[State, str]:
    """Compare rows and words, or return what that told before when nothing was written since."""
    looks = _looks.setdefault(db, {})
    before = looks.get(tables)
    began = time.monotonic()
    if before is not None and (
        before.written == entry.written or (began < before.again_at and not at_once)
    ):
        return before.state, before.reason
    state: State = "unknown" if before is None else before.state
    reason = "" if before is None else before.reason

    def compared(connection: Connection[Any]) -> tuple[State, str, bool]:
        return _compared(connection, collection, tables)

    with suppress(PgvistaError):  # it takes too long, or something went: the search has its result
        state, reason, _ = db.read(compared, timeout_ms=_COUNT_MS)
    ended = time.monotonic()
    again_at = ended + _LOOK_SHARE * (ended - began)
    looks[tables] = _Look(entry.written, state, reason, again_at)
    return state, reason


def _read_entry(db: Database, tables: Bm25) -> _Entry | None:
    asking = registry.entry(tables)
    found = db.query(asking.statement, asking.params, timeout_ms=_COUNT_MS)
    return _Entry(*found[0]) if found else None


def _known(db: Database, collection: Collection, entry: _Entry) -> tuple[State, str]:
    def now() -> str | None:
        query = registry.fingerprint(collection)
        rows = db.query(query.statement, query.params)
        return rows[0][0] if rows else None

    return _watched(collection, entry, now)


def _watched(
    collection: Collection, entry: _Entry, now: Callable[[], str | None]
) -> tuple[State, str]:
    """Tell what is known without a look at the rows; `now` reads the relation's fingerprint."""
    if entry.kept:
        return "in step", "Triggers count every row as it is written."
    if bm25_sql.keepable(collection):
        return "stale", SWITCHED_OFF
    current = now()
    if entry.fingerprint is None or current is None:
        return "unknown", "Nothing tells when somebody writes to this relation."
    if entry.fingerprint != current:
        return "stale", "The relation was written to since its words were counted."
    return "in step", "Nothing was written since the words were counted."


def _compared(
    connection: Connection[Any], collection: Collection, tables: Bm25, *, thorough: bool = False
) -> tuple[State, str, bool]:
    """Compare the side tables with the relation; tell also whether that was done word for word."""
    if collection.row_security:
        return "in step", "They were not compared: this role does not see all rows.", False
    found = catalog.run(connection, bm25_sql.compare(collection, tables)).fetchone()
    words, documents, words_held, rows = found or (0, 0, 0, 0)
    if documents != rows:
        return "stale", f"{rows:,} rows have words, and {documents:,} are counted.", False
    if words != words_held:
        told = f"{words_held:,} words are in the rows, each once a row, and {words:,} are counted."
        return "stale", told, False
    if words > WORD_FOR_WORD and not thorough:
        return "in step", "Rows and words are as many as are counted.", False
    counting = catalog.run(connection, bm25_keep.count_differing(collection, tables)).fetchone()
    (differing,) = counting or (0,)
    if differing:
        has = "1 row has" if differing == 1 else f"{differing:,} rows have"
        return "stale", f"{has} other words than are counted.", True
    return "in step", "Every word was compared.", True


def _fingerprint(connection: Connection[Any], collection: Collection) -> str | None:
    found = catalog.run(connection, registry.fingerprint(collection)).fetchone()
    return found[0] if found else None
