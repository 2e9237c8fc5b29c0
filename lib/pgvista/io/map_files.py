"""A map as a file: one HTML page without anything outside of it, SVG, or Parquet."""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import InvalidInput
from pgvista.model import series
from pgvista.model.map import SavedMap
from pgvista.model.map_words import rows_in_words

SYMBOLS = ("circle", "diamond", "square")
"""The shape of the first categories, of as many more, and so on: each has its own colour and shape."""
NAMED = len(series.LIGHT) * len(SYMBOLS)
"""How many categories have a sign of their own."""
SCALE = "Cividis"
TEXT_LENGTH = 120
_NUMERIC_FROM = 12
"""A column of numbers with more different ones than this is coloured by a scale."""
_SVG_SIZE = 1_200


@dataclass(frozen=True, slots=True)
class Colours:
    """What the points of a map are coloured by."""

    title: str
    codes: NDArray[np.int32] | None = None
    """A category of each point, shape (n,); -1: another one."""
    names: tuple[str, ...] = ()
    """The categories' names."""
    values: NDArray[np.float32] | None = None
    """A number of each point, shape (n,), for a colour scale; NaN for none."""


def by_cluster(saved: SavedMap) -> Colours:
    """Return the colours of the map's clusters; of many the smallest are told as others."""
    names = tuple(label.label for label in saved.info.clusters)
    if others := len(names) - NAMED if len(names) > NAMED else 0:
        names = (*names[:NAMED], f"{others} other{'s' * (others > 1)}")
    return Colours("cluster", np.minimum(saved.points.cluster, NAMED), names)


