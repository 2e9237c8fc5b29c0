"""Keys that turn the steps of a lesson; silent while one types."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import streamlit as st

from pgvista.ui.components._mount import component

_keys = component("lesson_keys")


class LessonKey(StrEnum):
    """What a key asks for."""

    NEXT = "next"
    """Right, Page down or Space: the answer where one is waited for, else the next step."""
    BACK = "back"
    """Left or Page up."""
    NOTES = "notes"
    """N: the speaker's notes, on and off."""
    PRESENT = "present"
    """P: presenter's mode."""
    LEAVE = "leave"
    """Escape: back to reading."""


def lesson_keys(*, key: str, presenting: bool, pressed: Callable[[LessonKey], None]) -> None:
    """Listen to the keyboard; `pressed` is called before the script runs, like a button's callback.

    While a lesson is read, P alone is listened to: arrows and Space scroll the page.
    """
    state: Any = st.session_state

    def take() -> None:
        sent = (state.get(key) or {}).get("pressed")
        value = sent.get("value") if isinstance(sent, dict) else None
        if value in {item.value for item in LessonKey}:
            pressed(LessonKey(value))

    turn = f"_{key}.turn"
    state[turn] = state.get(turn, 0) + 1
    _keys(key=key, data={"presenting": presenting, "turn": state[turn]}, on_pressed_change=take)
