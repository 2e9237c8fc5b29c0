"""The lessons in a browser: how long a typed phrase takes to show.

A phrase is typed into a step of the lesson on embeddings, and the time runs until all pictures that
follow from it have changed and are painted. Beside it, in turns, on other pages of the same app in
the same process: the same phrase in a fragment that does nothing but show its text, and in one that
encodes it, by whose clock the encoding is timed. Both fields that are timed in the browser wait for
a pause of 250 ms in the typing, which is taken off both.

    python bench/learn.py [--phrases 30] [--steps near vector] [--json FILE]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.page import PEERS, served, settle, wait_for_port
from bench.report import print_table, write_json
from tests.e2e.conftest import BROWSER_FLAGS, find_browser

from pgvista.db.embedded import start_embedded

ROOT = Path(__file__).resolve().parent.parent
PEERS_SHOWN = ("empty_field", "encode_field")
PAUSE_MS = 250
"""What `st.text_input(live=True)` waits for, and the fields of the lesson."""
PHRASE_TARGET = 1.5
WARM_UP = 4
LOADING_MS = 180_000

STEPS = {
    "vector": ("phrase and its vector", "Phrase D", (".vector svg",)),
    "near": ("matrix and plane", "Phrase D", (".matrix tbody", ".plane svg")),
    "tokens": ("tokens and their mean", "Text", (".rows", ".mean")),
    "negation": ("matrix", "A paraphrase", (".matrix tbody",)),
    "other": ("two matrices", "Phrase D", (".pane-0 tbody", ".pane-1 tbody")),
}
"""What follows, the field that is typed into, and what then changes, by the step of the lesson."""

TYPE = """
async ([input, selectors, text]) => {
  const shadows = [...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(Boolean);
  const find = (selector) => [document, ...shadows].flatMap(s => [...s.querySelectorAll(selector)]).at(-1);
  const seen = {subtree: true, childList: true, characterData: true, attributes: true};
  const changes = selectors.map((selector) => new Promise((done, failed) => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(); });
    watch.observe(find(selector), seen);
    setTimeout(() => failed(new Error(`${selector}: nothing changed`)), 30000);
  }));
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
  const start = performance.now();
  input.dispatchEvent(new Event('input', {bubbles: true}));
  await Promise.all(changes);
  // The frame's callback runs before it is painted, the message after.
  await new Promise(done => requestAnimationFrame(() => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  }));
  return performance.now() - start;
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


def app_with_bench_pages(folder: Path) -> Path:
    """Make a copy of the app in `folder` that has the two pages of the bench too; return its script."""
    (folder / "pages" / "bench").mkdir(parents=True)
    for section in (ROOT / "pages").iterdir():
        if section.is_dir():
            (folder / "pages" / section.name).symlink_to(section)
    (folder / ".streamlit").symlink_to(ROOT / ".streamlit")
    for name in PEERS_SHOWN:
        shutil.copy(PEERS / f"{name}.py", folder / "pages" / "bench")
    pages = ", ".join(
        f'page_of("pages/bench/{name}.py", "{name}", ":material/timer:")' for name in PEERS_SHOWN
    )
    text = (ROOT / "app.py").read_text("utf-8")
    app = folder / "app.py"
    app.write_text(text.replace("PAGES = {", f'PAGES = {{"Bench": [{pages}],', 1), "utf-8")
    return app


def typed_ms(page: Page, field: str, selectors: Sequence[str], text: str) -> float:
    """Type `text` and return milliseconds until what was waited for is painted, without the pause."""
    box = page.get_by_role("textbox", name=field, exact=True).element_handle()
    passed: float = page.evaluate(TYPE, [box, list(selectors), text])
    settle(page)
    return passed - PAUSE_MS


def measure_phrases(browser: Browser, url: str, step: str, count: int) -> dict[str, Any]:
    """Return medians of a typed phrase until it shows, of an empty rerun, and of the encoding."""
    what, field, selectors = STEPS[step]
    lesson, empty, encode = (
        browser.new_context(viewport={"width": 1400, "height": 940}).new_page() for _ in "abc"
    )
    lesson.goto(f"{url}/embedding?step={step}&d=a+slice+of+cheese")
    empty.goto(f"{url}/empty_field")
    encode.goto(f"{url}/encode_field")
    _ready(lesson, field, selectors)
    empty.get_by_text("text a slice of cheese").wait_for(timeout=LOADING_MS)
    encode.get_by_text("encoded").wait_for(timeout=LOADING_MS)
    times: list[tuple[float, float, float]] = []
    for number in range(count + WARM_UP):
        text = phrase(number)
        shown = typed_ms(lesson, field, selectors, text)
        rerun = typed_ms(empty, "Phrase", (".st-key-out",), text)
        typed_ms(encode, "Phrase", (".st-key-out",), text)
        said = encode.locator(".st-key-out").inner_text()
        times.append((shown, rerun, float(said.split()[1])))
    for page in (lesson, empty, encode):
        page.context.close()
    shown, rerun, encoded = map(statistics.median, zip(*times[WARM_UP:], strict=True))
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


def _ready(page: Page, field: str, selectors: Sequence[str]) -> None:
    """Wait for the model, and reveal what is asked first."""
    page.get_by_role("textbox", name=field, exact=True).wait_for(timeout=LOADING_MS)
    reveal = page.get_by_role("button", name="Reveal")
    page.locator(", ".join(selectors)).last.or_(reveal).first.wait_for(
        state="attached", timeout=LOADING_MS
    )
    settle(page)
    if reveal.count():
        reveal.click()
    for selector in selectors:
        page.locator(selector).last.wait_for(state="attached", timeout=LOADING_MS)
    settle(page)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phrases", type=int, default=30)
    parser.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pgv-bench-"))
    result: dict[str, Any] = {}
    try:
        app = app_with_bench_pages(folder / "app")
        command = ["pgvista.ui.serve", "run", str(app), "--server.port", "{port}"]
        server = start_embedded(folder)
        try:
            with (
                served([*command, "--server.headless", "true"], folder) as (_, url),
                sync_playwright() as playwright,
            ):
                wait_for_port(url)
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                result["typed phrase"] = [
                    measure_phrases(browser, url, step, given.phrases) for step in given.steps
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
