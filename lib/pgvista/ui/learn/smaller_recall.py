"""The steps of the lesson on smaller vectors that measure recall by type, and re-rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.index import IndexTarget
from pgvista.model.quantisation import StoredType, TypePoint, TypesResult
from pgvista.science.sizes import row_size
from pgvista.services.calculator import DEFAULT_OTHER_BYTES, measured_other_bytes
from pgvista.services.lesson_smaller import (
    MAX_OVERSAMPLE,
    K,
    Orders,
    Reranked,
    measure,
    measured_sql,
    orders,
    rerank,
    rerankable,
)
from pgvista.services.types import estimated_index_bytes
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.order_columns import OrderColumn, OrderItem, order_columns
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import size
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.distance_kept import once, rows_held
from pgvista.ui.learn.distance_question import Asked, asked
from pgvista.ui.learn.frame import keep_in_address, predict, presenting, sql_behind, verdict
from pgvista.ui.learn.smaller_charts import bytes_chart
from pgvista.ui.map_titles import titles_of
from pgvista.ui.types_names import type_name

_CANDIDATES, _TYPE = "learn_smaller_candidates", "learn_smaller_type"
_QUESTION = "learn_smaller_question"
_DEFAULT_CANDIDATES = 40.0
_GOOD = 0.95
_GUESSES = {"2 of 10": 0.2, "4 of 10": 0.4, "7 of 10": 0.7, "9 of 10": 0.9}


def recall_step(db: Database) -> Callable[[], None]:
    """Return the step that measures each type, with candidates to re-rank as a knob."""

    def body() -> None:
        collection = lesson_collection(db, rows=3)
        if collection is None:
            return
        with st.spinner(f"Measuring the types on {plain(collection.name)}…"):
            rows = rows_held(db, collection)
            result = once(("types", rows), db, collection, measure)
            other = once(("other bytes", rows), db, collection, measured_other_bytes)
        bits = next((p for p in result.points if p.stored.target is IndexTarget.BIT), None)
        if bits is not None and bits.recall:
            factor = result.points[0].value_bytes / bits.value_bytes
            guess = predict(
                "bits",
                f"Signs alone take one byte where the vectors take {factor:.0f}. Of the 10 nearest "
                "rows, how many does the order by Hamming distance find?",
                list(_GUESSES),
            )
            if guess is None:
                return
            verdict(
                guess,
                min(_GUESSES, key=lambda name: abs(_GUESSES[name] - bits.recall[1])),
                f"{10 * bits.recall[1]:.1f} of 10 on average over {result.queries} rows asked with.",
            )
        _measured(collection, result, DEFAULT_OTHER_BYTES if other is None else other)
        asked_by = result.points[-1 if bits is None else result.points.index(bits)].stored
        text = once(
            ("types sql", rows), db, collection, lambda d, c: measured_sql(d, c, result, asked_by)
        )
        sql_behind(text, name="recall_sql")

    return body


@st.fragment
def _measured(collection: Collection, result: TypesResult, other: int) -> None:
    with guarded():
        keep_in_address({_CANDIDATES: _DEFAULT_CANDIDATES})
        names = {
            point.stored.key: type_name(point.stored, collection.vector_type, result.dimension)
            for point in result.points
        }
        # A presented screen has room for the knob above the chart alone.
        above = None if presenting() else st.container()
        left, right = st.columns((0.58, 0.42), gap="medium")
        with right if above is None else above:
            candidates = _candidates_knob(f"{K} re-ranks nothing")
        oversample = candidates // K
        number = st.column_config.NumberColumn
        with left:
            st.dataframe(
                pd.DataFrame(
                    [
                        _line(collection, p, names[p.stored.key], other, oversample)
                        for p in result.points
                    ]
                ),
                hide_index=True,
                key="learn_smaller_table",
                column_config={
                    "type": st.column_config.TextColumn("Type", pinned=True),
                    "bytes": number(
                        "Vector",
                        format="%,.0f B",
                        help="Bytes of a value: the mean of pg_column_size",
                    ),
                    "row": number(
                        "Row",
                        format="%,.0f B",
                        help="Bytes of a row in a table whose column is of this type, with its "
                        "other columns",
                    ),
                    "index": st.column_config.TextColumn(
                        "HNSW, 1 M rows", help="An index of a million rows, estimated for m 16"
                    ),
                    "found": number("Recall@10", format="%.2f", help="Not re-ranked"),
                    "again": number("Re-ranked", format="%.2f"),
                },
                alt="; ".join(
                    f"{names[p.stored.key]} {p.value_bytes:.0f} bytes" for p in result.points
                ),
            )
            st.markdown(_best(collection, result, names, oversample, candidates))
            for text in _problems(result, names):
                st.markdown(f":small[:gray[:material/info: {plain(text)}]]")
        with right:
            bytes_chart(result, names, oversample)
        st.markdown(
            f":small[:gray[Asked with {result.queries} rows, compared with {_of_rows(result)}, "
            "without an index: what is lost is lost by the type.]]"
        )


def _of_rows(result: TypesResult) -> str:
    if result.compared_rows == result.rows:
        return f"all {result.rows:,}"
    return f"{result.compared_rows:,} of {result.rows:,}"


def rerank_step(db: Database) -> Callable[[], None]:
    """Return the step with one question's rows before and after re-ranking."""

    def body() -> None:
        collection = lesson_collection(db)
        if collection is None:
            return
        if not rerankable(collection):
            raise InvalidInput(
                f"The vectors of {collection.name} have one dimension and are compared by L1: there "
                "is nothing smaller to begin with.",
                "Choose another collection.",
            )
        question = asked(db, collection, key=_QUESTION)
        if question is not None:
            _lists(db, collection, question)

    return body


