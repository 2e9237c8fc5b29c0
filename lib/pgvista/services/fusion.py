"""Fusion without Postgres: a hybrid search's lists fused anew, and the ledger of every candidate."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import NotFound
from pgvista.model.collection import Collection
from pgvista.model.search import (
    CandidateLists,
    Hit,
    Mode,
    SearchRequest,
    SearchResult,
)
from pgvista.science.fusion import Fused, fuse
from pgvista.services.bm25 import fit
from pgvista.services.search import marked, query_vector, snippet, term, weight_notes
from pgvista.sql import search as search_sql
from pgvista.sql.keyword import marks_titles

if TYPE_CHECKING:
    import pandas as pd

_FIXED_COLUMNS = 3

UNFUSED: Mapping[str, Any] = {
    name: getattr(SearchRequest(text="any"), name)
    for name in ("fusion", "rrf_k", "semantic_weight", "keyword_weight")
}
"""The settings of the fusion at their defaults: the lists do not depend on them."""


def same_lists(one: SearchRequest, other: SearchRequest) -> bool:
    """Return whether two hybrid searches fuse the same lists into as many hits."""
    return replace(one, **UNFUSED) == replace(other, **UNFUSED)


def fuse_lists(request: SearchRequest, lists: CandidateLists) -> Fused:
    """Fuse lists as `request` says. Raises ValueError when an id stands in a list twice."""
    return fuse(
        request.fusion,
        [(row_id, -distance) for row_id, distance in lists.semantic],
        lists.keyword,
        k=request.rrf_k,
        semantic_weight=request.semantic_weight,
        keyword_weight=request.keyword_weight,
        covering=lists.covering,
    )


def fuse_again(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    result: SearchResult,
    known: Mapping[str, Hit],
    *,
    embedder: Embedder | None = None,
) -> SearchResult | None:
    """Return what `request` finds, from the lists of a `result` that fused them otherwise.

    Only rows that are not among the `known` hits are asked of Postgres, by id, in one statement.
    None when it must be asked for everything: a row or a table is gone, an id stands in a list twice, or
    `result` has no lists.
    """
    began = time.perf_counter()
    lists = result.lists
    if lists is None or request.mode is not Mode.HYBRID:
        return None
    try:
        fused = fuse_lists(request, lists)
    except ValueError:
        return None
    best = fused.ids[: request.limit]
    request, _ = fit(collection, request)
    fused_s = time.perf_counter() - began
    new = [row_id for row_id in best if row_id not in known]
    try:
        rows = {**known, **(_rows(db, collection, request, new) if new else {})}
    except NotFound:
        return None  # the collection is gone, or its statistics alone are: a search tells
    read_s = time.perf_counter() - began - fused_s
    if not all(row_id in rows for row_id in best):
        return None
    began_hits = time.perf_counter()
    distances, scores = dict(lists.semantic), dict(lists.keyword)
    hits = []
    for place, row_id in enumerate(best):
        semantic_rank = int(fused.semantic_rank[place]) or None
        keyword_rank = int(fused.keyword_rank[place]) or None
        hits.append(
            replace(
                rows[row_id],
                score=float(fused.score[place]),
                distance=distances.get(row_id),
                semantic_rank=semantic_rank,
                keyword_rank=keyword_rank,
                keyword_score=scores.get(row_id),
                semantic_term=term(semantic_rank, float(fused.semantic_term[place])),
                keyword_term=term(keyword_rank, float(fused.keyword_term[place])),
            )
        )
    fused_s += time.perf_counter() - began_hits

    def render() -> str:
        vector = query_vector(collection, request, embedder)
        return search_sql.in_psql(search_sql.search(collection, request, vector), result.settings)

    timings = {"fusion": fused_s * 1000}
    if new:
        timings["database"] = read_s * 1000
    return replace(
        result,
        hits=tuple(hits),
        render_sql=render,
        timings_ms={**timings, "total": sum(timings.values())},
        notes=weight_notes(request, result.notes),
    )


def _rows(
    db: Database, collection: Collection, request: SearchRequest, ids: Sequence[str]
) -> dict[str, Hit]:
    """Read rows as hits without places and scores."""
    query = search_sql.rows(collection, request, ids)
    end = _FIXED_COLUMNS + len(collection.columns)
    titled = marks_titles(collection, request)
    return {
        row[0]: Hit(
            id=row[0],
            content=row[1],
            metadata=row[2] if isinstance(row[2], dict) else {},
            columns={
                item.name: value
                for item, value in zip(collection.columns, row[_FIXED_COLUMNS:end], strict=True)
            },
            score=0.0,
            snippet=snippet(row[1], row[end]),
            title=marked(row[end + 1]) if titled else (),
        )
        for row in db.query(query.statement, query.params)
    }


# -- the ledger


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One candidate: where it stands in each list, what each adds, and where that puts it."""

    place: int
    id: str
    semantic_rank: int | None
    distance: float | None
    keyword_rank: int | None
    keyword_score: float | None
    semantic_term: float
    keyword_term: float
    score: float
    """The sum of both terms."""
    tied: int = 0
    """How many others have the same score; of these the nearer by meaning stands first."""
    place_before: int | None = None
    """Its place under a former setting; None without one, and for a row that was no candidate."""


def ledger(
    fused: Fused,
    lists: CandidateLists,
    before: Mapping[str, int] | None = None,
    *,
    most: int | None = None,
) -> tuple[LedgerRow, ...]:
    """Return the candidates of a hybrid search, best first: all, or at most so many.

    `fused` is what `fuse_lists` made of `lists`; `before` tells former places by id.
    """
    distances, scores, tied = dict(lists.semantic), dict(lists.keyword), fused.tied()
    before = before or {}
    columns = (
        fused.ids[:most],
        fused.semantic_rank[:most].tolist(),
        fused.keyword_rank[:most].tolist(),
        fused.semantic_term[:most].tolist(),
        fused.keyword_term[:most].tolist(),
        fused.score[:most].tolist(),
    )
    return tuple(
        LedgerRow(
            place=place,
            id=row_id,
            semantic_rank=semantic_rank or None,
            distance=distances.get(row_id),
            keyword_rank=keyword_rank or None,
            keyword_score=scores.get(row_id),
            semantic_term=semantic_term,
            keyword_term=keyword_term,
            score=score,
            tied=tied.get(row_id, 0),
            place_before=before.get(row_id),
        )
        for place, (row_id, semantic_rank, keyword_rank, semantic_term, keyword_term, score) in (
            enumerate(zip(*columns, strict=True), start=1)
        )
    )


def ledger_frame(rows: Sequence[LedgerRow]) -> pd.DataFrame:
    """Return a ledger as a data frame, a row for each candidate; missing places are <NA>."""
    import pandas as pd

    names = list(LedgerRow.__dataclass_fields__)
    frame = pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)
    for name in ("semantic_rank", "keyword_rank", "place_before"):
        frame[name] = frame[name].astype("Int64")
    for name in ("distance", "keyword_score"):
        frame[name] = frame[name].astype("float64")
    return frame
