"""Nearest neighbours against every pair looked at one by one."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.errors import Cancelled
from pgvista.model.metric import Metric
from pgvista.science import knn
from pgvista.science.distances import to_all
from pgvista.science.knn import largest, nearest_neighbours, nearest_to


def rows(count: int = 300, size: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def true_distances(vectors: np.ndarray, metric: Metric) -> np.ndarray:
    table = np.stack([to_all(row, vectors, metric) for row in vectors])
    np.fill_diagonal(table, np.inf)
    return table


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("block_bytes", [1, 10_000, 48_000_000])
def test_all_pairs(metric: Metric, block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "BLOCK_BYTES", block_bytes)
    vectors = rows()
    table = true_distances(vectors, metric)
    found = nearest_neighbours(vectors, 12, metric)
    assert found.is_exact
    assert np.array_equal(found.places, np.argsort(table, axis=1)[:, :12])
    assert found.distances == pytest.approx(np.sort(table, axis=1)[:, :12], abs=1e-6)


def test_far_from_the_origin() -> None:
    vectors = rows(200) * np.float32(0.01) + np.float32(100)
    table = true_distances(vectors, Metric.L2)
    found = nearest_neighbours(vectors, 5, Metric.L2)
    assert found.distances == pytest.approx(np.sort(table, axis=1)[:, :5], rel=1e-3)


def test_equal_rows_come_by_place_and_never_the_row_itself() -> None:
    found = nearest_neighbours(np.ones((40, 3), np.float32), 4, Metric.COSINE)
    assert (found.places != np.arange(40)[:, None]).all()
    assert (np.diff(found.places, axis=1) > 0).all()
    assert (found.distances == 0).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_rows(count: int) -> None:
    found = nearest_neighbours(rows(count), 15, Metric.L2)
    assert found.places.shape == found.distances.shape == (count, max(0, count - 1))


@pytest.mark.parametrize("k", [1, 7, 40])
def test_largest_of_many(k: int) -> None:
    scores = np.random.default_rng(1).normal(size=(5, 5_003)).astype(np.float32)
    scores[0, -3:] = 100  # beyond the last whole group
    expected = np.sort(scores, axis=1)[:, -k:]
    found = np.take_along_axis(scores, largest(scores, k), axis=1)
    assert np.array_equal(np.sort(found, axis=1), expected)


@pytest.mark.parametrize("metric", Metric)
def test_by_parts_tells_how_many_it_found(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "EXACT_ROWS", 500)
    monkeypatch.setattr(knn, "EXACT_ROWS_L1", 500)
    centres = rows(30, 16, seed=2) * 4
    vectors = np.repeat(centres, 100, axis=0) + rows(3_000, 16, seed=3)
    found = nearest_neighbours(vectors, 10, metric)
    monkeypatch.setattr(knn, "EXACT_ROWS", 10_000)
    monkeypatch.setattr(knn, "EXACT_ROWS_L1", 10_000)
    truth = nearest_neighbours(vectors, 10, metric)
    assert (found.places != np.arange(3_000)[:, None]).all()
    share = np.mean(
        [len(set(a) & set(b)) / 10 for a, b in zip(found.places, truth.places, strict=True)]
    )
    assert found.recall is not None
    assert share == pytest.approx(found.recall, abs=0.05)
    assert share > 0.85
    assert not found.is_exact


def test_nearest_to_others() -> None:
    vectors, queries = rows(100), rows(7, seed=5)
    places, distances = nearest_to(queries, vectors, 3, Metric.L2)
    for query, row, far in zip(queries, places, distances, strict=True):
        table = to_all(query, vectors, Metric.L2)
        assert row.tolist() == np.argsort(table)[:3].tolist()
        assert far == pytest.approx(np.sort(table)[:3], rel=1e-5)
    assert nearest_to(queries, vectors[:2], 3, Metric.L2)[0].shape == (7, 2)
    assert nearest_to(queries[:0], vectors, 3, Metric.L2)[0].shape == (0, 3)


def test_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[int] = []
    nearest_neighbours(rows(), 3, Metric.COSINE, on_rows=told.append)
    assert told[-1] == 300

    def stop(_: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        nearest_neighbours(rows(), 3, Metric.COSINE, on_rows=stop)
