"""The knobs beside the hits: fusion, vectors, words, filter; each says what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.label_weights import (
    BM25_LABEL_WEIGHTS,
    TS_RANK_LABEL_WEIGHTS,
    parse_label_weights,
    written_label_weights,
)
from pgvista.model.metric import Metric
from pgvista.model.search import (
    Fusion,
    IterativeScan,
    KeywordMatch,
    KeywordRank,
    Mode,
    SearchRequest,
    SearchResult,
)
from pgvista.ui import search_request as knobs
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import plain
from pgvista.ui.filter_builder import filter_button, filter_chips, known_keys
from pgvista.ui.filter_place import Bar
from pgvista.ui.search_names import FUSION, MATCH, RANK, against_recipe, index_sentence, ranks_of
from pgvista.ui.state import link

_SCAN = {
    IterativeScan.OFF.value: "off",
    IterativeScan.STRICT.value: "strict order",
    IterativeScan.RELAXED.value: "relaxed order",
}

FILTER = Bar("search_filter")
"""The filter, where `search_request` reads it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the knobs depend on."""

    collection: Collection
    indexes: tuple[IndexInfo, ...]
    """The collection's valid vector indexes."""
    languages: tuple[str, ...]
    db: Database
    rows: str
    """How many rows it has, as told: ``233 rows``."""
    is_empty: bool

    @property
    def filter_keys(self) -> tuple[str, ...]:
        """Columns, and keys within the metadata; read when asked for, and kept for a minute."""
        roles = self.collection.roles
        try:
            keys = known_keys(self.db, self.collection)
        except PgvistaError:
            return tuple(column.name for column in self.collection.columns)
        return tuple(key.name for key in keys if key.name not in (roles.id, roles.content))

    @property
    def has_words(self) -> bool:
        """Whether there is text to find words in."""
        roles = self.collection.roles
        return roles.content is not None or roles.fts is not None

    @property
    def has_labels(self) -> bool:
        """Whether words may carry setweight labels: a foreign table's are not known."""
        bm25 = self.collection.bm25
        return self.has_words and (
            self.collection.roles.fts is not None if bm25 is None else bm25.labelled
        )

    @property
    def has_hnsw(self) -> bool:
        """Whether an HNSW index is there."""
        return any(index.method == "hnsw" for index in self.indexes)

    @property
    def has_ivfflat(self) -> bool:
        """Whether an IVFFlat index is there."""
        return any(index.method == "ivfflat" for index in self.indexes)


def slider(
    knob: knobs.Knob,
    note: str | None = None,
    *,
    disabled: bool = False,
    on_change: Callable[[], None] | None = None,
) -> None:
    """Draw a knob; its value is read through `search_request.value`."""
    live_slider(
        knob.label,
        key=knob.key,
        minimum=knob.minimum,
        maximum=knob.maximum,
        value=knobs.default(knob),
        step=knob.step,
        log=knob.log,
        format=knob.format,
        help=knob.help,
        note=note,
        disabled=disabled,
        on_change=on_change,
    )


def fusion_knobs(changed: Callable[[], None], deepened: Callable[[], None]) -> None:
    """Draw how the two lists become one; `deepened` is called where the lists themselves change."""
    with st.container(border=True, key="search_card_fusion", gap="xsmall"):
        st.markdown("**Fusion**")
        st.selectbox(
            "Method",
            [item.value for item in Fusion],
            key="search_fusion",
            format_func=lambda item: FUSION[Fusion(item)],
            index=_index("search_fusion", [item.value for item in Fusion]),
            label_visibility="collapsed",
            persist_state="session",
            on_change=changed,
            help="What the two lists add up. RRF: weight / (k + rank), scores aside. RRF by coverage: "
            "a hit by words counts by how much of the query it covers, so that rows which share "
            "only a common word with it do not push away those near by meaning. Min-max: scores "
            "brought to 0..1 by the lowest and highest of each list. Z-score: standard deviations "
            "from the list's mean. Distribution: 0..1 by the mean and 3 standard deviations. "
            "Default: RRF by coverage.",
        )
        ranked = Fusion(knobs.choice("search_fusion")).has_k
        note = None if ranked else "RRF alone has a k"
        slider(knobs.RRF_K, note, disabled=not ranked, on_change=changed)
        slider(knobs.SEMANTIC_WEIGHT, on_change=changed)
        slider(knobs.KEYWORD_WEIGHT, on_change=changed)
        slider(knobs.DEPTH, on_change=deepened)


