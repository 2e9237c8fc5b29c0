"""A saved map as a file, with the texts of its rows or the values of one of their columns."""

from __future__ import annotations

from pathlib import PurePath

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.io import map_files
from pgvista.model.collection import Collection
from pgvista.model.map import SavedMap
from pgvista.services.map_compare import sentences
from pgvista.sql import map as map_sql

FORMATS = (".html", ".svg", ".parquet")


def check_format(path: str) -> str:
    """Return the ending of a file's name, which says its format. Raises InvalidInput."""
    ending = PurePath(path).suffix.lower()
    if ending not in FORMATS:
        raise InvalidInput(
            f"A map cannot be written as {PurePath(path).name!r}.",
            f"Let the name end in {', '.join(FORMATS)}. PNG is saved from the HTML page.",
        )
    return ending


def map_file(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    path: str,
    *,
    colour_by: str | None = None,
    texts: bool = True,
) -> bytes:
    """Return a map in the format that the ending of `path` says: .html, .svg or .parquet.

    `colour_by` names a column or a key of the metadata; None: clusters. With `texts`, the page has
    the beginning of each row's text, and Parquet all of it. Raises InvalidInput.
    """
    ending = check_format(path)
    title = f"{collection.name}: {saved.info.name}"
    found = texts_of(db, collection, saved, ending) if texts and ending != ".svg" else None
    if ending == ".parquet":
        return map_files.map_parquet(saved, found)
    colours = None
    if colour_by is not None:
        colours = map_files.by_values(colour_by, values_of(db, collection, saved, colour_by))
    if ending == ".svg":
        return map_files.map_svg(saved, title, colours=colours).encode()
    return map_files.map_html(saved, title, sentences(saved), texts=found, colours=colours).encode()


def values_of(db: Database, collection: Collection, saved: SavedMap, key: str) -> list[str | None]:
    """Return one column or key of the metadata of every point, as text; None for none.

    Raises InvalidInput when there is neither a column nor metadata.
    """
    known = {column.name for column in collection.columns}
    known |= {collection.roles.id or "", collection.roles.content or ""}
    if key not in known and collection.roles.metadata is None:
        raise InvalidInput(
            f"{collection.name} has no column {key!r}, and no metadata to look it up in.",
            f"Columns: {', '.join(column.name for column in collection.columns) or 'none'}.",
        )
    query = map_sql.values(collection, saved.points.ids, key)
    found = dict(db.query(query.statement, query.params, timeout_ms=0))
    return [found.get(row_id) for row_id in saved.points.ids]


def texts_of(
    db: Database, collection: Collection, saved: SavedMap, ending: str = ".html"
) -> dict[str, str] | None:
    """Return the texts of the points by id, for a page their beginnings; None without texts."""
    if collection.roles.content is None:
        return None
    length = map_files.TEXT_LENGTH if ending == ".html" else 2_000_000
    query = map_sql.texts(collection, saved.points.ids, length)
    return dict(db.query(query.statement, query.params, timeout_ms=0))
