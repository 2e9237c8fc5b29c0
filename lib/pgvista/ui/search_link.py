"""The search page's settings in an address: taken from it, and put into one."""

from __future__ import annotations

import math
from urllib.parse import urlencode

import streamlit as st

from pgvista.model.collection import Collection
from pgvista.model.label_weights import written_label_weights
from pgvista.model.search import SearchRequest
from pgvista.ui import search_request as knobs


def restore(*, arrived: bool) -> None:
    """Take the knobs from the address: when the page is come to, and when another link is opened.

    A link that names a knob names all that are not at their defaults.
    """
    given = {key: text for key, text in st.query_params.items() if key.startswith(knobs.PREFIX)}
    if not given or (not arrived and st.session_state.get("_search_link") == given):
        return
    state = st.session_state
    state["_search_link"] = given
    if set(given) - {knobs.TEXT, knobs.SIMILAR}:
        state[knobs.LINKED] = True
        for key in (knobs.FOLLOWED, *knobs.CHOICES, *(knob.key for knob in knobs.KNOBS)):
            state.pop(key, None)
    for knob in knobs.KNOBS:
        if (number := _number(given.get(knob.key))) is not None:
            state[knob.key] = number
    for key, pgvistas in knobs.CHOICES.items():
        text = given.get(key)
        if text is None or (key in knobs.OFFERED and text not in knobs.OFFERED[key]):
            continue
        if isinstance(pgvistas, bool):
            state[key] = text == "1"
        elif key != "search_threshold":
            state[key] = text
        elif (number := _number(text)) is not None:
            state[key] = number
    if knobs.TEXT in given:
        state[knobs.TEXT] = given[knobs.TEXT]
    row_id, name = given.get(knobs.SIMILAR), st.query_params.get("collection")
    state[knobs.SIMILAR] = (name, row_id) if row_id and name else None


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def permalink(collection: Collection, *, with_text: bool) -> str:
    """Return the query part of an address that opens the page with these knobs.

    The question, or the row whose neighbours are shown, is in it only when asked for.
    """
    parts: dict[str, str] = {"collection": collection.name}
    for knob in knobs.KNOBS:
        followed = knob is knobs.EF_SEARCH and knobs.value(knob) == st.session_state.get(
            knobs.FOLLOWED
        )
        if not followed and not knobs.value(knob) == knob.default == knobs.default(knob):
            parts[knob.key] = f"{knobs.value(knob):g}"
    for key, pgvistas in knobs.CHOICES.items():
        found = knobs.choice(key)
        if not found == pgvistas == knobs.default_choice(key):
            parts[key] = "1" if found is True else str(found)
    if with_text:
        if text := st.session_state.get(knobs.TEXT):
            parts[knobs.TEXT] = text
        if (row_id := knobs.similar_to(collection)) is not None:
            parts[knobs.SIMILAR] = row_id
    return "?" + urlencode(parts)


def link_parameters(collection: Collection, request: SearchRequest, text: str) -> dict[str, str]:
    """Return the parts of an address that opens the page with a request's settings and a question.

    The number of hits is the page's own: what was measured deep is looked at from the top.
    """
    parts: dict[str, str] = {"collection": collection.name, knobs.TEXT: text}
    for key, name in knobs.FIELDS.items():
        found = getattr(request, name)
        if isinstance(found, tuple):
            parts[key] = written_label_weights(found)
        elif found is not None:
            parts[key] = str(found) if isinstance(found, str | int) else f"{found:g}"
    return parts
