"""Search: one request in, one transaction, one result that explains itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import canonical_name, get_embedder
from pgvista.errors import InvalidInput, NotFound, PgvistaError, QueryFailed
from pgvista.model.collection import Collection
from pgvista.model.metric import Metric
from pgvista.model.search import (
    CandidateLists,
    Hit,
    KeywordMatch,
    KeywordRank,
    Mode,
    Plan,
    SearchRequest,
    SearchResult,
    Span,
)
from pgvista.services import bm25_extensions
from pgvista.services.bm25 import fit
from pgvista.services.bm25_state import reread, stale_note
from pgvista.services.plan import read_plan
from pgvista.sql import bm25_extensions as extension_sql
from pgvista.sql import keyword as keyword_sql
from pgvista.sql import rows as row_sql
from pgvista.sql import search as search_sql

PlanKind = Literal["none", "estimate", "analyze"]

_FIXED_COLUMNS = 3
"""id, content, metadata; the structured columns follow."""
_ANEW = 3
"""How often a search begins anew, since what it went by was removed or built anew meanwhile."""
_LONGEST_WORD = 2_046
"""Bytes of a lexeme at most: Postgres leaves longer words out."""
_NO_WEIGHT = "Both weights are 0: every hit has the same score, and the order says nothing."
_NOTHING_MATCHED = {
    KeywordMatch.ANY_WORD: "holds any of these words.",
    KeywordMatch.WEBSEARCH: "holds all of these words. Any-word matching finds rows with some of "
    "them.",
    KeywordMatch.PHRASE: "holds these words one after the other. Any-word matching finds rows with "
    "some of them.",
    KeywordMatch.PREFIX: "holds any of these words, or one that begins like the last.",
    KeywordMatch.NEAR: "holds any of these words, or one that is spelled alike.",
}


def search(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    *,
    embedder: Embedder | None = None,
    plan: PlanKind = "none",
) -> SearchResult:
    """Run `request`; with `plan`, look up ("estimate") or measure ("analyze") how it is run.

    Words are embedded by the collection's own model, or by `embedder`, which must be that model.
    Raises InvalidInput when the request does not fit the collection.
    """
    for _ in range(_ANEW):
        try:
            return _search(db, collection, request, embedder, plan)
        except (NotFound, QueryFailed) as error:
            found = _without_what_went(db, collection, request, error)
            if found is None:
                raise
            collection = found
    return _search(db, collection, request, embedder, plan)


def _without_what_went(
    db: Database, collection: Collection, request: SearchRequest, error: PgvistaError
) -> Collection | None:
    """Return the collection without the index or the statistics that are gone; None: none are.

    Statistics that were built anew meanwhile take the place of those that are gone. If none are,
    the collection is, and a second search says so.
    """
    if request.mode is Mode.SEMANTIC:
        return None
    made = collection.bm25_index
    if (
        request.keyword_rank is KeywordRank.EXTENSION
        and made is not None
        and not bm25_extensions.is_there(db, made)
    ):
        return replace(collection, bm25_index=None)
    if isinstance(error, NotFound) and collection.bm25 is not None:
        now = reread(db, collection)
        return replace(collection, bm25=None) if now == collection else now
    return None


def _search(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    embedder: Embedder | None,
    plan: PlanKind,
) -> SearchResult:
    began = time.perf_counter()
    request, changes = fit(collection, request)
    vector = query_vector(collection, request, embedder)
    embedded = time.perf_counter()
    capabilities = db.capabilities
    query = search_sql.search(collection, request, vector)
    settings = search_sql.knobs(request, iterative_scan=capabilities.supports_iterative_scan)
    if request.keyword_rank is KeywordRank.EXTENSION and collection.bm25_index is not None:
        settings |= extension_sql.settings(collection.bm25_index, request.rows_asked)
    start = time.perf_counter()
    rows = db.query(query.statement, query.params, settings=settings)
    lexemes = None
    names, end = search_sql.tail(collection, request), _FIXED_COLUMNS + len(collection.columns)
    first = dict(zip(names, rows[0][end:], strict=True)) if rows else {}
    semantic_rows = first.get("semantic_rows", None if request.mode is Mode.KEYWORD else 0)
    keyword_rows = first.get("keyword_rows", None if request.mode is Mode.SEMANTIC else 0)
    if request.mode is not Mode.SEMANTIC and not keyword_rows:
        counting = keyword_sql.count_lexemes(collection, request)
        lexemes = db.query(counting.sql, counting.params)[0][0]
    database_s = time.perf_counter() - start
    explained = None
    if plan != "none":
        explain = search_sql.plan(query, analyze=plan == "analyze")
        explained = db.query(explain.sql, explain.params, settings=settings)[0][0]
    planned_s = time.perf_counter() - start - database_s
    hits = tuple(_hit(collection, request, names, row) for row in rows)
    finished = time.perf_counter()
    embedding_ms = (embedded - began) * 1000
    stale = stale_note(db, collection, request, nothing_found=bool(lexemes))
    return SearchResult(
        hits=hits,
        render_sql=lambda: search_sql.in_psql(query, settings),
        timings_ms={
            "embedding": embedding_ms,
            "database": database_s * 1000,
            "other": (finished - began - database_s - planned_s) * 1000 - embedding_ms,
            "total": (finished - began - planned_s) * 1000,
        },
        semantic_rows=semantic_rows,
        keyword_rows=keyword_rows,
        lists=_lists(first.get("lists")) if request.lists and request.mode is Mode.HYBRID else None,
        notes=changes
        + _notes(collection, request, semantic_rows, lexemes)
        + stale
        + weight_notes(request),
        plan=None if explained is None else read_plan(explained, request),
        settings=settings,
    )


def explain(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    *,
    embedder: Embedder | None = None,
) -> Plan:
    """Run `request` under EXPLAIN (ANALYZE, BUFFERS) and return the plan in plain words."""
    found = search(db, collection, request, embedder=embedder, plan="analyze").plan
    if found is None:  # pragma: no cover - search was asked for a plan
        raise NotFound("Postgres returned no plan.")
    return found


def similar(
    db: Database, collection: Collection, row_id: str, request: SearchRequest | None = None
) -> SearchResult:
    """Find the rows nearest to one row, which itself is left out; knobs come from `request`.

    Raises NotFound when the row is gone, InvalidInput when it has no vector.
    """
    vector = vector_of(db, collection, row_id)
    values = tuple(vector.tolist())
    template = request or SearchRequest(mode=Mode.SEMANTIC, vector=values)
    wanted = replace(template, mode=Mode.SEMANTIC, text=None, vector=values, exclude_id=row_id)
    return search(db, collection, wanted)


def vector_of(db: Database, collection: Collection, row_id: str) -> NDArray[np.float32]:
    """Return one row's vector, shape (dimension,). Raises NotFound, or InvalidInput without one."""
    query = row_sql.by_id(collection, [row_id])
    row = db.read(lambda connection: connection.execute(query.sql, query.params).fetchone())
    if row is None:
        raise NotFound(f"The row {row_id!r} is not in {collection.name} any more.")
    if row[3] is None:
        raise InvalidInput(
            f"The row {row_id!r} has no vector yet, so nothing can be near it.",
            "Embed the rows that have none, on the page of the collection.",
        )
    return np.asarray(row[3], dtype=np.float32)


