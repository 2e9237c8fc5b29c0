"""The search page: one line of question, one line of state, hits left, knobs right.

The hits are drawn before the knobs, so that a moved knob shows in them as soon as they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import NotFound, PgvistaError, ServerUnavailable
from pgvista.model.collection import Collection
from pgvista.model.search import Mode, SearchRequest, SearchResult
from pgvista.services import search as search_service
from pgvista.ui import connection, search_knobs, search_request
from pgvista.ui.components.hits import hit_list
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.garbage import set_aside
from pgvista.ui.search_explained import explained, show_plan, wants_plan
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_question import LABELS, Asked, columns, question, start, start_from_row
from pgvista.ui.search_waiting import show_waiting

T = TypeVar("T")

_UNFUSED: dict[str, Any] = {"rrf_k": 60, "semantic_weight": 1.0, "keyword_weight": 1.0}
"""What the lists and their plan do not depend on."""

_PLACES = "_search_places"
_RECALL = "_search_recall_of"
_PLAN = "_search_plan_of"
_WAITED = "_search_waited"


@dataclass(frozen=True, slots=True)
class _Search:
    """What a search needs besides its request."""

    db: Database
    collection: Collection
    embedder: ModelEmbedder | None

    def run(self, request: SearchRequest, *, estimate: bool = False) -> SearchResult:
        """Run `request`; with `estimate`, also look up how Postgres runs it."""
        try:
            return self._revived(
                lambda db: search_service.search(
                    db,
                    self.collection,
                    request,
                    embedder=self.embedder,
                    plan="estimate" if estimate else "none",
                )
            )
        except NotFound:
            raise NotFound(
                f"{self.collection.name} cannot be searched any more: it was dropped or renamed, "
                "or lost a column.",
                "Choose a collection in the list on the left, or reload the page.",
            ) from None

    def like(self, row_id: str, request: SearchRequest) -> SearchRequest:
        """Return the request for the neighbours of a row, by its own vector."""
        vector = self._revived(lambda db: search_service.vector_of(db, self.collection, row_id))
        values = tuple(vector.tolist())
        return replace(request, text=None, vector=values, exclude_id=row_id)

    def _revived(self, work: Callable[[Database], T]) -> T:
        """Do `work`; when the embedded server is gone, start it again and do it then."""
        try:
            return work(self.db)
        except ServerUnavailable:
            here = connection.current()
            if not here.embedded:
                raise
            return work(connection.open_database(here.name))


@dataclass(slots=True)
class _Answer:
    """What was asked of Postgres and what came back, as far as it did."""

    request: SearchRequest | None = None
    result: SearchResult | None = None
    recall: float | None = None


@st.fragment
def search_view(
    db: Database, context: Context, embedder: ModelEmbedder | None, examples: tuple[str, ...]
) -> None:
    """Draw question, knobs and hits; a moved knob repaints this part of the page alone."""
    search = _Search(db, context.collection, embedder)
    asked, status = question(context)
    answer = _Answer()
    left, right = columns(wide=asked.sides)
    with left:
        above = st.container(key="search_above", gap="small")
        with st.container(key="search_below"):
            if asked.nothing or context.is_empty:
                start(db, context, examples)
            else:
                shown = _possible_now(asked, embedder, above)
                if shown is not None:
                    try:
                        _answer(search, context, shown, answer)
                    except PgvistaError as error:
                        show_error(error)
        with above:
            _say_first(context.collection, asked, answered=answer.result is not None)
            if answer.request is not None and wants_plan():
                show_plan(db, context.collection, answer.request, embedder)
    if answer.request is not None and answer.result is not None:
        status.markdown(_status(answer.request, answer.result), text_alignment="right")
    with right:
        _knobs(context, asked, answer)
    if embedder is None or embedder.loading_state != "loading":
        set_aside()


def _knobs(context: Context, asked: Asked, answer: _Answer) -> None:
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


def _say_first(collection: Collection, asked: Asked, *, answered: bool) -> None:
    if asked.note and answered:
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


def _possible_now(
    asked: Asked, embedder: ModelEmbedder | None, place: st.delta_generator.DeltaGenerator
) -> Asked | None:
    """Return what can be answered now: words alone, or nothing, while the model is loading."""
    state = st.session_state
    if embedder is None or embedder.is_loaded:
        if state.pop(_WAITED, False):
            state.pop(_PLACES, None)  # what stood there meanwhile is no order to compare with
        return asked
    state[_WAITED] = True
    if asked.mode is Mode.KEYWORD or asked.similar is not None:
        return asked
    meanwhile = asked.mode is Mode.HYBRID
    with place:
        show_waiting(embedder, meanwhile=meanwhile)
    return replace(asked, mode=Mode.KEYWORD, sides=False) if meanwhile else None


def _answer(search: _Search, context: Context, asked: Asked, answer: _Answer) -> None:
    """Search, draw the hits, and fill in `answer`. Raises PgvistaError."""
    search_request.follow_depth(asked.mode)
    request = search_request.request(
        asked.mode,
        asked.text or "similar",
        has_hnsw=context.has_hnsw,
        has_ivfflat=context.has_ivfflat,
    )
    if asked.similar is not None:
        request = search.like(asked.similar, request)
    answer.request = request
    if asked.sides:
        answer.result = _side_by_side(search, request)
    else:
        answer.result = _run_explained(search, request)
        _hits(search.collection, answer.result, request.mode)
        if not answer.result.hits and search.collection.model is None and asked.similar is None:
            start_from_row(search.db, search.collection)
    if request.mode is not Mode.KEYWORD and context.indexes:
        answer.recall = _recall(search, request)


def _run_explained(search: _Search, request: SearchRequest) -> SearchResult:
    """Run `request` with its estimated plan; a knob of the fusion does not ask for it anew."""
    state = st.session_state
    key = (search.collection, replace(request, **_UNFUSED))
    known = state.get(_PLAN)
    if known is not None and known[0] == key:
        return replace(search.run(request), plan=known[1])
    result = search.run(request, estimate=True)
    state[_PLAN] = (key, result.plan)
    return result


def _hits(collection: Collection, result: SearchResult, mode: Mode) -> None:
    """Draw the hits, each with the places it has moved since their order changed last."""
    state = st.session_state
    question = (collection.name, state.get(search_request.TEXT), state.get(search_request.SIMILAR))
    order = {hit.id: rank for rank, hit in enumerate(result.hits, 1)}
    asked, before, now = state.get(_PLACES) or (None, None, None)
    if asked != question or now is None:
        before, now = None, order
    elif any(now.get(key) != rank for key, rank in order.items()):
        before, now = now, order
    state[_PLACES] = (question, before, now)
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


def _side_by_side(search: _Search, request: SearchRequest) -> SearchResult | None:
    """Draw the three modes' hits beside each other; return the hybrid result."""
    hybrid = None
    for place, mode in zip(st.columns(3, gap="medium"), Mode, strict=True):
        with place:
            title = st.empty()
            title.markdown(f"**{LABELS[mode]}**")
            with guarded():
                asked = replace(request, mode=mode)
                hybrid_now = mode is Mode.HYBRID
                result = _run_explained(search, asked) if hybrid_now else search.run(asked)
                count = f"{len(result.hits)} hits · {result.timings_ms['total']:.0f} ms"
                title.markdown(f"**{LABELS[mode]}** :small[:gray[{count}]]")
                _hit_list(search.collection, result, f"search_hits_{mode.value}", mode)
                if hybrid_now:
                    hybrid = result
    return hybrid


