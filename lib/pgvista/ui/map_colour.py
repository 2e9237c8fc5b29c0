"""What the map's points are coloured by: a byte a point, and a legend that says what it means."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.filters import split_key
from pgvista.model.map import Floats, MapScores
from pgvista.services.map_files import values_of
from pgvista.services.rows import metadata_keys
from pgvista.ui.components.map_plot import pack_colours
from pgvista.ui.map_state import COLOUR, KEY, OpenMap, hidden, text

TOP = 20
"""Categories with a colour of their own; the others share one."""
NONE = 255
HIDDEN = 254
"""The code of a point that is not to be seen."""
_LEVELS = 253
_FEW_NUMBERS = 12
"""Numbers of at most so many different values are categories."""

CLUSTER, KEPT, DISTANCE, SCORE, PLAIN = "cluster", "kept", "distance", "score", "plain"
FIXED = {
    CLUSTER: "Cluster",
    KEPT: "Map error: neighbours kept",
    DISTANCE: "True distance to the query",
    SCORE: "Score of the search",
    PLAIN: "One colour",
}
ASKED = {
    DISTANCE: "Type a query or click a point: distances are measured from it.",
    SCORE: "Type a query: its best rows are coloured by their score.",
}
"""What is coloured by the query, and what is said as long as there is none."""
COLUMN = "column:"
"""Leads the name of a column or of a key of the metadata."""

LEGEND, LABELS, CONTOURS = "Legend", "Cluster labels", "Density"
SHOWN = (LEGEND, LABELS, CONTOURS)

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Colouring:
    """A code a point and what the codes mean; `header` is what the browser is told."""

    codes: Codes = field(repr=False)
    header: dict[str, Any]


def choices(db: Database, collection: Collection) -> dict[str, str]:
    """Return what the points can be coloured by, and its name for people."""
    names = [column.name for column in collection.columns]
    names += [
        "".join(split_key(key)) if key else key  # one name as it is: its dots lead nowhere
        for key, kind in metadata_keys(db, collection)
        if kind not in ("object", "array")
    ]
    named = {f"{COLUMN}{name}": name for name in dict.fromkeys(names)}
    return {CLUSTER: FIXED[CLUSTER], **named, **{k: v for k, v in FIXED.items() if k != CLUSTER}}


def colours(
    db: Database,
    collection: Collection,
    shown: OpenMap,
    distances: Floats | None = None,
    scores: MapScores | None = None,
) -> bytes:
    """Return the colours chosen, as the browser takes them.

    `distances` are those of all points to the query, and `scores` its own, where they are asked for.
    """
    chosen = st.session_state.get(COLOUR) or CLUSTER
    points = shown.saved.points
    if chosen == KEPT:
        made = by_number(
            points.kept.astype(float), "Neighbours kept", limits=(0.0, 1.0), reverse=True
        )
    elif chosen == DISTANCE and distances is not None:
        made = by_number(distances.astype(float), "True distance", reverse=True)
    elif chosen == SCORE and scores is not None:
        made = by_number(
            scores.values.astype(float),
            f"Score of the {scores.mode} search",
            none=f"not among the best {scores.limit:,} rows",
        )
    elif chosen.startswith(COLUMN):
        name = chosen.removeprefix(COLUMN)
        if name not in shown.values:
            shown.values[name] = values_of(db, collection, shown.saved, name)
        made = by_values(shown.values[name], name)
    elif chosen == CLUSTER:
        made = by_cluster(shown)
    else:
        told = "" if text() else ASKED.get(chosen, "")
        made = Colouring(np.zeros(len(points), np.uint8), {"kind": "none", "title": told})
    if veiled := hidden():
        places = [place for place in map(shown.place, veiled) if place >= 0]
        made.codes[places] = HIDDEN
    header = {
        "key": KEY,
        "token": shown.token,
        **made.header,
        "labels": _labels(shown),
    }
    version = hashlib.blake2b(repr(header).encode() + made.codes.tobytes(), digest_size=8)
    return pack_colours({**header, "version": version.hexdigest()}, made.codes)


def by_cluster(shown: OpenMap) -> Colouring:
    """Colour by cluster; points in none have no value. Where there is no cluster, in one colour."""
    if not shown.saved.info.clusters:
        return Colouring(np.zeros(len(shown.saved.points), np.uint8), {"kind": "none", "title": ""})
    names = {str(item.number): item.label for item in shown.saved.info.clusters}
    found = [str(number) if number >= 0 else None for number in shown.saved.points.cluster.tolist()]
    made = by_category(found, "Cluster", none="in no cluster")
    for row in made.header["legend"]:  # two clusters may have the same words
        row[0] = names.get(row[0], row[0])
    return made


def by_values(values: Sequence[str | None], title: str) -> Colouring:
    """Colour by what was read as text: by number where all are numbers, else by category."""
    numbers = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if value is None:
            continue
        try:
            numbers[i] = float(value)
        except ValueError:
            return by_category(values, title)
    there = numbers[np.isfinite(numbers)]
    if len(np.unique(there)) <= _FEW_NUMBERS:
        return by_category(values, title)
    return by_number(numbers, title)


def by_category(
    values: Sequence[str | None], title: str, *, none: str = "without a value"
) -> Colouring:
    """Colour the `TOP` most frequent values, the others together, and leave None without."""
    counts = Counter(value for value in values if value is not None)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    code_of = {value: i for i, (value, _) in enumerate(ranked[:TOP])}
    codes = np.fromiter(
        (NONE if value is None else code_of.get(value, TOP) for value in values),
        np.uint8,
        len(values),
    )
    legend: list[list[Any]] = [
        [value[:80] or "(empty)", count, code_of[value], False] for value, count in ranked[:TOP]
    ]
    if len(ranked) > TOP:
        others = sum(count for _, count in ranked[TOP:])
        legend.append([f"{len(ranked) - TOP:,} others", others, TOP, True])
    empty = len(values) - counts.total()
    return Colouring(
        codes,
        {"kind": "category", "title": title, "legend": legend, "empty": int(empty), "none": none},
    )


def by_number(
    values: NDArray[np.float64],
    title: str,
    *,
    limits: tuple[float, float] | None = None,
    reverse: bool = False,
    none: str = "without a value",
) -> Colouring:
    """Colour by number in 254 steps: large ones stand out, with `reverse` small ones."""
    there = np.isfinite(values)
    low, high = limits or (
        (float(values[there].min()), float(values[there].max())) if there.any() else (0.0, 1.0)
    )
    codes = np.full(len(values), NONE, np.uint8)
    width = high - low
    share = (values[there] - low) / width if width > 0 else np.zeros(int(there.sum()))
    codes[there] = np.rint(np.clip(share, 0, 1) * _LEVELS).astype(np.uint8)
    return Colouring(
        codes,
        {
            "kind": "number",
            "title": title,
            "legend": [],
            "low": low,
            "high": high,
            "ends": [f"{low:.4g}", f"{high:.4g}"],
            "reverse": reverse,
            "empty": int((~there).sum()),
            "none": none,
        },
    )


def _labels(shown: OpenMap) -> list[list[Any]]:
    return [
        [*(round(float(v), 4) for v in item.xy), item.label[:60]]
        for item in shown.saved.info.clusters
        if all(math.isfinite(v) for v in item.xy)
    ]
