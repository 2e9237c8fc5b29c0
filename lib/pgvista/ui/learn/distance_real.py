"""The steps of the lesson on distance that run on real rows: four orders, and what an index serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.metric import Metric
from pgvista.services import rows as row_service
from pgvista.services.lesson_distance import (
    MAX_SPREAD,
    METRICS,
    IndexProof,
    Lengths,
    RealResult,
    ServedBy,
    compare_metrics,
    measure_lengths,
    operators,
    prove,
)
from pgvista.services.lesson_smaller import draw_row
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.order_columns import OrderColumn, OrderItem, order_columns
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.distance_kept import once, rows_held
from pgvista.ui.learn.distance_plane import SHORT, number
from pgvista.ui.learn.distance_question import Asked, asked
from pgvista.ui.learn.frame import keep_in_address, predict, presenting, sql_behind, verdict
from pgvista.ui.map_titles import titles_of

STORED, ONE, CHANGED = "stored", "one", "changed"
_WAYS = {STORED: "As stored", ONE: "Length 1", CHANGED: "Lengths changed"}
_WAY, _SPREAD = "learn_distance_lengths", "learn_distance_spread"
QUESTION = "learn_distance_question"
"""Where the question is kept, before the collection's name."""
_BUILT = "learn_distance_built"
LIMIT, PRESENTED = 10, 8
"""Rows of a list; fewer where the type is large."""
_BY_INDEX, _BY_SORT = "It uses the index", "It reads and sorts all rows"
_DEFAULT_SPREAD = 3.0


def real_step(db: Database) -> Callable[[], None]:
    """Return the step with the first rows under each metric."""

    def body() -> None:
        collection = lesson_collection(db)
        if collection is None:
            return
        lengths = once(("lengths", rows_held(db, collection)), db, collection, measure_lengths)
        question = asked(db, collection, key=QUESTION)
        if question is not None:
            _orders(db, collection, question, lengths)

    return body


@st.fragment
def _orders(db: Database, collection: Collection, question: Asked, lengths: Lengths) -> None:
    with guarded():
        keep_in_address({_WAY: STORED, _SPREAD: _DEFAULT_SPREAD})
        left, right = st.columns((0.5, 0.5), gap="medium", vertical_alignment="center")
        with left:
            way = _way()
        spread = 1.0
        if way == CHANGED:
            with right:
                spread = live_slider(
                    "Longest vector to the shortest",
                    key=_SPREAD,
                    minimum=1.0,
                    maximum=MAX_SPREAD,
                    value=_DEFAULT_SPREAD,
                    step=0.1,
                    format="{:.1f} times",
                    help="Each vector is made longer by a factor from 1 to this, drawn by a hash of "
                    "the row's key. The question stays as it is.",
                )
        limit = PRESENTED if presenting() else LIMIT
        result = compare_metrics(
            db,
            collection,
            question.vector,
            limit=limit,
            normalise=way == ONE,
            spread=spread,
            share=lengths.share,
        )
        names = titles_of(db, collection, (row.name for row in result.rows))
        order_columns(
            [_column(result, metric, names) for metric in METRICS],
            key="learn_distance_real",
            label=f"The {limit} rows nearest to {question.name} under each of four metrics",
        )
        st.markdown(_moved(result))
        st.markdown(f":small[:gray[{_facts(collection, lengths)}]]")
        sql_behind(result.sql, name="real_sql")


def operators_step(db: Database) -> Callable[[], None]:
    """Return the step on operators, operator classes and what an index leaves out."""

    def body() -> None:
        collection = lesson_collection(db)
        if collection is None:
            _table(None)
            return
        guess = predict(
            "serves",
            "An HNSW index is built with the operator class for L2. A search orders by cosine, "
            "`<=>`. What does Postgres do?",
            (_BY_INDEX, _BY_SORT),
        )
        if guess is None:
            _table(None)
            return
        try:
            asked_for = _proved(db, collection, Metric.L2)
        except PgvistaError:
            _table(None)  # what pgvector has is told all the same
            raise
        verdict(
            guess,
            _BY_INDEX if asked_for.of(Metric.COSINE).by_index else _BY_SORT,
            "An index keeps its rows arranged by one distance, and serves the operator of its own "
            "operator class alone.",
        )
        keep_in_address({_BUILT: Metric.L2.value})
        _proof(db, collection)

    return body


@st.fragment
def _proof(db: Database, collection: Collection) -> None:
    with guarded():
        if st.session_state.get(_BUILT) not in {metric.value for metric in METRICS}:
            st.session_state[_BUILT] = Metric.L2.value
        chosen = st.segmented_control(
            "Build the index for",
            [metric.value for metric in METRICS],
            key=_BUILT,
            required=True,
            persist_state="session",
            format_func=lambda value: SHORT[Metric(value)],
        )
        proof = _proved(db, collection, Metric(chosen or Metric.L2))
        _table(proof)
        st.markdown(f":small[:gray[{_left_out(proof)}]]")
        sql_behind(proof.sql, name="operators_sql")


