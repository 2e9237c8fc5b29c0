"""The exact nearest rows against numbers worked out by hand, and ties."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pgvista.model.metric import Metric
from pgvista.science.exact import ExactNearest

LINE = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [-2.0, 0.0]], np.float32)
ORIGIN = np.zeros((1, 2), np.float32)


def test_nearest_first() -> None:
    truth = ExactNearest(ORIGIN, LINE, 2, Metric.L2)
    assert truth.nearest == ((0, 1),)
    assert truth.hits([[0, 3]]) == [1]
    assert truth.recall([[1, 0]]) == 1
    assert truth.recall([[]]) == 0


def test_a_tie_counts_whichever_of_its_rows_was_found() -> None:
    truth = ExactNearest(ORIGIN, LINE, 3, Metric.L2)
    assert truth.recall([[0, 1, 2]]) == truth.recall([[0, 1, 4]]) == 1
    assert truth.recall([[0, 1, 3]]) == pytest.approx(2 / 3)
    assert truth.hits([[0, 1, 2, 4]]) == [3]  # never more than there are to find


def test_only_some_rows_and_fewer_than_wanted() -> None:
    truth = ExactNearest(ORIGIN, LINE, 10, Metric.L2, np.array([False, True, False, True, False]))
    assert truth.nearest == ((1, 3),)
    assert (truth.due, truth.recall([[3]])) == (2, 0.5)
    nothing = ExactNearest(ORIGIN, LINE, 10, Metric.L2, np.zeros(5, bool))
    assert nothing.nearest == ((),)
    assert math.isnan(nothing.recall([[]]))


def test_zero_vectors_have_no_cosine() -> None:
    query = np.array([[1.0, 1.0]], np.float32)
    assert ExactNearest(query, LINE, 10, Metric.COSINE).nearest[0][0] != 0
    assert ExactNearest(query, LINE, 10, Metric.COSINE).due == 4


def test_near_neighbours_of_a_fine_plane_are_no_ties() -> None:
    points = np.array([[0.5 + 1e-4 * i, 0.5] for i in range(20)], np.float32)
    truth = ExactNearest(np.array([[0.5, 0.5]], np.float32), points, 5, Metric.L2)
    assert truth.recall([[0, 1, 2, 3, 5]]) == pytest.approx(0.8)


@pytest.mark.parametrize("metric", list(Metric))
def test_many_rows_as_numpy_sorts_them(metric: Metric) -> None:
    draw = np.random.default_rng(3)
    points = draw.normal(size=(700, 6)).astype(np.float32)
    queries = draw.normal(size=(9, 6)).astype(np.float32)
    truth = ExactNearest(queries, points, 10, metric)
    a, b = queries.astype(float)[:, None], points.astype(float)[None]
    inner = (a * b).sum(axis=2)
    far = {
        Metric.L2: np.sqrt(((a - b) ** 2).sum(axis=2)),
        Metric.L1: np.abs(a - b).sum(axis=2),
        Metric.INNER_PRODUCT: -inner,
        Metric.COSINE: 1 - inner / np.linalg.norm(a, axis=2) / np.linalg.norm(b, axis=2),
    }[metric]
    assert np.array_equal(truth.nearest, np.argsort(far, axis=1)[:, :10])
