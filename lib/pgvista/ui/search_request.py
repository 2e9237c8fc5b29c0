"""The search page's knobs as one frozen request, read from the session.

Every knob lives in ``st.session_state`` under a key that begins with ``search_``; a permalink
carries them under the same names.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, parse_filter
from pgvista.model.label_weights import parse_label_weights
from pgvista.model.metric import Metric
from pgvista.model.search import (
    DEFAULT_DEPTH,
    DEFAULT_EF_SEARCH,
    DEFAULT_PROBES,
    Fusion,
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
)
from pgvista.services.search_defaults import default_request

DEFAULTS: dict[str, Any] = {item.name: item.default for item in fields(SearchRequest)}
"""What a request is without any knob moved."""

PREFIX = "search_"
AUTO = "auto"
"""A list whose value pgvista chooses."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A knob whose value is a number: its range, default and what it does."""

    key: str
    label: str
    minimum: float
    maximum: float
    default: float
    help: str
    step: float = 1.0
    log: bool = False
    format: str = "{:.0f}"


LIMIT = Knob(
    "search_limit", "Hits", 1, 100, DEFAULTS["limit"], "Hits wanted, 1 to 100. Default 10."
)
RRF_K = Knob(
    "search_k",
    "RRF k",
    1,
    1000,
    DEFAULTS["rrf_k"],
    "Reciprocal rank fusion adds weight / (k + rank) for each list. A small k lets the first places "
    "decide, a large one lets both lists agree. 1 to 1000, default 60; the published recipe for "
    "Postgres has 50.",
    log=True,
)
SEMANTIC_WEIGHT = Knob(
    "search_ws",
    "Semantic weight",
    0,
    2,
    DEFAULTS["semantic_weight"],
    "How much the list of nearest vectors counts. 0 to 2, default 1.",
    step=0.05,
    format="{:.2f}",
)
KEYWORD_WEIGHT = Knob(
    "search_wk",
    "Keyword weight",
    0,
    2,
    DEFAULTS["keyword_weight"],
    "How much the list of matching words counts. 0 to 2, default 1.",
    step=0.05,
    format="{:.2f}",
)
DEPTH = Knob(
    "search_depth",
    "Depth of each list",
    10,
    1000,
    DEFAULT_DEPTH,
    "Rows fetched into each list before they are fused. 10 to 1000, default 100.",
    log=True,
)
BM25_K1 = Knob(
    "search_k1",
    "BM25 k1",
    0,
    3,
    DEFAULTS["bm25_k1"],
    "How much a word that occurs again still adds: at 0 nothing, so that a row has it or has it not. "
    "0 to 3, default 1.20.",
    step=0.05,
    format="{:.2f}",
)
BM25_B = Knob(
    "search_b",
    "BM25 b",
    0,
    1,
    DEFAULTS["bm25_b"],
    "How much long texts are held back: at 0 not at all, at 1 in proportion to their length. "
    "0 to 1, default 0.75.",
    step=0.05,
    format="{:.2f}",
)
EF_SEARCH = Knob(
    "search_ef",
    "ef_search",
    1,
    1000,
    DEFAULT_EF_SEARCH,
    "Length of HNSW's candidate list: larger finds more of the true neighbours and takes longer. "
    "At most this many rows come out of the index. 1 to 1000; pgvector's default is 40.",
    log=True,
)
PROBES = Knob(
    "search_probes",
    "probes",
    1,
    1000,
    DEFAULT_PROBES,
    "Lists of the IVFFlat index that are visited: more finds more and takes longer. Default 1.",
    log=True,
)
KNOBS = (
    LIMIT,
    RRF_K,
    SEMANTIC_WEIGHT,
    KEYWORD_WEIGHT,
    DEPTH,
    BM25_K1,
    BM25_B,
    EF_SEARCH,
    PROBES,
)

TEXT = "search_text"
"""Where the question is kept."""
SIDES = "all"
"""A choice beside the three modes: all of them, side by side."""
SIMILAR = "search_similar"
"""Where the row is kept that others shall be similar to: (the collection's name, its id)."""
FOLLOWED = "_search_ef_followed"

NORMALIZATIONS: dict[str, str] = {
    "0": "none",
    "1": "1 + log(length)",
    "2": "length",
    "8": "unique words",
    "16": "1 + log(unique words)",
}
"""What ts_rank and ts_rank_cd can be divided by, by the number that says so to Postgres."""

CHOICES: dict[str, Any] = {
    "search_mode": Mode.HYBRID.value,
    "search_fusion": DEFAULTS["fusion"].value,
    "search_match": DEFAULTS["keyword_match"].value,
    "search_rank": DEFAULTS["keyword_rank"].value,
    "search_norm": str(DEFAULTS["rank_normalization"]),
    "search_labels": "",
    "search_language": AUTO,
    "search_metric": AUTO,
    "search_scan": IterativeScan.OFF.value,
    "search_exact": False,
    "search_threshold": None,
    "search_filter": "",
    "search_recall": False,
}
"""Knobs that are no sliders, with their defaults."""

FIELDS: dict[str, str] = {
    "search_mode": "mode",
    "search_fusion": "fusion",
    RRF_K.key: "rrf_k",
    SEMANTIC_WEIGHT.key: "semantic_weight",
    KEYWORD_WEIGHT.key: "keyword_weight",
    DEPTH.key: "depth",
    "search_match": "keyword_match",
    "search_rank": "keyword_rank",
    BM25_K1.key: "bm25_k1",
    BM25_B.key: "bm25_b",
    "search_norm": "rank_normalization",
    "search_labels": "label_weights",
    "search_language": "text_config",
    EF_SEARCH.key: "ef_search",
    PROBES.key: "probes",
    "search_scan": "iterative_scan",
}
"""The knobs that can have a default of the collection's own, and the fields that they move."""

