"""The charts of the lesson Keyword search: rows that match, and how a frequency saturates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pgvista.science.bm25 import Bm25Terms, saturated
from pgvista.services.lesson_keyword import Bm25Counts, MatchCounts
from pgvista.ui.theme import Palette, palette

_MOST_NAME = 24


def match_chart(counts: MatchCounts, rows: str, *, key: str) -> None:
    """Draw how many of `rows` hold each word, any word, and every word."""
    st.plotly_chart(
        match_figure(counts, rows, palette()),
        key=key,
        config={"displayModeBar": False},
        alt="Rows that match: "
        + ", ".join(f"{lexeme} {found:,}" for lexeme, found in counts.each)
        + f"; any word {counts.rows_any:,}, every word {counts.rows_all:,}, of {rows}.",
    )


def match_figure(counts: MatchCounts, rows: str, colours: Palette) -> go.Figure:
    """Return bars of rows: a pale one for each lexeme, then any word and every word."""
    bars = [
        *((_cut(lexeme), found, 0.45) for lexeme, found in counts.each),
        ("any word", counts.rows_any, 1.0),
        ("every word", counts.rows_all, 1.0),
    ]
    figure = go.Figure(
        go.Bar(
            x=[found for _, found, _ in bars],
            y=list(range(len(bars))),
            orientation="h",
            marker={"color": colours.keyword, "opacity": [opacity for *_, opacity in bars]},
            text=[f"{found:,}" for _, found, _ in bars],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_layout(
        height=70 + 26 * len(bars),
        margin={"l": 8, "r": 40, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        bargap=0.3,
    )
    figure.update_xaxes(
        title=f"Rows that match, of {rows}",
        rangemode="tozero",
        fixedrange=True,
        gridcolor=colours.border,
    )
    figure.update_yaxes(
        tickvals=list(range(len(bars))),
        ticktext=[_escape(name) for name, *_ in bars],
        autorange="reversed",
        fixedrange=True,
    )
    return figure


def saturation_chart(counts: Bm25Counts, found: Bm25Terms, k1: float, *, key: str) -> None:
    """Draw what a frequency counts in the row shown, with the row's lexemes on the curve."""
    st.plotly_chart(
        saturation_figure(counts, found, k1, palette()),
        key=key,
        config={"displayModeBar": False},
        alt=f"What a frequency counts at k1 {k1:g} and length factor {found.norm:.2f}: once "
        f"{saturated([1], found.norm, k1)[0]:.2f}, ten times "
        f"{saturated([10], found.norm, k1)[0]:.2f}, never more than {k1 + 1:.2f}.",
    )


def saturation_figure(
    counts: Bm25Counts, found: Bm25Terms, k1: float, colours: Palette
) -> go.Figure:
    """Return the curve f * (k1 + 1) / (f + k1 * norm), its limit, and the lexemes' points."""
    there = counts.frequencies > 0
    most = max(10.0, float(counts.frequencies.max(initial=0)) + 1)
    x = np.linspace(0, most, 101)
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=saturated(x, found.norm, k1),
        mode="lines",
        line={"color": colours.keyword, "width": 2.5},
        hovertemplate="%{x:.1f} times counts %{y:.2f}<extra></extra>",
    )
    figure.add_hline(
        y=k1 + 1,
        line={"color": colours.muted, "width": 1, "dash": "dot"},
        annotation={
            "text": f"limit k1 + 1 = {k1 + 1:.2f}",
            "font": {"color": colours.muted, "size": 12},
            "xanchor": "right",
            "x": 1,
            "yanchor": "bottom",
        },
    )
    figure.add_scatter(
        x=counts.frequencies[there],
        y=found.saturation[there],
        mode="markers+text",
        text=_labels(counts),
        textposition=_sides(counts),
        textfont={"color": colours.text},
        marker={
            "size": 11,
            "color": colours.keyword,
            "line": {"width": 1.5, "color": colours.text},
        },
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(
        height=265,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
    )
    figure.update_xaxes(
        title="Times that a lexeme is in the row (f)", fixedrange=True, showgrid=False, dtick=2
    )
    figure.update_yaxes(
        title="What it counts",
        range=[0, 4.3],
        fixedrange=True,
        gridcolor=colours.border,
    )
    return figure


def _labels(counts: Bm25Counts) -> list[str]:
    """Return the names at the points; lexemes of one frequency share a point, and its first label."""
    named: dict[float, list[str]] = {}
    for lexeme, f in zip(counts.lexemes, counts.frequencies.tolist(), strict=True):
        if f > 0:
            named.setdefault(f, []).append(_cut(lexeme))
    return [
        _escape(_listed(named.pop(f, [])))
        for f in counts.frequencies[counts.frequencies > 0].tolist()
    ]


def _sides(counts: Bm25Counts) -> list[str]:
    """Return where the labels stand: below and above the curve in turn, so that none is covered."""
    there = counts.frequencies[counts.frequencies > 0].tolist()
    order = {f: place for place, f in enumerate(sorted(set(there)))}
    return [("bottom right", "top center")[order[f] % 2] for f in there]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_NAME else text[: _MOST_NAME - 1] + "…"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
