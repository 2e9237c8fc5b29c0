"""Lessons in a real browser: the sidebar's list, presenter's mode, and steps by a clicker's keys."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from tests.e2e.conftest import RunApp


def test_a_lesson_is_presented_by_keys(
    run_app: RunApp, browser_page: Page, database_url: str
) -> None:
    page = browser_page
    base = run_app("app.py", {"PGVISTA_URL": database_url})
    sidebar = page.get_by_test_id("stSidebar")
    page.goto(f"{base}/connect")
    expect(sidebar.get_by_role("link", name="Lessons")).to_be_visible()
    expect(sidebar.get_by_role("link", name="HNSW")).to_have_count(0)
    sidebar.get_by_role("link", name="Lessons").click()
    expect(sidebar.get_by_role("link", name="HNSW")).to_be_visible()
    sidebar.get_by_role("link", name="Distance", exact=True).click()
    expect(page.get_by_role("heading", name="Distance", exact=True)).to_be_visible()
    type_size = page.evaluate("getComputedStyle(document.documentElement).fontSize")

    page.locator(".keys kbd").first.wait_for(state="attached")  # the last that is drawn
    page.set_viewport_size({"width": 1600, "height": 900})
    page.keyboard.press("ArrowRight")  # while it is read, arrows scroll
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile("present=1"))
    expect(page.get_by_text("Distance · 1 of")).to_be_visible()
    expect(sidebar.get_by_role("link", name="Lessons")).to_have_count(0)
    page.wait_for_function(
        "document.querySelector('[data-testid=stMain]').getBoundingClientRect().left === 0"
    )
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") > type_size

    page.keyboard.press("PageDown")
    expect(page.get_by_text("Distance · 2 of")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator(".st-key-learn_distance_notes")).to_be_visible()
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    answer = page.get_by_text("which comes next")
    expect(answer).to_have_count(0)
    page.keyboard.press("ArrowRight")  # an answer comes before the next step
    expect(answer).to_be_visible()
    expect(page.get_by_text("Distance · 2 of")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Distance · 1 of")).to_be_visible()

    page.keyboard.press("Escape")
    expect(sidebar.get_by_role("link", name="Lessons")).to_be_visible()
    expect(page).not_to_have_url(re.compile("present"))