def _table(proof: IndexProof | None) -> None:
    """Draw pgvector's operators; with a proof, how Postgres answers each beside the index."""
    served: dict[object, ServedBy] = (
        {} if proof is None else {item.metric: item for item in proof.served}
    )
    rows = []
    for row in operators():
        names = [f"`{name}`" for name in row.opclasses]
        cells = {
            "Distance": row.metric.label[:1].upper() + row.metric.label[1:],
            "Operator": f"`{row.operator}`",
            "Operator class": " ".join(names),
            "Index": ", ".join({"hnsw": "HNSW", "ivfflat": "IVFFlat"}[m] for m in row.methods),
        }
        if proof is not None:
            item = served.get(row.metric)
            cells["Postgres's plan"] = (
                ":gray[for bits]"
                if item is None
                else "**Index Scan**"
                if item.by_index
                else f":gray[{_steps(item.steps)}]"
            )
        rows.append(cells)
    st.table(rows, hide_index=True, border="horizontal", alt="pgvector's operators, a row each")


def _proved(db: Database, collection: Collection, metric: Metric) -> IndexProof:
    """Return the proof for a metric."""

    def build(db: Database, collection: Collection) -> IndexProof:
        measure_lengths(db, collection)  # raises where there are no vectors
        with st.spinner("Building the index…"):
            return prove(db, collection, _any_vector(db, collection), metric)

    return once(("proof", metric), db, collection, build)


def _any_vector(db: Database, collection: Collection) -> Any:
    """Return the vector of a row that has a direction."""
    return row_service.get(db, collection, [draw_row(db, collection, 0)])[0].embedding


def _way() -> str:
    if st.session_state.get(_WAY) not in _WAYS:
        st.session_state[_WAY] = STORED
    chosen = st.segmented_control(
        "The vectors",
        list(_WAYS),
        key=_WAY,
        required=True,
        persist_state="session",
        label_visibility="collapsed" if presenting() else "visible",
        format_func=_WAYS.__getitem__,
    )
    return chosen or STORED


def _column(result: RealResult, metric: Metric, names: Mapping[str, str]) -> OrderColumn:
    return OrderColumn(
        SHORT[metric],
        metric.operator,
        [
            OrderItem(
                row.name,
                names.get(row.name, row.name),
                number(row.distances[metric]),
                str(row.places[metric]),
            )
            for row in result.order(metric)
        ],
    )


def _moved(result: RealResult) -> str:
    """Say how much of the order under cosine each other metric has."""
    due = len(result.order(Metric.COSINE))
    cosine = [row.name for row in result.order(Metric.COSINE)]
    parts = []
    for metric in METRICS:
        if metric is Metric.COSINE:
            continue
        same = [row.name for row in result.order(metric)] == cosine
        shared = result.shared(Metric.COSINE, metric)
        parts.append(
            f"{SHORT[metric]} {'the same rows in the same order' if same else f'{shared} of {due}'}"
        )
    return f"Of cosine's first {due} rows, the others have: **{'**; **'.join(parts)}**."


def _facts(collection: Collection, lengths: Lengths) -> str:
    about = (
        f"all {lengths.rows:,} rows"
        if lengths.share is None
        else f"{lengths.rows:,} rows, drawn by a hash"
    )
    said = (
        "all have length 1"
        if lengths.are_one
        else f"have lengths from {lengths.shortest:.4g} to {lengths.longest:.4g}"
    )
    are = "is a zero vector" if lengths.zeros == 1 else "are zero vectors"
    zeros = f" {lengths.zeros:,} {are}: NaN under cosine, and last." if lengths.zeros else ""
    return f"Compared: {about} of {plain(collection.name)}. As stored, its vectors {said}.{zeros}"


def _steps(steps: tuple[str, ...]) -> str:
    return " ← ".join(step for step in steps if step != "Limit")


def _left_out(proof: IndexProof) -> str:
    own = proof.of(proof.built_for)
    copied = (
        f"On a temporary table of {proof.rows - 1:,} rows and one zero vector, with "
        "`enable_seqscan = off`."
    )
    if proof.built_for is Metric.COSINE and own.nans == 0 and own.rows < proof.rows:
        return (
            f"{copied} The cosine index leaves zero vectors out: it gives back {own.rows:,} rows."
        )
    if proof.of(Metric.COSINE).nans:
        return f"{copied} The cosine distance of the zero vector is NaN, sorted last."
    return copied
