"""The memory of collections: what Postgres cannot say of a relation (model, metric, roles)."""

from __future__ import annotations

import weakref
from dataclasses import asdict, replace
from typing import Any

from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PermissionDenied, PgvistaError
from pgvista.model.collection import (
    DEFAULT_TEXT_CONFIG,
    Bm25,
    Bm25Index,
    Collection,
    IndexInfo,
    Layout,
    RelationKind,
    Roles,
)
from pgvista.model.index import BitMetric
from pgvista.model.metric import Metric, VectorType
from pgvista.model.roles import ColumnInfo, check_roles, guess_roles, structured_columns
from pgvista.sql import bm25_extensions, bm25_registry, catalog, judgments
from pgvista.sql import index as index_sql
from pgvista.sql.names import opclass_metric, opclass_name
from pgvista.sql.query import Query

Memory = dict[tuple[str, str], dict[str, Any]]
"""(schema, table) -> roles, model, metric, text_config, layout."""

_KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED,
    "m": RelationKind.MATVIEW,
    "v": RelationKind.VIEW,
    "f": RelationKind.FOREIGN,
}
_in_session: weakref.WeakKeyDictionary[Database, Memory] = weakref.WeakKeyDictionary()
"""What the catalog table would hold, where the role may not create it."""


def ensure_catalog(db: Database) -> bool:
    """Create the catalog table where the role may; return whether it is there."""
    if has_catalog(db):
        return True
    try:
        with db.transaction() as connection:
            run(connection, catalog.create_catalog())
    except PermissionDenied:
        return False
    except PgvistaError:
        if not has_catalog(db):  # two processes may create it at the same moment
            raise
    return True


def has_catalog(db: Database) -> bool:
    """Tell whether the catalog table is there and readable."""
    answer = db.read(lambda c: run(c, catalog.catalog_exists()).fetchone())
    return answer is not None and bool(answer[0])


def remember(db: Database, collection: Collection) -> None:
    """Keep model, metric, language and roles: in the catalog, else in the session."""
    entry = {
        "roles": asdict(collection.roles),
        "model": collection.model,
        "metric": collection.metric.value,
        "text_config": collection.text_config,
        "layout": collection.layout.value,
    }
    try:
        if ensure_catalog(db):
            query = catalog.remember(
                {"schema": collection.schema, "table": collection.table}
                | entry
                | {"roles": Jsonb(entry["roles"])}
            )
            with db.transaction() as connection:
                connection.execute(query.sql, query.params)
            return
    except PermissionDenied:
        pass
    entry["search_defaults"] = dict(collection.search_defaults)
    _in_session.setdefault(db, {})[collection.schema, collection.table] = entry


def remember_search_defaults(db: Database, collection: Collection) -> None:
    """Keep the search defaults: in the catalog, else in the session."""
    remember(db, collection)
    if (collection.schema, collection.table) in _in_session.get(db, {}):
        return
    defaults = dict(collection.search_defaults)
    query = catalog.remember_search_defaults(
        collection.schema, collection.table, Jsonb(defaults) if defaults else None
    )
    try:
        with db.transaction() as connection:
            if not (run(connection, catalog.has_search_defaults()).fetchone() or (False,))[0]:
                run(connection, catalog.add_search_defaults())
            connection.execute(query.sql, query.params)
    except PermissionDenied:
        entries = db.read(lambda connection: memory(db, connection))
        entry = entries[collection.schema, collection.table] | {"search_defaults": defaults}
        entry.pop("bm25", None)
        _in_session.setdefault(db, {})[collection.schema, collection.table] = entry


def forget(
    db: Database, connection: Connection[Any], collection: Collection, *, kept: bool
) -> None:
    """Forget a collection; `kept` says whether the catalog table is there."""
    if kept:
        query = catalog.forget(collection.schema, collection.table)
        connection.execute(query.sql, query.params)
    if (run(connection, judgments.sets_deletable()).fetchone() or (False,))[0]:
        run(connection, judgments.delete_of_collection(collection.schema, collection.table))
    for (name,) in run(connection, catalog.kept_of_collections()).fetchall():
        run(connection, catalog.forget_kept(name, collection.schema, collection.table))
    _in_session.get(db, {}).pop((collection.schema, collection.table), None)


