"""Tables made elsewhere: give their columns roles, or give a text table vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection, CollectionStats, Roles
from pgvista.model.metric import Metric, VectorType
from pgvista.model.roles import ColumnInfo, guess_roles
from pgvista.services import collections, rows
from pgvista.sql import collection as ddl
from pgvista.ui import format as form
from pgvista.ui.collection_details import ROLE_NAMES, limits
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.jobs import start_job
from pgvista.ui.model_choice import check_fits, dimension_of, model_choice
from pgvista.ui.state import embedder_for

_TEXT_TYPES = {"text", "varchar", "bpchar", "citext", "name"}
_TAKES: dict[str, set[str] | None] = {
    "embedding": {"vector", "halfvec"},
    "id": None,
    "content": _TEXT_TYPES,
    "metadata": {"jsonb", "json"},
    "fts": {"tsvector"},
    "content_hash": {"bytea"},
}
"""Types that can play each role; None: any column that tells rows apart."""


def open_table(db: Database, found: Sequence[CollectionStats]) -> str | None:
    """Choose a relation with a vector column and give its columns roles; return its name."""
    st.markdown(
        ":gray[Every table, view and materialised view with a vector column is found by itself, "
        "and its columns are given roles by their names and types. Mend them here.]"
    )
    if not found:
        st.markdown(":gray[There is no table with a vector column that this role can read.]")
        return None
    by_name = {stats.collection.name: stats for stats in found}
    name = st.selectbox(
        "Table", list(by_name), key="open.table",
        format_func=lambda name: f"{name} · {by_name[name].collection.kind.value} · "
        f"{form.rows(by_name[name])} rows",
    )  # fmt: skip
    collection = by_name[name].collection
    for sentence in limits(collection):
        st.markdown(f":gray[:material/info: {sentence}]")
    return roles_form(db, collection, key=f"open.{name}")


def roles_form(db: Database, collection: Collection, *, key: str) -> str | None:
    """Draw the roles, model, metric and language of a relation; return its name once they are kept."""
    columns = collections.describe(db, collection.schema, collection.table)
    guessed = asdict(guess_roles(columns))
    now = asdict(collection.roles)
    with st.form(f"{key}.roles", border=False):
        fields = st.columns(3)
        chosen: dict[str, str | None] = {}
        for position, role in enumerate(_TAKES):
            with fields[position % 3]:
                chosen[role] = _role(role, columns, now[role], guessed[role], key)
        with fields[0]:
            model = model_choice("Model", key=f"{key}.model", current=collection.model)
        metrics = list(Metric)
        metric = fields[1].selectbox(
            "Metric", metrics, index=metrics.index(collection.metric), key=f"{key}.metric",
            format_func=lambda item: item.label,
        )  # fmt: skip
        languages = collections.text_configs(db)
        known = collection.text_config in languages
        language = fields[2].selectbox(
            "Language", languages, key=f"{key}.language",
            index=languages.index(collection.text_config) if known else 0,
        )  # fmt: skip
        kept = st.form_submit_button("Keep these roles", type="primary")
    if not kept:
        return None
    try:
        embedding = chosen.pop("embedding")
        if embedding is None:
            raise InvalidInput("No column is chosen for the vectors.", "Choose one.")
        roles = Roles(embedding, **chosen)
        if model is not None:
            check_fits(model, _dimension(columns, roles.embedding), collection.name)
        return collections.adopt(
            db, collection.schema, collection.table,
            roles=roles, model=model, metric=metric, text_config=language,
        ).name  # fmt: skip
    except PgvistaError as error:
        show_error(error)
        return None


def _role(
    role: str, columns: Sequence[ColumnInfo], now: str | None, guessed: str | None, key: str
) -> str | None:
    takes = _TAKES[role]
    options: list[str | None] = [
        column.name
        for column in columns
        if (column.base_type in takes if takes is not None else not column.is_vector)
    ]
    if role != "embedding":
        options.insert(0, None)
    types = {column.name: column.type for column in columns}

    def described(name: str | None) -> str:
        if name is None:
            return "none"
        return f"{name} · {types[name]}{' · guessed' if name == guessed and now is None else ''}"

    return st.selectbox(
        ROLE_NAMES[role].capitalize(), options, key=f"{key}.{role}", format_func=described,
        index=options.index(now) if now in options else 0,
    )  # fmt: skip


def _dimension(columns: Sequence[ColumnInfo], name: str) -> int | None:
    typmod = next((column.typmod for column in columns if column.name == name), -1)
    return typmod if typmod > 0 else None


def add_vectors(db: Database) -> tuple[str, str] | None:
    """Give a text table a vector column and fill it; return the collection's name and the job's id."""
    tables = collections.list_text_tables(db)
    st.markdown(
        ":gray[A table of texts becomes a collection by one more column. The texts stay where they "
        "are; the vectors are made in the background.]"
    )
    if not tables:
        st.markdown(":gray[There is no table with a text column and without vectors here.]")
        return None
    left, right = st.columns([3, 2], gap="large")
    with left:
        schema, table, columns = st.selectbox(
            "Table", tables, key="vectors.table", format_func=lambda item: f"{item[0]}.{item[1]}"
        )
        texts = [column.name for column in columns if column.is_text]
        first, second = st.columns(2)
        content = first.selectbox("Text column", texts, key=f"vectors.text.{schema}.{table}")
        column = second.text_input("New column", "embedding", key="vectors.column")
        model = model_choice("Model", key="vectors.model")
        third, fourth = st.columns(2)
        metrics, kinds = list(Metric), list(VectorType)
        metric = third.selectbox(
            "Metric", metrics, key="vectors.metric", format_func=lambda item: item.label
        )
        kind = fourth.selectbox(
            "Stored as", kinds, key="vectors.type", format_func=lambda item: item.value
        )
    with right:
        st.markdown("**What will be run**")
        dimension = dimension_of(model, ask=False) if model else None
        if dimension:
            query = ddl.add_vector_column(
                schema, table, column or "embedding", dimension, kind,
                db.capabilities.extension_qualifier,
            )  # fmt: skip
            sql_panel(f"{query.text()};", key="vectors.sql")
        keyed = any(item.key for item in columns)
        if not keyed:
            st.markdown(
                ":orange[:material/warning: This table has no primary key and no unique column: "
                "its texts cannot be embedded here. Add a key first.]"
            )
        pressed = write_button(
            "Add the column and embed", key="vectors.go", read_only=db.read_only,
            disabled=not keyed or model is None,
        )  # fmt: skip
    if not pressed or model is None:
        return None
    try:
        with st.spinner("Adding the column"):
            made = collections.add_vector_column(
                db, schema, table, content=content, model=model, column=column, metric=metric,
                dimension=dimension_of(model, ask=True) or 0, vector_type=kind,
            )  # fmt: skip
        return made.name, embed_missing(db, made)
    except PgvistaError as error:
        show_error(error)
        return None


def embed_missing(db: Database, collection: Collection) -> str:
    """Start the job that embeds the rows without a vector; return its id. Raises PgvistaError."""
    embedder = embedder_for(collection)
    total = collections.stats(db, collection).unembedded
    job = start_job(
        f"Embedding {plain_name(collection)}",
        lambda own, reporter: rows.fill(
            own, collection, embedder=embedder, reporter=reporter, total=total
        ),
        exclusive=f"write {collection.schema}.{collection.table}",
    )
    return job.id


def plain_name(collection: Collection) -> str:
    """Return the collection's name in one line."""
    return " ".join(collection.name.split()) or plain(collection.name)
