"""A map as a small picture."""

from __future__ import annotations

import numpy as np

from pgvista.science.map_picture import picture

RED, BLUE, GRAY = (255, 0, 0), (0, 0, 255), (90, 90, 90)
COLOURS = np.array([RED, BLUE, GRAY], np.uint8)


def drawn(xy: list[list[float]], codes: list[int], size: int = 60) -> np.ndarray:
    return picture(np.array(xy, np.float32).reshape(-1, 2), np.array(codes, int), COLOURS, size)


def test_dots_lie_where_the_points_do() -> None:
    found = drawn([[0, 0], [10, 10], [10, 0]], [0, 1, -1])
    assert found.shape == (60, 60, 4)
    assert tuple(found[57, 2]) == (*RED, 255)  # low on the map is at the picture's foot
    assert tuple(found[2, 57]) == (*BLUE, 255)
    assert tuple(found[57, 57]) == (*GRAY, 255)
    assert found[30, 30, 3] == 0


def test_one_scale_for_both_axes() -> None:
    found = drawn([[0, 0], [100, 1]], [0, 0])
    rows = np.flatnonzero(found[..., 3].any(axis=1))
    assert rows.max() - rows.min() < 12


def test_edges_keep_their_colour() -> None:
    found = drawn([[0, 0], [5, 3]], [0, 0])
    edge = found[(found[..., 3] > 0) & (found[..., 3] < 255)]
    assert len(edge)
    assert (edge[:, :3] == RED).all()


def test_nothing_and_nowhere() -> None:
    assert not drawn([], []).any()
    assert not drawn([[np.nan, 1]], [0]).any()
    assert drawn([[3, 3]], [1])[30, 30].tolist() == [*BLUE, 255]


def test_the_same_each_time_and_none_is_hidden_by_its_place() -> None:
    rng = np.random.default_rng(1)
    xy, codes = rng.random((5_000, 2)).tolist(), (np.arange(5_000) >= 2_500).astype(int).tolist()
    found = drawn(xy, codes)
    assert (found == drawn(xy, codes)).all()
    red, blue = found[..., 0].mean(), found[..., 2].mean()
    assert 0.8 < red / blue < 1.25
