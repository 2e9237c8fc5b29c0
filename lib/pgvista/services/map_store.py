"""Maps kept in the database: opened at once, also on another machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.types.json import Jsonb

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, NotFound, PermissionDenied, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.map import ClusterLabel, MapInfo, MapPoints, MapQuality, SavedMap, empty_points
from pgvista.model.map_spec import MapSpec
from pgvista.model.metric import Metric
from pgvista.sql import map as map_sql
from pgvista.sql.query import Query

BLOCK = 20_000
"""Points of one row of pgvista.map_points."""
_TYPES = {
    "xy": "<f4", "kept": "<f4", "cluster": "<i4", "neighbours": "<i4", "distances": "<f4",
    "pca": "<f4", "is_new": "?",
}  # fmt: skip
_WIDE = {"xy": 2, "pca": 2}
_LONGEST_NAME = 200


def save_map(db: Database, collection: Collection, made: SavedMap) -> SavedMap:
    """Keep a map; return it with its number.

    Raises PermissionDenied where the role may not make or write the tables.
    """
    _ensure_tables(db)
    with db.transaction(timeout_ms=0) as connection:
        query = map_sql.insert(collection, Jsonb(_told(made.info)))
        number, made_at = _run(connection, query)[0]
        _write_points(connection, number, made.points)
    made_at = made_at.astimezone(UTC)
    return replace(made, info=replace(made.info, number=number, made_at=made_at))


def list_maps(db: Database, collection: Collection) -> list[MapInfo]:
    """Return the maps of a collection, the newest first, without their points.

    Those that another version wrote, and that cannot be read, are left out.
    """

    def work(connection: Connection[Any]) -> list[tuple[Any, ...]]:
        if not _exist(connection):
            return []
        return _run(connection, map_sql.read(collection))

    found = []
    for row in db.read(work):
        try:
            found.append(_info(*row))
        except (KeyError, TypeError, ValueError, PgvistaError):
            continue
    return found


def open_map(db: Database, collection: Collection, number: int | None = None) -> SavedMap:
    """Open a map, or the newest one. Raises NotFound."""

    def work(connection: Connection[Any]) -> SavedMap | None:
        if not _exist(connection):
            return None
        rows = _run(connection, map_sql.read(collection, number))
        if not rows:
            return None
        info = _info(*rows[0])
        query = map_sql.read_points(info.number)
        with connection.cursor(binary=True) as cursor:
            blocks = cursor.execute(query.sql, query.params).fetchall()
        return SavedMap(info, _points(blocks))

    try:
        found = db.read(work, timeout_ms=0)
    except (KeyError, TypeError, ValueError):
        raise NotFound(
            "This map was written by another version of pgvista and cannot be read.",
            "Make a new one.",
        ) from None
    if found is None:
        if number is None:
            raise NotFound(f"{collection.name} has no map yet.", "Make one.")
        raise _gone()
    return found


def delete_map(db: Database, collection: Collection, number: int) -> None:
    """Delete a map. Raises NotFound when it is gone."""
    _ensure_there(db)
    with db.transaction() as connection:
        if not _run(connection, map_sql.delete(collection, number)):
            raise _gone()


def rename_map(db: Database, collection: Collection, number: int, name: str) -> MapInfo:
    """Give a map a name; empty: its method and size name it again. Raises NotFound, InvalidInput."""
    return _change(
        db,
        collection,
        number,
        lambda info: replace(info, spec=replace(info.spec, name=_checked(name))),
    )


def rename_cluster(
    db: Database, collection: Collection, number: int, cluster: int, name: str
) -> MapInfo:
    """Give a cluster a name, which is kept; empty: its words name it again.

    Raises NotFound when the map or the cluster is gone, InvalidInput for a name that is too long.
    """
    name = _checked(name)

    def renamed(info: MapInfo) -> MapInfo:
        if cluster not in {label.number for label in info.clusters}:
            raise NotFound(f"This map has no cluster {cluster}.")
        return replace(
            info,
            clusters=tuple(
                replace(label, name=name) if label.number == cluster else label
                for label in info.clusters
            ),
        )

    return _change(db, collection, number, renamed)


def write_points(
    db: Database,
    collection: Collection,
    saved: SavedMap,
    change: Callable[[MapInfo], MapInfo] = lambda info: info,
) -> SavedMap:
    """Write the points of a saved map anew, and its info as `change` makes it of what is there.

    Raises NotFound when the map is gone.
    """
    with db.transaction(timeout_ms=0) as connection:
        info = _locked(connection, collection, saved.info.number)
        info = change(info)
        _run(connection, map_sql.update(info.number, Jsonb(_told(info))))
        deleting = map_sql.delete_points(info.number)
        connection.execute(deleting.sql, deleting.params)
        _write_points(connection, info.number, saved.points)
    return SavedMap(info, saved.points)


# -- parts


def _change(
    db: Database, collection: Collection, number: int, change: Callable[[MapInfo], MapInfo]
) -> MapInfo:
    """Change what is known of a map, under a lock: two people's changes are both kept."""
    _ensure_there(db)
    with db.transaction() as connection:
        info = change(_locked(connection, collection, number))
        _run(connection, map_sql.update(number, Jsonb(_told(info))))
    return info


