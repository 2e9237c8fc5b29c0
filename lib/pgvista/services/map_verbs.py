"""What a collection of the Python face does with maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput
from pgvista.io.out_file import write_file
from pgvista.model.collection import Collection
from pgvista.model.filters import parse_filter
from pgvista.model.map import MapInfo, PlacedQuery, SavedMap
from pgvista.model.map_spec import (
    DEFAULT_MIN_DIST,
    DEFAULT_NEIGHBORS,
    DEFAULT_SAMPLE,
    MapMethod,
    MapSpec,
)


class MapVerbs:
    """Maps of the collection `info` in `db`."""

    db: Database
    info: Collection

    def map(
        self,
        *,
        method: str = "umap",
        sample: int | None = DEFAULT_SAMPLE,
        filters: Mapping[str, Any] | None = None,
        n_neighbors: int = DEFAULT_NEIGHBORS,
        min_dist: float = DEFAULT_MIN_DIST,
        seed: int = 0,
        name: str = "",
        save: bool = True,
    ) -> SavedMap:
        """Lay rows out in two dimensions; see MapSpec for the options. Kept unless `save` is False.

        `points.xy` holds the positions in the order of `points.ids`, `info.quality` what they keep.
        """
        from pgvista.services.map import make_map

        if method not in tuple(MapMethod):
            offered = ", ".join(item.value for item in MapMethod)
            raise InvalidInput(f"method is {method!r}, but it takes: {offered}.")
        spec = MapSpec(
            method=MapMethod(method),
            sample=sample,
            filters=parse_filter(filters),
            n_neighbors=n_neighbors,
            min_dist=min_dist,
            seed=seed,
            name=name,
        )
        return make_map(self.db, self.info, spec, save=save)

    def maps(self) -> list[MapInfo]:
        """Return the maps that are kept of the collection, the newest first."""
        from pgvista.services.map_store import list_maps

        return list_maps(self.db, self.info)

    def open_map(self, number: int | None = None) -> SavedMap:
        """Open a map that is kept, or the newest one. Raises NotFound."""
        from pgvista.services.map_store import open_map

        return open_map(self.db, self.info, number)

    def place_on_map(
        self,
        saved: SavedMap,
        query: str | Sequence[float] | None = None,
        *,
        row_id: str | None = None,
        limit: int = 10,
        embedder: Embedder | None = None,
    ) -> PlacedQuery:
        """Place words, a vector or a row of the table on a map, by the points truly nearest to it.

        Comes with what an exact and an ordinary search find. Raises InvalidInput, NotFound.
        """
        from pgvista.services.map_query import place_query

        words = isinstance(query, str)
        return place_query(
            self.db,
            self.info,
            saved,
            text=query if words else None,  # type: ignore[arg-type]
            vector=None if words else query,  # type: ignore[arg-type]
            row_id=row_id,
            limit=limit,
            embedder=embedder,
        )

    def write_map(
        self,
        saved: SavedMap,
        path: str | PathLike[str],
        *,
        colour_by: str | None = None,
        texts: bool = True,
    ) -> Path:
        """Write a map as .html (one page that needs nothing else), .svg or .parquet; return where.

        `colour_by` names a column or a key of the metadata; None: clusters. Raises InvalidInput,
        PermissionDenied.
        """
        from pgvista.services.map_files import map_file

        target = Path(path)
        data = map_file(self.db, self.info, saved, str(path), colour_by=colour_by, texts=texts)
        write_file(target, data)
        return target

    def delete_map(self, number: int) -> None:
        """Delete a map that is kept. Raises NotFound."""
        from pgvista.services.map_store import delete_map

        delete_map(self.db, self.info, number)
