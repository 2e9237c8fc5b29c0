"""Collections: find, open, create, change and drop them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import Connection

from pgvista.db.database import Database
from pgvista.errors import Conflict, InvalidInput, NotFound, PermissionDenied, PgvistaError
from pgvista.model.collection import (
    DEFAULT_SCHEMA,
    DEFAULT_TEXT_CONFIG,
    PGVISTA_ROLES,
    Collection,
    CollectionStats,
    IndexInfo,
    Layout,
    NewCollection,
    RelationKind,
    Roles,
    check_name,
)
from pgvista.model.metric import Metric, VectorType
from pgvista.model.roles import ColumnInfo, check_roles, guess_roles, structured_columns
from pgvista.services import bm25, catalog
from pgvista.sql import catalog as catalog_sql
from pgvista.sql import collection as ddl

EXACT_COUNT_LIMIT = 200_000
"""Tables that the planner takes for larger than this are not counted row by row."""
LIST_COUNT_LIMIT = 1_000_000
"""In a list of all collections, no more rows than this are counted."""


def list_collections(db: Database) -> list[Collection]:
    """Return every relation with a vector column, those of schema pgvista first."""
    db.capabilities.require_vector()

    def work(connection: Connection[Any]) -> list[Collection]:
        memory = catalog.memory(db, connection)
        rows = catalog.fetch(connection, catalog_sql.relations_with_vectors())
        return [
            found
            for row in rows
            if (found := catalog.collection_of(db, row, memory.get((row["schema"], row["table"]))))
            is not None
        ]

    return [item for item in db.read(work) if not _is_catalog(item)]


def list_stats(db: Database) -> list[CollectionStats]:
    """Return every collection with its rows, sizes and indexes, in one look.

    Small tables are counted, as long as all of them together have no more than LIST_COUNT_LIMIT
    rows; the rest is estimated.
    """
    db.capabilities.require_vector()

    def work(connection: Connection[Any]) -> list[CollectionStats]:
        memory = catalog.memory(db, connection)
        left = LIST_COUNT_LIMIT
        found = []
        for row in catalog.fetch(connection, catalog_sql.relations_with_vectors()):
            entry = memory.get((row["schema"], row["table"]))
            collection = catalog.collection_of(db, row, entry)
            if collection is not None and not _is_catalog(collection):
                found.append(_stats(connection, collection, row, limit=left))
                left -= found[-1].rows if found[-1].rows_exact else 0
        return found

    return db.read(work)


def stats(db: Database, collection: Collection) -> CollectionStats:
    """Return rows, sizes and indexes of a collection. Large tables are estimated, not counted."""

    def work(connection: Connection[Any]) -> CollectionStats:
        found = catalog.fetch(connection, catalog_sql.relation(collection.schema, collection.table))
        if not found:
            raise _not_found(collection.name)
        return _stats(connection, collection, found[0], limit=EXACT_COUNT_LIMIT)

    return db.read(work)


def _stats(
    connection: Connection[Any], collection: Collection, row: dict[str, Any], *, limit: int
) -> CollectionStats:
    rows, exact, missing = _count(connection, collection, row, min(limit, EXACT_COUNT_LIMIT))
    return CollectionStats(
        collection=collection,
        rows=rows,
        rows_exact=exact,
        unembedded=missing,
        table_bytes=row["table_bytes"],
        index_bytes=row["index_bytes"],
        indexes=catalog.indexes(connection, collection),
    )


def _count(
    connection: Connection[Any], collection: Collection, row: dict[str, Any], limit: int
) -> tuple[int, bool, int | None]:
    """Return rows, whether they were counted, and the rows without a vector where they were.

    Views and foreign tables are never counted, since nobody knows what that costs. One that cannot
    even be planned, such as a foreign table whose server is away, has 0 rows that are not exact.
    """
    try:
        with connection.transaction():
            estimate = int(row["estimated_rows"])
            stored = collection.kind not in (RelationKind.VIEW, RelationKind.FOREIGN)
            if estimate < 0 or not stored:
                query = catalog_sql.planned_rows(collection.schema, collection.table)
                answer = catalog.run(connection, query).fetchone()
                estimate = int(answer[0][0]["Plan"]["Plan Rows"]) if answer is not None else 0
            if estimate > limit or not stored:
                return estimate, False, None
            query = ddl.count_rows(collection)
            counted = catalog.run(connection, query).fetchone() or (0, 0)
            return counted[0], True, counted[1]
    except psycopg.Error:
        if connection.closed:
            raise
        return 0, False, None


def indexes(db: Database, collection: Collection) -> tuple[IndexInfo, ...]:
    """Return the indexes of a collection."""
    return db.read(lambda connection: catalog.indexes(connection, collection))


def open_collection(db: Database, name: str, schema: str | None = None) -> Collection:
    """Return the collection called `name`: bare in schema pgvista, else ``schema.table``.

    Raises NotFound, with the names there are, when there is none.
    """
    db.capabilities.require_vector()
    candidates = [(schema, name)] if schema is not None else [(DEFAULT_SCHEMA, name)]
    if schema is None:
        candidates += [
            (name[:place], name[place + 1 :]) for place, ch in enumerate(name) if ch == "."
        ]
        candidates.append(("public", name))

    def work(connection: Connection[Any]) -> Collection | None:
        memory = catalog.memory(db, connection)
        for candidate in candidates:
            if "\0" in candidate[0] + candidate[1]:
                continue
            rows = catalog.fetch(connection, catalog_sql.relation(*candidate))
            if (
                rows
                and (found := catalog.collection_of(db, rows[0], memory.get(candidate))) is not None
            ):
                return found
        return None

    found = db.read(work)
    if found is None:
        names = [item.name for item in list_collections(db)]
        raise _not_found(name, names)
    return found


def describe(db: Database, schema: str, table: str) -> tuple[ColumnInfo, ...]:
    """Return the columns of any relation. Raises NotFound."""
    rows = db.read(
        lambda connection: catalog.fetch(connection, catalog_sql.relation(schema, table))
    )
    if not rows:
        raise _not_found(f"{schema}.{table}")
    return catalog.columns_of(rows[0])


def list_text_tables(db: Database) -> list[tuple[str, str, tuple[ColumnInfo, ...]]]:
    """Return (schema, table, columns) of the tables that could be given a vector column."""
    rows = db.read(lambda connection: catalog.fetch(connection, catalog_sql.relations_with_text()))
    found = [(row["schema"], row["table"], catalog.columns_of(row)) for row in rows]
    return [item for item in found if any(column.is_text for column in item[2])]


def text_configs(db: Database) -> list[str]:
    """Return the names of the server's text-search configurations."""
    query = catalog_sql.text_configs()
    return [row[0] for row in db.read(lambda c: catalog.run(c, query).fetchall())]