# -- the query's vector


class _QueryVectors:
    """The vectors of recent queries, so that moving a knob does not embed the words again."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._lock = Lock()
        self._vectors: OrderedDict[tuple[int, str], tuple[Embedder, tuple[float, ...]]] = (
            OrderedDict()
        )

    def get(self, embedder: Embedder, text: str) -> tuple[float, ...]:
        key = (id(embedder), text)
        with self._lock:
            known = self._vectors.get(key)
            if known is not None and known[0] is embedder:
                self._vectors.move_to_end(key)
                return known[1]
        values = tuple(embedder.embed_query(text).tolist())
        with self._lock:
            self._vectors[key] = (embedder, values)
            while len(self._vectors) > self._size:
                self._vectors.popitem(last=False)
        return values


_query_vectors = _QueryVectors()


def query_vector(
    collection: Collection, request: SearchRequest, embedder: Embedder | None
) -> tuple[float, ...] | None:
    """Return the query as a vector, from memory where it was asked before; None when none is needed.

    Raises InvalidInput when no model is known, or `embedder` is not that of the collection.
    """
    if request.mode is Mode.KEYWORD:
        return None
    if request.vector is not None:
        return request.vector
    if collection.model is None:
        raise InvalidInput(
            f"The model that made the vectors of {collection.name} is not known, "
            "so words cannot be turned into a vector.",
            "Name the model on the Collections page, search by keyword, or give a vector.",
        )
    embedder = embedder or get_embedder(collection.model)
    if canonical_name(embedder.name) != canonical_name(collection.model):
        raise InvalidInput(
            f"{collection.name} was embedded by {collection.model}, and vectors of {embedder.name} "
            "lie in another space: distances between the two mean nothing.",
            "Search with the collection's own model.",
        )
    return _query_vectors.get(embedder, request.text or "")


# -- rows into hits


def _hit(
    collection: Collection, request: SearchRequest, names: Sequence[str], row: Sequence[Any]
) -> Hit:
    base = _FIXED_COLUMNS + len(collection.columns)
    found = dict(zip(names, row[base:], strict=True))
    score = found["score"]
    if request.mode is Mode.SEMANTIC:
        score = (request.metric or collection.metric).similarity(found["distance"])
    elif request.mode is Mode.KEYWORD:
        score = found["keyword_score"]
    return Hit(
        id=row[0],
        content=row[1],
        metadata=row[2] if isinstance(row[2], dict) else {},
        columns={
            item.name: value
            for item, value in zip(collection.columns, row[_FIXED_COLUMNS:base], strict=True)
        },
        score=score,
        distance=found["distance"],
        semantic_rank=found["semantic_rank"],
        keyword_rank=found["keyword_rank"],
        keyword_score=found["keyword_score"],
        semantic_term=term(found["semantic_rank"], found["semantic_term"]),
        keyword_term=term(found["keyword_rank"], found["keyword_term"]),
        snippet=snippet(row[1], found["headline"]),
        title=marked(found.get("title")),
    )


def term(rank: int | None, value: float | None) -> float | None:
    """Return a list's part of a score; None where a row is not in the list and so adds nothing."""
    return value if rank or value else None


