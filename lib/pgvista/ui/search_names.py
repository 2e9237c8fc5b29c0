"""What the settings of a search are called on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pgvista.model.collection import Collection
from pgvista.model.search import Fusion, KeywordMatch, KeywordRank, SearchRequest

FUSION = {
    Fusion.COVERAGE: "RRF by coverage",
    Fusion.RRF: "Reciprocal rank (RRF)",
    Fusion.MIN_MAX: "Min-max",
    Fusion.Z_SCORE: "Z-score",
    Fusion.DISTRIBUTION: "Distribution (DBSF)",
}
SHORT_FUSION = {
    Fusion.COVERAGE: "RRF by coverage",
    Fusion.RRF: "RRF",
    Fusion.MIN_MAX: "min-max",
    Fusion.Z_SCORE: "z-score",
    Fusion.DISTRIBUTION: "distribution",
}
MATCH = {
    KeywordMatch.ANY_WORD: "any word",
    KeywordMatch.WEBSEARCH: "every word",
    KeywordMatch.PHRASE: "phrase",
    KeywordMatch.PREFIX: "last word goes on",
    KeywordMatch.NEAR: "near spelling",
}
RANK = {
    KeywordRank.BM25: "BM25",
    KeywordRank.TS_RANK: "ts_rank",
    KeywordRank.TS_RANK_CD: "ts_rank_cd",
    KeywordRank.EXTENSION: "extension",
}
RECIPE: Mapping[str, Any] = {
    "keyword_match": KeywordMatch.WEBSEARCH,
    "keyword_rank": KeywordRank.TS_RANK_CD,
    "rank_normalization": 0,
    "fusion": Fusion.RRF,
    "rrf_k": 50,
    "depth": 20,
}
"""The hybrid search that guides publish: every word, ts_rank_cd, RRF with k 50, short lists."""

_SAID: dict[str, str] = {
    "rrf_k": "k {:g}",
    "semantic_weight": "semantic weight {:g}",
    "keyword_weight": "keyword weight {:g}",
    "depth": "depth {:,}",
    "bm25_k1": "k1 {:g}",
    "bm25_b": "b {:g}",
    "ef_search": "ef_search {}",
    "probes": "probes {}",
    "rank_normalization": "normalisation {}",
}
_SILENT = {"limit", "highlight", "lists", "vector", "text", "exclude_id"}
"""What leaves the order of the hits as it is, or begins a new one."""


def ranks_of(collection: Collection) -> dict[str, str]:
    """Return what words of a collection can be ranked by, value and name.

    An extension has one name whichever it is: a selectbox forgets what is chosen when that changes.
    """
    offers = collection.bm25_index is not None
    return {
        rank.value: name
        for rank, name in RANK.items()
        if offers or rank is not KeywordRank.EXTENSION
    }


def index_sentence(collection: Collection) -> str:
    """Return a sentence about the index by which an extension ranks; empty without one."""
    made = collection.bm25_index
    if made is None:
        return ""
    return f"By {made.extension}'s index {made.name}, which has its own k1, b and language."


def against_recipe(match: KeywordMatch, rank: KeywordRank) -> str:
    """Return a sentence that tells what differs from the published recipe."""
    other = []
    if match is not RECIPE["keyword_match"]:
        other.append(f"{MATCH[match]} instead of {MATCH[RECIPE['keyword_match']]}")
    if rank is not RECIPE["keyword_rank"]:
        other.append(f"{RANK[rank]} instead of {RANK[RECIPE['keyword_rank']]}")
    if not other:
        return "As in the published recipe for Postgres: most questions fail, for want of one word."
    return f"Against the published recipe for Postgres: {', '.join(other)}."


def settings_before(before: SearchRequest, now: SearchRequest) -> str:
    """Return how `before` was set where it differs from `now`: ``k 60``; empty where it does not."""
    said = []
    for item in fields(SearchRequest):
        old = getattr(before, item.name)
        if item.name in _SILENT or old == getattr(now, item.name):
            continue
        if item.name == "ef_search" and (before.depth, before.mode) != (now.depth, now.mode):
            continue  # it follows them
        said.append(_setting(item.name, old))
    return ", ".join(said[:2]) + (", …" if len(said) > 2 else "")


def _setting(name: str, value: Any) -> str:
    if name in _SAID and value is not None:
        return _SAID[name].format(value)
    if name == "fusion":
        return SHORT_FUSION[value]
    if name == "keyword_match":
        return MATCH[value]
    if name == "keyword_rank":
        return RANK[value]
    if name == "mode":
        return f"{value} search"
    if name == "exact":
        return "exact search" if value else "the index"
    if name == "filters":
        return "no filter" if value is None else "the filter before"
    if name == "max_distance":
        return "no max. distance" if value is None else f"max. distance {value:g}"
    readable = {"text_config": "language"}.get(name, name.replace("_", " "))
    if value is None:
        return f"the usual {readable}"
    if name == "metric":
        return str(value)
    if name == "label_weights":
        value = ", ".join(f"{weight:g}" for weight in value)
    return f"{readable} {value}"
