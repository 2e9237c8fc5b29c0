"""What is asked on the search page, and what is found; nothing is drawn here.

Postgres is asked before anything is drawn, so that the browser gets all that changed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import NotFound, PgvistaError, ServerUnavailable
from pgvista.model.collection import Collection
from pgvista.model.search import Hit, Mode, SearchRequest, SearchResult
from pgvista.services import search as search_service
from pgvista.services.fusion import UNFUSED, fuse_again, same_lists
from pgvista.ui import connection, search_request
from pgvista.ui.errors import plain
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_moves import PLACES

T = TypeVar("T")

_WORDLESS: dict[str, Any] = {
    name: search_request.DEFAULTS[name]
    for name in ("keyword_match", "keyword_rank", "bm25_k1", "bm25_b", "rank_normalization")
}
"""What the semantic list does not depend on, besides the fusion."""
_KEPT = "_search_kept"
_SIDES = "_search_kept_sides"
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
class _Kept:
    """The last search, from whose lists the next one may be fused."""

    collection: Collection
    request: SearchRequest
    result: SearchResult
    rows: Mapping[str, Hit]
    """All hits that were shown since the lists were fetched."""

    def serves(self, collection: Collection, request: SearchRequest) -> bool:
        """Whether `request` differs from what was asked by its fusion at most."""
        return self.collection == collection and same_lists(self.request, request)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search needs besides its request."""

    db: Database
    collection: Collection
    embedder: ModelEmbedder | None

    def run(self, request: SearchRequest, *, estimate: bool = False) -> SearchResult:
        """Run `request`; with `estimate`, also look up how Postgres runs it."""
        return self._told(
            lambda db: search_service.search(
                db,
                self.collection,
                request,
                embedder=self.embedder,
                plan="estimate" if estimate else "none",
            )
        )

    def run_explained(self, request: SearchRequest) -> SearchResult:
        """Run `request`, with its estimated plan; a knob of the fusion asks for neither anew.

        What is asked once more without a change is run again, so that a page opened later is true.
        """
        state, rows = st.session_state, {}
        kept: _Kept | None = state.get(_KEPT)
        result = None
        if kept is not None and kept.serves(self.collection, request):
            if request.mode is Mode.HYBRID and request != kept.request:
                result, rows = self._fused_again(kept, request), dict(kept.rows)
            if result is None:
                result, rows = replace(self.run(request), plan=kept.result.plan), {}
        else:
            result = self.run(request, estimate=True)
        rows |= {hit.id: hit for hit in result.hits}
        state[_KEPT] = _Kept(self.collection, request, result, rows)
        return result

    def _fused_again(self, kept: _Kept, request: SearchRequest) -> SearchResult | None:
        return self._told(
            lambda db: fuse_again(
                db, self.collection, request, kept.result, kept.rows, embedder=self.embedder
            )
        )

    def side(self, request: SearchRequest, *, keep: bool) -> SearchResult:
        """Run `request` for its place beside the hybrid one; with `keep`, not a second time."""
        state = st.session_state
        sides: dict[Mode, _Kept] = state.setdefault(_SIDES, {})
        kept = sides.get(request.mode)
        if keep and kept is not None and kept.serves(self.collection, request):
            return kept.result
        result = self.run(request)
        sides[request.mode] = _Kept(self.collection, request, result, {})
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
        approximate = replace(
            request,
            mode=Mode.SEMANTIC,
            depth=None,
            highlight=False,
            lists=False,
            **UNFUSED,
            **_WORDLESS,
        )
        key = (self.collection, approximate)
        known = st.session_state.get(_RECALL)
        if known is not None and known[0] == key:
            return float(known[1])
        wanted = {hit.id for hit in self.run(replace(approximate, exact=True)).hits}
        found = {hit.id for hit in self.run(approximate).hits}
        recall = len(wanted & found) / len(wanted) if wanted else 1.0
        st.session_state[_RECALL] = (key, recall)
        return recall

    def _told(self, work: Callable[[Database], T]) -> T:
        """Do `work`; where the collection is not there any more, say so."""
        try:
            return self._revived(work)
        except NotFound:
            raise NotFound(
                f"{self.collection.name} cannot be searched any more: it was dropped or renamed, "
                "or lost a column.",
                "Choose a collection in the list on the left, or reload the page.",
            ) from None

    def _revived(self, work: Callable[[Database], T]) -> T:
        """Do `work`; when the embedded server is gone, start it again and do it then."""
        try:
            return work(self.db)
        except ServerUnavailable:
            here = connection.current()
            if not here.embedded:
                raise
            return work(connection.open_database(here.name))


def is_fused_again(result: SearchResult) -> bool:
    """Whether the result was made from lists that were there, and not by Postgres."""
    return "fusion" in result.timings_ms


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
    answer.result = search.run_explained(request)
    if asked.sides:
        for mode in (Mode.SEMANTIC, Mode.KEYWORD):
            answer.sides[mode] = search.side(
                replace(request, mode=mode), keep=is_fused_again(answer.result)
            )
        answer.sides[Mode.HYBRID] = answer.result
    if request.mode is not Mode.KEYWORD and context.indexes:
        answer.recall = search.recall(request)
