"""What the lesson on filters remembers: its rows, its knobs, and what was measured."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.model.lesson_index import RealIndex
from pgvista.model.metric import Metric
from pgvista.model.search import DEFAULT_EF_SEARCH, DEFAULT_MAX_SCAN_TUPLES
from pgvista.science.lesson_filtering import SHARES, by_place, drawn, grouped_vectors
from pgvista.services.collections import stats
from pgvista.services.lesson_filtering import (
    Filtered,
    find_candidates,
    measure_filters,
    partial_index,
)
from pgvista.services.lesson_sample import sample_vectors
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.kept import kept

DATA, LABELS = "learn_filtering_data", "learn_filtering_labels"
SHARE, QUERY = "learn_filtering_share", "learn_filtering_query"
LABEL, EF, TUPLES = "learn_filtering_label", "learn_filtering_ef", "learn_filtering_tuples"
COLUMN, VALUE = "learn_filtering_column", "learn_filtering_value"

MADE, OWN = "made vectors", "your collection"
CHANCE, PLACE = "labels by chance", "labels by place"
MADE_ROWS, DIMENSION, QUERIES = 4_000, 16, 20
SAMPLE_ROWS, FEWEST = 3_000, 1_000
DEFAULT_SHARE = 10.0
DEFAULT_EF, DEFAULT_TUPLES = DEFAULT_EF_SEARCH, DEFAULT_MAX_SCAN_TUPLES
NAMES = {label: f"{100 * share:g} %" for label, share in reversed(SHARES.items())}
"""How a share is called, the widest first."""
NARROW = "1 %"
_SEED = 6


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that are filtered."""

    key: Hashable
    points: NDArray[np.float32]
    """Shape (n, dimension)."""
    queries: NDArray[np.float32]
    """Shape (m, dimension)."""
    metric: Metric
    told: str
    """What they are, in a few words."""

    @property
    def numbers(self) -> NDArray[np.float64]:
        """A number from 0 to 1 for each row, by which it has its label: shape (n,)."""
        if placed():
            return by_place(self.points, seed=_SEED)
        return drawn(len(self.points), seed=_SEED)


@lru_cache(maxsize=1)
def made() -> Rows:
    """Return vectors that were drawn in groups."""
    vectors = grouped_vectors(MADE_ROWS + QUERIES, DIMENSION, groups=30, seed=_SEED)
    told = f"{MADE_ROWS:,} made vectors of {DIMENSION} dimensions"
    return Rows("made", vectors[QUERIES:], vectors[:QUERIES], Metric.COSINE, told)


def rows(db: Database) -> Rows | None:
    """Return the rows that were chosen; None where the collection will not do, which is then said."""
    if st.session_state.get(DATA) != OWN:
        return made()
    collection = lesson_collection(db, needs="vectors", rows=FEWEST)
    if collection is None:
        return None
    key = (db.label, collection.name, collection.metric, stats(db, collection).rows)

    def draw() -> Rows:
        found = sample_vectors(db, collection, rows=SAMPLE_ROWS, queries=QUERIES)
        told = f"{len(found.points):,} rows of {collection.name}"
        return Rows(key, found.points, found.queries, found.metric, told)

    return kept(("filtering rows", key), draw)


def placed() -> bool:
    """Tell whether rows of one label lie in one part of space."""
    return st.session_state.get(LABELS) == PLACE


def candidates(db: Database, found: Rows) -> RealIndex:
    """Return what the index finds without a filter."""

    def find() -> RealIndex:
        with st.spinner(f"pgvector builds an HNSW index of {len(found.points):,} rows…"):
            return find_candidates(db, found.points, found.queries, found.metric)

    return kept(("filtering candidates", db.label, found.key), find)


def measured(db: Database, found: Rows) -> Filtered:
    """Return what pgvector gave on these rows; some seconds the first time."""

    def measure() -> Filtered:
        with st.spinner(
            f"pgvector builds an HNSW index of {len(found.points):,} rows, and is asked in each way…"
        ):
            return measure_filters(db, found.points, found.queries, found.numbers, found.metric)

    return kept(("filtering", db.label, found.key, placed()), measure)


def partial(db: Database, found: Rows, label: int) -> RealIndex:
    """Return an index of the rows of one label alone."""
    return kept(
        ("filtering partial", db.label, found.key, placed(), label),
        lambda: partial_index(db, found.points, found.queries, found.numbers, found.metric, label),
    )


def label_of(name: object) -> int:
    """Return the label of a share's name; that of the narrowest for anything else."""
    return next((label for label, known in NAMES.items() if known == name), 1)
