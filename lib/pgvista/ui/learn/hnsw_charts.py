"""The charts of the lesson on HNSW: recall against what a search costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from pgvista.model.lesson_index import RealIndex
from pgvista.science.hnsw_recall import EfPoint
from pgvista.ui.theme import palette

_CONFIG = {"displayModeBar": False}
_HEIGHT_PX = 250
_REAL_HEIGHT_PX = 360


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


def real_chart(model: Sequence[EfPoint], builds: Sequence[RealIndex], *, key: str) -> None:
    """Draw recall against ef_search: the model's, and that of each build of pgvector's own index."""
    colours = palette()
    figure = go.Figure()
    lines = [("the model", [point.ef for point in model], [point.recall for point in model])]
    for number, real in enumerate(builds, 1):
        name = "pgvector" if number == len(builds) else "earlier builds"
        recalls = [point.recall for point in real.points]
        lines.append((name, [point.value for point in real.points], recalls))
    for number, (name, efs, recalls) in enumerate(lines):
        lit, earlier = name == "pgvector", name == "earlier builds"
        figure.add_trace(
            go.Scatter(
                x=efs,
                y=recalls,
                mode="lines" if earlier else "lines+markers",
                name=name,
                showlegend=not earlier or number == 1,
                opacity=0.45 if earlier else 1,
                line={
                    "color": colours.muted if name == "the model" else colours.semantic,
                    "width": 3 if lit else 1.5 if earlier else 2,
                    "dash": "dot" if name == "the model" else "solid",
                },
                marker={"size": 8 if lit else 7, "symbol": "circle" if lit else "circle-open"},
                hovertemplate="ef_search %{x}: recall %{y:.3f}<extra>" + name + "</extra>",
            )
        )
    low = min(recall for _, _, recalls in lines for recall in recalls)
    efs = lines[0][1]
    figure.update_xaxes(
        type="log", title="ef_search (log)", tickvals=efs, ticktext=[f"{ef}" for ef in efs],
        fixedrange=True,
    )  # fmt: skip
    figure.update_yaxes(
        title="Mean recall@10", range=[max(-0.03, low - 0.06), 1.03], fixedrange=True
    )
    figure.update_layout(
        height=_REAL_HEIGHT_PX,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    told = [f"{name} from {recalls[0]:.2f} to {recalls[-1]:.2f}" for name, _, recalls in lines]
    st.plotly_chart(
        figure,
        key=key,
        config=_CONFIG,
        alt=f"Recall for ef_search {efs[0]} to {efs[-1]}: {', '.join(told)}.",
    )
