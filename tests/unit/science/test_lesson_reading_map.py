"""The figures of the lesson on maps, by hand; what UMAP keeps, and that noise is noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pgvista.model.map_spec import MapMethod
from pgvista.model.metric import Metric
from pgvista.science.lesson_reading_map import (
    compare_groups,
    errors_at,
    near_on_map,
    nearest_distance,
    noise_like,
    picture,
    rank_on_map,
    rows_of,
    shared,
    spearman,
)
from pgvista.science.map_quality import map_neighbours


def line(count: int = 12) -> np.ndarray:
    """Return points on a line, each farther from the one before: 0, 1, 3, 6, 10 ..."""
    return np.array([[n * (n + 1) / 2, 0.0, 0.0] for n in range(count)], np.float32)


def blobs() -> np.ndarray:
    rng = np.random.default_rng(3)
    centres = np.repeat(10 * rng.normal(size=(3, 20)), 25, axis=0)
    return (centres + rng.normal(size=centres.shape)).astype(np.float32)


def test_true_missing_and_false_neighbours() -> None:
    rows = rows_of(line(), Metric.L2)
    assert rows.k == 10
    assert rows.kept_random == pytest.approx(10 / 11)
    few = rows_of(line(4), Metric.L2)  # of four points, all others are neighbours
    assert few.k == 3
    xy = np.array([[n, 0.0] for n in range(12)], np.float32)
    xy[0, 0] = 100.0  # the first is torn away from all
    found = errors_at(rows, xy, 1)
    assert found.missing == (0,)
    assert found.false == (11,)
    assert found.true == (2, 3, 4, 5, 6, 7, 8, 9, 10)


def test_rank_among_the_neighbours_on_the_map() -> None:
    xy = np.array([[0, 0], [1, 0], [0, 2], [3, 0]], np.float32)
    assert [rank_on_map(xy, 0, other) for other in (1, 2, 3)] == [1, 2, 3]
    assert rank_on_map(xy, 3, 0) == 2


def test_near_on_map_is_what_the_map_page_counts() -> None:
    xy = np.random.default_rng(5).normal(size=(60, 2)).astype(np.float32)
    assert (near_on_map(xy, 10) == map_neighbours(xy, 10)).all()


def test_neighbours_shared_by_two_maps() -> None:
    one = np.array([[0, 0], [1, 0], [10, 0], [11, 0]], np.float32)
    assert shared(one, 3 * one[:, ::-1], 1).tolist() == [1, 1, 1, 1]
    swapped = one[[0, 2, 1, 3]]  # now 0 is beside 2, and 1 beside 3
    assert shared(one, swapped, 1).tolist() == [0, 0, 0, 0]


def test_rank_correlation() -> None:
    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 20, 900])) == 1
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == -1
    # ranks 1, 2, 3, 4 and 2, 1, 4, 3: 1 - 6 * 4 / (4 * 15)
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])) == pytest.approx(0.6)
    # with a tie, ranks 1, 2.5, 2.5 and 1, 2, 3
    assert spearman(np.array([1.0, 5, 5]), np.array([1.0, 2, 3])) == pytest.approx(math.sqrt(0.75))
    assert math.isnan(spearman(np.array([1.0]), np.array([1.0])))
    assert math.isnan(spearman(np.array([1.0, 1]), np.array([1.0, 2])))


def test_sizes_and_gaps_of_groups() -> None:
    vectors = np.array([[0, 0], [2, 0], [10, 0], [14, 0], [0, 30], [0, 30], [99, 99]], np.float32)
    xy = vectors * [1.0, 0.5]
    groups = compare_groups(
        rows_of(vectors, Metric.L2),
        xy.astype(np.float32),
        np.array([0, 0, 1, 1, 2, 2, -1], np.int32),
    )
    assert groups.true_sizes.tolist() == [1, 2, 0]
    assert groups.map_sizes.tolist() == [1, 2, 0]
    assert groups.sizes_agree == pytest.approx(1)
    assert groups.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert groups.true_gaps == pytest.approx([11, math.hypot(1, 30), math.hypot(12, 30)])
    assert groups.map_gaps == pytest.approx([11, math.hypot(1, 15), math.hypot(12, 15)])
    assert groups.gaps_agree == pytest.approx(1)
    # the median is 30.02, and 32.3 is within a tenth of it
    assert groups.alike.tolist() == [False, True, True]


def test_no_groups() -> None:
    groups = compare_groups(
        rows_of(line(), Metric.COSINE), line()[:, :2], np.full(12, -1, np.int32)
    )
    assert len(groups.pairs) == len(groups.true_sizes) == 0
    assert math.isnan(groups.gaps_agree)
    assert groups.alike.tolist() == []


def test_pca_keeps_a_plane_whole() -> None:
    vectors = np.zeros((40, 6), np.float32)
    vectors[:, :2] = np.random.default_rng(1).normal(size=(40, 2))
    made = picture(rows_of(vectors, Metric.L2), MapMethod.PCA)
    assert made.kept.shape == (40,)
    assert made.mean_kept == 1
    assert made.groups == 0


def test_equal_vectors_are_told() -> None:
    assert rows_of(np.ones((30, 4), np.float32), Metric.COSINE).all_equal
    assert not rows_of(line(), Metric.L2).all_equal


def test_noise_has_the_same_shape_and_no_near_neighbours() -> None:
    rows = rows_of(blobs(), Metric.COSINE)
    noise = noise_like(rows, seed=4)
    assert noise.vectors.shape == rows.vectors.shape
    assert (noise.vectors == noise_like(rows, seed=4).vectors).all()
    assert (noise.vectors != noise_like(rows, seed=5).vectors).any()
    assert nearest_distance(noise) > 3 * nearest_distance(rows)


def test_umap_keeps_more_of_groups_than_chance_would() -> None:
    rows = rows_of(blobs(), Metric.COSINE)
    made = picture(rows, MapMethod.UMAP, n_neighbors=5, min_dist=0.0, seed=1)
    assert (made.n_neighbors, made.min_dist, made.seed) == (5, 0.0, 1)
    assert made.mean_kept > 2 * rows.kept_random
    again = picture(rows, MapMethod.UMAP, n_neighbors=5, min_dist=0.0, seed=1)
    assert (made.xy == again.xy).all()
    other = picture(rows, MapMethod.UMAP, n_neighbors=5, min_dist=0.0, seed=2)
    assert 0.2 < shared(made.xy, other.xy, rows.k).mean() < 1
