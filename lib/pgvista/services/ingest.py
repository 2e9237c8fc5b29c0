"""Ingest: chunk, embed and write rows, batch by batch, each batch in a transaction of its own.

What is committed stays: a load that is cut off and started again finds the hashes of the texts
that are done and does not embed them again. Rows that cannot be written are set aside with a
reason, and the others go in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from psycopg import Connection

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import get_embedder
from pgvista.errors import (
    ConnectionFailed,
    InvalidInput,
    OutOfSpace,
    PermissionDenied,
    PgvistaError,
)
from pgvista.model.collection import PARENT_KEY, Collection
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.rows import BadRow, IngestReport, Row
from pgvista.services import bm25
from pgvista.services.catalog import run
from pgvista.services.items import Item, Tally, bad_row, cut, make_item, refuse_vectors
from pgvista.sql import collection as ddl
from pgvista.sql import ingest as ingest_sql
from pgvista.sql.index import analyze

Chunking = Literal["auto", "none"] | int

TEXT_BATCH = 512
"""Texts embedded, written and committed together."""
VECTOR_BATCH = 5_000
"""Ready vectors written and committed together."""
ANALYZE_FROM = 1_000
"""A load of this many rows or more ends with ANALYZE."""
_HOPELESS = 50
"""When this many rows in a row are refused and none was written, the load stops."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How a load is done."""

    chunk: Chunking = "auto"
    """auto: texts longer than the model reads are cut; none: never; a number: tokens a chunk."""
    text_batch: int = TEXT_BATCH
    vector_batch: int = VECTOR_BATCH

    def __post_init__(self) -> None:
        """Refuse a chunk size that is none."""
        if isinstance(self.chunk, str):
            if self.chunk not in ("auto", "none"):
                raise InvalidInput(
                    f"chunk is {self.chunk!r}, but it takes auto, none or a number of tokens."
                )
        elif not 8 <= self.chunk <= 100_000:
            raise InvalidInput(f"A chunk of {self.chunk} tokens is out of range: 8 to 100,000.")


def ingest(
    db: Database,
    collection: Collection,
    rows: Iterable[Row | BadRow],
    *,
    embedder: Embedder | None = None,
    options: IngestOptions | None = None,
    reporter: Reporter | None = None,
    progress: Callable[[int], Progress] | None = None,
) -> IngestReport:
    """Write `rows` into `collection`; a row whose id is there already is replaced.

    Texts without a vector are embedded by the collection's model. `progress` turns the number of
    rows read into what is reported, when the caller knows the total. Raises Cancelled when
    `reporter` says so; batches committed by then stay.
    """
    return _Load(db, collection, embedder, options or IngestOptions(), reporter, progress).run(rows)


