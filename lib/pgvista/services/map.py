"""Make a map of a collection: draw rows, find neighbours, lay them out, measure, name, keep."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.map import MapSpec, OnPreview, SavedMap
from pgvista.model.progress import Reporter


def make_map(
    db: Database,
    collection: Collection,
    spec: MapSpec,
    *,
    reporter: Reporter | None = None,
    on_preview: OnPreview | None = None,
    save: bool = True,
) -> SavedMap:
    """Make a map, and keep it in the database unless `save` is False."""
    raise NotImplementedError


def warm_up() -> None:
    """Compile UMAP's kernel, once in the process; call it in the background."""
    raise NotImplementedError
