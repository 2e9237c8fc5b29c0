"""The compared settings as a person sees them: a line each, and its knobs behind it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pgvista.model.label_weights import written_label_weights
from pgvista.model.metric import Metric
from pgvista.model.search import (
    Fusion,
    IterativeScan,
    KeywordRank,
    Mode,
    SearchRequest,
)
from pgvista.ui import compare_state
from pgvista.ui.errors import plain
from pgvista.ui.search_knobs import Context, label_knob, slider
from pgvista.ui.search_names import MATCH, RANK, ranks_of
from pgvista.ui.search_request import AUTO, NORMALIZATIONS
from pgvista.ui.state import go

MODES = {item.value: item.value.capitalize() for item in Mode}
FUSION = {
    Fusion.COVERAGE.value: "RRF by coverage",
    Fusion.RRF.value: "RRF",
    Fusion.MIN_MAX.value: "min-max",
    Fusion.Z_SCORE.value: "z-score",
    Fusion.DISTRIBUTION.value: "DBSF",
}
SCAN = {
    IterativeScan.OFF.value: "off",
    IterativeScan.STRICT.value: "strict order",
    IterativeScan.RELAXED.value: "relaxed order",
}


def summary(setting: SearchRequest, context: Context) -> str:
    """Return a setting in a line, e.g. ``hybrid · RRF k 60 · BM25 · index``.

    What every setting has is always said; the rest only where it is not the default.
    """
    parts = [setting.mode.value]
    default = compare_state.DEFAULT
    if setting.mode is Mode.HYBRID:
        name = FUSION[setting.fusion.value]
        parts.append(f"{name} k {setting.rrf_k:g}" if setting.fusion.has_k else name)
        if (setting.semantic_weight, setting.keyword_weight) != (1, 1):
            parts.append(f"weights {setting.semantic_weight:g} : {setting.keyword_weight:g}")
        if setting.depth is not None:
            parts.append(f"depth {setting.depth}")
    if setting.mode is not Mode.SEMANTIC:
        if setting.mode is Mode.KEYWORD or setting.keyword_match is not default.keyword_match:
            parts.append(MATCH[setting.keyword_match])
        parts.append(RANK[setting.keyword_rank])
        if setting.label_weights is not None:
            parts.append(f"labels {written_label_weights(setting.label_weights)}")
        if setting.text_config not in (None, ""):
            parts.append(str(setting.text_config))
        if setting.keyword_rank is KeywordRank.BM25:
            for name, value, usual in (
                ("k1", setting.bm25_k1, default.bm25_k1),
                ("b", setting.bm25_b, default.bm25_b),
            ):
                if value != usual:
                    parts.append(f"{name} {value:g}")
    if setting.mode is not Mode.KEYWORD:
        parts += _vector_parts(setting, context)
    return " · ".join(parts)


def _vector_parts(setting: SearchRequest, context: Context) -> list[str]:
    parts = []
    if setting.metric not in (None, context.collection.metric):
        parts.append(setting.metric.label if setting.metric else "")
    if setting.max_distance is not None:
        parts.append(f"distance up to {setting.max_distance:g}")
    if setting.exact or not context.indexes:
        return [*parts, "exact"]
    parts.append("index")
    if context.has_hnsw and setting.ef_search is not None:
        parts.append(f"ef_search {setting.ef_search}")
    if context.has_ivfflat and setting.probes is not None:
        parts.append(f"probes {setting.probes}")
    if setting.iterative_scan is not IterativeScan.OFF:
        parts.append(f"iterative, {SCAN[setting.iterative_scan.value]}")
    return parts


def setting_popover(letter: str, context: Context) -> None:
    """Draw a setting's line; its knobs are drawn when it is opened."""
    setting = compare_state.read(letter)
    with st.container(
        horizontal=True,
        vertical_alignment="center",
        gap="small",
        wrap=False,
        key=compare_state.key(letter, "setting"),
    ):
        # With another label it would be another popover, and close at every step of a knob.
        opened = st.popover(
            f"**{letter.upper()}**",
            key=compare_state.key(letter, "popover"),
            icon=":material/tune:",
            on_change="rerun",
            help=f"The knobs of setting {letter.upper()}",
        )
        st.markdown(f":small[:gray[{plain(summary(setting, context))}]]")
    if opened.open:
        with opened:
            _knobs(letter, setting, context)


def _knobs(letter: str, setting: SearchRequest, context: Context) -> None:
    st.segmented_control(
        "Mode",
        list(MODES),
        format_func=lambda item: MODES[item],
        key=_begin(letter, "mode", setting.mode.value),
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        width="stretch",
    )
    if setting.mode is Mode.HYBRID:
        _fusion_knobs(letter, setting)
    if setting.mode is not Mode.SEMANTIC:
        _word_knobs(letter, setting, context)
    if setting.mode is not Mode.KEYWORD:
        _vector_knobs(letter, setting, context)
    with st.container(horizontal=True):
        st.button(
            "Defaults",
            key=compare_state.key(letter, "reset"),
            type="tertiary",
            icon=":material/restart_alt:",
            on_click=compare_state.write,
            args=(letter, replace(compare_state.DEFAULT, mode=setting.mode)),
            help="All knobs of this setting back to pgvista's defaults; the mode stays",
        )
        if st.button(
            "Open in Search",
            key=compare_state.key(letter, "open"),
            type="tertiary",
            icon=":material/search:",
            help="The page Search with this setting and this question",
        ):
            _open_in_search(setting, context)


