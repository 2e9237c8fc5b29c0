"""The page Live: the query and the knobs, in the session and in a link.

Every value lives in ``st.session_state`` under a key that begins with ``live_``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from pgvista.model.collection import Collection
from pgvista.model.index import IndexTarget
from pgvista.model.search import DEFAULT_EF_SEARCH, DEFAULT_MAX_SCAN_TUPLES, IterativeScan
from pgvista.model.tuning import MAX_EF_SEARCH
from pgvista.ui.search_request import Knob, value

TEXT = "live_text"
SCAN = "live_scan"
FILTER = "live_filter"
VIEW = "live_view"
STATEMENT = "live_statement"
TARGET = "live_target"
"""What the statement orders by: ``column``, ``halfvec``, ``bit``, ``leading:256``."""

EF_SEARCH = Knob(
    "live_ef",
    "ef_search",
    1,
    MAX_EF_SEARCH,
    DEFAULT_EF_SEARCH,
    "HNSW's candidate list: the more candidates, the more of the nearest rows are found, and the "
    "longer it takes. 1 to 1000, default 40.",
    log=True,
)
PROBES = Knob(
    "live_probes",
    "probes",
    1,
    1000,
    1,
    "How many of its lists an IVFFlat index visits. 1 to 1000 here, default 1.",
    log=True,
)
LIMIT = Knob("live_limit", "LIMIT", 1, 200, 10, "Rows asked for, 1 to 200. Default 10.", log=True)
MAX_SCAN = Knob(
    "live_max_scan",
    "max_scan_tuples",
    100,
    1_000_000,
    DEFAULT_MAX_SCAN_TUPLES,
    "Where an iterative HNSW scan gives up, in rows visited. 100 to 1,000,000 here, default 20,000.",
    log=True,
    format="{:,.0f}",
)
OVERSAMPLE = Knob(
    "live_oversample",
    "oversample",
    1,
    50,
    4,
    "Candidates taken from the index for each row asked for; the nearest of them by the full "
    "vectors are kept. 1 to 50, default 4.",
)
KNOBS = (EF_SEARCH, PROBES, LIMIT, MAX_SCAN, OVERSAMPLE)


def text() -> str:
    """Return the words or the id as typed."""
    return (st.session_state.get(TEXT) or "").strip()


def ask(query: str) -> None:
    """Make words or a row's id the query."""
    st.session_state[TEXT] = query


def scan() -> IterativeScan:
    """Return how an iterative scan is set."""
    found = st.session_state.get(SCAN) or IterativeScan.OFF.value
    return IterativeScan(found) if found in set(IterativeScan) else IterativeScan.OFF


def target(offered: Sequence[str]) -> tuple[IndexTarget, int | None]:
    """Return what is ordered by, and how many leading dimensions: as chosen, or the first offered."""
    found = st.session_state.get(TARGET)
    first = next(iter(offered), IndexTarget.COLUMN.value)
    name: str = found if isinstance(found, str) and found in offered else first
    kind, _, leading = name.partition(":")
    return IndexTarget(kind), int(leading) if leading else None


def permalink(collection: Collection) -> str:
    """Return the query part of an address that opens the page with these knobs and this row."""
    parts = [("collection", collection.name)]
    if found := st.session_state.get("_live_row"):
        parts.append(("row", found))
    parts += [(knob.key, f"{value(knob):g}") for knob in KNOBS if value(knob) != knob.default]
    if found := st.session_state.get(TARGET):
        parts.append((TARGET, found))
    if scan() is not IterativeScan.OFF:
        parts.append((SCAN, scan().value))
    if st.session_state.get(FILTER):
        parts.append((FILTER, st.session_state[FILTER]))
    return "?" + urlencode(parts)


def restore(*, arrived: bool) -> None:
    """Take the row and the knobs from the address: on arrival, and when another link is opened."""
    params, state = st.query_params, st.session_state
    given = {key: params[key] for key in params if key == "row" or key.startswith("live_")}
    if not given or (not arrived and state.get("_live_link") == given):
        return
    state["_live_link"] = given
    for knob in KNOBS:
        if (number := _number(given.get(knob.key))) is not None:
            state[knob.key] = number
    if given.get(SCAN) in set(IterativeScan):
        state[SCAN] = given[SCAN]
    for key in (FILTER, TARGET):
        if key in given:
            state[key] = given[key]
    if row := given.get("row"):
        state[TEXT] = row


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
