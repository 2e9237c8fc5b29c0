"""Layouts: PCA by hand, UMAP's parts against umap-learn's own, and every size that is odd."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from pgvista.errors import Cancelled
from pgvista.model.map_spec import MapMethod
from pgvista.model.metric import Metric
from pgvista.science import umap_layout as umap_layout_module
from pgvista.science.knn import nearest_neighbours
from pgvista.science.map_quality import map_neighbours
from pgvista.science.pca import pca
from pgvista.science.projection import layout, sunflower
from pgvista.science.umap_layout import curve, fuzzy_graph, umap_layout


def groups(count: int = 240, size: int = 12, of: int = 4) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(of, size)) * 4
    made = centres[np.arange(count) % of] + rng.normal(size=(count, size))
    return made.astype(np.float32)


def laid_out(
    vectors: np.ndarray, method: MapMethod, metric: Metric = Metric.COSINE, seed: int = 0
) -> np.ndarray:
    found = nearest_neighbours(vectors, 15, metric)
    return layout(
        vectors, found, pca(vectors), method, metric, n_neighbors=15, min_dist=0.1, seed=seed
    )


# -- PCA


def test_pca_of_a_line_and_a_width() -> None:
    vectors = np.array([[-3, 0, 1], [3, 0, 1], [0, 1, 1], [0, -1, 1]], dtype=np.float32)
    assert pca(vectors) == pytest.approx(np.array([[-3, 0], [3, 0], [0, 1], [0, -1]]), abs=1e-6)


def test_pca_by_iteration_finds_the_same() -> None:
    rng = np.random.default_rng(3)
    vectors = (rng.normal(size=(300, 1_600)) * np.r_[30, 20, np.ones(1_598)]).astype(np.float32)
    centred = vectors - vectors.mean(axis=0)
    scale = np.linalg.svd(centred, compute_uv=False)[:2]
    assert np.linalg.norm(pca(vectors), axis=0) == pytest.approx(scale, rel=1e-3)
    assert np.array_equal(pca(vectors), pca(vectors))


def test_pca_without_a_second_direction() -> None:
    assert pca(np.ones((5, 3), np.float32)).tolist() == [[0, 0]] * 5
    line = np.arange(5, dtype=np.float32)[:, None]
    assert pca(line)[:, 1].tolist() == [0] * 5
    assert pca(np.empty((0, 4), np.float32)).shape == (0, 2)


# -- UMAP


def test_graph_is_that_of_umap_learn() -> None:
    from umap.umap_ import fuzzy_simplicial_set

    vectors = groups()
    vectors[5] = vectors[6] = vectors[7]  # distances of 0
    found = nearest_neighbours(vectors, 14, Metric.L2)
    own = np.arange(len(vectors))[:, None]
    theirs, _, _ = fuzzy_simplicial_set(
        vectors,
        15,
        np.random.RandomState(0),
        "euclidean",
        knn_indices=np.hstack([own, found.places]),
        knn_dists=np.hstack([np.zeros((len(vectors), 1)), found.distances]),
    )
    ours = fuzzy_graph(found.places, found.distances)
    assert np.abs(ours - theirs).max() < 1e-3


@pytest.mark.parametrize("min_dist", [0.0, 0.1, 0.99])
def test_curve_is_that_of_umap_learn(min_dist: float) -> None:
    from umap.umap_ import find_ab_params

    assert curve(min_dist) == pytest.approx(find_ab_params(1.0, min_dist))


def test_epochs_are_those_of_umap_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel makes the same numbers as umap-learn's own, bit for bit, after many epochs."""
    import numba
    from umap.layouts import _optimize_layout_euclidean_single_epoch

    theirs = numba.njit(_optimize_layout_euclidean_single_epoch, fastmath=True)
    unused = np.zeros(1, np.float32)

    def epoch(
        xy: Any, head: Any, tail: Any, per_sample: Any, next_sample: Any, per_negative: Any,
        next_negative: Any, states: Any, a: float, b: float, alpha: float, turn: int,
    ) -> None:  # fmt: skip
        theirs(
            xy, xy, head, tail, len(xy), per_sample, a, b, states, 1.0, 2, True, alpha,
            per_negative, next_negative, next_sample, turn, False,
            unused, unused, 0, 0, 0, 0, unused, unused, 0,
        )  # fmt: skip

    ours = laid_out(groups(), MapMethod.UMAP)
    monkeypatch.setattr(umap_layout_module, "kernel", lambda: epoch)
    assert np.array_equal(ours, laid_out(groups(), MapMethod.UMAP))


