"""The maps of the lesson on maps: rows of a collection, laid out many times with other settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.map import Floats
from pgvista.model.map_spec import MapMethod, MapSpec
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.science.clusters import find_clusters
from pgvista.science.lesson_reading_map import Picture, Rows, noise_like, picture, rows_of
from pgvista.science.map_quality import aligned
from pgvista.services.map_vectors import draw
from pgvista.sql import map as map_sql

MOST_ROWS = 1_000
"""Of a larger collection so many rows are drawn at random, the same each time."""
FEWEST_ROWS = 30
NEIGHBORS = (3, 5, 15, 50)
MIN_DISTS = (0.0, 0.1, 0.5)
SEEDS = 3
"""Maps of the same settings with the seeds 0, 1 and 2."""
NOISE_NEIGHBORS = 3
"""n_neighbors of the map of noise: with few neighbours UMAP draws groups of anything."""

PCA, TSNE, NOISE = "pca", "tsne", "noise"
"""Names of pictures; the others are `umap_name` and `seed_name`."""


@dataclass(frozen=True, slots=True)
class LessonRows:
    """The rows that a lesson's maps are made of."""

    ids: tuple[str, ...]
    rows: Rows
    total: int
    """Rows of the collection that could have been drawn."""
    notes: tuple[str, ...] = ()


class Pictures:
    """The maps made so far, by name: written by the job, read by the page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, Picture] = {}
        self._noise: Rows | None = None

    def put(self, name: str, made: Picture) -> None:
        """Take a map that is done."""
        with self._lock:
            self._made[name] = made

    def get(self, name: str) -> Picture | None:
        """Return a map; None while it is not made."""
        with self._lock:
            return self._made.get(name)

    def has(self, *names: str) -> bool:
        """Tell whether all of these are made."""
        with self._lock:
            return all(name in self._made for name in names)

    @property
    def noise(self) -> Rows | None:
        """The random vectors of the map of noise; None while there are none."""
        with self._lock:
            return self._noise

    @noise.setter
    def noise(self, rows: Rows) -> None:
        with self._lock:
            self._noise = rows


@dataclass(frozen=True, slots=True)
class _Task:
    """A map to be made."""

    name: str
    method: MapMethod
    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0
    noise: bool = False


def umap_name(n_neighbors: int, min_dist: float) -> str:
    """Return the name of the UMAP picture with these settings and seed 0."""
    return f"umap {n_neighbors} {min_dist:g}"


def seed_name(seed: int) -> str:
    """Return the name of the UMAP picture with the default settings and this seed."""
    return umap_name(15, 0.1) if seed == 0 else f"seed {seed}"


UMAP = umap_name(15, 0.1)
"""The picture with UMAP's default settings."""
NOISE_TWIN = umap_name(NOISE_NEIGHBORS, MIN_DISTS[0])
"""The picture of the rows with the settings of the map of noise."""


def read_rows(db: Database, collection: Collection) -> LessonRows:
    """Read up to 1,000 rows with their true neighbours: a fraction of a second.

    Raises InvalidInput when fewer than 30 rows have a vector.
    """
    drawn = draw(db, collection, MapSpec(sample=MOST_ROWS), SilentReporter())
    if len(drawn.ids) < FEWEST_ROWS:
        raise InvalidInput(
            f"{collection.name} has {len(drawn.ids):,} rows that can be on a map; this lesson "
            f"needs {FEWEST_ROWS}.",
            "Choose another collection, or load a sample.",
        )
    return LessonRows(drawn.ids, rows_of(drawn.vectors, collection.metric), drawn.rows, drawn.notes)


def column_values(
    db: Database, collection: Collection, ids: tuple[str, ...], key: str
) -> list[str | None]:
    """Return a column, or a key of the metadata, of each row as text; None for none."""
    query = map_sql.values(collection, ids, key)
    found = dict(db.query(query.statement, query.params))
    return [found.get(row_id) for row_id in ids]


def make_pictures(rows: Rows, pictures: Pictures, reporter: Reporter | None = None) -> None:
    """Make every map of the lesson, and hand each over as soon as it is done.

    Maps of the same rows are turned and mirrored to lie as the first one does. Those that are made
    already are left alone. Raises Cancelled when `reporter` says so.
    """
    reporter = reporter or SilentReporter()
    reporter.report(Progress(stage="loading UMAP"))
    if not pictures.has(PCA):
        pictures.put(PCA, picture(rows, MapMethod.PCA))
    tasks = [task for task in _tasks() if not pictures.has(task.name)]
    for number, task in enumerate(tasks):
        reporter.report(Progress(number, len(tasks), _stage(task), "maps"))
        reporter.check()
        pictures.put(task.name, _made(rows, pictures, task, reporter))


def _tasks() -> Iterator[_Task]:
    """Yield the maps: the first one shown comes first, t-SNE last, since it takes longest."""
    yield _Task(UMAP, MapMethod.UMAP)
    for n_neighbors in NEIGHBORS:
        for min_dist in MIN_DISTS:
            if (name := umap_name(n_neighbors, min_dist)) != UMAP:
                yield _Task(name, MapMethod.UMAP, n_neighbors, min_dist)
    for seed in range(1, SEEDS):
        yield _Task(seed_name(seed), MapMethod.UMAP, seed=seed)
    yield _Task(NOISE, MapMethod.UMAP, NOISE_NEIGHBORS, MIN_DISTS[0], noise=True)
    yield _Task(TSNE, MapMethod.TSNE)


def _made(rows: Rows, pictures: Pictures, task: _Task, reporter: Reporter) -> Picture:
    def on_step(_done: int, _total: int, _positions: Floats | None) -> None:
        reporter.check()

    if task.noise:
        pictures.noise = rows = noise_like(rows)
    made = picture(
        rows,
        task.method,
        n_neighbors=task.n_neighbors,
        min_dist=task.min_dist,
        seed=task.seed,
        on_step=on_step,
    )
    if task.name in (UMAP, NOISE, NOISE_TWIN):
        made = replace(made, cluster=find_clusters(made.xy))
    first = pictures.get(UMAP)
    if first is None or task.noise:
        return made
    return replace(made, xy=np.ascontiguousarray(aligned(made.xy, first.xy)))


def _stage(task: _Task) -> str:
    if task.noise:
        return "a map of noise"
    if task.method is MapMethod.UMAP:
        return f"UMAP, n_neighbors {task.n_neighbors}, min_dist {task.min_dist:g}"
    return task.method.label
