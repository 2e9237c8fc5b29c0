"""One collection: its figures, what can and cannot be done with it, columns, indexes, SQL."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pgvista.model.collection import Collection, CollectionStats, IndexInfo, RelationKind, Roles
from pgvista.model.roles import ColumnInfo
from pgvista.ui import format as form
from pgvista.ui.components.panels import metric_chips, sql_panel
from pgvista.ui.errors import plain
from pgvista.ui.state import PARAMETER, link

_KINDS = {
    RelationKind.VIEW: "A view: it can be searched. Rows are not written here, and an index "
    "belongs on the tables beneath it.",
    RelationKind.MATVIEW: "A materialised view: it can be searched and indexed. Its rows come "
    "from `refresh materialized view`, so none are written here.",
    RelationKind.FOREIGN: "A foreign table: it can be searched as far as its server allows. "
    "Indexes are built over there.",
}
ROLE_NAMES = {
    "embedding": "vector",
    "id": "key",
    "content": "text",
    "metadata": "metadata",
    "fts": "full text",
    "content_hash": "hash of the text",
}


def collection_head(stats: CollectionStats) -> None:
    """Draw the name, the ways on, the figures, and what cannot be done with this collection."""
    collection = stats.collection
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"### {plain(collection.name)}", width="stretch")
        link("search", "Search", icon=":material/search:", **{PARAMETER: collection.name})
        link("browse", "Browse", icon=":material/table_rows:", **{PARAMETER: collection.name})
        link("load", "Load", icon=":material/upload:", **{PARAMETER: collection.name})
        link("indexes", "Indexes", icon=":material/account_tree:", **{PARAMETER: collection.name})
    metric_chips(figures(stats), key="collections.figures")
    for sentence in limits(collection):
        st.markdown(f":gray[:material/info: {sentence}]")


def collection_parts(stats: CollectionStats, columns: Sequence[ColumnInfo]) -> None:
    """Draw the columns with their roles, and the indexes."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Columns**")
        _columns_table(stats.collection, columns)
    with right:
        st.markdown("**Indexes**")
        _indexes_table(stats.indexes)


def collection_sql(stats: CollectionStats, columns: Sequence[ColumnInfo]) -> None:
    """Draw the SQL that describes the relation and its indexes."""
    st.markdown("**SQL**")
    sql_panel(definition(stats.collection, columns, stats.indexes), key="collections.sql")


def figures(stats: CollectionStats) -> list[tuple[str, str]]:
    """Return the figures of a collection, name and value."""
    collection = stats.collection
    found = [
        ("rows", form.rows(stats)),
        ("table", form.size(stats.table_bytes)),
        ("indexes", form.size(stats.index_bytes)),
        ("dimension", f"{collection.dimension:,}" if collection.dimension else "any"),
        ("type", collection.vector_type.value),
        ("metric", collection.metric.label),
        ("model", collection.model or "none"),
    ]
    if collection.roles.content or collection.roles.fts:
        found.append(("language", collection.text_config))
    if stats.unembedded:
        found.append(("without vector", f"{stats.unembedded:,}"))
    return found


def limits(collection: Collection) -> list[str]:
    """Say in Markdown what does not work with this collection, and why."""
    found = [_KINDS[collection.kind]] if collection.kind in _KINDS else []
    if collection.roles.id is None:
        found.append(
            "No key column: rows can be searched and read, but not loaded, edited or embedded. "
            "A primary key, or a unique column chosen as key, mends that."
        )
    if collection.roles.content is None:
        found.append(
            "No text column: semantic search and filters work, search by words has nothing to read."
        )
    if collection.model is None:
        found.append(
            "No model is known: words cannot be turned into vectors. Name the model that made "
            "these vectors under *Columns and model*, or search with a vector or a row."
        )
    if collection.dimension is None:
        found.append(
            "The vectors may have any length: they are searched row by row, without an index."
        )
    return found


def _columns_table(collection: Collection, columns: Sequence[ColumnInfo]) -> None:
    roles = _roles_by_column(collection.roles)
    st.table(
        {
            "Column": [plain(column.name) for column in columns],
            "Type": [f":gray[{plain(column.type)}]" for column in columns],
            "Role": [roles.get(column.name, "") for column in columns],
            "": [f":gray[{_notes(column)}]" if _notes(column) else "" for column in columns],
        },
        border="horizontal",
        hide_index=True,
    )


def _roles_by_column(roles: Roles) -> dict[str, str]:
    named = {
        getattr(roles, role): label for role, label in ROLE_NAMES.items() if getattr(roles, role)
    }
    return {str(column): label for column, label in named.items()}


def _notes(column: ColumnInfo) -> str:
    parts = [
        {"primary": "primary key", "unique": "unique"}.get(column.key or "", ""),
        "generated" if column.generated else "",
        "identity" if column.identity else "",
        "not null" if column.not_null and column.key != "primary" else "",
    ]
    return ", ".join(filter(None, parts))


def _indexes_table(indexes: Sequence[IndexInfo]) -> None:
    if not indexes:
        st.markdown(":gray[None: every search looks at every row.]")
        return
    st.table(
        {
            "Index": [
                f"{plain(index.name)}{'' if index.valid else ' :orange-badge[not ready]'}"
                for index in indexes
            ],
            "Method": [f"{_method(index)}" for index in indexes],
            "Size": [form.size(index.size_bytes) for index in indexes],
        },
        border="horizontal",
        hide_index=True,
    )


def _method(index: IndexInfo) -> str:
    options = ", ".join(f"{name} {value}" for name, value in index.options.items())
    return plain(index.method) + (f" :gray[{plain(options)}]" if options else "")


def definition(
    collection: Collection, columns: Sequence[ColumnInfo], indexes: Sequence[IndexInfo]
) -> str:
    """Write the relation as statements a person can read; views as what they show."""
    kind = {
        RelationKind.VIEW: "-- view",
        RelationKind.MATVIEW: "-- materialized view",
        RelationKind.FOREIGN: "-- foreign table",
    }.get(collection.kind, "create table")
    lines = [f"  {_quoted(column.name)} {column.type}{_constraints(column)}" for column in columns]
    name = f"{_quoted(collection.schema)}.{_quoted(collection.table)}"
    if kind.startswith("--"):
        table = f"{kind} {name}\n" + "\n".join(f"--{line}" for line in lines)
    else:
        table = f"{kind} {name} (\n" + ",\n".join(lines) + "\n);"
    made = [f"{index.definition};" for index in indexes if not index.primary]
    return "\n\n".join([table, "\n".join(made)]) if made else table


def _constraints(column: ColumnInfo) -> str:
    parts = [
        {"primary": " primary key", "unique": " unique"}.get(column.key or "", ""),
        " not null" if column.not_null and column.key != "primary" else "",
        " generated by default as identity" if column.identity else "",
    ]
    if column.generated:
        parts.append(
            f" generated always as (to_tsvector('{column.config}', …)) stored"
            if column.config
            else " generated always as (…) stored"
        )
    return "".join(parts)


def _quoted(name: str) -> str:
    plain_name = name.isascii() and name.isidentifier() and name == name.lower()
    return name if plain_name else '"' + name.replace('"', '""') + '"'