def create(db: Database, new: NewCollection) -> Collection:
    """Create a collection. Raises Conflict when the name is taken."""
    db.capabilities.require_vector()
    if (new.schema, new.table) == (catalog_sql.CATALOG_SCHEMA, "collections"):
        raise Conflict(
            "The name 'collections' is that of pgvista's own catalog.", "Choose another name."
        )
    qualifier = db.capabilities.extension_qualifier
    catalog.ensure_catalog(db)
    try:
        with db.transaction() as connection:
            if new.unaccent:
                _ensure_unaccented(connection, new.text_config)
            for query in ddl.create(new, qualifier):
                connection.execute(query.sql, query.params)
    except Conflict:
        raise
    except PgvistaError as error:
        if "already exists" in error.message:
            raise Conflict(
                f"There is a table {new.schema}.{new.table} already.",
                "Choose another name, or open that one.",
            ) from None
        raise
    roles = PGVISTA_ROLES if new.layout is not Layout.VECS else None
    made = open_collection(db, new.table, new.schema)
    made = replace(
        made,
        roles=roles or made.roles,
        metric=new.metric,
        model=new.model,
        text_config=ddl.stored_config(new),
        layout=new.layout,
    )
    catalog.remember(db, made)
    if made.roles.content is None:
        return made
    with suppress(PermissionDenied):  # words are then ranked without knowing how rare they are
        return bm25.build(db, made)
    return made