def _lists(found: Sequence[Any] | None) -> CandidateLists:
    """Turn ids, distances, ids, scores and the covering score into lists; None: nothing found."""
    *lists, covering = found or ((), (), (), (), None)
    columns = [column or () for column in lists]
    return CandidateLists(
        semantic=tuple(zip(columns[0], map(float, columns[1]), strict=True)),
        keyword=tuple(zip(columns[2], map(float, columns[3]), strict=True)),
        covering=None if covering is None else float(covering),
    )


def snippet(content: str | None, headline: str | None) -> tuple[Span, ...]:
    """Return a hit's passages; without a headline, the beginning of its text."""
    if headline is None:
        if content is None:
            return ()
        short = content[: keyword_sql.SNIPPET_LENGTH]
        return (Span(short + ("…" if len(short) < len(content) else "")),)
    return marked(headline)


def marked(headline: str | None) -> tuple[Span, ...]:
    """Split what ts_headline returns at the marks around matched words."""
    spans: list[Span] = []
    for number, piece in enumerate((headline or "").split(keyword_sql.MARK_START)):
        text, stop, rest = piece.partition(keyword_sql.MARK_STOP)
        if number and stop:
            spans.append(Span(text, True))
            text = rest
        text = text.replace(keyword_sql.MARK_STOP, "")
        if text:
            spans.append(Span(text))
    return tuple(spans)


def weight_notes(request: SearchRequest, others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the `others` with what is to be said of the weights of `request`, and of no other's."""
    none = request.mode is Mode.HYBRID and not (request.semantic_weight or request.keyword_weight)
    return tuple(note for note in others if note != _NO_WEIGHT) + ((_NO_WEIGHT,) if none else ())


def _notes(
    collection: Collection,
    request: SearchRequest,
    semantic_rows: int | None,
    lexemes: int | None,
) -> tuple[str, ...]:
    notes = []
    if lexemes == 0:
        long = any(len(word.encode()) > _LONGEST_WORD for word in (request.text or "").split())
        left = "stop words or symbols"
        if long:
            left = f"stop words, symbols or words of over {_LONGEST_WORD:,} bytes"
        notes.append(f"The query holds no words that can be looked up: only {left} are left.")
    elif lexemes is not None:
        whose = "No row" if request.filters is None else "No row that meets the filter"
        notes.append(f"{whose} {_NOTHING_MATCHED[request.keyword_match]}")
    if semantic_rows is not None and semantic_rows < request.rows_asked:
        reasons = []
        if request.max_distance is not None:
            reasons.append("the distance threshold")
        if request.filters is not None:
            reasons.append("the filter")
        if not request.exact and request.effective_ef_search < request.rows_asked:
            reasons.append(f"ef_search {request.effective_ef_search}")
        if reasons:
            notes.append(
                f"{semantic_rows} of {request.rows_asked} rows asked were near enough to be listed; "
                f"what limits them: {', '.join(reasons)}."
            )
    metric = request.metric or collection.metric
    limited = request.max_distance is not None or request.filters is not None
    if metric is Metric.COSINE and semantic_rows == 0 and not limited:
        notes.append("Rows without a vector, and zero vectors, cannot be found by cosine distance.")
    return tuple(notes)
