"""A new, empty collection: its name, model, metric, language and structured columns."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import (
    DEFAULT_SCHEMA,
    DEFAULT_TEXT_CONFIG,
    LABELS,
    Column,
    ColumnType,
    NewCollection,
)
from pgvista.model.metric import MAX_DIMENSION, Metric, VectorType
from pgvista.services import collections
from pgvista.sql import collection as ddl
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.model_choice import dimension_of, model_choice

TEXTS, VECTORS = "Texts, embedded by a model", "Vectors of my own"
_TYPE_NAMES = {
    "text": ColumnType.TEXT,
    "whole number": ColumnType.INTEGER,
    "number": ColumnType.NUMBER,
    "true or false": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "time": ColumnType.TIMESTAMP,
    "list of texts": ColumnType.TEXTS,
}
_NO_WORDS = "none"


def collection_form(db: Database) -> str | None:
    """Draw the form with the SQL it would run; return the name of the collection it created."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        make = _fields(db)
    with right:
        st.markdown("**What will be run**")
        preview(db, make)
        if not write_button("Create", key="new.create", read_only=db.read_only):
            return None
        try:
            return collections.create(db, make(ask=True)).name
        except PgvistaError as error:
            show_error(error)
            return None


class _Maker:
    """Makes the request of what was typed; an unknown dimension is asked of the model if wished."""

    def __init__(self, model: str | None, dimension: int | None, rest: dict[str, Any]) -> None:
        self._model, self._dimension, self._rest = model, dimension, rest

    def __call__(self, *, ask: bool) -> NewCollection:
        dimension = self._dimension
        if self._model is not None:
            with st.spinner("Asking the model for the length of its vectors"):
                dimension = dimension_of(self._model, ask=ask)
        return NewCollection(model=self._model, dimension=dimension, **self._rest)

    @property
    def waits_for_model(self) -> bool:
        """Whether only the model can tell how long its vectors are."""
        return self._model is not None and dimension_of(self._model, ask=False) is None


def preview(db: Database, make: _Maker) -> None:
    """Draw the statements, or say what is missing for them."""
    try:
        if make.waits_for_model:
            st.markdown(":gray[The statements are known once the model has told its dimension.]")
            return
        new = make(ask=False)
        statements = ddl.create(new, db.capabilities.extension_qualifier)
    except InvalidInput as error:
        st.markdown(f":gray[{error.message}]" if "empty" in error.message else "")
        if "empty" not in error.message:
            show_error(error)
        return
    if new.unaccent:
        st.markdown(
            f":gray[First, where they are missing: the extension unaccent, and the language "
            f"{plain(ddl.stored_config(new))} that ignores accents.]"
        )
    sql_panel("\n\n".join(f"{query.text()};" for query in statements), key="new.sql")


def _fields(db: Database) -> _Maker:
    name, schema = st.columns([2, 1])
    table = name.text_input("Name", key="new.name", placeholder="docs", live=True)
    home = schema.text_input(
        "Schema", DEFAULT_SCHEMA, key="new.schema", help="Made when it is not there yet."
    )
    kind = st.segmented_control(
        "It holds", (TEXTS, VECTORS), default=TEXTS, required=True, key="new.kind"
    )
    first, metric, stored = st.columns([2, 1, 1])
    model: str | None = None
    dimension: int | None = None
    with first:
        if kind == TEXTS:
            model = model_choice("Model", key="new.model")
        else:
            dimension = int(
                st.number_input(
                    "Dimension", 1, MAX_DIMENSION, 384, key="new.dimension",
                    help="How many numbers each vector has. HNSW and IVFFlat take up to 2,000, "
                    "as halfvec up to 4,000.",
                )
            )  # fmt: skip
    chosen_metric = metric.selectbox(
        "Metric", list(Metric), key="new.metric", format_func=lambda item: item.label,
        help="How near two vectors are. Cosine suits most text models.",
    )  # fmt: skip
    chosen_type = stored.selectbox(
        "Stored as", list(VectorType), key="new.type", format_func=lambda item: item.value,
        help="vector: 4 bytes a number. halfvec: 2 bytes, and mostly the same hits.",
    )  # fmt: skip
    languages = collections.text_configs(db)
    spoken, accents = st.columns([2, 2], vertical_alignment="bottom")
    language = spoken.selectbox(
        "Language", languages, key="new.language",
        index=languages.index(DEFAULT_TEXT_CONFIG) if DEFAULT_TEXT_CONFIG in languages else 0,
        help="Which stems and stop words the search by words knows; simple knows none.",
    )  # fmt: skip
    ignored = language.endswith("_unaccent")
    unaccent = accents.toggle(
        "Ignore accents", key="new.unaccent", disabled=ignored,
        help="creme finds crème. Needs the extension unaccent, which is installed when it is not."
        if not ignored else "This language does so already.",
    )  # fmt: skip
    columns, indexed, labels = _structured_columns()
    rest = {
        "table": table,
        "schema": home,
        "metric": chosen_metric,
        "vector_type": chosen_type,
        "text_config": language,
        "columns": columns,
        "indexed_columns": indexed,
        "labels": labels,
        "unaccent": unaccent and not ignored,
    }
    return _Maker(model, dimension, rest)


def _structured_columns() -> tuple[tuple[Column, ...], frozenset[str], tuple[tuple[str, str], ...]]:
    """Draw the editor; return the columns, those to index, and (column, label) of those with words."""
    st.markdown(
        "Structured columns :gray[beside the metadata: typed, and fast to filter when indexed]"
    )
    edited = st.data_editor(
        pd.DataFrame(
            {
                "Column": pd.Series(dtype="str"),
                "Type": pd.Series(dtype="str"),
                "Index": pd.Series(dtype="bool"),
                "Words": pd.Series(dtype="str"),
            }
        ),
        key="new.columns",
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        alt="Structured columns of the new collection",
        column_config={
            "Column": st.column_config.TextColumn(required=True, default=""),
            "Type": st.column_config.SelectboxColumn(
                options=list(_TYPE_NAMES), default="text", required=True
            ),
            "Index": st.column_config.CheckboxColumn(default=True),
            "Words": st.column_config.SelectboxColumn(
                options=[_NO_WORDS, *LABELS],
                default=_NO_WORDS,
                required=True,
                help="Its words are searched too, and count by the label: A most. For text only.",
            ),
        },
    )
    rows = [row for row in edited.to_dict("records") if str(row["Column"] or "").strip()]
    columns = tuple(
        Column(str(row["Column"]), str(_TYPE_NAMES.get(str(row["Type"]), row["Type"])))
        for row in rows
    )
    indexed = frozenset(str(row["Column"]) for row in rows if row["Index"] is True)
    labels = tuple(
        (str(row["Column"]), str(row["Words"])) for row in rows if row["Words"] in LABELS
    )
    return columns, indexed, labels
