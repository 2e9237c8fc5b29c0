"""What the search page must know of a collection before the first knob is drawn."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder, get_embedder
from pgvista.errors import PgvistaError
from pgvista.io.samples import samples
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.index import IndexTarget
from pgvista.services import collections, indexes
from pgvista.ui.search_knobs import Context
from pgvista.ui.state import settings


def load_context(db: Database, collection: Collection) -> Context:
    """Return what the knobs depend on."""
    stats = collections.stats(db, collection)
    count = f"{stats.rows:,} {'row' if stats.rows == 1 else 'rows'}"
    return Context(
        collection=collection,
        indexes=tuple(
            index
            for index in indexes.vector_indexes(db, collection)
            if index.valid and _serves(index, collection)
        ),
        languages=tuple(collections.text_configs(db)),
        db=db,
        rows=count if stats.rows_exact else f"≈ {count}",
        is_empty=stats.rows_exact and stats.rows == 0,
    )


def _serves(index: IndexInfo, collection: Collection) -> bool:
    """Whether plain searches can use it: on the vector's column, or on the cast they order by."""
    if collection.index_cast is not None:
        return index.target is IndexTarget.HALFVEC
    return index.target is IndexTarget.COLUMN and collection.roles.embedding in index.columns


def examples(collection: Collection) -> tuple[str, ...]:
    """Return questions to begin with, for a sample."""
    return next(
        (tuple(item.example_queries) for item in samples() if item.key == collection.table), ()
    )


def embedder(collection: Collection) -> ModelEmbedder | None:
    """Return the embedder of the collection's model, with this session's keys.

    None without a model, and where a key is missing: a search by meaning then says so, and words
    can still be searched.
    """
    if collection.model is None:
        return None
    try:
        return get_embedder(collection.model, settings())
    except PgvistaError:
        return None
