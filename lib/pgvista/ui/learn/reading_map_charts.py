"""The charts of the lesson on maps: points, lines to neighbours, what a grid of maps keeps, gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pgvista.model.map import Errors, Floats
from pgvista.science.lesson_reading_map import Groups, Picture
from pgvista.ui.learn.reading_map_state import MANY, Colouring
from pgvista.ui.theme import Palette

CONFIG = {"displayModeBar": False}
MAP_PX = 310
_ROOM = 0.06


def escaped(text: str) -> str:
    """Return a text that Plotly shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def point_colours(colours: Colouring, shown: Picture, palette: Palette) -> list[str]:
    """Return the colour of each point: of its value, or of how many neighbours it keeps."""
    if colours.legend:
        return [
            palette.series[-1] if code == MANY else palette.series[code] for code in colours.codes
        ]
    return by_share(shown.kept, palette)


def by_share(shares: Floats, palette: Palette) -> list[str]:
    """Return a colour for each share, 0 to 1: the more, the stronger."""
    steps = np.clip(np.nan_to_num(shares) * 9, 0, 9).round().astype(int)
    return [palette.scale[step] for step in steps]


def map_figure(
    xy: Floats,
    colours: Sequence[str] | str,
    titles: Sequence[str],
    palette: Palette,
    *,
    height: int = MAP_PX,
    opacity: float = 1.0,
) -> go.Figure:
    """Return the points on an empty ground: a map's axes have no unit, and one scale."""
    figure = go.Figure(
        go.Scatter(
            x=xy[:, 0],
            y=xy[:, 1],
            mode="markers",
            marker={
                "size": 7,
                "opacity": opacity,
                "color": colours if isinstance(colours, str) else list(colours),
                "line": {"width": 0.5, "color": palette.background},
            },
            text=[escaped(title) for title in titles],
            hovertemplate="%{text}<extra></extra>" if titles else None,
            hoverinfo=None if titles else "skip",
            showlegend=False,
        )
    )
    low, high = xy.min(axis=0), xy.max(axis=0)
    room = _ROOM * np.maximum(high - low, 1e-6)
    empty = {
        "showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "",
        "fixedrange": True,
    }  # fmt: skip
    figure.update_xaxes(**empty, range=[low[0] - room[0], high[0] + room[0]])
    figure.update_yaxes(
        **empty, range=[low[1] - room[1], high[1] + room[1]], scaleanchor="x", scaleratio=1
    )
    figure.update_layout(
        height=height,
        margin={"l": 1, "r": 1, "t": 1, "b": 1},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left"},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemclick": False,
                "itemdoubleclick": False},
    )  # fmt: skip
    return figure


def errors_figure(
    xy: Floats,
    found: Errors,
    titles: Sequence[str],
    palette: Palette,
    *,
    revealed: bool,
    height: int,
) -> go.Figure:
    """Return the map with one row marked and, once revealed, lines to its neighbours."""
    figure = map_figure(
        xy, palette.series[-1], titles, palette, height=height, opacity=0.35 if revealed else 1.0
    )
    if revealed:
        for name, places, colour, symbol, dash in (
            ("true and near", found.true, palette.primary, "circle", "solid"),
            ("true, but elsewhere", found.missing, palette.keyword, "circle", "solid"),
            ("near, but not true", found.false, palette.bad, "x", "dot"),
        ):
            _lines(figure, xy, found.place, places, colour, dash)
            figure.add_trace(
                go.Scatter(
                    x=xy[list(places), 0],
                    y=xy[list(places), 1],
                    mode="markers",
                    name=f"{name}: {len(places)}",
                    marker={"size": 10, "color": colour, "symbol": symbol},
                    text=[escaped(titles[place]) for place in places],
                    hovertemplate="%{text}<extra></extra>",
                )
            )
        figure.update_layout(margin={"b": 34}, showlegend=True)
    figure.add_trace(
        go.Scatter(
            x=[xy[found.place, 0]],
            y=[xy[found.place, 1]],
            mode="markers",
            marker={
                "size": 16, "symbol": "star", "color": palette.text,
                "line": {"width": 1, "color": palette.background},
            },
            text=[escaped(titles[found.place])],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    )  # fmt: skip
    return figure


def _lines(
    figure: go.Figure, xy: Floats, place: int, others: Sequence[int], colour: str, dash: str
) -> None:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for other in others:
        xs += [float(xy[place, 0]), float(xy[other, 0]), None]
        ys += [float(xy[place, 1]), float(xy[other, 1]), None]
    figure.add_trace(
        go.Scatter(
            x=xs, y=ys, mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": colour, "width": 1.5, "dash": dash},
        )
    )  # fmt: skip


def grid_figure(
    kept: NDArray[np.float64],
    neighbors: Sequence[int],
    min_dists: Sequence[float],
    chosen: tuple[int, float],
    palette: Palette,
) -> go.Figure:
    """Return what each map of the grid keeps: a row for each n_neighbors, a column for min_dist.

    `kept` has shape (rows, columns), shares from 0 to 1.
    """
    figure = go.Figure(
        go.Heatmap(
            x=[f"{value:g}" for value in min_dists],
            y=[str(value) for value in neighbors],
            z=kept,
            zmin=0,
            zmax=max(0.6, float(np.nanmax(kept))),
            colorscale=[[step / 9, colour] for step, colour in enumerate(palette.scale)],
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="n_neighbors %{y}, min_dist %{x}: %{z:.1%}<extra></extra>",
        )
    )
    top = max(0.6, float(np.nanmax(kept)))
    for y, row in enumerate(kept):
        for x, share in enumerate(row):
            strong = share / top > 0.55
            figure.add_annotation(
                x=x, y=y, text=f"{share:.0%}", showarrow=False,
                font={"size": 13, "color": palette.background if strong else palette.text},
            )  # fmt: skip
    x, y = min_dists.index(chosen[1]), neighbors.index(chosen[0])
    figure.add_shape(
        type="rect", x0=x - 0.48, x1=x + 0.48, y0=y - 0.47, y1=y + 0.47,
        line={"color": palette.keyword, "width": 3},
    )  # fmt: skip
    axis = {"type": "category", "fixedrange": True, "showgrid": False, "ticks": ""}
    figure.update_xaxes(**axis, title="min_dist")
    figure.update_yaxes(**axis, title="n_neighbors")
    figure.update_layout(
        height=230,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def gaps_figure(groups: Groups, unit: str, palette: Palette) -> go.Figure:
    """Return a point for each pair of groups: their true gap against the gap on the map."""
    figure = go.Figure(
        go.Scatter(
            x=groups.true_gaps,
            y=groups.map_gaps,
            mode="markers",
            marker={"size": 8, "color": palette.primary, "opacity": 0.85},
            customdata=groups.pairs + 1,
            hovertemplate="groups %{customdata[0]} and %{customdata[1]}<br>truly %{x:.3g}, on the "
            "map %{y:.3g}<extra></extra>",
        )
    )
    figure.update_xaxes(title=f"True gap: {unit} distance of the centres", fixedrange=True,
                        rangemode="tozero", gridcolor=palette.border, zeroline=False)  # fmt: skip
    figure.update_yaxes(title="Gap on the map", fixedrange=True, rangemode="tozero",
                        gridcolor=palette.border, zeroline=False)  # fmt: skip
    figure.update_layout(
        height=300,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
    )
    return figure
