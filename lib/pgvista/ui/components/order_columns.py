"""One set of things in several orders: a column each, and lines that join the places of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgvista.ui.components._mount import component

_columns = component("order_columns")


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A thing at its place in one order."""

    id: str
    label: str
    """Its name, cut where there is no room."""
    value: str
    """The figure that it is ordered by."""
    place: str
    """What stands before it: ``1``; equal ones have the same; empty for none."""
    colour: str | None = None
    """``#rrggbb``: `label` stands on a disc of this colour, as in the picture beside."""
    faint: bool = False
    """It is not among what was looked for."""


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """One order, the first one on top."""

    title: str
    note: str
    """Beneath the title: the operator, or what it is."""
    items: Sequence[OrderItem]
    chosen: bool = False
    """Whether it stands out."""


def order_columns(columns: Sequence[OrderColumn], *, key: str, label: str) -> None:
    """Draw the columns; in a narrow window two beside each other, without lines.

    `label` says in words what the orders are of.
    """
    _columns(
        key=key,
        data={
            "label": label,
            "columns": [
                {
                    "title": column.title,
                    "note": column.note,
                    "chosen": column.chosen,
                    "items": [
                        {
                            "id": item.id,
                            "label": item.label,
                            "value": item.value,
                            "place": item.place,
                            "colour": item.colour or "",
                            "faint": item.faint,
                        }
                        for item in column.items
                    ],
                }
                for column in columns
            ],
        },
    )
