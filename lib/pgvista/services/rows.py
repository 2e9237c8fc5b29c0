"""Single rows: read a page of them, add, change, delete, and embed those without a vector."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import get_embedder
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, join_key
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.rows import IngestReport, Row
from pgvista.services.ingest import IngestOptions, upsert
from pgvista.services.items import content_hash
from pgvista.sql import collection as ddl
from pgvista.sql import rows as row_sql
from pgvista.sql.rows import COUNT_LIMIT, PageRequest

_FIXED_COLUMNS = 4
FILL_BATCH = 512
PAGE = 1_000
"""Rows that are read at once."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as the table has it. `embedding` has shape (dimension,)."""

    id: str
    content: str | None
    metadata: Mapping[str, Any]
    embedding: NDArray[np.float32] | None = field(compare=False)
    columns: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the row as `upsert` takes it."""
        return {
            "id": self.id,
            "content": self.content,
            "metadata": dict(self.metadata),
            **self.columns,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows, and how many there are in all."""

    rows: tuple[StoredRow, ...]
    total: int
    total_exact: bool
    """False when there are more than `total`, or `total` is the planner's estimate."""
    sql: str


def page(db: Database, collection: Collection, request: PageRequest) -> Page:
    """Read a page of rows. Raises InvalidInput for a filter or sort that does not fit."""
    query = row_sql.page(collection, request)
    counting = row_sql.count(collection, request.filters)

    def work(connection: Any) -> tuple[list[Any], int]:
        rows = connection.execute(query.sql, query.params).fetchall()
        counted = connection.execute(counting.sql, counting.params).fetchone()
        return rows, counted[0]

    rows, total = db.read(work)
    return Page(
        rows=tuple(_stored(collection, row) for row in rows),
        total=min(total, COUNT_LIMIT),
        total_exact=total <= COUNT_LIMIT,
        sql=query.text(),
    )