def rename(
    db: Database, connection: Connection[Any], collection: Collection, new: str, *, kept: bool
) -> None:
    """Carry what is remembered over to a new name."""
    if kept:
        query = catalog.rename_entry(collection.schema, collection.table, new)
        connection.execute(query.sql, query.params)
    if (run(connection, judgments.sets_writable()).fetchone() or (False,))[0]:
        run(connection, judgments.rename_collection(collection.schema, collection.table, new))
    for (name,) in run(connection, catalog.kept_of_collections()).fetchall():
        run(connection, catalog.rename_kept(name, collection.schema, collection.table, new))
    session = _in_session.get(db, {})
    if (entry := session.pop((collection.schema, collection.table), None)) is not None:
        session[collection.schema, new] = entry


def memory(db: Database, connection: Connection[Any]) -> Memory:
    """Read all that is remembered."""
    found: Memory = {}
    answer = run(connection, catalog.catalog_exists()).fetchone()
    if answer is not None and answer[0]:
        names = ("roles", "model", "metric", "text_config", "layout", "search_defaults")
        for schema, table, *entry in run(connection, catalog.remembered()).fetchall():
            found[schema, table] = dict(zip(names, entry, strict=True))
    for relation, entry in _in_session.get(db, {}).items():
        found[relation] = dict(entry)
    for relation, tables in bm25_tables(connection).items():
        if relation in found:
            found[relation]["bm25"] = tables
    return found


def bm25_tables(connection: Connection[Any]) -> dict[tuple[str, str], Bm25]:
    """Read which relations have side tables for BM25: (schema, table) -> tables."""
    answer = run(connection, bm25_registry.registry_exists()).fetchone()
    if answer is None or not answer[0]:
        return {}
    rows = run(connection, bm25_registry.registered()).fetchall()
    return {(row[0], row[1]): Bm25(*row[2:]) for row in rows}


def run(connection: Connection[Any], query: Query) -> Cursor[Any]:
    """Run a query with its values."""
    return connection.execute(query.sql, query.params)


