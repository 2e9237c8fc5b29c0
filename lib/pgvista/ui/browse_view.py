"""Browse: a page of rows with filter and sort, and beside it the row that was picked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import CHUNK_KEY, PARENT_KEY, Collection
from pgvista.model.filters import parse_filter
from pgvista.services import collections as collection_service
from pgvista.services import rows as row_service
from pgvista.services.rows import Page, StoredRow
from pgvista.sql.rows import PageRequest
from pgvista.ui.components.panels import empty_state, sql_panel
from pgvista.ui.errors import guarded, plain
from pgvista.ui.filter_builder import filter_button, filter_chips
from pgvista.ui.filter_place import Bar

SIZES = (25, 50, 100)
MAX_CELL_CHARS = 200
MAX_KEYS_SHOWN = 5
TABLE_PX = 640
BY_ID = "id"

_FILTER = "browse_filter"
_PAGE = "browse_page"
_DESCENDING = "browse_descending"
_VERSION = "browse_version"


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of rows as it was asked for and read."""

    request: PageRequest
    page: Page
    total: str
    """The number of rows for people: ``233``, ``≈ 1,200,000`` or ``more than 100,000``."""
    last: int | None
    """Number of the last page, from 0; None when it is not known."""


def changed() -> None:
    """Note that rows were written: what was selected may not stand where it stood."""
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1


def rows_view(db: Database, collection: Collection, keys: Sequence[tuple[str, str]]) -> Shown:
    """Draw filter, sort and the line of pages; read the page. Raises InvalidInput."""
    request = _controls(db, collection, keys)
    with st.spinner("Reading rows", show_time=True):
        page = row_service.page(db, collection, request)
    return Shown(request, page, *_total(db, collection, request, page))


def _controls(db: Database, collection: Collection, keys: Sequence[tuple[str, str]]) -> PageRequest:
    bar = Bar(_FILTER, _first_page)
    if st.session_state.get("_browse_of") != collection.name:
        st.session_state["_browse_of"] = collection.name
        st.session_state[_PAGE] = 0
        st.session_state[_FILTER] = ""
        st.session_state["browse_sort"] = BY_ID
    names = [column.name for column in collection.columns] + [key for key, _ in keys]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        filter_button(db, collection, bar)
        offered = list(dict.fromkeys((BY_ID, *names)))
        chosen = st.selectbox(
            "Sort by", offered, key="browse_sort", on_change=_first_page, width=180
        )
        descending = bool(st.session_state.get(_DESCENDING))
        st.button(
            "",
            key="browse_order",
            icon=":material/arrow_downward:" if descending else ":material/arrow_upward:",
            help="Descending" if descending else "Ascending",
            on_click=_turn,
        )
        limit = st.selectbox(
            "Rows a page", SIZES, key="browse_size", on_change=_first_page, width=110
        )
    filter_chips(bar)
    return PageRequest(
        limit=limit,
        offset=st.session_state.get(_PAGE, 0) * limit,
        filters=parse_filter(bar.text),
        sort=None if chosen == BY_ID else chosen,
        descending=descending,
    )


def _turn() -> None:
    st.session_state[_DESCENDING] = not st.session_state.get(_DESCENDING)
    _first_page()


def _first_page() -> None:
    st.session_state[_PAGE] = 0


