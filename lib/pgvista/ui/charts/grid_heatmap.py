"""The heat map of a grid: a row for each fusion, a column for each weight, the value in each cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go
import streamlit as st

from pgvista.model.evaluation_grid import Grid, GridCell
from pgvista.ui.theme import Palette, palette

CELL_PX = 30
_TOP_PX, _BOTTOM_PX = 34, 46
_BREAKS = {"distribution-based": "distribution"}
"""Method names too long for an axis."""


def grid_heatmap(
    grid: Grid, rank_name: str, *, value: Callable[[GridCell], float], key: str
) -> None:
    """Draw the fusions that rank words by `rank_name`; all maps of a grid share one scale.

    The best setting has a full frame, the present one a dotted frame.
    """
    cells = [cell for cell in grid.cells if cell.setting.rank_name == rank_name]
    figure = heatmap_figure(grid, cells, value=value, colours=palette())
    figure.update_layout(title={"text": rank_name, "font": {"size": 14}, "x": 0, "xanchor": "left"})
    highest = max(cells, key=value)
    st.plotly_chart(
        figure,
        key=key,
        config={"displayModeBar": False},
        alt=f"Heat map of {grid.measure} with words ranked by {rank_name}: {len(cells)} settings "
        f"from {min(map(value, cells)):.3f} to {value(highest):.3f}, the highest for "
        f"{highest.setting.label}.",
    )


def heatmap_figure(
    grid: Grid,
    cells: Sequence[GridCell],
    *,
    value: Callable[[GridCell], float],
    colours: Palette,
) -> go.Figure:
    """Return the map of `cells`, coloured from the lowest to the highest of all fusions."""
    methods = list(dict.fromkeys(cell.setting.method_name for cell in cells))[::-1]
    shares = sorted({cell.setting.semantic_share or 0.0 for cell in cells})
    columns = [f"{share:g}" for share in shares]
    by_place = {(c.setting.method_name, c.setting.semantic_share): c for c in cells}
    everything = [value(cell) for cell in grid.cells]
    low, high = min(everything), max(everything)
    rows = [[by_place.get((method, share)) for share in shares] for method in methods]
    names = [_BREAKS.get(method, method) for method in methods]
    figure = go.Figure(
        go.Heatmap(
            x=columns,
            y=names,
            z=[[None if cell is None else value(cell) for cell in row] for row in rows],
            zmin=low,
            zmax=high if high > low else low + 1e-9,
            colorscale=[[i / 9, colour] for i, colour in enumerate(colours.scale)],
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=[[c.setting.label if c else "" for c in row] for row in rows],
            hovertemplate="%{customdata}<br>" + grid.measure + " %{z:.4f}<extra></extra>",
        )
    )
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell is None:
                continue
            share = (value(cell) - low) / (high - low) if high > low else 0.0
            figure.add_annotation(
                x=x,
                y=y,
                text=short(value(cell)),
                showarrow=False,
                font={"size": 11, "color": _ink(share, colours)},
            )
            if cell.setting == grid.present.setting:
                _frame(figure, x, y, colours.background, 4.5, "solid")
                _frame(figure, x, y, colours.text, 1.5, "dot")
            if cell.setting == grid.best.setting:
                _frame(figure, x, y, colours.background, 7.0, "solid")
                _frame(figure, x, y, colours.keyword, 3.0, "solid")
    figure.update_layout(
        height=_TOP_PX + _BOTTOM_PX + CELL_PX * max(1, len(methods)),
        margin={"l": 4, "r": 4, "t": _TOP_PX, "b": _BOTTOM_PX},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    ink = {"color": colours.muted, "size": 12}
    axis = {"type": "category", "fixedrange": True, "showgrid": False, "ticks": "", "tickfont": ink}
    across = {"text": "Semantic share", "standoff": 6, "font": ink}
    figure.update_xaxes(**axis, title=across)
    figure.update_yaxes(**axis, automargin=True, title={**across, "text": "Fusion"})
    return figure


def _frame(figure: go.Figure, x: int, y: int, colour: str, width: float, dash: str) -> None:
    """Draw a frame about the cell in column `x` and row `y`."""
    figure.add_shape(
        type="rect",
        x0=x - 0.46,
        x1=x + 0.46,
        y0=y - 0.43,
        y1=y + 0.43,
        line={"color": colour, "width": width, "dash": dash},
    )


def short(value: float) -> str:
    """Write a value from 0 to 1 so that it fits a cell: ``.812``, ``1.00``."""
    return f"{value:.2f}" if value >= 0.9995 else f"{value:.3f}".removeprefix("0")


def _ink(share: float, colours: Palette) -> str:
    """Return the colour of a figure that is best read on its cell."""
    cell = colours.scale[min(9, round(share * 9))]
    return max((colours.text, colours.background), key=lambda ink: _contrast(ink, cell))


def _contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it, 1 to 21."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
