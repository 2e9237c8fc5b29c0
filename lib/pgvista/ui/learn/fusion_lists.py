"""The two lists that the lesson Fusion fuses: fetched once for a question, named, and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import Embedder
from pgvista.model.collection import Collection
from pgvista.model.search import CandidateLists, Fusion, Hit, Mode, SearchRequest, SearchResult
from pgvista.services import rows as row_service
from pgvista.services.bm25 import fit
from pgvista.services.fusion import LedgerRow
from pgvista.services.search import search
from pgvista.ui.components.ranked_lists import RankedColumn, RankedRow
from pgvista.ui.errors import plain
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import presenting
from pgvista.ui.learn.keyword_question import GOES_ON, knob_value, question, title
from pgvista.ui.search_context import embedder
from pgvista.ui.search_ledger import Ledger, figure, make_ledger
from pgvista.ui.search_names import RANK
from pgvista.ui.search_request import KEYWORD_WEIGHT, RRF_K, SEMANTIC_WEIGHT
from pgvista.ui.search_waiting import show_waiting

QUESTIONS = {
    "help_centre": "no sound comes from the speakers",
    "python_reference": "length of a vector",
}
"""What the lesson asks first, by the name of a sample's table."""

K, SEMANTIC, KEYWORD = "learn_fusion_k", "learn_fusion_ws", "learn_fusion_wk"
KNOBS = {
    K: RRF_K.default,
    SEMANTIC: SEMANTIC_WEIGHT.default,
    KEYWORD: KEYWORD_WEIGHT.default,
}

_FOUND, _TITLES = "_learn_fusion_found", "_learn_fusion_titles"
_TITLES_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Lists:
    """Both lists of a question, as the database gave them."""

    db: Database
    collection: Collection
    request: SearchRequest
    """Fused by reciprocal rank, k and weights at their defaults."""
    result: SearchResult
    candidates: CandidateLists

    @property
    def text(self) -> str:
        """The question."""
        return self.request.text or ""

    def fused(self, **settings: Any) -> Ledger:
        """Return all candidates as `settings` fuse them: the fields of a SearchRequest."""
        made = make_ledger(self.collection, replace(self.request, **settings), self.result)
        if made is None:  # pragma: no cover - an id stands in a list twice
            raise ValueError("The lists cannot be fused.")
        return made

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what rows are called, by id; each is read once in a session."""
        kept: dict[tuple[str, str], str] = st.session_state.setdefault(_TITLES, {})
        if len(kept) > _TITLES_KEPT:
            kept.clear()
        name = self.collection.name
        if missing := [row_id for row_id in dict.fromkeys(ids) if (name, row_id) not in kept]:
            for row in row_service.get(self.db, self.collection, missing):
                hit = Hit(row.id, row.content, row.metadata, row.columns, 0.0)
                kept[name, row.id] = title(hit)
        return {row_id: kept.get((name, row_id), row_id) for row_id in ids}


def shown(*, beside_knobs: bool = False) -> int:
    """Return how many rows of a list fit on the screen, with or without knobs above it."""
    if presenting():
        return 4 if beside_knobs else 5
    return 6 if beside_knobs else 7


def current() -> dict[str, Any]:
    """Return the settings of the fusion as the knobs stand."""
    return {
        "fusion": Fusion.RRF,
        "rrf_k": knob_value(RRF_K, K),
        "semantic_weight": knob_value(SEMANTIC_WEIGHT, SEMANTIC),
        "keyword_weight": knob_value(KEYWORD_WEIGHT, KEYWORD),
    }


def on_lists(db: Database, body: Callable[[Lists], None]) -> Callable[[], None]:
    """Return a step's body that draws the question and, where it found rows, what `body` draws."""

    def draw() -> None:
        collection = lesson_collection(db, needs="text", rows=2)
        if collection is None:
            return
        lists = ask(db, collection)
        if lists is not None:
            body(lists)

    return draw


