"""One row in full, to look at, change, add or delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.io.values import column_parser
from pgvista.io.vectors import parse_vector
from pgvista.model.collection import PARENT_KEY, Collection
from pgvista.model.filters import Comparison, Filter
from pgvista.model.rows import Row
from pgvista.services import rows as row_service
from pgvista.services.rows import StoredRow
from pgvista.sql import rows as row_sql
from pgvista.ui.browse_view import changed, parse_object
from pgvista.ui.components.panels import sql_panel, vector_picture
from pgvista.ui.errors import plain, show_error
from pgvista.ui.state import embedder_for, go

TEXT_PX = 240
_EDITING = "browse_editing"


def detail(db: Database, collection: Collection, row: StoredRow, *, writable: bool) -> None:
    """Draw a row: its text, metadata, columns and vector, and what can be done with it."""
    with st.container(border=True, key="browse_detail"):
        st.markdown(f"**`{row.id.replace('`', 'ˋ')}`**")
        if writable and st.session_state.get(_EDITING) == (collection.name, row.id):
            _edit_form(db, collection, row)
            return
        with st.container(horizontal=True):
            if row.embedding is not None and st.button(
                "Find similar", key="browse_similar", icon=":material/join_inner:", type="primary"
            ):
                st.session_state["search_similar"] = (collection.name, row.id)
                go("search", collection=collection.name)
            if writable:
                st.button(
                    "Edit",
                    key="browse_edit",
                    icon=":material/edit:",
                    on_click=lambda: st.session_state.update({_EDITING: (collection.name, row.id)}),
                )
                if st.button("Delete", key="browse_delete", icon=":material/delete:"):
                    delete_dialog(db, collection, ids=[row.id])
        _fields(row)


def _fields(row: StoredRow) -> None:
    if row.content is not None:
        text = row.content or ":gray[empty]"
        long = len(text) > 600 or text.count("\n") > 9
        with st.container(height=TEXT_PX if long else "content", border=False):
            st.text(text)
    else:
        st.markdown(":gray[no text]")
    if row.columns:
        for name, value in row.columns.items():
            st.markdown(f":gray[{plain(name)}] &nbsp; {plain(_shown(value))}")
    if row.metadata:
        st.markdown(":gray[metadata]")
        st.json(dict(row.metadata), expanded=2)
    if row.embedding is not None:
        vector_picture(row.embedding.tolist(), key=f"browse_vector_{row.id}")
    else:
        st.markdown(":orange[:material/hourglass_empty: no vector yet]")


def _shown(value: Any) -> str:
    return "—" if value is None else str(value)


def _edit_form(db: Database, collection: Collection, row: StoredRow) -> None:
    def save(made: Row) -> None:
        embedder = embedder_for(collection) if collection.model else None
        with st.spinner("Writing, and embedding the text if it changed"):
            row_service.edit(db, collection, made, embedder=embedder)

    saved = _form(collection, row, save, "Save")
    if saved or st.button("Cancel", key="browse_cancel", type="tertiary"):
        st.session_state[_EDITING] = None
        changed()
        st.rerun()


@st.dialog("Add a row", width="medium")
def add_dialog(db: Database, collection: Collection) -> None:
    """Ask for a new row, and write it."""

    def save(made: Row) -> None:
        embedder = embedder_for(collection) if collection.model else None
        with st.spinner("Writing and embedding"):
            row_service.add(db, collection, made, embedder=embedder)

    if _form(collection, None, save, "Add"):
        changed()
        st.rerun()


def _form(
    collection: Collection, row: StoredRow | None, save: Callable[[Row], None], verb: str
) -> bool:
    """Draw the fields of a row; return whether it was saved. What is wrong is said above them."""
    with st.form("browse_form", border=False):
        problem = st.empty()
        row_id = row.id if row is not None else _id_field()
        content: str | None = None
        if collection.roles.content is not None:
            before = row.content or "" if row is not None else ""
            content = st.text_area("Text", before, height=200, key=f"browse_content_{row_id}")
        typed = {
            column.name: st.text_input(
                f"{column.name} · {column.type}",
                _typed(row.columns.get(column.name)) if row is not None else "",
                key=f"browse_column_{column.name}_{row_id}",
            )
            for column in collection.columns
        }
        metadata = "{}"
        if collection.roles.metadata is not None:
            known = dict(row.metadata) if row is not None else {}
            metadata = st.text_area(
                "Metadata",
                json.dumps(known, ensure_ascii=False, indent=2, default=str),
                height=160,
                key=f"browse_metadata_{row_id}",
                help="A JSON object.",
            )
        vector = ""
        if row is None and collection.model is None:
            vector = st.text_input(
                f"Vector · {collection.dimension} numbers",
                placeholder="[0.1, 0.2, 0.3]",
                key="browse_new_vector",
            )
        if not st.form_submit_button(verb, type="primary", key=f"browse_{verb.lower()}"):
            return False
    try:
        if content == "" and (row is None or row.content is None):
            content = None
        columns = _columns(collection, typed)
        if row is None and content is None and not vector.strip():
            raise InvalidInput("The row has neither a text nor a vector.", "Give it one of both.")
        embedding = parse_vector(vector, collection.dimension) if vector.strip() else None
        save(Row(row_id.strip(), content, parse_object(metadata), embedding, columns))
    except PgvistaError as error:
        with problem:
            show_error(error)
        return False
    return True


def _id_field() -> str:
    return st.text_input("Id", key="browse_new_id", placeholder="left empty: a random one") or ""


def _typed(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _columns(collection: Collection, typed: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the columns' values as their types want them. Raises InvalidInput."""
    found: dict[str, Any] = {}
    for column in collection.columns:
        text = typed[column.name]
        found[column.name] = column_parser(column.name, column.type)(text) if text else None
    return found


@st.dialog("Delete rows", width="medium")
def delete_dialog(
    db: Database,
    collection: Collection,
    *,
    ids: Sequence[str] | None = None,
    filters: Filter | None = None,
) -> None:
    """Show which rows go and by what SQL; delete them once the collection's name is typed."""
    if ids is not None:
        query = row_sql.delete_ids(collection, ids)
        count = len(ids) + _chunks(db, collection, ids)
        exact = True
    elif filters is not None:
        query = row_sql.delete_filtered(collection, filters)
        count = row_service.count(db, collection, filters)
        exact = count <= row_sql.COUNT_LIMIT
        count = min(count, row_sql.COUNT_LIMIT)
    else:
        return
    number = f"{count:,}" if exact else f"more than {count:,}"
    rows = "row" if count == 1 else "rows"
    st.markdown(f"**{number} {rows}** of {plain(collection.name)} will be deleted for good.")
    sql_panel(query.text(), key="browse_delete_sql")
    typed = st.text_input(
        f"Type {collection.name} to confirm", key="browse_delete_name", live="300ms"
    )
    if st.button(
        f"Delete {number} {rows}",
        key="browse_delete_confirmed",
        type="primary",
        icon=":material/delete_forever:",
        disabled=typed != collection.name,
    ):
        try:
            with st.spinner("Deleting"):
                row_service.delete(db, collection, ids=ids, filters=filters)
        except PgvistaError as error:
            show_error(error)
            return
        changed()
        st.rerun()


def _chunks(db: Database, collection: Collection, ids: Sequence[str]) -> int:
    """Count the chunks that go with the texts they were cut from."""
    if collection.roles.metadata is None:
        return 0
    kept = row_service.count(db, collection, Comparison(PARENT_KEY, "$in", tuple(ids)))
    picked = row_service.get(db, collection, ids)
    return kept - sum(row.metadata.get(PARENT_KEY) in ids for row in picked)
