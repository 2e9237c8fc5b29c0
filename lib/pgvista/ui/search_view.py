"""The search page: one line of question, one line of state, hits left, knobs right."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import PgvistaError
from pgvista.io.export import export_hits
from pgvista.model.collection import Collection
from pgvista.model.search import Mode, SearchRequest, SearchResult
from pgvista.services import search as search_service
from pgvista.ui import search_knobs, search_request
from pgvista.ui.components.hits import hit_list
from pgvista.ui.components.panels import empty_state, plan_panel, sql_panel, timings_bar
from pgvista.ui.errors import guarded, show_error
from pgvista.ui.search_knobs import Context

_LABELS = {Mode.SEMANTIC: "Semantic", Mode.KEYWORD: "Keyword", Mode.HYBRID: "Hybrid"}
_HINTS = {
    Mode.SEMANTIC: "by meaning: the nearest vectors",
    Mode.KEYWORD: "by words: full-text search",
    Mode.HYBRID: "by both, fused by reciprocal rank",
}


@st.fragment
def search_view(
    db: Database, context: Context, embedder: Embedder | None, rows: str, examples: tuple[str, ...]
) -> None:
    """Draw question, knobs and hits; a moved knob repaints this part of the page alone."""
    collection = context.collection
    text = st.text_input(
        "Question",
        key="search_text",
        placeholder=f"Search {collection.name} by meaning, by words, or by both",
        label_visibility="collapsed",
        persist_state="session",
        live="400ms",
    )
    mode, status = _state_line(context, rows)
    similar = st.session_state.get("search_similar")
    if similar is not None and similar[0] != collection.name:
        similar = st.session_state["search_similar"] = None
    left, right = st.columns([0.69, 0.31], gap="medium")
    with right:
        if mode is Mode.HYBRID:
            search_knobs.fusion_knobs()
        vectors = st.container()
        if mode is not Mode.SEMANTIC:
            search_knobs.keyword_knobs(context)
        _list_knobs(context)
        explained = st.container()
    with left:
        banner = st.container()
        hits = st.container()
    if similar is not None:
        with banner:
            _similar_banner(similar[1])
    elif not text.strip():
        with vectors:
            _vector_knobs(context, mode, None, None)
        with hits:
            _ask(examples)
        return
    result = recall = None
    try:
        request = search_request.request(
            mode, text or "similar", has_hnsw=context.has_hnsw, has_ivfflat=context.has_ivfflat
        )
        if similar is not None:
            result = search_service.similar(db, collection, similar[1], request)
        elif st.session_state.get("search_sides"):
            with hits:
                _side_by_side(db, collection, request, embedder)
        else:
            result = search_service.search(
                db, collection, request, embedder=embedder, plan="estimate"
            )
        if result is not None and st.session_state.get("search_recall") and context.indexes:
            recall = _recall(db, collection, request, result, similar, embedder)
    except PgvistaError as error:
        with hits:
            show_error(error)
    with vectors:
        _vector_knobs(context, mode, recall, _index_used(result))
    if result is None:
        return
    shown = Mode.SEMANTIC if similar is not None else mode
    status.markdown(_status(result, shown), text_alignment="right")
    with hits:
        _hits(collection, result, shown)
    with explained:
        _explained(db, collection, request, result, embedder, similar)


def _state_line(context: Context, rows: str) -> tuple[Mode, st.delta_generator.DeltaGenerator]:
    collection = context.collection
    choose, say, status = st.columns([0.3, 0.42, 0.28], vertical_alignment="center")
    with choose:
        chosen = st.segmented_control(
            "Mode",
            [mode.value for mode in Mode],
            format_func=lambda item: _LABELS[Mode(item)],
            key="search_mode",
            required=True,
            default=None if "search_mode" in st.session_state else Mode.HYBRID.value,
            label_visibility="collapsed",
            persist_state="session",
        )
    mode = Mode(chosen or Mode.HYBRID)
    model = collection.model or "own vectors"
    say.markdown(
        f":gray[{collection.name} · {rows} · {model} · {collection.metric.label}]",
        help=f"{_LABELS[mode]}: {_HINTS[mode]}.",
    )
    return mode, status.empty()


def _list_knobs(context: Context) -> None:
    with st.container(border=True):
        search_knobs.slider(search_request.LIMIT)
        search_knobs.filter_knob(context)
        st.toggle(
            "Three modes side by side",
            key="search_sides",
            persist_state="session",
            help="Semantic, keyword and hybrid for the same question. Default: off.",
        )


def _vector_knobs(context: Context, mode: Mode, recall: float | None, used: str | None) -> None:
    if mode is not Mode.KEYWORD:
        with guarded():
            search_knobs.vector_knobs(context, mode, recall, used)


def _ask(examples: tuple[str, ...]) -> None:
    empty_state(
        "Ask something",
        "Type a question above. Meaning finds other words for the same thing; words find codes and "
        "names.",
        key="search_empty",
    )
    if examples:
        with st.container(horizontal=True):
            for example in examples:
                st.button(
                    example,
                    key=f"search_example_{example}",
                    on_click=lambda text=example: st.session_state.update(search_text=text),
                )


def _similar_banner(row_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Rows nearest to **`{row_id}`**, by its own vector")
        st.button(
            "Back to the question",
            key="search_similar_close",
            type="tertiary",
            icon=":material/close:",
            on_click=lambda: st.session_state.update(search_similar=None),
        )


def _hits(collection: Collection, result: SearchResult, mode: Mode) -> None:
    places = {hit.id: rank for rank, hit in enumerate(result.hits, 1)}
    state = st.session_state
    question = (collection.name, state.get("search_text"), state.get("search_similar"))
    before = st.session_state.get("_search_places")
    moved = None
    if before is not None and before[0] == question:
        moved = {key: before[1][key] - rank for key, rank in places.items() if key in before[1]}
    action = hit_list(result, key="search_hits", mode=mode, actions=("similar",), moved=moved)
    if before is None or before[1] != places or before[0] != question:
        st.session_state["_search_places"] = (question, places)
    if action is not None and action.kind == "similar":
        st.session_state["search_similar"] = (collection.name, action.id)
        st.rerun(scope="fragment")


def _side_by_side(
    db: Database, collection: Collection, request: SearchRequest, embedder: Embedder | None
) -> None:
    for place, mode in zip(st.columns(3, gap="medium"), Mode, strict=True):
        with place:
            st.markdown(f"**{_LABELS[mode]}** :gray[{_HINTS[mode]}]")
            with guarded():
                result = search_service.search(
                    db, collection, replace(request, mode=mode), embedder=embedder
                )
                st.caption(_status(result, mode))
                hit_list(result, key=f"search_hits_{mode.value}", mode=mode, actions=())


def _recall(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    result: SearchResult,
    similar: tuple[str, str] | None,
    embedder: Embedder | None,
) -> float:
    """Return the part of the exact search's nearest rows that the index found too."""
    nearest = replace(request, mode=Mode.SEMANTIC, exact=True)
    approximate = replace(request, mode=Mode.SEMANTIC)
    if similar is not None:
        truth = search_service.similar(db, collection, similar[1], nearest)
        found = result
    else:
        truth = search_service.search(db, collection, nearest, embedder=embedder)
        found = search_service.search(db, collection, approximate, embedder=embedder)
    wanted = {hit.id for hit in truth.hits}
    return len(wanted & {hit.id for hit in found.hits}) / len(wanted) if wanted else 1.0


