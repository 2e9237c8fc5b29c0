"""A saved map and a table that goes on: whether they differ, and placing what was added."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.map import KEPT_NEIGHBOURS, Freshness, MapInfo, MapPoints, MapState, SavedMap
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.science.knn import nearest_to
from pgvista.science.placing import place_many
from pgvista.services.map_store import write_points
from pgvista.services.map_vectors import count_rows, id_set, read_version, same_version, vectors_of


def state_of(db: Database, collection: Collection, saved: SavedMap) -> MapState:
    """Tell whether the table is as it was when the map was made, or brought up to date last."""
    info = saved.info
    try:
        if db.read(lambda c: same_version(c, collection, info.version), timeout_ms=0):
            return MapState(Freshness.FRESH, "The table has not changed since the map was made.")
        there = id_set(db, collection, info.spec.filters, info.dimension)
    except PgvistaError as error:
        return MapState(
            Freshness.UNKNOWN, f"It cannot be told whether the table has changed: {error.message}"
        )
    own = set(saved.points.ids)
    gone = len(own - there)
    added = 0 if info.is_sample else len(there - own)
    parts = []
    if added:
        parts.append(f"{_rows(added)} not on the map yet")
    if gone:
        parts.append(f"{_rows(gone)} of the map gone")
    if info.is_sample and (more := len(there) - (info.rows - gone)) > 0:
        parts.append(f"about {_rows(more)} more to draw from")
    told = ", ".join(parts) or "no row came or went, but some were written anew"
    return MapState(
        Freshness.STALE, f"The table has changed since the map was made: {told}.", added, gone
    )


def update_map(
    db: Database, collection: Collection, saved: SavedMap, *, reporter: Reporter | None = None
) -> SavedMap:
    """Place rows that were added later by their neighbours, drop those that are gone, and keep it.

    New points lie at the median of their true neighbours' positions, and are marked; the others
    stay where they are. To a sample no rows are added. Raises NotFound when the map is gone, and
    Cancelled when `reporter` says so.
    """
    reporter = reporter or SilentReporter()
    reporter.report(Progress(stage="comparing ids"))
    info = saved.info
    version = db.read(lambda c: read_version(c, collection), timeout_ms=0)
    there = id_set(db, collection, info.spec.filters, info.dimension)
    points = _without(saved.points, there)
    added = () if info.is_sample else tuple(sorted(there - set(points.ids)))
    reporter.check()
    if added:
        points = _with_new(db, collection, info, points, added, reporter)
    new, rows = int(points.is_new.sum()), len(there)
    table = count_rows(db, collection)

    def changed(known: MapInfo) -> MapInfo:  # names that were given meanwhile are kept
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
        return SavedMap(changed(info), points)
    return write_points(db, collection, SavedMap(info, points), changed)


def _without(points: MapPoints, there: set[str]) -> MapPoints:
    """Return the points whose rows are there; neighbours that are gone become -1."""
    kept = np.array([row_id in there for row_id in points.ids], dtype=np.bool_)
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
    added: tuple[str, ...],
    reporter: Reporter,
) -> MapPoints:
    vectors = vectors_of(db, collection, points.ids, info.dimension, reporter)
    new = vectors_of(db, collection, added, info.dimension, reporter)
    reporter.report(Progress(0, len(added), "placing new rows"))
    usable = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    k = points.neighbours.shape[1]
    places, distances = nearest_to(new, vectors[usable], max(k, KEPT_NEIGHBOURS), info.metric)
    places = usable[places].astype(np.int32) if len(usable) else places
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
