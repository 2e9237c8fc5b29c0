"""`pgvista collections`: list what can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pgvista.cli.connection import database_options, open_database
from pgvista.cli.output import print_json, printable, size, table, tell

if TYPE_CHECKING:
    from pgvista.model.collection import CollectionStats

KEPT, AS_BUILT = "in step by triggers", "as built"


@click.command("collections")
@database_options
def collections_command(as_json: bool, url: str | None) -> None:
    """List all that has a vector column, with rows, model, size and indexes."""
    from pgvista.services.collections import list_stats

    with open_database(url) as db:
        found = list_stats(db)
    if as_json:
        print_json([stats_dict(item) for item in found])
    elif found:
        header = ("name", "rows", "dimension", "metric", "model", "size", "bm25", "vector indexes")
        click.echo(table(header, [_cells(item) for item in found], right=frozenset({1, 2, 5})))
    else:
        tell("There is no collection yet. Try: pgvista load --sample help_centre")


def stats_dict(stats: CollectionStats) -> dict[str, Any]:
    """Return a collection and its figures as JSON takes them."""
    collection = stats.collection
    return {
        "name": collection.name,
        "schema": collection.schema,
        "table": collection.table,
        "kind": collection.kind.value,
        "layout": collection.layout.value,
        "rows": stats.rows,
        "rows_exact": stats.rows_exact,
        "unembedded": stats.unembedded,
        "model": collection.model,
        "dimension": collection.dimension,
        "metric": collection.metric.value,
        "vector_type": collection.vector_type.value,
        "text_config": collection.text_config,
        "bm25": _bm25(stats),
        "columns": {column.name: column.type for column in collection.columns},
        "table_bytes": stats.table_bytes,
        "index_bytes": stats.index_bytes,
        "indexes": [
            {
                "name": index.name,
                "method": index.method,
                "columns": list(index.columns),
                "options": index.options,
                "size_bytes": index.size_bytes,
                "valid": index.valid,
            }
            for index in stats.indexes
        ],
    }


def _bm25(stats: CollectionStats) -> str | None:
    """Say how the statistics for BM25 are kept; None without any. Whether rows are missing is not looked at."""
    tables = stats.collection.bm25
    return None if tables is None else KEPT if tables.kept else AS_BUILT


def _cells(stats: CollectionStats) -> tuple[str, ...]:
    collection = stats.collection
    indexes = [
        f"{index.method}{'' if index.valid else ' (invalid)'}"
        for index in stats.indexes
        if index.method in ("hnsw", "ivfflat")
    ]
    return (
        printable(collection.name),
        f"{'' if stats.rows_exact else '~'}{stats.rows:,}",
        str(collection.dimension or "any"),
        collection.metric.value,
        printable(collection.model or "–"),
        size(stats.table_bytes + stats.index_bytes),
        {None: "–", KEPT: "in step", AS_BUILT: "as built"}[_bm25(stats)],
        ", ".join(indexes) or "–",
    )
