"""The query vector of examples, and maximal marginal relevance, by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric
from pgvista.science.distances import between
from pgvista.science.examples import rocchio
from pgvista.science.mmr import mmr

NONE = np.empty((0, 2), np.float32)


def array(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_mean_of_the_liked() -> None:
    query = rocchio(array([1, 2], [3, 6]), NONE, metric=Metric.L2, weight=0.5)
    assert query == pytest.approx([2, 4])


def test_moves_away_from_the_unliked() -> None:
    query = rocchio(array([2, 4]), array([4, 0], [0, 0]), metric=Metric.L2, weight=0.5)
    assert query == pytest.approx([2, 6])  # p = (2, 4), n = (2, 0), q = p + (p - n) / 2


def test_cosine_counts_each_the_same() -> None:
    query = rocchio(array([10, 0], [0, 1]), NONE, metric=Metric.COSINE, weight=0)
    assert query == pytest.approx([0.5, 0.5])
    long = rocchio(array([10, 0], [0, 1]), NONE, metric=Metric.INNER_PRODUCT, weight=0)
    assert long == pytest.approx([5, 0.5])


@pytest.mark.parametrize("metric", [Metric.L2, Metric.L1])
def test_moving_everything_moves_the_query(metric: Metric) -> None:
    like, unlike = array([1, 2], [2, 1]), array([0, 3])
    here = rocchio(like, unlike, metric=metric, weight=0.8)
    there = rocchio(like + 100, unlike + 100, metric=metric, weight=0.8)
    assert there - 100 == pytest.approx(here, abs=1e-3)


def test_opposites_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cancel each other out"):
        rocchio(array([1, 0], [-2, 0]), NONE, metric=Metric.COSINE, weight=0.5)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Metric.COSINE, 1 - 24 / 25),
        (Metric.L2, 2**0.5),
        (Metric.INNER_PRODUCT, -24),
        (Metric.L1, 2),
    ],
)
def test_distances_as_pgvector_has_them(metric: Metric, expected: float) -> None:
    assert between(array([3, 4]), array([4, 3]), metric) == pytest.approx([expected])


def test_equal_vectors_are_at_distance_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    for metric in (Metric.COSINE, Metric.L2, Metric.L1):
        assert (between(rows, rows.copy(), metric) == 0).all()


def test_zero_vector_has_no_cosine() -> None:
    assert np.isnan(between(array([0, 0]), array([1, 0]), Metric.COSINE)).all()


CANDIDATES = array([1, 0], [1, 0.001], [0.6, 0.8], [0, 1])
RELEVANCE = np.array([0.9, 0.89, 0.8, 0.1])


@pytest.mark.parametrize(
    ("lambda_", "order"),
    [
        (1.0, [0, 1, 2, 3]),
        # after 0: 1 gains 0.445 - 0.5, 2 gains 0.4 - 0.3, 3 gains 0.05; then 3: 0.05 - 0.4 is behind
        # 1: 0.445 - 0.5
        (0.5, [0, 2, 1, 3]),
        (0.0, [0, 3, 2, 1]),
    ],
)
def test_mmr(lambda_: float, order: list[int]) -> None:
    found = mmr(RELEVANCE, CANDIDATES, metric=Metric.COSINE, lambda_=lambda_, limit=4)
    assert found == order


def test_mmr_limits() -> None:
    assert mmr(RELEVANCE, CANDIDATES, metric=Metric.L2, lambda_=0.5, limit=2) == [0, 2]
    assert mmr(RELEVANCE[:0], CANDIDATES[:0], metric=Metric.L2, lambda_=0.5, limit=2) == []
    assert len(mmr(RELEVANCE, CANDIDATES, metric=Metric.L1, lambda_=0.3, limit=99)) == 4


def test_mmr_with_a_zero_vector() -> None:
    rows = array([1, 0], [0, 0], [1, 0])
    found = mmr(np.array([0.9, 0.5, 0.9]), rows, metric=Metric.COSINE, lambda_=0.4, limit=3)
    assert found == [0, 1, 2]
