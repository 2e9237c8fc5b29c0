"""The charts of the lesson on IVFFlat: recall against what a query is compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pgvista.model.lesson_index import RealIndex
from pgvista.science.lesson_ivfflat import ModelPoint
from pgvista.ui.learn.plot import draw
from pgvista.ui.theme import palette

HEIGHT_PX = 400


def lists_chart(
    curves: Mapping[int, Sequence[ModelPoint]],
    chosen: int,
    mark: ModelPoint,
    rows: int,
    *,
    key: str,
) -> None:
    """Draw recall against the vectors that a query is compared with, a line for each number of lists.

    `chosen` is the line that is lit, and `mark` the point on it that is set.
    """
    colours = palette()
    figure = go.Figure()
    others = [lists for lists in curves if lists != chosen]
    for place, lists in enumerate([*others, chosen]):
        curve = curves[lists]
        lit = lists == chosen
        figure.add_trace(
            go.Scatter(
                x=[lists + point.looked_at for point in curve],
                y=[point.recall for point in curve],
                mode="lines+markers" if lit else "lines",
                name=f"{lists} lists",
                line={
                    "color": colours.semantic if lit else colours.series[2 + place],
                    "width": 3 if lit else 1.6,
                    "dash": "solid" if lit else "dot",
                },
                marker={"size": 6},
                customdata=[[point.probes, point.looked_at] for point in curve],
                hovertemplate=f"{lists} lists, probes %{{customdata[0]}}<br>"
                "%{customdata[1]:,.0f} rows looked at<br>recall %{y:.3f}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[chosen + mark.looked_at], y=[mark.recall], mode="markers", hoverinfo="skip",
            marker={"size": 17, "color": colours.primary, "symbol": "circle-open", "line": {"width": 3}},
            name="as set",
        )
    )  # fmt: skip
    figure.add_vline(x=rows, line={"color": colours.muted, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=math.log10(rows), y=0.03, yref="paper", text="all rows", showarrow=False,
        xanchor="right", xshift=-5, font={"color": colours.muted},
    )  # fmt: skip
    ticks = (50, 100, 200, 500, 1_000, 2_000)
    figure.update_xaxes(
        title="Vectors a query is compared with: centroids and rows (log)",
        type="log",
        range=[math.log10(45), math.log10(1.2 * rows)],
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
        fixedrange=True,
    )
    figure.update_yaxes(title="Mean recall@10", range=[0.58, 1.03], fixedrange=True)
    draw(
        figure,
        key=key,
        height=HEIGHT_PX,
        alt=f"Recall against vectors compared, for {', '.join(map(str, curves))} lists. "
        f"With {chosen} lists and probes {mark.probes}: recall {mark.recall:.2f} for "
        f"{mark.looked_at:,.0f} of {rows:,} rows.",
    )


def real_chart(
    real: RealIndex | None, model: Sequence[ModelPoint], probes: int, *, key: str
) -> None:
    """Draw recall against the share of the rows looked at: pgvector's index, and the model."""
    colours = palette()
    figure = go.Figure()
    rows = real.rows if real is not None else max((point.looked_at for point in model), default=1.0)
    if model:
        figure.add_trace(
            go.Scatter(
                x=[100 * point.looked_at / rows for point in model],
                y=[point.recall for point in model],
                mode="lines+markers",
                name="this page's k-means",
                line={"color": colours.muted, "width": 2, "dash": "dot"},
                marker={"size": 6, "symbol": "circle-open"},
                customdata=[point.probes for point in model],
                hovertemplate="probes %{customdata}: recall %{y:.3f}, %{x:.0f} % of the rows<extra>model</extra>",
            )
        )
    told = ""
    if real is not None:
        points = real.points
        figure.add_trace(
            go.Scatter(
                x=[100 * (point.looked_at or 0) / rows for point in points],
                y=[point.recall for point in points],
                mode="lines+markers+text",
                name="pgvector",
                text=[f"{point.value}" for point in points],
                textposition="bottom right",
                textfont={"color": colours.muted},
                line={"color": colours.semantic, "width": 3},
                marker={"size": 8},
                hovertemplate="probes %{text}: recall %{y:.3f}, %{x:.0f} % of the rows<extra>pgvector</extra>",
            )
        )
        mark = next((point for point in points if point.value >= probes), points[-1])
        figure.add_trace(
            go.Scatter(
                x=[100 * (mark.looked_at or 0) / rows], y=[mark.recall], mode="markers",
                hoverinfo="skip", name="as set",
                marker={"size": 19, "color": colours.primary, "symbol": "circle-open", "line": {"width": 3}},
            )
        )  # fmt: skip
        told = f" With probes {mark.value}, pgvector's recall is {mark.recall:.2f}."
    figure.update_xaxes(
        title="Rows looked at, % · labels: probes", range=[-3, 108], fixedrange=True
    )
    figure.update_yaxes(title="Mean recall@10", range=[-0.03, 1.08], fixedrange=True)
    draw(
        figure,
        key=key,
        height=HEIGHT_PX,
        alt=f"Recall against the share of rows looked at, by pgvector and by a model.{told}",
    )
