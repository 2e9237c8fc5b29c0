"""Load a file into a collection: read, map, chunk, embed and write, with progress that is true.

The file is read once, row by row, while it is loaded; no more than a batch of it is in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.errors import InvalidInput
from pgvista.io import export
from pgvista.io.mapping import map_records
from pgvista.io.readers import Source
from pgvista.model.collection import Collection, NewCollection
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.rows import BadRow, ColumnMapping, IngestReport, Record
from pgvista.services import collections as collection_service
from pgvista.services.ingest import IngestOptions, ingest

_CHECK_EVERY = 1_000
"""Rows read between two looks at whether to stop, where no batch is written meanwhile."""
_STAGE = "loading"


def load_file(
    db: Database,
    source: Source,
    mapping: ColumnMapping,
    *,
    collection: Collection | NewCollection,
    options: IngestOptions | None = None,
    reporter: Reporter | None = None,
    embedder: Embedder | None = None,
) -> IngestReport:
    """Load all of `source` into a collection, which is created first when it is a NewCollection.

    Rows that cannot be read, mapped or written are set aside in the report with line and reason;
    the others go in, batch by batch. Progress is told in rows, their total estimated by the bytes
    read. Started again, unchanged texts are not embedded anew. Raises InvalidInput before anything
    is written when the mapping cannot fit, Conflict when a new collection's name is taken,
    Cancelled when `reporter` says so (what was committed stays).
    """
    check_mapping(source, mapping, collection, has_embedder=embedder is not None)
    if isinstance(collection, NewCollection):
        collection = collection_service.create(db, collection)
    steady = OneStage(reporter or SilentReporter())
    tell_of_loading(embedder, steady)
    counted = _Count(source, steady)
    rows = map_records(counted.records(), mapping, collection=collection, kinds=source.kinds)
    return ingest(
        db,
        collection,
        rows,
        embedder=embedder,
        options=options,
        reporter=steady,
        progress=counted.progress,
    )


def check_mapping(
    source: Source,
    mapping: ColumnMapping,
    collection: Collection | NewCollection,
    *,
    has_embedder: bool = False,
) -> None:
    """Raise InvalidInput when no row of `source` could be loaded by `mapping`."""
    names = {column.name for column in source.columns}
    used: Iterable[str | None] = (
        mapping.id,
        mapping.content,
        mapping.embedding,
        mapping.metadata_object,
        *mapping.metadata,
        *mapping.structured,
    )
    for name in used:
        if name is not None and name not in names:
            raise InvalidInput(
                f"There is no column {name!r} in {source.name or 'the text'}.",
                f"Its columns are: {', '.join(sorted(names)) or 'none'}.",
            )
    if mapping.content is None and mapping.embedding is None:
        raise InvalidInput(
            "No column is chosen for the text, and none for the vector.",
            "Choose the column to search by.",
        )
    if mapping.embedding is None and collection.model is None and not has_embedder:
        raise InvalidInput(
            f"{_name(collection)} has no model, so it takes rows with a vector only.",
            "Choose the column that holds the vectors, or a collection with a model.",
        )
    targets = {column.name for column in collection.columns}
    for target in mapping.structured.values():
        if target not in targets:
            raise InvalidInput(
                f"{_name(collection)} has no column {target!r}.",
                f"Its columns are: {', '.join(sorted(targets)) or 'none besides its own'}.",
            )


def bad_rows_csv(report: IngestReport) -> bytes:
    """Return the rows that were set aside as CSV: line, reason, and what the row held."""
    return export.bad_rows_csv(report.bad_rows)


def _name(collection: Collection | NewCollection) -> str:
    return collection.table if isinstance(collection, NewCollection) else collection.name


def tell_of_loading(embedder: Embedder | None, reporter: Reporter) -> None:
    """Report that the model is being loaded, when it is not at hand yet."""
    if not getattr(embedder, "is_loaded", True):
        reporter.report(Progress(stage="loading the model"))


@dataclass(slots=True)
class OneStage:
    """A reporter that tells one stage from the first row to the last.

    Loading and embedding take turns within each batch; told as stages of their own they would
    start the measuring of rows per second anew each time.
    """

    reporter: Reporter

    def report(self, progress: Progress) -> None:
        """Pass a progress on."""
        if progress.stage == "embedding":
            progress = replace(progress, stage=_STAGE)
        self.reporter.report(progress)

    def check(self) -> None:
        """Raise Cancelled when a person stopped the work."""
        self.reporter.check()


@dataclass(slots=True)
class _Count:
    """Counts the rows read, and tells from the bytes read how many there will be."""

    source: Source
    reporter: Reporter
    read: int = 0
    at_end: bool = False

    def records(self) -> Iterator[Record | BadRow]:
        for record in self.source.records():
            self.read += 1
            if self.read % _CHECK_EVERY == 0:
                self.reporter.check()
            yield record
        self.at_end = True

    def progress(self, done: int) -> Progress:
        size, position = self.source.size_bytes, self.source.position()
        total = None
        if self.at_end:
            total = self.read
        elif position > 0:
            total = max(self.read, round(self.read * size / position))
        return Progress(done, total, _STAGE, "rows", f"{_mb(position)} of {_mb(size)} MB read")


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f}"
