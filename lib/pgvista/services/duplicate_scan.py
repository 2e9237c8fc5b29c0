"""Compare all rows of a collection, to find near-duplicates: exactly, or through the index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.duplicates import DuplicateScan, Method
from pgvista.model.metric import Metric
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.science.duplicates import (
    CEILING_COSINE,
    DEFAULT_COSINE,
    Neighbours,
    compare_all,
    equivalent,
)
from pgvista.science.forest import SpanningForest, labels
from pgvista.services.indexes import vector_indexes
from pgvista.sql import duplicates as duplicate_sql
from pgvista.sql.names import opclass_metric

EXACT_ROWS = 50_000
EXACT_ROWS_L1 = 5_000
"""L1 distances are no matrix product, and take a hundred times as long."""
EXACT_BYTES = 256_000_000
"""Vectors are compared in memory up to here, 4 bytes a number."""
QUICK_ROWS = 3_000
"""So many rows are compared in a fraction of a second."""
NEIGHBOURS = 10
"""Nearest rows that are looked up for each row through an index."""
CHAIN_ROWS = 50
"""The threshold to begin with is lowered until no chain joins more rows than this."""
_STEPS = (1.0, 0.75, 0.5, 0.25, 0.1)
_BATCH = 200
_SAMPLE = 1_000


def measured_by(collection: Collection) -> Metric:
    """Return the metric for duplicates: the collection's, and cosine for the inner product."""
    metric = collection.metric
    return Metric.COSINE if metric is Metric.INNER_PRODUCT else metric


def method_for(db: Database, collection: Collection) -> tuple[Method, int]:
    """Return how the rows would be compared, and how many have a vector."""
    rows, embedded, size = _counts(db, collection)
    most = EXACT_ROWS_L1 if measured_by(collection) is Metric.L1 else EXACT_ROWS
    fits = rows <= most and embedded * (size or 0) * 4 <= EXACT_BYTES
    return (Method.EXACT if fits else Method.INDEX), embedded


def scan(
    db: Database,
    collection: Collection,
    *,
    threshold: float | None = None,
    reporter: Reporter | None = None,
) -> DuplicateScan:
    """Compare all rows: each with every other one, or in large collections through the index.

    Groups can then be had at any threshold up to the scan's ceiling, which is at least `threshold`.
    None begins at a cosine distance of 0.2, or what is like it in another metric, and at less where
    chains would join more than CHAIN_ROWS rows.
    Raises InvalidInput when a large collection has no index for the metric, and Cancelled when
    `reporter` says so.
    """
    if threshold is not None and not (threshold >= 0 and np.isfinite(threshold)):
        raise InvalidInput(f"threshold is {threshold!r}, but it takes a number of 0 and up.")
    reporter = reporter or SilentReporter()
    method, _ = method_for(db, collection)
    if method is Method.EXACT:
        return _exact(db, collection, threshold, reporter)
    return _by_index(db, collection, threshold, reporter)


# -- every row with every other one


def _counts(db: Database, collection: Collection) -> tuple[int, int, int | None]:
    query = duplicate_sql.counts(collection)
    rows, embedded, size = db.query(query.statement, query.params, timeout_ms=0)[0]
    return rows, embedded, size


def _exact(
    db: Database, collection: Collection, threshold: float | None, reporter: Reporter
) -> DuplicateScan:
    metric = measured_by(collection)
    reporter.report(Progress(stage="reading"))
    query = duplicate_sql.vectors(collection)

    def read(connection: Any) -> list[tuple[str, NDArray[np.float32] | None, bytes | None]]:
        with connection.cursor(binary=True) as cursor:
            rows: list[Any] = cursor.execute(query.sql, query.params).fetchall()
            return rows

    rows = db.read(read, timeout_ms=0)
    reporter.check()
    reporter.report(Progress(0, len(rows), "comparing"))
    usable, notes = _usable(rows, metric)
    held = [_vector(rows[place]) for place in usable]
    vectors = np.stack(held) if held else np.empty((0, 0), np.float32)
    default, ceiling = _thresholds(vectors, metric, threshold)

    def on_rows(done: int) -> None:
        reporter.report(Progress(done, len(usable), "comparing"))
        reporter.check()

    nearest = np.full(len(rows), np.nan)
    places = np.array(usable, dtype=np.int64)
    found = Neighbours(np.empty(0), places[:0], places[:0], np.empty(0))
    if usable:
        found = compare_all(vectors, metric, ceiling, on_rows=on_rows)
        nearest[places] = found.nearest
    if threshold is None:
        default = _without_long_chains(
            len(vectors), found.left, found.right, found.distance, default
        )
    return DuplicateScan(
        ids=tuple(row[0] for row in rows),
        nearest=nearest,
        left=places[found.left],
        right=places[found.right],
        distance=found.distance,
        same_text=_same_text([row[2] for row in rows]),
        metric=metric,
        ceiling=ceiling,
        default_threshold=default,
        method=Method.EXACT,
        notes=(*_metric_notes(collection), *notes),
    )


def _usable(
    rows: Sequence[tuple[str, NDArray[np.float32] | None, bytes | None]], metric: Metric
) -> tuple[list[int], list[str]]:
    """Return the places of rows that can be compared, and what is said of the others."""
    there = [place for place, row in enumerate(rows) if row[1] is not None]
    notes = []
    if bare := len(rows) - len(there):
        notes.append(f"{bare:,} without a vector: compared by their text alone.")
    sizes = Counter(len(_vector(rows[place])) for place in there)
    if len(sizes) > 1:
        size, count = sizes.most_common(1)[0]
        notes.append(
            f"{len(there) - count:,} whose vectors have not {size} numbers, as most have: "
            "compared by their text alone."
        )
        there = [place for place in there if len(_vector(rows[place])) == size]
    if metric is Metric.COSINE:
        pointing = [place for place in there if _vector(rows[place]).any()]
        if zero := len(there) - len(pointing):
            notes.append(f"{zero:,} with a zero vector: compared by their text alone.")
        there = pointing
    return there, notes


