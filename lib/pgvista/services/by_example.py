"""Search by example: like these rows and unlike those, with variety, best of each group."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import canonical_name, get_embedder
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.by_example import ExampleRequest
from pgvista.model.collection import Collection
from pgvista.model.metric import Metric
from pgvista.model.search import Hit, IterativeScan, Mode, SearchRequest, SearchResult, Span
from pgvista.science.examples import rocchio
from pgvista.science.mmr import mmr
from pgvista.sql import by_example as example_sql
from pgvista.sql import search as search_sql
from pgvista.sql.keyword import SNIPPET_LENGTH

_FIXED_COLUMNS = 3
_NAMED = 5
"""So many ids are named in a note."""

Vectors = NDArray[np.float32]


def by_example(
    db: Database,
    collection: Collection,
    request: ExampleRequest,
    *,
    embedder: Embedder | None = None,
) -> SearchResult:
    """Find rows like and unlike the examples; these themselves are left out.

    Examples that are gone, or have no vector, are told in the notes. A hit's `semantic_rank` is its
    place by nearness alone, so that it shows what variety and groups have moved. Words are embedded
    by the collection's own model, or by `embedder`, which must be that model. Raises NotFound when
    no row to be like is left, InvalidInput when the request does not fit the collection.
    """
    began = time.perf_counter()
    words = _embedded(collection, request, embedder)
    embedded = time.perf_counter()
    metric = request.metric or collection.metric
    like, unlike, notes = _vectors(db, collection, request, metric)
    if words is not None:
        like = [*like, words]
    _same_length(collection, [*like, *unlike])
    size = len(like[0])
    vector = rocchio(
        np.stack(like),
        np.stack(unlike) if unlike else np.empty((0, size), np.float32),
        metric=metric,
        weight=request.unlike_weight,
    )
    query = example_sql.by_example(collection, request, vector)
    template = _template(request, vector)
    settings = search_sql.knobs(template, iterative_scan=db.capabilities.supports_iterative_scan)
    start = time.perf_counter()
    rows = db.query(query.statement, query.params, settings=settings)
    found = time.perf_counter()
    hits = [_hit(collection, row, metric) for row in rows]
    if request.variety:
        vectors = np.array([row[-1] for row in rows], dtype=np.float32).reshape(-1, size)
        places = mmr(
            np.array([hit.score for hit in hits], dtype=np.float64),
            vectors,
            metric=metric,
            lambda_=1 - request.variety,
            limit=request.limit,
        )
        hits = [hits[place] for place in places]
    finished = time.perf_counter()
    return SearchResult(
        hits=tuple(hits),
        render_sql=lambda: search_sql.in_psql(query, settings),
        timings_ms={
            "embedding": (embedded - began) * 1000,
            "examples": (start - embedded) * 1000,
            "database": (found - start) * 1000,
            "variety": (finished - found) * 1000,
            "total": (finished - began) * 1000,
        },
        semantic_rows=rows[0][-example_sql.TRAILING + 2] if rows else 0,
        notes=(*notes, *_found_notes(request, rows)),
        settings=settings,
    )


def _template(request: ExampleRequest, vector: Vectors) -> SearchRequest:
    """Return the plain search whose settings this one needs."""
    filtered = request.filters is not None
    return SearchRequest(
        mode=Mode.SEMANTIC,
        vector=tuple(vector.tolist()),
        limit=min(10_000, request.looked_at + len(request.like) + len(request.unlike)),
        exact=request.exact,
        ef_search=request.ef_search,
        filters=request.filters,
        iterative_scan=IterativeScan.STRICT if filtered else IterativeScan.OFF,
    )


# -- the examples' vectors


def _embedded(
    collection: Collection, request: ExampleRequest, embedder: Embedder | None
) -> Vectors | None:
    if not (request.text and request.text.strip()):
        return None
    if collection.model is None:
        raise InvalidInput(
            f"The model that made the vectors of {collection.name} is not known, "
            "so words cannot be turned into a vector.",
            "Begin with a row instead, or name the model on the Collections page.",
        )
    embedder = embedder or get_embedder(collection.model)
    if canonical_name(embedder.name) != canonical_name(collection.model):
        raise InvalidInput(
            f"{collection.name} was embedded by {collection.model}, and vectors of {embedder.name} "
            "lie in another space: distances between the two mean nothing.",
            "Search with the collection's own model.",
        )
    return np.asarray(embedder.embed_query(request.text), dtype=np.float32)


def _vectors(
    db: Database, collection: Collection, request: ExampleRequest, metric: Metric
) -> tuple[list[Vectors], list[Vectors], list[str]]:
    """Return the vectors of the liked and of the unliked rows, and what is said of the others."""
    ids = (*request.like, *request.unlike)
    found: dict[str, Any] = {}
    if ids:
        query = example_sql.examples(collection, ids)
        found = {row[0]: row[1] for row in db.query(query.statement, query.params)}
    gone = [row_id for row_id in ids if row_id not in found]
    bare = [row_id for row_id in ids if row_id in found and found[row_id] is None]
    vectors = {
        key: np.asarray(value, dtype=np.float32)
        for key, value in found.items()
        if value is not None
    }
    zero = [
        row_id
        for row_id in ids
        if metric is Metric.COSINE and row_id in vectors and not vectors[row_id].any()
    ]
    notes = [
        *_left_out(gone, f"not in {collection.name} any more"),
        *_left_out(bare, "without a vector"),
        *_left_out(zero, "with a zero vector, which has no direction"),
    ]
    left_out = {*gone, *bare, *zero}
    like = [vectors[row_id] for row_id in request.like if row_id not in left_out]
    unlike = [vectors[row_id] for row_id in request.unlike if row_id not in left_out]
    if request.like and not like and not request.text:
        raise NotFound(
            f"No row to be like is left: {'; '.join(note.rstrip('.') for note in notes)}.",
            "Choose another row.",
        )
    return like, unlike, notes


def _left_out(ids: Sequence[str], why: str) -> list[str]:
    if not ids:
        return []
    named = ", ".join(map(repr, ids[:_NAMED]))
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return [f"Left out, {why}: {named}{more}."]


def _same_length(collection: Collection, vectors: Sequence[Vectors]) -> None:
    lengths = sorted({len(vector) for vector in vectors})
    if len(lengths) > 1:
        raise InvalidInput(
            f"The examples' vectors have {' and '.join(map(str, lengths))} numbers, and cannot be "
            "averaged.",
            "Choose rows whose vectors have one length.",
        )
    if collection.dimension is not None and lengths[0] != collection.dimension:
        raise InvalidInput(
            f"The query vector has {lengths[0]} numbers, but {collection.name} has "
            f"{collection.dimension}."
        )


# -- what was found


def _hit(collection: Collection, row: Sequence[Any], metric: Metric) -> Hit:
    base = _FIXED_COLUMNS + len(collection.columns)
    distance, rank = row[base], row[base + 1]
    content = row[1]
    short = None if content is None else content[:SNIPPET_LENGTH]
    cut = "…" if short is not None and len(short) < len(content) else ""
    return Hit(
        id=row[0],
        content=content,
        metadata=row[2] if isinstance(row[2], dict) else {},
        columns={
            item.name: value
            for item, value in zip(collection.columns, row[_FIXED_COLUMNS:base], strict=True)
        },
        score=metric.similarity(distance),
        distance=distance,
        semantic_rank=rank,
        snippet=() if short is None else (Span(short + cut),),
    )


def _found_notes(request: ExampleRequest, rows: Sequence[Sequence[Any]]) -> list[str]:
    candidates = rows[0][-example_sql.TRAILING + 2] if rows else 0
    notes = []
    if request.group_by is not None and rows:
        groups = rows[0][-example_sql.TRAILING + 3]
        empty = next((row[-2] for row in rows if row[-3] is None), 0)
        word = "value" if groups == 1 else "values"
        note = f"{groups:,} {word} of {request.group_by} among the nearest {candidates:,} rows"
        if empty == candidates:
            note = f"None of the nearest {candidates:,} rows has a value of {request.group_by!r}"
        elif empty:
            note += f"; rows without one ({empty:,}) count as a group"
        notes.append(f"{note}.")
        if groups < request.limit and candidates >= request.looked_at:
            notes.append("Look at more rows to find more groups.")
    if candidates < request.looked_at:
        reasons = []
        if request.max_distance is not None:
            reasons.append("the distance threshold")
        if request.filters is not None:
            reasons.append("the filter")
        asked = request.looked_at + len(request.like) + len(request.unlike)
        if not request.exact and (request.ef_search or 1000) < asked:
            reasons.append(f"ef_search {request.ef_search or 1000}")
        if reasons:
            notes.append(
                f"{candidates:,} of {request.looked_at:,} rows asked were near enough; "
                f"what limits them: {', '.join(reasons)}."
            )
    return notes