def _fusion_knobs(letter: str, setting: SearchRequest) -> None:
    _select(
        letter,
        "fusion",
        "Fusion",
        FUSION,
        setting.fusion.value,
        "RRF adds weight / (k + rank); by coverage, a hit by words counts by how much of the query it "
        "covers. The others add weighted scores, brought to one scale by the "
        "lowest and highest of each list (min-max), by its mean and standard deviation (z-score), "
        f"or by mean ± 3 standard deviations (DBSF). Default: {FUSION[compare_state.DEFAULT.fusion]}.",
    )
    if setting.fusion.has_k:
        _sliders(letter, "k", "depth")
    else:
        _sliders(letter, "depth")
    _sliders(letter, "ws", "wk")


def _word_knobs(letter: str, setting: SearchRequest, context: Context) -> None:
    default = compare_state.DEFAULT
    left, right = st.columns(2)
    with left:
        _select(
            letter,
            "match",
            "Match",
            {item.value: label for item, label in MATCH.items()},
            setting.keyword_match.value,
            "Any word: a row with at least one of them. Every word: websearch syntax, "
            '"phrases", or, -without. Phrase: one after the other. Last word goes on: while typing. '
            f"Near spelling: words spelled alike too. Default: {MATCH[default.keyword_match]}.",
        )
    ranks = ranks_of(context.collection)
    ranks.setdefault(setting.keyword_rank.value, RANK[setting.keyword_rank])
    with right:
        _select(
            letter,
            "rank",
            "Rank by",
            ranks,
            setting.keyword_rank.value,
            "BM25 counts rare words more; ts_rank counts how often words occur; ts_rank_cd also how "
            f"close they stand. Default: {RANK[default.keyword_rank]}.",
        )
    stored = context.collection.text_config
    languages = {item: item for item in (setting.text_config, *context.languages) if item}
    languages.pop(stored, None)
    _select(
        letter,
        "language",
        "Language",
        {AUTO: stored} | languages,
        setting.text_config or AUTO,
        "Text-search configuration of the query. Another one than the collection's, which stands "
        "first, is computed for every row, without BM25.",
    )
    if context.has_labels and setting.keyword_rank is not KeywordRank.EXTENSION:
        label_knob(compare_state.key(letter, "labels"), setting.keyword_rank)
    if setting.keyword_rank is KeywordRank.BM25:
        _sliders(letter, "k1", "b")
    elif setting.keyword_rank is not KeywordRank.EXTENSION:
        options = {int(number): label for number, label in NORMALIZATIONS.items()}
        options.setdefault(setting.rank_normalization, f"bit mask {setting.rank_normalization}")
        st.selectbox(
            "Divided by",
            list(options),
            format_func=lambda item: options[item],
            key=_begin(letter, "norm", setting.rank_normalization),
            persist_state="session",
            help="How long texts are held back. Default: 1 + log(length).",
        )


def _vector_knobs(letter: str, setting: SearchRequest, context: Context) -> None:
    if context.indexes:
        st.toggle(
            "Exact",
            key=_begin(letter, "exact", setting.exact),
            persist_state="session",
            help="Compare every row with the query and use no vector index. Default: off.",
        )
    if context.has_hnsw:
        asked = setting.list_depth if setting.mode is Mode.HYBRID else compare_state.limit()
        slider(compare_state.follow_depth(letter, asked), disabled=setting.exact)
    if context.has_ivfflat:
        slider(compare_state.knob(letter, "probes"), disabled=setting.exact)
    if context.indexes and st.session_state.get(compare_state.FILTER) and not setting.exact:
        _select(
            letter,
            "scan",
            "Iterative scan",
            SCAN,
            setting.iterative_scan.value,
            "Let the index go on looking when the filter left too few rows. Default: off.",
        )
    own = context.collection.metric
    metrics = {AUTO: own.label} | {item.value: item.label for item in Metric if item is not own}
    found = AUTO if setting.metric in (None, own) else str(setting.metric)
    _select(
        letter,
        "metric",
        "Metric",
        metrics,
        found,
        "How distance is measured. An index serves the metric it was built for alone.",
    )
    st.number_input(
        "Max. distance",
        key=_begin(letter, "threshold", setting.max_distance),
        value=None,
        step=0.05,
        format="%.2f",
        placeholder="none",
        persist_state="session",
        help="Threshold: rows farther than this are left out. Default: none.",
    )


def _sliders(letter: str, *names: str) -> None:
    """Draw sliders beside each other."""
    for place, name in zip(st.columns(len(names)), names, strict=True):
        with place:
            slider(compare_state.knob(letter, name))


def _select(
    letter: str, name: str, label: str, options: dict[str, str], value: str, help: str
) -> None:
    st.selectbox(
        label,
        list(options),
        format_func=lambda item: options[item],
        key=_begin(letter, name, value),
        persist_state="session",
        help=help,
    )


def _begin(letter: str, name: str, value: object) -> str:
    """Let a widget begin with a value; return its key."""
    place = compare_state.key(letter, name)
    if st.session_state.get(place) != value:
        st.session_state[place] = value
    return place


def _open_in_search(setting: SearchRequest, context: Context) -> None:
    """Go to the page Search with a setting's knobs, the filter, and the question."""
    state = st.session_state
    state["search_text"] = state.get(compare_state.TEXT) or ""
    parts = {"search_mode": setting.mode.value} | compare_state.named(setting, "search_")
    if compare_state.limit() != compare_state.LIMIT.default:
        parts["search_limit"] = str(compare_state.limit())
    if text := state.get(compare_state.FILTER):
        parts["search_filter"] = text
    if (row_id := compare_state.similar_to(context.collection)) is not None:
        parts["search_similar"] = row_id
    go("search", collection=context.collection.name, **parts)
