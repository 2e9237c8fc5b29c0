"""What is asked of a search, and what comes back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pgvista.errors import InvalidInput
from pgvista.model.filters import Filter
from pgvista.model.label_weights import check_label_weights
from pgvista.model.metric import Metric

if TYPE_CHECKING:
    import pandas as pd

MAX_LIMIT = 10_000
MAX_QUERY_BYTES = 1_000_000
DEFAULT_RRF_K = 60
DEFAULT_BM25_K1 = 1.2
DEFAULT_BM25_B = 0.75
DEFAULT_NORMALIZATION = 1
DEFAULT_DEPTH = 100
DEFAULT_EF_SEARCH = 40
DEFAULT_PROBES = 1
DEFAULT_MAX_SCAN_TUPLES = 20_000
COVERED = 0.75
"""From this part of what a row of average length scores that has every word of the query once, a
keyword hit counts in full in fusion by coverage."""


class Mode(StrEnum):
    """How rows are found."""

    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class KeywordMatch(StrEnum):
    """Which rows a keyword query matches."""

    ANY_WORD = "any"
    """A row with at least one of the words."""
    WEBSEARCH = "all"
    """``websearch_to_tsquery``: every word, "phrases", or, -without."""
    PHRASE = "phrase"
    """The words one after the other."""
    PREFIX = "prefix"
    """At least one of the words, the last of which may go on: for search while typing."""
    NEAR = "near"
    """At least one of the words; words that no row holds are taken for those spelled alike."""


class KeywordRank(StrEnum):
    """How matching rows are ordered."""

    BM25 = "bm25"
    """Rare words count more than common ones, and repetition counts less each time."""
    TS_RANK = "ts_rank"
    TS_RANK_CD = "ts_rank_cd"
    EXTENSION = "extension"
    """BM25 as an extension's index has it: pg_textsearch, pg_search or vchord_bm25."""


class Fusion(StrEnum):
    """How the two lists of a hybrid search become one."""

    COVERAGE = "coverage"
    """RRF whose keyword hits count by how much of the query they cover: times the square of
    BM25 / (`COVERED` * sum of idf), at most 1. As RRF where words do not rank by BM25."""
    RRF = "rrf"
    """Reciprocal rank fusion: the sum of weight / (k + rank)."""
    MIN_MAX = "minmax"
    """Weighted sum of scores brought to 0..1 by the lowest and highest of each list."""
    Z_SCORE = "zscore"
    """Weighted sum of scores as standard deviations from the mean of each list."""
    DISTRIBUTION = "dbsf"
    """Weighted sum of scores brought to 0..1 by mean - 3 sd and mean + 3 sd of each list."""

    @property
    def has_k(self) -> bool:
        """Whether ranks count, by weight / (k + rank)."""
        return self in (Fusion.COVERAGE, Fusion.RRF)


