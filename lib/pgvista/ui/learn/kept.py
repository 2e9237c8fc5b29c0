"""What a lesson made is kept for the session: a moved knob shall not build an index anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")

_KEPT, _MOST = "_learn_kept", 40


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """Return what was made for `key` in this session, or make it; the oldest goes first.

    Give `key` all that the result depends on. What `make` raises is not kept.
    """
    found: dict[Hashable, Any] = st.session_state.setdefault(_KEPT, {})
    if key not in found:
        made = make()
        while len(found) >= _MOST:
            found.pop(next(iter(found)))
        found[key] = made
    result: T = found[key]
    return result