def keyword_knobs(context: Context, changed: Callable[[], None]) -> None:
    """Draw how words match and rank."""
    with st.container(border=True, key="search_card_words", gap="xsmall"):
        st.markdown("**Words**")
        left, right = st.columns(2)
        left.selectbox(
            "Match",
            [item.value for item in KeywordMatch],
            key="search_match",
            format_func=lambda item: MATCH[KeywordMatch(item)],
            index=_index("search_match", [item.value for item in KeywordMatch]),
            persist_state="session",
            on_change=changed,
            help="Which rows match. Any word: at least one of the words. Every word: the syntax of "
            'websearch_to_tsquery, with "phrases", or, -without. Phrase: one word after the other. '
            "Last word goes on: as any word, while typing. Near spelling: as any word, and words "
            "that no row has are taken for those spelled alike. Default: any word.",
        )
        ranks = ranks_of(context.collection)
        chosen = KeywordRank(knobs.choice("search_rank"))
        ranks.setdefault(chosen, RANK[chosen])  # of an index that is gone: the search says so
        right.selectbox(
            "Rank by",
            list(ranks),
            key="search_rank",
            format_func=lambda item: ranks[item],
            index=_index("search_rank", list(ranks)),
            persist_state="session",
            on_change=changed,
            help="BM25: rare words count more than common ones, and repetition less each time. "
            "ts_rank counts how often the words occur, ts_rank_cd also how close they stand; "
            "neither knows what is rare. An extension for BM25 ranks by its own index, where there "
            f"is one. Default: {RANK[knobs.DEFAULTS['keyword_rank']]}.",
        )
        rank = KeywordRank(knobs.choice("search_rank"))
        if rank is KeywordRank.BM25:
            slider(knobs.BM25_K1, on_change=changed)
            slider(knobs.BM25_B, on_change=changed)
            language = st.container()
        elif rank is KeywordRank.EXTENSION:
            language = st.container()
        else:
            language, norm = st.columns(2)
            norm.selectbox(
                "Divided by",
                list(knobs.NORMALIZATIONS),
                key="search_norm",
                format_func=lambda item: knobs.NORMALIZATIONS[item],
                index=_index("search_norm", list(knobs.NORMALIZATIONS)),
                persist_state="session",
                on_change=changed,
                help="How long texts are held back. Default: 1 + log(length).",
            )
        if context.has_labels and rank is not KeywordRank.EXTENSION:
            label_knob("search_labels", rank, changed)
        stored = context.collection.text_config
        language.selectbox(
            "Language",
            _offered("search_language", (item for item in context.languages if item != stored)),
            key="search_language",
            persist_state="session",
            on_change=changed,
            format_func=lambda item: stored if item == knobs.AUTO else item,
            help="Text-search configuration of the query. Another one than the collection's, which "
            "stands first, is computed for every row: slow on large tables.",
        )
        match = KeywordMatch(knobs.choice("search_match"))
        by_index = rank is KeywordRank.EXTENSION and context.collection.bm25_index is not None
        said = index_sentence(context.collection) if by_index else against_recipe(match, rank)
        if knobs.has_own():
            said += " Knobs begin at this collection's own settings, chosen on the page Evaluate."
        st.markdown(f":small[:gray[{plain(said)}]]")
        tables = context.collection.bm25
        if match is KeywordMatch.NEAR and tables is not None and tables.trigram_schema is None:
            link(
                "collections",
                "Allow near spelling",
                icon=":material/spellcheck:",
                collection=context.collection.name,
            )


def label_knob(key: str, rank: KeywordRank, changed: Callable[[], None] | None = None) -> None:
    """Draw what a word counts by its label; what cannot be read is said beneath."""
    usual = BM25_LABEL_WEIGHTS if rank is KeywordRank.BM25 else TS_RANK_LABEL_WEIGHTS
    st.text_input(
        "Label weights",
        key=key,
        placeholder=written_label_weights(usual),
        persist_state="session",
        on_change=changed,
        help="What a word counts by its setweight label A, B, C and D: four numbers, 0 to 100. "
        f"Default: {written_label_weights(usual)}.",
    )
    try:
        parse_label_weights(st.session_state.get(key) or "")
    except InvalidInput as error:
        st.markdown(f":small[:red[{plain(error.message)} {plain(error.hint)}]]")