@st.fragment
def _lists(db: Database, collection: Collection, question: Asked) -> None:
    with guarded():
        keep_in_address({_CANDIDATES: _DEFAULT_CANDIDATES, _TYPE: ""})
        left, right = st.columns((0.5, 0.5), gap="medium", vertical_alignment="center")
        with left:
            stored = _type_knob(collection)
        known = once(
            ("orders", stored, question.vector.tobytes()),
            db,
            collection,
            lambda d, c: orders(d, c, stored, question.vector),
        )
        with right:
            candidates = _candidates_knob("")
        found = rerank(db, collection, question.vector, known, candidates)
        name = type_name(stored, collection.vector_type, collection.dimension or 0)
        _three_columns(db, collection, known, found, name)
        st.markdown(_found_says(known, found, name))
        if not presenting():
            sql_behind(found.sql, name="rerank_sql")


def _candidates_knob(note: str) -> int:
    return int(
        live_slider(
            "Candidates re-ranked by the full vectors",
            key=_CANDIDATES,
            minimum=K,
            maximum=K * MAX_OVERSAMPLE,
            value=_DEFAULT_CANDIDATES,
            step=K,
            note=note,
            help=f"So many rows are taken by the smaller type, and the nearest {K} of them by the "
            f"full vectors are kept. {K} to {K * MAX_OVERSAMPLE}, default 40.",
        )
    )


def _type_knob(collection: Collection) -> StoredType:
    offered = {stored.key: stored for stored in rerankable(collection)}
    if st.session_state.get(_TYPE) not in offered:
        st.session_state[_TYPE] = next(iter(offered))
    chosen = st.segmented_control(
        "Ordered at first by",
        list(offered),
        key=_TYPE,
        required=True,
        persist_state="session",
        label_visibility="collapsed" if presenting() else "visible",
        format_func=lambda key: type_name(
            offered[key], collection.vector_type, collection.dimension or 0
        ),
    )
    return offered[chosen or next(iter(offered))]


def _line(
    collection: Collection, point: TypePoint, name: str, other: int, oversample: int
) -> dict[str, Any]:
    a_million = estimated_index_bytes(collection, point.stored, 1_000_000)
    return {
        "type": name,
        "bytes": point.value_bytes,
        "row": None
        if point.value_bytes != point.value_bytes
        else row_size(round(point.value_bytes), other).total_bytes,
        "index": "–" if a_million is None else size(a_million),
        "found": point.recall.get(1),
        "again": point.recall.get(oversample),
    }