def _ensure_unaccented(connection: Connection[Any], config: str) -> None:
    """Make the variant of a text-search configuration that has no regard to accents."""
    known = {row[0] for row in catalog.run(connection, catalog_sql.text_configs()).fetchall()}
    if config not in known:
        raise InvalidInput(
            f"The server knows no language {config!r}.", f"It knows: {', '.join(sorted(known))}."
        )
    if ddl.unaccented_name(config) in known:
        return
    catalog.run(connection, catalog_sql.create_unaccent())
    first = catalog.run(connection, catalog_sql.unaccent_dictionary()).fetchall()
    rest = catalog.run(connection, catalog_sql.word_dictionaries(config)).fetchall()
    for query in ddl.create_unaccented(config, [*first, *rest]):
        catalog.run(connection, query)


def adopt(
    db: Database,
    schema: str,
    table: str,
    *,
    roles: Roles | None = None,
    model: str | None = None,
    metric: Metric | None = None,
    text_config: str | None = None,
) -> Collection:
    """Open any relation as a collection, with the roles given or guessed, and remember them."""
    columns = describe(db, schema, table)
    roles = roles or guess_roles(columns)
    check_roles(columns, roles)
    found = open_collection(db, table, schema)
    config = next((item.config for item in columns if item.name == roles.fts and item.config), None)
    embedding = next(item for item in columns if item.name == roles.embedding)
    adopted = replace(
        found,
        roles=roles,
        columns=structured_columns(columns, roles),
        dimension=embedding.typmod if embedding.typmod > 0 else None,
        vector_type=VectorType(embedding.base_type),
        model=model,
        metric=metric or found.metric,
        text_config=text_config or config or DEFAULT_TEXT_CONFIG,
    )
    if _words_of(found) != _words_of(adopted):
        bm25.drop(db, found)  # they count the words of other columns, or in another language
    catalog.remember(db, adopted)
    return open_collection(db, table, schema)


def _words_of(collection: Collection) -> tuple[str | None, ...]:
    """Return what the words of a collection depend on."""
    roles = collection.roles
    return (roles.id, roles.fts) if roles.fts else (roles.id, roles.content, collection.text_config)


def rename(db: Database, collection: Collection, new: str) -> Collection:
    """Rename a collection within its schema. Raises Conflict when the name is taken."""
    check_name(new, "collection")
    kept = catalog.has_catalog(db)
    with db.transaction() as connection:
        catalog.run(connection, ddl.rename(collection, new))
        catalog.run(connection, ddl.rename_parents_index(collection, new))
        catalog.rename(db, connection, collection, new, kept=kept)
    return open_collection(db, new, collection.schema)


def empty(db: Database, collection: Collection) -> None:
    """Remove all rows."""
    query = ddl.empty(collection)
    with db.transaction() as connection:
        catalog.run(connection, query)


def drop(db: Database, collection: Collection) -> None:
    """Drop the relation, and forget it. Raises when other objects depend on it."""
    kept = catalog.has_catalog(db)
    with db.transaction() as connection:
        bm25.drop_with(connection, collection)
        catalog.run(connection, ddl.drop(collection))
        catalog.forget(db, connection, collection, kept=kept)


def add_vector_column(
    db: Database,
    schema: str,
    table: str,
    *,
    content: str,
    dimension: int,
    model: str | None,
    column: str = "embedding",
    vector_type: VectorType = VectorType.VECTOR,
    metric: Metric = Metric.COSINE,
) -> Collection:
    """Give a text table a vector column and open it as a collection; `fill` embeds its texts."""
    check_name(column, "column")
    query = ddl.add_vector_column(
        schema, table, column, dimension, vector_type, db.capabilities.extension_qualifier
    )
    with db.transaction() as connection:
        catalog.run(connection, query)
    roles = guess_roles(describe(db, schema, table))
    return adopt(
        db,
        schema,
        table,
        roles=replace(roles, embedding=column, content=content),
        model=model,
        metric=metric,
    )


def _is_catalog(collection: Collection) -> bool:
    return (collection.schema, collection.table) == (catalog_sql.CATALOG_SCHEMA, "collections")


def _not_found(name: str, names: list[str] | None = None) -> NotFound:
    known = f"There are: {', '.join(names[:10])}." if names else "There is no collection yet."
    return NotFound(f"There is no collection {name!r} that this role can read.", known)