PGVISTAS: dict[str, Any] = CHOICES | {knob.key: knob.default for knob in KNOBS}
_OWN, LINKED = "_search_own_defaults", "_search_linked"

OFFERED: dict[str, set[str]] = {
    "search_mode": {*(item.value for item in Mode), SIDES},
    "search_fusion": {item.value for item in Fusion},
    "search_match": {item.value for item in KeywordMatch},
    "search_norm": set(NORMALIZATIONS),
    "search_rank": {item.value for item in KeywordRank},
    "search_scan": {item.value for item in IterativeScan},
    "search_metric": {AUTO, *(item.value for item in Metric)},
}
"""What the choices can be that take no other value."""


def begin(collection: Collection) -> None:
    """Let searches begin with the collection's own defaults; call it before a knob is read.

    When they come or change, knobs that stood at the former default follow; a knob that a person
    moved, or that a link speaks of, stays. A link names what is not at pgvista's own default.
    """
    state, defaults = st.session_state, default_request(collection)
    own: dict[str, Any] = {}
    for key, name in FIELDS.items():
        found = defaults.get(name)
        if found is None or (key in OFFERED and str(found) not in OFFERED[key]):
            continue
        own[key] = str(found) if key in CHOICES else float(found)
    before, linked = state.get(_OWN, {}), state.pop(LINKED, False)
    state[_OWN] = own
    if linked:
        for key in own.keys() - state.keys():
            state[key] = PGVISTAS[key]
    elif own != before:
        for key in {*own, *before}:
            if state.get(key) in (None, before.get(key, PGVISTAS[key])):
                state.pop(key, None)
                if key in own:
                    state[key] = own[key]


def has_own() -> bool:
    """Tell whether the collection has search defaults of its own."""
    return bool(st.session_state.get(_OWN))


def default(knob: Knob) -> float:
    """Return where a slider begins: at the collection's own default, else at pgvista's."""
    found = float(st.session_state.get(_OWN, {}).get(knob.key, knob.default))
    return min(max(found, knob.minimum), knob.maximum)


def default_choice(key: str) -> Any:
    """Return where a knob of CHOICES begins: at the collection's own default, else at pgvista's."""
    return st.session_state.get(_OWN, {}).get(key, CHOICES[key])


def value(knob: Knob) -> float:
    """Return a knob's present value, whether or not its slider is drawn."""
    found = st.session_state.get(knob.key, default(knob))
    return min(max(float(found), knob.minimum), knob.maximum)


def choice(key: str) -> Any:
    """Return the present value of a knob of CHOICES."""
    found = st.session_state.get(key)
    return default_choice(key) if found is None else found


def similar_to(collection: Collection) -> str | None:
    """Return the id of the row of `collection` whose neighbours are asked for, or None."""
    found = st.session_state.get(SIMILAR)
    return found[1] if found is not None and found[0] == collection.name else None


def ask_similar(collection: Collection, row_id: str | None) -> None:
    """Ask for the neighbours of a row; with None, go back to the question."""
    st.session_state[SIMILAR] = None if row_id is None else (collection.name, row_id)


def filters() -> Filter | None:
    """Return the filter as typed. Raises InvalidInput."""
    return parse_filter(choice("search_filter"))


def follow_depth(mode: Mode) -> Knob:
    """Let ef_search follow the rows asked for, until a person moves it; return the knob."""
    asked = value(DEPTH) if mode is Mode.HYBRID else value(LIMIT)
    automatic = min(EF_SEARCH.maximum, max(EF_SEARCH.default, asked))
    state = st.session_state
    automatic = state.get(_OWN, {}).get(EF_SEARCH.key, automatic)
    if state.get(EF_SEARCH.key) in (None, state.get(FOLLOWED)):
        state[EF_SEARCH.key] = automatic
    state[FOLLOWED] = automatic
    return replace(EF_SEARCH, default=automatic)


def request(mode: Mode, text: str | None, *, has_hnsw: bool, has_ivfflat: bool) -> SearchRequest:
    """Build the request from the knobs. Raises InvalidInput for values out of range."""
    metric = choice("search_metric")
    language = choice("search_language")
    return SearchRequest(
        mode=mode,
        text=text,
        limit=int(value(LIMIT)),
        filters=filters(),
        metric=None if metric == AUTO else Metric(metric),
        max_distance=choice("search_threshold"),
        exact=bool(choice("search_exact")),
        ef_search=int(value(EF_SEARCH)) if has_hnsw else None,
        probes=int(value(PROBES)) if has_ivfflat else None,
        iterative_scan=IterativeScan(choice("search_scan")),
        keyword_match=KeywordMatch(choice("search_match")),
        keyword_rank=KeywordRank(choice("search_rank")),
        bm25_k1=value(BM25_K1),
        bm25_b=value(BM25_B),
        rank_normalization=int(choice("search_norm")),
        label_weights=parse_label_weights(choice("search_labels")),
        text_config=None if language == AUTO else language,
        fusion=Fusion(choice("search_fusion")),
        rrf_k=value(RRF_K),
        semantic_weight=value(SEMANTIC_WEIGHT),
        keyword_weight=value(KEYWORD_WEIGHT),
        depth=int(value(DEPTH)),
        lists=mode is Mode.HYBRID,
    )
