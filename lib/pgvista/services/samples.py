"""Load a sample: make its collection, and embed what is not embedded yet."""

from __future__ import annotations

from dataclasses import dataclass

from pgvista.db.database import Database
from pgvista.embed.base import Embedder
from pgvista.embed.registry import DEFAULT_MODEL, get_embedder, known_dimension
from pgvista.errors import Conflict, NotFound
from pgvista.io.samples import Sample, sample_rows, samples
from pgvista.model.collection import DEFAULT_SCHEMA, Collection, NewCollection
from pgvista.model.progress import Progress, Reporter, SilentReporter
from pgvista.model.rows import IngestReport
from pgvista.services.collections import create, open_collection
from pgvista.services.ingest import ingest
from pgvista.services.load import OneStage, tell_of_loading

QUICK_ROWS = 2_000
"""Rows of a large sample that are enough to look around."""
_ROWS_PER_SECOND = 25
_READING_S = {"python_reference": 15.0}
"""What a wait is estimated by: rows embedded on two cores, chunks included, and the reading."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sample that was loaded: where it is, and what was done."""

    sample: Sample
    collection: Collection
    report: IngestReport


def find_sample(key: str) -> Sample:
    """Return the sample called `key`. Raises NotFound."""
    for sample in samples():
        if sample.key == key:
            return sample
    known = ", ".join(sample.key for sample in samples())
    raise NotFound(f"There is no sample called {key!r}.", f"There are: {known}.")


def seconds_to_load(key: str, limit: int | None = None) -> float:
    """Estimate how long a sample takes to load from nothing, in seconds."""
    rows = find_sample(key).n_rows
    rows = rows if limit is None else min(rows, limit)
    return rows / _ROWS_PER_SECOND + _READING_S.get(key, 0.0)


def load_sample(
    db: Database,
    key: str,
    *,
    limit: int | None = None,
    reporter: Reporter | None = None,
    embedder: Embedder | None = None,
) -> Loaded:
    """Load a sample into the collection of its name, at most `limit` rows spread over its parts.

    The collection is made for the packaged model where it is missing. Started again, what is done
    is not embedded anew. Raises Conflict when a collection of that name has another model,
    Cancelled when `reporter` says so (what was committed stays).
    """
    sample = find_sample(key)
    embedder = embedder or get_embedder(DEFAULT_MODEL)
    collection = _collection(db, sample.key)
    expected = sample.n_rows if limit is None else min(limit, sample.n_rows)

    def progress(done: int) -> Progress:
        return Progress(done, max(expected, done), "loading", "rows")

    steady = OneStage(reporter or SilentReporter())
    tell_of_loading(embedder, steady)
    report = ingest(
        db,
        collection,
        sample_rows(key, limit),
        embedder=embedder,
        reporter=steady,
        progress=progress,
    )
    return Loaded(sample, collection, report)


def _collection(db: Database, name: str) -> Collection:
    try:
        found = open_collection(db, name, DEFAULT_SCHEMA)
    except NotFound:
        dimension = known_dimension(DEFAULT_MODEL)
        return create(db, NewCollection(name, model=DEFAULT_MODEL, dimension=dimension))
    if found.model != DEFAULT_MODEL:
        raise Conflict(
            f"There is a collection {name} already, and its model is {found.model or 'not known'}, "
            f"not {DEFAULT_MODEL}.",
            "Rename that collection, then load the sample.",
        )
    return found
