"""What is asked on the search page, and what is found; nothing is drawn here.

Postgres is asked before anything is drawn, so that the browser gets all that changed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import NotFound, PgvistaError, ServerUnavailable
from pgvista.model.collection import Collection
from pgvista.model.search import Mode, SearchRequest, SearchResult
from pgvista.services import search as search_service
from pgvista.ui import connection, search_request
from pgvista.ui.errors import plain
from pgvista.ui.search_knobs import Context

T = TypeVar("T")

PLACES = "_search_places"
"""Where the order of the hits is kept, to tell how they moved."""

_UNFUSED: dict[str, Any] = {"rrf_k": 60, "semantic_weight": 1.0, "keyword_weight": 1.0}
"""What the lists and their plan do not depend on."""
_PLAN = "_search_plan_of"
_RECALL = "_search_recall_of"
_WAITED = "_search_waited"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a question in a mode, or the neighbours of a row."""

    mode: Mode
    text: str
    similar: str | None
    sides: bool
    note: str = ""
    """Why another mode than the chosen one is used; Markdown."""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to look for yet."""
        return self.similar is None and not self.text.strip()


@dataclass(slots=True)
class Answer:
    """What was asked of Postgres and what came back, as far as it did."""

    request: SearchRequest | None = None
    result: SearchResult | None = None
    """With three modes side by side: the hybrid one's."""
    sides: dict[Mode, SearchResult] = field(default_factory=dict)
    recall: float | None = None
    error: PgvistaError | None = None
    waits: bool = False
    """Whether the model is not there yet; what was found was found by words alone."""


@dataclass(frozen=True, slots=True)
class Search:
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

    def run_explained(self, request: SearchRequest) -> SearchResult:
        """Run `request`, with its estimated plan; a knob of the fusion does not estimate anew."""
        state = st.session_state
        key = (self.collection, replace(request, **_UNFUSED))
        known = state.get(_PLAN)
        if known is not None and known[0] == key:
            return replace(self.run(request), plan=known[1])
        result = self.run(request, estimate=True)
        state[_PLAN] = (key, result.plan)
        return result

    def like(self, row_id: str, request: SearchRequest) -> SearchRequest:
        """Return the request for the neighbours of a row, by its own vector."""
        vector = self._revived(lambda db: search_service.vector_of(db, self.collection, row_id))
        values = tuple(vector.tolist())
        return replace(request, text=None, vector=values, exclude_id=row_id)

    def recall(self, request: SearchRequest) -> float | None:
        """Return the part of the exact search's nearest rows that the index finds, when wanted.

        Moving a knob that has no part in it does not measure again.
        """
        if not search_request.choice("search_recall") or request.exact:
            return None
        approximate = replace(request, mode=Mode.SEMANTIC, depth=None, highlight=False, **_UNFUSED)
        key = (self.collection, approximate)
        known = st.session_state.get(_RECALL)
        if known is not None and known[0] == key:
            return float(known[1])
        wanted = {hit.id for hit in self.run(replace(approximate, exact=True)).hits}
        found = {hit.id for hit in self.run(approximate).hits}
        recall = len(wanted & found) / len(wanted) if wanted else 1.0
        st.session_state[_RECALL] = (key, recall)
        return recall

    def _revived(self, work: Callable[[Database], T]) -> T:
        """Do `work`; when the embedded server is gone, start it again and do it then."""
        try:
            return work(self.db)
        except ServerUnavailable:
            here = connection.current()
            if not here.embedded:
                raise
            return work(connection.open_database(here.name))


def what_is_asked(context: Context) -> Asked:
    """Return what is asked, as far as the collection can answer it."""
    collection = context.collection
    text = st.session_state.get(search_request.TEXT) or ""
    chosen = search_request.choice("search_mode")
    similar = search_request.similar_to(collection)
    if similar is not None:
        return Asked(Mode.SEMANTIC, text, similar, sides=False)
    sides = chosen == search_request.SIDES
    mode = Mode.HYBRID if sides else Mode(chosen)
    if mode is not Mode.KEYWORD and collection.model is None:
        note = (
            f"**{plain(collection.name)} is searched by words:** its vectors come from elsewhere, "
            "so a question cannot be turned into one. From a hit, *similar* finds its neighbours."
        )
        return Asked(Mode.KEYWORD, text, None, False, note)
    if mode is not Mode.SEMANTIC and not context.has_words:
        note = (
            f"**{plain(collection.name)} is searched by meaning:** it has no text to find words in."
        )
        return Asked(Mode.SEMANTIC, text, None, False, note)
    return Asked(mode, text, None, sides)


def find(search: Search, context: Context, asked: Asked) -> Answer:
    """Ask Postgres, and measure recall where it is wanted; what fails is in the answer."""
    answer = Answer()
    possible = asked if asked.nothing or context.is_empty else _possible_now(search, asked, answer)
    if possible is None or possible.nothing or context.is_empty:
        return answer
    try:
        _find(search, context, possible, answer)
    except PgvistaError as error:
        answer.error = error
    return answer


def _possible_now(search: Search, asked: Asked, answer: Answer) -> Asked | None:
    """Return what can be answered now: words alone, or nothing, while the model is loading."""
    state, embedder = st.session_state, search.embedder
    if embedder is None or embedder.is_loaded:
        if state.pop(_WAITED, False):
            state.pop(PLACES, None)  # what stood there meanwhile is no order to compare with
        return asked
    if asked.mode is Mode.KEYWORD or asked.similar is not None:
        return asked
    state[_WAITED] = answer.waits = True
    if asked.mode is Mode.SEMANTIC:
        return None
    return replace(asked, mode=Mode.KEYWORD, sides=False)


def _find(search: Search, context: Context, asked: Asked, answer: Answer) -> None:
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
        for mode in (Mode.SEMANTIC, Mode.KEYWORD):
            answer.sides[mode] = search.run(replace(request, mode=mode))
    answer.result = search.run_explained(request)
    if asked.sides:
        answer.sides[Mode.HYBRID] = answer.result
    if request.mode is not Mode.KEYWORD and context.indexes:
        answer.recall = search.recall(request)
