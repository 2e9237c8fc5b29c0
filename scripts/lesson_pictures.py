"""Take the pictures of docs/images/lessons: each lesson light, dark, and presented at 1280 x 720.

    python scripts/lesson_pictures.py [--only hnsw,fusion] [--data FOLDER]

The data folder named, or a temporary one, must hold or gets the sample Help centre; see pictures.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts.pictures import IMAGES, SIZE, app, compressed, settle
from tests.e2e.conftest import BROWSER_FLAGS, find_browser

import pgvista
from pgvista.db.embedded import start_embedded
from pgvista.errors import NotFound
from pgvista.services.samples import load_sample

STEPS = {
    "embedding": "near",
    "distance": "four",
    "axis": "axis",
    "keyword": "bm25",
    "fusion": "k",
    "hnsw": "walk",
    "ivfflat": "border",
    "smaller": "recall",
    "reading_map": "one row",
    "filtering": "iterative",
    "metadata": "estimates",
}
"""The step that shows what each lesson is about."""
ASKING = ("embedding", "fusion", "ivfflat", "smaller", "reading_map", "metadata")
"""Lessons whose step asks for a prediction; its answer is in the picture."""
PRESENTED = ViewportSize(width=1280, height=720)
PATIENCE_MS = 240_000
"""The first maps of a process are compiled."""


def open_lesson(page: Page, base: str, key: str, *, presented: bool) -> None:
    """Open a lesson at its step, and reveal what it asks for."""
    address = {"collection": "help_centre", "step": STEPS[key]}
    if presented:
        address["present"] = "1"
    page.goto(f"{base}/{key}?{urlencode(address)}")
    page.locator(".keys kbd").first.wait_for(state="attached", timeout=PATIENCE_MS)
    settle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE_MS)
    reveal = page.get_by_role("button", name="Reveal")
    if key in ASKING:
        expect(reveal.or_(page.get_by_role("button", name="Predict again")).first).to_be_visible(
            timeout=PATIENCE_MS
        )
    while reveal.count():
        reveal.first.click()
        settle(page)
    if key == "hnsw":
        page.get_by_role("button", name="To the end").click()
    expect(page.get_by_test_id("stSidebar").get_by_text("%")).to_have_count(0, timeout=PATIENCE_MS)
    page.mouse.move(SIZE["width"] - 2, 2)
    settle(page)


def take(browser: Browser, base: str, key: str, kind: str) -> Path:
    """Take one picture: light, dark or presented; return where it is."""
    presented = kind == "presented"
    context = browser.new_context(
        viewport=PRESENTED
        if presented
        else ViewportSize(width=SIZE["width"], height=SIZE["height"]),
        color_scheme="dark" if kind == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    open_lesson(page, base, key, presented=presented)
    path = IMAGES / "lessons" / f"{key}-{kind}.png"
    path.write_bytes(compressed(page.screenshot()))
    context.close()
    return path


def main() -> None:
    """Take all pictures, or those of the lessons named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=",".join(STEPS), help="lessons, separated by commas")
    parser.add_argument("--data", type=Path, help="a data folder with the sample Help centre")
    asked = parser.parse_args()
    (IMAGES / "lessons").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pgv-", ignore_cleanup_errors=True) as name:
        folder = asked.data.resolve() if asked.data else Path(name)
        os.environ["PGVISTA_DATA"] = str(folder)
        os.environ.pop("PGVISTA_URL", None)
        server = start_embedded(folder)
        try:
            with pgvista.connect(server.url) as workbench:
                try:
                    workbench.collection("help_centre")
                except NotFound:
                    load_sample(workbench.db, "help_centre")
            with app(folder) as base, sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                for key in (key for key in asked.only.split(",") if key in STEPS):
                    for kind in ("light", "dark", "presented"):
                        path = take(browser, base, key, kind)
                        print(f"{path.name}  {path.stat().st_size / 1000:.0f} kB", flush=True)
                browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