def _index_used(result: SearchResult | None) -> str | None:
    if result is None or result.plan is None:
        return None
    used = "Index used." if result.plan.vector_index else "Index not used: every row compared."
    return f"{used} {result.semantic_rows} rows got." if result.semantic_rows is not None else used


def _status(result: SearchResult, mode: Mode) -> str:
    lists = [str(n) for n in (result.semantic_rows, result.keyword_rows) if n is not None]
    candidates = f" · {' + '.join(lists)} candidates" if mode is Mode.HYBRID else ""
    return f":gray[{len(result.hits)} hits{candidates} · {result.timings_ms['total']:.0f} ms]"


def _explained(
    db: Database,
    collection: Collection,
    request: SearchRequest,
    result: SearchResult,
    embedder: Embedder | None,
    similar: tuple[str, str] | None,
) -> None:
    with st.container(border=True):
        st.markdown("**Where the time went**")
        timings_bar(result.timings_ms)
    with st.container(border=True):
        shown = st.segmented_control(
            "Explain",
            ["SQL", "Plan", "Share"],
            key="search_explain",
            required=True,
            default=None if "search_explain" in st.session_state else "SQL",
            label_visibility="collapsed",
            persist_state="session",
        )
        if shown == "Plan" and similar is None:
            with guarded():
                plan_panel(search_service.explain(db, collection, request, embedder=embedder))
        elif shown == "Share":
            _share(collection, result)
        else:
            sql_panel(result.sql)


def _share(collection: Collection, result: SearchResult) -> None:
    with_text = st.checkbox(
        "with the question", key="search_share_text", help="The question is then in the address."
    )
    st.code(
        search_request.permalink(collection, with_text=with_text), language=None, wrap_lines=True
    )
    with st.container(horizontal=True):
        for kind in ("csv", "json", "parquet"):
            st.download_button(
                kind.upper() if kind != "parquet" else "Parquet",
                data=partial(export_hits, result, kind),
                file_name=f"{collection.table}-hits.{kind}",
                key=f"search_download_{kind}",
                on_click="ignore",
            )
