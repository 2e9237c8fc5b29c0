"""What the lesson on maps measures: neighbours of one row, of two maps, and the groups' sizes and gaps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pgvista.model.map import KEPT_NEIGHBOURS, Errors
from pgvista.model.map_spec import MapMethod
from pgvista.model.metric import Metric
from pgvista.science.distances import between
from pgvista.science.examples import unit
from pgvista.science.knn import Knn, nearest_neighbours
from pgvista.science.map_quality import neighbours_kept
from pgvista.science.pca import pca
from pgvista.science.projection import OnStep, is_constant, layout

MOST_NEIGHBORS = 50
"""The largest n_neighbors that a lesson's map is laid out with."""

Floats = NDArray[np.float32]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectors, with what every map of them begins with."""

    vectors: Floats = field(repr=False)
    """Shape (n, dimension)."""
    metric: Metric
    knn: Knn = field(repr=False)
    """The true neighbours of each row, up to 50."""
    start: Floats = field(repr=False)
    """Positions by PCA, shape (n, 2)."""

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def k(self) -> int:
        """Neighbours that are counted: 10, or as many as there are."""
        return min(KEPT_NEIGHBOURS, max(0, len(self) - 1))

    @property
    def true(self) -> Places:
        """The k true neighbours of each row, nearest first: shape (n, k)."""
        return self.knn.places[:, : self.k]

    @property
    def all_equal(self) -> bool:
        """Whether there is nothing to tell one row from another by."""
        return is_constant(self.start)

    @property
    def kept_random(self) -> float:
        """The share of neighbours that points strewn at random keep: k / (n - 1)."""
        return self.k / (len(self) - 1) if len(self) > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Picture:
    """A map of some rows, and what it keeps of their neighbours."""

    method: MapMethod
    xy: Floats = field(repr=False)
    """Shape (n, 2)."""
    kept: Floats = field(repr=False)
    """Share of each row's k true neighbours among its k nearest on the map, shape (n,)."""
    n_neighbors: int = 0
    min_dist: float = 0.0
    seed: int = 0
    cluster: Places | None = field(default=None, repr=False)
    """Number of each row's group on the map, -1 for none, shape (n,); None where not looked for."""

    @property
    def groups(self) -> int:
        """How many groups were found on the map."""
        return 0 if self.cluster is None else int(self.cluster.max(initial=-1)) + 1

    @property
    def mean_kept(self) -> float:
        """Mean share of neighbours kept, 0 to 1."""
        return float(np.nanmean(self.kept)) if self.kept.size else float("nan")


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of points, truly and on a map: what their sizes and gaps say of each other."""

    true_sizes: NDArray[np.float64]
    """Mean true distance of a group's rows to its centre, shape (g,)."""
    map_sizes: NDArray[np.float64]
    """The same on the map, shape (g,)."""
    pairs: NDArray[np.int64]
    """Two groups each, shape (p, 2)."""
    true_gaps: NDArray[np.float64]
    """True distance of the two centres, shape (p,)."""
    map_gaps: NDArray[np.float64]
    """The same on the map, shape (p,)."""

    @property
    def gaps_agree(self) -> float:
        """Spearman's rank correlation of true gaps and gaps on the map, -1 to 1."""
        return spearman(self.true_gaps, self.map_gaps)

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Pairs whose true gap is within a tenth of the median of all: shape (p,)."""
        if not len(self.true_gaps):
            return np.zeros(0, np.bool_)
        middle = float(np.median(self.true_gaps))
        return np.asarray(np.abs(self.true_gaps - middle) <= 0.1 * middle)

    @property
    def sizes_agree(self) -> float:
        """Spearman's rank correlation of true sizes and sizes on the map, -1 to 1."""
        return spearman(self.true_sizes, self.map_sizes)


def rows_of(vectors: Floats, metric: Metric) -> Rows:
    """Find the true neighbours of `vectors`, shape (n, dimension), and their positions by PCA.

    Under cosine no vector may be zero.
    """
    knn = nearest_neighbours(vectors, MOST_NEIGHBORS, metric)
    return Rows(vectors, metric, knn, pca(vectors))


