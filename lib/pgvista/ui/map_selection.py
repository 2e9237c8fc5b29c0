"""The rows inside the lasso or the box: a table by key, what they have in common, and what to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.io.export import export_rows
from pgvista.model.collection import Collection
from pgvista.services import rows as row_service
from pgvista.services.map_files import values_of
from pgvista.sql import rows as row_sql
from pgvista.ui import example_state
from pgvista.ui import map_state as state
from pgvista.ui.browse_view import not_writable
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import confirmed
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.format import plural
from pgvista.ui.map_colour import COLUMN, choices
from pgvista.ui.map_state import OpenMap
from pgvista.ui.state import go

_SHOWN = 500
_LIKE = 20
"""Rows that By example is begun with."""
_FILTERED = 1_000
"""Ids that a filter on Search may hold."""
_BLOCK = 2_000
_SQL_CHARS = 6_000


def selection(db: Database, collection: Collection, shown: OpenMap) -> None:
    """Draw the rows selected; nothing without any."""
    ids = state.selected()
    if not ids:
        return
    with st.container(border=True, key="map_selection"), guarded():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plural(len(ids), 'row')} selected**", width="stretch")
            _actions(db, collection, ids)
        left, right = st.columns((0.68, 0.32), gap="medium")
        with left:
            _table(db, collection, ids)
        with right:
            _counts(db, collection, shown, ids)


def _actions(db: Database, collection: Collection, ids: tuple[str, ...]) -> None:
    st.download_button(
        "CSV",
        data=partial(rows_csv, db, collection, ids),
        file_name=f"{collection.table}-selection.csv",
        mime="text/csv",
        key="map_csv",
        icon=":material/download:",
        on_click="ignore",
    )
    if st.button("SQL", key="map_sql", icon=":material/code:"):
        _sql_dialog(collection, ids)
    if st.button(
        "Search inside",
        key="map_search",
        icon=":material/search:",
        disabled=len(ids) > _FILTERED or collection.roles.id is None,
        help=f"Search among these rows alone, by a filter of their ids: at most {_FILTERED:,}.",
    ):
        key = (collection.roles.id or "id").replace("\\", "\\\\").replace(".", "\\.")
        st.session_state["search_filter"] = json.dumps({key: {"$in": list(ids)}})
        go("search", collection=collection.name)
    if st.button(
        "More like these",
        key="map_example",
        icon=":material/thumbs_up_down:",
        help=f"Take them as examples on the page By example: the first {_LIKE}.",
    ):
        example_state.clear(collection)
        for row_id in ids[:_LIKE]:
            example_state.choose(collection, row_id, like=True)
        go("pages/search/by_example.py", collection=collection.name)
    reason = not_writable(db, collection)
    if st.button(
        "Delete",
        key="map_delete",
        icon=":material/lock:" if reason else ":material/delete:",
        disabled=bool(reason),
        help=reason or "Shows the rows and the SQL; nothing is deleted yet.",
    ):
        _delete_dialog(db, collection, ids)
    st.button(
        "Clear",
        key="map_clear",
        icon=":material/close:",
        type="tertiary",
        on_click=state.set_selected,
        args=((),),
    )


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
        told.append(f"the first {_SHOWN} of {len(ids):,} are shown, the CSV has all")
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
    name = st.selectbox("Count by", names, key="map_count_by")
    if name not in shown.values:
        shown.values[name] = values_of(db, collection, shown.saved, name)
    values = shown.values[name]
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
            "of all": st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1,
                help="Share of the map's rows with this value that are selected",
            ),
        },
        alt=f"The selected rows counted by {name}",
    )  # fmt: skip


def rows_csv(db: Database, collection: Collection, ids: Sequence[str]) -> bytes:
    """Return rows as CSV: id, text, columns, metadata as JSON; without vectors."""
    found: list[dict[str, Any]] = []
    for at in range(0, len(ids), _BLOCK):
        found += [row.to_dict() for row in row_service.get(db, collection, ids[at : at + _BLOCK])]
    return export_rows(found, "csv", columns=("id", "content"))


def _flat(row: row_service.StoredRow) -> dict[str, Any]:
    flat: dict[str, Any] = {"id": row.id, "text": (row.content or "")[:300]}
    for name, value in {**row.columns, **row.metadata}.items():
        flat.setdefault(str(name), None if value is None else str(value)[:200])
    return flat


@st.dialog("SQL of the selection", width="large")
def _sql_dialog(collection: Collection, ids: tuple[str, ...]) -> None:
    sql_panel(row_sql.by_id(collection, ids).text(), key="map_sql_panel")


@st.dialog("Delete the selected rows", width="large")
def _delete_dialog(db: Database, collection: Collection, ids: tuple[str, ...]) -> None:
    sql = row_sql.delete_ids(collection, ids).text()
    if len(sql) > _SQL_CHARS:
        sql = f"{sql[:_SQL_CHARS]}\n… {len(sql) - _SQL_CHARS:,} more characters"
    if confirmed(
        f"Delete {plural(len(ids), 'row')}",
        name=collection.name,
        sql=sql,
        consequence=f":red[**{plural(len(ids), 'row')} of {plain(collection.name)} are deleted**], "
        "with the chunks cut from them. Their points stay on the map until it is brought up to "
        "date.",
        key="map_delete_confirm",
        read_only=db.read_only,
    ):
        try:
            count = row_service.delete(db, collection, ids=ids)
        except PgvistaError as error:
            show_error(error)
            return
        state.set_selected(())
        state.set_focus(None)
        state.look_again()
        st.session_state["_map_said"] = f"{plural(count, 'row')} deleted"
        st.rerun()
