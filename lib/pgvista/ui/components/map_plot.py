"""The map in the browser: points drawn once by WebGL, their colours, and what lies over them.

Parts that find each other in the page: the points (a message of some bytes a point, sent once), which
hand back what was clicked and selected; the colours (a byte a point); how they look (some switches);
the overlay (some hundred bytes), which holds what the query's card says too. What lies over the points
is a figure of its own that follows them: Plotly draws all of a figure anew for each change. Zoom and
selection stay as they are. Plotly's own script comes from its package, and nothing from outside.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.components.v1 import declare_component
from streamlit.components.v2.types import ComponentRenderer

from pgvista.model.map import MapPoints

Bytes = NDArray[np.uint8]


def _messenger(name: str) -> ComponentRenderer:
    """Register a part that draws nothing itself: its script alone, since it is sent each time."""
    return st.components.v2.component(f"pgvista.{name}", js=_asset(f"{name}.js"))


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text("utf-8")


_colours = _messenger("map_colours")
_look = _messenger("map_look")
_overlay = _messenger("map_overlay")
_titles = _messenger("map_titles")


@dataclass(frozen=True, slots=True)
class MapEvent:
    """What a person did on the map: ``click`` with one id, or ``select`` with all or none."""

    type: str
    ids: tuple[str, ...]


def plotly_script() -> None:
    """Have the page fetch Plotly's script, once; call it first, outside of any fragment.

    A component would begin to fetch it only when all of the page is drawn. The map has it run once
    the first picture is on the screen: that takes most of a second, in which nothing else is drawn.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    root = f"/{base}" if base else ""
    src = f"{root}/component/{_plotly_folder()}/plotly.min.js?v={version('plotly')}"
    load = _asset("plotly_script.js").strip().removesuffix(";")
    told = json.dumps(src).replace("</", "<\\/")
    st.html(f"<script>({load})({told})</script>", unsafe_allow_javascript=True)


def map_points(
    payload: bytes,
    *,
    key: str,
    token: str = "",
    happened: Callable[[MapEvent], None] | None = None,
) -> None:
    """Draw the points; `payload` is what `pack_points` made.

    `happened` is called before the script runs, like a button's callback, where the payload was packed
    with `acts`. An event of another map than that of `token` is dropped.
    """
    state: Any = st.session_state

    def take() -> None:
        event = read_event((state.get(key) or {}).get("event"), token)
        if event is not None and happened is not None:
            happened(event)

    _points()(key=key, data=payload, on_event_change=take)


def map_colours(payload: bytes, *, key: str) -> None:
    """Colour the points; `payload` is what `pack_colours` made."""
    _colours(key=key, data=payload)


def map_look(look: Mapping[str, Any], *, key: str) -> None:
    """Say whether there are a `legend`, the clusters' `labels` and contours of the `density`, which the
    browser works out; the points' size comes from a slider of the page by the event ``<key>.size``.
    """
    _look(key=key, data=dict(look), width="content")


def map_overlay(payload: bytes, *, key: str) -> None:
    """Draw lines, marks and a halo over the points; `payload` is what `pack_overlay` made."""
    _overlay(key=key, data=payload)


def map_query(map_key: str, *, key: str) -> None:
    """Draw the query's card, once: what it says comes with the overlay."""
    _query()(key=key, data={"key": map_key})


def map_titles(
    key: str, token: str, row_id: str | None, title: str | None, *, asked: Callable[[str], None]
) -> None:
    """Hand the map the title of a row, and take the id of the row that the pointer rests on.

    `asked` is called before the script runs. Draw it in a fragment of its own: a title is asked for
    often, and nothing else is to be drawn for it.
    """
    state: Any = st.session_state
    name = f"{key}_titles"

    def take() -> None:
        sent = (state.get(name) or {}).get("asked")
        if (
            isinstance(sent, dict)
            and sent.get("token") == token
            and isinstance(sent.get("id"), str)
        ):
            asked(sent["id"])

    data = {"key": key, "token": token, "id": row_id, "title": title}
    _titles(key=name, data=data, on_asked_change=take)


def read_event(sent: object, token: str) -> MapEvent | None:
    """Return what the browser sent as an event; None for anything else, or of another map."""
    if not isinstance(sent, dict) or sent.get("token") != token:
        return None
    kind, ids = sent.get("type"), sent.get("ids")
    if kind not in ("click", "select") or not isinstance(ids, list):
        return None
    if not all(isinstance(item, str) for item in ids) or (kind == "click" and len(ids) != 1):
        return None
    return MapEvent(kind, tuple(ids))


def pack_points(
    points: MapPoints,
    *,
    key: str,
    token: str,
    alt: str,
    file: str,
    titles: Sequence[str] = (),
    series: str = "",
    acts: bool = False,
) -> bytes:
    """Pack positions and ids: 8 bytes a point and the length of its id.

    `token` names these very points; `titles` are shown on hovering, as many as there are points.
    Points of one `series` are the same rows at other positions: they move there. With `acts` clicks
    and selections are sent back.
    """
    blocks: dict[str, tuple[str, bytes]] = {
        "x": ("f4", np.ascontiguousarray(points.xy[:, 0], dtype="<f4").tobytes()),
        "y": ("f4", np.ascontiguousarray(points.xy[:, 1], dtype="<f4").tobytes()),
        "ids": ("text", "\0".join(points.ids).encode()),
    }
    if titles:
        blocks["titles"] = ("text", "\0".join(titles).encode())
    header = {
        "key": key,
        "token": token,
        "series": series,
        "alt": alt,
        "file": file,
        "acts": acts,
        "added": np.flatnonzero(points.is_new).tolist(),
        "blocks": [[name, kind, len(data)] for name, (kind, data) in blocks.items()],
    }
    return _headed(header) + b"".join(data for _, data in blocks.values())


def pack_colours(header: Mapping[str, Any], codes: Bytes) -> bytes:
    """Pack a code a point: 0 to 253, 254 for hidden, 255 for none; `header` says what they mean."""
    return _headed(header) + np.ascontiguousarray(codes, dtype=np.uint8).tobytes()


def pack_overlay(overlay: Mapping[str, Any]) -> bytes:
    """Pack what lies over the points and what is said of it: compressed, since it is mostly text."""
    text = json.dumps(overlay, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "replace"), 9)


def _headed(header: Mapping[str, Any]) -> bytes:
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return struct.pack("<I", len(text)) + text


@lru_cache(maxsize=1)
def _plotly_folder() -> str:
    """Let Streamlit serve Plotly's script as a file, which browsers keep: 4.6 MB; return its place."""
    folder = resources.files("plotly").joinpath("package_data")
    declared = declare_component("plotly", path=str(folder))
    return str(declared.name)


@lru_cache(maxsize=1)
def _points() -> ComponentRenderer:
    return _global(
        "map_points",
        ("map_tip.js", "map_legend.js", "map_density.js", "map_sketch.js", "map_plot.js"),
        "map_plot.css",
    )


@lru_cache(maxsize=1)
def _query() -> ComponentRenderer:
    return _global("map_query", ("map_query.js",), "map_query.css")


def _global(name: str, scripts: Sequence[str], style: str) -> ComponentRenderer:
    """Register a part whose styles are the page's.

    Plotly puts its style sheet into the page's head, which a shadow root does not see; and the card
    of a query lets the frame around it go while there is none.
    """
    return st.components.v2.component(
        f"pgvista.{name}",
        js="\n".join(_asset(file) for file in ("dom.js", *scripts)),
        css=_asset(style),
        isolate_styles=False,
    )