def noise_like(rows: Rows, seed: int = 0) -> Rows:
    """Return as many random vectors of as many numbers, drawn from the normal distribution.

    Any group on a map of them is made by the method.
    """
    drawn = np.random.default_rng(seed).standard_normal(rows.vectors.shape).astype(np.float32)
    return rows_of(drawn, rows.metric)


def picture(
    rows: Rows,
    method: MapMethod,
    *,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> Picture:
    """Lay the rows out and measure what is kept. `on_step` may raise to stop."""
    xy = layout(
        rows.vectors,
        rows.knn,
        rows.start,
        method,
        rows.metric,
        n_neighbors=n_neighbors,
        min_dist=min_dist,
        seed=seed,
        on_step=on_step,
    )
    kept = neighbours_kept(rows.true, near_on_map(xy, rows.k))
    return Picture(method, xy, kept, n_neighbors, min_dist, seed)


def near_on_map(xy: Floats, k: int) -> Places:
    """Return the k nearest other points of each on the map, nearest first: shape (n, k).

    By NumPy alone, which is there at once: the first map shall not wait for SciPy.
    """
    return nearest_neighbours(xy, k, Metric.L2).places


def nearest_distance(rows: Rows) -> float:
    """Return the mean true distance of a row to its nearest neighbour, in the metric's own unit."""
    return float(rows.knn.distances[:, 0].mean()) if rows.k else float("nan")


def errors_at(rows: Rows, xy: Floats, place: int) -> Errors:
    """Return the true, missing and false neighbours of the row at `place` on the map `xy`."""
    truly = rows.true[place].tolist()
    shown = near_on_map(xy, rows.k)[place].tolist()
    return Errors(
        place=place,
        true=tuple(other for other in truly if other in shown),
        missing=tuple(other for other in truly if other not in shown),
        false=tuple(other for other in shown if other not in truly),
    )


def rank_on_map(xy: Floats, place: int, other: int) -> int:
    """Return which of the neighbours of `place` on the map `other` is, from 1."""
    away = ((xy - xy[place]) ** 2).sum(axis=1)
    away[place] = -1.0
    return int((away < away[other]).sum())


def shared(one: Floats, other: Floats, k: int) -> Floats:
    """Return the share of each point's k neighbours on one map that are so on the other: (n,)."""
    return neighbours_kept(near_on_map(one, k), near_on_map(other, k))


def compare_groups(rows: Rows, xy: Floats, cluster: Places) -> Groups:
    """Compare sizes of groups and gaps between them with the true ones.

    `cluster`, shape (n,), has the number of each row's group, -1 for none. Centres are means, under
    cosine of the vectors at length 1; the inner product is no distance, and L2 stands in for it.
    """
    numbers = np.unique(cluster[cluster >= 0]).tolist()
    metric = Metric.L2 if rows.metric is Metric.INNER_PRODUCT else rows.metric
    vectors = unit(rows.vectors) if metric is Metric.COSINE else rows.vectors
    truly = [vectors[cluster == number] for number in numbers]
    shown = [xy[cluster == number] for number in numbers]
    places = range(len(numbers))
    pairs = np.array([(i, j) for i in places for j in places if i < j], np.int64).reshape(-1, 2)
    return Groups(
        true_sizes=np.array([_spread(group, metric) for group in truly]),
        map_sizes=np.array([_spread(group, Metric.L2) for group in shown]),
        pairs=pairs,
        true_gaps=np.array([_gap(truly[i], truly[j], metric) for i, j in pairs]),
        map_gaps=np.array([_gap(shown[i], shown[j], Metric.L2) for i, j in pairs]),
    )


def spearman(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation, -1 to 1: Pearson's, of ranks; ties share their mean rank.

    NaN below two values, and where all values of one side are equal.
    """
    if len(one) < 2:
        return float("nan")
    left, right = _ranks(one), _ranks(other)
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum() / size) if size > 0 else float("nan")


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def _spread(group: Floats, metric: Metric) -> float:
    centre = np.broadcast_to(group.mean(axis=0), group.shape)
    return float(between(group, centre, metric).mean())


def _gap(one: Floats, other: Floats, metric: Metric) -> float:
    return float(between(one.mean(axis=0)[None], other.mean(axis=0)[None], metric)[0])
