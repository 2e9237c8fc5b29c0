"""Titles of the rows on a map: all of them where the map is small, else those that are shown."""

from __future__ import annotations

from collections.abc import Iterable

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.search import Hit
from pgvista.services import rows as row_service
from pgvista.services.rows import StoredRow
from pgvista.ui.components.hits import headline
from pgvista.ui.map_state import OpenMap

ALL_UP_TO = 2_000
"""Points of a map whose titles are all sent with it, so that they show on hovering."""
_CHARS = 90


def all_titles(db: Database, collection: Collection, shown: OpenMap) -> tuple[str, ...]:
    """Return the title of every point of a small map; of a large one none."""
    ids = shown.saved.points.ids
    if len(ids) <= ALL_UP_TO and not shown.titles:
        found = titles_of(db, collection, ids)
        shown.titles = tuple(found.get(row_id, row_id) for row_id in ids)
    return shown.titles


def titles_of(db: Database, collection: Collection, ids: Iterable[str]) -> dict[str, str]:
    """Return the titles of rows by id; rows that are gone are left out."""
    rows = row_service.get(db, collection, list(dict.fromkeys(ids)))
    return {row.id: title_of(row) for row in rows}


def title_of(row: StoredRow) -> str:
    """Return what a row is called in a list: its title, or the beginning of its text, or its id."""
    hit = Hit(row.id, row.content, row.metadata, row.columns, 0.0)
    title = " ".join("".join(span.text for span in headline(hit)[0]).split())
    return (title or row.id)[:_CHARS]
