"""The charts of the lesson on metadata: time of each way of asking, and the planner's guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pgvista.services.lesson_metadata import Run
from pgvista.ui.components.panels import milliseconds
from pgvista.ui.theme import Palette

CONFIG = {"displayModeBar": False}
_BAR_PX = 44


def ways_figure(ways: Sequence[tuple[str, Run]], palette: Palette) -> go.Figure:
    """Return a bar for each way of asking, as long as it took; the label says what was read."""
    names = [name for name, _ in ways]
    runs = [run for _, run in ways]
    longest = max(run.ms for run in runs)
    figure = go.Figure(
        go.Bar(
            x=[run.ms for run in runs],
            y=names,
            orientation="h",
            marker={
                "color": [
                    palette.primary if run.form.value.startswith("column") else palette.series[3]
                    for run in runs
                ]
            },
            hovertemplate="%{y}: %{x:.3f} ms<extra></extra>",
        )
    )
    for name, run in ways:
        figure.add_annotation(
            x=run.ms, y=name, xanchor="left", xshift=6, align="left", showarrow=False,
            text=f"{milliseconds(run.ms)}<br>{run.pages:,} pages · {run.reading}",
            font={"color": palette.text, "size": 13},
        )  # fmt: skip
    figure.update_xaxes(
        title="Execution time, ms", range=[0, longest * 2.2], fixedrange=True,
        gridcolor=palette.border, zeroline=False,
    )  # fmt: skip
    figure.update_yaxes(
        autorange="reversed", fixedrange=True, title="", automargin=True,
        tickfont={"color": palette.text, "size": 13},
    )  # fmt: skip
    figure.update_layout(
        height=60 + _BAR_PX * len(ways),
        margin={"l": 8, "r": 8, "t": 4, "b": 4},
        bargap=0.35,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def estimates_figure(
    years: Sequence[int],
    actual: Sequence[int],
    guesses: Mapping[str, Sequence[float]],
    palette: Palette,
    *,
    asked: str,
    height: int = 330,
) -> go.Figure:
    """Return the rows of each year as an area, and a line for what each form is expected to give."""
    figure = go.Figure(
        go.Scatter(
            x=years,
            y=actual,
            name="rows there are",
            mode="lines",
            line={"width": 0},
            fill="tozeroy",
            fillcolor=palette.track,
            hovertemplate="%{x}: %{y:,} rows<extra></extra>",
        )
    )
    colours = (palette.primary, palette.series[3], palette.bad, palette.series[5])
    dashes = ("solid", "solid", "solid", "dot")
    for (name, values), colour, dash in zip(guesses.items(), colours, dashes, strict=False):
        figure.add_trace(
            go.Scatter(
                x=years,
                y=values,
                name=name.replace("<", "&lt;").replace(">", "&gt;"),
                mode="lines",
                line={"color": colour, "width": 2.5, "dash": dash},
                hovertemplate="%{x}: %{y:,.0f} expected<extra></extra>",
            )
        )
    figure.update_xaxes(title=asked, fixedrange=True, showgrid=False)
    figure.update_yaxes(
        title="Rows", fixedrange=True, rangemode="tozero", gridcolor=palette.border, zeroline=False
    )
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 4, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x",
    )
    return figure
