"""Similarities, pooling and the plane, by numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pgvista.science.pca import pca
from pgvista.science.similarity import (
    cosine_similarities,
    mean_pooled,
    nearest_other,
    principal_plane,
)


def array(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_cosines_of_each_two() -> None:
    found = cosine_similarities(array([3, 0], [1, 1], [-2, 0]))
    root = 1 / math.sqrt(2)
    assert found == pytest.approx(np.array([[1, root, -1], [root, 1, -root], [-1, -root, 1]]))
    assert cosine_similarities(array([0.1, 0.7, 0.3]))[0, 0] <= 1.0


def test_a_zero_vector_has_no_cosine() -> None:
    found = cosine_similarities(array([0, 0], [1, 0]))
    assert np.isnan(found[0]).all()
    assert found[1, 1] == 1
    assert nearest_other(found, 0) is None
    assert nearest_other(found, 1) is None


def test_the_nearest_is_another_and_the_first_of_equals() -> None:
    found = cosine_similarities(array([1, 0], [1, 0.5], [1, -0.5], [0, 1]))
    assert [nearest_other(found, place) for place in range(4)] == [1, 0, 0, 1]
    assert nearest_other(np.array([[1.0]]), 0) is None


def test_the_mean_of_tokens_has_length_one() -> None:
    assert mean_pooled(array([6, 0], [0, 8])) == pytest.approx([0.6, 0.8])  # mean (3, 4)
    assert mean_pooled(array([1, 2], [-1, -2])).tolist() == [0, 0]


def test_a_plane_shows_all_of_three_points_and_less_of_more() -> None:
    corners = np.eye(3, 5, dtype=np.float32)
    plane = principal_plane(corners)
    assert plane.share == pytest.approx(1)
    sides = [np.linalg.norm(plane.points[i] - plane.points[j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    assert sides == pytest.approx([math.sqrt(2)] * 3, rel=1e-5)
    # Four corners of a tetrahedron: three directions of equal variance, of which two are shown.
    assert principal_plane(np.eye(4, dtype=np.float32)).share == pytest.approx(2 / 3)


def test_planes_of_one_point_and_of_equal_points() -> None:
    one = principal_plane(array([1, 2, 3]))
    assert one.points.tolist() == [[0, 0]]
    assert one.share == 1
    same = principal_plane(array([1, 2], [1, 2], [1, 2]))
    assert not same.points.any()
    assert same.share == 1


def test_the_plane_is_that_of_principal_components() -> None:
    vectors = np.random.default_rng(3).normal(size=(7, 40)).astype(np.float32)
    assert principal_plane(vectors).points == pytest.approx(pca(vectors, 2), abs=1e-4)
    assert principal_plane(array([1], [3], [5])).points[:, 0] == pytest.approx([-2, 0, 2])
