"""The app in a browser: seconds to its first paint, milliseconds from a moved knob to new hits.

Each is measured beside the least that Streamlit takes on the same machine in the same run: the
paint of an empty script, and the rerun of an empty fragment by the same slider. Runs alternate.

    python bench/page.py [--starts 20] [--moves 40] [--live 40] [--rows 5000] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json
from bench.vectors import make_rows
from tests.e2e.conftest import BROWSER_FLAGS, find_browser, free_port

import pgvista
from pgvista.db.embedded import start_embedded
from pgvista.embed import DEFAULT_MODEL
from pgvista.model.search import SearchRequest
from pgvista.model.tuning import NearestRequest
from pgvista.services.live_tuning import find_truth
from pgvista.services.search import search
from pgvista.sql.live_tuning import analyze
from pgvista.sql.nearest import nearest

PEERS = Path(__file__).resolve().parent / "peers"
DIMENSION = 384
QUESTION = "bakelin mobaken linura"
START_TARGET_S = 4.0
MOVE_TARGET = 1.5
WARM_UP = 5

MOVE = """
async ([name, selector, share]) => {
  const shadows = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
  const slider = shadows.find(s => s.querySelector('.label')?.textContent === name);
  const input = slider.querySelector('input[type=range]');
  const target = shadows.map(s => s.querySelector(selector)).find(Boolean)
    ?? document.querySelector(selector);
  const seen = {subtree: true, childList: true, characterData: true, attributes: true};
  const changed = new Promise((done, failed) => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now()); });
    watch.observe(target, seen);
    setTimeout(() => failed(new Error('nothing changed')), 20000);
  });
  input.value = String(Math.round(share * Number(input.max)));
  const start = performance.now();
  input.dispatchEvent(new Event('input', {bubbles: true}));
  return (await changed) - start;
}
"""


@contextmanager
def served(command: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start a server; give its process and address, and stop it at the end."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", *(part.format(port=port) for part in command)],
        cwd=folder,
        env={**os.environ, "PGVISTA_DATA": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


APP = ["pgvista", "run", "--headless", "--port", "{port}"]


def script(name: str) -> list[str]:
    """Return the command that serves a script of bench/peers with the app's own settings."""
    return [
        *("streamlit", "run", str(PEERS / name), "--server.port", "{port}"),
        *("--server.address", "127.0.0.1", "--server.headless", "true"),
        *("--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"),
    ]


def wait_for_port(url: str) -> None:
    """Return when somebody listens."""
    port = int(url.rsplit(":", 1)[1])
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(url)


def has_torch(pid: int) -> bool | None:
    """Tell whether torch is in the process; None where that cannot be looked up."""
    maps = Path(f"/proc/{pid}/maps")
    return "libtorch" in maps.read_text() if maps.exists() else None


def start_once(
    browser: Browser, command: list[str], folder: Path, sign: str
) -> tuple[float, bool | None]:
    """Return seconds from the process' start until `sign` is painted, and whether torch is loaded."""
    context = browser.new_context(viewport={"width": 1400, "height": 940})
    page = context.new_page()
    began = time.perf_counter()
    with served(command, folder) as (process, url):
        wait_for_port(url)
        page.goto(url, wait_until="commit")
        page.locator(sign).first.wait_for(timeout=60_000)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        seconds = time.perf_counter() - began
        torch = has_torch(process.pid)
        context.close()
    return seconds, torch


def measure_starts(browser: Browser, folder: Path, count: int) -> dict[str, Any]:
    """Return medians of the first paint of the app and of an empty script."""
    ours: list[float] = []
    empty: list[float] = []
    torch: list[bool | None] = []
    for _ in range(count):
        seconds, loaded = start_once(
            browser, APP, folder, 'button:has-text("Load"), a:has-text("Search")'
        )
        ours.append(seconds)
        torch.append(loaded)
        empty.append(start_once(browser, script("empty_app.py"), folder, 'h1:has-text("Empty")')[0])
    return {
        "samples": count,
        "pgvista p50 s": statistics.median(ours),
        "pgvista worst s": max(ours),
        "empty p50 s": statistics.median(empty),
        "ratio": statistics.median(ours) / statistics.median(empty),
        "target s": START_TARGET_S,
        "torch at first paint": None if None in torch else any(torch),
    }


def settle(page: Page) -> None:
    """Wait until the page has been still for a moment."""
    page.wait_for_timeout(300)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=\"stStatusWidget\"]')", timeout=60_000
    )
    page.wait_for_timeout(150)