def test_umap_learn_is_not_imported_for_a_map() -> None:
    """Its import compiles for half a minute."""
    script = (
        "import sys; import numpy as np; from pgvista.science.umap_layout import umap_layout\n"
        "near = np.array([[1, 2], [0, 2], [0, 1]], np.int32); far = np.ones((3, 2), np.float32)\n"
        "start = np.array([[0, 0], [1, 0], [0, 1]], np.float32)\n"
        "assert np.isfinite(umap_layout(near, far, start, min_dist=0.1, seed=0)).all()\n"
        "assert not {'umap', 'pynndescent'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_groups_stay_together() -> None:
    vectors = groups()
    near = map_neighbours(laid_out(vectors, MapMethod.UMAP), 5)
    assert np.mean(near % 4 == (np.arange(240) % 4)[:, None]) > 0.98


def test_same_seed_same_map() -> None:
    vectors = groups()
    one = laid_out(vectors, MapMethod.UMAP, seed=1)
    assert np.array_equal(one, laid_out(vectors, MapMethod.UMAP, seed=1))
    assert not np.array_equal(one, laid_out(vectors, MapMethod.UMAP, seed=2))


def test_each_epoch_is_told_and_can_stop() -> None:
    vectors = groups()
    found = nearest_neighbours(vectors, 14, Metric.L2)
    told: list[tuple[int, int]] = []

    def on_epoch(done: int, total: int, positions: np.ndarray) -> None:
        assert positions.shape == (240, 2)
        told.append((done, total))
        if done == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        umap_layout(
            found.places,
            found.distances,
            pca(vectors),
            min_dist=0.1,
            seed=0,
            epochs=9,
            on_epoch=on_epoch,
        )
    assert told == [(1, 9), (2, 9), (3, 9)]


def test_other_threads_run_meanwhile() -> None:
    """The kernel works without the interpreter's lock: within one epoch, others get on."""
    vectors = np.random.default_rng(0).normal(size=(4_000, 4)).astype(np.float32)
    found = nearest_neighbours(vectors, 40, Metric.L2)
    start = pca(vectors)

    def lay_out() -> None:
        umap_layout(found.places, found.distances, start, min_dist=0.1, seed=0, epochs=40)

    worker = threading.Thread(target=lay_out)
    worker.start()
    turns = 0
    while worker.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 60  # more than once an epoch


# -- t-SNE


def test_tsne_groups_stay_together_and_stop() -> None:
    vectors = groups(80)
    near = map_neighbours(laid_out(vectors, MapMethod.TSNE), 3)
    assert np.mean(near % 4 == (np.arange(80) % 4)[:, None]) > 0.95
    found = nearest_neighbours(vectors, 15, Metric.COSINE)

    def stop(_done: int, _total: int, _positions: np.ndarray | None) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        layout(
            vectors, found, pca(vectors), MapMethod.TSNE, Metric.COSINE,
            n_neighbors=15, min_dist=0.1, seed=0, on_step=stop,
        )  # fmt: skip


# -- odd sizes


@pytest.mark.parametrize("method", [MapMethod.UMAP, MapMethod.PCA])
@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 6, 14])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_few_rows_of_few_dimensions(
    count: int, size: int, metric: Metric, method: MapMethod
) -> None:
    vectors = np.random.default_rng(count).normal(size=(count, size)).astype(np.float32)
    xy = laid_out(vectors, method, metric)
    assert xy.shape == (count, 2)
    assert xy.dtype == np.float32
    assert np.isfinite(xy).all()


@pytest.mark.parametrize("method", MapMethod)
def test_all_equal_rows_lie_side_by_side(method: MapMethod) -> None:
    xy = laid_out(np.full((30, 8), 0.3, np.float32), method)
    assert len(np.unique(xy, axis=0)) == 30
    assert np.linalg.norm(xy, axis=1).max() <= 1


@pytest.mark.parametrize("count", [5, 14])
def test_tsne_of_few_rows(count: int) -> None:
    assert np.isfinite(laid_out(groups(count), MapMethod.TSNE)).all()


def test_many_equal_rows_among_others() -> None:
    vectors = groups(100)
    vectors[:60] = vectors[0]
    assert np.isfinite(laid_out(vectors, MapMethod.UMAP)).all()


def test_sunflower() -> None:
    assert sunflower(0).shape == (0, 2)
    assert sunflower(1).tolist() == [[0, 0]]
