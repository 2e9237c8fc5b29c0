"""What an index found beside the exact rows: figures, a strip of hits and misses, both lists level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pgvista.ui.components._mount import component

_lists = component("truth_lists")

MAX_TITLE_CHARS = 160


@dataclass(frozen=True, slots=True)
class TruthRow:
    """A row of either list."""

    id: str
    title: str
    distance: str
    mark: str
    """``hit``, ``missed`` or ``extra``."""
    exact_rank: int | None
    index_rank: int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its name and a line beneath."""

    name: str
    value: str
    note: str = ""
    tone: str = ""
    """``good`` or ``bad`` where the figure says so."""
    help: str = ""


def truth_lists(
    rows: Sequence[TruthRow],
    figures: Sequence[Figure],
    *,
    due: int,
    exact_title: str,
    index_title: str,
    on_ask: Callable[[str], None],
    key: str,
) -> None:
    """Draw both lists; `on_ask` takes the id of a row that is to be the next query.

    `rows` are both lists as one, nearest first; `due` is how many rows the exact list has. In a
    narrow window the right list shrinks to its marks.
    """

    def acted() -> None:
        pressed = st.session_state[key].get("action")
        found = pressed.get("id") if isinstance(pressed, dict) else None
        if any(row.id == found for row in rows):
            on_ask(str(found))

    _lists(
        key=key,
        data={
            "rows": [
                {
                    "id": row.id,
                    "title": row.title[:MAX_TITLE_CHARS],
                    "distance": row.distance,
                    "mark": row.mark,
                    "exact": row.exact_rank,
                    "index": row.index_rank,
                }
                for row in rows
            ],
            "figures": [
                [item.name, item.value, item.note, item.tone, item.help] for item in figures
            ],
            "due": due,
            "titles": [exact_title, index_title],
        },
        on_action_change=acted,
    )
