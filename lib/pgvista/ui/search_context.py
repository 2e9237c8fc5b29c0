"""What the search page must know of a collection before the first knob is drawn."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.io.samples import samples
from pgvista.model.collection import Collection
from pgvista.services import collections, indexes, rows
from pgvista.ui.search_knobs import Context


def load_context(db: Database, collection: Collection) -> tuple[Context, str, tuple[str, ...]]:
    """Return what the knobs depend on, the number of rows as told, and questions to begin with."""
    stats = collections.stats(db, collection)
    keys = [column.name for column in collection.columns]
    keys += [name for name, _ in rows.metadata_keys(db, collection)]
    context = Context(
        collection=collection,
        indexes=tuple(
            index
            for index in indexes.vector_indexes(db, collection)
            if index.valid and collection.roles.embedding in (*index.columns, "")
        ),
        languages=tuple(collections.text_configs(db)),
        filter_keys=tuple(keys),
    )
    number = f"{stats.rows:,} rows" if stats.rows_exact else f"≈ {stats.rows:,} rows"
    examples = next(
        (sample.example_queries for sample in samples() if sample.key == collection.table), ()
    )
    return context, number, tuple(examples)
