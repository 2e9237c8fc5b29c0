"""The lesson HNSW in a real browser: the walk is played, a click asks anew, ef_search follows the hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.e2e.conftest import RunApp

import pgvista

EVIL = "<img src=x onerror=\"document.title='taken over'\">"


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, browser: Browser) -> str:
    vectors = np.random.default_rng(1).normal(size=(120, 6))
    with pgvista.connect(module_database_url) as opened:
        made = opened.create_collection("docs", dimension=6)
        made.upsert(
            {"id": str(n), "content": f"{EVIL} {n}", "embedding": vector.tolist()}
            for n, vector in enumerate(vectors)
        )
    url = run_app("app.py", {"PGVISTA_URL": module_database_url})
    page = browser.new_page()
    page.goto(url)  # served bare, a link to a page is known once the app has been run
    expect(page.get_by_role("link", name="Lessons")).to_be_visible()
    page.close()
    return url


def open_step(page: Page, app: str, step: str, **params: str) -> Locator:
    """Open a step, wait for its plane to be drawn, and return it."""
    more = "".join(f"&{name}={value}" for name, value in params.items())
    page.goto(f"{app}/hnsw?step={step}{more}")
    canvas = page.locator(".player canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("points|rows"))
    return canvas


def account(page: Page) -> Locator:
    return page.locator(".player .account")


def found(page: Page) -> int:
    text = account(page).inner_text()
    told = re.search(r"Found: (\d+) of", text)
    assert told, text
    return int(told[1])


def test_the_walk_is_stepped_and_played(browser_page: Page, app: str) -> None:
    page = browser_page
    open_step(page, app, "walk")
    expect(account(page)).to_contain_text("The search begins on layer 5, the top")
    expect(page.locator(".player .chip.now")).to_have_text("5")
    back = page.get_by_role("button", name="A step back")
    forward = page.get_by_role("button", name="A step on")
    expect(back).to_be_disabled()
    forward.focus()
    page.keyboard.press("Enter")
    expect(account(page)).to_contain_text("Layer 5: node")
    back.focus()
    page.keyboard.press("Enter")
    expect(account(page)).to_contain_text("The search begins")
    page.get_by_role("combobox", name="Speed").select_option("60")
    page.get_by_role("button", name="Play").click()
    expect(account(page)).to_contain_text("so the search stops")
    expect(page.locator(".player .chip.now")).to_have_text("0")
    expect(page.locator(".player .list li")).to_have_count(10)
    expect(forward).to_be_disabled()
    distances = page.locator(".player .list .far").all_inner_texts()
    assert [float(text) for text in distances] == sorted(float(text) for text in distances)
    computed = re.search(r"Computed: (\d+) of 2,000", account(page).inner_text())
    assert computed
    expect(page.locator(".player .cost")).to_have_text(f"{computed[1]} of 2,000 distances computed")


def test_a_click_asks_anew_and_stands_in_the_address(browser_page: Page, app: str) -> None:
    page = browser_page
    page.emulate_media(reduced_motion="reduce")
    canvas = open_step(page, app, "walk")
    box = canvas.bounding_box()
    assert box
    first = account(page).inner_text()
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3)
    expect(account(page)).not_to_have_text(first)
    # With less motion asked for, nothing plays by itself.
    expect(account(page)).to_contain_text("The search begins")
    expect(page).to_have_url(re.compile(r"[?&]x="))
    canvas.focus()
    page.keyboard.press("End")
    expect(account(page)).to_contain_text("Found:")


def test_ef_search_finds_what_was_missed(browser_page: Page, app: str) -> None:
    page = browser_page
    open_step(page, app, "ef_search")
    expect(account(page)).to_contain_text("Found:")
    before = found(page)
    slider = page.get_by_role("slider", name="ef_search")
    slider.focus()
    slider.press("End")
    expect(account(page)).to_contain_text("none is missed")
    assert before < found(page) == 10
    slider.press("Home")
    expect(page.get_by_text("is below the limit of 10")).to_be_visible()


def test_real_rows_and_their_texts(browser_page: Page, app: str) -> None:
    page = browser_page
    page.set_viewport_size({"width": 500, "height": 900})
    open_step(page, app, "rows", collection="docs")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator(".player .list li").first).to_contain_text("<img src=x")
    page.get_by_role("button", name="To the end").click()
    expect(account(page)).to_contain_text(
        re.compile("of 96 distances|than the 96 of an exact search")
    )
    assert page.title() != "taken over"
    wide = page.locator(".player").evaluate("(e) => e.scrollWidth - e.clientWidth")
    assert wide <= 1
