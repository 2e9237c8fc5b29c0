"""The colours of categories in charts, maps and their files, for light and for dark ground."""

from __future__ import annotations

LIGHT = (
    "#1f6feb", "#c2650a", "#1e5a6f", "#6944b0", "#56a46b", "#86532e", "#860000", "#002194", "#572245",
)  # fmt: skip
DARK = (
    "#5aa9ff", "#ffb454", "#8afcfe", "#a750e4", "#83d3ad", "#e1f193", "#fe5b0f", "#3e6da0", "#ac5558",
)  # fmt: skip
"""The first two are the semantic and the keyword list. Colour-blind readers tell all of them apart."""
LIGHT_OTHER = "#75818d"
DARK_OTHER = "#8996a3"
"""For what has no colour of its own."""
