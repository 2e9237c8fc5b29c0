"""A live query on a map: where it lies, what is truly near, what searches find and miss."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput
from pgvista.io.vectors import parse_vector
from pgvista.model.collection import Collection
from pgvista.model.map import (
    KEPT_NEIGHBOURS,
    Errors,
    Floats,
    MapHit,
    MapScores,
    PlacedQuery,
    Placement,
    SavedMap,
)
from pgvista.model.search import Mode, SearchRequest
from pgvista.model.tuning import MAX_NEAREST, NearestRequest
from pgvista.science.distances import to_all
from pgvista.science.map_quality import map_neighbours
from pgvista.science.placing import place
from pgvista.services import search as search_service
from pgvista.services.map_vectors import map_vectors
from pgvista.sql import nearest as nearest_sql

PLACED_BY = 10
"""So many of the points truly nearest decide where a query lies."""
SCORED = 1_000
"""So many of the best rows of a search have a score on the map."""
_SPARE = 3
"""Of a sample, so many times as many rows are looked at as would hold enough points on average."""


def place_query(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    *,
    text: str | None = None,
    vector: Sequence[float] | None = None,
    row_id: str | None = None,
    limit: int = 10,
    request: SearchRequest | None = None,
    embedder: Embedder | None = None,
    distances: bool = False,
    scores: bool = False,
) -> PlacedQuery:
    """Place words, a vector or a row of the table on a map; exactly one of them is given.

    `request` holds the knobs of the searches: its text, vector, mode and limit are put in here, and
    its filter is the map's where it has none. A row is left out of its own neighbours. With
    `distances`, the true distance of every point comes too; with `scores`, the score of those among
    the SCORED best of the hybrid search, of the semantic one where there are no words. Raises
    InvalidInput and NotFound.
    """
    if sum(given is not None for given in (text, vector, row_id)) != 1:
        raise InvalidInput("Give words, a vector or a row: exactly one of them.")
    began = time.perf_counter()
    template = _template(collection, saved, text, vector, request, limit)
    if row_id is not None:
        found = search_service.vector_of(db, collection, row_id)
        template = replace(template, vector=tuple(found.tolist()), text=None, exclude_id=row_id)
    else:
        values = search_service.query_vector(collection, template, embedder)
        template = replace(template, vector=values)
    embedded = time.perf_counter()
    places = _places(saved.points.ids)
    true, on_map = _true_neighbours(db, collection, saved, template, places)
    exact = time.perf_counter()
    lists = _searches(db, collection, template, text, embedder, places)
    semantic = lists[Mode.SEMANTIC]
    searched = time.perf_counter()
    far = None
    if distances:
        far = distances_to(db, collection, saved, template.vector or ())
    best = _scores(db, collection, template, text, embedder, places) if scores else None
    finished = time.perf_counter()
    off = sum(hit.place < 0 for hit in true)
    notes = []
    if off:
        why = "the map is a sample" if saved.info.is_sample else "they came after the map was made"
        notes.append(f"{off} of the {len(true)} nearest rows are not on the map: {why}.")
    return PlacedQuery(
        placement=_placement(saved, on_map),
        neighbours=true,
        semantic=semantic,
        keyword=lists.get(Mode.KEYWORD, ()),
        hybrid=lists.get(Mode.HYBRID, ()),
        missed=_missed(true, semantic),
        distances=far,
        scores=best,
        notes=tuple(notes),
        timings_ms={
            "embedding": (embedded - began) * 1000,
            "exact": (exact - embedded) * 1000,
            "searches": (searched - exact) * 1000,
            "distances": (finished - searched) * 1000,
            "total": (finished - began) * 1000,
        },
    )


def distances_to(
    db: Database, collection: Collection, saved: SavedMap, vector: Sequence[float]
) -> Floats:
    """Return the true distance of every point to a vector, shape (n,), in the metric's own unit.

    NaN for rows that are gone. Vectors are read once for a map, and remembered while they fit.
    """
    info = saved.info
    values = np.asarray(vector, dtype=np.float32)
    if values.shape != (info.dimension,):
        raise InvalidInput(
            f"The vector has {values.size:,} numbers, but those on the map have {info.dimension:,}."
        )
    known = map_vectors(db, collection, saved.points.ids, info.dimension, info.version)
    return to_all(values, known, info.metric).astype(np.float32)


def distances_from(db: Database, collection: Collection, saved: SavedMap, place: int) -> Floats:
    """Return the true distance of every point to one of them, shape (n,); see `distances_to`."""
    _check_place(saved, place)
    info = saved.info
    known = map_vectors(db, collection, saved.points.ids, info.dimension, info.version)
    return to_all(known[place], known, info.metric).astype(np.float32)


def errors_of(saved: SavedMap, place: int) -> Errors:
    """Return the true, missing and false neighbours of a point, nearest first."""
    _check_place(saved, place)
    points = saved.points
    truly = [int(other) for other in points.neighbours[place] if other >= 0][:KEPT_NEIGHBOURS]
    shown = map_neighbours(points.xy, len(truly), np.array([place]))[0].tolist()
    return Errors(
        place=place,
        true=tuple(other for other in truly if other in shown),
        missing=tuple(other for other in truly if other not in shown),
        false=tuple(other for other in shown if other not in truly),
    )


# -- parts


def _template(
    collection: Collection,
    saved: SavedMap,
    text: str | None,
    vector: Sequence[float] | None,
    request: SearchRequest | None,
    limit: int,
) -> SearchRequest:
    """Return the semantic search of this query."""
    values: tuple[float, ...] | None = None
    if vector is not None:
        values = tuple(parse_vector(vector, collection.dimension or saved.info.dimension).tolist())
    elif text is None:  # a row, whose vector is read later
        values = (0.0,) * saved.info.dimension
    if request is None:
        return SearchRequest(
            mode=Mode.SEMANTIC,
            text=text,
            vector=values,
            limit=limit,
            filters=saved.info.spec.filters,
        )
    return replace(
        request,
        mode=Mode.SEMANTIC,
        text=text,
        vector=values,
        limit=limit,
        lists=False,
        filters=request.filters or saved.info.spec.filters,
    )


def _true_neighbours(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    template: SearchRequest,
    places: Mapping[str, int],
) -> tuple[tuple[MapHit, ...], list[int]]:
    """Return the nearest rows of the table by exact search, and the nearest points of the map."""
    wanted = max(template.limit, PLACED_BY)
    if saved.info.is_sample:
        wanted = math.ceil(wanted * _SPARE * saved.info.rows / max(1, saved.info.points))
    asked = NearestRequest(
        vector=template.vector or (),
        limit=min(MAX_NEAREST, wanted),
        metric=template.metric,
        filters=template.filters,
        exclude_id=template.exclude_id,
        exact=True,
    )
    query = nearest_sql.exact(collection, asked)
    rows = db.query(query.statement, query.params, settings=asked.settings())
    true = tuple(
        MapHit(row_id, places.get(row_id, -1), rank, float(distance))
        for rank, (row_id, distance) in enumerate(rows[: template.limit], 1)
    )
    on_map = [places[row_id] for row_id, _ in rows if row_id in places][:PLACED_BY]
    return true, on_map


def _searches(
    db: Database,
    collection: Collection,
    template: SearchRequest,
    text: str | None,
    embedder: Embedder | None,
    places: Mapping[str, int],
) -> dict[Mode, tuple[MapHit, ...]]:
    modes = [Mode.SEMANTIC]
    if _has_words(collection, text):
        modes += [Mode.KEYWORD, Mode.HYBRID]
    found = {}
    for mode in modes:
        asked = replace(template, mode=mode)
        result = search_service.search(db, collection, asked, embedder=embedder)
        found[mode] = tuple(
            MapHit(hit.id, places.get(hit.id, -1), rank, hit.distance, hit.score)
            for rank, hit in enumerate(result.hits, 1)
        )
    return found


def _scores(
    db: Database,
    collection: Collection,
    template: SearchRequest,
    text: str | None,
    embedder: Embedder | None,
    places: Mapping[str, int],
) -> MapScores:
    mode = Mode.HYBRID if _has_words(collection, text) else Mode.SEMANTIC
    asked = replace(template, mode=mode, limit=SCORED)
    values = np.full(len(places), np.nan, np.float32)
    for hit in search_service.search(db, collection, asked, embedder=embedder).hits:
        if hit.id in places:
            values[places[hit.id]] = hit.score
    return MapScores(mode.value, SCORED, values)


def _has_words(collection: Collection, text: str | None) -> bool:
    roles = collection.roles
    return text is not None and (roles.content is not None or roles.fts is not None)


def _missed(true: tuple[MapHit, ...], found: tuple[MapHit, ...]) -> tuple[MapHit, ...]:
    """Return true neighbours that were not found, but for those as near as one that was instead."""
    if not true:
        return ()
    last = true[-1].distance or 0.0
    limit = last + 1e-6 * max(1.0, abs(last))
    good = sum(hit.distance is not None and hit.distance <= limit for hit in found)
    ids = {hit.id for hit in found}
    return tuple(hit for hit in true if hit.id not in ids)[: max(0, len(true) - good)]


def _placement(saved: SavedMap, on_map: list[int]) -> Placement:
    extent = saved.points.extent
    xy, spread, ok = place(saved.points.xy[on_map], extent)
    if not on_map:
        told = "No good place: none of the nearest rows is on the map."
    else:
        share = 100 * spread / extent if extent else 0.0
        count = len(on_map)
        if ok:
            told = (
                f"Half of the {count} nearest points lie within {share:.1f} % of the map from it."
            )
        else:
            told = (
                f"No good place: the {count} nearest points are strewn over the map, half of them "
                f"farther than {share:.0f} % of it from their middle."
            )
    return Placement(xy, spread, ok, told)


def _check_place(saved: SavedMap, place: int) -> None:
    if not 0 <= place < len(saved.points):
        raise InvalidInput(f"The map has no point {place}.", "The map may have been made anew.")


@lru_cache(maxsize=8)
def _places(ids: tuple[str, ...]) -> dict[str, int]:
    return {row_id: number for number, row_id in enumerate(ids)}
