"""The calculator: rows, dimensions and type to table, index and memory, and published machines."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.index import IndexMethod, IndexTarget
from pgvista.model.metric import VectorType
from pgvista.model.published import (
    CONDITIONS,
    SOURCE,
    SOURCE_URL,
    machines_for,
    smallest_machine,
)
from pgvista.model.sweep import SweepResult
from pgvista.services.calculator import (
    DEFAULT_OTHER_BYTES,
    MAX_ROWS,
    Plan,
    Sizes,
    calculate,
    measured_other_bytes,
)
from pgvista.services.index_overview import vector_rows
from pgvista.services.sweep_store import list_sweeps
from pgvista.ui.errors import plain
from pgvista.ui.format import size
from pgvista.ui.theme import palette

_METHODS = {"HNSW": IndexMethod.HNSW, "IVFFlat": IndexMethod.IVFFLAT, "no index": None}


def calculator_view(db: Database, collection: Collection) -> None:
    """Draw the inputs, which begin with the collection's own, and what they come to."""
    left, right = st.columns((0.7, 0.3), gap="medium")
    with right:
        plan = _form(db, collection)
    with left:
        _sizes(plan)
        _machines(db, collection, plan)


def _form(db: Database, collection: Collection) -> Plan:
    name = f"{collection.schema}.{collection.table}"
    rows = max(1, vector_rows(db, collection).rows)
    other = measured_other_bytes(db, collection)
    with st.container(border=True, key="types_calculator", gap="small"):
        st.markdown("**Calculate**")
        wanted = st.number_input(
            "Rows", 1, MAX_ROWS, min(rows, MAX_ROWS), step=100_000, key=f"types_plan_rows_{name}",
            help="Begins with the rows that the collection has.",
        )  # fmt: skip
        dimension = st.number_input(
            "Dimensions", 1, 16_000, collection.dimension or 384,
            key=f"types_plan_dimension_{name}", help="1 to 16,000.",
        )  # fmt: skip
        column = st.segmented_control(
            "Column", [kind.value for kind in VectorType], default=collection.vector_type.value,
            key=f"types_plan_column_{name}", required=True,
        )  # fmt: skip
        method = st.segmented_control(
            "Index", list(_METHODS), default="HNSW", key="types_plan_method", required=True
        )
        m = 16
        if _METHODS[method] is IndexMethod.HNSW:
            m = st.number_input("m", 2, 100, 16, key="types_plan_m", help="Links of a node.")
        other_bytes = st.number_input(
            "Other bytes a row", 0, 1_000_000, DEFAULT_OTHER_BYTES if other is None else other,
            step=100, key=f"types_plan_other_{name}",
            help="Text, metadata, keys and words, as stored. Begins with the mean of the collection.",
        )  # fmt: skip
    return Plan(
        rows=wanted,
        dimension=dimension,
        column=VectorType(column),
        method=_METHODS[method],
        m=m,
        other_bytes=other_bytes,
    )


def _sizes(plan: Plan) -> None:
    plans = _alternatives(plan)
    own = calculate(plan)
    with st.container(horizontal=True, gap="small"):
        st.metric("Table", size(own.table_bytes), border=True)
        st.metric("Index", size(own.index_bytes) if own.indexable else "none possible", border=True)
        st.metric(
            "In memory", size(own.memory_bytes), border=True,
            help="Table and index: with so much for caches, searches read nothing from disk. The "
            "index alone is the least.",
        )  # fmt: skip
        st.metric(
            "To build", size(own.build_bytes), border=True,
            help="maintenance_work_mem that keeps the build in memory.",
        )  # fmt: skip
    rows = [_row(name, each, calculate(each)) for name, each in plans]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="types_sizes",
        column_config={"Stored and indexed": st.column_config.TextColumn(pinned=True)},
        alt="Sizes side by side: "
        + "; ".join(f"{row['Stored and indexed']} {row['Together']}" for row in rows),
    )
    toasted = (
        " A row is longer than 2,032 bytes, so its longest values are moved out of the table "
        "(TOAST), and an exact scan fetches each of them."
        if own.toasted
        else ""
    )
    st.markdown(
        f":small[:gray[A row takes {own.row_bytes:,.0f} bytes, {own.vector_bytes:,} of them the "
        f"vector.{toasted} By the layouts of Postgres and pgvector: tables within 5 %, HNSW within "
        "3 %, IVFFlat within 10 % of real ones. Other indexes come on top.]]"
    )


