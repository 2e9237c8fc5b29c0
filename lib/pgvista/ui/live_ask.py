"""What is asked on the page Live, and what came of it; nothing is drawn here.

The query's vector and the exact rows are kept while knobs move, so that the index alone is asked
again; the plain rows are kept too, so that only new ones are read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import InvalidInput, NotFound, PgvistaError
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.diagnosis import Facts, VectorIndex
from pgvista.model.filters import parse_filter
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.search import Hit, Mode, SearchRequest
from pgvista.model.tuning import NearestRequest
from pgvista.services import indexes as index_service
from pgvista.services import live_tuning
from pgvista.services import rows as row_service
from pgvista.services import search as search_service
from pgvista.services.live_tuning import Step, Trial, Truth
from pgvista.ui import live_state as state
from pgvista.ui.components.hits import headline
from pgvista.ui.search_context import load_context
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_request import value

TRUTH_FOR_S = 120
"""So long the exact rows of a query are taken for true, unless something nearer is found."""
_TITLES_KEPT = 2_000
_ID_CHARS = 200
_QUERY, _TRUTH, _STEPS, _FACTS, _SEEN, _TITLES = (
    f"_live_{name}" for name in ("query", "truth", "steps", "facts", "seen", "titles")
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: a vector, and the row it was taken from."""

    vector: tuple[float, ...]
    row_id: str | None


@dataclass(slots=True)
class Answer:
    """What was asked of Postgres and what came back, as far as it did."""

    query: Query | None = None
    truth: Truth | None = None
    trial: Trial | None = None
    steps: tuple[Step, ...] = ()
    """Recall by growing ef_search or probes."""
    stepped: str = ""
    """The knob that `steps` is about."""
    titles: dict[str, str] = field(default_factory=dict)
    error: PgvistaError | None = None
    waits: bool = False
    """Whether the model is not there yet."""


def find(db: Database, context: Context, embedder: ModelEmbedder | None) -> Answer:
    """Ask Postgres; what fails is in the answer."""
    answer = Answer()
    if context.is_empty or not state.text():
        st.session_state["_live_row"] = None
        return answer
    try:
        answer.query = _query(db, context.collection, embedder, answer)
        st.session_state["_live_row"] = answer.query.row_id if answer.query else None
        if answer.query is not None:
            _try(db, context, _request(context, answer.query), answer)
    except PgvistaError as error:
        answer.error = error
    return answer


def targets(indexes: tuple[IndexInfo, ...]) -> tuple[str, ...]:
    """Return what of the vectors is indexed, as `live_state.TARGET` has it; the column first."""
    order = list(IndexTarget)
    found = {
        (order.index(index.target), index.leading or 0)
        for index in indexes
        if index.target is not None
    }
    return tuple(
        f"{order[place].value}:{leading}" if leading else order[place].value
        for place, leading in sorted(found)
    )


def live_context(db: Database, collection: Collection) -> Context:
    """Return what the knobs depend on, with indexes on expressions, which other pages do not order by."""
    return replace(
        load_context(db, collection),
        indexes=tuple(
            index
            for index in index_service.vector_indexes(db, collection)
            if index.valid and index.target is not None
        ),
    )


def forget_truth() -> None:
    """Have the exact rows found anew."""
    for key in (_TRUTH, _STEPS, _FACTS, _TITLES):
        st.session_state.pop(key, None)


def remembered(collection: Collection) -> tuple[VectorIndex, ...]:
    """Return the vector indexes that this session has seen on the collection."""
    seen = st.session_state.get(_SEEN, {})
    return tuple(seen.get(collection.name, {}).values())


# -- the query


def _query(
    db: Database, collection: Collection, embedder: ModelEmbedder | None, answer: Answer
) -> Query | None:
    """Return the vector of the row of that id, or that of the words; None while the model loads."""
    text = state.text()
    key = (collection.schema, collection.table, collection.model, text)
    kept = st.session_state.get(_QUERY)
    if kept is not None and kept[0] == key:
        return kept[1]  # type: ignore[no-any-return]
    found = _row_query(db, collection, text)
    if found is None:
        if text == st.query_params.get("row"):
            raise NotFound(
                f"The row {text!r} is not in {collection.name} any more.",
                "Draw another row, or type words.",
            )
        if collection.model is None:
            raise NotFound(
                f"There is no row {text!r} in {collection.name}, and its vectors come from "
                "elsewhere, so that words cannot be turned into one.",
                "Type a row's id, or draw a row at random.",
            )
        if embedder is not None and not embedder.is_loaded:
            answer.waits = True
            return None
        request = SearchRequest(mode=Mode.SEMANTIC, text=text)
        vector = search_service.query_vector(collection, request, embedder)
        found = Query(tuple(vector or ()), None)
    st.session_state[_QUERY] = (key, found)
    return found


