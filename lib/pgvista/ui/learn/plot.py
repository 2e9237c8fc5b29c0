"""What charts of lessons share: margins, a legend beneath, and larger letters where one presents."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from pgvista.ui.learn.frame import presenting

_LARGER = 1.22
_FONT_PX = 16


def scaled(pixels: float) -> float:
    """Return a size in pixels, larger in presenter's mode."""
    return pixels * _LARGER if presenting() else pixels


def draw(figure: go.Figure, *, key: str, height: int, alt: str, legend_y: float = -0.24) -> None:
    """Draw a figure of `height` pixels; `alt` says what it shows, with its figures."""
    figure.update_layout(
        height=scaled(height),
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        legend={"orientation": "h", "y": legend_y, "x": 0},
    )
    if presenting():
        font = {"size": _FONT_PX}
        figure.update_layout(font=font, legend_font=font)
        figure.update_xaxes(tickfont=font, title_font=font)
        figure.update_yaxes(tickfont=font, title_font=font)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)
