"""Titles of the rows on a map: all of them where the map is small, else those that are shown."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.search import Hit
from pgvista.services import rows as row_service
from pgvista.services.rows import StoredRow
from pgvista.ui.components.hits import headline
from pgvista.ui.components.map_plot import map_titles
from pgvista.ui.map_state import KEY, OpenMap

ALL_UP_TO = 2_000
"""Points of a map whose titles are all sent with it; of a larger one each is sent when asked for."""
_HOVERED = "_map_hovered"
_CHARS = 90


def all_titles(db: Database, collection: Collection, shown: OpenMap) -> tuple[str, ...]:
    """Return the title of every point of a small map; of a large one none."""
    ids = shown.saved.points.ids
    if len(ids) <= ALL_UP_TO and not shown.titles:
        found = titles_of(db, collection, ids)
        shown.titles = tuple(found.get(row_id, row_id) for row_id in ids)
    return shown.titles


@st.fragment
def hovered_title(db: Database, collection: Collection, shown: OpenMap) -> None:
    """Send the title of the row that the pointer rests on: a fragment that draws nothing else."""
    if len(shown.saved.points) <= ALL_UP_TO:
        return
    row_id: str | None = st.session_state.get(_HOVERED)
    title: str | None = None
    if row_id is not None and shown.place(row_id) >= 0:
        try:
            title = titles_of(db, collection, [row_id]).get(row_id)
        except (
            PgvistaError
        ):  # the pointer goes on: its id is shown, and the page tells what is wrong
            title = None
    map_titles(KEY, shown.token, row_id, title, asked=_take)


def _take(row_id: str) -> None:
    st.session_state[_HOVERED] = row_id


def titles_of(db: Database, collection: Collection, ids: Iterable[str]) -> dict[str, str]:
    """Return the titles of rows by id; rows that are gone are left out."""
    rows = row_service.get(db, collection, list(dict.fromkeys(ids)))
    return {row.id: title_of(row) for row in rows}


def title_of(row: StoredRow) -> str:
    """Return what a row is called in a list: its title, or the beginning of its text, or its id."""
    hit = Hit(row.id, row.content, row.metadata, row.columns, 0.0)
    title = " ".join("".join(span.text for span in headline(hit)[0]).split())
    return (title or row.id)[:_CHARS]
