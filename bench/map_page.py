"""The map in the browser: bytes sent, first paint, and a change of the overlay beside st.plotly_chart.

    .venv/bin/python bench/map_page.py [--rows 20000 100000] [--json FILE]

Two pages draw the same random points and, at each press of a button, another query with lines to ten
of them: by the map's parts alone, and by st.plotly_chart. The third is the page Map itself, with a map
of as many rows of 32 numbers in an embedded server: a row's id is typed as the query, the labels over
the points are switched, and the point size is moved, for which every point is drawn anew. Times are from the press to the repainted chart, the search included on the page Map,
the median of five; bytes are those of the WebSocket, all of them. Chromium is found as the browser
tests find it.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.map_saved import ROOT, fill, served
from tests.e2e.conftest import BROWSER_FLAGS, find_browser

from pgvista.db.embedded import start_embedded

REPEATS = 5
OURS = """
import numpy as np, streamlit as st
from dataclasses import replace
from pgvista.model.map import empty_points
from pgvista.ui.components.map_plot import *
n = {rows}
rng = np.random.default_rng(0)
xy = rng.standard_normal((n, 2)).astype(np.float32)
ids = tuple(f"row-{{i:06d}}" for i in range(n))
points = replace(empty_points(), ids=ids, xy=xy, is_new=np.zeros(n, bool))
codes = (np.arange(n) % 8).astype(np.uint8)
legend = [[f"group {{i}}", n // 8, i, False] for i in range(8)]
plotly_script()
@st.fragment
def page():
    turn = st.session_state.get("turn", 0)
    if st.button("next"):
        turn = st.session_state.turn = turn + 1
    map_points(pack_points(points, key="m", token="t", alt="", file="f"), key="p")
    head = dict(key="m", token="t", version="1", kind="category", title="group", legend=legend,
                labels=[], empty=0, none="")
    map_colours(pack_colours(head, codes), key="c")
    x, y = (round(float(v), 4) for v in xy[turn]); near = list(range(turn + 1, turn + 11))
    card = dict(good=True, said=[], near=[near, ["0.50"] * 10, ["a title"] * 10, ["S1"] * 10], after=[], times="")
    map_overlay(pack_overlay(dict(key="m", token="t", cleared=0, lists=dict(semantic=near, keyword=near),
        query=dict(at=[x, y], halo=.2, good=True), card=card)), key="o")
page()
"""
THEIRS = """
import numpy as np, plotly.graph_objects as go, streamlit as st
n = {rows}
rng = np.random.default_rng(0)
xy = rng.standard_normal((n, 2)).astype(np.float32)
ids = [f"row-{{i:06d}}" for i in range(n)]
@st.fragment
def page():
    turn = st.session_state.get("turn", 0)
    size = st.session_state.get("size", 3)
    if st.button("next"):
        turn = st.session_state.turn = turn + 1
    if st.button("size"):
        size = st.session_state.size = size + 1
    x, y = map(float, xy[turn]); near = xy[turn + 1:turn + 11]
    figure = go.Figure()
    for i in range(8):
        at = np.arange(i, n, 8)
        figure.add_trace(go.Scattergl(x=xy[at, 0], y=xy[at, 1], mode="markers", customdata=[ids[j] for j in at],
                                      marker=dict(size=size), hoverinfo="none"))
    lines = np.column_stack([np.tile([x, y], (10, 1)), near, np.full((10, 2), np.nan)]).reshape(-1, 2)
    figure.add_trace(go.Scattergl(x=lines[:, 0], y=lines[:, 1], mode="lines", name=f"turn {{turn}}"))
    figure.update_layout(height=600, uirevision="same")
    st.plotly_chart(figure, key="chart", on_select="rerun", theme=None)
page()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 50_000, 100_000, 200_000])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = [measure(rows) for rows in asked.rows]
    print(
        "    rows  page            first paint   bytes sent   a change   bytes sent   server   browser"
    )
    for row in found:
        for name in ("pgvista", "st.plotly_chart"):
            one = row[name]
            print(
                f"{row['rows']:8,}  {name:15} {one['first_s']:8.2f} s {one['first_bytes'] / 1e6:10.2f} MB "
                f"{one['change_s']:8.2f} s {one['change_bytes']:10,.0f} B "
                f"{one['server_mb']:6.0f} MB {one['browser_mb']:6.0f} MB"
            )
        ratio = row["pgvista"]["change_s"] / row["st.plotly_chart"]["change_s"]
        print(f"          a change takes {ratio:.2f} of the time of st.plotly_chart")
        page = row["page Map"]
        print(
            f"          page Map: a query {page['query_s']:.2f} s, {page['query_bytes']:,.0f} B; "
            f"labels {page['labels_s']:.2f} s, {page['labels_bytes']:,.0f} B; "
            f"point size {page['size_s']:.2f} s, {page['size_bytes']:,.0f} B; "
            f"zoom and selection {'kept' if page['kept'] else 'LOST'}"
        )
        theirs = row["st.plotly_chart"]
        print(
            f"          st.plotly_chart: point size {theirs['size_s']:.2f} s; page Map to it: a query "
            f"{page['query_s'] / theirs['change_s']:.2f}, labels {page['labels_s'] / theirs['change_s']:.2f}, "
            f"point size {page['size_s'] / theirs['size_s']:.2f}"
        )
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


