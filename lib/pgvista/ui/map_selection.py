"""The rows inside the lasso or the box: a table by key, what they have in common, and what to do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.services import rows as row_service
from pgvista.services.map_files import values_of
from pgvista.ui import map_state as state
from pgvista.ui.errors import guarded
from pgvista.ui.format import plural
from pgvista.ui.map_actions import actions
from pgvista.ui.map_colour import COLUMN, choices
from pgvista.ui.map_state import OpenMap

_SHOWN = 500
_TRIED = 4


def selection(db: Database, collection: Collection, shown: OpenMap) -> None:
    """Draw the rows selected; nothing without any."""
    ids = state.selected()
    if not ids:
        return
    with st.container(border=True, key="map_selection"), guarded():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plural(len(ids), 'row')} selected**", width="stretch")
            st.button(
                "Clear",
                key="map_clear",
                icon=":material/close:",
                type="tertiary",
                on_click=state.set_selected,
                args=((),),
            )
        with st.container(horizontal=True, gap="xsmall"):
            actions(db, collection, shown, ids)
        left, right = st.columns((0.68, 0.32), gap="medium")
        with left:
            _table(db, collection, ids)
        with right:
            _counts(db, collection, shown, ids)


def _table(db: Database, collection: Collection, ids: tuple[str, ...]) -> None:
    rows = row_service.get(db, collection, ids[:_SHOWN])
    st.dataframe(
        [_flat(row) for row in rows],
        key="map_table",
        hide_index=True,
        height=min(38 + 35 * max(1, len(rows)), 360),
        alt="The selected rows: id, text, columns and metadata",
    )
    told = []
    if len(ids) > _SHOWN:
        told.append(f"the first {_SHOWN} of {len(ids):,} are shown, a file has all")
    if gone := min(len(ids), _SHOWN) - len(rows):
        told.append(f"{plural(gone, 'row')} were deleted after the map was made")
    if told:
        st.markdown(f":gray[{'; '.join(told).capitalize()}.]")


def _counts(db: Database, collection: Collection, shown: OpenMap, ids: tuple[str, ...]) -> None:
    names = [
        name.removeprefix(COLUMN) for name in choices(db, collection) if name.startswith(COLUMN)
    ]
    if not names:
        st.markdown(":gray[There is no column to count by.]")
        return
    coloured = (st.session_state.get(state.COLOUR) or "").removeprefix(COLUMN)
    first = coloured if coloured in names else _telling(db, collection, shown, names)
    name = st.selectbox("Count by", names, index=names.index(first), key="map_count_by")
    values = _values(db, collection, shown, name)
    inside = Counter(values[shown.place(row_id)] for row_id in ids)
    everywhere = Counter(values)
    rows = [
        {"value": "(none)" if value is None else value[:80], "rows": count,
         "of all": count / everywhere[value]}
        for value, count in inside.most_common(50)
    ]  # fmt: skip
    st.dataframe(
        rows,
        key="map_counts",
        hide_index=True,
        height=min(38 + 35 * len(rows), 280),
        column_config={
            "value": st.column_config.TextColumn(width="small"),
            "rows": st.column_config.NumberColumn(width="small"),
            "of all": st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1,
                help="Share of the map's rows with this value that are selected",
            ),
        },
        alt=f"The selected rows counted by {name}",
    )  # fmt: skip


def _telling(db: Database, collection: Collection, shown: OpenMap, names: list[str]) -> str:
    """Return the first of some columns whose values come again, as titles and codes do not."""
    for name in names[:_TRIED]:
        values = [value for value in _values(db, collection, shown, name) if value is not None]
        if 2 * len(set(values)) < len(values):
            return name
    return names[0]


def _values(db: Database, collection: Collection, shown: OpenMap, name: str) -> list[str | None]:
    if name not in shown.values:
        shown.values[name] = values_of(db, collection, shown.saved, name)
    return shown.values[name]


def _flat(row: row_service.StoredRow) -> dict[str, Any]:
    flat: dict[str, Any] = {"id": row.id, "text": (row.content or "")[:300]}
    for name, value in {**row.columns, **row.metadata}.items():
        flat.setdefault(str(name), None if value is None else str(value)[:200])
    return flat
