"""The charts of the lesson on filters: candidates, rows got, and time beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pgvista.model.lesson_index import RealPoint
from pgvista.ui.learn.plot import draw, scaled
from pgvista.ui.theme import palette

_PER_ROW = 10


def candidates_chart(
    count: int, passed: Sequence[int], returned: Sequence[int], *, key: str
) -> None:
    """Draw the candidates of the index, nearest first, by what the filter does to them."""
    colours = palette()
    kinds = {
        "returned": (returned, colours.primary, colours.background),
        "passes, beyond the limit": ([p for p in passed if p not in set(returned)], colours.scale[2], colours.text),
        "taken away by the filter": ([p for p in range(count) if p not in set(passed)], colours.track, colours.muted),
    }  # fmt: skip
    figure = go.Figure()
    for name, (places, fill, ink) in kinds.items():
        figure.add_trace(
            go.Scatter(
                x=[place % _PER_ROW for place in places],
                y=[place // _PER_ROW for place in places],
                mode="markers+text",
                text=[str(place + 1) for place in places],
                textfont={"color": ink, "size": scaled(13)},
                marker={"symbol": "square", "size": scaled(38), "color": fill, "line": {"width": 1, "color": colours.border}},
                name=name,
                hovertemplate="candidate %{text}: " + name + "<extra></extra>",
            )
        )  # fmt: skip
    rows = -(-count // _PER_ROW)
    figure.update_xaxes(range=[-0.6, _PER_ROW - 0.4], visible=False, fixedrange=True)
    figure.update_yaxes(range=[rows - 0.4, -0.6], visible=False, fixedrange=True)
    draw(
        figure,
        key=key,
        height=64 * rows + 50,
        legend_y=-0.06,
        alt=f"{count} candidates, nearest first: {len(passed)} pass the filter, {len(returned)} are returned.",
    )


def got_chart(points: Mapping[str, RealPoint], *, key: str) -> None:
    """Draw rows returned and rows missing of ten, a bar for each share."""
    colours = palette()
    names = list(points)
    figure = go.Figure(
        [
            go.Bar(
                y=names, x=[points[name].rows for name in names], orientation="h", name="rows returned",
                marker={"color": colours.primary},
                text=[f"{points[name].rows:.1f}" for name in names], textposition="inside",
                textfont={"size": scaled(15), "color": colours.background}, textangle=0,
                hovertemplate="%{y} of the rows meet the filter: %{x:.1f} rows returned<extra></extra>",
            ),
            go.Bar(
                y=names, x=[10 - points[name].rows for name in names], orientation="h", name="missing",
                marker={"color": colours.track}, hoverinfo="skip",
            ),
        ]
    )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    figure.update_xaxes(
        title="Rows, mean of the queries; 10 are wanted", range=[0, 10], fixedrange=True
    )
    figure.update_yaxes(
        title="Rows that meet the filter", type="category", autorange="reversed", fixedrange=True
    )
    told = "; ".join(f"{name}: {point.rows:.1f} rows" for name, point in points.items())
    draw(figure, key=key, height=300, alt=f"Rows returned of 10 wanted. {told}.")


def ef_chart(lines: Mapping[str, Sequence[RealPoint]], ef_search: int, *, key: str) -> None:
    """Draw rows returned against ef_search, a line for each share; `ef_search` is marked."""
    colours = palette()
    figure = go.Figure()
    for (name, points), colour in zip(lines.items(), _line_colours(), strict=False):
        figure.add_trace(
            go.Scatter(
                x=[point.value for point in points],
                y=[point.rows for point in points],
                mode="lines+markers",
                name=f"{name} meet the filter",
                line={"color": colour, "width": 3},
                marker={"size": 8},
                customdata=[[point.recall, point.p50_ms] for point in points],
                hovertemplate="ef_search %{x}: %{y:.1f} rows, recall %{customdata[0]:.2f}, "
                "%{customdata[1]:.2f} ms<extra></extra>",
            )
        )
    figure.add_vline(x=ef_search, line={"color": colours.primary, "width": 2, "dash": "dot"})
    values = [point.value for points in lines.values() for point in points]
    figure.update_xaxes(
        title="hnsw.ef_search (log)", type="log", fixedrange=True, tickvals=sorted(set(values)),
        ticktext=[f"{value:,}" for value in sorted(set(values))],
        range=_log_range(min(values) / 1.25, max(values) * 1.25),
    )  # fmt: skip
    figure.update_yaxes(title="Rows returned of 10", range=[-0.4, 10.6], fixedrange=True)
    told = "; ".join(
        f"{name}: {point.rows:.1f} rows"
        for name, points in lines.items()
        for point in points
        if point.value == ef_search
    )
    draw(
        figure,
        key=key,
        height=380,
        alt=f"Rows returned against ef_search. At {ef_search}, {told}.",
    )


def ways_chart(ways: Mapping[str, RealPoint], *, key: str) -> None:
    """Draw the time of a query against the true nearest rows it returns, a point for each way."""
    colours = palette()
    figure = go.Figure()
    for (name, point), colour in zip(ways.items(), colours.series, strict=False):
        figure.add_trace(
            go.Scatter(
                x=[point.p50_ms], y=[10 * point.recall], mode="markers", name=name,
                marker={"size": 17, "color": colour, "line": {"width": 1.5, "color": colours.background}},
                hovertemplate=f"{name}<br>%{{x:.2f}} ms, %{{y:.1f}} of the 10 nearest<extra></extra>",
            )
        )  # fmt: skip
    times = [point.p50_ms for point in ways.values()]
    ticks = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    figure.update_xaxes(
        title="Time of a query, p50, ms (log)", type="log", fixedrange=True,
        tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks],
        range=_log_range(min(times) / 1.6, max(times) * 1.6),
    )  # fmt: skip
    figure.update_yaxes(title="Of the 10 nearest, returned", range=[-0.6, 10.8], fixedrange=True)
    told = "; ".join(
        f"{name}: {10 * point.recall:.1f} in {point.p50_ms:.2f} ms" for name, point in ways.items()
    )
    draw(figure, key=key, height=360, alt=f"Nearest rows returned against time. {told}.")


def scan_chart(points: Mapping[str, RealPoint], *, key: str, height: int = 360) -> None:
    """Draw rows returned and true nearest rows among them, two bars for each iterative scan."""
    colours = palette()
    names = list(points)
    bars: tuple[tuple[str, str, list[float]], ...] = (
        ("rows returned", colours.scale[3], [points[name].rows for name in names]),
        ("of the 10 nearest", colours.primary, [10 * points[name].recall for name in names]),
    )
    figure = go.Figure(
        [
            go.Bar(
                x=names, y=heights, name=name, marker={"color": colour},
                text=[f"{height:.1f}" for height in heights], textposition="outside",
                textfont={"size": scaled(13)},
                hovertemplate="%{x}: %{y:.1f} " + name + "<extra></extra>",
            )
            for name, colour, heights in bars
        ]
    )  # fmt: skip
    figure.update_layout(barmode="group", bargap=0.35)
    figure.update_xaxes(title="hnsw.iterative_scan", type="category", fixedrange=True)
    figure.update_yaxes(title="Rows, mean of the queries", range=[0, 11.5], fixedrange=True)
    told = "; ".join(
        f"{name}: {point.rows:.1f} rows, recall {point.recall:.2f}"
        for name, point in points.items()
    )
    draw(figure, key=key, height=height, alt=f"Rows by iterative scan. {told}.")


def _line_colours() -> tuple[str, ...]:
    colours = palette()
    return colours.semantic, colours.series[3], colours.bad


def _log_range(low: float, high: float) -> list[float]:
    return [math.log10(low), math.log10(high)]
