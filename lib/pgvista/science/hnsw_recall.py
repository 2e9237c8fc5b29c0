"""What an HNSW graph finds and what it costs, for many queries, against every distance computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pgvista.model.metric import Metric
from pgvista.science.distances import to_all
from pgvista.science.exact import ExactNearest
from pgvista.science.hnsw import Floats, Hnsw, Near
from pgvista.science.hnsw_walk import measure_all, search

EPSILON = 1e-6
"""A point this much beyond the last true distance, as a share of it, still counts: ties."""


@dataclass(frozen=True, slots=True)
class EfPoint:
    """What many searches with one ef_search gave."""

    ef: int
    recall: float
    """Mean share of the true nearest points that were found, 0 to 1, ties counted."""
    worst: float
    """The lowest share of any query."""
    computed: float
    """Mean number of distances computed."""


def recall_curve(
    graph: Hnsw, queries: Floats, efs: Sequence[int], *, limit: int = 10
) -> tuple[EfPoint, ...]:
    """Search each of `queries`, shape (n_queries, dimension), with each of `efs`.

    The recall is NaN where there is no query or no point to find. Ties count as hits (`ExactNearest`).
    """
    truth = ExactNearest(queries, graph.points, limit, graph.metric)
    measures = [measure_all(to_all(query, graph.points, graph.metric)) for query in queries]
    points = []
    for ef in efs:
        found = [
            search(graph, query, ef=ef, limit=limit, measure=measure)
            for query, measure in zip(queries, measures, strict=True)
        ]
        hits = truth.hits([[place for _, place in one.nearest] for one in found])
        shares = [hit / truth.due for hit in hits] if truth.due else []
        points.append(
            EfPoint(
                ef,
                sum(shares) / len(shares) if shares else math.nan,
                min(shares, default=math.nan),
                sum(one.computed for one in found) / max(1, len(found)),
            )
        )
    return tuple(points)


def nearest(points: Floats, query: Floats, limit: int, metric: Metric) -> tuple[Near, ...]:
    """Return the `limit` points that are truly nearest, by every distance; ties by position.

    Points without a distance (zero vectors under cosine) are not among them.
    """
    distances = to_all(query, points, metric)
    order = np.lexsort((np.arange(len(points)), distances))[:limit]
    return tuple((float(distances[n]), int(n)) for n in order if not np.isnan(distances[n]))


def missed(found: Sequence[Near], truth: Sequence[Near]) -> tuple[int, ...]:
    """Return the true neighbours that were not found, nearest first.

    A point that is as far as the last true one may stand in its place.
    """
    if not truth:
        return ()
    last = truth[-1][0]
    reach = last + EPSILON * abs(last)
    got = {place for _, place in found}
    spare = sum(1 for distance, place in found if distance <= reach) - sum(
        1 for _, place in truth if place in got
    )
    lost = [place for _, place in truth if place not in got]
    return tuple(lost[: max(0, len(lost) - spare)])


def plane_ranks(plane: Floats, at: Floats, places: Sequence[int]) -> tuple[int, ...]:
    """Return the rank, from 1, that each of `places` has among the points nearest to `at`.

    `plane` has shape (n, 2) and `at` shape (2,): where the eye looks for neighbours.
    """
    distances = to_all(at, plane, Metric.L2)
    return tuple(int((distances < distances[place]).sum()) + 1 for place in places)
