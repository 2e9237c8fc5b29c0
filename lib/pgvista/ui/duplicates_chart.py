"""How far each row's nearest neighbour is: the histogram to choose a threshold with."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pgvista.model.duplicates import DuplicateScan
from pgvista.ui.theme import palette

BINS = 60
HEIGHT_PX = 210


def nearest_histogram(scan: DuplicateScan, threshold: float) -> None:
    """Draw the distances to the nearest other row; those within the threshold stand out."""
    found = scan.nearest[~np.isnan(scan.nearest)]
    if not len(found):
        return
    colours = palette()
    end = max(float(found.max()), scan.ceiling)
    counts, edges = np.histogram(found, bins=BINS, range=(0.0, end))
    middle = (edges[:-1] + edges[1:]) / 2
    near = int(np.count_nonzero(found <= threshold))
    figure = go.Figure(
        go.Bar(
            x=middle,
            y=counts,
            width=np.diff(edges) * 0.9,
            marker={
                "color": [colours.primary if x <= threshold else colours.muted for x in middle],
                "opacity": [1.0 if x <= threshold else 0.45 for x in middle],
                "line": {"width": 0},
            },
            hovertemplate="%{y:,} rows at about %{x:.3f}<extra></extra>",
        )
    )
    figure.add_vline(x=threshold, line={"color": colours.text, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={
            "title": f"Distance to the nearest other row ({scan.metric.label})",
            "range": [0, end],
            "fixedrange": True,
        },
        yaxis={"title": "Rows", "fixedrange": True},
        showlegend=False,
    )
    st.plotly_chart(
        figure,
        key="duplicates_histogram",
        config={"displayModeBar": False},
        alt=f"Histogram of the distances to the nearest other row: {near:,} of {len(found):,} rows "
        f"have one within {threshold:.3f}.",
    )
