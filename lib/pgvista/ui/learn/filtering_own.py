"""The step of the lesson on filters that filters by a column or metadata key of the reader's own."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.filters import Comparison, Scalar
from pgvista.model.search import DEFAULT_EF_SEARCH
from pgvista.services.collections import stats
from pgvista.services.filter_keys import FilterKey, KeyKind, filter_keys
from pgvista.services.lesson_filtering import (
    LEFT_TO_PLANNER,
    LIMIT,
    OwnFilter,
    measure_own_filter,
)
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn import filtering_state as state
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.filtering_charts import scan_chart
from pgvista.ui.learn.filtering_ways import points_table
from pgvista.ui.learn.frame import keep_in_address, presenting, sql_behind
from pgvista.ui.learn.kept import kept

FEWEST = 100
_KINDS = (KeyKind.TEXT, KeyKind.NUMBER, KeyKind.BOOLEAN)
_SPLIT = (0.5, 0.5)


def own_step(db: Database) -> None:
    """Draw what a filter on a real column of the chosen collection leaves, by iterative scan."""
    collection = lesson_collection(db, needs="vectors", rows=FEWEST)
    if collection is None:
        return
    count = stats(db, collection).rows
    with st.spinner("Reading columns and keys…"):
        keys = kept(
            ("filtering keys", db.label, collection.name, count),
            lambda: own_keys(filter_keys(db, collection), collection),
        )
    if not keys:
        st.info(
            f"**No column or metadata key of {plain(collection.name)} has values that come more "
            "than once.**  \nChoose another collection above; those loaded from a "
            "sample have some.",
            icon=":material/filter_alt:",
        )
        return
    _own(db, collection, count, keys)


def own_keys(keys: tuple[FilterKey, ...], collection: Collection) -> dict[str, FilterKey]:
    """Return the keys whose values can be filtered by one at a time, by name."""
    roles = (collection.roles.id, collection.roles.content)
    return {
        key.name: key
        for key in keys
        if key.kind in _KINDS
        and not (key.is_column and key.name in roles)
        and any(rows > 1 for _, rows in key.values)
    }


@st.fragment
def _own(db: Database, collection: Collection, count: int, keys: dict[str, FilterKey]) -> None:
    keep_in_address({state.COLUMN: "", state.VALUE: ""})
    left, right = st.columns(_SPLIT, gap="medium")
    with right:
        wanted = _choose(keys)
    found: OwnFilter | None = None
    with left, guarded():
        with st.spinner("pgvector builds an HNSW index of a sample, and is asked in each way…"):
            found = kept(
                ("filtering own", db.label, collection.name, count, wanted),
                lambda: measure_own_filter(
                    db, collection, wanted, rows=state.SAMPLE_ROWS, queries=state.QUERIES
                ),
            )
        _chart(found)
    if found is None:
        return
    with right:
        st.markdown(_said(wanted, found))
        if found.ways:
            st.markdown(points_table("iterative_scan", found.ways))
    sql_behind(found.sql, name="own_sql")


def _chart(found: OwnFilter) -> None:
    if not found.ways:
        st.info(
            "**None of the sampled rows has this value**, so there is nothing to find.  \n"
            "Choose a value that is more common.",
            icon=":material/filter_alt:",
        )
        return
    bars = {name: point for name, point in found.ways.items() if name != LEFT_TO_PLANNER}
    scan_chart(bars, key="learn_filtering_own_chart", height=340 if presenting() else 380)
    st.markdown(
        ":gray[A value as it is in your rows. The steps before draw labels, for exactly 1, 10 and "
        "50 %.]"
    )


def _choose(keys: dict[str, FilterKey]) -> Comparison:
    """Draw the choice of a key and of one of its values."""
    session = st.session_state
    if session.get(state.COLUMN) not in keys:
        session[state.COLUMN] = next(iter(keys))
    first, second = st.columns(2, gap="small")
    with first:
        name = st.selectbox(
            "Column or metadata key",
            list(keys),
            key=state.COLUMN,
            format_func=lambda name: f"{name} ({'column' if keys[name].is_column else 'metadata'})",
            persist_state="session",
        )
    values: dict[str, tuple[Scalar, int]] = {
        str(value): (value, rows) for value, rows in keys[name].values
    }
    if session.get(state.VALUE) not in values:
        session[state.VALUE] = next(iter(values))
    with second:
        value = st.selectbox(
            "Value", list(values), key=state.VALUE, persist_state="session",
            help="The most common values, the most common first.",
        )  # fmt: skip
    return Comparison(name, "$eq", values[value][0])


def _said(wanted: Comparison, found: OwnFilter) -> str:
    table = "counting the whole table takes too long"
    if found.in_table is not None:
        meet, rows = found.in_table
        table = f"{meet:,} of {rows:,} in the whole table ({_percent(meet / max(rows, 1))})"
    lines = [
        f"`{_code(wanted.key)} = {_code(wanted.value)}` is met by **{found.meet:,} of "
        f"{found.points:,}** sampled rows, **{_percent(found.share)}**; {table}."
    ]
    off = next(iter(found.ways.values()), None)
    if off is not None:
        counts = [len(rows) for rows in off.found]
        expected = min(LIMIT, DEFAULT_EF_SEARCH * found.share)
        lines.append(
            f"By chance, {DEFAULT_EF_SEARCH} candidates × {_percent(found.share)} would leave "
            f"{expected:.1f} of the {LIMIT} rows wanted. Without an iterative scan **{off.rows:.1f}** "
            f"come back, from {min(counts)} to {max(counts)} a query: a value often goes with "
            "meaning, and such rows lie together."
        )
    return "\n\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _code(value: object) -> str:
    """Return a value for Markdown's code, on one line and not too long."""
    text = " ".join(str(value).replace("`", "ˋ").split())
    return text if len(text) <= 40 else text[:39] + "…"