def measure_moves(
    browser: Browser, folder: Path, collection: pgvista.Collection, count: int
) -> dict[str, Any]:
    """Return medians of a moved knob until hits change, of an empty rerun, and of the query."""
    vector = tuple(float(x) for x in make_rows(1, DIMENSION)[0]["embedding"])
    with served(APP, folder) as (_, ours), served(script("empty_fragment.py"), folder) as (_, bare):
        pages = [
            browser.new_context(viewport={"width": 1400, "height": 940}).new_page() for _ in "ab"
        ]
        wait_for_port(ours)
        wait_for_port(bare)
        pages[0].goto(f"{ours}/search?collection=docs&search_text={QUESTION.replace(' ', '+')}")
        pages[1].goto(bare)
        pages[0].get_by_text("candidates").wait_for(timeout=180_000)
        pages[1].get_by_text("value 60").wait_for()
        settle(pages[0])
        moves: list[float] = []
        reruns: list[float] = []
        queries: list[float] = []
        for number in range(count + WARM_UP):
            share = 0.15 + 0.7 * ((number * 7) % 11) / 10
            moves.append(pages[0].evaluate(MOVE, ["RRF k", ".hits", share]))
            settle(pages[0])
            reruns.append(pages[1].evaluate(MOVE, ["RRF k", ".st-key-out", share]))
            settle(pages[1])
            request = SearchRequest(text=QUESTION, vector=vector, rrf_k=1 + number, depth=100)
            start = time.perf_counter()
            search(collection.db, collection.info, request)
            queries.append((time.perf_counter() - start) * 1000)
        for page in pages:
            page.context.close()
    move, rerun, query = (statistics.median(times[WARM_UP:]) for times in (moves, reruns, queries))
    return {
        "samples": count,
        "hits": len(search(collection.db, collection.info, request).hits),
        "moved knob p50 ms": move,
        "empty fragment p50 ms": rerun,
        "query p50 ms": query,
        "ratio": move / (rerun + query),
        "target": MOVE_TARGET,
    }


def ask(page: Page, query: str) -> None:
    """Type a query on the page Live, and wait until it is still."""
    page.get_by_role("textbox", name="Query").fill(query)
    page.get_by_role("textbox", name="Query").press("Enter")
    settle(page)


def ask_by_words(page: Page) -> None:
    """Have the model loaded: beside that nothing else takes its usual time."""
    ask(page, QUESTION)
    page.get_by_text("recall@10").wait_for(timeout=180_000)
    page.locator(".truth .row").first.wait_for(timeout=180_000)
    settle(page)


def measure_live(
    browser: Browser, folder: Path, collection: pgvista.Collection, count: int
) -> dict[str, Any]:
    """Return medians of a dragged ef_search on the page Live, an empty rerun, and both queries."""
    row = make_rows(1, DIMENSION)[0]
    vector = tuple(float(x) for x in row["embedding"])
    with served(APP, folder) as (_, ours), served(script("empty_fragment.py"), folder) as (_, bare):
        pages = [
            browser.new_context(viewport={"width": 1400, "height": 940}).new_page() for _ in "ab"
        ]
        wait_for_port(ours)
        wait_for_port(bare)
        pages[0].goto(f"{ours}/live?collection=docs&row={row['id']}")
        pages[1].goto(bare)
        pages[0].locator(".truth .row").first.wait_for(timeout=180_000)
        pages[1].get_by_text("value 60").wait_for()
        ask_by_words(pages[0])
        ask(pages[0], row["id"])
        moves: list[float] = []
        reruns: list[float] = []
        queries: list[float] = []
        truth = find_truth(collection.db, collection.info, NearestRequest(vector))
        for number in range(count + WARM_UP):
            share = 0.15 + 0.7 * ((number * 7) % 11) / 10
            moves.append(pages[0].evaluate(MOVE, ["ef_search", ".truth", share]))
            settle(pages[0])
            reruns.append(pages[1].evaluate(MOVE, ["RRF k", ".st-key-out", share]))
            settle(pages[1])
            request = NearestRequest(
                vector, exclude_id=row["id"], ef_search=max(1, round(1000**share))
            )
            query = nearest(collection.info, request)
            settings = dict(request.settings()) | {"plan_cache_mode": "force_custom_plan"}
            start = time.perf_counter()
            for one in (query, analyze(query)):
                collection.db.query(one.statement, one.params, settings=settings)
            queries.append((time.perf_counter() - start) * 1000)
        for page in pages:
            page.context.close()
    move, rerun, both = (statistics.median(times[WARM_UP:]) for times in (moves, reruns, queries))
    return {
        "samples": count,
        "exact ms": truth.database_ms,
        "moved knob p50 ms": move,
        "empty fragment p50 ms": rerun,
        "both queries p50 ms": both,
        "ratio": move / (rerun + both),
        "target": MOVE_TARGET,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--live", type=int, default=40)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pgv-bench-"))
    result: dict[str, Any] = {"rows": given.rows}
    try:
        server = start_embedded(folder)
        try:
            with pgvista.connect(server.url) as db, sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                collection = db.create_collection("docs", model=DEFAULT_MODEL)
                collection.upsert(make_rows(given.rows, DIMENSION))
                collection.create_index("hnsw")
                if given.moves:
                    result["moved knob"] = measure_moves(browser, folder, collection, given.moves)
                    print_table("A moved knob, until hits change", [result["moved knob"]])
                if given.live:
                    result["live knob"] = measure_live(browser, folder, collection, given.live)
                    print_table("A dragged ef_search on the page Live", [result["live knob"]])
                browser.close()
        finally:
            server.stop()
        if given.starts:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                result["first paint"] = measure_starts(browser, folder, given.starts)
                print_table("Process start to first paint", [result["first paint"]])
                browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write_json("page", result, given.json)


if __name__ == "__main__":
    main()
