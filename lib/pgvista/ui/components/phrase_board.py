"""Phrases that are typed, and what follows from them: fields and pictures in one component.

A typed phrase is one message up and one down, and is painted at once. As fields and charts of
their own it would be a dozen elements, which the browser draws one after the other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.ui.components._mount import component
from pgvista.ui.components.panels import vector_data

_board = component(
    "phrase_board",
    *("phrase_fields", "similarity_matrix", "phrase_plane", "vector_bars", "token_vectors"),
)

Pane = Mapping[str, Any]
"""A picture of the board: `matrix_pane`, `plane_pane`, `vector_pane`, `token_vectors.tokens_pane`."""

MAX_CHARS = 100_000
"""Of a field; the rest is left out. Some 15,000 words, far more than the model reads."""
MAX_NAME_CHARS = 60
LETTERS = "ABCDEFGHIJ"

_FRAME_S = 0.016
"""So long the script waits after a typed phrase: its pictures go out and are painted first."""


@dataclass(frozen=True, slots=True)
class PhraseField:
    """A field whose text `st.session_state` keeps under `key`, as it is typed."""

    key: str
    label: str
    default: str = ""
    """The text at first."""
    placeholder: str = "Type a phrase"
    labelled: bool = True
    """Whether the label is seen; it is read aloud in any case."""

    @property
    def text(self) -> str:
        """What was typed, drawn or not."""
        found = st.session_state.get(self.key)
        return str(self.default if found is None else found)[:MAX_CHARS]


def phrase_board(fields: Sequence[PhraseField], panes: Sequence[Pane] = (), *, key: str) -> None:
    """Draw the fields in a line, and at most two pictures side by side beneath them.

    What is typed arrives after a pause of 250 ms, before the script runs. Read it with
    `PhraseField.text`, and set it at any time before this call. Call it in a fragment, as early as
    the pictures are known: what is drawn after it delays nothing.
    """
    state: Any = st.session_state
    inner, known, marks, waited = (
        f"_{key}.{name}" for name in ("input", "known", "marks", "waited")
    )
    current = tuple(field.text for field in fields)
    seq, set_count = state.get(marks, (0, 0))
    if state.get(known) != current:  # set from Python, or drawn for the first time
        set_count += 1
    state[known], state[marks] = current, (seq, set_count)
    for field, text in zip(fields, current, strict=True):
        state[field.key] = text

    def take() -> None:
        """Keep what the browser sent, before the script runs."""
        typed = read_sent((state.get(inner) or {}).get("sent"), len(fields), state[marks][1])
        if typed is not None:
            for field, text in zip(fields, typed[0], strict=True):
                state[field.key] = text
            state[known], state[marks] = typed[0], (typed[1], state[marks][1])
            state[waited] = True

    _board(
        key=inner,
        data={
            "fields": [
                {
                    "label": field.label,
                    "placeholder": field.placeholder,
                    "hidden": not field.labelled,
                    "value": text,
                }
                for field, text in zip(fields, current, strict=True)
            ],
            "panes": list(panes),
            "seq": seq,
            "set": set_count,
        },
        on_sent_change=take,
    )
    if state.pop(waited, False):
        time.sleep(_FRAME_S)


def read_sent(sent: object, count: int, set_count: int) -> tuple[tuple[str, ...], int] | None:
    """Return the texts that the browser sent, and the number of the message; None for anything else.

    `set_count` says which texts the browser was last given: what was typed before that is old.
    """
    if not isinstance(sent, dict) or sent.get("set") != set_count:
        return None
    values, number = sent.get("values"), sent.get("seq")
    if not isinstance(values, list) or len(values) != count or type(number) is not int:
        return None
    if not all(isinstance(value, str) for value in values):
        return None
    # Half of a pair of UTF-16 units is no character: nothing could be said about it, or stored.
    clean = (value[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8") for value in values)
    return tuple(clean), number


def matrix_pane(
    names: Sequence[str],
    similarities: NDArray[np.float64],
    *,
    title: str,
    marked: tuple[int, int] | None = None,
) -> Pane:
    """Draw `similarities`, shape (n, n), -1 to 1 or NaN, as a table with the figure in each cell.

    Args:
        names: The phrases, at most ten, called A, B and so on.
        similarities: Cosines; NaN is shown as a dash.
        title: What the figures are.
        marked: Places of a pair that stands out.
    """
    return {
        "kind": "matrix",
        "title": title,
        "names": [short_name(name) for name in names],
        "full": [name[:500] for name in names],
        "cells": [[_cell(float(value)) for value in row] for row in similarities],
        "marked": sorted(marked) if marked else None,
    }


def plane_pane(names: Sequence[str], points: NDArray[np.float32], *, title: str) -> Pane:
    """Draw phrases as points of a plane, shape (n, 2), both directions to one scale."""
    return {
        "kind": "plane",
        "title": title,
        "names": [short_name(name, 28) for name in names],
        "points": [[round(float(x), 5), round(float(y), 5)] for x, y in points],
    }


def vector_pane(vector: Sequence[float]) -> Pane:
    """Draw a vector as bars, as `vector_picture` does."""
    return {"kind": "vector", **vector_data(vector)}


def short_name(name: str, chars: int = MAX_NAME_CHARS) -> str:
    """Return a phrase in one line of at most `chars` characters; an empty one is called so."""
    line = " ".join(name.replace("\0", "\ufffd")[: 4 * chars].split())
    if not line:
        return "(empty)"
    return line if len(line) <= chars else line[: chars - 1] + "…"


def _cell(value: float) -> dict[str, object]:
    if math.isnan(value):
        return {"text": "–", "share": 0}
    text = f"{value:.2f}".replace("-", "−")
    return {"text": "0.00" if text == "−0.00" else text, "share": round(max(0.0, value), 3)}