def _locked(connection: Connection[Any], collection: Collection, number: int) -> MapInfo:
    rows = _run(connection, map_sql.lock(collection, number))
    if not rows:
        raise _gone()
    return _info(*rows[0])


def _checked(name: str) -> str:
    name = name.strip()
    if "\0" in name or len(name) > _LONGEST_NAME:
        raise InvalidInput(
            f"The name is longer than {_LONGEST_NAME} characters, or holds a NUL byte.",
            "Choose a shorter name.",
        )
    return name


def _write_points(connection: Connection[Any], number: int, points: MapPoints) -> None:
    k = points.neighbours.shape[1]
    for block, start in enumerate(range(0, len(points), BLOCK)):
        part = slice(start, start + BLOCK)
        some = points.ids[part]
        # a text of Postgres never holds NUL
        arrays = {"ids": "\0".join(some).encode()} | {
            name: np.ascontiguousarray(getattr(points, name)[part], dtype=kind).tobytes()
            for name, kind in _TYPES.items()
        }
        query = map_sql.insert_points(number, block, len(some), k, arrays)
        connection.execute(query.sql, query.params, prepare=False)


def _points(blocks: list[tuple[Any, ...]]) -> MapPoints:
    if not blocks:
        return empty_points()
    ids: list[str] = []
    arrays: dict[str, list[NDArray[Any]]] = {name: [] for name in _TYPES}
    for count, k, names, *values in blocks:
        ids += bytes(names).decode().split("\0")
        for (name, kind), value in zip(_TYPES.items(), values, strict=True):
            found = np.frombuffer(value, dtype=kind)
            wide = k if name in ("neighbours", "distances") else _WIDE.get(name)
            arrays[name].append(found if wide is None else found.reshape(count, wide))
    return MapPoints(tuple(ids), **{name: np.concatenate(some) for name, some in arrays.items()})


def _told(info: MapInfo) -> dict[str, Any]:
    """Return what JSON keeps of a map; its number and time are columns."""
    return {
        "spec": info.spec.to_dict(),
        "metric": info.metric.value,
        "model": info.model,
        "points": info.points,
        "rows": info.rows,
        "seconds": info.seconds,
        "quality": {
            name: None if value != value else value  # JSON has no NaN
            for name, value in asdict(info.quality).items()
        },
        "clusters": [asdict(label) for label in info.clusters],
        "exact": info.exact,
        "notes": list(info.notes),
        "version": info.version,
        "dimension": info.dimension,
        "table_rows": info.table_rows,
    }


def _info(number: int, made_at: datetime, told: Mapping[str, Any]) -> MapInfo:
    quality = dict(told["quality"])
    for name in ("kept", "kept_random"):
        quality[name] = float("nan") if quality[name] is None else quality[name]
    return MapInfo(
        number=number,
        spec=MapSpec.from_dict(told["spec"]),
        metric=Metric(told["metric"]),
        model=told["model"],
        points=told["points"],
        rows=told["rows"],
        made_at=made_at.astimezone(UTC),
        seconds=told["seconds"],
        quality=MapQuality(**quality),
        clusters=tuple(
            ClusterLabel(
                **label | {"words": tuple(label["words"]), "xy": (label["xy"][0], label["xy"][1])}
            )
            for label in told["clusters"]
        ),
        exact=told["exact"],
        notes=tuple(told["notes"]),
        version=told["version"],
        dimension=told["dimension"],
        table_rows=told.get("table_rows", 0),  # older maps have none
    )


def _gone() -> NotFound:
    return NotFound("This map is gone.", "Somebody else may have deleted it.")


def _ensure_there(db: Database) -> None:
    if not db.read(_exist):
        raise _gone()


def _ensure_tables(db: Database) -> None:
    if db.read(_exist):
        return
    query = map_sql.create_tables()
    try:
        with db.transaction() as connection:
            connection.execute(query.sql, query.params)
    except PermissionDenied:
        raise PermissionDenied(
            "This role may not create tables in the schema pgvista, so maps are not kept.",
            "Download the map as a file, or ask for the right to create.",
        ) from None
    except PgvistaError:
        if not db.read(_exist):  # two processes may create them at the same moment
            raise


def _exist(connection: Connection[Any]) -> bool:
    return bool(_run(connection, map_sql.tables_exist())[0][0])


def _run(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(query.sql, query.params).fetchall()