def _vector(row: tuple[str, NDArray[np.float32] | None, bytes | None]) -> NDArray[np.float32]:
    return row[1] if row[1] is not None else np.empty(0, np.float32)


def _thresholds(
    vectors: NDArray[np.float32], metric: Metric, threshold: float | None
) -> tuple[float, float]:
    """Return the threshold to begin with, and the ceiling up to which links are kept."""
    length, size = 1.0, vectors.shape[1] if vectors.size else 1
    if metric is not Metric.COSINE and vectors.size:
        centred = vectors - vectors.mean(axis=0, dtype=np.float64)
        length = float(np.median(np.linalg.norm(centred, axis=1))) or 1.0
    default = equivalent(DEFAULT_COSINE, metric, length, size)
    ceiling = equivalent(CEILING_COSINE, metric, length, size)
    if threshold is not None:
        default, ceiling = threshold, max(ceiling, threshold)
    return default, ceiling


def _without_long_chains(
    count: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    distance: NDArray[np.float64],
    default: float,
) -> float:
    """Return `default`, or less where chains would join more than CHAIN_ROWS rows."""
    most = default
    for step in _STEPS:
        most = step * default
        near = distance <= most
        label = labels(count, left[near], right[near])
        if np.bincount(label, minlength=1).max() <= CHAIN_ROWS:
            break
    return most


def _same_text(digests: Sequence[bytes | None]) -> NDArray[np.int64]:
    first: dict[bytes, int] = {}
    return np.array(
        [
            place if digest is None else first.setdefault(bytes(digest), place)
            for place, digest in enumerate(digests)
        ],
        dtype=np.int64,
    )


def _metric_notes(collection: Collection) -> list[str]:
    if collection.metric is Metric.INNER_PRODUCT:
        return ["Measured by cosine: by the inner product a row need not be nearest to itself."]
    return []


# -- through an index


def _by_index(
    db: Database, collection: Collection, threshold: float | None, reporter: Reporter
) -> DuplicateScan:
    metric = measured_by(collection)
    check_index(db, collection)
    _, total, _ = _counts(db, collection)
    sampling = duplicate_sql.sample(collection, _SAMPLE)
    drawn = np.array(
        [row[0] for row in db.query(sampling.statement, sampling.params)], dtype=np.float32
    )
    default, ceiling = _thresholds(drawn, metric, threshold)
    texts = duplicate_sql.same_texts(collection)
    reporter.report(Progress(0, total, "equal texts"))
    copies = db.query(texts.statement, texts.params, timeout_ms=0)
    places: dict[str, int] = {}
    nearest: list[float] = []
    left: list[int] = []
    right: list[int] = []
    distances: list[float] = []

    def place_of(row_id: str) -> int:
        place = places.setdefault(row_id, len(places))
        if place == len(nearest):
            nearest.append(np.nan)
        return place

    after: str | None = None
    done = 0
    settings = {"hnsw.ef_search": "40", "enable_seqscan": "off"}
    while True:
        reporter.check()
        query = duplicate_sql.neighbours(collection, metric, after, _BATCH)
        found = db.query(
            query.statement,
            {**query.params, "neighbours": NEIGHBOURS + 1},
            settings=settings,
            timeout_ms=0,
        )
        if not found:
            break
        for row_id, other, distance in found:
            place = place_of(row_id)
            if other is None:
                continue
            nearest[place] = float(np.fmin(nearest[place], distance))
            if distance <= ceiling:
                left.append(place)
                right.append(place_of(other))
                distances.append(distance)
        after = found[-1][0]
        done += len({row[0] for row in found})
        reporter.report(Progress(done, total, "nearest neighbours"))
    first: dict[bytes, int] = {}
    text_links = [(place_of(row_id), first.setdefault(bytes(d), place_of(row_id)))
                  for row_id, d in copies]  # fmt: skip
    forest = SpanningForest(len(places))
    forest.add(np.array(left, np.int64), np.array(right, np.int64), np.array(distances))
    same_text = np.arange(len(places))
    for place, original in text_links:
        same_text[place] = original
    near_left, near_right, near = forest.links()
    if threshold is None:
        default = _without_long_chains(len(places), near_left, near_right, near, default)
    return DuplicateScan(
        ids=tuple(places),
        nearest=np.array(nearest),
        left=near_left,
        right=near_right,
        distance=near,
        same_text=same_text,
        metric=metric,
        ceiling=ceiling,
        default_threshold=default,
        method=Method.INDEX,
        notes=(
            *_metric_notes(collection),
            f"Compared through the index with the nearest {NEIGHBOURS} of each row: some "
            "near-duplicates may be missed. Equal texts are all found.",
        ),
    )


def check_index(db: Database, collection: Collection) -> None:
    """Raise InvalidInput when no index serves the neighbours of every row."""
    metric = measured_by(collection)
    if collection.roles.id is None:
        raise InvalidInput(
            f"{collection.name} is too large to compare every row with every other one, and has no "
            "key to go through its rows by.",
            "Give a column the role of id.",
        )
    served = (
        opclass_metric(opclass)
        for index in vector_indexes(db, collection)
        if index.valid and index.in_full and index.predicate is None
        for opclass in index.opclasses
    )
    if metric not in served:
        raise InvalidInput(
            f"{collection.name} is too large to compare every row with every other one, and has no "
            f"index for {metric.label}.",
            "Build an HNSW index on the page Indexes, and come back.",
        )
