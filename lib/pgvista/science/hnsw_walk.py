"""A search in an HNSW graph, with every step written down: the paper's algorithm 5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.model.metric import Metric
from pgvista.model.tuning import MAX_EF_SEARCH, check_whole
from pgvista.science.distances import to_all
from pgvista.science.hnsw import Floats, Hnsw, Links, Measure, Near, search_layer


@dataclass(frozen=True, slots=True)
class Visit:
    """One step of the walk: a node whose neighbours are looked at."""

    node: int
    distance: float
    """From the query."""
    links: int
    """Neighbours that the node has on this layer."""
    looked: tuple[Near, ...]
    """Those of them that were not seen before; the distance of each is computed now."""
    taken: tuple[Near, ...]
    """Those looked at that came among the results."""
    candidates: tuple[Near, ...]
    """Seen and not yet visited after this step, nearest first."""
    results: tuple[Near, ...]
    """The nearest nodes seen on this layer so far, at most ef, nearest first."""
    computed: int
    """Distances computed since the search began."""


class Stop(StrEnum):
    """Why the walk through a layer ends."""

    FARTHER = "farther"
    """The nearest candidate is farther than the farthest result."""
    EMPTY = "empty"
    """Every candidate was visited."""


@dataclass(frozen=True, slots=True)
class LayerWalk:
    """The walk through one layer."""

    layer: int
    ef: int
    """Length of the list of results: 1 above layer 0."""
    entry: Near
    visits: tuple[Visit, ...]
    stop: Stop

    @property
    def results(self) -> tuple[Near, ...]:
        """What the layer gave, nearest first."""
        return self.visits[-1].results


@dataclass(frozen=True, slots=True)
class Walk:
    """A search from the top layer to the bottom."""

    ef: int
    limit: int
    layers: tuple[LayerWalk, ...]
    """From the top down; none where the graph has no node."""
    found: tuple[Near, ...]
    """The answer: up to `limit` points, nearest first."""
    computed: int
    """Distances computed in all."""

    @property
    def visits(self) -> Iterator[tuple[int, Visit]]:
        """Each step with its layer, in order."""
        return ((layer.layer, visit) for layer in self.layers for visit in layer.visits)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found and what it cost."""

    nearest: tuple[Near, ...]
    computed: int


def walk(graph: Hnsw, query: Floats, *, ef: int, limit: int = 10) -> Walk:
    """Search the `limit` points nearest to `query`, shape (dimension,), and record each step.

    As in pgvector, each layer above 0 is walked with a list of one, and layer 0 with one of `ef`,
    so that never more than `ef` nodes are found.

    Raises:
        InvalidInput: `ef` is not 1 to 1,000, or the query does not fit the points.
    """
    check_search(graph, query, ef, limit)
    measure = _Counted(measure_some(graph, query))
    layers: list[LayerWalk] = []
    near = _entry(graph, measure)
    for layer, length in _layers(graph, ef):
        recorder = _Recorder(graph.layers[layer], measure)
        entry = near[0]
        near = search_layer(measure, graph.layers[layer], near, length, recorder.watch)
        visits = tuple(recorder.visits)
        stop = Stop.FARTHER if visits[-1].candidates else Stop.EMPTY
        layers.append(LayerWalk(layer, length, entry, visits, stop))
    return Walk(ef, limit, tuple(layers), _answer(graph, near, limit), measure.computed)


def search(
    graph: Hnsw, query: Floats, *, ef: int, limit: int = 10, measure: Measure | None = None
) -> Found:
    """Search as `walk` does, without a record.

    `measure` may look up what was computed before (`measure_all`); what is asked of it is counted.
    """
    check_search(graph, query, ef, limit)
    counted = _Counted(measure or measure_some(graph, query))
    near = _entry(graph, counted)
    for layer, length in _layers(graph, ef):
        near = search_layer(counted, graph.layers[layer], near, length)
    return Found(_answer(graph, near, limit), counted.computed)


def measure_some(graph: Hnsw, query: Floats) -> Measure:
    """Return what computes the distances from `query` to some nodes, when it is asked to."""

    def measure(nodes: Sequence[int]) -> Sequence[float]:
        distances: list[float] = to_all(query, graph.points[list(nodes)], graph.metric).tolist()
        return distances

    return measure


def measure_all(distances: NDArray[np.float64]) -> Measure:
    """Return what looks up `distances`, shape (n,), from a query to all points."""
    known: list[float] = distances.tolist()
    return lambda nodes: [known[node] for node in nodes]


def check_search(graph: Hnsw, query: Floats, ef: int, limit: int) -> None:
    """Refuse a search that means nothing. Raises InvalidInput."""
    check_whole("ef_search", ef, 1, MAX_EF_SEARCH)
    check_whole("limit", limit, 1, MAX_EF_SEARCH)
    if query.shape != graph.points.shape[1:]:
        raise InvalidInput(
            f"The query has {query.size:,} numbers, but the points have {graph.points.shape[1]:,}.",
            "Both must have the same dimension.",
        )
    if not np.isfinite(query).all():
        raise InvalidInput(
            "The query has a number that is infinite or not a number, so nothing is near to it."
        )
    if graph.metric is Metric.COSINE and not query.any():
        raise InvalidInput(
            "The query is a zero vector: it has no direction, so no cosine can be told.",
            "Take another query, or L2.",
        )


class _Counted:
    """Counts the distances that are asked for."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.computed = 0

    def __call__(self, nodes: Sequence[int]) -> Sequence[float]:
        self.computed += len(nodes)
        return self._measure(nodes) if nodes else ()


class _Recorder:
    """Writes down the steps through one layer."""

    def __init__(self, links: Links, measure: _Counted) -> None:
        self.visits: list[Visit] = []
        self._links = links
        self._measure = measure

    def watch(
        self,
        here: Near,
        looked: list[Near],
        taken: list[Near],
        candidates: list[Near],
        results: list[Near],
    ) -> None:
        distance, node = here
        self.visits.append(
            Visit(
                node=node,
                distance=distance,
                links=len(self._links[node]),
                looked=tuple(looked),
                taken=tuple(taken),
                candidates=tuple(sorted(candidates)),
                results=tuple(sorted((-far, -other) for far, other in results)),
                computed=self._measure.computed,
            )
        )


def _layers(graph: Hnsw, ef: int) -> list[tuple[int, int]]:
    """Return the layers from the top down, each with the length of its list of results."""
    return [(layer, ef if layer == 0 else 1) for layer in reversed(range(len(graph.layers)))]


def _entry(graph: Hnsw, measure: Measure) -> list[Near]:
    return [] if graph.entry is None else [(measure([graph.entry])[0], graph.entry)]


def _answer(graph: Hnsw, near: Sequence[Near], limit: int) -> tuple[Near, ...]:
    """Return the points of the nodes found: a node may stand for several equal ones."""
    points = [
        (distance, point) for distance, node in near for point in graph.equals.get(node, (node,))
    ]
    return tuple(points[:limit])
