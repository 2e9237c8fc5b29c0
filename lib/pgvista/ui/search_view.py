"""The search page: one line of question, one line of state, hits left, knobs right."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.collection import Collection
from pgvista.model.search import Mode, SearchRequest, SearchResult
from pgvista.ui import search_knobs, search_request
from pgvista.ui.components.hits import hit_list
from pgvista.ui.components.panels import milliseconds
from pgvista.ui.errors import plain, show_error
from pgvista.ui.garbage import set_aside
from pgvista.ui.search_ask import (
    Answer,
    Asked,
    Search,
    find,
    is_fused_again,
    what_is_asked,
)
from pgvista.ui.search_explained import explained, show_plan, wants_plan
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_ledger import Ledger, make_ledger, show_ledger, wants_ledger
from pgvista.ui.search_moves import Moves, remember
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
    ledger, moves = _what_moved(context.collection, answer)
    status = question(context)
    left, right = columns(wide=asked.sides)
    with left:
        with st.container(key="search_above", gap="small"):
            _say_first(context.collection, asked, answer)
            if answer.waits and embedder is not None:
                show_waiting(embedder, meanwhile=answer.result is not None)
            if answer.request is not None and answer.error is None and wants_plan():
                show_plan(db, context.collection, answer.request, embedder)
            if ledger is not None and wants_ledger():
                show_ledger(context.collection, ledger, moves.before, moves.since)
        with st.container(key="search_below"):
            if asked.nothing or context.is_empty:
                start(db, context, examples)
            elif answer.error is not None:
                show_error(answer.error)
            elif answer.sides:
                _side_by_side(context.collection, answer)
            elif answer.request is not None and answer.result is not None:
                _hits(context.collection, answer.result, answer.request.mode, ledger, moves)
                if context.collection.model is None and not answer.result.hits:
                    start_from_row(db, context.collection)
    if answer.request is not None and answer.result is not None:
        status.markdown(_status(answer.request, answer.result), text_alignment="right")
    with right:
        _knobs(context, asked, answer, ledger is not None)
    if embedder is None or embedder.loading_state != "loading":
        set_aside()


def _knobs(context: Context, asked: Asked, answer: Answer, has_ledger: bool) -> None:
    """Draw the knobs of the mode, and what explains the result after those that are moved most."""
    if asked.mode is Mode.HYBRID:
        search_knobs.fusion_knobs()
    if asked.mode is not Mode.KEYWORD:
        search_knobs.vector_knobs(context, asked.mode, answer.request, answer.result, answer.recall)
    elif context.has_words:
        search_knobs.keyword_knobs(context)
    with st.container():  # kept while there is no result, so that what follows stays mounted
        if answer.result is not None:
            again = is_fused_again(answer.result)
            title = "from the lists" if again else "hybrid" if asked.sides else ""
            explained(context.collection, answer.result, title, ledger=has_ledger)
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


def _what_moved(collection: Collection, answer: Answer) -> tuple[Ledger | None, Moves]:
    """Return the ledger of a hybrid search, and where the rows stood under the last setting."""
    request, result, state = answer.request, answer.result, st.session_state
    if request is None or result is None or answer.error is not None:
        return None, Moves()
    ledger = make_ledger(collection, request, result)
    order = (
        {hit.id: place for place, hit in enumerate(result.hits, 1)}
        if ledger is None
        else ledger.order
    )
    question = (collection.name, state.get(search_request.TEXT), state.get(search_request.SIMILAR))
    return ledger, remember(question, request, order)


def _hits(
    collection: Collection,
    result: SearchResult,
    mode: Mode,
    ledger: Ledger | None,
    moves: Moves,
) -> None:
    """Draw the hits, each with its sum and the places it has moved since the last setting."""
    more: dict[str, Any] = {}
    if ledger is not None:
        more = {"sums": ledger.sums(len(result.hits)), "head": ledger.asked}
    moved = moves.of({hit.id: place for place, hit in enumerate(result.hits, 1)})
    _hit_list(collection, result, "search_hits", mode, moved=moved, since=moves.since, **more)


def _hit_list(
    collection: Collection, result: SearchResult, key: str, mode: Mode, **more: Any
) -> None:
    action = hit_list(result, key=key, mode=mode, actions=("similar",), **more)
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
    total = result.timings_ms["total"]
    took = f"recomputed in {milliseconds(total)}" if is_fused_again(result) else f"{total:.0f} ms"
    return f":gray[{hits}{candidates} · {took}]"
