"""Charts of the lesson on smaller vectors: recall against bytes, and recall by how many numbers are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pgvista.model.quantisation import TypesResult
from pgvista.services.lesson_smaller import K, Leading
from pgvista.ui.learn.frame import presenting
from pgvista.ui.theme import Palette, palette

HEIGHT_PX, LOW_PX = 300, 255
_ASIDE = 1.09


def bytes_chart(result: TypesResult, names: Mapping[str, str], oversample: int) -> None:
    """Draw recall against the bytes of a vector, before and after re-ranking."""
    points = [point for point in result.points if point.recall]
    st.plotly_chart(
        bytes_figure(result, names, oversample, palette()),
        key="learn_smaller_bytes",
        config={"displayModeBar": False},
        alt=f"Recall@{K} against bytes a vector: "
        + "; ".join(
            f"{names[point.stored.key]} {point.value_bytes:.0f} bytes, {point.recall[1]:.2f}, "
            f"re-ranked {point.recall[oversample]:.2f}"
            for point in points
        ),
    )


def bytes_figure(
    result: TypesResult, names: Mapping[str, str], oversample: int, colours: Palette
) -> go.Figure:
    """Return the chart: a ring before re-ranking, a disc after it, and a line that joins them."""
    figure = go.Figure()
    drawn = [point for point in result.points if point.recall]
    taken: list[float] = []
    for at, point in enumerate(drawn):
        # types of the same bytes stand beside each other, not one behind the other
        same = sum(abs(other - point.value_bytes) < 1 for other in taken)
        taken.append(point.value_bytes)
        x = point.value_bytes * _ASIDE**same
        colour = colours.series[2:][at % len(colours.series[2:])]
        before, after = point.recall[1], point.recall[oversample]
        figure.add_scatter(
            x=[x, x],
            y=[before, after],
            mode="lines+markers",
            name=names[point.stored.key],
            line={"color": colour, "width": 2},
            marker={
                "opacity": 1,
                "size": [11, 13],
                "color": [colours.background, colour],
                "line": {"color": colour, "width": 2},
            },
            hovertemplate=f"{names[point.stored.key]}<br>{point.value_bytes:,.0f} bytes: %{{y:.3f}}<extra></extra>",
        )
    lowest = min((point.recall[1] for point in drawn), default=0.0)
    figure.update_xaxes(
        title="Bytes a vector (log scale); ring: as found, disc: re-ranked",
        type="log",
        tickvals=(values := sorted({round(point.value_bytes) for point in drawn})),
        ticktext=[f"{value:,}" for value in values],
        fixedrange=True,
        showgrid=False,
    )
    figure.update_yaxes(
        title=f"Recall@{K}",
        range=[max(0.0, lowest - 0.08), 1.04],
        fixedrange=True,
        gridcolor=colours.border,
    )
    figure.update_layout(**_layout())
    return figure


def leading_chart(found: Leading) -> None:
    """Draw recall by how many numbers are kept, for three ways to choose them."""
    lines = _lines(found)
    st.plotly_chart(
        leading_figure(found, palette()),
        key="learn_smaller_leading",
        config={"displayModeBar": False},
        alt=f"Recall@{K} by numbers kept: "
        + "; ".join(
            f"{name}: " + ", ".join(f"{count} {recall[count]:.2f}" for count in found.counts)
            for name, recall, _ in lines
        ),
    )


def leading_figure(found: Leading, colours: Palette) -> go.Figure:
    """Return the chart: the first numbers, drawn ones, and the first after a rotation."""
    figure = go.Figure()
    strokes = (colours.series[2], colours.muted, colours.series[3])
    for (name, recall, dash), colour in zip(_lines(found), strokes, strict=False):
        figure.add_scatter(
            x=list(found.counts),
            y=[recall[count] for count in found.counts],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"size": 7},
            hovertemplate=f"{name}<br>%{{x:,}} numbers: %{{y:.3f}}<extra></extra>",
        )
    figure.update_xaxes(
        title="Numbers kept", tickvals=list(found.counts), fixedrange=True, showgrid=False
    )
    figure.update_yaxes(
        title=f"Recall@{K}", range=[0, 1.04], fixedrange=True, gridcolor=colours.border
    )
    figure.update_layout(**_layout(LOW_PX if presenting() else HEIGHT_PX))
    return figure


def _lines(found: Leading) -> Sequence[tuple[str, Mapping[int, float], str]]:
    lines = [
        ("The first numbers", found.first, "solid"),
        ("As many drawn at random", found.drawn, "dot"),
    ]
    if found.principal is not None:
        lines.append(("The first, rotated so that they say most", found.principal, "solid"))
    return lines


def _layout(height: int = HEIGHT_PX) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
    }
