"""What the lesson on IVFFlat computes beside k-means: points of a plane, a query near a border."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pgvista.model.metric import Metric
from pgvista.science.exact import ExactNearest
from pgvista.science.kmeans import Floats, Lists, search, visited

WIDTH, HEIGHT = 1.4, 1.0
"""The plane reaches from 0 to these."""
_MARGIN = 0.03
_GROUPS = 7
_ALONE = 0.25


def plane_points(rows: int, *, seed: int) -> Floats:
    """Draw rows in the plane, groups of several densities and some rows anywhere: shape (rows, 2)."""
    draw = np.random.default_rng(seed)
    centres = draw.uniform((0.15, 0.15), (WIDTH - 0.15, HEIGHT - 0.15), size=(_GROUPS, 2))
    spread = draw.uniform(0.05, 0.16, size=_GROUPS)
    group = draw.integers(_GROUPS, size=rows)
    found = centres[group] + draw.normal(size=(rows, 2)) * spread[group][:, None]
    alone = draw.random(rows) < _ALONE
    low, high = np.array((_MARGIN, _MARGIN)), np.array((WIDTH - _MARGIN, HEIGHT - _MARGIN))
    outside = ((found < low) | (found > high)).any(axis=1)
    return np.where(
        (alone | outside)[:, None], draw.uniform(low, high, size=(rows, 2)), found
    ).astype(np.float32)


def on_plane(projected: Floats, count: int) -> Floats:
    """Fit points, shape (n, 2), into the plane: both directions to one scale, none left out.

    The first `count` of them decide the scale; those that come after are queries, which may lie
    outside of it and are brought to its edge. Equal points all lie in the middle.
    """
    shown = projected[:count].astype(np.float64)
    low, high = shown.min(axis=0), shown.max(axis=0)
    room = np.array((WIDTH, HEIGHT)) - 2 * _MARGIN
    spread = np.maximum(high - low, 1e-12)
    scale = float((room / spread).min()) if (high > low).any() else 1.0
    placed = (projected - (low + high) / 2) * scale + np.array((WIDTH, HEIGHT)) / 2
    inside: Floats = np.clip(placed, 0, (WIDTH, HEIGHT)).astype(np.float32)
    return inside


def by_arrival(points: Floats) -> NDArray[np.int64]:
    """Return an order of arrival in which alike rows come together: from the left to the right.

    Shape (n,). Rows that a table got first are seldom a fair sample: they are one year's, one
    shop's, one topic's.
    """
    return np.argsort(points[:, 0], kind="stable")


@dataclass(frozen=True, slots=True)
class Border:
    """A way from the middle of a list to its border."""

    start: tuple[float, float]
    """The centroid."""
    end: tuple[float, float]
    """A place where the nearest rows of a query lie on both sides of the border."""
    own: int
    """How many of the nearest rows lie in the query's own list, at the end."""

    def at(self, share: float) -> tuple[float, float]:
        """Return the place at a share of the way, 0 to 1."""
        return (
            self.start[0] + share * (self.end[0] - self.start[0]),
            self.start[1] + share * (self.end[1] - self.start[1]),
        )


def border(points: Floats, lists: Lists, limit: int = 10) -> Border | None:
    """Find a place at a border whose neighbours are divided most evenly, and dense; None: no border."""
    centroids = lists.centroids
    if len(centroids) < 2 or len(points) < 2:
        return None
    ways = np.linspace(0.2, 0.5, 7)
    pairs = visited(centroids, centroids, 4)[:, 1:]
    places = np.concatenate(
        [
            (1 - way) * np.repeat(centroids, pairs.shape[1], axis=0)
            + way * centroids[pairs.ravel()]
            for way in ways
        ]
    ).astype(np.float32)
    truth = ExactNearest(places, points, limit, Metric.L2)
    found, _ = search(points, lists, places, limit, 1)
    own = np.array([len(set(a) & set(b)) for a, b in zip(found, truth.nearest, strict=True)])
    last = np.array(
        [
            np.linalg.norm(points[near[-1]] - place)
            for near, place in zip(truth.nearest, places, strict=True)
        ]
    )
    best = int(np.lexsort((last, np.abs(own - truth.due / 2)))[0])
    mine = int(visited(places[best : best + 1], centroids, 1)[0, 0])
    start, end = centroids[mine].tolist(), places[best].tolist()
    return Border((start[0], start[1]), (end[0], end[1]), int(own[best]))


@dataclass(frozen=True, slots=True)
class Visit:
    """What one query by lists finds, beside the truth."""

    looked_at: int
    rows: int
    found: tuple[int, ...]
    """Positions, nearest first."""
    hits: int
    """How many of the nearest rows are among them, ties counted."""
    due: int
    """Rows there are to find."""

    @property
    def share(self) -> float:
        """Rows looked at of all rows, 0 to 1."""
        return self.looked_at / self.rows


def visit(
    points: Floats, lists: Lists, query: tuple[float, float], probes: int, limit: int = 10
) -> Visit:
    """Search with one query, a place of the plane."""
    place = np.array([query], np.float32)
    found, looked_at = search(points, lists, place, limit, probes)
    truth = ExactNearest(place, points, limit, Metric.L2)
    return Visit(int(looked_at[0]), len(points), found[0], truth.hits(found)[0], truth.due)


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """Recall of the model at one number of probes, over many queries."""

    probes: int
    recall: float
    looked_at: float
    """Mean rows."""


def model_curve(
    points: Floats, lists: Lists, queries: Floats, probes: list[int], limit: int = 10
) -> tuple[ModelPoint, ...]:
    """Return recall and rows looked at for each number of probes, over `queries`, shape (m, dimension).

    `probes` ascends; the curve ends where all is found.
    """
    truth = ExactNearest(queries, points, limit, Metric.L2)
    curve = []
    for number in probes:
        found, looked_at = search(points, lists, queries, limit, number)
        curve.append(ModelPoint(number, truth.recall(found), float(looked_at.mean())))
        if curve[-1].recall == 1:
            break
    return tuple(curve)


def advised_probes(lists: int) -> int:
    """pgvector's advice to begin with: the square root of the lists."""
    return max(1, round(math.sqrt(lists)))


def compared(rows: int, lists: int, probes: int) -> int:
    """Return how many vectors a query is compared with, where lists are of one size.

    Every centroid, and the rows of the lists that it visits.
    """
    return lists + round(rows * min(1.0, probes / lists))
