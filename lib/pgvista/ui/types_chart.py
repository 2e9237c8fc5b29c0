"""Recall by oversample, a line for each type of vector."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st

from pgvista.model.quantisation import TypesResult
from pgvista.ui.theme import Palette, palette

HEIGHT_PX = 300


def recall_chart(result: TypesResult, names: Mapping[str, str], goal: float) -> None:
    """Draw recall against oversample; a dotted line stands at the recall wanted."""
    points = [point for point in result.points[1:] if point.recall]
    if not points:
        return
    st.markdown("**Recall when candidates are re-ranked by the full vectors**")
    st.plotly_chart(
        recall_figure(result, names, goal, palette()),
        key="types_chart",
        config={"displayModeBar": False},
        alt=f"Recall@{result.limit} by oversample: "
        + "; ".join(
            f"{names[point.stored.key]} {point.recall[min(point.recall)]:.3f} to "
            f"{point.recall[max(point.recall)]:.3f}"
            for point in points
        ),
    )


def recall_figure(
    result: TypesResult, names: Mapping[str, str], goal: float, colours: Palette
) -> go.Figure:
    """Return the chart of all types but the full vectors, whose recall is 1."""
    figure = go.Figure()
    drawn = [point for point in result.points[1:] if point.recall]
    for point, colour in zip(drawn, colours.series, strict=False):
        factors = sorted(point.recall)
        figure.add_scatter(
            x=factors,
            y=[point.recall[factor] for factor in factors],
            name=names[point.stored.key],
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 7},
            hovertemplate=f"{names[point.stored.key]}<br>%{{x}} candidates a row: "
            "%{y:.4f}<extra></extra>",
        )
    figure.add_hline(y=goal, line={"color": colours.muted, "width": 1, "dash": "dot"})
    lowest = min((min(point.recall.values()) for point in drawn), default=0.0)
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
    figure.update_xaxes(
        title="Candidates for each row wanted (oversample); 1 is not re-ranked",
        tickvals=sorted({factor for point in drawn for factor in point.recall}),
        fixedrange=True,
        showgrid=False,
    )
    figure.update_yaxes(
        title=f"Recall@{result.limit}",
        range=[max(0.0, min(lowest, goal) - 0.03), 1.01],
        fixedrange=True,  # the grid's colour is the theme's, which may change without a rerun
    )
    return figure
