"""The lesson Fusion in a real browser, on articles of the help centre and the packaged model."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.conftest import MODEL_MS
from tests.e2e.test_search import serve

from pgvista.api import connect
from pgvista.db.embedded import start_embedded
from pgvista.io.samples import help_centre_rows

QUESTION = "no sound comes from the speakers"
ARTICLES = {
    f"hc-{number:03}"
    for number in (
        *(6, 10, 15, 17, 21, 61, 62, 67, 69, 71, 79, 83, 92, 93, 94, 100, 101, 102, 103, 106, 110),
        *(115, 125, 148, 212, 216),
    )
}
"""Those that stand high in either list of the question, so that the lists are those of the sample."""
BOTH, WORDS, MEANING = (
    "Crackling in quiet passages",
    "Show two sources side by side",
    "Player runs but nothing is audible",
)
EVIL = "<script>document.title = 'taken over'</script>"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The app's address; its database has the articles, and a row that would like to be markup."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            with connect(server.url) as db:
                docs = db.create_collection("help_centre", model="all-MiniLM-L6-v2")
                docs.upsert(
                    [
                        *(
                            {"id": row.id, "content": row.content, "metadata": dict(row.metadata)}
                            for row in help_centre_rows()
                            if row.id in ARTICLES
                        ),
                        {"id": "evil", "content": f"{EVIL} marmalade {EVIL}"},
                    ]
                )
            serving, url = serve(Path(name))
            yield url
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def open_lesson(page: Page, base: str, step: str, **params: str) -> Page:
    page.goto(f"{base}/fusion?{urlencode({'step': step, **params})}")
    expect(page.locator(".ranked .row").first).to_be_visible(timeout=MODEL_MS)
    return page


def titles(page: Page, column: int) -> Locator:
    return page.locator(".ranked .column").nth(column).locator(".title")


def test_k_moves_the_rows(browser_page: Page, base: str) -> None:
    page = open_lesson(browser_page, base, "k")
    expect(titles(page, 1).first).to_have_text(BOTH)
    expect(titles(page, 0).first).to_have_text(MEANING)
    expect(titles(page, 2).first).to_have_text(WORDS)
    assert page.get_by_role("slider", name="k", exact=True).count() == 0
    page.get_by_role("radio", name=BOTH).click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text(f"You said {BOTH}; it is {WORDS}.")).to_be_visible()
    fused = titles(page, 1)
    expect(fused.first).to_have_text(WORDS)
    expect(fused.nth(1)).to_have_text(MEANING)
    first = page.locator(".ranked .column").nth(1).locator(".row").first
    expect(first.locator(".figure")).to_have_text("0.5500")
    expect(first.locator(".places")).to_have_text("#19#1")
    # while the knob is dragged, the row that both lists have comes back to the top
    slider = page.get_by_role("slider", name="k", exact=True)
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=12)
    expect(fused.first).to_have_text(BOTH)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"[?&]k=\d+"))
    # the words count nothing: what is left is the semantic list
    page.get_by_role("slider", name="Keyword weight").press("Home")
    expect(fused.first).to_have_text(MEANING)
    page.keyboard.press("ArrowRight")


def test_a_step_fits_the_screen_of_a_presenter(browser_page: Page, base: str) -> None:
    page = browser_page
    page.set_viewport_size({"width": 1280, "height": 720})
    open_lesson(page, base, "k", present="1")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text(f"{WORDS}.")).to_be_visible()
    expect(page.locator(".ranked .row")).to_have_count(12)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stMain]').scrollHeight <= innerHeight + 1"
    )


def test_the_settings_go_along_to_the_search(browser_page: Page, base: str) -> None:
    page = browser_page
    page.goto(f"{base}/fusion?{urlencode({'step': 'remember', 'k': '1'})}")
    link = page.get_by_role("link", name="Search help_centre with these settings")
    expect(link).to_be_visible(timeout=MODEL_MS)
    link.click()
    expect(page.get_by_role("textbox").first).to_have_value(QUESTION)
    expect(page.locator(".hits .title").first).to_have_text(WORDS)
    expect(page.locator(".hits .total").first).to_contain_text("0.5500")


def test_markup_in_rows_is_text(browser_page: Page, base: str) -> None:
    page = open_lesson(browser_page, base, "lists")
    field = page.get_by_role("textbox", name="Question")
    field.fill(f"marmalade {EVIL}")
    field.press("Enter")
    expect(titles(page, 1).first).to_contain_text("<script>")
    page.set_viewport_size({"width": 500, "height": 900})
    wide = page.locator(".ranked").evaluate("(e) => e.scrollWidth - e.clientWidth")
    assert wide <= 1
    assert page.title() != "taken over"
