"""A grid of settings, and what it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pgvista.errors import InvalidInput
from pgvista.model.evaluation import PairedDifference
from pgvista.model.search import Fusion, KeywordMatch, KeywordRank, Mode, SearchRequest

GRID_MEASURES = ("nDCG@10", "R@100", "RR@10", "AP", "P@10")
"""What a grid can be judged by."""
MAX_CELLS = 2_000

Words = tuple[KeywordRank, KeywordMatch]
"""How the keyword list is made."""


class Decision(StrEnum):
    """What a grid ends in."""

    KEEP = "keep"
    """The present setting stays: nothing is shown to be better."""
    TAKE = "take"
    """The best setting is better on queries that had no part in choosing it."""
    TOO_FEW = "too few"
    """So few queries decide nothing."""


@dataclass(frozen=True, slots=True)
class GridSpec:
    """What is tried: every fusion with every weight, with every k where it has one, and every ranking."""

    fusions: tuple[Fusion, ...] = tuple(Fusion)
    ks: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 60.0, 100.0)
    """k of RRF, by coverage or not."""
    semantic_shares: tuple[float, ...] = (0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9)
    """The semantic list's part of both weights, above 0 and below 1; the ends are single lists."""
    ranks: tuple[KeywordRank, ...] = tuple(KeywordRank)
    matches: tuple[KeywordMatch, ...] = (KeywordMatch.ANY_WORD, KeywordMatch.WEBSEARCH)
    """The first is tried with every ranking, the others with the first ranking."""
    measure: str = "nDCG@10"
    seed: int = 0
    """Of the split into halves, and of the bootstrap."""
    resamples: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what no search takes, and a grid that would never end."""
        if not (self.fusions and self.semantic_shares and self.words) or (
            any(fusion.has_k for fusion in self.fusions) and not self.ks
        ):
            raise InvalidInput(
                "The grid is empty.", "Choose at least one fusion, weight, k and ranking."
            )
        for share in self.semantic_shares:
            if not 0 < share < 1:
                raise InvalidInput(
                    f"The semantic share {share!r} is not between 0 and 1.",
                    "Both single lists are measured anyway.",
                )
        for k in self.ks:
            if not 0 < k <= 1000:
                raise InvalidInput(f"k is {k!r}, but it takes a number above 0, to 1,000.")
        if self.measure not in GRID_MEASURES:
            raise InvalidInput(
                f"The grid cannot be judged by {self.measure!r}.",
                f"Choose one of: {', '.join(GRID_MEASURES)}.",
            )
        if not 100 <= self.resamples <= 100_000:
            raise InvalidInput(
                f"resamples is {self.resamples!r}, but it takes a number from 100 to 100,000."
            )
        fusions = sum(len(self.ks) if fusion.has_k else 1 for fusion in set(self.fusions))
        cells = fusions * len(self.semantic_shares) * len(self.words)
        if cells > MAX_CELLS:
            raise InvalidInput(
                f"The grid has {cells:,} settings, and at most {MAX_CELLS:,} are tried.",
                "Choose fewer values of k or of the weights.",
            )

    @property
    def words(self) -> tuple[Words, ...]:
        """The keyword lists that are tried."""
        every = [(rank, match) for rank in self.ranks[:1] for match in self.matches[1:]]
        return tuple((rank, match) for rank in self.ranks for match in self.matches[:1]) + tuple(
            every
        )


@dataclass(frozen=True, slots=True)
class GridSetting:
    """One setting: a single list, or a fusion of both."""

    mode: Mode
    rank: KeywordRank | None = None
    """Ranking of the keyword list; None without one."""
    fusion: Fusion | None = None
    rrf_k: float | None = None
    """None where the fusion has no k."""
    semantic_share: float | None = None
    """The semantic list's part of both weights; None for a single list."""
    match: KeywordMatch | None = None
    """What the keyword list matches; None without one."""

    @classmethod
    def of(cls, request: SearchRequest) -> GridSetting:
        """Return a request's setting."""
        if request.mode is Mode.SEMANTIC:
            return cls(Mode.SEMANTIC)
        if request.mode is Mode.KEYWORD:
            return cls(Mode.KEYWORD, request.keyword_rank, match=request.keyword_match)
        both = request.semantic_weight + request.keyword_weight
        share = round(request.semantic_weight / both, 6) if both else 0.5
        k = request.rrf_k if request.fusion.has_k else None
        return cls(
            Mode.HYBRID, request.keyword_rank, request.fusion, k, share, request.keyword_match
        )

    @property
    def rank_name(self) -> str:
        """The ranking of the keyword list for people; empty without one: a map for each."""
        if self.rank is None:
            return ""
        match = _MATCH_NAMES.get(self.match or KeywordMatch.ANY_WORD, "")
        return _RANK_NAMES[self.rank] + (f", {match}" if match else "")

    @property
    def method_name(self) -> str:
        """The fusion with its k for people, e.g. ``RRF k 10``: a row of the heat map."""
        if self.fusion is None:
            return ""
        return _FUSION_NAMES[self.fusion] + ("" if self.rrf_k is None else f" k {self.rrf_k:g}")

    @property
    def label(self) -> str:
        """The setting in a few words, e.g. ``RRF k 10, semantic share 0.5, BM25``."""
        if self.mode is Mode.SEMANTIC:
            return "semantic alone"
        if self.mode is Mode.KEYWORD:
            return f"keyword alone, {self.rank_name}"
        return f"{self.method_name}, semantic share {self.semantic_share:g}, {self.rank_name}"

    def fields(self) -> dict[str, Any]:
        """Return the setting as fields of a SearchRequest; the weights' sum is 2."""
        fields: dict[str, Any] = {"mode": self.mode}
        if self.rank is not None:
            fields["keyword_rank"] = self.rank
        if self.match is not None:
            fields["keyword_match"] = self.match
        if self.fusion is not None:
            fields["fusion"] = self.fusion
        if self.rrf_k is not None:
            fields["rrf_k"] = self.rrf_k
        if self.semantic_share is not None:
            fields["semantic_weight"] = round(2 * self.semantic_share, 6)
            fields["keyword_weight"] = round(2 - 2 * self.semantic_share, 6)
        return fields


