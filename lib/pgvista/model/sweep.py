"""A sweep: recall, latency and throughput of indexes over their settings, and what was found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pgvista.errors import InvalidInput
from pgvista.model.filters import Filter
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.search import IterativeScan
from pgvista.model.tuning import (
    MAX_EF_SEARCH,
    MAX_NEAREST,
    MAX_PROBES,
    NearestRequest,
    check_whole,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_EF_SEARCH = (20, 40, 80, 120, 200, 400)
DEFAULT_PROBES = (1, 2, 4, 8, 16, 32, 64)
DEFAULT_OVERSAMPLE = (1.0, 4.0, 10.0)
DEFAULT_CONNECTIONS = (1, 2, 5, 10, 30)
SELECTIVITIES = (0.5, 0.1, 0.01, 0.001)
ALL_ROWS = "all rows"
"""Name of the case without a filter."""
MAX_QUERIES = 10_000
P99_SAMPLES = 1000
"""p99 is told from so many samples on: of fewer it is the time of a handful."""
WORST = 10
"""So many of the worst queries are kept of each point."""

TruthMethod = Literal["auto", "server", "transfer"]


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """What is measured. None for a list takes what suits the index."""

    limit: int = 10
    """k: rows wanted, 1 to 1,000."""
    queries: int = 200
    """Rows drawn as queries, 1 to 10,000; each is left out of its own answer."""
    vectors: NDArray[np.float32] | None = field(default=None, compare=False)
    """Queries of one's own instead, shape (n_queries, dimension)."""
    rounds: int = 1
    """How often each query is asked in each setting, 1 to 100."""
    seed: int = 0
    """Of the rows drawn and of the order in which settings take turns."""
    indexes: tuple[str, ...] | None = None
    """Names of the indexes; None: all vector indexes of the collection's metric, and on bits."""
    ef_search: tuple[int, ...] | None = None
    probes: tuple[int, ...] | None = None
    iterative_scans: tuple[IterativeScan, ...] | None = None
    """None: off alone, and with filters off, strict and relaxed."""
    max_scan_tuples: int | None = None
    oversample: tuple[float, ...] | None = None
    """Indexes on bits or leading dimensions: candidates for each row wanted."""
    selectivities: tuple[float, ...] = ()
    """Filters that let through so large a share of the rows, drawn by a hash of their keys."""
    filters: tuple[Filter, ...] = ()
    """Filters of one's own."""
    connections: tuple[int, ...] = DEFAULT_CONNECTIONS
    """Throughput is measured with so many, for the exact scan and the settings of the front."""
    throughput_s: float = 0.5
    """How long each throughput is measured, 0.05 to 60 s."""
    truth: TruthMethod = "auto"
    """Where the exact truth is found: on the server, or here after the vectors were transferred."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        check_whole("limit", self.limit, 1, 1000)
        check_whole("queries", self.queries, 1, MAX_QUERIES)
        check_whole("rounds", self.rounds, 1, 100)
        check_whole("seed", self.seed, 0, 2**31 - 1)
        check_whole("max_scan_tuples", self.max_scan_tuples, 1, 2_147_483_647)
        for name, values, high in (
            ("ef_search", self.ef_search, MAX_EF_SEARCH),
            ("probes", self.probes, MAX_PROBES),
            ("connections", self.connections, 200),
        ):
            for value in values or ():
                check_whole(name, value, 1, high)
        for share in self.selectivities:
            if not 0 < share <= 1:
                raise InvalidInput(
                    f"A selectivity is {share}, but it takes a share above 0 to 1.",
                    "Write 10 % as 0.1.",
                )
        for factor in self.oversample or ():
            if not (1 <= factor <= 1000) or factor * self.limit > MAX_NEAREST:
                raise InvalidInput(
                    f"oversample is {factor}, but it takes 1 to 1,000, and at most "
                    f"{MAX_NEAREST:,} candidates."
                )
        if not 0.05 <= self.throughput_s <= 60:
            raise InvalidInput(
                f"Throughput is measured for {self.throughput_s} s, but it takes 0.05 to 60."
            )
        if self.truth not in ("auto", "server", "transfer"):
            raise InvalidInput(f"truth is {self.truth!r}.", "Choose auto, server or transfer.")
        if self.vectors is not None:
            given = self.vectors
            import numpy as np

            if given.ndim != 2 or not given.size or not np.isfinite(given).all():
                raise InvalidInput(
                    "The query vectors are empty, of different lengths, or hold NaN or infinity.",
                    "Give an array of shape (queries, dimension) of finite numbers.",
                )
            if len(given) > MAX_QUERIES:
                raise InvalidInput(
                    f"There are {len(given):,} queries; {MAX_QUERIES:,} are the most."
                )


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to ask: which index, and with which knobs; `index` None is the exact scan."""

    index: str | None = None
    method: str | None = None
    """hnsw or ivfflat."""
    target: IndexTarget = IndexTarget.COLUMN
    leading: int | None = None
    bit_metric: BitMetric = BitMetric.HAMMING
    ef_search: int | None = None
    probes: int | None = None
    iterative_scan: IterativeScan = IterativeScan.OFF
    max_scan_tuples: int | None = None
    oversample: float = 1.0

    @property
    def exact(self) -> bool:
        """Whether it is the exact scan."""
        return self.index is None

    @property
    def knob(self) -> str:
        """The knobs in a few words, e.g. ``ef_search 80, relaxed_order``."""
        if self.exact:
            return "exact scan"
        parts = []
        if self.ef_search is not None:
            parts.append(f"ef_search {self.ef_search}")
        if self.probes is not None:
            parts.append(f"probes {self.probes}")
        if self.iterative_scan is not IterativeScan.OFF:
            parts.append(self.iterative_scan.value)
        if self.oversample > 1:
            parts.append(f"oversample {self.oversample:g}")
        return ", ".join(parts)

    @property
    def strength(self) -> float:
        """The knob that is turned: ef_search or probes."""
        return float(self.ef_search or self.probes or 0)

    def request(
        self,
        vector: tuple[float, ...],
        limit: int,
        *,
        filters: Filter | None = None,
        share: float | None = None,
        exclude_id: str | None = None,
    ) -> NearestRequest:
        """Return what is asked for one query."""
        return NearestRequest(
            vector=vector,
            limit=limit,
            target=self.target,
            leading=self.leading,
            bit_metric=self.bit_metric,
            oversample=self.oversample,
            filters=filters,
            share=share,
            exclude_id=exclude_id,
            exact=self.exact,
            ef_search=self.ef_search,
            probes=self.probes,
            iterative_scan=self.iterative_scan,
            max_scan_tuples=self.max_scan_tuples,
        )