def every(
    db: Database, collection: Collection, filters: Filter | None = None, *, limit: int | None = None
) -> Iterator[StoredRow]:
    """Yield rows by id, at most `limit`; rows written meanwhile may be missed or come twice."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise InvalidInput(f"limit is {limit!r}, but it takes a whole number from 0.")

    def pages() -> Iterator[StoredRow]:
        done = 0
        while limit is None or done < limit:
            wanted = PAGE if limit is None else min(PAGE, limit - done)
            found = page(db, collection, PageRequest(wanted, done, filters)).rows
            yield from found
            done += len(found)
            if len(found) < wanted:
                return

    return pages()


def get(db: Database, collection: Collection, ids: Sequence[str]) -> list[StoredRow]:
    """Read rows by id, in the order asked; ids that are not there are left out."""
    query = row_sql.by_id(collection, ids)
    rows = db.read(lambda c: c.execute(query.sql, query.params).fetchall())
    found = {row[0]: _stored(collection, row) for row in rows}
    return [found[row_id] for row_id in ids if row_id in found]


def count(db: Database, collection: Collection, filters: Filter | None = None) -> int:
    """Count rows exactly, with a filter up to 100,001 of them."""
    query = ddl.count_rows(collection) if filters is None else row_sql.count(collection, filters)
    row = db.read(lambda c: c.execute(query.sql, query.params).fetchone())
    return 0 if row is None else int(row[0])


def add(
    db: Database, collection: Collection, row: Row, *, embedder: Embedder | None = None
) -> IngestReport:
    """Add one row; without an id it gets a random one. Raises InvalidInput when the id is taken."""
    if row.id and get(db, collection, [row.id]):
        raise InvalidInput(
            f"There is a row {row.id!r} already.", "Choose another id, or edit that row."
        )
    if not row.id:
        row = Row(str(uuid.uuid4()), row.content, row.metadata, row.embedding, row.columns)
    return upsert(db, collection, [row], embedder=embedder)


def edit(
    db: Database, collection: Collection, row: Row, *, embedder: Embedder | None = None
) -> IngestReport:
    """Write a row's new content, metadata or columns; a changed text is embedded again.

    Raises NotFound when the row was deleted meanwhile.
    """
    stored = get(db, collection, [row.id])
    if not stored:
        raise NotFound(f"The row {row.id!r} is not in {collection.name} any more.")
    if collection.model is None and embedder is None:
        if stored[0].content != row.content:
            raise InvalidInput(
                f"{collection.name} has no model, so a changed text cannot be embedded again.",
                "Load the row with its new vector, or name the collection's model.",
            )
        row = Row(row.id, row.content, row.metadata, stored[0].embedding, row.columns)
    options = IngestOptions(chunk="none")
    return upsert(db, collection, [row], embedder=embedder, options=options)


def delete(
    db: Database,
    collection: Collection,
    *,
    ids: Sequence[str] | None = None,
    filters: Filter | None = None,
) -> int:
    """Delete rows by id (with their chunks) or by filter; return how many.

    Raises InvalidInput when neither is given, or a filter without a condition (None, an empty And
    or Or): emptying a collection has a verb of its own.
    """
    if ids is not None and filters is None:
        query = row_sql.delete_ids(collection, ids)
    elif filters is not None and ids is None:
        query = row_sql.delete_filtered(collection, filters)
    else:
        raise InvalidInput(
            "Say which rows to delete: either by ids or by a filter.",
            "To remove all rows, empty the collection.",
        )
    with db.transaction() as connection:
        return connection.execute(query.sql, query.params).rowcount


def metadata_keys(db: Database, collection: Collection) -> list[tuple[str, str]]:
    """Return the metadata's top-level keys with their JSON types, the most frequent first.

    Keys are as filters write them: a dot in a name stands behind a backslash.
    """
    if collection.roles.metadata is None:
        return []
    query = row_sql.metadata_keys(collection)
    rows = db.read(lambda c: c.execute(query.sql, query.params).fetchall())
    return [(join_key((key,)), kind) for key, kind, _ in rows]


def fill(
    db: Database,
    collection: Collection,
    *,
    embedder: Embedder | None = None,
    reporter: Reporter | None = None,
    total: int | None = None,
) -> int:
    """Embed the texts that have no vector, batch by batch; return how many were filled.

    A text that is changed while it is embedded is left for the next call. Raises Cancelled when
    `reporter` says so; what was filled stays.
    """
    reporter = reporter or SilentReporter()
    if embedder is None:
        if collection.model is None:
            raise InvalidInput(
                f"{collection.name} has no model, so its texts cannot be embedded.",
                "Name the collection's model first.",
            )
        embedder = get_embedder(collection.model)

    def stop() -> bool:
        reporter.check()
        return False

    filled = 0
    after: str | None = None
    update = row_sql.set_embedding(collection)
    while True:
        reporter.check()
        query = row_sql.unembedded(collection, after, FILL_BATCH)
        batch = db.read(lambda c, q=query: c.execute(q.sql, q.params).fetchall())  # type: ignore[misc]
        if not batch:
            return filled
        vectors = embedder.embed_documents([text for _, text in batch], should_stop=stop)
        values = [
            {
                "id": row_id,
                "content": text,
                "embedding": vector,
                "content_hash": content_hash(collection.model, text),
            }
            for (row_id, text), vector in zip(batch, vectors, strict=True)
        ]
        with db.transaction(timeout_ms=0) as connection, connection.cursor() as cursor:
            cursor.executemany(update.sql, values)
            filled += cursor.rowcount
        after = batch[-1][0]
        reporter.report(Progress(done=filled, total=total, stage="embedding", unit="texts"))


def _stored(collection: Collection, row: Sequence[Any]) -> StoredRow:
    return StoredRow(
        id=row[0],
        content=row[1],
        metadata=row[2] if isinstance(row[2], dict) else {},
        embedding=row[3],
        columns={
            item.name: value
            for item, value in zip(collection.columns, row[_FIXED_COLUMNS:], strict=True)
        },
    )
