"""Make a map of a collection: draw rows, find neighbours, lay them out, measure, name, keep."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PermissionDenied, ReadOnly
from pgvista.model.collection import Collection
from pgvista.model.map import (
    KEPT_NEIGHBOURS,
    STORED_NEIGHBOURS,
    Floats,
    MapInfo,
    MapPoints,
    MapQuality,
    OnPreview,
    SavedMap,
    no_quality,
)
from pgvista.model.map_spec import MapMethod, MapSpec
from pgvista.model.metric import Metric
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.science import map_quality
from pgvista.science.clusters import find_clusters
from pgvista.science.knn import Knn, nearest_neighbours
from pgvista.science.pca import pca
from pgvista.science.projection import FEWEST, is_constant, layout
from pgvista.services import map_warm
from pgvista.services.map_labels import name_clusters
from pgvista.services.map_store import save_map
from pgvista.services.map_vectors import Drawn, draw, remember

PREVIEW_EVERY_S = 1.0
"""A map in the making is handed out so often."""


def make_map(
    db: Database,
    collection: Collection,
    spec: MapSpec,
    *,
    reporter: Reporter | None = None,
    on_preview: OnPreview | None = None,
    save: bool = True,
) -> SavedMap:
    """Make a map, and keep it in the database unless `save` is False.

    `on_preview` is handed the points by PCA as soon as they are read, and then as they move; `ids`
    stay the same. It is called in the thread that works, and should return at once. Where the role
    may not keep maps, the map comes with number 0 and a note. Raises InvalidInput when no row can be
    on a map, and Cancelled when `reporter` says so: nothing is kept then.
    """
    reporter = reporter or SilentReporter()
    began = time.perf_counter()
    drawn = draw(db, collection, spec, reporter)
    if not drawn.ids:
        where = " with this filter" if spec.filters is not None else ""
        raise InvalidInput(
            " ".join((f"No row of {collection.name} can be on a map{where}.", *drawn.notes)),
            "Let the filter take more rows, or embed those that have no vector."
            if spec.filters is not None
            else "Load rows with vectors other than zero, or embed those that have none.",
        )
    points, info = _laid_out(collection, spec, drawn, reporter, on_preview)
    reporter.check()
    reporter.report(Progress(stage="naming clusters"))
    clusters = name_clusters(db, collection, points, seed=spec.seed)
    made = SavedMap(replace(info, clusters=clusters, seconds=time.perf_counter() - began), points)
    reporter.check()
    remember(db, collection, drawn.ids, drawn.version, drawn.vectors)
    if not save:
        return made
    reporter.report(Progress(stage="saving"))
    try:
        return save_map(db, collection, made)
    except (PermissionDenied, ReadOnly) as refused:
        note = f"The map is not kept in the database. {refused.message}"
        return SavedMap(replace(made.info, notes=(*made.info.notes, note)), points)


def measure(
    points: MapPoints, vectors: Floats, metric: Metric, *, seed: int = 0
) -> tuple[Floats, MapQuality]:
    """Return the share of neighbours kept of each point, shape (n,), and the quality of the map."""
    count = len(points)
    k = max(0, min(KEPT_NEIGHBOURS, count - 1))
    shown = map_quality.map_neighbours(points.xy, k)
    kept = map_quality.neighbours_kept(points.neighbours[:, :k], shown)
    told = map_quality.trustworthiness_and_continuity(vectors, points.xy, metric, k, seed=seed)
    return kept, MapQuality(
        k=k,
        kept=float(np.nanmean(kept)) if k else float("nan"),
        kept_random=k / (count - 1) if k else float("nan"),
        trustworthiness=None if told is None else told[0],
        continuity=None if told is None else told[1],
        measured_on=0 if told is None else told[2],
    )


def _laid_out(
    collection: Collection,
    spec: MapSpec,
    drawn: Drawn,
    reporter: Reporter,
    on_preview: OnPreview | None,
) -> tuple[MapPoints, MapInfo]:
    metric, count = collection.metric, len(drawn.ids)
    reporter.report(Progress(stage="PCA"))
    start = pca(drawn.vectors, seed=spec.seed)
    points = _first_points(drawn.ids, start)
    if on_preview is not None:
        on_preview(points)
    reporter.check()

    def on_rows(done: int) -> None:
        reporter.report(Progress(done, count, "finding neighbours"))
        reporter.check()

    wanted = max(STORED_NEIGHBOURS, spec.n_neighbors - 1)
    knn = nearest_neighbours(drawn.vectors, wanted, metric, seed=spec.seed, on_rows=on_rows)
    xy = _positions(spec, metric, drawn, knn, start, points, reporter, on_preview)
    reporter.check()
    reporter.report(Progress(stage="measuring"))
    points = replace(points, xy=xy, neighbours=knn.places, distances=knn.distances)
    quality = no_quality()
    if not is_constant(start):  # else any neighbours are as true as others, and no group is one
        kept, quality = measure(points, drawn.vectors, metric, seed=spec.seed)
        reporter.report(Progress(stage="finding clusters"))
        reporter.check()
        points = replace(points, kept=kept, cluster=find_clusters(xy, seed=spec.seed))
    info = MapInfo(
        number=0,
        spec=spec,
        metric=metric,
        model=collection.model,
        points=count,
        rows=drawn.rows,
        made_at=datetime.now(UTC),
        seconds=0.0,
        quality=quality,
        exact=knn.is_exact,
        notes=(*drawn.notes, *_layout_notes(spec, metric, drawn, knn, start)),
        version=drawn.version,
        dimension=drawn.vectors.shape[1],
        table_rows=drawn.table_rows,
    )
    return points, info


def _positions(
    spec: MapSpec,
    metric: Metric,
    drawn: Drawn,
    knn: Knn,
    start: Floats,
    points: MapPoints,
    reporter: Reporter,
    on_preview: OnPreview | None,
) -> Floats:
    unit = "iterations" if spec.method is MapMethod.TSNE else "epochs"
    compiles = spec.method is MapMethod.UMAP and not map_warm.is_kept()
    what = "compiling UMAP, once on this machine" if compiles else f"preparing {spec.method.label}"
    reporter.report(Progress(stage=what))
    shown_s = time.perf_counter()

    def on_step(done: int, total: int, positions: Floats | None) -> None:
        nonlocal shown_s
        reporter.check()
        reporter.report(Progress(done, total, f"laying out by {spec.method.label}", unit))
        now_s = time.perf_counter()
        if on_preview is not None and positions is not None and now_s - shown_s > PREVIEW_EVERY_S:
            shown_s = now_s
            on_preview(replace(points, xy=positions.copy()))

    return layout(
        drawn.vectors,
        knn,
        start,
        spec.method,
        metric,
        n_neighbors=spec.n_neighbors,
        min_dist=spec.min_dist,
        seed=spec.seed,
        on_step=on_step,
    )


def _layout_notes(
    spec: MapSpec, metric: Metric, drawn: Drawn, knn: Knn, start: Floats
) -> tuple[str, ...]:
    notes = []
    count, size = drawn.vectors.shape
    if count > 1 and is_constant(start):
        notes.append("All vectors are equal: where a point lies here means nothing.")
    elif count < FEWEST:
        told = "they are all each other's neighbours" if count > 1 else "it has no neighbour"
        who = f"{count} points are" if count > 1 else "One point is"
        notes.append(f"{who} laid out by PCA: {told}.")
    elif spec.method is MapMethod.UMAP and spec.n_neighbors > count:
        notes.append(f"n_neighbors was cut to {count}: there are no more rows.")
    elif spec.method is MapMethod.TSNE and spec.n_neighbors > (count - 1) / 3:
        notes.append(f"The perplexity was cut to {(count - 1) / 3:.0f}, a third of the rows.")
    if size <= 2 and spec.method is not MapMethod.PCA:
        notes.append(f"The vectors have {size} dimensions: PCA shows them as they are.")
    if knn.recall is not None:
        notes.append(
            f"Neighbours were not sought among all {count:,} rows but in the nearest parts of them: "
            f"{100 * knn.recall:.1f} % of the true ones were found, measured on 200 rows."
        )
    if metric is Metric.INNER_PRODUCT:
        notes.append(
            "Neighbours are those of the largest inner product, so a few long vectors may be near "
            "to all."
        )
    return tuple(notes)


def _first_points(ids: tuple[str, ...], start: Floats) -> MapPoints:
    count = len(ids)
    return MapPoints(
        ids=ids,
        xy=start,
        kept=np.full(count, np.nan, np.float32),
        cluster=np.full(count, -1, np.int32),
        neighbours=np.empty((count, 0), np.int32),
        distances=np.empty((count, 0), np.float32),
        pca=start,
        is_new=np.zeros(count, np.bool_),
    )
