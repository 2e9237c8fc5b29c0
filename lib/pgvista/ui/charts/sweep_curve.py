"""Recall against p95 of a sweep: a line for each index, the front, the exact scan, the target."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pgvista.model.search import IterativeScan
from pgvista.model.sweep import Setting, SweepPoint
from pgvista.model.tuning import Target
from pgvista.services.recommend import front
from pgvista.ui.theme import Palette, palette

HEIGHT_PX = 430
_DASHES = {
    IterativeScan.OFF: "solid",
    IterativeScan.STRICT: "dot",
    IterativeScan.RELAXED: "dash",
}
_SYMBOLS = {
    IterativeScan.OFF: "circle",
    IterativeScan.STRICT: "square",
    IterativeScan.RELAXED: "triangle-up",
}


def sweep_curve(
    points: Sequence[SweepPoint],
    target: Target,
    *,
    chosen: SweepPoint | None = None,
    earlier: Sequence[SweepPoint] = (),
    key: str,
) -> None:
    """Draw `points` of one case; `earlier` are those of another sweep, laid under them."""
    figure = curve_figure(points, target, chosen=chosen, earlier=earlier, colours=palette())
    best = front(points)
    st.plotly_chart(
        figure,
        key=key,
        config={"displayModeBar": False},
        alt=f"Recall against p95 latency of {len(points)} settings; the front goes from recall "
        f"{best[0].recall:.3f} at {best[0].p95_ms:.1f} ms to {best[-1].recall:.3f} at "
        f"{best[-1].p95_ms:.1f} ms. The table below has the figures."
        if best
        else "No point has a recall.",
    )


def curve_figure(
    points: Sequence[SweepPoint],
    target: Target,
    *,
    chosen: SweepPoint | None,
    earlier: Sequence[SweepPoint],
    colours: Palette,
) -> go.Figure:
    """Return the figure; time is on a logarithmic axis."""
    figure = go.Figure()
    shown = [*points, *earlier]
    low, high = _time_range(shown, target)
    floor = min([target.recall, *(p.recall for p in shown if not math.isnan(p.recall))])
    bottom = max(-0.02, floor - 0.08 * max(0.05, 1 - floor))
    top = 1 + 0.06 * (1 - bottom)
    figure.add_shape(
        type="rect", layer="below", line={"width": 0}, fillcolor=colours.primary, opacity=0.08,
        x0=low, x1=high if target.p95_ms is None else max(low, min(high, target.p95_ms)),
        y0=target.recall, y1=top,
    )  # fmt: skip
    _front(figure, points, colours)
    names = list(dict.fromkeys(p.setting.index for p in shown if not p.setting.exact))
    colour_of = {
        name: colours.series[place % len(colours.series)] for place, name in enumerate(names)
    }
    for group in _groups(earlier):
        _line(figure, group, colour_of, colours, before=True)
    for group in _groups(points):
        _line(figure, group, colour_of, colours, before=False)
    _baseline(figure, points, colours)
    if chosen is not None:
        figure.add_trace(
            go.Scatter(
                x=[chosen.p95_ms], y=[chosen.recall], mode="markers", hoverinfo="skip",
                marker={
                    "symbol": "circle-open", "size": 20, "color": colours.primary,
                    "line": {"width": 3},
                },
                name="recommended",
            )
        )  # fmt: skip
    ticks = _ticks(low, high)
    figure.update_xaxes(
        type="log", range=[math.log10(low), math.log10(high)], title="p95 latency, ms (log) · labels: ef_search or probes",
        tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks], fixedrange=True,
    )  # fmt: skip
    figure.update_yaxes(range=[bottom, top], title="Mean recall", fixedrange=True)
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.2, "x": 0, "itemsizing": "constant"},
        hoverlabel={"align": "left"},
    )
    return figure


def _groups(points: Sequence[SweepPoint]) -> list[list[SweepPoint]]:
    """Return the points of each index, scan and oversample, by ascending ef_search or probes."""
    found: dict[tuple[object, ...], list[SweepPoint]] = {}
    for point in points:
        setting = point.setting
        if not setting.exact:
            key = (setting.index, setting.iterative_scan, setting.oversample)
            found.setdefault(key, []).append(point)
    return [sorted(group, key=lambda p: p.setting.strength) for group in found.values()]


def _line(
    figure: go.Figure,
    group: Sequence[SweepPoint],
    colour_of: dict[str | None, str],
    colours: Palette,
    *,
    before: bool,
) -> None:
    setting = group[0].setting
    colour = colour_of[setting.index]
    labelled = not before and setting.iterative_scan is IterativeScan.OFF
    figure.add_trace(
        go.Scatter(
            x=[p.p95_ms for p in group],
            y=[p.recall for p in group],
            mode="lines+markers+text" if labelled else "lines+markers",
            text=[f"{p.setting.strength:g}" for p in group],
            textposition="bottom right",
            textfont={"size": 11, "color": colours.muted},
            cliponaxis=False,
            name=_name(setting) + (" · before" if before else ""),
            opacity=0.45 if before else 1.0,
            line={"color": colour, "width": 2, "dash": _DASHES[setting.iterative_scan]},
            marker={
                "size": 9,
                "symbol": _SYMBOLS[setting.iterative_scan] + ("-open" if before else ""),
                "color": colour,
                "line": {"width": 1, "color": colour if before else colours.background},
            },
            error_y=None
            if before
            else {
                "type": "data", "symmetric": False, "thickness": 1, "width": 3, "color": colour,
                "array": [p.recall_high - p.recall for p in group],
                "arrayminus": [p.recall - p.recall_low for p in group],
            },
            customdata=[_hover(p) for p in group],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip


def _front(figure: go.Figure, points: Sequence[SweepPoint], colours: Palette) -> None:
    best = front(points)
    if len(best) < 2:
        return
    figure.add_trace(
        go.Scatter(
            x=[p.p95_ms for p in best],
            y=[p.recall for p in best],
            mode="lines",
            name="Pareto front",
            line={"color": colours.primary, "width": 9, "shape": "linear"},
            opacity=0.22,
            hoverinfo="skip",
        )
    )


def _baseline(figure: go.Figure, points: Sequence[SweepPoint], colours: Palette) -> None:
    scan = next((point for point in points if point.setting.exact), None)
    if scan is None:
        return
    figure.add_vline(
        x=scan.p95_ms, line={"color": colours.muted, "width": 1, "dash": "dot"}, layer="below"
    )
    figure.add_trace(
        go.Scatter(
            x=[scan.p95_ms], y=[scan.recall], mode="markers", name="exact scan",
            marker={"symbol": "diamond", "size": 12, "color": colours.muted},
            text=[_hover(scan)], hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip


def _name(setting: Setting) -> str:
    parts = [setting.index or ""]
    if setting.iterative_scan is not IterativeScan.OFF:
        parts.append(setting.iterative_scan.value)
    if setting.oversample > 1:
        parts.append(f"oversample {setting.oversample:g}")
    return " · ".join(_escape(part) for part in parts)


def _hover(point: SweepPoint) -> str:
    lines = [
        f"<b>{_escape(point.setting.knob)}</b>",
        *([_escape(point.setting.index)] if point.setting.index else []),
        f"recall {point.recall:.4f} ({point.recall_low:.3f} to {point.recall_high:.3f})",
        f"p50 {point.p50_ms:.2f} ms, p95 {point.p95_ms:.2f} ms"
        + ("" if point.p99_ms is None else f", p99 {point.p99_ms:.2f} ms"),
    ]
    if point.fewer:
        lines.append(f"{point.fewer} of {point.queries} queries with fewer rows")
    if point.qps:
        most = max(point.qps, key=lambda count: point.qps[count])
        lines.append(f"{point.qps[most]:,.0f} queries/s with {most} connections")
    if not point.as_asked:
        lines.append("index not used")
    return "<br>".join(lines)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time_range(points: Sequence[SweepPoint], target: Target) -> tuple[float, float]:
    times = [point.p95_ms for point in points] or [1.0]
    if target.p95_ms is not None and target.p95_ms <= 3 * max(times):
        times.append(target.p95_ms)
    return max(1e-3, min(times) / 1.35), max(times) * 1.35


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten within the range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        step * 10.0**power
        for power in powers
        for step in (1, 2, 5)
        if low <= step * 10.0**power <= high
    ]
