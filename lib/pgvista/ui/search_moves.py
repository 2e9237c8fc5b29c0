"""What moved since the last setting: the order of the hits is remembered, and how it was set."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from pgvista.model.search import SearchRequest
from pgvista.ui.search_names import settings_before

PLACES = "_search_places"
"""Where the orders are kept."""

_PAUSE_S = 1.5
"""Who drags a knob passes many settings: one on which he rests this long is one to compare with."""


@dataclass(frozen=True, slots=True)
class Moves:
    """How it stood under the last setting; without one, nothing has moved."""

    before: Mapping[str, int] | None = None
    """Places by id, from 1."""
    since: str = ""
    """The setting, where it was another: ``k 60``."""

    def of(self, order: Mapping[str, int]) -> dict[str, int] | None:
        """Return how many places each id has moved up; an id that is new is not in it."""
        if self.before is None:
            return None
        return {
            row_id: self.before[row_id] - place
            for row_id, place in order.items()
            if row_id in self.before
        }


@dataclass(frozen=True, slots=True)
class _Seen:
    request: SearchRequest
    order: Mapping[str, int]


def remember(question: object, request: SearchRequest, order: Mapping[str, int]) -> Moves:
    """Keep the order that `request` gave to `question`, and return what stood there before.

    Settings that follow each other within moments are one move: it is compared with the setting
    before all of them.
    """
    state, now = st.session_state, time.monotonic()
    seen = _Seen(request, order)
    kept = state.get(PLACES)
    if kept is None or kept[0] != question:
        state[PLACES] = (question, None, seen, now)
        return Moves()
    base: _Seen | None
    _, base, last, at = kept
    if settings_before(last.request, request):
        if base is None or now - at > _PAUSE_S:
            base = last
        at = now
    state[PLACES] = (question, base, seen, at)
    since = "" if base is None else settings_before(base.request, request)
    return Moves(base.order, since) if base is not None and since else Moves()
