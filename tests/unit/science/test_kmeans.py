"""k-means against brute force and numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pgvista.science.kmeans import kmeans, nearest_centroid, search, visited, with_rows

DRAW = np.random.default_rng(2)
POINTS = DRAW.normal(size=(500, 3)).astype(np.float32)


def brute(points: np.ndarray, centroids: np.ndarray) -> list[int]:
    """Return the nearest centroid of each row, one by one."""
    return [int(np.argmin([np.linalg.norm(p - c) for c in centroids])) for p in points]


@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("k", [1, 7, 40])
def test_every_row_is_in_the_list_of_its_nearest_centroid(k: int, spherical: bool) -> None:
    lists = kmeans(POINTS, k, seed=3, spherical=spherical)
    data = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True) if spherical else POINTS
    assert lists.of_row.tolist() == brute(data, lists.centroids)
    assert lists.sizes.sum() == len(POINTS)
    if spherical:
        assert np.linalg.norm(lists.centroids, axis=1) == pytest.approx(np.ones(k), abs=1e-6)


@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_inertia_never_rises(seed: int, spherical: bool) -> None:
    inertia = kmeans(POINTS, 12, seed=seed, spherical=spherical).inertia
    assert len(inertia) > 2
    assert all(after < before for before, after in itertools.pairwise(inertia))


def test_at_the_end_each_centroid_is_the_mean_of_its_rows() -> None:
    lists = kmeans(POINTS, 9, seed=1, rounds=500)
    for number, centroid in enumerate(lists.centroids):
        assert centroid == pytest.approx(POINTS[lists.of_row == number].mean(axis=0), abs=1e-4)


def test_two_groups_by_hand() -> None:
    points = np.array([[0, 0], [0, 2], [10, 0], [10, 2]], np.float32)
    lists = kmeans(points, 2, seed=0)
    assert sorted(lists.centroids.tolist()) == [[0, 1], [10, 1]]
    assert lists.inertia[-1] == 4
    assert lists.of_row[0] == lists.of_row[1] != lists.of_row[2] == lists.of_row[3]


def test_the_same_seed_gives_the_same_lists() -> None:
    assert np.array_equal(kmeans(POINTS, 8, seed=5).of_row, kmeans(POINTS, 8, seed=5).of_row)
    assert not np.array_equal(kmeans(POINTS, 8, seed=5).of_row, kmeans(POINTS, 8, seed=6).of_row)


def test_no_more_lists_than_different_rows() -> None:
    same = np.ones((6, 2), np.float32)
    assert len(kmeans(same, 4).centroids) == 1
    three = np.array([[0, 0], [1, 0], [1, 0], [5, 5]], np.float32)
    lists = kmeans(three, 100)
    assert sorted(lists.sizes.tolist()) == [1, 1, 2]
    assert lists.inertia[-1] == 0
    assert kmeans(three[:1], 1).of_row.tolist() == [0]


@pytest.mark.parametrize(("rows", "k"), [(5, 0), (0, 3)])
def test_nothing_to_cut(rows: int, k: int) -> None:
    with pytest.raises(ValueError, match="k-means"):
        kmeans(POINTS[:rows], k)


def test_rows_that_come_later_go_to_the_centroids_there_are() -> None:
    learnt = kmeans(POINTS[:30], 5, seed=1)
    lists = with_rows(learnt.centroids, POINTS)
    assert lists.of_row.tolist() == brute(POINTS, learnt.centroids)
    assert np.array_equal(lists.centroids, learnt.centroids)


def test_lists_are_visited_from_the_nearest_centroid_on() -> None:
    centroids = np.array([[0, 0], [1, 0], [5, 0]], np.float32)
    queries = np.array([[0.9, 0], [9, 0]], np.float32)
    assert visited(queries, centroids, 2).tolist() == [[1, 0], [2, 1]]
    assert visited(queries, centroids, 9).shape == (2, 3)


def test_a_search_looks_at_the_visited_lists_alone() -> None:
    lists = kmeans(POINTS, 10, seed=4)
    queries = DRAW.normal(size=(20, 3)).astype(np.float32)
    for probes in (1, 3, 10):
        found, looked_at = search(POINTS, lists, queries, 6, probes)
        for query, positions, count in zip(queries, found, looked_at, strict=True):
            order = np.argsort([np.linalg.norm(query - c) for c in lists.centroids])[:probes]
            inside = np.flatnonzero(np.isin(lists.of_row, order))
            far = np.linalg.norm(POINTS[inside].astype(float) - query, axis=1)
            assert count == len(inside)
            assert positions == tuple(inside[np.argsort(far)[:6]])
    which, _ = nearest_centroid(POINTS, lists.centroids)
    assert np.array_equal(which, lists.of_row)
