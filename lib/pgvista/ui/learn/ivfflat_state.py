"""What the lesson on IVFFlat remembers: its plane, its knobs, and real indexes that were built."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.index import IndexMethod
from pgvista.model.metric import Metric
from pgvista.science.examples import unit
from pgvista.science.kmeans import Floats, Lists, kmeans, with_rows
from pgvista.science.lesson_ivfflat import (
    Border,
    ModelPoint,
    border,
    by_arrival,
    model_curve,
    on_plane,
    plane_points,
)
from pgvista.science.pca import pca
from pgvista.services.collections import stats
from pgvista.services.lesson_index import LessonIndex, RealIndex, try_index
from pgvista.services.lesson_sample import Sample, sample_vectors
from pgvista.ui.learn.kept import kept

ARENA = "learn_ivfflat_rows"
DRAWN, OWN = "drawn points", "your rows, projected"
LISTS, PROBES = "learn_ivfflat_lists", "learn_ivfflat_probes"
QUERY = "learn_ivfflat_query"
"""The component's key: the query's place is at ``..._x`` and ``..._y``."""
WAY = "learn_ivfflat_way"
BORDER_PROBES = "learn_ivfflat_border_probes"
TABLE_ROWS = "learn_ivfflat_table_rows"
BUILT_ON = "learn_ivfflat_built_on"
REAL_LISTS, REAL_PROBES = "learn_ivfflat_real_lists", "learn_ivfflat_real_probes"

ROWS = 2_000
LIMIT = 10
DEFAULT_LISTS, DEFAULT_PROBES = 20, 1
MAX_LISTS = 100
DEFAULT_REAL_LISTS = 50
OTHER_LISTS = (5, 200)
"""Lines beside the one that is chosen."""
DEFAULT_TABLE_ROWS = 1_000_000
DEFAULT_QUERY = (0.9, 0.47)
EARLY = (20, 40, 80, 160, 320, 640, ROWS)
DEFAULT_EARLY = 40
ASKED = 100
"""Queries over which recall is measured."""
SAMPLE_ROWS, SAMPLE_QUERIES = 3_000, 30
PROBES_STEPS = 10
_SEED = 7


@lru_cache(maxsize=1)
def plane() -> Floats:
    """Return the rows of the plane: shape (2,000, 2)."""
    return plane_points(ROWS, seed=_SEED)


@lru_cache(maxsize=1)
def plane_queries() -> Floats:
    """Return queries near rows, and not on them: shape (100, 2)."""
    draw = np.random.default_rng(_SEED)
    chosen = plane()[draw.choice(ROWS, ASKED, replace=False)]
    return (chosen + draw.normal(scale=0.02, size=chosen.shape)).astype(np.float32)


@lru_cache(maxsize=128)
def plane_lists(lists: int) -> Lists:
    """Return the plane cut into lists."""
    return kmeans(plane(), lists, seed=_SEED)


@lru_cache(maxsize=32)
def early_lists(lists: int, built_on: int) -> Lists:
    """Return the lists of all rows by centroids learnt from those that came first."""
    if built_on >= ROWS:
        return plane_lists(lists)
    first = plane()[by_arrival(plane())[:built_on]]
    return with_rows(kmeans(first, lists, seed=_SEED).centroids, plane())


@lru_cache(maxsize=32)
def early_point(lists: int, built_on: int) -> ModelPoint:
    """Return recall and rows looked at of these lists, with one probe."""
    return model_curve(plane(), early_lists(lists, built_on), plane_queries(), [1], LIMIT)[0]


@lru_cache(maxsize=1)
def plane_border() -> Border:
    """Return the way from a centroid to a border, at the default number of lists."""
    found = border(plane(), plane_lists(DEFAULT_LISTS), LIMIT)
    assert found is not None  # noqa: S101  (twenty lists have borders)
    return found


@lru_cache(maxsize=32)
def plane_curve(lists: int) -> tuple[ModelPoint, ...]:
    """Return recall and rows looked at of the plane's lists."""
    return model_curve(plane(), plane_lists(lists), plane_queries(), probes_up_to(lists), LIMIT)


@lru_cache(maxsize=256)
def plane_point(lists: int, probes: int) -> ModelPoint:
    """Return recall and rows looked at of the plane's lists, at one number of probes."""
    return model_curve(plane(), plane_lists(lists), plane_queries(), [probes], LIMIT)[0]


