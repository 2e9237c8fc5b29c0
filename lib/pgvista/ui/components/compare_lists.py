"""Lists of hits side by side, with lines that join the places of one row, and how alike they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pgvista.model.search import Hit, Span
from pgvista.ui.components._mount import component
from pgvista.ui.components.hits import HitAction, headline

_lists = component("compare_lists")
_measures = component("compare_measures")

MAX_TITLE_CHARS = 160
MAX_SNIPPET_CHARS = 240


@dataclass(frozen=True, slots=True)
class HitColumn:
    """One list of hits, or why there is none."""

    letter: str
    name: str
    """A word or two: the label of its tab in a narrow window."""
    status: str
    """What was found and how, above the hits: ``10 hits · 12 ms``."""
    answered: bool = False
    """Whether a search was run: what was not looked for is not missing."""
    hits: Sequence[Hit] = ()
    score_name: str = "score"
    """What the figure of a hit is, by its mode."""
    notes: Sequence[str] = ()
    empty_title: str = "Nothing found"
    empty_text: str = ""


@dataclass(frozen=True, slots=True)
class Measures:
    """How alike two lists are; NaN where there is nothing to compare."""

    first: str
    second: str
    overlap: int
    """Rows that are in both."""
    places: int
    """Hits asked for; of a recall, the rows of the exact search."""
    is_recall: bool
    """Whether the one is the other without its index, so that the overlap is a recall."""
    jaccard: float
    rbo: float
    only_first: int
    only_second: int


def compare_lists(columns: Sequence[HitColumn], *, key: str) -> HitAction | None:
    """Draw the lists; return the hit whose neighbours are asked for, once.

    In a narrow window one list is shown at a time, without lines.
    """
    places = {
        column.letter: {hit.id: rank for rank, hit in enumerate(column.hits, 1)}
        for column in columns
        if column.answered
    }
    outcome = _lists(
        key=key,
        data={
            "columns": [
                {
                    "letter": column.letter.upper(),
                    "name": column.name,
                    "status": column.status,
                    "notes": list(column.notes),
                    "empty": [column.empty_title, column.empty_text],
                    "hits": [
                        {
                            **_row(hit),
                            **_elsewhere(hit.id, column.letter, places),
                            "rank": rank,
                            "score_name": column.score_name,
                        }
                        for rank, hit in enumerate(column.hits, 1)
                    ],
                }
                for column in columns
            ]
        },
        on_action_change=lambda: None,
    )
    pressed = outcome.get("action")
    if not isinstance(pressed, dict):
        return None
    found = pressed.get("id")
    if pressed.get("kind") != "similar" or not any(found in known for known in places.values()):
        return None
    return HitAction(kind="similar", id=str(found))


def compare_measures(pairs: Sequence[Measures], *, k: int, key: str) -> None:
    """Draw a table with a line for each two lists; `k` is the number of hits asked for."""
    _measures(
        key=key,
        data={
            "k": k,
            "pairs": [
                {
                    "pair": [pair.first.upper(), pair.second.upper()],
                    "overlap": overlap_text(pair),
                    "recall": pair.is_recall,
                    "share": pair.overlap / pair.places if pair.places else 0.0,
                    "jaccard": figure(pair.jaccard),
                    "rbo": figure(pair.rbo),
                    "only": [pair.only_first, pair.only_second],
                }
                for pair in pairs
            ],
        },
    )


def overlap_text(pair: Measures) -> str:
    """Write an overlap: ``7 of 10``; a recall with its part: ``0.90 · 9 of 10``."""
    count = f"{pair.overlap} of {pair.places}"
    return f"{pair.overlap / pair.places:.2f} · {count}" if pair.is_recall else count


def figure(value: float) -> str:
    """Write a measure with two digits; a dash where there is nothing to compare."""
    return "–" if math.isnan(value) else f"{value:.2f}"


def _row(hit: Hit) -> dict[str, object]:
    title, snippet = headline(hit)
    return {
        "id": hit.id,
        "score": f"{hit.score:.4f}",
        "title": _spans(title, MAX_TITLE_CHARS),
        "snippet": _spans(snippet, MAX_SNIPPET_CHARS),
    }


def _elsewhere(
    hit_id: str, letter: str, places: Mapping[str, Mapping[str, int]]
) -> dict[str, object]:
    """Return a row's places in the other lists, and whether it is in this list alone."""
    others = [
        [other.upper(), known.get(hit_id)] for other, known in places.items() if other != letter
    ]
    return {"others": others, "only": bool(others) and all(rank is None for _, rank in others)}


def _spans(spans: Sequence[Span], most: int) -> list[list[object]]:
    """Return texts and marks, cut after `most` characters."""
    cut: list[list[object]] = []
    for span in spans:
        if most <= 0:
            break
        text = " ".join(span.text.split("\n"))
        cut.append([text[:most], span.marked])
        most -= len(text)
    return cut
