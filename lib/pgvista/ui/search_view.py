"""The search page: one line of question, one line of state, hits left, knobs right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.collection import Collection
from pgvista.model.search import Mode, SearchResult
from pgvista.ui import search_knobs, search_request
from pgvista.ui import search_parts as parts
from pgvista.ui.components.hits import HitAction, hit_list
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


@dataclass(slots=True)
class _Shown:
    """What was found, for the parts that are drawn after the hits."""

    asked: Asked
    answer: Answer
    ledger: Ledger | None = None


@st.fragment(key=parts.PAGE)
def search_view(
    db: Database, context: Context, embedder: ModelEmbedder | None, examples: tuple[str, ...]
) -> None:
    """Draw question, knobs and hits; a moved knob repaints the parts that it has a say in."""
    asked = what_is_asked(context)
    shown = _Shown(asked, Answer())
    status = question(context)
    left, right = columns(wide=asked.sides)
    with left:
        _found(db, context, embedder, examples, shown)
    with status:
        _told(shown)
    with right:
        if asked.mode is Mode.HYBRID:
            _fusion(asked.mode)
        if asked.mode is not Mode.KEYWORD:
            _vectors(context, shown)
        elif context.has_words:
            _words(context, asked.mode)
        _explained(context.collection, shown)
        if asked.mode is Mode.HYBRID:
            _words(context, asked.mode)
        _limit(asked.mode)


@st.fragment(key=parts.FOUND)
def _found(
    db: Database,
    context: Context,
    embedder: ModelEmbedder | None,
    examples: tuple[str, ...],
    shown: _Shown,
) -> None:
    """Search, and draw the hits, with what is said of them above; the other parts read `shown`."""
    shown.asked = asked = what_is_asked(context)
    with st.container():  # where a server that must be started again says so
        shown.answer = answer = find(Search(db, context.collection, embedder), context, asked)
    shown.ledger, moves = _what_moved(context.collection, answer)
    with st.container(key="search_above", gap="small"):
        _say_first(context.collection, asked, answer)
        if answer.waits and embedder is not None:
            show_waiting(embedder, meanwhile=answer.result is not None)
        if answer.request is not None and answer.error is None and wants_plan():
            show_plan(db, context.collection, answer.request, embedder)
        if shown.ledger is not None and wants_ledger():
            show_ledger(context.collection, shown.ledger, moves.before, moves.since)
    with st.container(key="search_below"):
        if asked.nothing or context.is_empty:
            start(db, context, examples)
        elif answer.error is not None:
            show_error(answer.error)
        elif answer.sides:
            _side_by_side(context.collection, answer)
        elif answer.request is not None and answer.result is not None:
            _hits(context.collection, answer.result, answer.request.mode, shown.ledger, moves)
            if context.collection.model is None and not answer.result.hits:
                start_from_row(db, context.collection)
    if embedder is None or embedder.loading_state != "loading":
        set_aside()


@st.fragment(key=parts.STATUS)
def _told(shown: _Shown) -> None:
    st.markdown(_status(shown.answer), text_alignment="right")


@st.fragment(key=parts.FUSION)
def _fusion(mode: Mode) -> None:
    search_knobs.fusion_knobs(parts.draw_anew(parts.FUSION), parts.draw_anew(parts.FUSION, mode))


@st.fragment(key=parts.VECTORS)
def _vectors(context: Context, shown: _Shown) -> None:
    asked, answer = shown.asked, shown.answer
    changed = parts.draw_anew(parts.VECTORS)
    search_knobs.vector_knobs(
        context, asked.mode, answer.request, answer.result, answer.recall, changed
    )


@st.fragment(key=parts.WORDS)
def _words(context: Context, mode: Mode) -> None:
    search_knobs.keyword_knobs(context, parts.draw_anew(parts.WORDS, mode))


@st.fragment(key=parts.LIMIT)
def _limit(mode: Mode) -> None:
    search_knobs.limit_knob(parts.draw_anew(parts.LIMIT, mode))


@st.fragment(key=parts.EXPLAINED)
def _explained(collection: Collection, shown: _Shown) -> None:
    result = shown.answer.result
    if result is not None:
        again = is_fused_again(result)
        explained(
            collection,
            result,
            "from the lists" if again else "hybrid" if shown.asked.sides else "",
            no_ledger=_why_no_ledger(shown),
            changed=parts.draw_anew(parts.EXPLAINED),
        )


def _why_no_ledger(shown: _Shown) -> str:
    """Return why there is no ledger; empty where there is one."""
    if shown.ledger is not None:
        return ""
    if shown.answer.waits and shown.asked.mode is Mode.HYBRID:
        return "It comes once the model is loaded."
    return "Hybrid search has one."


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
                on_click=_back,
                args=(collection,),
            )


def _back(collection: Collection) -> None:
    search_request.ask_similar(collection, None)
    parts.draw_page()


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
    def ask_similar(pressed: HitAction) -> None:
        search_request.ask_similar(collection, pressed.id)
        parts.draw_page()

    hit_list(result, key=key, mode=mode, actions=("similar",), on_action=ask_similar, **more)


def _side_by_side(collection: Collection, answer: Answer) -> None:
    """Draw the three modes' hits beside each other."""
    for place, (mode, result) in zip(
        st.columns(3, gap="medium"), answer.sides.items(), strict=True
    ):
        with place:
            count = f"{len(result.hits)} hits · {result.timings_ms['total']:.0f} ms"
            st.markdown(f"**{LABELS[mode]}** :small[:gray[{count}]]")
            _hit_list(collection, result, f"search_hits_{mode.value}", mode)


def _status(answer: Answer) -> str:
    request, result = answer.request, answer.result
    if request is None or result is None:
        return ""
    found = len(result.hits)
    hits = f"{found} of {request.limit} hits" if found < request.limit else f"{found} hits"
    lists = [f"{n:,}" for n in (result.semantic_rows, result.keyword_rows) if n is not None]
    candidates = f" · {' + '.join(lists)} candidates" if request.mode is Mode.HYBRID else ""
    total = result.timings_ms["total"]
    took = f"recomputed in {milliseconds(total)}" if is_fused_again(result) else f"{total:.0f} ms"
    return f":gray[{hits}{candidates} · {took}]"