def ask(db: Database, collection: Collection) -> Lists | None:
    """Draw the question and fetch its lists; None while there is none, which is then said."""
    text = question(db, collection, QUESTIONS, key="learn_fusion_question", label="Question")
    if text is None:
        return None
    model = embedder(collection)
    if model is not None and not model.is_loaded:
        show_waiting(model, meanwhile=False, rest=GOES_ON)
        return None
    request, _ = fit(
        collection,
        SearchRequest(mode=Mode.HYBRID, text=text, fusion=Fusion.RRF, lists=True, highlight=False),
    )
    result = _fetched(db, collection, request, model)
    if result.lists is None or not result.hits:
        st.info(f"**No row was found.** {' '.join(map(plain, result.notes))}", icon=_NOTHING)
        return None
    if not result.lists.keyword:
        st.info(
            f"**The keyword list is empty.** {' '.join(map(plain, result.notes))} What is fused is "
            "the semantic list alone; ask with a word that stands in a row.",
            icon=_NOTHING,
        )
    elif not result.lists.semantic:
        st.info(
            "**The semantic list is empty:** no row has a vector. What is fused is the keyword "
            "list alone.",
            icon=_NOTHING,
        )
    return Lists(db, collection, request, result, result.lists)


_NOTHING = ":material/search_off:"


def semantic_column(
    lists: Lists, most: int, note: Callable[[str, int], dict[str, Any]]
) -> RankedColumn:
    """Return the first `most` of the semantic list; `note` gives a row's further fields."""
    found = lists.candidates.semantic
    top = found[:most]
    names = lists.titles([row_id for row_id, _ in top])
    return RankedColumn(
        "By meaning",
        [
            RankedRow(row_id, place, names[row_id], f"{distance:.3f}", **note(row_id, place))
            for place, (row_id, distance) in enumerate(top, 1)
        ],
        "semantic",
        f"distance · {len(found):,} rows",
    )


def keyword_column(
    lists: Lists, most: int, note: Callable[[str, int], dict[str, Any]]
) -> RankedColumn:
    """Return the first `most` of the keyword list; `note` gives a row's further fields."""
    found = lists.candidates.keyword
    top = found[:most]
    names = lists.titles([row_id for row_id, _ in top])
    return RankedColumn(
        "By words",
        [
            RankedRow(row_id, place, names[row_id], figure(score), **note(row_id, place))
            for place, (row_id, score) in enumerate(top, 1)
        ],
        "keyword",
        f"{RANK[lists.request.keyword_rank]} · {len(found):,} rows",
    )


def fused_column(
    lists: Lists,
    found: Ledger,
    most: int,
    name: str,
    *,
    before: Mapping[str, int] | None = None,
    note: str = "",
) -> RankedColumn:
    """Return the first `most` of a fused list, with each list's part as a bar, and how far each row moved."""
    rows = found.rows(before, most=most)
    names, sums = lists.titles([row.id for row in rows]), found.sums(most)
    return RankedColumn(
        name,
        [
            RankedRow(
                row.id,
                row.place,
                names[row.id],
                f"{row.score:.4f}".replace("-", "−"),
                bars=sums[row.id].shares,
                places=(_place(row.semantic_rank), _place(row.keyword_rank)),
                other=moved(row) if before is not None else "",
                help="\n".join(
                    f"{list_name}: {how}"
                    for list_name, how in zip(
                        ("semantic", "keyword"), sums[row.id].how, strict=True
                    )
                ),
            )
            for row in rows
        ],
        "fused",
        note,
    )


def moved(row: LedgerRow) -> str:
    """Return how far a row moved: ``↑ 2``, ``↓ 1``, or nothing."""
    by = (row.place_before or row.place) - row.place
    return "" if not by else f"↑ {by}" if by > 0 else f"↓ {-by}"


def _place(rank: int | None) -> str:
    return "–" if rank is None else f"#{rank}"


def _fetched(
    db: Database, collection: Collection, request: SearchRequest, model: Embedder | None
) -> SearchResult:
    """Return the lists of a question, fetched once while it is asked."""
    key = (collection, request)
    kept = st.session_state.get(_FOUND)
    if kept is None or kept[0] != key:
        kept = (key, search(db, collection, request, embedder=model))
        st.session_state[_FOUND] = kept
    result: SearchResult = kept[1]
    return result