def _best(
    collection: Collection,
    result: TypesResult,
    names: dict[str, str],
    oversample: int,
    candidates: int,
) -> str:
    """Name the smallest type that has lost next to nothing after re-ranking."""
    good = [p for p in result.points[1:] if p.recall.get(oversample, 0.0) >= _GOOD]
    if not good:
        return f"With {candidates} candidates no smaller type reaches recall {_GOOD}."
    best = min(good, key=lambda point: point.value_bytes)
    times = result.points[0].value_bytes / best.value_bytes
    sizes = [
        estimated_index_bytes(collection, point.stored, 1_000_000)
        for point in (result.points[0], best)
    ]
    index = (
        f", and an HNSW index {sizes[0] / sizes[1]:.1f} times smaller: its links take as much as before"
        if sizes[0] and sizes[1]
        else ""
    )
    return (
        f"With {candidates} candidates, **{plain(names[best.stored.key])}** is the smallest that "
        f"reaches recall {_GOOD} ({best.recall[oversample]:.2f}): a vector {times:.1f} times "
        f"smaller{index}. "
        + (
            "It needs no re-ranking."
            if best.recall[1] >= _GOOD
            else "For re-ranking, the full vectors stay in the table."
        )
    )


def _problems(result: TypesResult, names: dict[str, str]) -> list[str]:
    return [
        f"{names[point.stored.key]} was not measured: {point.problem}"
        for point in result.points
        if point.problem is not None
    ]


def _three_columns(
    db: Database, collection: Collection, known: Orders, found: Reranked, name: str
) -> None:
    first = sorted(known.coarse, key=known.coarse.__getitem__)[:K]
    true = {row_id: (place, distance) for place, (row_id, distance) in enumerate(known.truth, 1)}
    titles = titles_of(
        db, collection, (*first, *(row.id for row in found.rows), *(row for row, _ in known.truth))
    )

    def item(row_id: str, place: int, value: str) -> OrderItem:
        return OrderItem(
            row_id, titles.get(row_id, row_id), value, str(place), faint=row_id not in true
        )

    order_columns(
        [
            OrderColumn(
                f"By {name}",
                "grey: not among the nearest",
                [
                    item(row, place, f"truly {true[row][0]}" if row in true else "")
                    for place, row in enumerate(first, 1)
                ],
            ),
            OrderColumn(
                f"Best 10 of {found.candidates} candidates",
                "was: the place before",
                [
                    item(
                        row.id, place, "" if row.coarse_place is None else f"was {row.coarse_place}"
                    )
                    for place, row in enumerate(found.rows, 1)
                ],
                chosen=True,
            ),
            OrderColumn(
                "By the full vectors",
                f"the truth; {collection.metric.label} distance",
                [
                    item(row, place, f"{distance:.3f}".replace("-", "\N{MINUS SIGN}"))
                    for place, (row, distance) in enumerate(known.truth, 1)
                ],
            ),
        ],
        key="learn_smaller_lists",
        label=f"{found.hits} of {found.due} nearest rows are found from {found.candidates} candidates",
    )


def _found_says(known: Orders, found: Reranked, name: str) -> str:
    first = {row for row, place in known.coarse.items() if place <= K}
    before = sum(row in first for row, _ in known.truth)
    last = max((known.coarse.get(row, 0) for row, _ in known.truth), default=0)
    lost = sum(row not in known.coarse for row, _ in known.truth)
    return (
        f"Of the {found.due} nearest rows, **{before}** are among the first 10 by {plain(name)}, and "
        f"**{found.hits}** are found with {found.candidates} candidates. "
        + (
            f"{lost} of them stand behind place {K * MAX_OVERSAMPLE}."
            if lost
            else f"The last of them stands at place {last}."
        )
    )