def _recall(search: _Search, request: SearchRequest) -> float | None:
    """Return the part of the exact search's nearest rows that the index found too, when wanted.

    Moving a knob that has no part in it does not measure again.
    """
    if not search_request.choice("search_recall") or request.exact:
        return None
    approximate = replace(request, mode=Mode.SEMANTIC, depth=None, highlight=False, **_UNFUSED)
    key = (search.collection.name, approximate)
    known = st.session_state.get(_RECALL)
    if known is not None and known[0] == key:
        return float(known[1])
    wanted = {hit.id for hit in search.run(replace(approximate, exact=True)).hits}
    found = {hit.id for hit in search.run(approximate).hits}
    recall = len(wanted & found) / len(wanted) if wanted else 1.0
    st.session_state[_RECALL] = (key, recall)
    return recall


def _status(request: SearchRequest, result: SearchResult) -> str:
    found = len(result.hits)
    hits = f"{found} of {request.limit} hits" if found < request.limit else f"{found} hits"
    lists = [f"{n:,}" for n in (result.semantic_rows, result.keyword_rows) if n is not None]
    candidates = f" · {' + '.join(lists)} candidates" if request.mode is Mode.HYBRID else ""
    return f":gray[{hits}{candidates} · {result.timings_ms['total']:.0f} ms]"
