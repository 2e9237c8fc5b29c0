"""Types and sizes, and Going to production, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import RunApp

import pgvista
from pgvista.api import Workbench


@pytest.fixture(scope="module")
def docs(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        made = opened.create_collection("docs", dimension=32, columns={"year": "bigint"})
        made.upsert(
            {
                "id": str(i),
                "content": f"text {i}",
                "year": 1970 + i % 50,
                "embedding": [float((i * j * j) % 23 - 11) for j in range(1, 33)],
            }
            for i in range(1, 301)
        )
        yield opened


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, docs: Workbench, browser: Browser) -> str:
    url = run_app("app.py", {"PGVISTA_URL": module_database_url})
    page = browser.new_page()
    page.goto(url)  # served bare, a link to a page is known once the app has been run
    expect(page.get_by_role("link", name="Going to production")).to_be_visible()
    page.close()
    return url


def test_types_are_measured_and_drawn(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/types?collection=docs")
    page.get_by_role("button", name="Measure").click()
    expect(page.get_by_text("is the smallest index that can reach recall 0.95")).to_be_visible()
    expect(page.locator(".js-plotly-plot .legendtext")).to_have_count(4)
    page.get_by_text("Calculator", exact=True).click()
    expect(page.get_by_text("Which machine")).to_be_visible()
    page.get_by_label("Rows", exact=True).fill("1000000")
    page.get_by_label("Rows", exact=True).press("Enter")
    expect(page.get_by_text("without swapping")).to_contain_text("Large")


def test_what_is_to_do_is_done(browser_page: Page, app: str, docs: Workbench) -> None:
    page = browser_page
    page.goto(f"{app}/production?collection=docs")
    goal = page.get_by_label("Scan at most, ms", exact=True)
    goal.fill("60000")
    goal.press("Enter")
    expect(page.get_by_text("No index is needed")).to_be_visible()
    goal.fill("0.1")
    goal.press("Enter")
    expect(page.get_by_text("There is no index that serves")).to_be_visible()
    expect(page.get_by_text("docs_embedding_hnsw_cosine_idx").first).to_be_visible()
    docs.collection("docs").create_index("hnsw")
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("1 vector index is ready.")).to_be_visible()
    expect(page.get_by_text("There is no index that serves")).to_have_count(0)
    page.get_by_role("link", name="Sweep").last.click()
    expect(page.get_by_role("heading", name="Sweep")).to_be_visible()