class IterativeScan(StrEnum):
    """Whether an index goes on looking when a filter left too few rows."""

    OFF = "off"
    STRICT = "strict_order"
    RELAXED = "relaxed_order"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Everything a person can set about one search. Limits are checked here, in one place."""

    mode: Mode = Mode.HYBRID
    text: str | None = None
    vector: tuple[float, ...] | None = None
    """A query vector of the collection's dimension; without it, `text` is embedded."""
    limit: int = 10
    """Hits wanted, 1 to 10,000."""
    filters: Filter | None = None
    exclude_id: str | None = None
    """A row to leave out: the one that others shall be similar to."""
    metric: Metric | None = None
    """None: the collection's."""
    max_distance: float | None = None
    """Threshold: rows farther than this are dropped. In the metric's own unit."""
    exact: bool = False
    """True: compare with every row and use no vector index."""
    ef_search: int | None = None
    """HNSW's candidate list, 1 to 1,000. None: as many as the rows asked for, at least 40."""
    probes: int | None = None
    """IVFFlat's lists to visit, 1 to 32,768. None: the server's setting (1)."""
    iterative_scan: IterativeScan = IterativeScan.OFF
    max_scan_tuples: int | None = None
    """Where an iterative HNSW scan gives up, in rows. None: the server's setting (20,000)."""
    keyword_match: KeywordMatch = KeywordMatch.ANY_WORD
    keyword_rank: KeywordRank = KeywordRank.BM25
    bm25_k1: float = DEFAULT_BM25_K1
    """How much a repeated word still adds, 0 (nothing) to 10."""
    bm25_b: float = DEFAULT_BM25_B
    """How much long texts are held back, 0 (not at all) to 1 (in proportion)."""
    rank_normalization: int = DEFAULT_NORMALIZATION
    """Bit mask of ts_rank and ts_rank_cd, 0 to 63: 1 divides by 1 + log(length)."""
    label_weights: tuple[float, float, float, float] | None = None
    """What a word counts by its setweight label A, B, C, D, each 0 to 100; None: the default."""
    text_config: str | None = None
    """Text-search language of the query; None: the collection's."""
    fusion: Fusion = Fusion.COVERAGE
    rrf_k: float = DEFAULT_RRF_K
    """k of reciprocal rank fusion, above 0 to 1,000 (Cormack et al. 2009 use 60)."""
    semantic_weight: float = 1.0
    """0 to 10."""
    keyword_weight: float = 1.0
    """0 to 10."""
    depth: int | None = None
    """Length of each list that is fused, 1 to 10,000. None: 100, or twice the limit if more."""
    highlight: bool = True
    """Whether matched words are marked in the text of hits."""
    lists: bool = False
    """Whether a hybrid search also returns its two lists, so that they can be fused anew."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _between("limit", self.limit, 1, MAX_LIMIT)
        _between("ef_search", self.ef_search, 1, 1000)
        _between("probes", self.probes, 1, 32_768)
        _between("max_scan_tuples", self.max_scan_tuples, 1, 2_147_483_647)
        _between("depth", self.depth, 1, MAX_LIMIT)
        _between("rrf_k", self.rrf_k, 1e-9, 1000, whole=False)
        _between("semantic_weight", self.semantic_weight, 0, 10, whole=False)
        _between("keyword_weight", self.keyword_weight, 0, 10, whole=False)
        _between("bm25_k1", self.bm25_k1, 0, 10, whole=False)
        _between("bm25_b", self.bm25_b, 0, 1, whole=False)
        _between("rank_normalization", self.rank_normalization, 0, 63)
        if self.label_weights is not None:
            check_label_weights(self.label_weights)
        _between("max_distance", self.max_distance, -math.inf, math.inf, whole=False)
        if self.mode is not Mode.SEMANTIC and not (self.text and self.text.strip()):
            raise InvalidInput(
                f"A {self.mode} search needs words.", "Type a few words to look for."
            )
        if self.vector is None and not (self.text and self.text.strip()):
            raise InvalidInput("The query is empty.", "Type words, or give a vector.")
        if self.text is not None and len(self.text.encode(errors="replace")) > MAX_QUERY_BYTES:
            raise InvalidInput(
                f"The query is longer than {MAX_QUERY_BYTES:,} bytes.",
                "Search with a passage of it, or load it as a row and use 'similar'.",
            )
        if self.vector is not None and not all(map(math.isfinite, self.vector)):
            raise InvalidInput("The query vector holds NaN or infinity.", "Use finite numbers.")

    @property
    def list_depth(self) -> int:
        """Rows fetched into each list of a hybrid search."""
        return max(self.depth or max(DEFAULT_DEPTH, 2 * self.limit), self.limit)

    @property
    def rows_asked(self) -> int:
        """Rows asked of the vector index."""
        return self.list_depth if self.mode is Mode.HYBRID else self.limit

    @property
    def effective_ef_search(self) -> int:
        """The ef_search that is set: as given, or as many as the rows asked for."""
        return self.ef_search or min(1000, max(DEFAULT_EF_SEARCH, self.rows_asked))


def _between(
    name: str, value: float | None, low: float, high: float, *, whole: bool = True
) -> None:
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (
        not number
        or math.isnan(value)
        or not low <= value <= high
        or (whole and value != int(value))
    ):
        kind = "a whole number" if whole else "a number"
        bounds = f" from {low:,} to {high:,}" if math.isfinite(low) else ""
        raise InvalidInput(f"{name} is {value!r}, but it takes {kind}{bounds}.")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a hit's text; `marked` when it matched a word of the query."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One row found."""

    id: str
    content: str | None
    metadata: Mapping[str, Any]
    columns: Mapping[str, Any]
    score: float
    """Larger is better: similarity (semantic), rank function (keyword) or fused sum (hybrid)."""
    distance: float | None = None
    semantic_rank: int | None = None
    """Place in the semantic list, from 1; None when the row is not in it."""
    keyword_rank: int | None = None
    keyword_score: float | None = None
    semantic_term: float | None = None
    """The semantic list's part of `score`; for RRF, weight / (k + rank)."""
    keyword_term: float | None = None
    snippet: tuple[Span, ...] = ()
    """The passages around matched words, or the beginning of the text."""
    title: tuple[Span, ...] = ()
    """The title, in a search by words that looks into titles too."""

    @property
    def parent_id(self) -> str | None:
        """Id of the text this chunk was cut from; None for a text that is whole."""
        parent = self.metadata.get("_parent")
        return None if parent is None else str(parent)

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that json.dumps takes (dates as ISO texts)."""
        return {
            "id": self.id,
            "score": self.score,
            "distance": self.distance,
            "semantic_rank": self.semantic_rank,
            "keyword_rank": self.keyword_rank,
            "keyword_score": self.keyword_score,
            "content": self.content,
            "metadata": dict(self.metadata),
            **(
                {"columns": json.loads(json.dumps(dict(self.columns), default=str))}
                if self.columns
                else {}
            ),
        }


@dataclass(frozen=True, slots=True)
class CandidateLists:
    """The two lists that a hybrid search fuses, best first."""

    semantic: tuple[tuple[str, float], ...]
    """(id, distance), nearest first."""
    keyword: tuple[tuple[str, float], ...]
    """(id, keyword score), highest first."""
    covering: float | None = None
    """The BM25 from which on a row covers the query, above 0; None where words rank otherwise."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits, and everything that explains them."""

    hits: tuple[Hit, ...]
    render_sql: Callable[[], str] = field(repr=False)
    timings_ms: Mapping[str, float]
    """Milliseconds by stage: embedding, database, other, total."""
    semantic_rows: int | None = None
    """Rows got in the semantic list; None when the mode has none."""
    keyword_rows: int | None = None
    lists: CandidateLists | None = None
    """The lists that were fused, when the request asks for them."""
    notes: tuple[str, ...] = ()
    """Sentences about this result, e.g. that the query held only stop words."""
    plan: Plan | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """The knobs as set, e.g. {"hnsw.ef_search": "100"}."""

    @property
    def sql(self) -> str:
        """The statements as run, with the values in place: paste it into psql."""
        return self.render_sql()

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that json.dumps takes."""
        return {
            "hits": [hit.to_dict() for hit in self.hits],
            "semantic_rows": self.semantic_rows,
            "keyword_rows": self.keyword_rows,
            "notes": list(self.notes),
            "timings_ms": {stage: round(value, 3) for stage, value in self.timings_ms.items()},
            "sql": self.sql,
        }

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame with a row for each hit; structured columns as columns."""
        import pandas as pd

        rows = [
            {
                "id": hit.id,
                "score": hit.score,
                "distance": hit.distance,
                "semantic_rank": hit.semantic_rank,
                "keyword_rank": hit.keyword_rank,
                "keyword_score": hit.keyword_score,
                "content": hit.content,
                "metadata": dict(hit.metadata),
                **hit.columns,
            }
            for hit in self.hits
        ]
        frame = pd.DataFrame(rows)
        for name in ("semantic_rank", "keyword_rank"):
            if name in frame:
                frame[name] = frame[name].astype("Int64")
        return frame


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step of a plan, in EXPLAIN's own terms."""

    title: str
    """Node type with relation or index, e.g. ``Index Scan using docs_embedding_idx on docs``."""
    depth: int
    estimated_rows: float
    actual_rows: float | None
    """Rows over all loops; None without ANALYZE."""
    time_ms: float | None
    """Own time over all loops, without the children's; None without ANALYZE."""
    buffers_hit: int | None
    buffers_read: int | None
    details: tuple[str, ...] = ()
    rows_removed: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How Postgres runs, or ran, a statement."""

    nodes: tuple[PlanNode, ...]
    vector_index: str | None
    """Name of the vector index used; None when the rows are compared one by one."""
    summary: tuple[str, ...]
    """The plan in plain words, a sentence each."""
    planning_ms: float | None = None
    execution_ms: float | None = None
    text: str = ""
    """EXPLAIN's own JSON, indented."""
