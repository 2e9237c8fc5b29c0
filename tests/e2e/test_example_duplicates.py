"""By example and Near-duplicates in a real browser, on the help centre sample."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import MODEL_MS, RunApp

import pgvista
from pgvista.api import Workbench
from pgvista.services.samples import load_sample


@pytest.fixture(scope="module")
def sample(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        load_sample(opened.db, "help_centre")
        yield opened


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, sample: Workbench, browser: Browser) -> str:
    url = run_app("app.py", {"PGVISTA_URL": module_database_url})
    page = browser.new_page()
    page.goto(url)  # served bare, a link to a page is known once the app has been run
    expect(page.get_by_role("link", name="By example")).to_be_visible()
    page.close()
    return url


def test_plus_and_minus_on_hits(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/by_example?collection=help_centre&like=hc-001")
    hits = page.locator("li.hit")
    expect(hits).to_have_count(10)
    first = hits.first.locator(".title")
    expect(first).to_have_text("Adjust font size in settings (LK-320)")
    hits.first.get_by_role("button", name="+ like").click()
    expect(page.get_by_role("button", name="Adjust font size in settings (LK-")).to_be_visible()
    expect(first).not_to_have_text("Adjust font size in settings (LK-320)")
    unliked = first.inner_text()
    hits.first.get_by_role("button", name="− unlike").click()
    expect(page.get_by_text("Unlike", exact=True)).to_be_visible()
    expect(first).not_to_have_text(unliked)


def test_words_with_variety(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/by_example?collection=help_centre&example_variety=0.8")
    page.get_by_label("Words or an id").fill("forgotten password")
    hits = page.locator("li.hit")
    expect(hits).to_have_count(10, timeout=MODEL_MS)
    expect(hits.first.locator(".title")).to_contain_text("recovery code")
    expect(hits.nth(9).locator(".moved")).not_to_have_text("=")


def test_keep_one_is_previewed_and_done(browser_page: Page, app: str, sample: Workbench) -> None:
    page = browser_page
    page.goto(f"{app}/duplicates?collection=help_centre")
    expect(page.get_by_text("18 groups")).to_be_visible()
    page.get_by_role("button", name="Preview the deletion").click()
    dialog = page.get_by_role("dialog")
    delete = dialog.get_by_role("button", name="Delete 18 rows")
    expect(delete).to_be_disabled()
    docs = sample.collection("help_centre")
    assert docs.count() == 233
    dialog.get_by_role("textbox").fill("help_centre")
    expect(delete).to_be_enabled()
    delete.click()
    expect(page.get_by_text("No near-duplicates")).to_be_visible()
    assert docs.count() == 215
    assert [row.id for row in docs.get(["hc-022", "hc-023"])] == ["hc-022"]