def _total(
    db: Database, collection: Collection, request: PageRequest, page: Page
) -> tuple[str, int | None]:
    if page.total_exact:
        return f"{page.total:,}", max(0, (page.total - 1) // request.limit)
    if request.filters is None:
        stats = collection_service.stats(db, collection)
        if stats.rows > page.total:
            about = "" if stats.rows_exact else "≈ "
            last = (stats.rows - 1) // request.limit if stats.rows_exact else None
            return f"{about}{stats.rows:,}", last
    return f"more than {page.total:,}", None


def pager(shown: Shown) -> None:
    """Draw which rows are on the page, and the ways to others; within a horizontal container."""
    number = st.session_state.get(_PAGE, 0)
    count = len(shown.page.rows)
    more = number < shown.last if shown.last is not None else count == shown.request.limit
    first = shown.request.offset + 1 if count else 0
    _step("first", ":material/first_page:", 0, number == 0)
    _step("previous", ":material/chevron_left:", number - 1, number == 0)
    st.markdown(
        f"**{first:,}–{shown.request.offset + count:,}** :gray[of {shown.total} rows]",
        width="content",
    )
    _step("next", ":material/chevron_right:", number + 1, not more)
    if shown.last is not None:
        _step("last", ":material/last_page:", shown.last, not more)
    st.space("stretch")


def _step(name: str, icon: str, to: int, disabled: bool) -> None:
    st.button(
        "",
        key=f"browse_{name}",
        icon=icon,
        help=f"The {name} page",
        type="tertiary",
        disabled=disabled,
        on_click=lambda: st.session_state.update({_PAGE: max(0, to)}),
    )


def table(collection: Collection, shown: Shown) -> list[StoredRow]:
    """Draw the rows, and return those that are picked: by their box, or by any of their cells."""
    rows = shown.page.rows
    if not rows:
        if shown.request.filters is not None:
            empty_state(
                "No row matches",
                "The filter lets nothing through. Numbers match numbers, and texts match texts.",
                key="browse_none",
                icon=":material/filter_alt_off:",
            )
        else:
            empty_state(
                "No rows yet",
                f"{collection.name} is there, and empty.",
                key="browse_empty",
                icon=":material/table_rows:",
            )
        return []
    # A keyed table keeps its selection when the data change, so the key says what the data are.
    scope = (collection.name, shown.request, st.session_state.get(_VERSION, 0))
    state: Any = st.dataframe(
        _frame(collection, rows),
        key=f"browse_table_{abs(hash(repr(scope)))}",
        hide_index=True,
        height=min(35 * len(rows) + 38, TABLE_PX),
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        column_config={
            "id": st.column_config.TextColumn(width="small", pinned=True),
            "text": st.column_config.TextColumn(width="large"),
        },
        alt=f"Rows of {collection.name}",
    )
    picked = list(state["selection"]["rows"]) or [
        cell[0] for cell in state["selection"].get("cells", ())
    ]
    return [rows[place] for place in picked if 0 <= place < len(rows)]


def _frame(collection: Collection, rows: Sequence[StoredRow]) -> pd.DataFrame:
    keys: dict[str, int] = {}
    for row in rows:
        for key in row.metadata:
            keys[key] = keys.get(key, 0) + 1
    shown = sorted(keys, key=lambda key: (key != "title", -keys[key]))[:MAX_KEYS_SHOWN]
    columns: dict[str, Any] = {"id": [row.id for row in rows]}
    if collection.roles.content is not None:
        columns["text"] = [_short(row.content) for row in rows]
    for column in collection.columns:
        columns[_free(column.name, columns)] = _cells([row.columns[column.name] for row in rows])
    for key in shown:
        columns[_free(_metadata_name(key), columns)] = _cells(
            [row.metadata.get(key) for row in rows]
        )
    return pd.DataFrame(columns)


def _metadata_name(key: str) -> str:
    return {PARENT_KEY: "chunk of", CHUNK_KEY: "chunk"}.get(key, key)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    while name in taken:
        name += " "
    return name


def _cells(values: list[Any]) -> Any:
    """Return numbers as numbers, where all are, and the rest as short texts."""
    held = [value for value in values if value is not None]
    if held and all(type(value) is int and abs(value) < 2**53 for value in held):
        return pd.array(values, dtype="Int64")
    if held and all(type(value) in (int, float) for value in held):
        return pd.array(values, dtype="Float64")
    return [_short(value) for value in values]


def _short(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str)
        value = value.strip('"')
    text = " ".join(value[: 2 * MAX_CELL_CHARS].split())
    return text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - 1] + "…"


def state_line(db: Database, collection: Collection, shown: Shown) -> None:
    """Draw what the collection is, and why it cannot be written where it cannot."""
    size = f"{collection.dimension:,} dimensions" if collection.dimension else "any dimension"
    parts = [f"{shown.total} rows", plain(collection.model or "own vectors"), size]
    line = f"**{plain(collection.name)}** &nbsp; :gray[{' · '.join(parts)}]"
    if reason := not_writable(db, collection):
        line += f" &nbsp; :orange[:material/lock: {plain(reason)}]"
    st.markdown(line)


def not_writable(db: Database, collection: Collection) -> str:
    """Say why rows cannot be written; empty when they can."""
    if db.read_only:
        return "This connection is read-only."
    if not collection.writable:
        what = collection.kind.value
        without = "" if collection.roles.id is not None else " without a key"
        return f"A {what}{without} can be looked at, not changed."
    return ""


def show_sql(shown: Shown) -> None:
    """Draw the statement that read the page."""
    with (
        st.expander("SQL", icon=":material/code:", key="browse_sql", on_change="rerun") as box,
        guarded(),
    ):
        if box.open:
            sql_panel(shown.page.sql, key="browse_sql_text")


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object that `text` spells. Raises InvalidInput with one sentence."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        where = ""
        if isinstance(error, json.JSONDecodeError):
            where = f" in line {error.lineno}, at character {error.colno}: {error.msg}"
        raise InvalidInput(f"The metadata is not JSON{where}.", 'Write {"key": "value"}.') from None
    if not isinstance(value, dict):
        raise InvalidInput(
            "The metadata is not an object of names and values.", 'Write {"key": "value"}.'
        )
    return value
