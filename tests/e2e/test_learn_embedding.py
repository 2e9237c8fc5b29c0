"""The lessons on embeddings and axes in a real browser: type, predict, reveal, read the figures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import MODEL_MS, free_port, idle

from pgvista.api import connect
from pgvista.db.embedded import start_embedded
from pgvista.io.samples import help_centre_rows

ROWS = 20
EVIL = "<img src=x onerror=\"document.title = 'taken over'\"> a camera, a camera"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Serve `pgvista run` on some rows of the help centre; give its address."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            with connect(server.url) as db:
                docs = db.create_collection("docs", model="all-MiniLM-L6-v2")
                rows = [row for row, _ in zip(help_centre_rows(), range(ROWS), strict=False)]
                docs.upsert([{"id": row.id, "content": row.content} for row in rows])
                docs.upsert([{"id": "evil", "content": EVIL}])
            port = free_port()
            serving = subprocess.Popen(
                [sys.executable, "-m", "pgvista", "run", "--port", str(port), "--headless"],
                cwd=name,
                env={**os.environ, "PGVISTA_DATA": name},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            yield f"http://127.0.0.1:{port}"
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def open_step(page: Page, address: str) -> Page:
    """Open a step, as soon as the server listens."""
    port = int(urlsplit(address).port or 0)
    for _ in range(120):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        page.wait_for_timeout(500)
    page.goto(address)
    return page


def test_a_phrase_about_cheese_shows_while_it_is_typed(browser_page: Page, served: str) -> None:
    page = open_step(browser_page, f"{served}/embedding?step=near")
    box = page.locator(".st-key-learn_embedding_nearest_box")
    expect(box).to_be_visible(timeout=MODEL_MS)
    table = page.get_by_role("table")
    expect(table).to_have_count(0)
    box.get_by_text("B · the kitten").click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("B · the kitten: as you said")).to_be_visible()
    expect(table.locator("td.marked").first).to_have_text("0.81")
    expect(table.locator("tbody tr")).to_have_count(3)
    field = page.get_by_role("textbox", name="Phrase D")
    field.press_sequentially("a slice of cheese", delay=30)
    # neither Enter nor a click elsewhere
    expect(table.locator("tbody tr")).to_have_count(4)
    expect(table.locator("tbody tr").nth(3).locator("td").nth(2)).to_have_text("0.43")
    plane = page.get_by_role("img", name="principal components")
    expect(plane.locator("circle")).to_have_count(4)
    expect(plane).to_contain_text("a slice of cheese")
    page.get_by_text("The SQL behind it").click()
    expect(page.get_by_text("a.embedding <=> b.embedding as distance")).to_be_visible()


def test_the_presenter_turns_steps_and_tokens_are_read(browser_page: Page, served: str) -> None:
    page = browser_page
    page.set_viewport_size({"width": 1280, "height": 720})
    open_step(page, f"{served}/embedding?step=near&present=1")
    expect(page.get_by_role("button", name="Reveal")).to_be_visible(timeout=MODEL_MS)
    idle(page)  # only then is a key of the presenter taken
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("table").locator("td.marked").first).to_have_text("0.81")
    expect(page.get_by_text("Postgres measures the distance")).to_be_visible()
    idle(page)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("##bel")).to_be_visible()
    expect(page.get_by_text("mean of 9, length 1")).to_be_visible()
    page.get_by_role("button", name="Emoji").click()
    expect(page.locator(".piece.unknown")).to_have_count(2)
    field = page.get_by_role("textbox", name="Text")
    field.fill("<b>x</b>")
    expect(page.locator(".piece").filter(has_text="<").first).to_be_visible()


def test_rows_fall_along_a_typed_axis(browser_page: Page, served: str) -> None:
    page = open_step(browser_page, f"{served}/axis?collection=docs&start=a+bill&end=a+screen")
    chart = page.locator(".st-key-learn_axis_strip .js-plotly-plot")
    expect(chart).to_be_visible(timeout=MODEL_MS)
    page.get_by_role("textbox", name="To").fill("a camera")
    listed = page.get_by_test_id("stMarkdown").filter(has_text="Farthest towards “a camera”")
    expect(listed.get_by_role("listitem").first).to_contain_text("<img src=x onerror=")
    expect(listed.locator("img")).to_have_count(0)
    page.get_by_role("textbox", name="From").fill("a camera")
    expect(page.get_by_text("no direction from one to the other")).to_be_visible()
    page.get_by_role("button", name="cheap → expensive").click()
    expect(page.get_by_text("Farthest towards “expensive”")).to_be_visible()
    assert page.title() != "taken over"
