"""Rows along an axis as a strip of points, and the shares of axes as bars."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pgvista.science.axis import AxisShares, swarm
from pgvista.ui.components.phrase_board import short_name
from pgvista.ui.learn.axis_rows import Axis
from pgvista.ui.theme import Palette, palette

STRIP_PX = 205
BARS_PX = 250
_HOVER_CHARS = 90


def axis_strip(axis: Axis, *, key: str, chosen: int | None = None) -> None:
    """Draw a point for each row, and where the two phrases lie; `chosen` is the rank that stands out."""
    low, high = float(axis.found.positions[0]), float(axis.found.positions[-1])
    at = "" if chosen is None else f" The row lies at {axis.found.positions[chosen]:.3f}."
    st.plotly_chart(
        strip_figure(axis, palette(), chosen),
        key=key,
        config={"displayModeBar": False},
        alt=f"{len(axis.found.places):,} rows along the axis from {short_name(axis.start)} to "
        f"{short_name(axis.end)}, from {low:.3f} to {high:.3f}.{at}",
    )


def strip_figure(axis: Axis, colours: Palette, chosen: int | None = None) -> go.Figure:
    """Return the strip: what lies in one place is stacked, so that height tells how many."""
    positions = axis.found.positions
    heights = swarm(positions)
    names = [
        escape(short_name(axis.headline(rank)[0], _HOVER_CHARS)) for rank in range(len(positions))
    ]
    figure = go.Figure(
        go.Scattergl(
            x=positions,
            y=heights,
            mode="markers",
            customdata=names,
            marker={
                "color": colours.semantic,
                "size": 6 if len(positions) <= 400 else 4,
                "opacity": 0.75 if chosen is None else 0.3,
            },
            hovertemplate="%{customdata}<br>position %{x:.3f}<extra></extra>",
        )
    )
    if chosen is not None:
        figure.add_scatter(
            x=[positions[chosen]],
            y=[heights[chosen]],
            mode="markers",
            customdata=[names[chosen]],
            marker={
                "color": colours.keyword,
                "size": 15,
                "line": {"color": colours.background, "width": 2},
            },
            hovertemplate="%{customdata}<br>position %{x:.3f}<extra></extra>",
        )
    for x, phrase, side in zip(
        axis.end_positions, (axis.start, axis.end), ("left", "right"), strict=True
    ):
        figure.add_vline(x=x, line={"color": colours.muted, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=x,
            y=1.0,
            yref="paper",
            yanchor="bottom",
            xanchor=side,
            text=f"“{escape(short_name(phrase, 34))}”",
            showarrow=False,
            font={"color": colours.text, "size": 14},
        )
    reach = max(abs(float(heights.min())), abs(float(heights.max())), 4.0) * 1.15
    figure.update_layout(
        height=STRIP_PX,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        hovermode="closest",
    )
    figure.update_xaxes(
        title="Position along the axis (inner product with the axis)",
        fixedrange=True,
        gridcolor=colours.border,
        zeroline=True,
        zerolinecolor=colours.muted,
    )
    figure.update_yaxes(visible=False, range=[-reach, reach], fixedrange=True)
    return figure


def share_bars(shares: AxisShares, *, name: str, key: str) -> None:
    """Draw the share of the axis called `name` beside those of other axes, in per cent."""
    rows = share_rows(shares, name)
    st.plotly_chart(
        share_figure(shares, name, palette()),
        key=key,
        config={"displayModeBar": False},
        alt="Share of the rows' variance: "
        + "; ".join(f"{label} {100 * value:.2f} %" for label, value, _, _ in rows)
        + ".",
    )


def share_rows(shares: AxisShares, name: str) -> list[tuple[str, float, float, float]]:
    """Return label, share, and what it varies between (5 to 95 % of the axes), least first."""
    rows = [
        ("A random direction", *_spread(shares.directions)),
        (name, shares.axis, shares.axis, shares.axis),
        ("From one row to another", *_spread(shares.pairs)),
        ("The first principal component", shares.largest, shares.largest, shares.largest),
    ]
    return [row for row in rows if not np.isnan(row[1])]


def share_figure(shares: AxisShares, name: str, colours: Palette) -> go.Figure:
    """Return the bars; whiskers span nine of ten random axes."""
    rows = share_rows(shares, escape(name))[::-1]
    own = escape(name)
    figure = go.Figure()
    for label, value, low, high in rows:
        figure.add_bar(
            x=[100 * value],
            y=[label],
            orientation="h",
            width=0.58,
            marker={
                "color": colours.primary if label == own else colours.muted,
                "opacity": 1.0 if label == own else 0.5,
                "line": {"width": 0},
            },
            error_x={
                "type": "data",
                "visible": high > low,
                "symmetric": False,
                "array": [100 * (high - value)],
                "arrayminus": [100 * (value - low)],
                "color": colours.text,
                "thickness": 1,
                "width": 4,
            },
            hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
        )
    edge = max([100 * row[3] for row in rows] + [0.1])
    for label, value, _, high in rows:
        figure.add_annotation(
            x=100 * high,
            y=label,
            text=f"{100 * value:.2f} %",
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"color": colours.text, "size": 14},
        )
    figure.update_layout(
        height=BARS_PX,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
    )
    figure.update_xaxes(
        title="Share of the rows' variance, %<br>bars: median; lines: 9 of 10 axes",
        range=[0, edge * 1.28],
        fixedrange=True,
        gridcolor=colours.border,
    )
    figure.update_yaxes(
        fixedrange=True, automargin=True, tickfont={"color": colours.text, "size": 14}
    )
    return figure


def _spread(values: np.ndarray) -> tuple[float, float, float]:
    """Return the median of shares, and what nine of ten lie between; NaN where there are none."""
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return middle, low, high
