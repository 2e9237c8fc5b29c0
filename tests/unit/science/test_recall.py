"""Recall by hand-worked numbers, and beside ann-benchmarks' own definition to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.science.recall import hits_by_distance, hits_by_id, mean_recall, recalls

INF = np.inf


def ann_benchmarks_recall(truth: np.ndarray, found: np.ndarray, count: int) -> float:
    """`get_recall_values` and `knn_threshold` of ann_benchmarks/plotting/metrics.py, as they are."""
    recalls_ = np.zeros(len(found))
    for i in range(len(found)):
        t = truth[i][count - 1] + 1e-3
        actual = 0
        for d in found[i][:count]:
            if d <= t:
                actual += 1
        recalls_[i] = actual
    return float(np.mean(recalls_) / float(count))


def test_hand_worked() -> None:
    truth = np.array([[0.1, 0.2, 0.3], [0.5, 0.6, 0.7]])
    found = np.array([[0.1, 0.3009, 0.302], [0.5, INF, INF]])
    assert hits_by_distance(found, truth).tolist() == [2, 1]
    assert mean_recall(np.array([2, 1]), np.array([3, 3])) == 0.5


def test_ties_count_as_hits_by_distance_and_not_by_id() -> None:
    truth = np.array([[0.0, 0.0]])
    found = np.array([[0.0, 0.0]])
    assert hits_by_distance(found, truth).tolist() == [2]
    assert hits_by_id([["a", "c"]], [["a", "b"]]).tolist() == [1]


def test_fewer_rows_than_k_and_none_at_all() -> None:
    truth = np.array([[0.1, INF, INF], [INF, INF, INF]])
    found = np.array([[0.1, 0.1005, INF], [INF, INF, INF]])
    hits = hits_by_distance(found, truth)
    assert hits.tolist() == [1, 0]
    present = np.array([1, 0])
    assert recalls(hits, present).tolist() == [1.0]
    assert mean_recall(hits, present) == 1.0
    assert np.isnan(mean_recall(np.array([0]), np.array([0])))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_equal_to_ann_benchmarks_to_the_last_digit(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    truth = np.sort(rng.random((173, 10)) * scale, axis=1)
    found = np.sort(truth + rng.random((173, 10)) * scale * rng.integers(0, 2, (173, 1)), axis=1)
    found[rng.random((173, 10)) < 0.05] = INF
    hits = hits_by_distance(found, truth)
    assert mean_recall(hits, np.full(173, 10)) == ann_benchmarks_recall(truth, found, 10)
