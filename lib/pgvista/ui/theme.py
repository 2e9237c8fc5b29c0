"""The colours of the app, in one place: for charts, and for what is drawn outside Streamlit's theme.

`.streamlit/config.toml` holds the same values for Streamlit itself, and a test keeps the two equal.
Components read them in the browser as CSS variables (``--st-blue-color`` and so on), so that they
follow a change of theme without a rerun.

Two colours mean the same everywhere: blue is the semantic list, orange the keyword list.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pgvista.model import series


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme, as ``#rrggbb``."""

    primary: str
    """Accent: buttons, links, the third series after the two lists."""
    background: str
    surface: str
    """Cards, the sidebar, code."""
    track: str
    """The empty part of a bar, chips."""
    border: str
    text: str
    muted: str
    """Secondary text; contrast with background and surface is at least 4.5."""
    semantic: str
    semantic_text: str
    """The semantic colour where it is text: contrast at least 4.5."""
    keyword: str
    keyword_text: str
    mark: str
    """Behind a matched word."""
    good: str
    bad: str
    series: tuple[str, ...]
    """Categories in a chart; the first two are the semantic and the keyword list, the last one is for
    what has no colour of its own. Colour-blind readers tell them apart too."""
    scale: tuple[str, ...]
    """Ten steps from little to much."""


LIGHT = Palette(
    primary="#0f766e",
    background="#ffffff",
    surface="#f6f8fa",
    track="#eef2f6",
    border="#dce2e8",
    text="#0d151c",
    muted="#55616d",
    semantic="#1f6feb",
    semantic_text="#1a5fd0",
    keyword="#c2650a",
    keyword_text="#a34f05",
    mark="#fff1c9",
    good="#15803d",
    bad="#c62f3b",
    series=(*series.LIGHT, series.LIGHT_OTHER),
    scale=(
        "#e6f4f1",
        "#c9e8e2",
        "#a6d9d0",
        "#80c8bc",
        "#59b4a7",
        "#379e92",
        "#1d877c",
        "#0f766e",
        "#0b5d57",
        "#08443f",
    ),
)

DARK = Palette(
    primary="#2dd4bf",
    background="#0f1419",
    surface="#161c24",
    track="#1f2933",
    border="#26303b",
    text="#e6edf3",
    muted="#9aa8b6",
    semantic="#5aa9ff",
    semantic_text="#6fb3ff",
    keyword="#ffb454",
    keyword_text="#ffb454",
    mark="#4a3b12",
    good="#4cc38a",
    bad="#ff7b81",
    series=(*series.DARK, series.DARK_OTHER),
    scale=(
        "#0e2d2b",
        "#10403c",
        "#12544f",
        "#156a63",
        "#198178",
        "#1e998d",
        "#24b0a2",
        "#2dc7b5",
        "#5bdccb",
        "#9aece0",
    ),
)


def palette() -> Palette:
    """Return the colours of the theme that the person looking at the page has."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def apply_theme() -> None:
    """Mend the one thing the theme's options cannot say; call it once, in ``app.py``.

    Streamlit writes white on the primary colour in both themes. White on the dark theme's bright
    teal cannot be read, and no colour is both dark enough under white and bright enough as text.
    """
    if st.context.theme.type == "dark":
        rule = f"{{color: {DARK.background};}}"
        st.html(f"<style>{', '.join(f'{s}, {s}:hover' for s in _PRIMARY)} {rule}</style>")


_PRIMARY = (
    'button[kind="primary"]',
    'button[kind="primaryFormSubmit"]',
    'a[kind="primary"]',
    "span[data-tag]",
    "span[data-tag] button",
)
