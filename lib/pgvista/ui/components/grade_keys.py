"""Keys that grade: 0 to 3, S to skip, U to take the last grade back; silent while one types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pgvista.model.evaluation import JUDGING_GRADES
from pgvista.ui.components._mount import component

_keys = component("grade_keys")

UNDO = "undo"
SKIP = "skip"


@dataclass(frozen=True, slots=True)
class GradeKey:
    """A key that was pressed."""

    document: str
    """The document that was shown when it was pressed."""
    grade: int | None
    """0 to 3; None for the other keys."""
    action: str = ""
    """`UNDO` or `SKIP`; empty for a grade."""


def grade_keys(document: str, *, key: str, pressed: Callable[[GradeKey], None]) -> None:
    """Listen to the keyboard; `pressed` is called before the script runs, like a button's callback.

    After a key the listener waits until it is drawn anew, so that a key pressed twice in a hurry
    does not grade what nobody has read.
    """
    state: Any = st.session_state

    def take() -> None:
        found = read_key((state.get(key) or {}).get("pressed"))
        if found is not None:
            pressed(found)

    turn = f"_{key}.turn"
    state[turn] = state.get(turn, 0) + 1
    _keys(key=key, data={"document": document, "turn": state[turn]}, on_pressed_change=take)


def read_key(sent: object) -> GradeKey | None:
    """Return what the browser sent as a key; None for anything else."""
    if not isinstance(sent, dict) or not isinstance(sent.get("document"), str):
        return None
    value = sent.get("value")
    if value in (UNDO, SKIP):
        return GradeKey(sent["document"], None, str(value))
    if isinstance(value, int) and not isinstance(value, bool) and value in JUDGING_GRADES:
        return GradeKey(sent["document"], value)
    return None