@dataclass(frozen=True, slots=True)
class SweptIndex:
    """An index as it was when it was measured."""

    name: str
    method: str
    definition: str
    size_bytes: int
    target: IndexTarget


@dataclass(frozen=True, slots=True)
class SweptCase:
    """The rows that queries could find: all of them, or those that a filter lets through."""

    name: str
    condition: str = ""
    """The filter as SQL; empty for all rows."""
    rows: int = 0


@dataclass(frozen=True, slots=True)
class WorstQuery:
    """A query with a low recall: its row's id, or its number from 1 where vectors were given."""

    query: str
    recall: float


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """What one setting gave under one filter."""

    setting: Setting
    case: str
    recall: float
    """Mean over queries of the share of hits: distance <= the k-th true one + 1e-3. 0 to 1."""
    recall_low: float
    """Lower end of the 95 % bootstrap interval of the mean."""
    recall_high: float
    recall_by_id: float
    """Mean share of the very rows of the truth."""
    worst: tuple[WorstQuery, ...]
    fewer: int
    """Queries that got fewer rows than there are to find."""
    queries: int
    samples: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float | None
    """None below 1,000 samples."""
    buffers_hit: float
    """Pages of 8 kB found in Postgres's memory, mean of the queries explained."""
    buffers_read: float
    used: str | None
    """Index that the plan names; None: every row was compared."""
    plan: str
    """The plan in a sentence."""
    qps: Mapping[int, float] = field(default_factory=dict)
    """Queries a second by number of connections; empty where not measured."""

    @property
    def as_asked(self) -> bool:
        """Whether Postgres used the index that the setting is for."""
        return self.used == self.setting.index


