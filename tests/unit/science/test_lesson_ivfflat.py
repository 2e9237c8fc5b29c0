"""Points of a plane, the query near a border, and pgvector's advice."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.science.kmeans import Lists, kmeans, visited
from pgvista.science.lesson_ivfflat import (
    HEIGHT,
    WIDTH,
    advised_probes,
    border,
    by_arrival,
    compared,
    model_curve,
    on_plane,
    plane_points,
    visit,
)

POINTS = plane_points(800, seed=1)
LISTS = kmeans(POINTS, 16, seed=1)


def test_points_lie_in_the_plane_and_come_again() -> None:
    assert POINTS.shape == (800, 2)
    assert (POINTS > 0).all()
    assert (POINTS < (WIDTH, HEIGHT)).all()
    assert np.array_equal(POINTS, plane_points(800, seed=1))
    assert not np.array_equal(POINTS, plane_points(800, seed=2))
    assert (np.diff(POINTS[by_arrival(POINTS), 0]) >= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_border_divides_the_neighbours(seed: int) -> None:
    points = plane_points(1_000, seed=seed)
    lists = kmeans(points, 20, seed=seed)
    way = border(points, lists)
    assert way is not None
    far = np.linalg.norm(points.astype(float) - np.array(way.end, np.float32), axis=1)
    mine = int(visited(np.array([way.end], np.float32), lists.centroids, 1)[0, 0])
    assert way.own == int((lists.of_row[np.argsort(far)[:10]] == mine).sum())
    assert 4 <= way.own <= 6
    assert way.at(0) == way.start
    assert way.at(1) == pytest.approx(way.end)
    assert visit(points, lists, way.end, 1).hits == way.own
    assert visit(points, lists, way.end, 20).hits == 10


def test_no_border() -> None:
    assert border(POINTS, kmeans(POINTS, 1)) is None
    assert border(POINTS[:1], kmeans(POINTS[:1], 3)) is None


def test_a_visit_by_hand() -> None:
    points = np.array([[0.0, 0], [0.1, 0], [1.0, 0], [1.1, 0]], np.float32)
    lists = Lists(np.array([[0.05, 0], [1.05, 0]], np.float32), np.array([0, 0, 1, 1]), (0.0,))
    near = visit(points, lists, (0.5, 0.0), 1, limit=3)
    assert (near.looked_at, near.share, near.hits, near.due) == (2, 0.5, 2, 3)
    assert near.found == (1, 0)
    assert visit(points, lists, (0.5, 0.0), 2, limit=3).hits == 3
    one = visit(points[:1], kmeans(points[:1], 1), (0.5, 0.5), 1)
    assert (one.hits, one.due, one.looked_at) == (1, 1, 1)


def test_the_curve_rises_to_one() -> None:
    queries = plane_points(60, seed=9)
    curve = model_curve(POINTS, LISTS, queries, [1, 2, 15, 16])
    recalls = [point.recall for point in curve]
    assert recalls == sorted(recalls)
    assert recalls[0] < 0.95
    assert recalls[-1] == 1
    assert len(curve) == 3  # nothing is left to find
    assert model_curve(POINTS, LISTS, queries, [16])[0].looked_at == 800


def test_advice() -> None:
    assert [advised_probes(lists) for lists in (1, 2, 100, 1_000)] == [1, 1, 10, 32]
    assert compared(1_000_000, 1_000, 32) == 33_000
    assert compared(100, 10, 50) == 110


def test_projected_points_fit_the_plane_at_one_scale() -> None:
    flat = np.array([[-7.0, 0.0], [7.0, 1.0], [0.0, -1.0], [70.0, 0.0]], np.float32)
    placed = on_plane(flat, 3)
    assert (placed >= 0).all()
    assert (placed <= np.array([WIDTH, HEIGHT], np.float32)).all()
    across, up = placed[1] - placed[0], placed[1] - placed[2]
    assert across[0] / 14 == pytest.approx(across[1] / 1, rel=1e-4)
    assert up[1] / 2 == pytest.approx(up[0] / 7, rel=1e-4)
    assert placed[3, 0] == pytest.approx(WIDTH)  # a query outside comes to the edge


def test_equal_points_lie_in_the_middle() -> None:
    placed = on_plane(np.full((4, 2), 3.0, np.float32), 4)
    assert np.allclose(placed, (WIDTH / 2, HEIGHT / 2))