def _alternatives(plan: Plan) -> list[tuple[str, Plan]]:
    """Return the plan in every type, side by side."""
    half = replace(plan, column=VectorType.HALFVEC)
    full = replace(plan, column=VectorType.VECTOR)
    found = [
        ("vector", full),
        ("vector, index on halfvec", replace(full, target=IndexTarget.HALFVEC)),
        ("halfvec", half),
        ("halfvec, index on bits", replace(half, target=IndexTarget.BIT)),
        ("vector, index on bits", replace(full, target=IndexTarget.BIT)),
    ]
    quarter = max(1, plan.dimension // 4)
    if plan.dimension > 1:
        leading = replace(full, target=IndexTarget.LEADING, leading=quarter)
        found.append((f"vector, index on the first {quarter:,}", leading))
    return found if plan.method is not None else [found[0], found[2]]


def _row(name: str, plan: Plan, sizes: Sizes) -> dict[str, str]:
    index = "none" if plan.method is None else size(sizes.index_bytes)
    return {
        "Stored and indexed": name,
        "Vector": f"{sizes.vector_bytes:,} B",
        "Table": size(sizes.table_bytes),
        "Index": index if sizes.indexable else "too many dimensions",
        "Together": size(sizes.total_bytes if sizes.indexable else sizes.table_bytes),
        "To build": size(sizes.build_bytes) if sizes.indexable and plan.method else "–",
    }


def _machines(db: Database, collection: Collection, plan: Plan) -> None:
    """Draw the published machines of the nearest dimension, and what was measured here beside them."""
    dimension, machines = machines_for(plan.dimension)
    st.markdown("#### Which machine")
    enough = smallest_machine(plan.dimension, plan.rows)
    told = (
        f"The smallest machine published with {plan.rows:,} rows, without swapping: "
        f"**{enough.size}**, {enough.ram_gb} GB."
        if enough is not None
        else f"No machine was published with {plan.rows:,} rows without swapping: spread them over "
        "several databases, or index fewer bytes."
    )
    fewer = ", the most there are: count on more memory" if plan.dimension > dimension else ""
    st.markdown(f"{told} :gray[By figures for {dimension:,} dimensions{fewer}.]")
    rows: list[dict[str, object]] = [
        {
            "source": "published",
            "machine": item.size,
            "rows": item.rows,
            "m": item.m,
            "ef_construction": item.ef_construction,
            "ef_search": item.ef_search,
            "QPS": item.qps,
            "p95 ms": item.p95_ms,
            "RAM used": f"{item.ram_used_gb:g} GB{' (swap)' if item.swapped else ''}",
            "RAM": f"{item.ram_gb} GB",
        }
        for item in machines
    ]
    rows = [*_own(db, collection), *rows]
    colours = palette()
    chosen = None if enough is None else enough.size

    def marked(row: pd.Series[str]) -> list[str]:
        if row["source"] == "measured here":
            return [f"color: {colours.semantic_text}; font-weight: 600"] * len(row)
        if row["machine"] == chosen:
            return [f"color: {colours.primary}; font-weight: 700"] * len(row)
        return [""] * len(row)

    frame = pd.DataFrame(rows)
    whole = st.column_config.NumberColumn(format="%,d")
    st.dataframe(
        frame.style.apply(marked, axis=1),
        hide_index=True,
        key="types_machines",
        height="content",
        column_config={
            "source": "Source",
            "machine": "Machine",
            "rows": st.column_config.NumberColumn("Rows", format="%,d"),
            "QPS": whole,
            "p95 ms": "p95, ms",
        },
        alt=f"Published machines for {dimension} dimensions: "
        + "; ".join(f"{item.size} {item.rows:,} rows {item.qps} QPS" for item in machines),
    )
    st.markdown(
        f":small[:gray[Published: [{plain(SOURCE)}]({SOURCE_URL}). {plain(CONDITIONS)} Another "
        "machine, network and data: points of reference, no promise.]]"
    )


def _own(db: Database, collection: Collection) -> list[dict[str, object]]:
    """Return the setting of the newest kept sweep that answered most queries a second."""
    try:
        kept = list_sweeps(db, collection)
    except PgvistaError:
        return []
    for sweep in kept:
        best = max(
            (p for p in sweep.points if p.qps and not p.setting.exact and p.recall >= 0.95),
            key=lambda point: max(point.qps.values()),
            default=None,
        )
        if best is not None:
            return [
                {
                    "source": "measured here",
                    "machine": best.setting.index,
                    "rows": sweep.rows,
                    "m": None,
                    "ef_construction": None,
                    "ef_search": best.setting.ef_search,
                    "QPS": round(max(best.qps.values())),
                    "p95 ms": round(best.p95_ms, 1),
                    "RAM used": _index_size(sweep, best.setting.index),
                    "RAM": f"shared_buffers {sweep.server.get('shared_buffers', '?')}",
                }
            ]
    return []


def _index_size(sweep: SweepResult, name: str | None) -> str:
    found = next((item.size_bytes for item in sweep.indexes if item.name == name), None)
    return "" if found is None else f"index {size(found)}"
