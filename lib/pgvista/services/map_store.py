"""Maps kept in the database: opened at once, also on another machine."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.map import MapInfo, MapState, SavedMap
from pgvista.model.progress import Reporter


def save_map(db: Database, collection: Collection, made: SavedMap) -> SavedMap:
    """Keep a map; return it with its number."""
    raise NotImplementedError


def list_maps(db: Database, collection: Collection) -> list[MapInfo]:
    """Return the maps of a collection, the newest first, without their points."""
    raise NotImplementedError


def open_map(db: Database, collection: Collection, number: int | None = None) -> SavedMap:
    """Open a map, or the newest one. Raises NotFound."""
    raise NotImplementedError


def delete_map(db: Database, collection: Collection, number: int) -> None:
    """Delete a map. Raises NotFound when it is gone."""
    raise NotImplementedError


def rename_map(db: Database, collection: Collection, number: int, name: str) -> MapInfo:
    """Give a map a name."""
    raise NotImplementedError


def rename_cluster(
    db: Database, collection: Collection, number: int, cluster: int, name: str
) -> MapInfo:
    """Give a cluster a name, which is kept; empty: its words name it again."""
    raise NotImplementedError


def state_of(db: Database, collection: Collection, info: MapInfo) -> MapState:
    """Tell whether the table is as it was when the map was made."""
    raise NotImplementedError


def update_map(
    db: Database, collection: Collection, saved: SavedMap, *, reporter: Reporter | None = None
) -> SavedMap:
    """Place rows that were added later by their neighbours, drop those that are gone, and keep it."""
    raise NotImplementedError
