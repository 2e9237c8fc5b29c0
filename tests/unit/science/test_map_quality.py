"""What a map keeps, by hand and against scikit-learn; placing and clusters."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from pgvista.model.metric import Metric
from pgvista.science.clusters import c_tf_idf, count_words, find_clusters, label_places, words_of
from pgvista.science.map_quality import (
    agreement,
    aligned,
    map_neighbours,
    neighbours_kept,
    tightness,
    trustworthiness_and_continuity,
)
from pgvista.science.placing import place, place_many


def pairs(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(count, 5)).astype(np.float32)
    return vectors, vectors[:, :2] + rng.normal(scale=0.1, size=(count, 2)).astype(np.float32)


def test_neighbours_on_the_map() -> None:
    xy = np.array([[0, 0], [1, 0], [3, 0], [3.5, 0]], dtype=np.float32)
    assert map_neighbours(xy, 1)[:, 0].tolist() == [1, 0, 3, 2]
    assert map_neighbours(xy, 2, np.array([2])).tolist() == [[3, 1]]
    assert map_neighbours(xy, 9).shape == (4, 3)
    assert map_neighbours(xy[:1], 5).shape == (1, 0)
    heap = map_neighbours(np.zeros((30, 2), np.float32), 3)
    assert (heap != np.arange(30)[:, None]).all()


def test_tightness_is_half_of_a_groups_width() -> None:
    square = np.array([[0, 0], [0, 2], [2, 0], [2, 2]], np.float32)
    xy = np.concatenate([square, square + 300])  # each point lies sqrt(2) from the middle
    cluster = np.repeat([0, 2], 4).astype(np.int32)  # the rows of cluster 1 are gone
    assert tightness(xy, cluster) == pytest.approx(1 / 302)
    assert tightness(xy, np.zeros(8, np.int32)) is None
    assert tightness(xy[:4], np.ones(4, np.int32)) is None
    assert tightness(np.ones((8, 2), np.float32), cluster) is None


def test_share_of_neighbours_kept() -> None:
    true = np.array([[1, 2], [0, 2], [0, -1], [-1, -1]], dtype=np.int32)
    shown = np.array([[2, 3], [2, 0], [1, 3], [0, 1]], dtype=np.int32)
    kept = neighbours_kept(true, shown)
    assert kept[:3].tolist() == [0.5, 1, 0]
    assert np.isnan(kept[3])


@pytest.mark.parametrize("k", [1, 5, 10])
def test_trustworthiness_is_that_of_scikit_learn(k: int) -> None:
    vectors, xy = pairs()
    found = trustworthiness_and_continuity(vectors, xy, Metric.L2, k)
    assert found is not None
    assert found[0] == pytest.approx(trustworthiness(vectors, xy, n_neighbors=k))
    # continuity is trustworthiness with map and truth exchanged
    assert found[1] == pytest.approx(trustworthiness(xy, vectors, n_neighbors=k))
    assert found[2] == 90


def test_a_perfect_map_and_too_few_points() -> None:
    _, xy = pairs()
    assert trustworthiness_and_continuity(xy, xy, Metric.L2, 10) == (1, 1, 90)
    assert trustworthiness_and_continuity(xy[:20], xy[:20], Metric.L2, 10) is None


def test_many_points_are_sampled() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3_000, 3)).astype(np.float32)
    found = trustworthiness_and_continuity(vectors, vectors[:, :2].copy(), Metric.L2, 10)
    assert found is not None
    assert found[2] == 1_000
    assert found[0] == pytest.approx(
        trustworthiness(vectors, vectors[:, :2], n_neighbors=10), abs=0.01
    )


def test_turning_a_map_changes_nothing() -> None:
    _, xy = pairs()
    turned = (xy @ np.array([[0, -1], [1, 0]]) * 3 + 7).astype(np.float32)
    assert agreement(xy, turned, 5) == 1
    assert aligned(turned, xy) == pytest.approx(xy, abs=1e-4)
    assert agreement(xy, np.roll(xy, 40, axis=0), 5) < 0.3


# -- placing


def test_place_is_the_median_with_its_spread() -> None:
    near = np.array([[0, 0], [1, 0], [0, 1], [50, 50]], dtype=np.float32)
    xy, spread, ok = place(near, extent=100)
    assert (xy, ok) == ((0.5, 0.5), True)
    assert spread == pytest.approx(0.5**0.5)


def test_no_good_place() -> None:
    strewn = np.array([[0, 0], [100, 0], [0, 100], [100, 100]], dtype=np.float32)
    assert place(strewn, extent=141)[2] is False
    xy, spread, ok = place(np.empty((0, 2), np.float32), 10)
    assert np.isnan([*xy, spread]).all()
    assert not ok


def test_many_are_placed_among_their_neighbours() -> None:
    positions = np.array([[0, 0], [2, 0], [100, 100]], dtype=np.float32)
    found = place_many(positions, np.array([[0, 1], [2, 2]]))
    assert found == pytest.approx(np.array([[1, 0], [100, 100]]), abs=1)
    assert place_many(positions, np.empty((0, 2), np.int64)).shape == (0, 2)


# -- clusters


def test_clusters_by_size() -> None:
    rng = np.random.default_rng(0)
    xy = np.concatenate(
        [rng.normal(size=(size, 2)) * 0.2 + at for size, at in ((60, 0), (150, 9), (30, 20))]
    ).astype(np.float32)
    found = find_clusters(xy)
    sizes = np.bincount(found[found >= 0])
    assert (np.diff(sizes) <= 0).all()
    for part in (slice(0, 60), slice(60, 210), slice(210, 240)):  # no cluster is in two heaps
        inside = set(found[part]) - {-1}
        outside = set(np.delete(found, np.r_[part])) - {-1}
        assert inside
        assert not inside & outside
    assert label_places(xy, found)[0] == pytest.approx(np.median(xy[found == 0], axis=0))


def heaps(*sizes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return round heaps of points that lie far apart, and the heap of each."""
    rng = np.random.default_rng(3)
    parts = [rng.normal(size=(size, 2)) + 40 * number for number, size in enumerate(sizes)]
    return np.concatenate(parts).astype(np.float32), np.repeat(np.arange(len(sizes)), sizes)


