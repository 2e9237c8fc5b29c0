"""What the measures mean, in a sentence each, and the notes that a measurement leaves."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from pgvista.ui.errors import plain

_MEANINGS = {
    "nDCG": "How good the first {k} hits and their order are: grades count less the lower they "
    "stand, divided by the best order there could be.",
    "R": "The part of all relevant documents that is among the first {k} hits.",
    "RR": "1 divided by the place of the first relevant hit: 1 when it stands first, 0.5 when "
    "second, 0 when it is not among the first {k}.",
    "AP": "The precision at the place of each relevant document, averaged: high when all of them "
    "are found early.",
    "P": "The part of the first {k} hits that is relevant.",
    "judged": "The part of the first {k} hits that somebody judged: hits nobody judged count as "
    "wrong, so compare settings only where it is alike.",
}


def measure_help(name: str) -> str:
    """Return what a measure such as ``nDCG@10`` means, and its range; empty when not known."""
    kind, _, depth = name.partition("@")
    meaning = _MEANINGS.get(kind.split("(")[0], "")
    return f"{meaning.format(k=depth or '100')} 0 to 1." if meaning else ""


def show_notes(notes: Iterable[str]) -> None:
    """Draw sentences about what was left out or counted otherwise, a line each."""
    lines = [f":small[:orange[:material/info:] {plain(note)}]" for note in notes]
    if lines:
        st.markdown("  \n".join(lines))
