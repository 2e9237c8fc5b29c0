"""The last step of the lesson on metadata: one filter as SQL for both places, and what to remember."""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import median_low
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.filters import join_key
from pgvista.services.lesson_metadata_types import filter_sql
from pgvista.services.rows import page
from pgvista.sql.rows import PageRequest
from pgvista.ui.errors import show_error
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import keep_in_address, try_it

_FILTER = "learn_metadata_filter"
_DEFAULT = '{"year": {"$gte": 2015}}'
_SAMPLE = 50


def remember(db: Database) -> None:
    """Show one filter as pgvista compiles it, and say what to remember."""
    keep_in_address({_FILTER: _DEFAULT})
    _filter()
    st.markdown(
        "- **What you filter, sort or join by: a typed column** with a btree. It is small, served in "
        "every form, and the planner knows it.\n"
        "- **The rest: jsonb** with GIN (`jsonb_path_ops`), asked by `@>`, as pgvista's `$eq`, `$in` and "
        "`$contains` are. Its ranges look at the type of every value, so no index serves them.\n"
        "- **Types**: jsonb takes any. Compare by type, and decide what a missing key means."
    )
    collection = lesson_collection(db, needs="vectors")
    if collection is None:
        return
    with st.container(horizontal=True):
        params = {"collection": collection.name}
        if (given := _own_filter(db, collection)) is not None:
            try_it(
                "Search your rows with a filter",
                "search",
                **params,
                search_filter=json.dumps(given),
            )
        else:
            try_it("Search your rows with a filter", "search", **params)
        try_it("Put a GIN index on your metadata", "indexes", **params)


@st.fragment
def _filter() -> None:
    if _FILTER not in st.session_state:
        st.session_state[_FILTER] = _DEFAULT
    st.text_input(
        "One filter of pgvista's language",
        key=_FILTER,
        persist_state="session",
        help='Operators: $eq, $ne, $lt, $lte, $gt, $gte, $between, $in, $exists … such as {"year": '
        '{"$between": [1990, 1999]}}.',
    )
    try:
        column, metadata = filter_sql(st.session_state[_FILTER] or "")
    except PgvistaError as error:
        show_error(error)
        return
    left, right = st.columns((0.35, 0.65), gap="medium")
    with left:
        st.markdown("**The year is a column**")
        st.code(f"where {column}", language="sql", wrap_lines=True)
    with right:
        st.markdown("**The year is in metadata**")
        st.code(f"where {metadata}", language="sql", wrap_lines=True)


def _own_filter(db: Database, collection: Collection) -> Mapping[str, Any] | None:
    """Return a filter on a number that the collection's rows have; None where they have none."""
    seen: dict[str, list[float]] = {}
    for row in page(db, collection, PageRequest(_SAMPLE)).rows:
        for key, value in {**row.metadata, **row.columns}.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                seen.setdefault(key, []).append(value)
    if not seen:
        return None
    key = max(seen, key=lambda name: (len(seen[name]), name == "year"))
    name = key if collection.column(key) is not None else join_key((key,))
    return {name: {"$gte": median_low(seen[key])}}
