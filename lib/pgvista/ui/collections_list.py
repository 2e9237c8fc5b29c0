"""All collections of a connection in one table: how many rows, how large, with which index."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pgvista.model.collection import CollectionStats
from pgvista.ui import format as form
from pgvista.ui.errors import plain
from pgvista.ui.state import choose, chosen_among, show_in_address

FILTER_FROM = 12
"""From this many collections on, a field to filter them by name is shown."""
_ROW_PX = 35
_ROWS_SHOWN = 10


def collections_list(found: Sequence[CollectionStats]) -> CollectionStats:
    """Draw the table, and return the collection whose row is marked; `found` is not empty."""
    chosen = chosen_among([stats.collection.name for stats in found])
    shown = list(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_summary(found), width="stretch")
        if len(found) >= FILTER_FROM:
            asked = st.text_input(
                "Filter by name", key="collections.filter", placeholder="Filter by name or model",
                label_visibility="collapsed", icon=":material/search:", width=280,
            ).casefold().strip()  # fmt: skip
            shown = [stats for stats in found if asked in _searched(stats)]
    if shown:
        _table(shown, chosen)
    else:
        st.markdown(":gray[No collection's name or model holds that.]")
    show_in_address(chosen)
    return next(stats for stats in found if stats.collection.name == chosen)


def _table(shown: Sequence[CollectionStats], chosen: str) -> None:
    names = [stats.collection.name for stats in shown]
    key = f"collections.list.{hash(tuple(names))}"
    marked = [names.index(chosen)] if chosen in names else []
    if st.session_state.get(key, {}).get("selection", {}).get("rows") != marked:
        st.session_state[key] = {"selection": {"rows": marked}}
    st.dataframe(
        _styled(shown),
        hide_index=True,
        row_height=_ROW_PX,
        height=_ROW_PX * (min(len(shown), _ROWS_SHOWN) + 1) + 2,
        placeholder="–",
        key=key,
        on_select=lambda: _mark(key, names),
        selection_mode="single-row",
        alt="The collections of this connection, with rows, size, model, metric and indexes",
        column_config={
            "Collection": st.column_config.TextColumn(width="medium"),
            "Rows": st.column_config.NumberColumn(help="≈: estimated by the planner, not counted"),
            "Size": st.column_config.NumberColumn(help="The table and its indexes"),
            "Without vector": st.column_config.NumberColumn(
                help="Rows with a text and no vector: semantic search does not see them"
            ),
        },
    )


def _styled(shown: Sequence[CollectionStats]) -> pd.io.formats.style.Styler:
    """Numbers stay numbers, so that the table can be sorted; how they look is set beside."""
    frame = pd.DataFrame(
        {
            "Collection": [stats.collection.name for stats in shown],
            "Rows": [stats.rows for stats in shown],
            "Size": [stats.table_bytes + stats.index_bytes for stats in shown],
            "Model": [stats.collection.model for stats in shown],
            "Dimension": pd.array([stats.collection.dimension for stats in shown], dtype="Int64"),
            "Metric": [stats.collection.metric.label for stats in shown],
            "Vector index": [_vector_indexes(stats) for stats in shown],
            "Without vector": pd.array([stats.unembedded for stats in shown], dtype="Int64"),
            "Kind": [str(stats.collection.kind) for stats in shown],
        }
    )
    styled = frame.style.format(lambda value: form.size(float(str(value))), subset=["Size"])
    styled = styled.format("{:,}", subset=["Rows"])
    estimated = [i for i, stats in enumerate(shown) if not stats.rows_exact]
    if estimated:
        styled = styled.format("≈ {:,}", subset=pd.IndexSlice[estimated, ["Rows"]])
    return styled.format("{:,}", subset=["Dimension", "Without vector"], na_rep="–")


def _mark(key: str, names: Sequence[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(names):
        choose(names[rows[0]])


def _summary(found: Sequence[CollectionStats]) -> str:
    total = sum(stats.rows for stats in found)
    exact = all(stats.rows_exact for stats in found)
    taken = sum(stats.table_bytes + stats.index_bytes for stats in found)
    parts = [
        f"**{form.plural(len(found), 'collection')}**",
        f"{'' if exact else '≈ '}{form.plural(total, 'row')}",
        form.size(taken),
    ]
    return parts[0] + " :gray[· " + " · ".join(map(plain, parts[1:])) + "]"


def _searched(stats: CollectionStats) -> str:
    return f"{stats.collection.name}\n{stats.collection.model or ''}".casefold()


def _vector_indexes(stats: CollectionStats) -> str | None:
    found = [
        f"{index.method}{'' if index.valid else ' (not ready)'}"
        for index in stats.indexes
        if index.method in ("hnsw", "ivfflat")
    ]
    return ", ".join(found) or None