_RANK_NAMES = {
    KeywordRank.BM25: "BM25",
    KeywordRank.TS_RANK: "ts_rank",
    KeywordRank.TS_RANK_CD: "ts_rank_cd",
    KeywordRank.EXTENSION: "BM25 of an extension",
}
_MATCH_NAMES = {
    KeywordMatch.WEBSEARCH: "every word",
    KeywordMatch.PHRASE: "phrase",
    KeywordMatch.PREFIX: "prefix",
    KeywordMatch.NEAR: "near spelling",
}
"""Any word goes without saying."""
_FUSION_NAMES = {
    Fusion.COVERAGE: "RRF by coverage",
    Fusion.RRF: "RRF",
    Fusion.MIN_MAX: "min-max",
    Fusion.Z_SCORE: "z-score",
    Fusion.DISTRIBUTION: "distribution-based",
}


@dataclass(frozen=True, slots=True)
class GridCell:
    """A setting with the mean of the grid's measure."""

    setting: GridSetting
    tuning: float
    """Over the half of the queries by which the best setting is chosen."""
    held_out: float
    """Over the other half."""
    all: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Every setting tried, the best one, and whether it is worth a change."""

    measure: str
    present: GridCell
    singles: tuple[GridCell, ...]
    """The semantic list, then the keyword list by each ranking."""
    cells: tuple[GridCell, ...]
    """The fusions."""
    best: GridCell
    """Best on the tuning half."""
    gain: PairedDifference
    """Of `best` over `present`, on the held-out half."""
    gain_all: PairedDifference
    """On all queries: it holds those that chose the best, so it flatters."""
    decision: Decision
    sentence: str
    """The decision in words."""
    tuning_queries: int
    held_out_queries: int
    per_query: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By query id: the measure under the present setting and under the best."""
    notes: tuple[str, ...] = ()
    """Sentences, e.g. about a ranking that could not be tried."""

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that json.dumps takes."""
        return {
            "measure": self.measure,
            "decision": self.decision.value,
            "sentence": self.sentence,
            "present": _cell_dict(self.present),
            "best": _cell_dict(self.best),
            "gain_on_held_out_queries": _gain_dict(self.gain),
            "gain_on_all_queries": _gain_dict(self.gain_all),
            "tuning_queries": self.tuning_queries,
            "held_out_queries": self.held_out_queries,
            "single_lists": [_cell_dict(cell) for cell in self.singles],
            "fusions": [_cell_dict(cell) for cell in self.cells],
            "notes": list(self.notes),
        }


def _cell_dict(cell: GridCell) -> dict[str, Any]:
    fields = {
        name: value.value if isinstance(value, StrEnum) else value
        for name, value in cell.setting.fields().items()
    }
    return {
        "setting": cell.setting.label,
        "fields": fields,
        "tuning": round(cell.tuning, 6),
        "held_out": round(cell.held_out, 6),
        "all": round(cell.all, 6),
    }


def _gain_dict(gain: PairedDifference) -> dict[str, Any]:
    return {
        "mean": round(gain.mean, 6),
        "low": round(gain.low, 6),
        "high": round(gain.high, 6),
        "wins": gain.wins,
        "losses": gain.losses,
        "ties": gain.ties,
    }
