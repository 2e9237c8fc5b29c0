"""The search page: one line of question, one line of state, hits left, knobs right."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.collection import Collection
from pgvista.model.search import Mode, SearchRequest, SearchResult
from pgvista.ui import search_knobs, search_request
from pgvista.ui.components.hits import hit_list
from pgvista.ui.errors import plain, show_error
from pgvista.ui.garbage import set_aside
from pgvista.ui.search_ask import PLACES, Answer, Asked, Search, find, what_is_asked
from pgvista.ui.search_explained import explained, show_plan, wants_plan
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_question import LABELS, columns, question, start, start_from_row
from pgvista.ui.search_waiting import show_waiting


@st.fragment
def search_view(
    db: Database, context: Context, embedder: ModelEmbedder | None, examples: tuple[str, ...]
) -> None:
    """Draw question, knobs and hits; a moved knob repaints this part of the page alone."""
    asked = what_is_asked(context)
    with st.container():  # where a server that must be started again says so
        answer = find(Search(db, context.collection, embedder), context, asked)
    status = question(context)
    left, right = columns(wide=asked.sides)
    with left:
        with st.container(key="search_above", gap="small"):
            _say_first(context.collection, asked, answer)
            if answer.waits and embedder is not None:
                show_waiting(embedder, meanwhile=answer.result is not None)
            if answer.request is not None and answer.error is None and wants_plan():
                show_plan(db, context.collection, answer.request, embedder)
        with st.container(key="search_below"):
            if asked.nothing or context.is_empty:
                start(db, context, examples)
            elif answer.error is not None:
                show_error(answer.error)
            elif answer.sides:
                _side_by_side(context.collection, answer)
            elif answer.request is not None and answer.result is not None:
                _hits(context.collection, answer.result, answer.request.mode)
                if context.collection.model is None and not answer.result.hits:
                    start_from_row(db, context.collection)
    if answer.request is not None and answer.result is not None:
        status.markdown(_status(answer.request, answer.result), text_alignment="right")
    with right:
        _knobs(context, asked, answer)
    if embedder is None or embedder.loading_state != "loading":
        set_aside()


def _knobs(context: Context, asked: Asked, answer: Answer) -> None:
    """Draw the knobs of the mode, and what explains the result after those that are moved most."""
    if asked.mode is Mode.HYBRID:
        search_knobs.fusion_knobs()
    if asked.mode is not Mode.KEYWORD:
        search_knobs.vector_knobs(context, asked.mode, answer.request, answer.result, answer.recall)
    elif context.has_words:
        search_knobs.keyword_knobs(context)
    with st.container():  # kept while there is no result, so that what follows stays mounted
        if answer.result is not None:
            explained(context.collection, answer.result, "hybrid" if asked.sides else "")
    if asked.mode is Mode.HYBRID:
        search_knobs.keyword_knobs(context)
    search_knobs.limit_knob()


def _say_first(collection: Collection, asked: Asked, answer: Answer) -> None:
    if asked.note and answer.result is not None:
        st.info(asked.note, icon=":material/info:")
    if asked.similar is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="search_like"):
            st.markdown(
                f"Nearest to **{plain(asked.similar)}**, by its own vector", width="content"
            )
            st.button(
                "Back to the question" if asked.text.strip() else "Back",
                key="search_similar_close",
                type="tertiary",
                icon=":material/arrow_back:",
                on_click=search_request.ask_similar,
                args=(collection, None),
            )


def _hits(collection: Collection, result: SearchResult, mode: Mode) -> None:
    """Draw the hits, each with the places it has moved since their order changed last."""
    state = st.session_state
    question = (collection.name, state.get(search_request.TEXT), state.get(search_request.SIMILAR))
    order = {hit.id: rank for rank, hit in enumerate(result.hits, 1)}
    asked, before, now = state.get(PLACES) or (None, None, None)
    if asked != question or now is None:
        before, now = None, order
    elif any(now.get(key) != rank for key, rank in order.items()):
        before, now = now, order
    state[PLACES] = (question, before, now)
    moved = None
    if before is not None:
        moved = {key: before[key] - rank for key, rank in order.items() if key in before}
    _hit_list(collection, result, "search_hits", mode, moved)


def _hit_list(
    collection: Collection,
    result: SearchResult,
    key: str,
    mode: Mode,
    moved: dict[str, int] | None = None,
) -> None:
    action = hit_list(result, key=key, mode=mode, actions=("similar",), moved=moved)
    if action is None:
        return
    search_request.ask_similar(collection, action.id)
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # the whole page is being run
        st.rerun()


def _side_by_side(collection: Collection, answer: Answer) -> None:
    """Draw the three modes' hits beside each other."""
    for place, (mode, result) in zip(
        st.columns(3, gap="medium"), answer.sides.items(), strict=True
    ):
        with place:
            count = f"{len(result.hits)} hits · {result.timings_ms['total']:.0f} ms"
            st.markdown(f"**{LABELS[mode]}** :small[:gray[{count}]]")
            _hit_list(collection, result, f"search_hits_{mode.value}", mode)


def _status(request: SearchRequest, result: SearchResult) -> str:
    found = len(result.hits)
    hits = f"{found} of {request.limit} hits" if found < request.limit else f"{found} hits"
    lists = [f"{n:,}" for n in (result.semantic_rows, result.keyword_rows) if n is not None]
    candidates = f" · {' + '.join(lists)} candidates" if request.mode is Mode.HYBRID else ""
    return f":gray[{hits}{candidates} · {result.timings_ms['total']:.0f} ms]"