def test_a_heap_is_one_cluster() -> None:
    xy, heap = heaps(700, 600, 500)
    found = find_clusters(xy)
    assert found.max() == 2
    assert (found == heap).mean() > 0.95


def test_a_heap_of_most_points_is_told_apart() -> None:
    rng = np.random.default_rng(5)
    near = [rng.normal(size=(300, 2)) * 0.3 + at for at in ((0, 0), (4, 0), (0, 4))]
    xy = np.concatenate([*near, rng.normal(size=(60, 2)) * 0.3 + 400]).astype(np.float32)
    found = find_clusters(xy)
    assert found.max() >= 3
    assert np.bincount(found[found >= 0]).max() <= 0.6 * len(xy)


@pytest.mark.parametrize("xy", [np.zeros((40, 2)), np.zeros((0, 2)), np.eye(2), np.zeros((1, 2))])
def test_no_clusters(xy: np.ndarray) -> None:
    assert (find_clusters(xy.astype(np.float32)) == -1).all()


def test_words() -> None:
    assert words_of("<b>It's</b> the Café&nbsp;4 x http://a.example/b mp-70") == [
        "it's", "the", "café", "mp-70"
    ]  # fmt: skip


def test_c_tf_idf_by_hand() -> None:
    counts = count_words(["cat cat dog", "dog owl", "left out"], [0, 1, -1])
    assert counts == {0: Counter(cat=2, dog=1), 1: Counter(dog=1, owl=1)}
    found = c_tf_idf(counts, 2)
    mean = 5 / 2
    assert [word for word, _ in found[0]] == ["cat", "dog"]
    assert [weight for _, weight in found[0]] == pytest.approx(
        [2 / 3 * np.log(1 + mean / 2), 1 / 3 * np.log(1 + mean / 2)]
    )
    assert found[1][0][0] == "owl"
    assert found[1][0][1] == pytest.approx(1 / 2 * np.log(1 + mean / 1))
    assert c_tf_idf({0: {}}, 3) == {0: []}
