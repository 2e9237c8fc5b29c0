"""A small HNSW: the graph is built here, point by point, as pgvector builds it in memory.

It is a model, made to be read and watched, for some thousands of points. Source: Yu. A. Malkov and
D. A. Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
Small World graphs (2018); where pgvector departs from the paper, pgvector is followed:

- on layer 0 a new point takes up to 2 * m neighbours at once, not m,
- neighbours are chosen by the heuristic only where there are more candidates than places, and places
  that the heuristic leaves empty are filled with the nearest of the refused,
- of a full node, the farthest neighbour that the heuristic refuses gives way.

Other than in pgvector, all points that are equal share one node (there: up to ten rows), levels
come from NumPy's random numbers, and nothing is ever deleted.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.model.index import DEFAULT_EF_CONSTRUCTION, DEFAULT_M, IndexSpec
from pgvista.model.metric import Metric

MAX_POINTS = 4_000
"""All distances of the points are held while a graph is built: 64 MB."""

Floats = NDArray[np.float32]
Near = tuple[float, int]
"""A distance, and the node that has it."""
Measure = Callable[[Sequence[int]], Sequence[float]]
"""Returns the distances from what is searched for to some nodes."""
Links = Mapping[int, Sequence[int]]
"""The neighbours of each node of a layer."""
Watch = Callable[[Near, list[Near], list[Near], list[Near], list[Near]], None]
"""Is told of a step: the node, those looked at, those taken, and the heaps of candidates and results."""


@dataclass(frozen=True, slots=True, eq=False)
class Hnsw:
    """A graph over points; a node is named by the position of its point."""

    points: Floats
    """Shape (n, dimension)."""
    metric: Metric
    m: int
    ef_construction: int
    seed: int
    levels: NDArray[np.int64]
    """The highest layer of each point, shape (n,); -1 for a point that is no node."""
    layers: tuple[Mapping[int, tuple[int, ...]], ...]
    """For each layer, from 0 up, the nodes in it and their neighbours, nearest first."""
    entry: int | None
    """Where every search begins; None without a node."""
    equals: Mapping[int, tuple[int, ...]]
    """For a node that stands for several equal points, all of them."""
    left_out: tuple[int, ...]
    """Zero vectors under cosine, which no index holds."""

    def edges(self, layer: int) -> NDArray[np.int64]:
        """Return the links of a layer as pairs from, to: shape (links, 2)."""
        pairs = [(node, other) for node, near in self.layers[layer].items() for other in near]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def reached(self) -> int:
        """Return how many nodes of layer 0 can be reached from the entry along its links.

        HNSW does not promise all of them: with small m some points can be found by no search.
        """
        if self.entry is None:
            return 0
        seen, waiting = {self.entry}, [self.entry]
        while waiting:
            new = [other for other in self.layers[0][waiting.pop()] if other not in seen]
            seen.update(new)
            waiting.extend(new)
        return len(seen)


def links_at_most(m: int, layer: int) -> int:
    """Return how many neighbours a node has at most: 2 * m on layer 0, m above."""
    return 2 * m if layer == 0 else m


def build(
    points: Floats,
    *,
    m: int = DEFAULT_M,
    ef_construction: int = DEFAULT_EF_CONSTRUCTION,
    metric: Metric = Metric.L2,
    seed: int = 0,
) -> Hnsw:
    """Insert `points`, shape (n, dimension), one after the other; the same seed makes the same graph.

    Args:
        points: At most MAX_POINTS, finite.
        m: Links of a node in each layer, 2 to 100; twice as many on layer 0.
        ef_construction: Candidates among which the links of a new point are chosen, 4 to 1,000 and
            at least 2 * m.
        metric: What is near.
        seed: Draws the level of each point: floor(-ln(u) / ln(m)) with u uniform in (0, 1].

    Raises:
        InvalidInput: A knob is out of its range, or the points are too many or not finite.
    """
    IndexSpec(m=m, ef_construction=ef_construction)
    check_points(points)
    drawn = -np.log(1.0 - np.random.default_rng(seed).random(len(points))) / np.log(m)
    nodes, equals, left_out = _nodes(points, metric)
    graph = _Graph(distance_table(points, metric), m, ef_construction)
    levels = np.full(len(points), -1, dtype=np.int64)
    for node in nodes:
        levels[node] = int(drawn[node])
        graph.insert(node, int(drawn[node]))
    return Hnsw(
        points=points,
        metric=metric,
        m=m,
        ef_construction=ef_construction,
        seed=seed,
        levels=levels,
        layers=tuple(
            {node: tuple(other for _, other in near) for node, near in layer.items()}
            for layer in graph.layers
        ),
        entry=graph.entry,
        equals=equals,
        left_out=left_out,
    )


def check_points(points: Floats) -> None:
    """Refuse what no graph can be built on. Raises InvalidInput."""
    if points.ndim != 2 or points.shape[1] == 0:
        raise InvalidInput("Points must be given as an array of shape (n, dimension).")
    if len(points) > MAX_POINTS:
        raise InvalidInput(
            f"{len(points):,} points are too many for this model of HNSW: it takes {MAX_POINTS:,}.",
            "Draw a sample of them.",
        )
    if not np.isfinite(points).all():
        raise InvalidInput(
            "A point has a number that is infinite or not a number, so it is near to nothing.",
            "Leave it out.",
        )


def search_layer(
    measure: Measure, links: Links, entries: Sequence[Near], ef: int, watch: Watch | None = None
) -> list[Near]:
    """Return up to `ef` nodes of a layer, nearest first: the paper's algorithm 2.

    From the entries on, the nearest candidate not yet visited is taken, and its neighbours are
    looked at; the `ef` nearest of all that were seen are the results. It ends when the nearest
    candidate is farther than the farthest result.
    """
    seen = {node for _, node in entries}
    candidates = list(entries)
    heapq.heapify(candidates)
    results = [(-distance, -node) for distance, node in entries]  # the farthest is first
    heapq.heapify(results)
    while candidates and candidates[0][0] <= -results[0][0]:
        here = heapq.heappop(candidates)
        new = [other for other in links[here[1]] if other not in seen]
        seen.update(new)
        looked = list(zip(measure(new), new, strict=True))
        taken = []
        for near in looked:
            distance, node = near
            if len(results) < ef:
                heapq.heappush(results, (-distance, -node))
            elif distance < -results[0][0]:
                heapq.heapreplace(results, (-distance, -node))
            else:
                continue
            heapq.heappush(candidates, near)
            taken.append(near)
        if watch is not None:
            watch(here, looked, taken, candidates, results)
    return sorted((-distance, -node) for distance, node in results)


def select_neighbours(
    candidates: Sequence[Near], limit: int, distances: Sequence[Sequence[float]]
) -> list[Near]:
    """Choose `limit` of `candidates`, given nearest first: the paper's algorithm 4.

    Places that the heuristic leaves empty go to the nearest of the refused. `distances` are those of
    every two nodes.
    """
    if len(candidates) <= limit:
        return list(candidates)
    kept = spread(candidates, limit, distances)
    refused = [near for near in candidates if near[1] not in kept]
    chosen = [near for near in candidates if near[1] in kept]
    return sorted(chosen + refused[: limit - len(chosen)])


def spread(
    candidates: Sequence[Near], limit: int, distances: Sequence[Sequence[float]]
) -> set[int]:
    """Return up to `limit` nodes that lie in different directions: the paper's heuristic.

    Taken nearest first, a candidate is kept when it is nearer to the point whose neighbours are
    chosen than to any that was kept before: of a crowd, the nearest alone.
    """
    kept: list[int] = []
    for distance, node in candidates:
        if len(kept) == limit:
            break
        row = distances[node]
        for other in kept:
            if row[other] <= distance:
                break
        else:
            kept.append(node)
    return set(kept)


def distance_table(points: Floats, metric: Metric) -> Floats:
    """Return the distance of every two points: shape (n, n), 0 on the diagonal but for inner product.

    NaN under cosine where one of the two is zero.
    """
    count, size = points.shape
    wide = points.astype(np.float64)
    if metric is Metric.L1 or (metric is Metric.L2 and size <= 8):
        table = np.zeros((count, count), np.float64)
        for column in wide.T:
            gap = column[:, None] - column
            table += np.abs(gap) if metric is Metric.L1 else gap * gap
        return np.asarray(table if metric is Metric.L1 else np.sqrt(table), dtype=np.float32)
    if metric is Metric.L2:
        wide -= wide.mean(axis=0)
        squares = np.einsum("ij,ij->i", wide, wide)
        table = np.maximum(squares[:, None] + squares - 2 * (wide @ wide.T), 0.0)
        np.fill_diagonal(table, 0.0)
        return np.asarray(np.sqrt(table), dtype=np.float32)
    if metric is Metric.INNER_PRODUCT:
        return (-(wide @ wide.T)).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    table = np.maximum(1.0 - wide @ wide.T, 0.0)
    table[table < 1e-12] = 0.0
    return table.astype(np.float32)


def _nodes(
    points: Floats, metric: Metric
) -> tuple[list[int], dict[int, tuple[int, ...]], tuple[int, ...]]:
    """Return the points that become nodes, the equal points of each, and those left out."""
    zero = ~points.any(axis=1) if metric is Metric.COSINE else np.zeros(len(points), bool)
    groups: dict[bytes, list[int]] = {}
    for place in np.flatnonzero(~zero):
        groups.setdefault((points[place] + np.float32(0)).tobytes(), []).append(int(place))
    equals = {group[0]: tuple(group) for group in groups.values() if len(group) > 1}
    return [group[0] for group in groups.values()], equals, tuple(np.flatnonzero(zero).tolist())


class _Graph:
    """The graph while it grows."""

    def __init__(self, table: Floats, m: int, ef_construction: int) -> None:
        self.layers: list[dict[int, list[Near]]] = []
        self.entry: int | None = None
        self._plain: list[dict[int, list[int]]] = []  # the same without distances, to search in
        self._kept: list[dict[int, set[int]]] = []  # of full nodes, what the heuristic keeps
        self._table = table
        self._rows = [memoryview(row) for row in table]  # one number of NumPy's arrays is slow
        self._m, self._ef = m, ef_construction

    def insert(self, node: int, level: int) -> None:
        """Add a node to the layers from `level` down, and link it: the paper's algorithm 1."""
        top = len(self.layers) - 1
        for _ in range(top, level):
            self.layers.append({})
            self._plain.append({})
            self._kept.append({})
        if self.entry is not None:
            self._link(node, level, top)
        for layer in range(level, -1, -1):
            self.layers[layer].setdefault(node, [])
            self._plain[layer].setdefault(node, [])
        if self.entry is None or level > top:
            self.entry = node

    def _link(self, node: int, level: int, top: int) -> None:
        assert self.entry is not None  # noqa: S101
        row = self._table[node].tolist()

        def measure(nodes: Sequence[int]) -> list[float]:
            return [row[other] for other in nodes]

        near: list[Near] = [(row[self.entry], self.entry)]
        for layer in range(top, level, -1):
            near = search_layer(measure, self._plain[layer], near, 1)
        for layer in range(min(level, top), -1, -1):
            near = search_layer(measure, self._plain[layer], near, self._ef)
            limit = links_at_most(self._m, layer)
            chosen = select_neighbours(near, limit, self._rows)
            self._set(layer, node, chosen)
            for distance, other in chosen:
                self._add(layer, other, (distance, node), limit)

    def _add(self, layer: int, node: int, new: Near, limit: int) -> None:
        """Link `node` to a new neighbour; where it is full, one gives way, maybe the new one."""
        links = self.layers[layer][node]
        insort(links, new)
        if len(links) > limit:
            kept = self._spread(layer, node, new, limit)
            away = next((near for near in reversed(links) if near[1] not in kept), links[-1])
            links.remove(away)
            kept.discard(away[1])
        self._set(layer, node, links)

    def _spread(self, layer: int, node: int, new: Near, limit: int) -> set[int]:
        """Return which neighbours of a full node the heuristic keeps, `new` being one of them.

        What it kept last time is looked at again only where the new one changes it.
        """
        links = self.layers[layer][node]
        kept = self._kept[layer].get(node)
        if kept is not None:
            distance, added = new
            row, place = self._rows[added], links.index(new)
            if any(row[other] <= distance for _, other in links[:place] if other in kept):
                return kept
            if all(row[other] > far for far, other in links[place + 1 :] if other in kept):
                kept.add(added)
                return kept
        kept = self._kept[layer][node] = spread(links, limit, self._rows)
        return kept

    def _set(self, layer: int, node: int, links: list[Near]) -> None:
        self.layers[layer][node] = links
        self._plain[layer][node] = [other for _, other in links]
