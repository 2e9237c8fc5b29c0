"""The model of HNSW: its graph, its walk worked out by hand, and its recall against every distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric
from pgvista.science import hnsw as module
from pgvista.science.distances import to_all
from pgvista.science.hnsw import Hnsw, build, distance_table, links_at_most, select_neighbours
from pgvista.science.hnsw_points import anywhere, box, threads
from pgvista.science.hnsw_recall import missed, nearest, plane_ranks, recall_curve
from pgvista.science.hnsw_walk import Stop, search, walk

METRICS = (Metric.L2, Metric.COSINE, Metric.INNER_PRODUCT, Metric.L1)


def cloud(count: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def by_hand(points: Sequence[float], layers: Sequence[dict[int, tuple[int, ...]]]) -> Hnsw:
    """A graph over points of a line, its links as given; the entry is node 0."""
    levels = [max(n for n, layer in enumerate(layers) if p in layer) for p in range(len(points))]
    return Hnsw(
        points=np.array([[x] for x in points], np.float32),
        metric=Metric.L2,
        m=2,
        ef_construction=4,
        seed=0,
        levels=np.array(levels),
        layers=tuple(layers),
        entry=0,
        equals={},
        left_out=(),
    )


CHAIN = {0: (1,), 1: (0, 2), 2: (1, 3), 3: (2, 4), 4: (3, 5), 5: (4, 6), 6: (5,)}
LINE = by_hand([0, 1, 2, 3, 4, 5, 6], [CHAIN, {0: (4,), 4: (0,)}])
SIDE = by_hand([0, 1, 2, 3, 4, 5, 6, 6.3], [CHAIN | {3: (2, 4, 7), 7: (3,)}, {0: (4,), 4: (0,)}])
"""The same, and a point beyond the last that is linked to node 3 alone."""


def near(*pairs: tuple[float, int]) -> list[tuple[object, int]]:
    return [(pytest.approx(distance, abs=1e-6), node) for distance, node in pairs]


def test_a_walk_worked_out_by_hand() -> None:
    found = walk(LINE, np.array([6.2], np.float32), ef=2, limit=2)
    top, ground = found.layers
    assert (top.layer, top.ef, top.entry[1], top.stop) == (1, 1, 0, Stop.EMPTY)
    assert [visit.node for visit in top.visits] == [0, 4]
    assert list(top.visits[0].looked) == near((2.2, 4))
    assert list(top.results) == near((2.2, 4))
    assert top.visits[1].looked == ()

    assert (ground.layer, ground.ef, ground.entry[1]) == (0, 2, 4)
    assert ground.stop is Stop.FARTHER
    first, second, third = ground.visits
    assert (first.node, first.links) == (4, 2)
    assert list(first.looked) == near((3.2, 3), (1.2, 5))
    # The list has two places: 3 comes in beside 4, and goes when 5 comes.
    assert list(first.taken) == near((3.2, 3), (1.2, 5))
    assert list(first.results) == near((1.2, 5), (2.2, 4))
    assert list(first.candidates) == near((1.2, 5), (3.2, 3))
    assert second.node == 5
    assert list(second.results) == near((0.2, 6), (1.2, 5))
    assert (third.node, third.looked) == (6, ())
    assert list(third.candidates) == near((3.2, 3))
    # 0, 4 on layer 1; 3 and 5; 6.
    assert [visit.computed for _, visit in found.visits] == [2, 2, 4, 5, 5]
    assert found.computed == 5
    assert list(found.found) == near((0.2, 6), (1.2, 5))


def test_a_short_list_misses_what_a_longer_one_finds() -> None:
    query = np.array([6.2], np.float32)
    truth = nearest(SIDE.points, query, 2, Metric.L2)
    assert [place for _, place in truth] == [7, 6]
    assert missed(walk(SIDE, query, ef=2, limit=2).found, truth) == (7,)
    longer = walk(SIDE, query, ef=4, limit=2)
    assert missed(longer.found, truth) == ()
    assert 3 in [visit.node for visit in longer.layers[-1].visits]


def test_never_more_than_ef_are_found() -> None:
    assert len(walk(LINE, np.array([2.1], np.float32), ef=3, limit=5).found) == 3


def test_neighbours_are_chosen_in_all_directions() -> None:
    points = np.array([[0, 0], [1, 0], [1.5, 0], [0, 2], [0, 2.5]], np.float32)
    table = distance_table(points, Metric.L2)
    candidates = [(float(table[0, place]), place) for place in (1, 2, 3, 4)]
    chosen = [
        [n for _, n in select_neighbours(candidates, k, table.tolist())] for k in (1, 2, 3, 4)
    ]
    # 2 lies behind 1 and 4 behind 3; the place that is left goes to 2, the nearest of the refused.
    assert chosen == [[1], [1, 3], [1, 2, 3], [1, 2, 3, 4]]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [2, 12])
def test_distances_of_all_pairs(metric: Metric, size: int) -> None:
    points = cloud(50, size) + np.float32(3)
    table = distance_table(points, metric)
    for place, row in enumerate(table):
        assert row == pytest.approx(to_all(points[place], points, metric), abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_the_structure(metric: Metric) -> None:
    graph = build(cloud(400, 6), m=5, ef_construction=20, metric=metric, seed=3)
    assert set(graph.layers[0]) == set(range(400))
    assert graph.levels[graph.entry] == len(graph.layers) - 1 > 0
    for level, layer in enumerate(graph.layers):
        assert set(layer) == set(np.flatnonzero(graph.levels >= level))
        limit = links_at_most(5, level)
        assert limit == (10 if level == 0 else 5)
        for node, others in layer.items():
            assert len(others) <= limit
            assert len(set(others)) == len(others)
            assert node not in others
            assert set(others) <= set(layer)
    assert len(graph.edges(0)) == sum(map(len, graph.layers[0].values()))


@pytest.mark.parametrize("size", [2, 16])
def test_every_node_can_be_reached(size: int) -> None:
    assert build(cloud(500, size), m=16, ef_construction=64).reached() == 500


def test_levels_fall_by_a_factor_of_m() -> None:
    levels = build(cloud(4_000, 2), m=4, ef_construction=8, seed=1).levels
    shares = [float((levels >= level).mean()) for level in (1, 2)]
    assert shares == [pytest.approx(1 / 4, abs=0.03), pytest.approx(1 / 16, abs=0.015)]


def test_the_same_seed_makes_the_same_graph() -> None:
    points = cloud(200, 3)
    first, second, other = (build(points, m=4, ef_construction=16, seed=s) for s in (7, 7, 8))
    assert first.layers == second.layers
    assert first.layers != other.layers


def test_what_is_remembered_changes_no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    points = cloud(500, 8)
    quick = build(points, m=6, ef_construction=24)

    def anew(graph: module._Graph, layer: int, node: int, new: module.Near, limit: int) -> set[int]:
        del new
        return module.spread(graph.layers[layer][node], limit, graph._rows)

    monkeypatch.setattr(module._Graph, "_spread", anew)
    assert build(points, m=6, ef_construction=24).layers == quick.layers


@pytest.mark.parametrize(
    ("metric", "size"), [(Metric.L2, 2), (Metric.L2, 384), (Metric.COSINE, 384)]
)
def test_recall_rises_to_one(metric: Metric, size: int) -> None:
    points, queries = cloud(1_000, size), cloud(30, size, seed=9)
    graph = build(points, m=16, ef_construction=100, metric=metric)
    assert graph.reached() == 1_000
    curve = recall_curve(graph, queries, [10, 40, 200, 1_000])
    recalls = [point.recall for point in curve]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1.0
    assert curve[-1].worst == 1.0
    costs = [point.computed for point in curve]
    assert costs == sorted(costs)
    assert 1_000 <= costs[-1] < 1_100  # every point of layer 0, and some of the layers above
    if size == 384:  # vectors without any structure are the hardest to search
        assert recalls[0] < recalls[1] < recalls[2]


@pytest.mark.parametrize("metric", METRICS)
def test_with_ef_of_all_points_every_neighbour_is_found(metric: Metric) -> None:
    points = cloud(300, 5, seed=2)
    graph = build(points, metric=metric)
    for query in cloud(5, 5, seed=4):
        truth = nearest(points, query, 10, metric)
        assert [n for _, n in search(graph, query, ef=300).nearest] == [n for _, n in truth]


def test_a_walk_and_a_search_agree() -> None:
    graph = build(cloud(600, 8), m=6, ef_construction=24)
    for query in cloud(5, 8, seed=5):
        seen, plain = walk(graph, query, ef=25), search(graph, query, ef=25)
        assert seen.found == plain.nearest
        assert seen.computed == plain.computed
        looked = [near for _, visit in seen.visits for near in visit.looked]
        assert seen.computed == 1 + len(looked)
        for _, visit in seen.visits:
            assert len(visit.results) <= 25
            assert list(visit.results) == sorted(visit.results)


def test_the_plane_of_the_lesson() -> None:
    points = threads(2_000, seed=1)
    assert points.shape == (2_000, 2)
    assert np.array_equal(points, threads(2_000, seed=1))
    low, high = box(points)
    assert (points > low).all()
    assert (points < high).all()
    graph = build(points, m=4, ef_construction=12)
    curve = recall_curve(graph, anywhere(points, 60), [10, 160])
    assert curve[0].recall < curve[1].recall
    assert curve[0].computed < 100


def test_ranks_in_the_plane() -> None:
    plane = np.array([[0, 0], [1, 0], [3, 0], [0, 2]], np.float32)
    assert plane_ranks(plane, np.zeros(2, np.float32), [2, 0, 3]) == (4, 1, 3)


# -- what goes wrong


@pytest.mark.parametrize(
    ("m", "ef_construction", "said"),
    [(1, 64, "m is 1"), (101, 300, "m is 101"), (16, 3, "ef_construction is 3"),
     (16, 1001, "ef_construction is 1001"), (16, 31, "at least 2 * m = 32")],
)  # fmt: skip
def test_knobs_out_of_range(m: int, ef_construction: int, said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("*", r"\*")):
        build(cloud(5, 2), m=m, ef_construction=ef_construction)


@pytest.mark.parametrize("ef", [0, 1001, 2.5])
def test_ef_search_out_of_range(ef: int) -> None:
    with pytest.raises(InvalidInput, match="ef_search is"):
        walk(LINE, np.zeros(1, np.float32), ef=ef)


def test_no_point_at_all() -> None:
    graph = build(np.empty((0, 3), np.float32))
    assert (graph.entry, graph.layers, graph.reached()) == (None, (), 0)
    found = walk(graph, np.zeros(3, np.float32), ef=10)
    assert (found.layers, found.found, found.computed) == ((), (), 0)
    assert np.isnan(recall_curve(graph, cloud(2, 3), [10])[0].recall)


def test_a_single_point() -> None:
    graph = build(np.ones((1, 2), np.float32))
    found = walk(graph, np.zeros(2, np.float32), ef=10)
    assert [place for _, place in found.found] == [0]
    assert found.computed == 1
    assert found.layers[-1].visits[0].links == 0


def test_all_points_equal_share_one_node() -> None:
    points = np.ones((50, 3), np.float32)
    graph = build(points)
    assert len(graph.layers[0]) == 1
    found = walk(graph, np.zeros(3, np.float32), ef=10, limit=10)
    assert found.computed == 1
    assert len(found.found) == 10
    assert missed(found.found, nearest(points, np.zeros(3, np.float32), 10, Metric.L2)) == ()


def test_ties_are_not_missed() -> None:
    truth = ((1.0, 3), (2.0, 4))
    assert missed(((1.0, 3), (2.0, 9)), truth) == ()
    assert missed(((1.0, 3), (2.1, 9)), truth) == (4,)
    assert missed((), truth) == (3, 4)
    assert missed(((0.5, 1),), ()) == ()


def test_minus_zero_is_zero() -> None:
    graph = build(np.array([[0.0, 1.0], [-0.0, 1.0]], np.float32))
    assert graph.equals == {0: (0, 1)}


def test_zero_vectors_under_cosine() -> None:
    points = cloud(40, 3)
    points[7] = 0
    graph = build(points, m=4, ef_construction=16, metric=Metric.COSINE)
    assert graph.left_out == (7,)
    assert graph.levels[7] == -1
    found = walk(graph, points[3], ef=40, limit=40).found
    assert len(found) == 39
    assert missed(found, nearest(points, points[3], 40, Metric.COSINE)) == ()
    with pytest.raises(InvalidInput, match="zero vector"):
        walk(graph, np.zeros(3, np.float32), ef=10)
    assert 7 in build(points, metric=Metric.L2).layers[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none(bad: float) -> None:
    points = cloud(10, 2)
    with pytest.raises(InvalidInput, match="not a number"):
        walk(build(points), np.array([bad, 0], np.float32), ef=10)
    points[4, 1] = bad
    with pytest.raises(InvalidInput, match="not a number"):
        build(points)


def test_what_does_not_fit() -> None:
    with pytest.raises(InvalidInput, match="3 numbers, but the points have 2"):
        walk(build(cloud(10, 2)), np.zeros(3, np.float32), ef=10)
    with pytest.raises(InvalidInput, match="too many"):
        build(np.zeros((module.MAX_POINTS + 1, 1), np.float32))
    with pytest.raises(InvalidInput, match="shape"):
        build(np.zeros(3, np.float32))
