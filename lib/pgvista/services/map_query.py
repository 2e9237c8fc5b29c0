"""A live query on a map: where it lies, what is truly near, what searches find and miss."""

from __future__ import annotations

from collections.abc import Sequence

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.model.collection import Collection
from pgvista.model.map import Errors, Floats, PlacedQuery, SavedMap
from pgvista.model.search import SearchRequest


def place_query(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    *,
    text: str | None = None,
    vector: Sequence[float] | None = None,
    row_id: str | None = None,
    limit: int = 10,
    request: SearchRequest | None = None,
    embedder: Embedder | None = None,
    distances: bool = False,
) -> PlacedQuery:
    """Place words, a vector or a row of the table on a map; exactly one of them is given.

    `request` holds the knobs of the searches (its text, vector and limit are put in here); with
    `distances`, the true distance of every point comes too. Raises InvalidInput and NotFound.
    """
    raise NotImplementedError


def distances_to(
    db: Database, collection: Collection, saved: SavedMap, vector: Sequence[float]
) -> Floats:
    """Return the true distance of every point to a vector, shape (n,); NaN for rows that are gone."""
    raise NotImplementedError


def distances_from(db: Database, collection: Collection, saved: SavedMap, place: int) -> Floats:
    """Return the true distance of every point to one of them, shape (n,)."""
    raise NotImplementedError


def errors_of(saved: SavedMap, place: int) -> Errors:
    """Return the true, missing and false neighbours of a point."""
    raise NotImplementedError
