"""The walk of the lesson on HNSW: how fast it plays in the browser, and what the model finds.

    .venv/bin/python bench/learn_walk.py [--points 2000] [--json FILE]

Plays a walk over 2,000 points at the highest speed, 60 steps a second, and counts what was painted:
frames, and steps that came onto the screen each by itself. The issue's bar is 10 steps a second. Then the
model itself: time to build, and recall@10 against every distance computed. Chromium is found as the
browser tests find it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.page import served, wait_for_port
from bench.report import print_table, write_json
from tests.e2e.conftest import BROWSER_FLAGS, find_browser

from pgvista.model.metric import Metric
from pgvista.science.hnsw import build
from pgvista.science.hnsw_points import anywhere, threads
from pgvista.science.hnsw_recall import recall_curve

BAR = 10.0
"""Steps a second, of the issue."""
EFS = (10, 40, 200)
PAGE = """
import numpy as np
from pgvista.science.hnsw import build
from pgvista.science.hnsw_points import threads
from pgvista.science.hnsw_recall import missed, nearest
from pgvista.science.hnsw_walk import walk
from pgvista.ui.components.hnsw_player import *
points = threads({points}, seed=3)
graph = build(points, m={m}, ef_construction={ef_construction})
query = np.array([7.73, .49], np.float32)
truth = nearest(points, query, 10, graph.metric)
found = walk(graph, query, ef=200)
texts = tuple("A step of the walk." for _ in frames(found))
hnsw_graph(pack_graph(graph, points, board="bench", token="t"), key="graph")
hnsw_player(pack_walk(found, Scene("bench", "t", (7.73, .49), tuple(n for _, n in truth),
    missed(found.found, truth), texts)), key="player", token="t")
"""
STATE = "window.pgvistaHnsw?.bench?.state"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    played = [play(asked.points, m, ef) for m, ef in ((4, 12), (16, 64))]
    print_table(f"Played in the browser, {asked.points:,} points; the bar is {BAR:.0f}", played)
    modelled = [model(*case) for case in cases(asked.points)]
    print_table("The model, recall@10 against every distance", modelled)
    print("\n" + str(write_json("learn_walk", {"played": played, "model": modelled}, asked.json)))


def play(points: int, m: int, ef_construction: int) -> dict[str, Any]:
    """Play one walk to its end."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        path = Path(name) / "page.py"
        path.write_text(PAGE.format(points=points, m=m, ef_construction=ef_construction))
        browser = playwright.chromium.launch(
            executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
        )
        command = ["streamlit", "run", str(path), "--server.port", "{port}"]
        command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
        with served(command, Path(name)) as (_, url):
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.set_default_timeout(120_000)
            wait_for_port(url)
            page.goto(url)
            page.wait_for_function(f"{STATE}?.ready && !{STATE}.frame")
            told = _played(page)
        browser.close()
    return {"points": points, "m": m, **told}


def _played(page: Page) -> dict[str, Any]:
    page.get_by_role("combobox", name="Speed").select_option("60")
    before = page.evaluate(f"[{STATE}.painted, {STATE}.shown]")
    began = time.perf_counter()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{STATE}.at === {STATE}.walk.kind.length - 1 && !{STATE}.playing")
    seconds = time.perf_counter() - began
    frames, steps = page.evaluate(f"[{STATE}.painted, {STATE}.shown]")
    return {
        "steps": steps - before[1],
        "seconds": seconds,
        "steps_per_s": (steps - before[1]) / seconds,
        "frames_per_s": (frames - before[0]) / seconds,
        "times_the_bar": (steps - before[1]) / seconds / BAR,
    }


def cases(points: int) -> list[tuple[str, Any, Any, Metric, int, int]]:
    """Return points, queries and knobs: the lesson's plane, and vectors without any structure."""
    plane = threads(points, seed=3)
    rng = np.random.default_rng(0)
    found: list[tuple[str, Any, Any, Metric, int, int]] = [
        ("2-D, the lesson's", plane, anywhere(plane, 100), Metric.L2, 4, 12),
        ("2-D, the lesson's", plane, anywhere(plane, 100), Metric.L2, 16, 64),
    ]
    for metric in (Metric.L2, Metric.COSINE):
        drawn = rng.normal(size=(points + 100, 384)).astype(np.float32)
        found.append(("384-D, random", drawn[:points], drawn[points:], metric, 16, 64))
    return found


def model(
    name: str, points: Any, queries: Any, metric: Metric, m: int, ef_construction: int
) -> dict[str, Any]:
    """Build the model's graph and measure it."""
    began = time.process_time()
    graph = build(points, m=m, ef_construction=ef_construction, metric=metric)
    seconds = time.process_time() - began
    found: dict[str, Any] = {
        "points": name, "metric": metric.value, "m": m, "ef_construction": ef_construction,
        "build_cpu_s": seconds, "reached": graph.reached(),
    }  # fmt: skip
    for point in recall_curve(graph, queries, EFS):
        found[f"recall ef {point.ef}"] = round(point.recall, 4)
        found[f"distances ef {point.ef}"] = round(point.computed)
    return found


if __name__ == "__main__":
    main()