def fetch(connection: Connection[Any], query: Query) -> list[dict[str, Any]]:
    """Run a query of the catalog and return its rows by column name."""
    cursor = run(connection, query)
    names = [item.name for item in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def columns_of(row: dict[str, Any]) -> tuple[ColumnInfo, ...]:
    """Return the columns of a relation as the catalog query gave them."""
    return tuple(ColumnInfo(**item) for item in row["columns"] or ())


def collection_of(
    db: Database, row: dict[str, Any], entry: dict[str, Any] | None
) -> Collection | None:
    """Make a collection of a relation and what is remembered of it; None without a vector column."""
    columns = columns_of(row)
    if not any(column.is_vector for column in columns):
        return None
    roles = guess_roles(columns)
    if entry is not None:
        try:
            remembered = Roles(**entry["roles"])
            check_roles(columns, remembered)
            roles = remembered
        except (InvalidInput, TypeError):
            entry = None  # the table was changed since: guess anew
    by_name = {column.name: column for column in columns}
    has_places = _KINDS[row["kind"]] not in (RelationKind.VIEW, RelationKind.FOREIGN)
    if roles.id is None and not has_places and "id" in by_name.keys() - {roles.content}:
        roles = replace(roles, id="id")  # a view has no keys to tell it by
    embedding = by_name[roles.embedding]
    config = by_name[roles.fts].config if roles.fts else None
    kept = entry or {}
    layout = Layout.VECS if set(by_name) == {"id", "vec", "metadata"} else Layout.ADOPTED
    metric = Metric(kept["metric"]) if entry else _indexed_metric(row, roles)
    vector_type = VectorType(embedding.base_type)
    return Collection(
        schema=row["schema"],
        table=row["table"],
        roles=roles,
        dimension=embedding.typmod if embedding.typmod > 0 else None,
        metric=metric,
        vector_type=vector_type,
        model=kept.get("model"),
        text_config=(config or kept.get("text_config") or DEFAULT_TEXT_CONFIG).removeprefix(
            "pg_catalog."
        ),
        columns=structured_columns(columns, roles),
        kind=_KINDS[row["kind"]],
        layout=Layout(kept["layout"]) if entry else layout,
        key_type=by_name[roles.id].type if roles.id else "tid" if has_places else "text",
        metadata_type=by_name[roles.metadata].base_type if roles.metadata else "jsonb",
        index_cast=_index_cast(row, roles, metric, vector_type),
        bm25=kept.get("bm25"),
        bm25_index=_bm25_index(row, roles),
        row_security=row["row_security"],
        titled=roles.fts is not None and by_name[roles.fts].titled,
        search_defaults=_search_defaults(kept.get("search_defaults")),
        extension_schema=db.capabilities.extension_qualifier,
    )


def _bm25_index(row: dict[str, Any], roles: Roles) -> Bm25Index | None:
    """Return the first index of an extension for BM25 that indexes the text column."""
    for item in row["word_indexes"] or ():
        indexed = bm25_extensions.indexed_column(item["extension"], roles.content)
        if roles.id is not None and indexed is not None and indexed in (item.pop("columns") or ()):
            return Bm25Index(**item)
    return None


def _search_defaults(kept: Any) -> tuple[tuple[str, Any], ...]:
    """Return what is remembered as pairs, which can be a key of a cache."""
    if not isinstance(kept, dict):
        return ()
    plain = (str, int, float, bool, type(None))
    return tuple((name, kept[name]) for name in sorted(kept) if isinstance(kept[name], plain))


def indexes(connection: Connection[Any], collection: Collection) -> tuple[IndexInfo, ...]:
    """Return the indexes of a collection."""
    query = catalog.indexes(collection.schema, collection.table)
    found = []
    for row in connection.execute(query.sql, query.params).fetchall():
        schema, name, method, definition, size, valid, columns, opclasses, options, primary = row[
            :10
        ]
        expression, predicate, scans, last_scan, phase = row[10:]
        is_vector = method in ("hnsw", "ivfflat")
        target, leading = index_sql.recognise(expression) if is_vector else (None, None)
        found.append(
            IndexInfo(
                schema=schema,
                name=name,
                method=method,
                definition=definition,
                size_bytes=size,
                valid=valid,
                columns=tuple(columns),
                opclasses=tuple(opclasses),
                options=dict(option.split("=", 1) for option in options),
                primary=primary,
                target=target,
                metric=_metric(opclasses[0]) if is_vector else None,
                leading=leading,
                predicate=predicate,
                scans=scans,
                last_scan=last_scan,
                build=phase,
            )
        )
    return tuple(found)


def _metric(opclass: str) -> Metric | BitMetric | None:
    return index_sql.bit_metric(opclass) or opclass_metric(opclass)


def _indexed_metric(row: dict[str, Any], roles: Roles) -> Metric:
    """Return the metric of the table's vector index; cosine when there is none."""
    metrics = [
        opclass_metric(item["opclass"])
        for item in row["vector_indexes"] or ()
        if item["column"] in (roles.embedding, None)
    ]
    return next((metric for metric in metrics if metric is not None), Metric.COSINE)


def _index_cast(
    row: dict[str, Any], roles: Roles, metric: Metric, own: VectorType
) -> VectorType | None:
    """Return the type whose cast an index serves, where no index serves the column itself."""
    found = {
        (item["opclass"], item["column"])
        for item in row["vector_indexes"] or ()
        if item["all_rows"]
    }
    if (opclass_name(metric, own), roles.embedding) in found:
        return None
    casts = (kind for kind in VectorType if kind is not own)
    return next((kind for kind in casts if (opclass_name(metric, kind), None) in found), None)
