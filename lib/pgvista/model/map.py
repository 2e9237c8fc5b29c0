"""The map of a collection: its vectors laid out in two dimensions, and how much of them is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pgvista.model.map_spec import (
    DEFAULT_MIN_DIST as DEFAULT_MIN_DIST,
)
from pgvista.model.map_spec import (
    DEFAULT_NEIGHBORS as DEFAULT_NEIGHBORS,
)
from pgvista.model.map_spec import (
    DEFAULT_SAMPLE as DEFAULT_SAMPLE,
)
from pgvista.model.map_spec import (
    MAX_SAMPLE as MAX_SAMPLE,
)
from pgvista.model.map_spec import (
    MapMethod as MapMethod,
)
from pgvista.model.map_spec import (
    MapSpec as MapSpec,
)
from pgvista.model.metric import Metric

KEPT_NEIGHBOURS = 10
"""k of "neighbours kept", of trustworthiness and of continuity."""
STORED_NEIGHBOURS = 15
"""True neighbours that are kept with each point; more where the layout takes more."""
NO_CLUSTER = -1

Ids = tuple[str, ...]
Floats = NDArray[np.float32]
Places = NDArray[np.int32]
"""Places of points on the map, counted from 0; -1 stands for none."""


@dataclass(frozen=True, slots=True)
class MapQuality:
    """What of the true neighbourhoods the map keeps; k is 10, or less on maps of few points."""

    k: int
    kept: float
    """Mean share of a point's k true neighbours among its k nearest on the map, 0 to 1."""
    kept_random: float
    """The same for points strewn at random: k / (n - 1)."""
    trustworthiness: float | None
    """Venna and Kaski (2006), 0 to 1: falls with false neighbours. None below 2k + 1 points."""
    continuity: float | None
    """Venna and Kaski (2006), 0 to 1: falls with neighbours torn apart."""
    measured_on: int = 0
    """Points that trustworthiness and continuity were measured on, drawn at random."""


@dataclass(frozen=True, slots=True)
class ClusterLabel:
    """A cluster of points and the words that tell it from the others."""

    number: int
    """From 0; the number of a point in no cluster is -1."""
    size: int
    words: tuple[str, ...]
    """The words with the highest c-TF-IDF, highest first."""
    xy: tuple[float, float]
    """Where the label stands: the median of its points."""
    name: str = ""
    """What a person called it; empty: its words do."""

    @property
    def label(self) -> str:
        """What is written on the map."""
        return self.name or ", ".join(self.words[:3]) or f"Cluster {self.number + 1}"


@dataclass(frozen=True, slots=True)
class MapPoints:
    """The points of a map, a row of the table each; arrays are in the order of `ids`."""

    ids: Ids
    xy: Floats = field(repr=False)
    """Shape (n, 2)."""
    kept: Floats = field(repr=False)
    """Share of each point's true neighbours kept on the map, shape (n,); NaN where unknown."""
    cluster: Places = field(repr=False)
    """Number of each point's cluster, -1 for none: shape (n,)."""
    neighbours: Places = field(repr=False)
    """Each point's true nearest neighbours on the map, nearest first: shape (n, k), -1 for none."""
    distances: Floats = field(repr=False)
    """How far those are, in the metric's own unit: shape (n, k), NaN for none."""
    pca: Floats = field(repr=False)
    """The same points by PCA, for comparison: shape (n, 2); NaN for those added later."""
    is_new: NDArray[np.bool_] = field(repr=False)
    """Points placed by their neighbours after the map was made: shape (n,)."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def extent(self) -> float:
        """The map's size: the diagonal of the box that holds all points."""
        if not len(self.xy):
            return 0.0
        return float(np.linalg.norm(self.xy.max(axis=0) - self.xy.min(axis=0)))


@dataclass(frozen=True, slots=True)
class MapInfo:
    """A map as a list shows it: everything but its points."""

    number: int
    """The map's key in the database; 0: it is not saved."""
    spec: MapSpec
    metric: Metric
    """What neighbours were found by."""
    model: str | None
    points: int
    rows: int
    """Rows with a vector that the table (or the filter) held when the map was made."""
    made_at: datetime
    seconds: float
    quality: MapQuality
    clusters: tuple[ClusterLabel, ...] = ()
    exact: bool = True
    """Whether true neighbours were found by comparing all points; else see `notes`."""
    notes: tuple[str, ...] = ()
    version: str = ""
    """State of the table that the map was made of."""
    dimension: int = 0
    """Numbers of each vector."""
    table_rows: int = 0
    """Rows that the table held then, whatever the filter; 0: it was not counted."""

    @property
    def name(self) -> str:
        """What people call the map."""
        return (
            self.spec.name
            or f"{self.spec.method.label} of {self.points:,} row{'s' * (self.points != 1)}"
        )

    @property
    def is_sample(self) -> bool:
        """Whether rows were left out at random."""
        return self.points < self.rows


