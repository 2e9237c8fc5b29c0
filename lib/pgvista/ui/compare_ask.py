"""What the compared settings find, and how alike it is; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import streamlit as st

from pgvista.errors import PgvistaError
from pgvista.model.search import Mode, SearchRequest, SearchResult
from pgvista.science.metrics.jaccard import jaccard
from pgvista.science.metrics.overlap import overlap_at
from pgvista.science.metrics.rbo import rbo
from pgvista.ui import compare_state
from pgvista.ui.components.compare_lists import Measures
from pgvista.ui.search_ask import Search
from pgvista.ui.search_knobs import Context


@dataclass(slots=True)
class Column:
    """One setting, and what came of it."""

    letter: str
    setting: SearchRequest
    result: SearchResult | None = None
    error: PgvistaError | None = None
    reason: str = ""
    """Why the collection cannot answer it."""
    waits: bool = False
    """Whether the model is not there yet."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids found, best first."""
        return () if self.result is None else tuple(hit.id for hit in self.result.hits)


@dataclass(slots=True)
class Comparison:
    """All settings, side by side."""

    columns: tuple[Column, ...] = ()
    limit: int = 10
    similar: str | None = None
    error: PgvistaError | None = None
    """What went wrong for all of them, such as a filter that is none."""
    asked: bool = False
    pairs: tuple[Measures, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether a setting waits for the model."""
        return any(column.waits for column in self.columns)


def compare(search: Search, context: Context) -> Comparison:
    """Run the shown settings on one question; what fails is in the answer."""
    collection = context.collection
    text = st.session_state.get(compare_state.TEXT) or ""
    similar = compare_state.similar_to(collection)
    found = Comparison(limit=compare_state.limit(), similar=similar)
    found.asked = (similar is not None or bool(text.strip())) and not context.is_empty
    if not found.asked:
        return found
    try:
        base = _base(search, text, similar, found.limit)
    except PgvistaError as error:
        found.error = error
        return found
    found.columns = tuple(
        _run(search, context, letter, setting, base)
        for letter, setting in zip(compare_state.letters(), compare_state.settings(), strict=True)
    )
    errors = [column.error for column in found.columns]
    if errors[0] is not None and len({error and error.message for error in errors}) == 1:
        found.error = errors[0]
    found.pairs = measure(found.columns, found.limit)
    return found


def _base(search: Search, text: str, similar: str | None, limit: int) -> SearchRequest:
    """Return what all settings share: the question or the row, the filter, the number of hits."""
    filters = compare_state.filters()
    if similar is None:
        return SearchRequest(text=text, limit=limit, filters=filters)
    template = SearchRequest(mode=Mode.SEMANTIC, text="similar", limit=limit, filters=filters)
    return search.like(similar, template)


def _run(
    search: Search, context: Context, letter: str, setting: SearchRequest, base: SearchRequest
) -> Column:
    column = Column(letter, setting)
    by_row = base.exclude_id is not None
    if by_row and setting.mode is not Mode.SEMANTIC:
        column.reason = (
            "Near a row means near by its vector: there are no words to look for. "
            "Choose semantic, or go back to the question."
        )
        return column
    if not by_row:
        column.reason = compare_state.impossible(setting, context)
        if column.reason:
            return column
        embedder = search.embedder
        words_alone = setting.mode is Mode.KEYWORD
        if embedder is not None and not embedder.is_loaded and not words_alone:
            column.waits = True
            return column
    request = replace(
        setting,
        text=base.text,
        vector=base.vector,
        exclude_id=base.exclude_id,
        limit=base.limit,
        filters=base.filters,
        ef_search=setting.ef_search if context.has_hnsw else None,
        probes=setting.probes if context.has_ivfflat else None,
    )
    by_index = bool(context.indexes) and request.mode is not Mode.KEYWORD and not request.exact
    try:
        column.result = search.run(request, estimate=by_index)
    except PgvistaError as error:
        column.error = error
    return column


def measure(columns: Sequence[Column], limit: int) -> tuple[Measures, ...]:
    """Compare the hits of each two settings that have an answer."""
    return tuple(
        _pair(one, other, limit)
        for one, other in combinations(columns, 2)
        if one.result is not None and other.result is not None
    )


def _pair(one: Column, other: Column, limit: int) -> Measures:
    common = overlap_at(one.ids, other.ids, limit)
    exact = next((item for item in (one, other) if item.setting.exact), None)
    is_recall = (
        exact is not None
        and bool(exact.ids)
        and one.setting.mode is other.setting.mode is Mode.SEMANTIC
        and one.setting.exact is not other.setting.exact
        and one.setting.metric is other.setting.metric
    )
    return Measures(
        first=one.letter,
        second=other.letter,
        overlap=common,
        places=len(exact.ids) if is_recall and exact is not None else limit,
        is_recall=is_recall,
        jaccard=jaccard(one.ids, other.ids),
        rbo=rbo(one.ids, other.ids),
        only_first=len(set(one.ids) - set(other.ids)),
        only_second=len(set(other.ids) - set(one.ids)),
    )
