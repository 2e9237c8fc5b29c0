"""The charts of the lesson on HNSW: recall against what a search costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from pgvista.science.hnsw_recall import EfPoint
from pgvista.ui.theme import palette

_CONFIG = {"displayModeBar": False}
_HEIGHT_PX = 250


def curve_chart(
    curves: Mapping[str, Sequence[EfPoint]], mark: EfPoint, points: int, *, key: str
) -> None:
    """Draw recall against distances computed, a line a graph; the last one is lit, `mark` is on it."""
    colours = palette()
    figure = go.Figure()
    lit = list(curves)[-1]
    for name, curve in curves.items():
        figure.add_trace(
            go.Scatter(
                x=[point.computed for point in curve],
                y=[point.recall for point in curve],
                mode="lines+markers+text" if name == lit else "lines+markers",
                name=name,
                text=[f"{point.ef}" for point in curve],
                textposition="bottom right",
                textfont={"color": colours.muted},
                line={
                    "color": colours.semantic if name == lit else colours.muted,
                    "width": 3 if name == lit else 1.6,
                    "dash": "solid" if name == lit else "dot",
                },
                marker={"size": 6},
                hovertemplate="ef_search %{text}<br>recall %{y:.3f}<br>%{x:.0f} distances"
                "<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[mark.computed], y=[mark.recall], mode="markers", hoverinfo="skip", showlegend=False,
            marker={"size": 17, "color": colours.primary, "symbol": "circle-open", "line": {"width": 3}},
        )
    )  # fmt: skip
    most = max(point.computed for curve in curves.values() for point in curve)
    low = min([mark.recall, *(point.recall for curve in curves.values() for point in curve)])
    figure.update_xaxes(
        title="Mean distances computed · labels: ef_search",
        range=[0, 1.13 * most],
        fixedrange=True,
    )
    figure.update_yaxes(
        title="Mean recall@10", range=[max(-0.03, low - 0.06), 1.03], fixedrange=True
    )
    figure.update_layout(
        height=_HEIGHT_PX,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        showlegend=len(curves) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    st.plotly_chart(
        figure,
        key=key,
        config=_CONFIG,
        alt=f"Recall against distances computed. With ef_search {mark.ef}: recall "
        f"{mark.recall:.2f} for {mark.computed:.0f} of {points:,} distances.",
    )