def _index(key: str, options: list[str]) -> int:
    """Return the place of a list's default, where nothing is chosen yet."""
    default = knobs.default_choice(key)
    return 0 if key in st.session_state or default not in options else options.index(default)


def vector_knobs(
    context: Context,
    mode: Mode,
    request: SearchRequest | None,
    result: SearchResult | None,
    recall: float | None,
    changed: Callable[[], None],
) -> None:
    """Draw what decides about nearest neighbours, and what it gave where a search was run."""
    with st.container(border=True, key="search_card_vectors", gap="xsmall"):
        names = ", ".join(_index_title(index) for index in context.indexes)
        st.markdown(f"**Index · {names}**" if names else "**Vectors · no index**")
        exact = bool(knobs.choice("search_exact"))
        if context.has_hnsw:
            limit = int(knobs.value(knobs.LIMIT))
            note = None if recall is None else f"recall@{limit} {recall:.2f}"
            slider(knobs.follow_depth(mode), note, disabled=exact, on_change=changed)
        if context.has_ivfflat:
            note = None if context.has_hnsw or recall is None else f"recall {recall:.2f}"
            slider(knobs.PROBES, note, disabled=exact, on_change=changed)
        st.markdown(f":small[:gray[{_what_it_gave(context, request, result)}]]")
        if context.indexes:
            switches = st.container(horizontal=True, gap="medium")
            switches.toggle(
                "Exact",
                key="search_exact",
                persist_state="session",
                on_change=changed,
                help="Compare every row with the query and use no vector index. Default: off.",
            )
            switches.toggle(
                "Recall",
                key="search_recall",
                persist_state="session",
                on_change=changed,
                help="Run the exact search too, and tell the part of its hits that the index "
                "found. It takes the time of the exact search on top. Default: off.",
            )
            if request is not None and request.filters is not None and not exact:
                st.selectbox(
                    "Iterative scan",
                    list(_SCAN),
                    format_func=lambda item: _SCAN[item],
                    key="search_scan",
                    persist_state="session",
                    on_change=changed,
                    help="Let the index go on looking when the filter left too few rows. IVFFlat "
                    "knows the relaxed order alone. Default: off.",
                )
        left, right = st.columns(2)
        own = context.collection.metric
        left.selectbox(
            "Metric",
            _offered("search_metric", (item.value for item in Metric if item is not own)),
            key="search_metric",
            persist_state="session",
            on_change=changed,
            format_func=lambda item: own.label if item == knobs.AUTO else Metric(item).label,
            help="How distance is measured. An index serves the metric it was built for alone.",
        )
        right.number_input(
            "Max. distance",
            key="search_threshold",
            value=None,
            step=0.05,
            format="%.2f",
            placeholder="none",
            persist_state="session",
            on_change=changed,
            help="Threshold: rows farther than this are left out. Default: none.",
        )


def limit_knob(changed: Callable[[], None]) -> None:
    """Draw how many hits are wanted."""
    with st.container(border=True, key="search_card_limit"):
        slider(knobs.LIMIT, on_change=changed)


def filter_knob(context: Context) -> None:
    """Draw the button that opens the filter; `filter_row` draws its conditions."""
    filter_button(context.db, context.collection, FILTER)


def filter_row() -> None:
    """Draw the filter's conditions, where there is one."""
    filter_chips(FILTER)


def _offered(key: str, others: Iterable[str]) -> list[str]:
    """Return the options of a list, the collection's own first; another's choice is forgotten."""
    options = [knobs.AUTO, *others]
    if st.session_state.get(key, knobs.AUTO) not in options:
        st.session_state[key] = knobs.AUTO
    return options


def _what_it_gave(
    context: Context, request: SearchRequest | None, result: SearchResult | None
) -> str:
    if result is None or request is None or result.plan is None:
        return "Ask something to see how it is found."
    if result.plan.vector_index:
        used = "Index used."
    else:
        used = (
            "Every row compared." if not context.indexes else "Index not used: every row compared."
        )
    if result.semantic_rows is None:
        return used
    return f"{used} {request.rows_asked:,} rows asked, {result.semantic_rows:,} got."


def _index_title(index: IndexInfo) -> str:
    options = ", ".join(f"{name} {value}" for name, value in index.options.items())
    return f"{index.method} ({options})" if options else index.method
