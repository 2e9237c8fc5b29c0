"""The walk through an HNSW graph, drawn on a canvas and played in the browser.

Two parts that find each other in the page: the graph (`hnsw_graph`: points and links, sent once) and
the player (`hnsw_player`: one walk as arrays of some kilobytes), which plays it without a rerun and
hands back where in the plane was clicked.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from importlib import resources
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from pgvista.science.hnsw import Floats, Hnsw
from pgvista.science.hnsw_walk import LayerWalk, Visit, Walk

_ASSETS = resources.files(__package__).joinpath("assets")
_SCRIPTS = ("dom.js", "hnsw_walk.js", "hnsw_plane.js", "hnsw_player.js")
_KINDS = {"f4": "<f4", "u1": "u1", "u2": "<u2", "u4": "<u4"}
_MAX_TITLE_CHARS = 90

_graph = st.components.v2.component(
    "pgvista.hnsw_graph", js=_ASSETS.joinpath("hnsw_graph.js").read_text("utf-8")
)
_player = st.components.v2.component(
    "pgvista.hnsw_player",
    js="\n".join(_ASSETS.joinpath(name).read_text("utf-8") for name in _SCRIPTS),
    css="\n".join(
        _ASSETS.joinpath(name).read_text("utf-8") for name in ("base.css", "hnsw_player.css")
    ),
)


class FrameKind(IntEnum):
    """What happens in one step of the player."""

    ENTER = 0
    """A layer is entered."""
    VISIT = 1
    """The neighbours of a node are looked at."""
    ANSWER = 2
    """The walk is over."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of the player."""

    kind: FrameKind
    layer: LayerWalk
    visit: Visit | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown besides the walk."""

    board: str
    """Names the graph that it is played on."""
    token: str
    """Names these very points and links."""
    at: tuple[float, float]
    """Where the query lies in the plane."""
    truth: tuple[int, ...] = ()
    """The true nearest points."""
    missed: tuple[int, ...] = ()
    """Those of them that were not found."""
    texts: tuple[str, ...] = ()
    """What happens in each frame, a sentence or two."""
    alt: str = ""
    still: bool = False
    """Show the end of the walk, without list and buttons."""
    whole: bool = False
    """`still`: show the whole plane, not the part about the query."""
    can_click: bool = True
    """Whether a click in the plane means another query."""
    mesh: bool = False
    """Draw all links of layer 0, also while `still`."""
    rest_rem: float = 26.0
    """How much of the screen's height other things need."""


def hnsw_graph(payload: bytes, *, key: str) -> None:
    """Hand the graph to the page; `payload` is what `pack_graph` made."""
    _graph(key=key, data=payload)


def hnsw_player(
    payload: bytes,
    *,
    key: str,
    token: str,
    clicked: Callable[[tuple[float, float]], None] | None = None,
) -> None:
    """Draw the plane and the walk; `payload` is what `pack_walk` made.

    `clicked` is told the place in the plane before the script runs, like a button's callback; a
    click on points other than those of `token` is dropped.
    """
    state: Any = st.session_state

    def take() -> None:
        place = read_click((state.get(key) or {}).get("clicked"), token)
        if place is not None and clicked is not None:
            clicked(place)

    _player(key=key, data=payload, on_clicked_change=take)


def read_click(sent: object, token: str) -> tuple[float, float] | None:
    """Return the place that the browser sent; None for anything else, or of other points."""
    if not isinstance(sent, dict) or sent.get("token") != token:
        return None
    place = [sent.get("x"), sent.get("y")]
    numbers = [
        float(item)
        for item in place
        if isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)
    ]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def frames(walk: Walk) -> tuple[Frame, ...]:
    """Return the steps that the player shows, in order; at least one where a node was entered."""
    found = []
    for layer in walk.layers:
        found.append(Frame(FrameKind.ENTER, layer))
        found += [Frame(FrameKind.VISIT, layer, visit) for visit in layer.visits]
    if walk.layers:
        found.append(Frame(FrameKind.ANSWER, walk.layers[-1]))
    return tuple(found)