def probes_up_to(lists: int, *, most: int = 40) -> list[int]:
    """Return numbers of probes from 1 to `lists`, closer together where they are few."""
    steps = np.unique(np.round(np.geomspace(1, lists, most)).astype(int))
    return [int(step) for step in steps]


def real_plane(db: Database, lists: int, built_on: int) -> RealIndex:
    """Return pgvector's index on the plane, its centroids learnt from the rows that came first."""
    return kept(
        ("ivfflat plane", db.label, lists, built_on),
        lambda: try_index(
            db,
            plane(),
            plane_queries(),
            LessonIndex(IndexMethod.IVFFLAT, lists=lists, built_on=built_on),
            limit=LIMIT,
            values=(1,),
            order=by_arrival(plane()),
        ),
    )


@dataclass(frozen=True, slots=True)
class Projection:
    """Vectors as points of the plane that the lesson draws."""

    points: Floats
    """Shape (n, 2)."""
    query: tuple[float, float]
    """Where the first query lies."""
    share: float
    """The part of the vectors' spread that is seen, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The reader's rows, as they were when the step was drawn."""

    db: Database
    collection: Collection
    count: int

    @property
    def key(self) -> tuple[Hashable, ...]:
        """What names them, as long as their number is the same."""
        return self.db.label, self.collection.name, self.collection.metric, self.count

    def sample(self) -> Sample:
        """Return some of them."""
        return kept(
            ("ivfflat sample", self.key),
            lambda: sample_vectors(
                self.db, self.collection, rows=SAMPLE_ROWS, queries=SAMPLE_QUERIES, ivfflat=True
            ),
        )

    def plane(self) -> Projection:
        """Return where they lie in the plane of their first two principal components."""
        return kept(("ivfflat projected", self.key), lambda: _projected(self.sample()))

    def plane_lists(self, lists: int) -> Lists:
        """Return the projected rows cut into lists; at most as many as there are rows."""
        return kept(
            ("ivfflat projected lists", self.key, lists),
            lambda: kmeans(self.plane().points, lists, seed=_SEED),
        )

    def real(self, lists: int) -> RealIndex:
        """Return pgvector's index on the sample, asked with several probes."""
        sample = self.sample()
        return kept(
            ("ivfflat", self.key, lists),
            lambda: try_index(
                self.db,
                sample.points,
                sample.queries,
                LessonIndex(IndexMethod.IVFFLAT, lists=lists),
                metric=sample.metric,
                limit=LIMIT,
                values=probes_up_to(lists, most=PROBES_STEPS),
            ),
        )

    def model(self, lists: int) -> tuple[ModelPoint, ...]:
        """Return what our k-means gives on the same rows; nothing where it orders otherwise."""
        return kept(("ivfflat model", self.key, lists), lambda: _model(self.sample(), lists))


def rows_of(db: Database, collection: Collection) -> Rows:
    """Return the rows of a collection, counted now."""
    return Rows(db, collection, stats(db, collection).rows)


def _projected(sample: Sample) -> Projection:
    both = np.concatenate([sample.points, sample.queries[:1]])
    if sample.metric is not Metric.L2:
        lengths = np.linalg.norm(both, axis=1, keepdims=True)
        both = both / np.where(lengths > 0, lengths, 1)
    flat = pca(both)
    spread = float(both.astype(np.float64).var(axis=0).sum())
    share = float(flat.astype(np.float64).var(axis=0).sum()) / spread if spread > 0 else 0.0
    placed = on_plane(flat, len(sample.points))
    x, y = (float(value) for value in placed[-1])
    return Projection(placed[:-1], (x, y), min(1.0, share))


def _model(sample: Sample, lists: int) -> tuple[ModelPoint, ...]:
    points, queries = sample.points, sample.queries
    if sample.metric is not Metric.L2:
        lengths = np.linalg.norm(points, axis=1)
        if sample.metric is Metric.INNER_PRODUCT and np.ptp(lengths) > 0.01:
            return ()  # the longest rows come first, which no distance in the plane does
        points, queries = unit(points[lengths > 0]), unit(queries)
    spherical = sample.metric is not Metric.L2
    found = kmeans(points, lists, seed=_SEED, spherical=spherical, rounds=20)
    reached = probes_up_to(len(found.centroids), most=PROBES_STEPS)
    return model_curve(points, found, queries, reached, LIMIT)
