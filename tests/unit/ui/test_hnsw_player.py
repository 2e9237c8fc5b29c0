"""The walk as it is sent to the page, and in words."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from pgvista.science.hnsw import Hnsw, build
from pgvista.science.hnsw_walk import walk
from pgvista.ui.components.hnsw_player import (
    FrameKind,
    Scene,
    frames,
    pack_graph,
    pack_walk,
    read_click,
)
from pgvista.ui.learn.hnsw_account import account, short

TYPES = {"f4": "<f4", "u1": "u1", "u2": "<u2", "u4": "<u4"}


def unpack(payload: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what the browser reads, as it does."""
    (length,) = struct.unpack_from("<I", payload)
    header = json.loads(payload[4 : 4 + length])
    at, blocks = 4 + length, {}
    for name, kind, size in header["blocks"]:
        part = payload[at : at + size]
        blocks[name] = (
            part.decode().split("\0") if kind == "text" else np.frombuffer(part, TYPES[kind])
        )
        at += size
    assert at == len(payload)
    return header, blocks


@pytest.fixture(scope="module")
def graph() -> Hnsw:
    points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    return build(points, m=4, ef_construction=12)


SCENE = Scene("board", "token", (0.5, -0.25), truth=(1, 2), missed=(2,), texts=("a", "b\0c"))


def test_the_graph(graph: Hnsw) -> None:
    titles = [f"row {n} <b>" for n in range(300)]
    header, blocks = unpack(
        pack_graph(
            graph, graph.points, board="b", token="t", titles=titles, others=graph.points[:2]
        )
    )
    assert (header["key"], header["token"], header["points"]) == ("b", "t", 300)
    assert header["layers"] == [len(layer) for layer in graph.layers]
    assert np.array_equal(blocks["xy"].reshape(-1, 2), graph.points)
    assert blocks["titles"] == titles
    assert len(blocks["others"]) == 4
    pairs = {tuple(sorted(pair)) for pair in graph.edges(0).tolist()}
    assert {tuple(pair) for pair in blocks["links0"].reshape(-1, 2).tolist()} == pairs


def test_the_walk_can_be_played_from_what_is_sent(graph: Hnsw) -> None:
    found = walk(graph, np.array([0.5, -0.25], np.float32), ef=12)
    header, blocks = unpack(pack_walk(found, SCENE))
    assert header["found"] == [node for _, node in found.found]
    assert header["missed"] == [2]
    assert blocks["texts"] == ["a", "b c"]
    steps = frames(found)
    assert [step.kind for step in steps[:2]] == [FrameKind.ENTER, FrameKind.VISIT]
    assert steps[-1].kind is FrameKind.ANSWER
    assert blocks["computed"][-1] == found.computed == 1 + len(blocks["looked"])
    # As the browser does: what is taken comes into the list, which is cut to the layer's ef.
    held: list[tuple[float, int]] = []
    for place, step in enumerate(steps):
        if step.kind is FrameKind.ENTER:
            held = [(float(blocks["distance"][place]), int(blocks["node"][place]))]
        first = blocks["end"][place - 1] if place else 0
        for number in range(first, blocks["end"][place]):
            if blocks["taken"][number]:
                held.append((float(blocks["far"][number]), int(blocks["looked"][number])))
        held = sorted(held)[: header["ef"][str(step.layer.layer)]]
        if step.visit is not None:
            assert [node for _, node in held] == [node for _, node in step.visit.results]


def test_no_walk_yet() -> None:
    header, blocks = unpack(pack_walk(None, SCENE))
    assert header["found"] == []
    assert len(blocks["kind"]) == 0


def test_a_graph_without_points() -> None:
    empty = build(np.empty((0, 2), np.float32))
    header, _ = unpack(pack_graph(empty, empty.points, board="b", token="t"))
    assert header["layers"] == []
    found = walk(empty, np.zeros(2, np.float32), ef=5)
    assert frames(found) == ()
    unpack(pack_walk(found, SCENE))


@pytest.mark.parametrize(
    "sent",
    [None, 7, {}, {"token": "t"}, {"token": "t", "x": 1}, {"token": "t", "x": True, "y": 1},
     {"token": "t", "x": float("nan"), "y": 1}, {"token": "other", "x": 1, "y": 2},
     {"token": "t", "x": "1", "y": 2}],
)  # fmt: skip
def test_what_is_no_click(sent: object) -> None:
    assert read_click(sent, "t") is None


def test_a_click() -> None:
    assert read_click({"token": "t", "x": 1, "y": -2.5}, "t") == (1.0, -2.5)


def test_each_step_has_its_sentence(graph: Hnsw) -> None:
    found = walk(graph, np.array([0.5, -0.25], np.float32), ef=12)
    told = account(graph, found, due=10, missed=1)
    steps = frames(found)
    assert len(told) == len(steps)
    top = found.layers[0]
    entry = top.entry[1]
    assert told[0].startswith(f"The search begins on layer {top.layer}, the top,")
    assert f"node {entry}, at distance {short(top.entry[0])}" in told[0]
    for sentence, step in zip(told, steps, strict=True):
        if step.visit is not None:
            assert f"node {step.visit.node}" in sentence
            assert sentence.startswith(f"Layer {step.layer.layer}: ")
    assert "is nearer" in " ".join(told) or "are nearer" in " ".join(told)
    assert "so this layer is done" in " ".join(told)
    assert "which has all 300 points" in " ".join(told)
    assert "Found: 9 of the 10 true neighbours, 1 missed, ringed." in told[-1]
    assert f"Computed: {found.computed} of 300 distances." in told[-1]


def test_a_walk_that_costs_more_than_reading_every_row_says_so() -> None:
    few = build(np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32), m=8)
    found = walk(few, np.zeros(3, np.float32), ef=40)
    told = account(few, found, due=10, missed=0)[-1]
    assert found.computed > 40  # a point of an upper layer is measured on each
    assert f"{found.computed} distances, more than the 40 of an exact search" in told


def test_a_single_point_in_words() -> None:
    single = build(np.ones((1, 2), np.float32))
    found = walk(single, np.zeros(2, np.float32), ef=10)
    told = " ".join(account(single, found, due=1, missed=0))
    assert "has no neighbours" in told
    assert "Every candidate was visited" in told
    assert "none is missed" in told


def test_distances_in_words() -> None:
    assert [short(value) for value in (0.12345, -1.5, 12.345, 1234.56)] == [
        "0.123",
        "-1.500",
        "12.35",
        "1234.6",
    ]
