"""The lessons in a browser: how long a typed phrase takes to show.

A phrase is typed into the lesson on embeddings, and the time runs until its figures are on the page.
Beside it, in the same run: the same field in a fragment that does nothing but show its text, and the
encoding alone. Both fields wait for a pause of 250 ms in the typing, which is taken off both.

    python bench/learn.py [--phrases 30] [--json FILE]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.page import APP, script, served, settle, wait_for_port
from bench.report import print_table, write_json
from tests.e2e.conftest import BROWSER_FLAGS, find_browser

from pgvista.db.embedded import start_embedded
from pgvista.embed import get_embedder

PAUSE_MS = 250
"""What `st.text_input(live=True)` waits for."""
PHRASE_TARGET = 1.5
WARM_UP = 4
LOADING_MS = 180_000

STEPS = {
    "near": ("phrase, matrix and plane", "table tbody"),
    "vector": ("phrase and picture", ".st-key-learn_embedding_picture_3 svg, .vector svg"),
}
"""What is typed into, by the step of the lesson, and what then changes."""

TYPE = """
async ([label, selector, last, text]) => {
  const shadows = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
  const found = [document, ...shadows].flatMap(s => [...s.querySelectorAll(selector)]);
  const target = last ? found.at(-1) : found[0];
  const input = document.querySelector(`input[aria-label="${label}"]`);
  const changed = new Promise((done, failed) => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now()); });
    watch.observe(target, {subtree: true, childList: true, characterData: true, attributes: true});
    setTimeout(() => failed(new Error('nothing changed')), 30000);
  });
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
  const start = performance.now();
  input.dispatchEvent(new Event('input', {bubbles: true}));
  const end = await changed;
  await new Promise(done => requestAnimationFrame(done));
  return end - start;
}
"""

WORDS = (
    "cheese",
    "a ripe cheese",
    "bread",
    "a dog",
    "music",
    "the night train",
    "rain",
    "a red door",
)


def phrase(number: int) -> str:
    """Return a phrase that was not embedded before."""
    return f"{WORDS[number % len(WORDS)]} number {number}"


def measure_phrases(browser: Browser, folder: Path, step: str, count: int) -> dict[str, Any]:
    """Return medians of a typed phrase until it shows, of an empty rerun, and of the encoding."""
    what, selector = STEPS[step]
    embedder = get_embedder()
    embedder.load()
    with served(APP, folder) as (_, ours), served(script("empty_field.py"), folder) as (_, bare):
        pages = [
            browser.new_context(viewport={"width": 1400, "height": 940}).new_page() for _ in "ab"
        ]
        wait_for_port(ours)
        wait_for_port(bare)
        pages[0].goto(f"{ours}/embedding?step={step}&d=a+slice+of+cheese")
        pages[1].goto(bare)
        _ready(pages[0], step)
        pages[1].get_by_text("text a slice of cheese").wait_for()
        typed: list[float] = []
        empty: list[float] = []
        encoding: list[float] = []
        for number in range(count + WARM_UP):
            text = phrase(number)
            typed.append(pages[0].evaluate(TYPE, ["Phrase D", selector, True, text]) - PAUSE_MS)
            settle(pages[0])
            empty.append(pages[1].evaluate(TYPE, ["Phrase", ".st-key-out", False, text]) - PAUSE_MS)
            settle(pages[1])
            start = time.perf_counter()
            embedder.embed_documents([text])
            encoding.append((time.perf_counter() - start) * 1000)
        for page in pages:
            page.context.close()
    shown, rerun, encoded = (
        statistics.median(times[WARM_UP:]) for times in (typed, empty, encoding)
    )
    return {
        "step": step,
        "shows": what,
        "samples": count,
        "typed phrase p50 ms": shown,
        "empty fragment p50 ms": rerun,
        "encoding p50 ms": encoded,
        "ratio": shown / (rerun + encoded),
        "target": PHRASE_TARGET,
    }


def _ready(page: Page, step: str) -> None:
    """Wait for the model, and reveal what is asked first."""
    if step == "near":
        page.get_by_role("button", name="Reveal").click(timeout=LOADING_MS)
        page.get_by_role("table").wait_for(timeout=LOADING_MS)
    else:
        page.get_by_text("384 dimensions").nth(3).wait_for(timeout=LOADING_MS)
    settle(page)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phrases", type=int, default=30)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pgv-bench-"))
    result: dict[str, Any] = {}
    try:
        server = start_embedded(folder)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                if given.phrases:
                    result["typed phrase"] = [
                        measure_phrases(browser, folder, step, given.phrases) for step in STEPS
                    ]
                    print_table("A typed phrase, until it shows", result["typed phrase"])
                browser.close()
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write_json("learn", result, given.json)


if __name__ == "__main__":
    main()