class _Load:
    def __init__(
        self,
        db: Database,
        collection: Collection,
        embedder: Embedder | None,
        options: IngestOptions,
        reporter: Reporter | None,
        progress: Callable[[int], Progress] | None,
    ) -> None:
        if not collection.writable:
            raise InvalidInput(
                f"{collection.name} is a {collection.kind.value} without a key that rows could be "
                "written by.",
                "Load into a table with a primary key.",
            )
        if embedder is not None and embedder.dimension != collection.dimension:
            raise InvalidInput(
                f"{embedder.name} makes vectors of {embedder.dimension} numbers, "
                f"but {collection.name} holds {collection.dimension}.",
                "Use the collection's own model.",
            )
        self.db = db
        self.collection = collection
        self.options = options
        self.reporter: Reporter = reporter or SilentReporter()
        self.progress = progress or (lambda read: Progress(done=read, stage="loading"))
        self.tally = Tally()
        self.parents_indexed = False
        self._embedder = embedder

    @property
    def embedder(self) -> Embedder:
        if self._embedder is None:
            if self.collection.model is None:
                raise InvalidInput(
                    f"{self.collection.name} has no model, so texts cannot be embedded.",
                    "Give each row a vector, or name the collection's model.",
                )
            self.reporter.report(replace(self.progress(self.tally.read), stage="loading the model"))
            self._embedder = get_embedder(self.collection.model)
        return self._embedder

    def run(self, rows: Iterable[Row | BadRow]) -> IngestReport:
        began = time.perf_counter()
        for batch in self._batches(rows):
            self.reporter.check()
            self._write_batch(batch)
            self._report("loading")
        tally = self.tally
        if tally.written >= ANALYZE_FROM:
            self._analyze()
            with suppress(PermissionDenied):
                bm25.join_postings(self.db, self.collection, after=bm25.JOIN_AFTER)
        return IngestReport(
            read=tally.read,
            written=tally.written,
            embedded=tally.embedded,
            unchanged=tally.unchanged,
            rejected=tally.rejected,
            bad_rows=tuple(tally.bad),
            seconds=time.perf_counter() - began,
        )

    def _analyze(self) -> None:
        """Let the planner know the table as it is now; autovacuum would come to it later."""
        with suppress(PermissionDenied), self.db.transaction(timeout_ms=0) as connection:
            connection.execute(analyze(self.collection).sql)

    def _report(self, stage: str, ahead: int = 0) -> None:
        self.reporter.report(replace(self.progress(self.tally.read + ahead), stage=stage))

    # -- rows to items

    def _batches(self, rows: Iterable[Row | BadRow]) -> Iterator[list[Row]]:
        """Cut the rows into batches, by what each will cost: a text to embed, or a ready vector."""
        source = iter(rows)
        while True:
            batch: list[Row] = []
            texts = 0
            for row in source:
                if isinstance(row, BadRow):
                    self.tally.read += 1
                    self.tally.reject(row)
                    continue
                batch.append(row)
                texts += row.embedding is None
                if texts >= self.options.text_batch or len(batch) >= self.options.vector_batch:
                    break
            else:
                if batch:
                    yield batch
                return
            yield batch

    def _write_batch(self, batch: Sequence[Row]) -> None:
        # the last of several rows with one id wins, as it would row by row
        unique = {row.id: row for row in batch}
        items: list[Item] = []
        parents: list[str] = []
        for row in unique.values():
            try:
                self._require_vector(row)
                pieces = [make_item(self.collection, piece) for piece in self._chunks(row)]
            except (InvalidInput, ValueError) as error:
                self.tally.reject(bad_row(row, str(error)))
                continue
            items += pieces
            parents.append(row.id)
        refused = refuse_vectors(self.collection, items)
        for position, reason in refused.items():
            self.tally.reject(bad_row(items[position].row, reason))
        items = [item for position, item in enumerate(items) if position not in refused]
        self._embed(items, len(batch))
        self._write(items, parents)
        self.tally.read += len(batch)

    def _require_vector(self, row: Row) -> None:
        if row.embedding is None and self.collection.model is None and self._embedder is None:
            raise InvalidInput("The row has no vector, and there is no model to make it one.")

    def _chunks(self, row: Row) -> Iterable[Row]:
        size = self._chunk_size()
        short = row.content is None or size is None or len(row.content) <= size
        if size is None or short or row.embedding is not None:
            return [row]
        return cut(row, size, self.embedder)

    def _chunk_size(self) -> int | None:
        """Return the tokens a chunk may have; None when texts are not to be cut."""
        chunk = self.options.chunk
        if chunk == "none" or self.collection.roles.metadata is None:
            return None
        if isinstance(chunk, int):
            return chunk
        if self.collection.model is None and self._embedder is None:
            return None
        limit = self.embedder.max_tokens
        return None if limit is None else limit - 2  # room for the tokens that begin and end a text

    # -- embedding

    def _embed(self, items: Sequence[Item], ahead: int) -> None:
        """Give each new or changed text its vector; mark those that have one already."""
        texts = [item for item in items if item.embedding is None and item.row.content is not None]
        if not texts:
            return
        known = self._known_hashes(texts)
        for item in texts:
            item.unchanged = known.get(item.row.id) == item.content_hash
        wanted = [item for item in texts if not item.unchanged]
        self._embed_items(wanted, ahead)

    def _embed_items(self, items: Sequence[Item], ahead: int) -> None:
        if not items:
            return
        embedder = self.embedder

        def stop() -> bool:
            self.reporter.check()
            return False

        def tell(done: int) -> None:
            self._report("embedding", int(ahead * done / len(items)))

        vectors = embedder.embed_documents(
            [item.row.content or "" for item in items], on_progress=tell, should_stop=stop
        )
        for item, vector in zip(items, vectors, strict=True):
            item.embedding = vector
        self.tally.embedded += len(items)

    def _known_hashes(self, items: Sequence[Item]) -> dict[str, bytes]:
        if self.collection.roles.content_hash is None:
            return {}
        query = ingest_sql.known_hashes(self.collection, [item.row.id for item in items])
        rows = self.db.read(lambda c: c.execute(query.sql, query.params).fetchall())
        return {row[0]: bytes(row[1]) for row in rows}

    # -- writing

    def _write(self, items: list[Item], parents: Sequence[str]) -> None:
        """Write items in one transaction; when Postgres refuses one, find it by halving."""
        if not items:
            return
        try:
            written = self._write_once(items, parents)
        except (ConnectionFailed, OutOfSpace, PermissionDenied):
            raise
        except PgvistaError as error:
            if len(items) > 1:
                middle = len(items) // 2
                self._write(items[:middle], parents)
                self._write(items[middle:], parents)
                return
            self.tally.reject(bad_row(items[0].row, error.message))
            self.tally.refused_in_a_row += 1
            if self.tally.written == 0 and self.tally.refused_in_a_row >= _HOPELESS:
                raise
            return
        self.tally.refused_in_a_row = 0
        self.tally.written += written

    def _write_once(self, items: list[Item], parents: Sequence[str]) -> int:
        self._index_parents(items)
        given = self._given_columns(items)
        unchanged = [item for item in items if item.unchanged]
        # a batch is found by keys, and guesses about them must not make it read the whole table
        settings = {"enable_seqscan": "off", "work_mem": "64MB"}
        with self.db.transaction(settings=settings, timeout_ms=0) as connection:
            run(connection, ingest_sql.lock_collection(self.collection))
            run(connection, ingest_sql.create_incoming(self.collection))
            written = [item for item in items if not item.unchanged]
            if unchanged:
                written += self._write_unchanged(connection, unchanged, given)
            if written:
                self._copy(connection, written)
                run(connection, ingest_sql.merge_incoming(self.collection, given))
            self._delete_stale(connection, items, parents)
        self.tally.unchanged += sum(item.unchanged for item in items)
        return len(items)

    def _write_unchanged(
        self, connection: Connection[Any], items: Sequence[Item], given: Sequence[str]
    ) -> list[Item]:
        """Write what beside the text may have changed; return rows that were deleted meanwhile."""
        self._copy(connection, items)
        query = ingest_sql.update_unchanged(self.collection, given)
        found = {row[0] for row in run(connection, query).fetchall()}
        run(connection, ingest_sql.empty_incoming())
        gone = [item for item in items if item.row.id not in found]
        for item in gone:
            item.unchanged = False
        self._embed_items(gone, 0)
        return gone

    def _copy(self, connection: Connection[Any], items: Sequence[Item]) -> None:
        query = ingest_sql.copy_incoming(self.collection)
        with connection.cursor() as cursor, cursor.copy(query.sql, query.params) as copy:
            copy.set_types(ingest_sql.copy_types(self.collection))
            for item in items:
                row = item.row
                copy.write_row(
                    (
                        row.id,
                        row.content,
                        item.metadata_json,
                        item.content_hash,
                        item.embedding,
                        *item.columns,
                    )
                )

    def _delete_stale(
        self, connection: Connection[Any], items: Sequence[Item], parents: Sequence[str]
    ) -> None:
        """Delete chunks of earlier, longer forms of the texts just written."""
        if not self.parents_indexed and not self._chunks_known(connection):
            return
        written = {item.row.id for item in items}
        touched = {item.row.metadata.get(PARENT_KEY, item.row.id) for item in items}
        whole = [parent for parent in parents if parent in touched]
        query = ingest_sql.delete_stale_chunks(self.collection, whole, sorted(written))
        connection.execute(query.sql, query.params)

    def _index_parents(self, items: Sequence[Item]) -> None:
        """Before the first chunk is written, make the index by which chunks are found."""
        if self.parents_indexed or not any(PARENT_KEY in item.row.metadata for item in items):
            return
        with self.db.transaction(timeout_ms=0) as connection:
            run(connection, ingest_sql.lock_collection(self.collection))
            run(connection, ddl.index_parents(self.collection))
        self.parents_indexed = True

    def _chunks_known(self, connection: Connection[Any]) -> bool:
        if self.collection.roles.metadata is None:
            return False
        query = ingest_sql.has_chunks(self.collection)
        row = connection.execute(query.sql, query.params).fetchone()
        self.parents_indexed = row is not None and bool(row[0])
        return self.parents_indexed

    def _given_columns(self, items: Sequence[Item]) -> list[str]:
        """Name the structured columns that any row of the batch brings."""
        names = {name for item in items for name in item.row.columns}
        return [column.name for column in self.collection.columns if column.name in names]


def upsert(
    db: Database,
    collection: Collection,
    rows: Iterable[Row],
    *,
    embedder: Embedder | None = None,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Write rows handed over by code; the first bad one raises InvalidInput, before it is written.

    Batches before the bad row are committed.
    """
    report = ingest(db, collection, rows, embedder=embedder, options=options)
    if report.bad_rows:
        first, written = report.bad_rows[0], f"{report.written} rows were written."
        if report.read == 1:
            raise InvalidInput(first.reason)
        told = f"{report.rejected} of {report.read} rows were refused; row {first.line}"
        raise InvalidInput(f"{told}: {first.reason}", written)
    return report