class Freshness(StrEnum):
    """Whether the table is as it was when the map was made."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MapState:
    """How the table and a map differ."""

    freshness: Freshness
    reason: str
    """One sentence for people."""
    added: int = 0
    """Rows that are not on the map and came later; 0 for samples, where it cannot be told."""
    gone: int = 0
    """Points whose rows are gone."""
    changed: int = 0
    """Points whose rows have other vectors now; counted where no row came or went."""
    can_update: bool = False
    """Whether what differs can be placed on the map as it is; else a new one must be made."""


@dataclass(frozen=True, slots=True)
class SavedMap:
    """A map with its points."""

    info: MapInfo
    points: MapPoints


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a query lies on a map, by the points that are truly nearest to it."""

    xy: tuple[float, float]
    """Median of the neighbours' positions."""
    spread: float
    """Median distance of the neighbours from there, on the map."""
    ok: bool
    """False: the neighbours lie too far apart, and there is no good place."""
    sentence: str


@dataclass(frozen=True, slots=True)
class MapHit:
    """A row that a search found, and its point; `place` is -1 when it is not on the map."""

    id: str
    place: int
    rank: int
    distance: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class MapScores:
    """Scores of the best rows of a search, for the points of a map."""

    mode: str
    """``hybrid`` where words can be searched, else ``semantic``."""
    limit: int
    """So many rows were asked for."""
    values: Floats = field(repr=False)
    """Score of every point, shape (n,), higher is better; NaN for rows that are not among the best."""


@dataclass(frozen=True, slots=True)
class PlacedQuery:
    """A query on a map: where it lies, its true neighbours, what searches find, what was missed."""

    placement: Placement
    neighbours: tuple[MapHit, ...]
    """The nearest rows of the table by exact search, nearest first."""
    semantic: tuple[MapHit, ...] = ()
    """What the index finds, as a search would."""
    keyword: tuple[MapHit, ...] = ()
    hybrid: tuple[MapHit, ...] = ()
    missed: tuple[MapHit, ...] = ()
    """True neighbours that the index missed; equally near rows are no misses."""
    distances: Floats | None = field(default=None, repr=False)
    """True distance of every point to the query, shape (n,); NaN for rows that are gone."""
    scores: MapScores | None = None
    notes: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Errors:
    """What a map gets wrong about one point, as places of points."""

    place: int
    true: tuple[int, ...]
    """True neighbours that are neighbours on the map too."""
    missing: tuple[int, ...]
    """True neighbours that lie elsewhere on the map, nearest first."""
    false: tuple[int, ...]
    """Neighbours on the map that are not among the true ones."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another layout beside a map's: of another seed, or of random vectors of the same shape."""

    xy: Floats = field(repr=False)
    quality: MapQuality
    agreement: float | None = None
    """Mean share of a point's neighbours on the one map that are so on the other, 0 to 1."""
    sentence: str = ""
    cluster: Places | None = field(default=None, repr=False)
    """The cluster of each point, found in this layout, -1 for none; None: those of the map."""


OnPreview = Callable[[MapPoints], None]
"""Is handed the points as they are while a map is made: by PCA first, then as they move."""


def is_placed(points: MapPoints) -> NDArray[np.bool_]:
    """Return which points have a position, shape (n,)."""
    return np.asarray(np.isfinite(points.xy).all(axis=1))


def empty_points() -> MapPoints:
    """Return a map without points."""
    return MapPoints(
        ids=(),
        xy=np.empty((0, 2), np.float32),
        kept=np.empty(0, np.float32),
        cluster=np.empty(0, np.int32),
        neighbours=np.empty((0, 0), np.int32),
        distances=np.empty((0, 0), np.float32),
        pca=np.empty((0, 2), np.float32),
        is_new=np.empty(0, np.bool_),
    )


def no_quality() -> MapQuality:
    """Return what is known of a map before it is measured."""
    return MapQuality(0, math.nan, math.nan, None, None)
