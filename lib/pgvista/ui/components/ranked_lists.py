"""Ranked lists side by side, a line for each row, joined where a row is in both neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pgvista.ui.components._mount import component

_lists = component("ranked_lists")

MAX_TITLE_CHARS = 160

Tone = Literal["semantic", "keyword", "fused", "plain"]


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A row of a list: its place, what it is, and why it stands there."""

    id: str
    rank: int
    title: str
    figure: str = ""
    """Its score, at the right."""
    note: str = ""
    """Beneath, in a muted colour: how the score came about."""
    other: str = ""
    """Beneath at the right, in the colour of `other_tone`: ``keyword #3``."""
    other_tone: Tone = "plain"
    bars: tuple[float, float] | None = None
    """The semantic and the keyword list's part, each 0 to 1 of the width: stands beneath."""
    places: tuple[str, str] | None = None
    """Its places in the semantic and the keyword list, each in the list's colour: ``#3``."""
    help: str = ""
    lit: bool = False
    """Whether it stands out: the row that is spoken of."""


@dataclass(frozen=True, slots=True)
class RankedColumn:
    """A list, best first."""

    title: str
    rows: Sequence[RankedRow]
    tone: Tone = "plain"
    note: str = ""
    """Beside the title, muted."""
    empty: str = "Nothing found"


def ranked_lists(columns: Sequence[RankedColumn], *, key: str) -> None:
    """Draw the lists; rows glide to their new places when it is drawn again.

    Lines between two neighbours have the colour of the list they come from, where one of the two is
    the fused list. In a narrow window the lists stand beneath each other, the fused one first.
    """
    _lists(
        key=key,
        data={
            "columns": [
                {
                    "title": column.title,
                    "note": column.note,
                    "tone": column.tone,
                    "empty": column.empty,
                    "rows": [
                        {
                            "id": row.id,
                            "rank": row.rank,
                            "title": " ".join(row.title.split())[:MAX_TITLE_CHARS] or row.id,
                            "figure": row.figure,
                            "note": row.note,
                            "other": row.other,
                            "other_tone": row.other_tone,
                            "bars": None if row.bars is None else [*map(_share, row.bars)],
                            "places": row.places,
                            "help": row.help,
                            "lit": row.lit,
                        }
                        for row in column.rows
                    ],
                }
                for column in columns
            ]
        },
    )


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)
