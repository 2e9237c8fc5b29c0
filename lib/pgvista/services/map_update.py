"""A saved map and a table that goes on: whether they differ, and placing what was added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import Conflict, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.map import (
    KEPT_NEIGHBOURS,
    Floats,
    Freshness,
    MapInfo,
    MapPoints,
    MapState,
    SavedMap,
)
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.science.knn import nearest_to
from pgvista.science.placing import changed, place_many
from pgvista.services.map_store import write_points
from pgvista.services.map_vectors import (
    count_rows,
    id_set,
    map_vectors,
    read_version,
    same_version,
    vectors_of,
)


def state_of(db: Database, collection: Collection, saved: SavedMap) -> MapState:
    """Tell whether the table is as it was when the map was made, or brought up to date last.

    Where rows were written and none came or went, the vectors are read and compared: a map is not
    stale because a text or a tag has changed.
    """
    info, points = saved.info, saved.points
    try:
        if db.read(lambda c: same_version(c, collection, info.version), timeout_ms=0):
            return MapState(Freshness.FRESH, "The table has not changed since the map was made.")
        there = id_set(db, collection, info.spec.filters, info.dimension)
        own = set(points.ids)
        gone = len(own - there)
        added = 0 if info.is_sample else len(there - own)
        more = max(0, len(there) - (info.rows - gone)) if info.is_sample else 0
        other = 0
        if not (gone or added or more):
            version = db.read(lambda c: read_version(c, collection), timeout_ms=0)
            vectors = map_vectors(db, collection, points.ids, info.dimension, version)
            other = int(_changed(points, vectors, info).sum())
    except PgvistaError as error:
        return MapState(
            Freshness.UNKNOWN, f"It cannot be told whether the table has changed: {error.message}"
        )
    parts = []
    if added:
        parts.append(f"{_rows(added)} not on the map yet")
    if gone:
        parts.append(f"{_rows(gone)} of the map gone")
    if more:
        parts.append(f"about {_rows(more)} more to draw from")
    if other:
        parts.append(f"{_rows(other)} with another vector")
    afresh = _mostly_changed(points, other)
    if not parts:
        return MapState(
            Freshness.FRESH, "Rows were written since the map was made, but no vector changed."
        )
    return MapState(
        Freshness.STALE,
        f"The table has changed since the map was made: {', '.join(parts)}."
        + (" Make a new map." if afresh else ""),
        added,
        gone,
        other,
        can_update=bool(added or gone or other) and not afresh,
    )


def update_map(
    db: Database, collection: Collection, saved: SavedMap, *, reporter: Reporter | None = None
) -> SavedMap:
    """Place rows that were added later by their neighbours, drop those that are gone, and keep it.

    So are rows whose vectors are others now. New points lie at the median of their true neighbours'
    positions, and are marked; the others stay where they are. To a sample no rows are added. Raises
    NotFound when the map is gone, Conflict when most of its vectors are others now, and Cancelled
    when `reporter` says so.
    """
    reporter = reporter or SilentReporter()
    reporter.report(Progress(stage="comparing ids"))
    info = saved.info
    version = db.read(lambda c: read_version(c, collection), timeout_ms=0)
    there = id_set(db, collection, info.spec.filters, info.dimension)
    vectors = vectors_of(db, collection, saved.points.ids, info.dimension, reporter)
    in_table = np.array([row_id in there for row_id in saved.points.ids], dtype=np.bool_)
    in_table &= np.isfinite(vectors).all(axis=1)
    other = _changed(saved.points, vectors, info) & in_table
    if _mostly_changed(saved.points, int(other.sum())):
        raise Conflict("Most rows of this map have other vectors now.", "Make a new map.")
    points = _only(saved.points, in_table & ~other)
    added = set() if info.is_sample else there - set(saved.points.ids)
    added |= {saved.points.ids[place] for place in np.flatnonzero(other)}
    reporter.check()
    if added:
        known = vectors[in_table & ~other]
        points = _with_new(db, collection, info, points, known, sorted(added), reporter)
    new, rows = int(points.is_new.sum()), len(there)
    table = count_rows(db, collection)

    def told(known: MapInfo) -> MapInfo:  # names that were given meanwhile are kept
        sizes = np.bincount(points.cluster[points.cluster >= 0], minlength=len(known.clusters))
        return replace(
            known,
            points=len(points),
            rows=rows,
            version=version,
            table_rows=table,
            clusters=tuple(
                replace(label, size=int(sizes[label.number])) for label in known.clusters
            ),
        )

    reporter.check()
    reporter.report(Progress(new, new, "saving"))
    if not info.number:
        return SavedMap(told(info), points)
    return write_points(db, collection, SavedMap(info, points), told)


def _changed(points: MapPoints, vectors: Floats, info: MapInfo) -> NDArray[np.bool_]:
    return changed(vectors, points.neighbours, points.distances, info.metric)


def _mostly_changed(points: MapPoints, other: int) -> bool:
    """Return whether so many rows have other vectors that few are left to place them by."""
    return 2 * other > len(points)


def _only(points: MapPoints, kept: NDArray[np.bool_]) -> MapPoints:
    """Return some of the points; neighbours that are not among them become -1."""
    if kept.all():
        return points
    number = np.full(len(points) + 1, -1, np.int32)
    number[:-1][kept] = np.arange(int(kept.sum()))
    neighbours = number[points.neighbours[kept]]
    return MapPoints(
        ids=tuple(row_id for row_id, stays in zip(points.ids, kept, strict=True) if stays),
        xy=points.xy[kept],
        kept=points.kept[kept],
        cluster=points.cluster[kept],
        neighbours=neighbours,
        distances=np.where(neighbours < 0, np.nan, points.distances[kept]).astype(np.float32),
        pca=points.pca[kept],
        is_new=points.is_new[kept],
    )


def _with_new(
    db: Database,
    collection: Collection,
    info: MapInfo,
    points: MapPoints,
    vectors: Floats,
    added: Sequence[str],
    reporter: Reporter,
) -> MapPoints:
    """Return the points, whose `vectors` are given, and those of `added`."""
    new = vectors_of(db, collection, added, info.dimension, reporter)
    there = np.asarray(np.isfinite(new).all(axis=1))  # a row may have gone since
    added = [row_id for row_id, found in zip(added, there, strict=True) if found]
    new = new[there]
    reporter.report(Progress(0, len(added), "placing new rows"))
    k = points.neighbours.shape[1]
    places, distances = nearest_to(new, vectors, max(k, KEPT_NEIGHBOURS), info.metric)
    xy = place_many(points.xy, places[:, :KEPT_NEIGHBOURS], info.spec.seed)
    count = len(added)
    wide = np.full((count, k), -1, np.int32)
    far = np.full((count, k), np.nan, np.float32)
    wide[:, : places.shape[1]] = places[:, :k]
    far[:, : places.shape[1]] = distances[:, :k]
    return MapPoints(
        ids=(*points.ids, *added),
        xy=np.concatenate([points.xy, xy]),
        kept=np.concatenate([points.kept, np.full(count, np.nan, np.float32)]),
        cluster=np.concatenate([points.cluster, _most_frequent(points.cluster[places])]),
        neighbours=np.concatenate([points.neighbours, wide]),
        distances=np.concatenate([points.distances, far]),
        pca=np.concatenate([points.pca, np.full((count, 2), np.nan, np.float32)]),
        is_new=np.concatenate([points.is_new, np.ones(count, np.bool_)]),
    )


def _most_frequent(numbers: np.ndarray) -> np.ndarray:
    """Return the most frequent number of each row, shape (n,); -1 of rows without any."""
    return np.array(
        [np.bincount(row + 1).argmax() - 1 if len(row) else -1 for row in numbers], dtype=np.int32
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
