"""The vectors of a map's points: read by binary COPY, and remembered while a map is looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from psycopg import Connection, IsolationLevel

from pgvista.db.database import Database
from pgvista.db.embedded_settings import container_memory_bytes
from pgvista.errors import QueryFailed
from pgvista.model.collection import Collection, RelationKind
from pgvista.model.filters import Filter
from pgvista.model.map import Floats
from pgvista.model.map_spec import MapSpec
from pgvista.model.metric import VectorType
from pgvista.model.progress import Progress, Reporter
from pgvista.sql import bm25_registry
from pgvista.sql import collection as collection_sql
from pgvista.sql import map as map_sql
from pgvista.sql.query import Query

MEMORY_SHARE = 0.5
"""Of the memory that is free, so much may be taken to make a map."""
COPIES = 4
"""Arrays of the vectors' size that there are at once while a map is made."""
KEPT_BYTES = 600_000_000
"""Vectors of maps that are looked at are remembered up to here."""
SUMMED_ROWS = 50_000
"""Up to here the versions of all rows are read to tell whether a table has changed: some 50 ms."""
_BATCH_ROWS = 8_192
_HEADER_BYTES = 4
_READ_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """The rows of a map, in the order of their ids."""

    ids: tuple[str, ...]
    vectors: Floats
    """Shape (n, dimension)."""
    rows: int
    """Rows that could have been drawn."""
    version: str
    notes: tuple[str, ...]
    table_rows: int = 0
    """Rows of the table, whatever the filter."""


def draw(db: Database, collection: Collection, spec: MapSpec, reporter: Reporter) -> Drawn:
    """Read the rows that a map is made of, as they stand at one moment, and the table's state.

    At most as many as `spec` asks for and memory holds; drawn by a hash of key and seed.
    """
    with db.dedicated(timeout_ms=0) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        reporter.report(Progress(stage="counting rows"))
        counting = map_sql.counts(collection, spec.filters)
        total, embedded, usable, dimension = _fetch(connection, counting)[0]
        table = total if spec.filters is None else _count(connection, collection)
        version = read_version(connection, collection)
        notes = _left_out(total, embedded, usable)
        if not usable:
            return Drawn((), np.empty((0, dimension or 0), np.float32), 0, version, notes, table)
        reporter.check()
        most = fitting(int(dimension))
        wanted = usable if spec.sample is None else min(spec.sample, usable)
        if wanted > most:
            wanted = most
            notes += (
                f"{most:,} of {usable:,} rows were drawn: the vectors of more do not fit into "
                "memory.",
            )
        elif wanted < usable:
            notes += (f"{wanted:,} of {usable:,} rows were drawn at random.",)
        query = map_sql.stream(
            collection,
            spec.filters,
            dimension,
            sample=wanted if wanted < usable else None,
            seed=spec.seed,
        )
        ids, vectors = _read(connection, collection, query, dimension, wanted, reporter)
        connection.rollback()
    if collection.dimension is None and len(ids) < wanted:
        notes += (
            f"Rows whose vectors have not {dimension:,} numbers, as most have, are not on the map.",
        )
        usable = len(ids)
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return Drawn(
        tuple(ids[place] for place in order),
        vectors[np.array(order, dtype=np.int64)],
        usable,
        version,
        notes,
        table,
    )


def fitting(dimension: int) -> int:
    """Return how many vectors of this dimension a map can be made of in the memory that is free.

    In a container that is what its limit leaves beside this process, where it is less.
    """
    left = container_memory_bytes() - psutil.Process().memory_info().rss
    free = max(0, min(psutil.virtual_memory().available, left)) * MEMORY_SHARE
    return max(1_000, int(free / (4 * max(1, dimension) * COPIES)))


def read_version(connection: Connection[Any], collection: Collection) -> str:
    """Return the state of a table: "counters|contents". See `same_version`."""
    return f"{_counters(connection, collection)}|{_contents(connection, collection)}"


def same_version(connection: Connection[Any], collection: Collection, version: str) -> bool:
    """Tell whether the table is as it was at `version`.

    Every row's version is summed up, in one pass. Of tables of more than SUMMED_ROWS rows only when
    the counters of rows written differ: they lag behind by seconds, so that unequal ones prove
    nothing, and equal ones may miss what was written just now.
    """
    counters, _, contents = version.partition("|")
    rows = contents.partition(":")[0]
    large = rows.isdecimal() and int(rows) > SUMMED_ROWS
    if large and counters and counters == _counters(connection, collection):
        return True
    return contents == _contents(connection, collection)


def _counters(connection: Connection[Any], collection: Collection) -> str:
    if collection.kind in (RelationKind.VIEW, RelationKind.FOREIGN, RelationKind.PARTITIONED):
        return ""  # their rows are counted elsewhere
    rows = _fetch(connection, bm25_registry.fingerprint(collection))
    return str(rows[0][0] or "") if rows else ""


def _contents(connection: Connection[Any], collection: Collection) -> str:
    return str(_fetch(connection, map_sql.contents(collection))[0][0])


