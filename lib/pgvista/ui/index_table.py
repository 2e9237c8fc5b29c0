"""The indexes of a collection in one table: what each is on, serves and takes, and who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pgvista.model.collection import Collection, CollectionStats, IndexInfo, RelationKind
from pgvista.model.index import IndexTarget
from pgvista.model.index_build import BuildServer, IndexOverview
from pgvista.ui import format as form
from pgvista.ui.components.panels import metric_chips

_ROW_PX = 35
_ROWS_SHOWN = 12
_COLOURS = {"valid": "green", "building": "blue", "not ready": "orange", "partial": "gray"}


def summary(stats: CollectionStats, items: Sequence[IndexOverview], server: BuildServer) -> None:
    """Draw the figures that all indexes share."""
    metric_chips(
        [
            ("rows", form.rows(stats)),
            ("table", form.size(stats.table_bytes)),
            ("indexes", form.size(sum(item.info.size_bytes for item in items))),
            ("maintenance_work_mem", form.size(server.maintenance_work_mem_bytes)),
            ("shared_buffers", form.size(server.shared_buffers_bytes)),
        ],
        key="indexes.figures",
    )


def index_table(collection: Collection, items: Sequence[IndexOverview]) -> IndexOverview | None:
    """Draw the table, and return the index whose row is marked; None for none."""
    if not items:
        st.markdown(":gray[No index yet: every search looks at every row.]")
        return None
    if not any(item.info.metric for item in items):
        st.markdown(
            ":gray[:material/info: No index on the vectors: semantic search looks at every row.]"
        )
    names = [item.info.name for item in items]
    key = f"indexes.list.{hash((collection.name, tuple(names)))}"
    frame = _frame(collection, items)
    styled = frame.style.format(lambda size: form.size(float(str(size))), subset=["Size"])
    styled = styled.format("{:,}", subset=["Scans"])
    if "Cached" in frame:
        styled = styled.format("{:.0%}", subset=["Cached"], na_rep="–")
    st.dataframe(
        styled,
        hide_index=True,
        row_height=_ROW_PX,
        height=_ROW_PX * (min(len(items), _ROWS_SHOWN) + 1) + 2,
        placeholder="–",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        alt="The indexes of this collection: what each is on, serves and takes, and its use",
        column_config={
            "Index": st.column_config.TextColumn(
                width=145, help="Its name, without that of the table before it"
            ),
            "Method": st.column_config.TextColumn(width=112),
            "On": st.column_config.TextColumn(
                width=110, help="What of a row is indexed, and the operator it serves"
            ),
            "State": st.column_config.MultiselectColumn(
                width=75, options=list(_COLOURS), color=list(_COLOURS.values())
            ),
            "Size": st.column_config.NumberColumn(width=75),
            "Cached": st.column_config.NumberColumn(
                width=65, help="How much of it lies in shared_buffers now"
            ),
            "Scans": st.column_config.NumberColumn(
                width=52, help="Searches that used it since the server's statistics began"
            ),
            "Last use": st.column_config.TextColumn(width=78),
        },
    )
    marked = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    return items[marked[0]] if marked and marked[0] < len(items) else None


def _frame(collection: Collection, items: Sequence[IndexOverview]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "Index": [short_name(collection, item.info) for item in items],
        "Method": [method(item.info) for item in items],
        "On": [target(item) for item in items],
        "State": [states(item.info) for item in items],
        "Size": [item.info.size_bytes for item in items],
        "Scans": [item.info.scans for item in items],
        "Last use": [last_use(item.info.last_scan) for item in items],
    }
    if any(item.cached_bytes is not None for item in items):
        columns["Cached"] = [_share(item) for item in items]
    return pd.DataFrame(columns)


def short_name(collection: Collection, index: IndexInfo) -> str:
    """Return an index's name without the table's, which most of them begin with."""
    return index.name.removeprefix(f"{collection.table}_") or index.name


def states(index: IndexInfo) -> list[str]:
    """Return the badges of an index."""
    found = ["building"] if index.build is not None else ["valid" if index.valid else "not ready"]
    return [*found, "partial"] if index.predicate else found


def method(index: IndexInfo) -> str:
    """Return the method with its options: ``HNSW m 16, ef_construction 64``."""
    name = {"hnsw": "HNSW", "ivfflat": "IVFFlat", "gin": "GIN"}.get(index.method, index.method)
    options = {"ef_construction": "ef"}
    return " ".join(
        [name, ", ".join(f"{options.get(k, k)} {v}" for k, v in index.options.items())]
    ).strip()


def target(item: IndexOverview) -> str:
    """Return what is indexed, and the operator that a vector index serves: ``bits <~>``."""
    index = item.info
    columns = ", ".join(filter(None, index.columns))
    if index.target is None:
        return columns or "expression"
    what = {
        IndexTarget.COLUMN: columns,
        IndexTarget.HALFVEC: "as halfvec",
        IndexTarget.BIT: "bits",
        IndexTarget.LEADING: f"first {index.leading}",
    }[index.target]
    return f"{what} {' '.join(item.operators)}"


def last_use(at: datetime | None) -> str:
    """Write how long ago something was used: ``5 min ago``; ``never`` for None."""
    if at is None:
        return "never"
    seconds = (datetime.now(UTC) - at).total_seconds()
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{max(0, int(seconds // unit))} {name} ago"
    return f"{int(seconds // 86400)} d ago"


def can_be_indexed(collection: Collection) -> bool:
    """Tell whether Postgres builds indexes on this relation."""
    kinds = (RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.MATVIEW)
    return collection.kind in kinds


def _share(item: IndexOverview) -> float | None:
    if item.cached_bytes is None:
        return None
    return min(1.0, item.cached_bytes / item.info.size_bytes) if item.info.size_bytes else 0.0
