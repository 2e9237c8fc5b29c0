"""What a map is worth: beside one of another seed, and beside one of random vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.map import Comparison, Floats, MapInfo, MapPoints, SavedMap
from pgvista.model.map_spec import MapMethod
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.science.clusters import find_clusters
from pgvista.science.knn import Knn, nearest_neighbours
from pgvista.science.map_quality import agreement, aligned, tightness
from pgvista.science.pca import pca
from pgvista.science.projection import FEWEST, layout
from pgvista.services.map import measure
from pgvista.services.map_vectors import map_vectors

TIGHT = 0.005
"""Groups of less than this share of the map look like dots."""
NOISE_POINTS = 5_000
"""Random vectors that are laid out at most."""
_KEEPS = {
    MapMethod.UMAP: "UMAP keeps who is near to whom, as far as two dimensions allow.",
    MapMethod.TSNE: "t-SNE keeps the very nearest of each point, as far as two dimensions allow.",
    MapMethod.PCA: "PCA keeps the two directions of largest variance and drops all others.",
}


def compare_seeds(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    seed: int,
    *,
    reporter: Reporter | None = None,
) -> Comparison:
    """Lay the same rows out with another seed, and tell how much the two maps agree.

    The other map is turned and scaled to lie as near as it can to the first. Raises InvalidInput
    when rows of the map are gone or changed their dimension, and Cancelled.
    """
    reporter = reporter or SilentReporter()
    info, points = saved.info, saved.points
    reporter.report(Progress(stage="reading vectors"))
    vectors = map_vectors(db, collection, points.ids, info.dimension, info.version)
    if not np.isfinite(vectors).all():
        raise InvalidInput(
            "Rows of this map are gone, so it cannot be laid out again.",
            "Bring the map up to date.",
        )
    knn = _stored(points)
    if knn is None or points.is_new.any():
        knn = nearest_neighbours(vectors, points.neighbours.shape[1], info.metric)
    xy = _lay_out(info, vectors, knn, pca(vectors), seed, reporter)
    _, quality = measure(
        replace(points, xy=xy, neighbours=knn.places, distances=knn.distances), vectors, info.metric
    )
    agreed = agreement(points.xy, xy, quality.k) if quality.k else float("nan")
    other = f"seed {seed} beside seed {info.spec.seed}"
    told = (
        "PCA has no seed: the map is the same each time."
        if info.spec.method is MapMethod.PCA
        else f"With {other}, {100 * agreed:.0f} % of a point's {quality.k} neighbours on one map are "
        "so on the other. What differs between the two is chance, not data."
    )
    return Comparison(aligned(xy, points.xy), quality, agreed, told)


def compare_noise(
    collection: Collection, saved: SavedMap, *, reporter: Reporter | None = None
) -> Comparison:
    """Lay out random vectors of the same shape, up to 5,000 of them, by the same method.

    Any group in it is made by the method. Raises Cancelled.
    """
    reporter = reporter or SilentReporter()
    info = saved.info
    count = min(len(saved.points), NOISE_POINTS)
    vectors = (
        np.random.default_rng(info.spec.seed)
        .standard_normal((count, max(1, info.dimension)))
        .astype(np.float32)
    )
    reporter.report(Progress(stage="random vectors"))
    knn = nearest_neighbours(vectors, max(15, info.spec.n_neighbors - 1), info.metric)
    reporter.check()
    xy = _lay_out(info, vectors, knn, pca(vectors), info.spec.seed, reporter)
    points = MapPoints(
        ids=tuple(map(str, range(count))),
        xy=xy,
        kept=np.full(count, np.nan, np.float32),
        cluster=np.full(count, -1, np.int32),
        neighbours=knn.places,
        distances=knn.distances,
        pca=xy,
        is_new=np.zeros(count, np.bool_),
    )
    _, quality = measure(points, vectors, info.metric)
    reporter.check()
    cluster = find_clusters(xy, seed=info.spec.seed)
    groups = int(cluster.max(initial=-1)) + 1
    told = (
        f"{count:,} random vectors of {info.dimension:,} numbers, laid out the same way: "
        f"{_percent(quality.kept)} of their neighbours are kept, {_percent(info.quality.kept)} on "
        f"the map of {collection.name}. {_groups(groups)} No data stand behind it: groups and "
        "shapes in this picture are the method's own."
    )
    return Comparison(xy, quality, None, told, cluster)


def sentences(saved: SavedMap) -> tuple[str, ...]:
    """Say in plain words what sizes, gaps and distances on this map do and do not mean."""
    info = saved.info
    quality = info.quality
    if info.points < FEWEST or not quality.k:  # no neighbourhood is there to be kept
        return info.notes
    said = [_KEEPS[info.spec.method]]
    if quality.k:
        said.append(
            f"Of a row's {quality.k} true neighbours, {_percent(quality.kept)} are among its "
            f"{quality.k} nearest on the map; strewn at random it would be "
            f"{_percent(quality.kept_random)}."
        )
    if quality.trustworthiness is not None and quality.continuity is not None:
        said.append(
            f"Trustworthiness {quality.trustworthiness:.3f} (1: no false neighbours), continuity "
            f"{quality.continuity:.3f} (1: no neighbours torn apart)"
            + (f", measured on {quality.measured_on:,} points." if _is_part(info) else ".")
        )
    if info.spec.method is MapMethod.PCA:
        said.append(
            "Distances across the map are true to the two directions shown: what lies apart is "
            "apart, what lies together may not be."
        )
    else:
        said.append(
            "The size of a group and the width of a gap say little: the method evens out density, "
            "and places groups that are far apart almost freely. Points in a group are alike; how "
            "unlike two groups are, ask the distances."
        )
    if (half := tightness(saved.points.xy, saved.points.cluster)) is not None and half < TIGHT:
        more = (
            ", or make a map with a larger min_dist"
            if info.spec.method is MapMethod.UMAP and info.spec.min_dist < 0.5
            else ""
        )
        said.append(
            f"Groups are so tight here that each looks like a dot: half of a group's points lie "
            f"within {_percent(half)} of the map from its middle. Zoom in{more}."
        )
    said.extend(info.notes)
    return tuple(said)


def _lay_out(
    info: MapInfo, vectors: Floats, knn: Knn, start: Floats, seed: int, reporter: Reporter
) -> Floats:
    def on_step(done: int, total: int, _positions: Floats | None) -> None:
        reporter.check()
        reporter.report(Progress(done, total, f"laying out by {info.spec.method.label}", "steps"))

    return layout(
        vectors,
        knn,
        start,
        info.spec.method,
        info.metric,
        n_neighbors=info.spec.n_neighbors,
        min_dist=info.spec.min_dist,
        seed=seed,
        on_step=on_step,
    )


def _is_part(info: MapInfo) -> bool:
    return 0 < info.quality.measured_on < info.points


def _groups(count: int) -> str:
    if not count:
        return "HDBSCAN finds no cluster in them, but the eye may."
    return f"HDBSCAN finds {count} cluster{'' if count == 1 else 's'} in them."


def _stored(points: MapPoints) -> Knn | None:
    """Return the neighbours that are kept with the map; None where some are gone."""
    if (points.neighbours < 0).any():
        return None
    return Knn(points.neighbours, points.distances)


def _percent(share: float) -> str:
    return "–" if share != share else f"{100 * share:.3g} %"
