"""Near-duplicates among vectors against every pair looked at one by one."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.errors import Cancelled
from pgvista.model.metric import Metric
from pgvista.science import duplicates, forest
from pgvista.science.distances import between
from pgvista.science.duplicates import compare_all, equivalent
from pgvista.science.forest import SpanningForest, labels

METRICS = (Metric.COSINE, Metric.L2, Metric.L1)


def rows(count: int = 300) -> np.ndarray:
    made = np.random.default_rng(0).normal(size=(count, 6)).astype(np.float32)
    made[50] = made[51] = made[10]
    return made


def pairs(vectors: np.ndarray, metric: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    left, right = np.triu_indices(len(vectors), 1)
    return left, right, between(vectors[left], vectors[right], metric)


@pytest.mark.parametrize("block", [7, 512])
@pytest.mark.parametrize("metric", METRICS)
def test_same_groups_at_every_threshold(
    metric: Metric, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", block)
    monkeypatch.setattr(forest, "_REDUCE_AT", 100)
    vectors = rows()
    left, right, distance = pairs(vectors, metric)
    ceiling = float(np.quantile(distance, 0.02))
    found = compare_all(vectors, metric, ceiling)
    assert len(found.left) < len(vectors)
    for threshold in (0.0, ceiling / 3, ceiling / 2, ceiling):
        near, kept = distance <= threshold, found.distance <= threshold
        assert np.array_equal(
            labels(300, left[near], right[near]),
            labels(300, found.left[kept], found.right[kept]),
        )


@pytest.mark.parametrize("metric", METRICS)
def test_nearest(metric: Metric) -> None:
    vectors = rows()
    left, right, distance = pairs(vectors, metric)
    table = np.full((300, 300), np.inf)
    table[left, right] = table[right, left] = distance
    assert compare_all(vectors, metric, 0.1).nearest == pytest.approx(table.min(axis=1))


@pytest.mark.parametrize("metric", METRICS)
def test_far_from_the_origin(metric: Metric) -> None:
    """Differences are small against the lengths: single precision alone would lose them."""
    vectors = rows(60) * np.float32(1e-2) + np.float32(100)
    left, right, distance = pairs(vectors, metric)
    table = np.full((60, 60), np.inf)
    table[left, right] = table[right, left] = distance
    if metric is not Metric.COSINE:  # there, directions differ by less than single precision tells
        assert compare_all(vectors, metric, 0.1).nearest == pytest.approx(table.min(axis=1))


@pytest.mark.parametrize("metric", METRICS)
def test_none_one_and_equal(metric: Metric) -> None:
    assert len(compare_all(np.empty((0, 3), np.float32), metric, 1).nearest) == 0
    assert np.isnan(compare_all(np.ones((1, 3), np.float32), metric, 1).nearest).all()
    found = compare_all(np.ones((900, 3), np.float32), metric, 1)
    assert (len(found.left), found.nearest.max(), found.distance.max()) == (899, 0, 0)


def test_minus_zero_equals_zero() -> None:
    vectors = np.array([[0.0, 1], [-0.0, 1]], dtype=np.float32)
    assert compare_all(vectors, Metric.COSINE, 0).distance.tolist() == [0]


def test_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[int] = []
    compare_all(rows(), Metric.COSINE, 0.1, on_rows=told.append)
    assert told[-1] == 300

    def stop(_: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        compare_all(rows(), Metric.COSINE, 0.1, on_rows=stop)


def test_forest_keeps_the_shortest_links() -> None:
    tree = SpanningForest(4)
    tree.add(np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([1.0, 2.0, 3.0]))
    tree.add(np.array([2, 0]), np.array([0, 1]), np.array([0.5, 4.0]))
    left, right, distance = tree.links()
    assert distance.tolist() == [0.5, 1.0]
    assert {frozenset(pair) for pair in zip(left.tolist(), right.tolist(), strict=True)} == {
        frozenset((0, 2)), frozenset((0, 1))
    }  # fmt: skip


def test_labels_of_a_long_chain() -> None:
    order = np.random.default_rng(1).permutation(1000)
    found = labels(1001, order[:-1], order[1:])
    assert (found[:1000] == 0).all()
    assert found[1000] == 1000


def test_equivalent_distances() -> None:
    assert equivalent(0.2, Metric.COSINE, 5, 10) == 0.2
    assert equivalent(0.5, Metric.L2, 3, 10) == pytest.approx(3)  # a right triangle's 60 degrees
    assert equivalent(0.5, Metric.L1, 3, 1) > 2
