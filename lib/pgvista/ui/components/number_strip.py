"""The first numbers of a vector as cells side by side: a bar, and beneath it the number in each type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgvista.ui.components._mount import component

_strip = component("number_strip")


@dataclass(frozen=True, slots=True)
class NumberCell:
    """One number of a vector."""

    bar: float
    """Its height, -1 to 1."""
    texts: Sequence[str]
    """What stands beneath, a line for each of the labels."""


def number_strip(
    cells: Sequence[NumberCell], labels: Sequence[str], *, key: str, label: str
) -> None:
    """Draw the cells in blocks of eight; in a narrow window the blocks stand beneath each other.

    Args:
        cells: The numbers, in their order.
        labels: Names of the lines beneath the bars.
        key: Of the component.
        label: What is shown, in words.
    """
    _strip(
        key=key,
        data={
            "label": label,
            "labels": list(labels),
            "cells": [[round(cell.bar, 4), *cell.texts] for cell in cells],
        },
    )