def by_values(title: str, values: Sequence[str | None]) -> Colours:
    """Return colours for a column as text: a scale for many numbers, else the 27 largest categories."""
    numbers = _numbers(values)
    if numbers is not None and len(np.unique(numbers[~np.isnan(numbers)])) > _NUMERIC_FROM:
        return Colours(title, values=numbers)
    counted = Counter(value for value in values if value is not None)
    if not counted:
        raise InvalidInput(
            f"No row on the map has a value of {title!r}.", "Colour by another column or key."
        )
    chosen = [name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    chosen = chosen[:NAMED]
    number = {name: place for place, name in enumerate(chosen)}
    codes = np.array([number.get(value or "", -1) for value in values], dtype=np.int32)
    return Colours(title, codes, tuple(chosen))


def map_parquet(saved: SavedMap, texts: Mapping[str, str] | None = None) -> bytes:
    """Return the points as Parquet: id, x, y, label, cluster, kept, is_new, neighbours, distances.

    `neighbours` holds ids, nearest first. With `texts` by id there is a column `text`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    points = saved.points
    labels = {label.number: label.label for label in saved.info.clusters}
    ids = np.array(points.ids, dtype=object)
    there = points.neighbours >= 0
    columns: dict[str, Any] = {
        "id": pa.array(points.ids, pa.string()),
        "x": points.xy[:, 0],
        "y": points.xy[:, 1],
        "label": pa.array([labels.get(int(number)) for number in points.cluster], pa.string()),
        "cluster": points.cluster,
        "kept": points.kept,
        "is_new": points.is_new,
        "neighbours": pa.array(
            [ids[row[held]].tolist() for row, held in zip(points.neighbours, there, strict=True)],
            pa.list_(pa.string()),
        ),
        "distances": pa.array(
            [row[held].tolist() for row, held in zip(points.distances, there, strict=True)],
            pa.list_(pa.float32()),
        ),
    }
    if texts is not None:
        columns["text"] = pa.array([texts.get(row_id) for row_id in points.ids], pa.string())
    told = {"pgvista": json.dumps({"name": saved.info.name, **saved.info.spec.to_dict()})}
    written = BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(told), written, compression="zstd")
    return written.getvalue()


def map_html(
    saved: SavedMap,
    title: str,
    sentences: Sequence[str],
    *,
    texts: Mapping[str, str] | None = None,
    colours: Colours | None = None,
) -> str:
    """Return one HTML page with the map, to be opened anywhere: it loads nothing from outside.

    Hovering shows the id and the beginning of the text, where `texts` by id are given; pictures can
    be saved as PNG and SVG. `sentences` stand below the map.
    """
    points = saved.points
    coloured = colours or by_cluster(saved)
    hover = [(texts or {}).get(row_id, "")[:TEXT_LENGTH] for row_id in points.ids]
    data = {
        "n": len(points),
        "xy": base64.b64encode(np.ascontiguousarray(points.xy, "<f4").tobytes()).decode(),
        "ids": list(points.ids),
        "texts": hover if any(hover) else None,
        "codes": None if coloured.codes is None else coloured.codes.tolist(),
        "names": list(coloured.names),
        "values": None if coloured.values is None else _json_numbers(coloured.values),
        "colour_by": coloured.title,
        "labels": [
            {"x": label.xy[0], "y": label.xy[1], "text": label.label}
            for label in saved.info.clusters[:40]
        ],
        "light": [*series.LIGHT, series.LIGHT_OTHER],
        "dark": [*series.DARK, series.DARK_OTHER],
        "symbols": SYMBOLS,
        "scale": SCALE,
    }
    here = files("pgvista.io") / "data" / "map"
    page = (here / "page.html").read_text("utf-8")
    plotly = (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")
    filled = {
        "TITLE": html.escape(title),
        "TITLE_AGAIN": html.escape(title),
        "ALT": html.escape(f"Map: {title}. {subtitle(saved)}"),
        "SUBTITLE": html.escape(subtitle(saved)),
        "SENTENCES": "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences),
        # what ends a script inside of one, or begins a comment, must not stand in it
        "DATA": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "SCRIPT": (here / "page.js").read_text("utf-8"),
        "PLOTLY": plotly.replace("</script", "<\\/script"),
    }
    # in one pass: nothing that was filled in is taken for a hole
    return re.sub(r"/\*([A-Z_]+)\*/", lambda hole: filled[hole[1]], page)


def map_svg(saved: SavedMap, title: str, *, colours: Colours | None = None) -> str:
    """Return the map as a picture in SVG, with its title and the labels of its clusters."""
    points, coloured = saved.points, colours or by_cluster(saved)
    low = points.xy.min(axis=0)
    span = float((points.xy.max(axis=0) - low).max()) or 1.0
    room = 40
    at = (points.xy - low) / span * (_SVG_SIZE - 2 * room) + room
    at[:, 1] = _SVG_SIZE - at[:, 1]
    radius = max(0.8, min(4.0, 120 / max(1.0, len(points)) ** 0.5))
    colour = _fill(coloured, len(points))
    codes = np.full(len(points), -1) if coloured.codes is None else coloured.codes
    dots = "".join(
        _dot(x, y, radius, fill, int(code) // len(series.LIGHT))
        for (x, y), fill, code in zip(at, colour, codes, strict=True)
    )
    names = "".join(
        f'<text x="{(label.xy[0] - low[0]) / span * (_SVG_SIZE - 2 * room) + room:.0f}" '
        f'y="{_SVG_SIZE - ((label.xy[1] - low[1]) / span * (_SVG_SIZE - 2 * room) + room):.0f}">'
        f"{html.escape(label.label)}</text>"
        for label in saved.info.clusters[:40]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -50 {_SVG_SIZE} {_SVG_SIZE + 50}" '
        f'font-family="sans-serif"><title>{html.escape(title)}</title>'
        f'<rect y="-50" width="{_SVG_SIZE}" height="{_SVG_SIZE + 50}" fill="#ffffff"/>'
        f'<text x="40" y="-15" font-size="26" fill="#1c2430">{html.escape(title)}</text>'
        f'<g fill-opacity="0.75">{dots}</g><g font-size="15" text-anchor="middle" fill="#1c2430" '
        f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{names}</g></svg>\n'
    )


def subtitle(saved: SavedMap) -> str:
    """Say what a map is made of, in one line."""
    info, quality = saved.info, saved.info.quality
    parts = [f"{info.spec.method.label} of {rows_in_words(info)}"]
    parts += [f"{info.metric.label} distance", f"seed {info.spec.seed}"]
    if quality.k:
        parts.append(
            f"{100 * quality.kept:.0f} % of {quality.k} neighbours kept "
            f"(random {100 * quality.kept_random:.2g} %)"
        )
    return " · ".join(parts)


def _dot(x: float, y: float, radius: float, fill: str, shape: int) -> str:
    """Return a point as the shape of that place in `SYMBOLS`; a circle beyond them."""
    if shape not in (1, 2):
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}"/>'
    half = 0.9 * radius  # as much ink as the circle
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == 1 else ""
    return (
        f'<rect x="{x - half:.1f}" y="{y - half:.1f}" width="{2 * half:.1f}" '
        f'height="{2 * half:.1f}" fill="{fill}"{turn}/>'
    )


def _fill(coloured: Colours, count: int) -> list[str]:
    if coloured.codes is not None:
        several = len(series.LIGHT)
        return [
            series.LIGHT[code % several] if 0 <= code < NAMED else series.LIGHT_OTHER
            for code in coloured.codes
        ]
    if coloured.values is None:
        return [series.LIGHT[0]] * count
    from plotly.colors import sample_colorscale

    known = ~np.isnan(coloured.values)
    low, high = coloured.values[known].min(), coloured.values[known].max()
    share = np.where(known, (coloured.values - low) / ((high - low) or 1.0), 0.0)
    found: list[str] = sample_colorscale(SCALE, share.tolist())
    return [fill if there else series.LIGHT_OTHER for fill, there in zip(found, known, strict=True)]


def _numbers(values: Sequence[str | None]) -> NDArray[np.float32] | None:
    """Return values as numbers, shape (n,), NaN for none; None when one of them is none at all."""
    try:
        found = np.array(
            [np.nan if value is None else float(value) for value in values], dtype=np.float32
        )
    except ValueError:
        return None
    return None if np.isnan(found).all() or np.isinf(found).any() else found


def _json_numbers(values: NDArray[np.float32]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
