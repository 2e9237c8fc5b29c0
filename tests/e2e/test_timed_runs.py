"""Beside a fragment's timer, what a page sets stays set, and what somebody chooses arrives."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from tests.e2e.conftest import RunApp


def test_a_timer_sets_nothing_back(run_app: RunApp, browser_page: Page) -> None:
    page = browser_page
    page.goto(run_app("tests/e2e/timed_page.py"))
    tick = page.get_by_text(re.compile(r"^tick \d+ "))
    for name in "bcdabcda":
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(f"page at={name} chosen=0")).to_be_visible()
        expect(page).to_have_url(re.compile(f"at={name}"))
        expect(tick).to_contain_text(f"at={name}")
    before = tick.inner_text()
    expect(tick).not_to_have_text(before)  # it does run
    expect(page.get_by_text("page at=a chosen=0")).to_be_visible()


def test_what_is_chosen_beside_a_timer_arrives(run_app: RunApp, browser_page: Page) -> None:
    page = browser_page
    page.goto(run_app("tests/e2e/timed_page.py"))
    for count, name in enumerate("bcdb", 1):
        page.get_by_role("radio", name=name, exact=True).click()
        expect(page.get_by_text(f"page at={name} chosen={count}")).to_be_visible()
    for text in ("some", "words"):
        page.get_by_label("Words").fill(text)
        page.get_by_label("Words").press("Enter")
        expect(page.get_by_text(f"words={text}")).to_be_visible()
