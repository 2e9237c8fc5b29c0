"""What a map is worth: beside one of another seed, and beside one of random vectors."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.map import Comparison, SavedMap
from pgvista.model.progress import Reporter


def compare_seeds(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    seed: int,
    *,
    reporter: Reporter | None = None,
) -> Comparison:
    """Lay the same rows out with another seed, and tell how much the two maps agree."""
    raise NotImplementedError


def compare_noise(
    collection: Collection, saved: SavedMap, *, reporter: Reporter | None = None
) -> Comparison:
    """Lay out random vectors of the same shape by the same method."""
    raise NotImplementedError


def sentences(saved: SavedMap) -> tuple[str, ...]:
    """Say in plain words what sizes, gaps and distances on this map do and do not mean."""
    raise NotImplementedError
