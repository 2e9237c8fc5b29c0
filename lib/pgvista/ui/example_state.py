"""The page By example: the rows chosen and the knobs, in the session and in a link.

Every value lives in ``st.session_state`` under a key that begins with ``example_``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from pgvista.model.by_example import DEFAULT_CANDIDATES, DEFAULT_UNLIKE_WEIGHT, ExampleRequest
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, parse_filter
from pgvista.ui.search_request import Knob

TEXT = "example_text"
GROUP = "example_group"
THRESHOLD = "example_threshold"
FILTER = "example_filter"
CHOSEN = "example_chosen"
"""Where the examples are kept: (the collection's name, ids to be like, ids to be unlike)."""

WEIGHT = Knob(
    "example_weight",
    "Weight of the unlike",
    0,
    2,
    DEFAULT_UNLIKE_WEIGHT,
    "How far the query moves away from the unlike rows: q = p + w (p − n), with p and n the means of "
    "the liked and unlike vectors (Rocchio 1971). 0 to 2, default 0.5.",
    step=0.05,
    format="{:.2f}",
)
VARIETY = Knob(
    "example_variety",
    "Variety",
    0,
    1,
    0,
    "Maximal marginal relevance: 0 shows the nearest rows, 1 rows that are unlike each other. It is "
    "1 − λ of Carbonell and Goldstein (1998). 0 to 1, default 0.",
    step=0.05,
    format="{:.2f}",
)
CANDIDATES = Knob(
    "example_candidates",
    "Rows to choose from",
    10,
    1000,
    DEFAULT_CANDIDATES,
    "Nearest rows that variety and groups choose the hits from. 10 to 1000, default 100.",
    log=True,
)
LIMIT = Knob("example_limit", "Hits", 1, 100, 10, "Hits wanted, 1 to 100. Default 10.")
KNOBS = (WEIGHT, VARIETY, CANDIDATES, LIMIT)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows to be like and unlike, by id."""

    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.like or self.unlike)


def value(knob: Knob) -> float:
    """Return a knob's present value, whether or not its slider is drawn."""
    found = st.session_state.get(knob.key)
    return min(max(float(knob.default if found is None else found), knob.minimum), knob.maximum)


def text() -> str:
    """Return the words as typed."""
    return (st.session_state.get(TEXT) or "").strip()


def filters() -> Filter | None:
    """Return the filter; None for none. Raises InvalidInput when its text is no filter."""
    return parse_filter(st.session_state.get(FILTER) or "")


def chosen(collection: Collection) -> Chosen:
    """Return the examples chosen in `collection`."""
    found = st.session_state.get(CHOSEN)
    return Chosen(*found[1:]) if found is not None and found[0] == collection.name else Chosen()


def choose(collection: Collection, row_id: str, *, like: bool) -> None:
    """Make a row an example; one of the other kind changes sides."""
    now = chosen(collection)
    liked = tuple(item for item in now.like if item != row_id)
    unliked = tuple(item for item in now.unlike if item != row_id)
    _keep(
        collection,
        Chosen((*liked, row_id), unliked) if like else Chosen(liked, (*unliked, row_id)),
    )


def take_away(collection: Collection, row_id: str) -> None:
    """Make a row no example any more."""
    now = chosen(collection)
    _keep(
        collection,
        Chosen(
            tuple(item for item in now.like if item != row_id),
            tuple(item for item in now.unlike if item != row_id),
        ),
    )


def clear(collection: Collection) -> None:
    """Take all examples and the words away."""
    _keep(collection, Chosen())
    st.session_state[TEXT] = ""


def _keep(collection: Collection, now: Chosen) -> None:
    st.session_state[CHOSEN] = (collection.name, now.like, now.unlike)


def request(collection: Collection, *, with_text: bool) -> ExampleRequest:
    """Build the request from the session.

    Raises InvalidInput when nothing is chosen, or the filter is none.
    """
    now = chosen(collection)
    threshold = st.session_state.get(THRESHOLD)
    limit = int(value(LIMIT))
    return ExampleRequest(
        like=now.like,
        unlike=now.unlike,
        text=(text() or None) if with_text else None,
        unlike_weight=value(WEIGHT),
        variety=value(VARIETY),
        limit=limit,
        candidates=max(limit, int(value(CANDIDATES))),
        max_distance=threshold,
        group_by=st.session_state.get(GROUP) or None,
        filters=filters(),
    )


def permalink(collection: Collection, *, with_text: bool) -> str:
    """Return the query part of an address that opens the page with these examples and knobs."""
    now = chosen(collection)
    parts = [("collection", collection.name)]
    parts += [("like", row_id) for row_id in now.like]
    parts += [("unlike", row_id) for row_id in now.unlike]
    parts += [(knob.key, f"{value(knob):g}") for knob in KNOBS if value(knob) != knob.default]
    if group := st.session_state.get(GROUP):
        parts.append((GROUP, group))
    if (threshold := st.session_state.get(THRESHOLD)) is not None:
        parts.append((THRESHOLD, f"{threshold:g}"))
    if conditions := (st.session_state.get(FILTER) or "").strip():
        parts.append((FILTER, conditions))
    if with_text and text():
        parts.append((TEXT, text()))
    return "?" + urlencode(parts)


def restore(*, arrived: bool) -> None:
    """Take examples and knobs from the address: on arrival, and when another link is opened."""
    params = st.query_params
    given = {
        key: params.get_all(key)
        for key in params
        if key in ("like", "unlike") or key.startswith("example_")
    }
    state = st.session_state
    if not given or (not arrived and state.get("_example_link") == given):
        return
    state["_example_link"] = given
    for key in (GROUP, THRESHOLD, FILTER, *(knob.key for knob in KNOBS)):
        state.pop(key, None)
    for knob in KNOBS:
        if (number := _number(given.get(knob.key))) is not None:
            state[knob.key] = number
    if (number := _number(given.get(THRESHOLD))) is not None:
        state[THRESHOLD] = number
    if GROUP in given:
        state[GROUP] = given[GROUP][0]
    if FILTER in given:
        state[FILTER] = given[FILTER][0]
    state[TEXT] = given.get(TEXT, [""])[0]
    like = tuple(dict.fromkeys(given.get("like", ())))
    unlike = tuple(
        row_id for row_id in dict.fromkeys(given.get("unlike", ())) if row_id not in like
    )
    if name := params.get("collection"):
        state[CHOSEN] = (name, like, unlike)


def _number(texts: list[str] | None) -> float | None:
    try:
        found = float(texts[0]) if texts else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
