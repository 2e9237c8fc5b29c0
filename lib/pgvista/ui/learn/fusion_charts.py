"""The chart of the lesson Fusion: what a rank is worth beside the first."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from pgvista.science.fusion import reciprocal_rank
from pgvista.ui.theme import Palette, palette

RANKS = 100


def worth_chart(k: float, rank: int, *, key: str) -> None:
    """Draw what ranks 1 to 100 are worth at `k` beside rank 1; `rank` is marked."""
    worth = worth_of(k)
    st.plotly_chart(
        worth_figure(k, rank, palette()),
        key=key,
        config={"displayModeBar": False},
        alt=f"What a rank is worth at k {k:g} beside rank 1: rank 2 {worth[1]:.2f}, rank 10 "
        f"{worth[9]:.2f}, rank {rank} {worth[rank - 1]:.2f}, rank {RANKS} {worth[-1]:.2f}.",
    )


def worth_of(k: float) -> NDArray[np.float64]:
    """Return (k + 1) / (k + rank) for the ranks 1 to 100: array of shape (100,), from 1 down."""
    terms = reciprocal_rank(RANKS, k)
    worth: NDArray[np.float64] = terms / terms[0]
    return worth


def worth_figure(k: float, rank: int, colours: Palette) -> go.Figure:
    """Return the curve, a line at a half, and the mark."""
    x, worth = np.arange(1, RANKS + 1), worth_of(k)
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=worth,
        mode="lines",
        line={"color": colours.primary, "width": 2.5},
        hovertemplate="rank %{x}: %{y:.2f} of rank 1<extra></extra>",
    )
    figure.add_hline(
        y=0.5,
        line={"color": colours.muted, "width": 1, "dash": "dot"},
        annotation={
            "text": "two of these make one rank 1",
            "font": {"color": colours.muted, "size": 12},
            "xanchor": "right",
            "x": 1,
            "yanchor": "bottom",
        },
    )
    figure.add_scatter(
        x=[rank],
        y=[worth[rank - 1]],
        mode="markers+text",
        text=[f"rank {rank}: {worth[rank - 1]:.2f}"],
        textposition="top right",
        textfont={"color": colours.text},
        marker={
            "size": 11,
            "color": colours.primary,
            "line": {"width": 1.5, "color": colours.text},
        },
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(
        height=290,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
    )
    figure.update_xaxes(title="Rank in a list", fixedrange=True, showgrid=False)
    figure.update_yaxes(
        title="Worth, rank 1 = 1", range=[0, 1.08], fixedrange=True, gridcolor=colours.border
    )
    return figure
