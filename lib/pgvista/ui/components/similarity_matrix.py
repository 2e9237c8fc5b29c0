"""How alike phrases are, each beside each: a table whose cells are the deeper the nearer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pgvista.ui.components._mount import component

_matrix = component("similarity_matrix")
_plane = component("phrase_plane")

MAX_NAME_CHARS = 60
LETTERS = "ABCDEFGHIJ"


def similarity_matrix(
    names: Sequence[str],
    similarities: NDArray[np.float64],
    *,
    key: str,
    title: str,
    marked: tuple[int, int] | None = None,
) -> None:
    """Draw `similarities`, shape (n, n), -1 to 1 or NaN, as a table with the figure in each cell.

    Args:
        names: The phrases, at most ten, called A, B and so on.
        similarities: Cosines; NaN is shown as a dash.
        key: The component's own.
        title: What the figures are.
        marked: Places of a pair that stands out.
    """
    _matrix(
        key=key,
        data={
            "title": title,
            "names": [short_name(name) for name in names],
            "full": [name[:500] for name in names],
            "cells": [[_cell(float(value)) for value in row] for row in similarities],
            "marked": sorted(marked) if marked else None,
        },
    )


def phrase_plane(
    names: Sequence[str], points: NDArray[np.float32], *, key: str, title: str
) -> None:
    """Draw phrases as points of a plane, shape (n, 2), both directions to one scale."""
    _plane(
        key=key,
        data={
            "title": title,
            "names": [short_name(name, 28) for name in names],
            "points": [[round(float(x), 5), round(float(y), 5)] for x, y in points],
        },
    )


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
