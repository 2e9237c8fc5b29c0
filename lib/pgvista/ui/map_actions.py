"""What can be done with the rows selected on the map: export, search, tag, leave out, delete."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.io.export import ExportFormat, export_rows
from pgvista.model.collection import Collection
from pgvista.services import rows as row_service
from pgvista.services.map_rows import MOST_LEFT_OUT, id_key, without_rows
from pgvista.sql import rows as row_sql
from pgvista.ui import example_state
from pgvista.ui import map_state as state
from pgvista.ui.browse_view import not_writable
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import guarded, show_error
from pgvista.ui.map_delete import delete_dialog
from pgvista.ui.map_make import start
from pgvista.ui.map_state import OpenMap
from pgvista.ui.map_tag import tag_dialog
from pgvista.ui.state import go

_LIKE = 20
"""Rows that By example is begun with."""
_FILTERED = 1_000
"""Ids that a filter on Search may hold."""
_BLOCK = 2_000


def actions(db: Database, collection: Collection, shown: OpenMap, ids: tuple[str, ...]) -> None:
    """Draw the buttons in one row."""
    _export(db, collection, ids)
    _ask(collection, ids)
    reason = not_writable(db, collection)
    bare = collection.roles.metadata is None
    if st.button(
        "Tag",
        key="map_tag",
        icon=":material/lock:" if reason else ":material/sell:",
        disabled=bool(reason) or bare,
        help=reason
        or (
            "There is no metadata to write a tag into." if bare else "Writes a key of the metadata."
        ),
    ):
        tag_dialog(db, collection, ids)
    _leave_out(collection, shown, ids)
    if st.button(
        "Delete",
        key="map_delete",
        icon=":material/lock:" if reason else ":material/delete:",
        disabled=bool(reason),
        help=reason or "Shows the rows and the SQL; nothing is deleted yet.",
    ):
        with guarded():
            delete_dialog(db, collection, ids)


def rows_file(db: Database, collection: Collection, ids: Sequence[str], format: str) -> bytes:
    """Return rows as a file: id, text, columns, metadata; without vectors."""
    found: list[dict[str, Any]] = []
    for at in range(0, len(ids), _BLOCK):
        found += [row.to_dict() for row in row_service.get(db, collection, ids[at : at + _BLOCK])]
    return export_rows(found, format, columns=("id", "content"))


def _export(db: Database, collection: Collection, ids: tuple[str, ...]) -> None:
    with st.popover(
        "Export", icon=":material/download:", key="map_export", on_change="rerun"
    ) as box:
        if not box.open:
            return
        for format in ExportFormat:
            st.download_button(
                {"csv": "CSV", "json": "JSON", "parquet": "Parquet"}[format.value],
                data=partial(rows_file, db, collection, ids, format.value),
                file_name=f"{collection.table}-selection.{format.value}",
                mime=format.mime_type,
                key=f"map_{format.value}",
                on_click="ignore",
                width="stretch",
            )
        if st.button("Copy SQL", key="map_sql", icon=":material/code:", width="stretch"):
            _sql_dialog(collection, ids)


def _ask(collection: Collection, ids: tuple[str, ...]) -> None:
    if st.button(
        "Search inside",
        key="map_search",
        icon=":material/search:",
        disabled=len(ids) > _FILTERED or collection.roles.id is None,
        help=f"Search among these rows alone, by a filter of their ids: at most {_FILTERED:,}.",
    ):
        key = id_key(collection.roles.id or "id")
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


def _leave_out(collection: Collection, shown: OpenMap, ids: tuple[str, ...]) -> None:
    with st.popover(
        "Exclude", icon=":material/visibility_off:", key="map_exclude", on_change="rerun"
    ) as box:
        if not box.open:
            return
        st.button(
            "Hide on this map",
            key="map_hide",
            width="stretch",
            on_click=state.hide,
            args=(ids,),
            help="Until they are shown again, or another map is opened. Nothing is written.",
        )
        if st.button(
            "Make a map without them",
            key="map_without",
            width="stretch",
            disabled=collection.roles.id is None or len(ids) > MOST_LEFT_OUT,
            help=f"A new map by a filter that leaves these ids out, at most {MOST_LEFT_OUT:,}. "
            "This one stays.",
        ):
            try:
                spec = without_rows(collection, shown.saved.info.spec, ids)
            except PgvistaError as error:
                show_error(error)
                return
            start(collection, spec)
            st.rerun()


@st.dialog("SQL of the selection", width="large")
def _sql_dialog(collection: Collection, ids: tuple[str, ...]) -> None:
    sql_panel(row_sql.by_id(collection, ids).text(), key="map_sql_panel")
