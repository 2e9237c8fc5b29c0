"""Types of vectors side by side, as measured on the collection."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.quantisation import TypePoint, TypesResult, TypesSpec
from pgvista.services.types import stored_types
from pgvista.ui import types_state as state
from pgvista.ui.components.panels import empty_state, metric_chips
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.format import size
from pgvista.ui.types_chart import recall_chart
from pgvista.ui.types_names import type_name

_SHOWN_OVERSAMPLE = (1, 4, 8, 20)


def types_view(collection: Collection) -> None:
    """Draw what is measured, the job meanwhile, and what was found."""
    try:
        stored_types(collection)
    except InvalidInput as error:
        show_error(error)
        return
    left, right = st.columns((0.7, 0.3), gap="medium")
    with left, guarded():
        running = state.watch(collection)
    with right, guarded():
        goal = _form(collection, running=running)
    with left, guarded():
        result = state.found(collection)
        if result is not None:
            _result(collection, result, goal)
        elif not running:
            empty_state(
                "Nothing measured yet",
                "Rows are drawn as queries and asked by each type, without building an index: what "
                "is lost, is lost by the type alone. It takes seconds to a minute.",
                key="types_empty",
                icon=":material/compress:",
            )


def _form(collection: Collection, *, running: bool) -> float:
    """Draw the knobs; return the recall wanted."""
    dimension = collection.dimension or 1
    with st.container(border=True, key="types_form", gap="small"):
        st.markdown("**Measure**")
        with st.container(horizontal=True, gap="small"):
            limit = st.number_input(
                "Rows wanted", 1, 100, 10, key="types_limit", help="k of recall@k, 1 to 100."
            )
            queries = st.number_input(
                "Queries", 1, 1000, 50, key="types_queries",
                help="Rows drawn as queries, 1 to 1,000; each is left out of its own answer.",
            )  # fmt: skip
        rows = st.number_input(
            "Rows compared", 100, 10_000_000, 20_000, step=10_000, key="types_rows",
            help="Each query is compared with about so many rows, drawn by a hash. Default: 20,000.",
        )  # fmt: skip
        offered = [d for d in _leading_choices(dimension) if d < dimension]
        leading = st.multiselect(
            "Leading dimensions", offered,
            default=[d for d in (dimension // 2, dimension // 4) if d in offered],
            key=f"types_leading_{dimension}",
            help="For Matryoshka models, whose first dimensions say the most.",
        )  # fmt: skip
        goal = st.number_input(
            "Recall wanted", 0.0, 1.0, 0.95, step=0.01, format="%.2f", key="types_goal",
            help="The least oversample that reaches it is named for each type.",
        )  # fmt: skip
        if st.button(
            "Measure", key="types_go", type="primary", icon=":material/play_arrow:",
            disabled=running, width="stretch",
        ):  # fmt: skip
            try:
                state.start(
                    collection,
                    TypesSpec(limit, queries, rows, leading=tuple(leading)),
                )
            except PgvistaError as error:
                show_error(error)
            else:
                st.rerun()
    return goal


def _leading_choices(dimension: int) -> list[int]:
    halves = {dimension // 2, dimension // 4, dimension // 8, 3 * dimension // 4}
    usual = {64, 128, 256, 384, 512, 768, 1024, 1536}
    return sorted((d for d in halves | usual if d >= 1), reverse=True)


def _result(collection: Collection, result: TypesResult, goal: float) -> None:
    names = {
        point.stored.key: type_name(point.stored, collection.vector_type, result.dimension)
        for point in result.points
    }
    st.markdown(_sentence(result, names, goal))
    rows = [_row(point, names[point.stored.key], goal) for point in result.points]
    number = st.column_config.NumberColumn
    shown = [factor for factor in _SHOWN_OVERSAMPLE if factor in result.points[0].recall]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="types_table",
        column_config={
            "type": st.column_config.TextColumn("Type", pinned=True),
            "bytes": number("Bytes a vector", format="%,.0f", help="Mean of pg_column_size."),
            "index": st.column_config.TextColumn(
                "HNSW index", help="Of all rows with m 16: as it is, or ≈ as estimated."
            ),
            **{
                f"recall {factor}": number(
                    "Recall 1×" if factor == 1 else f"{factor}×",
                    format="%.3f",
                    help="Not re-ranked."
                    if factor == 1
                    else f"Recall when {factor} candidates for each row wanted are ranked by the full "
                    "vectors.",
                )
                for factor in shown
            },
            "enough": st.column_config.TextColumn(
                f"For {goal:.2f}", help="The least oversample measured that reaches it."
            ),
            "scan": number(
                "Scan p50, ms", format="%.1f",
                help="Comparing every row of the sample, the cast included: a column of this type "
                "needs no cast.",
            ),
            "indexed": st.column_config.TextColumn(
                "Index p50", help="By an index that is there, with the server's settings."
            ),
        },
        alt="A row for each type: "
        + "; ".join(
            f"{row['type']} {row['bytes']:.0f} bytes"
            + (f", recall {row['recall 1']:.3f}" if row.get("recall 1") is not None else "")
            for row in rows
        ),
    )  # fmt: skip
    recall_chart(result, names, goal)
    for note in (*result.notes, *_problems(result, names)):
        st.markdown(f":small[:gray[:material/info: {plain(note)}]]")
    metric_chips(
        [
            ("rows", f"{result.rows:,}"),
            ("compared", f"{result.compared_rows:,}"),
            ("queries", f"{result.queries:,}"),
            ("seed", str(result.seed)),
            *result.versions.items(),
        ],
        key="types_facts",
    )
    st.download_button(
        "CSV", lambda: _csv(result, names), f"types-{collection.table}.csv", "text/csv",
        key="types_csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _sentence(result: TypesResult, names: dict[str, str], goal: float) -> str:
    """Return which type has the smallest index of those that reach the goal."""
    fitting = [
        (point.index_bytes, point, factor)
        for point in result.points
        if point.index_bytes is not None and (factor := point.enough(goal)) is not None
    ]
    if not fitting:
        return f"**No type that can be indexed reaches recall {goal:.2f}.**"
    _, point, factor = min(fitting, key=lambda item: (item[0], item[2]))
    name = plain(names[point.stored.key])
    full = next((p for p in result.points if p.index_bytes is not None), point)
    share = (
        ""
        if full is point or not point.index_bytes
        else f", {(full.index_bytes or 0) / point.index_bytes:.1f} times smaller than that of "
        f"{plain(names[full.stored.key])}"
    )
    how = "without re-ranking" if factor == 1 else f"re-ranked from {factor} candidates a row"
    return (
        f"**{name}** {how} is the smallest index that can reach recall {goal:.2f}: "
        f"≈ {size(point.index_bytes or 0)}{share}."
    )


def _row(point: TypePoint, name: str, goal: float) -> dict[str, Any]:
    real = next(iter(point.indexes), None)
    if real is not None:
        index = size(real.size_bytes)
    elif point.index_bytes is not None:
        index = f"≈ {size(point.index_bytes)}"
    else:
        index = "too many dimensions"
    enough = point.enough(goal)
    return {
        "type": name,
        "bytes": point.value_bytes,
        "index": index,
        **{f"recall {factor}": point.recall.get(factor) for factor in _SHOWN_OVERSAMPLE},
        "enough": "–" if enough is None else "as it is" if enough == 1 else f"{enough}×",
        "scan": None if math.isnan(point.scan_p50_ms) else point.scan_p50_ms,
        "indexed": ""
        if real is None
        else f"{real.p50_ms:.1f} ms{'' if real.used else ', not used'}",
    }


def _problems(result: TypesResult, names: dict[str, str]) -> list[str]:
    return [
        f"{names[point.stored.key]} was not measured: {point.problem}"
        for point in result.points
        if point.problem is not None
    ]


def _csv(result: TypesResult, names: dict[str, str]) -> str:
    """Return a line for each type and oversample."""
    rows = [
        {
            "type": names[point.stored.key],
            "bytes_a_vector": point.value_bytes,
            "hnsw_bytes_estimated": point.index_bytes,
            "oversample": factor,
            f"recall@{result.limit}": recall,
            "recall_by_id": point.recall_by_id[factor],
            "scan_p50_ms": point.scan_p50_ms,
            "scan_p95_ms": point.scan_p95_ms,
        }
        for point in result.points
        for factor, recall in sorted(point.recall.items())
    ]
    return pd.DataFrame(rows).to_csv(index=False)
