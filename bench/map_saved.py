"""A saved map of 20,000 rows, opened and painted, beside an empty Plotly page.

    .venv/bin/python bench/map_saved.py [--rows 20000] [--repeats 5]

The map stands in an embedded server of its own; both pages are served by Streamlit, were opened once
before, and take turns in new tabs of one browser. The time is from the address to the frame that
shows the points, and, for the map, to where it can be zoomed and clicked too: its points stand there
before Plotly's script has run. Chromium is found as the browser tests find it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import BrowserContext, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.report import print_table, write_json
from bench.vectors import make_texts, make_vectors
from tests.e2e.conftest import BROWSER_FLAGS, find_browser, free_port

import pgvista
from pgvista.db.embedded import start_embedded
from pgvista.model.map import MapMethod, MapSpec
from pgvista.services.map import make_map

ROOT = Path(__file__).resolve().parents[1]
EMPTY = """
import plotly.graph_objects as go, streamlit as st
st.plotly_chart(go.Figure(go.Scattergl(x=[0, 1], y=[0, 1], mode="markers")))
"""
PAINTED, READY = "painted", "ready"
SAVED, EMPTY_PAGE = "saved map", "empty Plotly page"
SEEN = {
    SAVED: {
        PAINTED: ".pgv-map :is(canvas.sketch, .gl-canvas)",
        READY: ".pgv-map[data-ready]",
    },
    EMPTY_PAGE: {PAINTED: ".js-plotly-plot .gl-canvas", READY: ".js-plotly-plot .gl-canvas"},
}
WATCH = """
(selectors) => {
  window.pgvistaSeen = {};
  const left = new Map(Object.entries(selectors));
  const look = () => {
    for (const [name, selector] of left) {
      if (!document.querySelector(selector)) continue;
      left.delete(name);
      requestAnimationFrame(() =>
        requestAnimationFrame(() => (window.pgvistaSeen[name] = performance.now() / 1000)),
      );
    }
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-ready"],
  });
}
"""
"""Notes in the page itself when each was drawn, and the frame after it begun: nothing is asked then."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pgv-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["PGVISTA_DATA"] = name
        server = start_embedded(folder)
        try:
            fill(server.url, asked.rows)
            (folder / "empty.py").write_text(EMPTY)
            with served(ROOT / "app.py") as ours, served(folder / "empty.py") as theirs:
                pages = {SAVED: f"{ours}/map?collection=docs", EMPTY_PAGE: theirs}
                took = measured(pages, asked.repeats)
        finally:
            server.stop()
    empty = median(seen[PAINTED] for seen in took[EMPTY_PAGE])
    rows = [
        {
            "page": page,
            "rows": asked.rows if page == SAVED else 0,
            "seen": name,
            "median s": (middle := median(seen[name] for seen in times)),
            "least s": min(seen[name] for seen in times),
            "to the empty page": middle / empty,
        }
        for page, times in took.items()
        for name in ((PAINTED, READY) if page == SAVED else (PAINTED,))
    ]
    print_table("Opened", rows)
    print(write_json("map_saved", {"rows": rows}))


def fill(url: str, rows: int, dimension: int = 384) -> None:
    """Load rows, and keep a map of them; by PCA, since only opening it is measured."""
    vectors = make_vectors(rows, dimension)
    with pgvista.connect(url) as workbench:
        docs = workbench.create_collection("docs", dimension=dimension)
        docs.upsert(
            {"id": f"row-{n:06d}", "content": text, "embedding": vector}
            for n, (text, vector) in enumerate(zip(make_texts(rows, 12), vectors, strict=True))
        )
        make_map(docs.db, docs.info, MapSpec(method=MapMethod.PCA, sample=None))


@contextmanager
def served(script: Path) -> Iterator[str]:
    """Serve a script; give its address."""
    port = free_port()
    serving = subprocess.Popen(
        [
            *(sys.executable, "-m", "pgvista.ui.serve", "run", str(script)),
            *("--server.port", str(port), "--server.headless", "true"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "lib"), "PGVISTA_WARM_UP": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield url
    finally:
        serving.terminate()
        serving.wait(20)


def measured(pages: dict[str, str], repeats: int) -> dict[str, list[dict[str, float]]]:
    """Open the pages in turns; return the times of each, without the first."""
    took: dict[str, list[dict[str, float]]] = {page: [] for page in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
        )
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        for turn in range(repeats + 1):
            for page, url in pages.items():
                seconds = opened(context, url, SEEN[page])
                if turn:
                    took[page].append(seconds)
                time.sleep(3 if not turn else 1)
        browser.close()
    return took


def opened(context: BrowserContext, url: str, selectors: dict[str, str]) -> dict[str, float]:
    """Open a page in a new tab; return the seconds until each selector was on the screen."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"({WATCH})({json.dumps(selectors)})")
    page.goto(url, wait_until="commit")
    page.wait_for_function("'ready' in (window.pgvistaSeen ?? {})")
    seconds: dict[str, float] = page.evaluate("window.pgvistaSeen")
    page.close()
    return seconds


if __name__ == "__main__":
    main()