def pack_graph(
    graph: Hnsw,
    plane: Floats,
    *,
    board: str,
    token: str,
    titles: Sequence[str] = (),
    others: Floats | None = None,
) -> bytes:
    """Pack the points as they lie in the plane, shape (n, 2), and the links of every layer.

    Args:
        graph: What is walked.
        plane: Where its points are drawn.
        board: Names the graph in the page.
        token: Names these very points and links.
        titles: What each point is called on hovering, as many as there are points.
        others: Places, shape (q, 2), that are marked as queries to be chosen.
    """
    blocks = {
        "xy": _block("f4", plane),
        "levels": _block("u1", np.maximum(graph.levels, 0)),
        "others": _block("f4", others if others is not None else []),
    }
    if titles:
        blocks["titles"] = _texts([title[:_MAX_TITLE_CHARS] for title in titles])
    for number in range(len(graph.layers)):
        edges = graph.edges(number)
        # A link is drawn once, whether one of the two ends knows of it or both.
        blocks[f"links{number}"] = _block("u2", np.unique(np.sort(edges, axis=1), axis=0))
    header = {
        "key": board,
        "token": token,
        "points": len(plane),
        "layers": [len(layer) for layer in graph.layers],
    }
    return _packed(header, blocks)


def pack_walk(walk: Walk | None, scene: Scene) -> bytes:
    """Pack the steps of a walk, and what they mean; None: the points and the query alone."""
    steps = frames(walk) if walk is not None else ()
    visits = [step.visit for step in steps if step.visit]
    looked = [near for visit in visits for near in visit.looked]
    taken = [
        near in came for visit in visits for came in [set(visit.taken)] for near in visit.looked
    ]
    ends = np.cumsum([len(step.visit.looked) if step.visit else 0 for step in steps])
    entered = 0 if walk is None or not walk.layers else 1
    header = {
        "key": scene.board,
        "token": scene.token,
        "at": list(scene.at),
        "truth": list(scene.truth),
        "missed": list(scene.missed),
        "found": [place for _, place in walk.found] if walk is not None else [],
        "ef": {layer.layer: layer.ef for layer in walk.layers} if walk is not None else {},
        "alt": scene.alt,
        "still": scene.still,
        "whole": scene.whole,
        "click": scene.can_click,
        "mesh": scene.mesh,
        "rest": scene.rest_rem,
    }
    here = [
        (step.visit.distance, step.visit.node) if step.visit else step.layer.entry for step in steps
    ]
    blocks = {
        "kind": _block("u1", [step.kind for step in steps]),
        "layer": _block("u1", [step.layer.layer for step in steps]),
        "node": _block("u2", [node for _, node in here]),
        "distance": _block("f4", [distance for distance, _ in here]),
        "end": _block("u4", ends),
        "computed": _block("u4", _computed(steps, entered)),
        "looked": _block("u2", [node for _, node in looked]),
        "far": _block("f4", [distance for distance, _ in looked]),
        "taken": _block("u1", taken),
        "texts": _texts(scene.texts),
    }
    return _packed(header, blocks)


def _computed(steps: Sequence[Frame], count: int) -> list[int]:
    """Return how many distances are computed by the end of each step."""
    found = []
    for step in steps:
        count = step.visit.computed if step.visit else count
        found.append(count)
    return found


def _block(kind: str, values: ArrayLike) -> tuple[str, bytes]:
    return kind, np.ascontiguousarray(np.asarray(values), dtype=_KINDS[kind]).tobytes()


def _texts(texts: Sequence[str]) -> tuple[str, bytes]:
    clean = (text.replace("\0", " ") for text in texts)
    return "text", "\0".join(clean).encode("utf-8", "replace")


def _packed(header: Mapping[str, Any], blocks: Mapping[str, tuple[str, bytes]]) -> bytes:
    listed = [[name, kind, len(data)] for name, (kind, data) in blocks.items()]
    text = json.dumps({**header, "blocks": listed}, ensure_ascii=False, allow_nan=False)
    head = text.encode("utf-8", "replace")
    return struct.pack("<I", len(head)) + head + b"".join(data for _, data in blocks.values())