def vectors_of(
    db: Database,
    collection: Collection,
    ids: Sequence[str],
    dimension: int,
    reporter: Reporter | None = None,
) -> Floats:
    """Return the vectors of some rows, shape (n, dimension); NaN for rows that are gone."""
    found = np.full((len(ids), dimension), np.nan, dtype=np.float32)
    place = {row_id: number for number, row_id in enumerate(ids)}
    with db.dedicated(timeout_ms=0) as connection:
        for start in range(0, len(ids), _READ_AT_ONCE):
            some = ids[start : start + _READ_AT_ONCE]
            query = map_sql.stream(collection, None, dimension, ids=some)
            for names, vectors in _batches(connection, collection, query, dimension):
                found[[place[name] for name in names]] = vectors
                if reporter is not None:
                    reporter.check()
                    reporter.report(Progress(start + len(names), len(ids), "reading vectors"))
        connection.rollback()
    return found


class _Remembered:
    """Vectors of the maps looked at last, by database, table, state and points."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[object, ...], Floats] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> Floats | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: tuple[object, ...], vectors: Floats) -> None:
        if vectors.nbytes > KEPT_BYTES:
            return
        with self._lock:
            self._kept[key] = vectors
            while sum(held.nbytes for held in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)


_remembered = _Remembered()


def map_vectors(
    db: Database, collection: Collection, ids: Sequence[str], dimension: int, version: str
) -> Floats:
    """Return the vectors of a map's points as `vectors_of`, from memory where they were read before.

    They are those of the table at `version`: a changed one is read anew. Not to be written to.
    """
    key = _key(db, collection, ids, version)
    found = _remembered.get(key)
    if found is None:
        found = vectors_of(db, collection, ids, dimension)
        _remembered.put(key, found)
    return found


def remember(
    db: Database, collection: Collection, ids: Sequence[str], version: str, vectors: Floats
) -> None:
    """Keep vectors that were just read for the first query on their map."""
    _remembered.put(_key(db, collection, ids, version), vectors)


def _key(
    db: Database, collection: Collection, ids: Sequence[str], version: str
) -> tuple[object, ...]:
    # policies may show each role other rows
    return (db.target.label, db.target.without_password(), collection.schema, collection.table,
            version, len(ids), hash(tuple(ids)))  # fmt: skip


def count_rows(db: Database, collection: Collection) -> int:
    """Count all rows of the table."""
    return db.read(lambda c: _count(c, collection), timeout_ms=0)


def id_set(
    db: Database, collection: Collection, filters: Filter | None, dimension: int | None
) -> set[str]:
    """Return the keys of all rows that can be on a map."""
    query = map_sql.ids(collection, filters, dimension)
    return {row[0] for row in db.query(query.statement, query.params, timeout_ms=0)}


def _count(connection: Connection[Any], collection: Collection) -> int:
    return int(_fetch(connection, collection_sql.count_rows(collection))[0][0])


def _left_out(total: int, embedded: int, usable: int) -> tuple[str, ...]:
    notes = []
    if bare := total - embedded:
        notes.append(f"{bare:,} without a vector: not on the map.")
    if zero := embedded - usable:
        notes.append(f"{zero:,} with a zero vector, which points nowhere: not on the map.")
    return tuple(notes)


def _read(
    connection: Connection[Any],
    collection: Collection,
    query: Query,
    dimension: int,
    wanted: int,
    reporter: Reporter,
) -> tuple[list[str], NDArray[np.float32]]:
    held = np.empty((wanted, dimension), dtype=np.float32)
    ids: list[str] = []
    for names, vectors in _batches(connection, collection, query, dimension):
        if len(ids) + len(names) > wanted:  # pragma: no cover - one snapshot counts and reads
            raise QueryFailed("More rows were read than were counted.", "Try again.")
        held[len(ids) : len(ids) + len(names)] = vectors
        ids += names
        reporter.report(Progress(len(ids), wanted, "reading vectors"))
        reporter.check()
    return ids, held[: len(ids)]


def _batches(
    connection: Connection[Any], collection: Collection, query: Query, dimension: int
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Yield ids, and vectors of shape (n, dimension)."""
    number = ">f2" if collection.vector_type is VectorType.HALFVEC else ">f4"
    given = query.params or {"none": None}  # without any, psycopg leaves %% in names as it is
    names: list[str] = []
    parts: list[bytes] = []

    def arrays() -> tuple[list[str], NDArray[np.float32]]:
        raw = np.frombuffer(b"".join(parts), dtype=np.uint8).reshape(len(parts), -1)
        values = np.ascontiguousarray(raw[:, _HEADER_BYTES:]).view(number)
        return names, values.reshape(len(parts), dimension).astype(np.float32)

    with connection.cursor() as cursor, cursor.copy(query.sql, given) as copy:
        copy.set_types(["text", "bytea"])
        for name, part in copy.rows():
            names.append(name)
            parts.append(part)
            if len(names) == _BATCH_ROWS:
                yield arrays()
                names, parts = [], []
    if names:
        yield arrays()


def _fetch(connection: Connection[Any], query: Query) -> list[tuple[Any, ...]]:
    return connection.execute(query.sql, query.params, prepare=False).fetchall()
