"""The lesson on HNSW on Postgres: rows to walk among, and the model beside pgvector's own index."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.index import IndexMethod
from pgvista.model.lesson_index import LessonIndex
from pgvista.model.metric import Metric
from pgvista.science.hnsw import build
from pgvista.science.hnsw_recall import recall_curve
from pgvista.services.lesson_hnsw import walk_rows
from pgvista.services.lesson_index import try_index

VECTORS = np.random.default_rng(3).normal(size=(80, 4)).astype(np.float32)


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


def make(
    workbench: Workbench,
    vectors: np.ndarray,
    *,
    metric: str = "cosine",
    vector_type: str = "vector",
) -> Collection:
    made = workbench.create_collection(
        "docs", dimension=vectors.shape[1], metric=metric, vector_type=vector_type
    )
    made.upsert({"id": f"r{n}", "embedding": row.tolist()} for n, row in enumerate(vectors))
    return made


def test_rows_and_queries(workbench: Workbench) -> None:
    made = make(workbench, VECTORS)
    found = walk_rows(workbench.db, made.info, rows=50, queries=10)
    assert (len(found.ids), len(found.query_ids)) == (50, 10)
    assert not set(found.ids) & set(found.query_ids)
    assert found.metric is Metric.COSINE
    for row_id, vector in zip(found.ids, found.points, strict=True):
        assert vector == pytest.approx(VECTORS[int(row_id[1:])])
    again = walk_rows(workbench.db, made.info, rows=50, queries=10)
    assert again.ids == found.ids


def test_a_small_collection_keeps_most_rows_as_points(workbench: Workbench) -> None:
    made = make(workbench, VECTORS[:25])
    found = walk_rows(workbench.db, made.info, rows=2_000, queries=60)
    assert (len(found.ids), len(found.query_ids)) == (20, 5)


def test_too_few_rows(workbench: Workbench) -> None:
    made = make(workbench, VECTORS[:3])
    with pytest.raises(NotFound, match="3 rows with a vector that is not zero"):
        walk_rows(workbench.db, made.info, rows=50, queries=10)


def test_zero_vectors_are_no_queries(workbench: Workbench) -> None:
    vectors = VECTORS[:40].copy()
    vectors[5:] = 0
    made = make(workbench, vectors, metric="l2")
    found = walk_rows(workbench.db, made.info, rows=50, queries=10)
    assert 0 < len(found.queries) <= 5
    assert found.queries.any(axis=1).all()


def test_nothing_but_zero_vectors(workbench: Workbench) -> None:
    made = make(workbench, np.zeros((30, 4), np.float32), metric="l2")
    with pytest.raises(InvalidInput, match="Every vector of"):
        walk_rows(workbench.db, made.info, rows=50, queries=10)


def test_half_vectors(workbench: Workbench) -> None:
    made = make(workbench, VECTORS, vector_type="halfvec", metric="l2")
    found = walk_rows(workbench.db, made.info, rows=50, queries=10)
    assert found.points.dtype == np.float32
    assert found.metric is Metric.L2
    assert found.points[0] == pytest.approx(VECTORS[int(found.ids[0][1:])], abs=2e-3)


@pytest.mark.parametrize("metric", [Metric.L2, Metric.COSINE])
def test_the_model_finds_what_pgvector_finds(workbench: Workbench, metric: Metric) -> None:
    rng = np.random.default_rng(5)
    points, queries = (rng.normal(size=(n, 16)).astype(np.float32) for n in (800, 60))
    knobs = {"m": 4, "ef_construction": 16}
    efs = (10, 40, 160)
    real = np.mean(
        [
            [point.recall for point in index.points]
            for index in (
                try_index(
                    workbench.db, points, queries, LessonIndex(IndexMethod.HNSW, **knobs),
                    metric=metric, values=efs,
                )
                for _ in range(3)
            )
        ],
        axis=0,
    )  # fmt: skip
    model = np.mean(
        [
            [
                point.recall
                for point in recall_curve(
                    build(points, metric=metric, seed=seed, **knobs), queries, efs
                )
            ]
            for seed in range(3)
        ],
        axis=0,
    )
    assert model == pytest.approx(real, abs=0.07)
    assert model[0] < model[1] < model[2]