@dataclass(frozen=True, slots=True)
class TruthReport:
    """How the exact truth was found, and what proves it."""

    method: str
    """server: by exact scans. transfer: vectors read once, compared here."""
    seconds: float
    proof: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep: its points and all that is needed to judge and to repeat it."""

    schema: str
    table: str
    limit: int
    seed: int
    rounds: int
    queries: int
    query_source: str
    """Where the queries come from, in a few words."""
    metric: str
    dimension: int
    rows: int
    table_bytes: int
    indexes: tuple[SweptIndex, ...]
    cases: tuple[SweptCase, ...]
    points: tuple[SweepPoint, ...]
    truth: TruthReport
    versions: Mapping[str, str]
    server: Mapping[str, str]
    """Settings of the server that bear on speed, as Postgres writes them."""
    wall_s: float
    query_s: float
    """Sum of the times of all queries that were measured, throughput included."""
    finished_at: datetime
    complete: bool = True
    """False when the sweep ended before all queries were asked."""
    notes: tuple[str, ...] = ()
    id: int | None = None
    """Number in the database; None when it was not kept."""

    def of_case(self, case: str) -> tuple[SweepPoint, ...]:
        """Return the points under one filter."""
        return tuple(point for point in self.points if point.case == case)

    def baseline(self, case: str) -> SweepPoint | None:
        """Return the exact scan under one filter."""
        return next((point for point in self.of_case(case) if point.setting.exact), None)

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that json.dumps takes, without the number in the database; NaN is null."""
        told = dataclasses.asdict(self)
        del told["id"]
        told["finished_at"] = self.finished_at.isoformat()
        for point in told["points"]:
            point["qps"] = {str(count): rate for count, rate in point["qps"].items()}
            for name in _RECALLS:
                point[name] = None if math.isnan(point[name]) else point[name]
        return told

    @classmethod
    def from_dict(cls, told: Mapping[str, Any], *, number: int | None = None) -> SweepResult:
        """Read what `to_dict` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        fields = dict(told)
        return cls(
            **fields
            | {
                "indexes": tuple(
                    SweptIndex(**item | {"target": IndexTarget(item["target"])})
                    for item in fields["indexes"]
                ),
                "cases": tuple(SweptCase(**item) for item in fields["cases"]),
                "points": tuple(map(_point, fields["points"])),
                "truth": TruthReport(**fields["truth"]),
                "finished_at": datetime.fromisoformat(fields["finished_at"]),
                "notes": tuple(fields["notes"]),
                "id": number,
            }
        )


_RECALLS = ("recall", "recall_low", "recall_high", "recall_by_id")


def _point(told: Mapping[str, Any]) -> SweepPoint:
    setting = dict(told["setting"])
    return SweepPoint(
        **dict(told)
        | {
            "setting": Setting(
                **setting
                | {
                    "target": IndexTarget(setting["target"]),
                    "bit_metric": BitMetric(setting["bit_metric"]),
                    "iterative_scan": IterativeScan(setting["iterative_scan"]),
                }
            ),
            "worst": tuple(WorstQuery(**item) for item in told["worst"]),
            **{name: math.nan if told[name] is None else told[name] for name in _RECALLS},
            "qps": {int(count): rate for count, rate in told["qps"].items()},
        }
    )


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The cheapest setting that meets a target under one filter, or the nearest to it."""

    case: str
    point: SweepPoint | None
    """None: nothing was measured."""
    meets: bool
    sentence: str
    settings: Mapping[str, str]
    """What to set; empty for the exact scan."""
    sql: str
    """The settings as statements."""
    reasons: tuple[str, ...]

    @property
    def no_index(self) -> bool:
        """Whether the exact scan is the best."""
        return self.point is not None and self.point.setting.exact