def measure(rows: int) -> dict[str, Any]:
    """Measure both pages at one size."""
    ours = run(
        OURS.format(rows=rows),
        "!!document.querySelector('.pgv-map[data-ready]')",
        "window.pgvistaMaps?.m?.painted ?? 0",
    )
    theirs = run(
        THEIRS.format(rows=rows),
        "!!document.querySelector('.js-plotly-plot .gl-canvas')",
        "+(document.querySelector('.js-plotly-plot')?._fullData?.at(-1)?.name?.slice(5) ?? 0)",
        "document.querySelector('.js-plotly-plot')?._fullData?.[0]?.marker?.size ?? 0",
    )
    return {"rows": rows, "pgvista": ours, "st.plotly_chart": theirs, "page Map": real_page(rows)}


def real_page(rows: int) -> dict[str, Any]:
    """Type queries, switch the labels and move the point size on the page Map itself."""
    with tempfile.TemporaryDirectory(prefix="pgv-", ignore_cleanup_errors=True) as name:
        os.environ["PGVISTA_DATA"] = name
        server = start_embedded(Path(name))
        try:
            fill(server.url, rows, dimension=32)
            with served(ROOT / "app.py") as url, sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                page = browser.new_page(viewport={"width": 1400, "height": 900})
                sent = _listened(page)
                page.set_default_timeout(120_000)
                page.goto(f"{url}/map?collection=docs")
                page.wait_for_selector(".pgv-map[data-ready]")
                told = _used(page, sent)
                browser.close()
                return told
        finally:
            server.stop()


def _used(page: Page, sent: list[int]) -> dict[str, Any]:
    board = "window.pgvistaMaps.map_plot"
    view = f"JSON.stringify([{board}.gd._fullLayout.xaxis.range, {board}.gd._fullData[1].selectedpoints])"

    def act(what: Callable[[], None]) -> tuple[float, int]:
        page.wait_for_timeout(2_000)
        sent.clear()
        before = page.evaluate(f"{board}.painted ?? 0")
        began = time.perf_counter()
        what()
        page.wait_for_function(f"{board}.painted > {before}", polling=20)
        _settled(page)
        took = time.perf_counter() - began
        page.wait_for_timeout(1_500)
        return took, sum(sent)

    box = page.get_by_role("textbox", name="Query")

    def ask(row: int) -> None:
        box.fill(f"row-{row:06d}")
        box.press("Enter")

    page.locator("[data-title='Zoom in']").click()
    page.evaluate(f"window.Plotly.restyle({board}.gd, {{selectedpoints: [[1, 2, 3]]}}, [1])")
    page.wait_for_timeout(1_000)
    before = page.evaluate(view)
    queries = [act(partial(ask, row)) for row in range(7, 7 + REPEATS)]
    pill = page.get_by_role("button", name="Cluster labels", exact=True)
    labels = [act(pill.click) for _ in range(REPEATS)]
    slider = page.get_by_role("slider", name="Point size")
    slider.focus()
    sizes = [act(partial(slider.press, "ArrowRight")) for _ in range(REPEATS)]
    return {
        "query_s": statistics.median(took for took, _ in queries),
        "query_bytes": max(size for _, size in queries),
        "labels_s": statistics.median(took for took, _ in labels),
        "labels_bytes": max(size for _, size in labels),
        "size_s": statistics.median(took for took, _ in sizes),
        "size_bytes": max(size for _, size in sizes),
        "kept": page.evaluate(view) == before,
    }


def run(script: str, ready: str, turn: str, size: str | None = None) -> dict[str, float]:
    """Serve one page, open it, and press the buttons: the next query, and larger points."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.py"
        path.write_text(script)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", str(path), "--server.port", str(port)]
        command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "lib")}
        serving = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                page = browser.new_page(viewport={"width": 1400, "height": 900})
                sent = _listened(page)
                page.set_default_timeout(120_000)
                told = _opened(page, url, sent, ready)
                told |= _pressed(page, sent, "next", turn, "change")
                if size is not None:
                    told |= _pressed(page, sent, "size", size, "size")
                # the renderer of this page alone: the largest child of the browser
                children = psutil.Process().children(recursive=True)
                renderers = [
                    item.memory_info().rss
                    for item in children
                    if "--type=renderer" in " ".join(item.cmdline())
                ]
                told["browser_mb"] = max(renderers, default=0) / 1e6
                told["server_mb"] = psutil.Process(serving.pid).memory_info().rss / 1e6
                browser.close()
                return told
        finally:
            serving.terminate()
            serving.wait(20)


def _opened(page: Page, url: str, sent: list[int], ready: str) -> dict[str, float]:
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_function(ready, polling=20)
    _settled(page)
    first, first_bytes = time.perf_counter() - began, sum(sent)
    page.wait_for_timeout(2_000)
    return {"first_s": first, "first_bytes": first_bytes}


def _pressed(page: Page, sent: list[int], button: str, turn: str, name: str) -> dict[str, float]:
    times, sizes = [], []
    for _ in range(REPEATS):
        sent.clear()
        before = page.evaluate(turn)
        began = time.perf_counter()
        page.get_by_role("button", name=button).click()
        page.wait_for_function(f"({turn}) > {before}", polling=20)
        _settled(page)
        times.append(time.perf_counter() - began)
        page.wait_for_timeout(700)
        sizes.append(sum(sent))
    return {f"{name}_s": statistics.median(times), f"{name}_bytes": statistics.median(sizes)}


def _listened(page: Page) -> list[int]:
    """Return the sizes of the messages that come; it grows."""
    sent: list[int] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: sent.append(len(frame))))
    return sent


def _settled(page: Page) -> None:
    """Wait for two frames: what was drawn is on the screen."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _wait(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    main()