def _row_query(db: Database, collection: Collection, text: str) -> Query | None:
    if len(text) > _ID_CHARS:
        return None
    try:
        rows = row_service.get(db, collection, [text])
    except InvalidInput:  # words that no id of this type can be
        return None
    if not rows:
        return None
    if rows[0].embedding is None:
        raise InvalidInput(
            f"The row {text!r} has no vector, so nothing can be near it.", "Take another row."
        )
    return Query(tuple(rows[0].embedding.tolist()), text)


def _request(context: Context, query: Query) -> NearestRequest:
    target, leading = state.target(targets(context.indexes))
    bits = next((i.metric for i in context.indexes if i.target is IndexTarget.BIT), None)
    return NearestRequest(
        vector=query.vector,
        limit=int(value(state.LIMIT)),
        target=target,
        leading=leading,
        bit_metric=bits if isinstance(bits, BitMetric) else BitMetric.HAMMING,
        oversample=value(state.OVERSAMPLE),
        filters=parse_filter(st.session_state.get(state.FILTER) or ""),
        exclude_id=query.row_id,
        ef_search=int(value(state.EF_SEARCH)) if context.has_hnsw else None,
        probes=int(value(state.PROBES)) if context.has_ivfflat else None,
        iterative_scan=state.scan(),
        max_scan_tuples=int(value(state.MAX_SCAN)),
    )


# -- the truth and the trial


def _try(db: Database, context: Context, request: NearestRequest, answer: Answer) -> None:
    collection, session = context.collection, st.session_state
    answer.truth = _truth(db, collection, request)
    of = (collection, context.indexes)  # an index may have been built anew under its name
    kept = session.get(_FACTS)
    known: dict[str | None, Facts] = kept[1] if kept is not None and kept[0] == of else {}
    enough = _climb(db, context, request, answer)

    def tried(truth: Truth) -> Trial:
        return live_tuning.try_index(
            db,
            collection,
            request,
            truth,
            known=known,
            dropped=remembered(collection),
            enough=enough,
        )

    trial = tried(answer.truth)
    if trial.stale:
        session.pop(_TRUTH, None)
        answer.truth = _truth(db, collection, request)
        trial = tried(answer.truth)
    answer.trial = trial
    if trial.facts is not None:
        session[_FACTS] = (of, known | {trial.diagnosis.index_used: trial.facts})
        seen = session.setdefault(_SEEN, {}).setdefault(collection.name, {})
        seen |= {index.name: index for index in trial.facts.indexes if index.valid}
    answer.titles = _titles(db, collection, [row.id for row in trial.rows])


def _truth(db: Database, collection: Collection, request: NearestRequest) -> Truth:
    """Return the exact rows, from the session while they are young."""
    key = (collection, request.vector, request.exclude_id, str(request.filters))
    kept = st.session_state.get(_TRUTH)
    now = time.monotonic()
    if kept is not None and kept[0] == key and now - kept[2] < TRUTH_FOR_S:
        truth: Truth = kept[1]
        if truth.depth >= request.limit:
            return truth
    truth = live_tuning.find_truth(db, collection, request)
    st.session_state[_TRUTH] = (key, truth, now)
    return truth


def _climb(
    db: Database, context: Context, request: NearestRequest, answer: Answer
) -> tuple[str, int] | None:
    """Find out, once for a query, with which ef_search or probes all nearest rows are found."""
    truth = answer.truth
    if truth is None or not truth.rows or not (context.has_hnsw or context.has_ivfflat):
        return None
    method = "hnsw" if context.has_hnsw else "ivfflat"
    name = "ef_search" if context.has_hnsw else "probes"
    steps = live_tuning.EF_STEPS if context.has_hnsw else live_tuning.PROBES_STEPS
    unset: dict[str, Any] = {name: None}
    key = (context.collection, replace(request, **unset), truth)
    kept = st.session_state.get(_STEPS)
    if kept is None or kept[0] != key:
        found = live_tuning.climb(db, context.collection, request, truth, name=name, steps=steps)
        kept = st.session_state[_STEPS] = (key, found)
    answer.steps, answer.stepped = kept[1], name
    last = answer.steps[-1]
    return (
        (f"{method}.{name}", last.value)
        if last.hits == min(request.limit, len(truth.rows))
        else None
    )


def _titles(db: Database, collection: Collection, ids: list[str]) -> dict[str, str]:
    """Return the rows' titles by id; those shown before are not read again."""
    key = (collection.schema, collection.table)
    kept = st.session_state.get(_TITLES)
    if kept is None or kept[0] != key or len(kept[1]) > _TITLES_KEPT:
        kept = st.session_state[_TITLES] = (key, {})
    titles: dict[str, str] = kept[1]
    new = [row_id for row_id in ids if row_id not in titles]
    if new:
        for row in row_service.get(db, collection, new):
            hit = Hit(row.id, row.content, row.metadata, row.columns, 0.0)
            title = " ".join("".join(span.text for span in headline(hit)[0]).split())
            titles[row.id] = title or row.id
    return titles
