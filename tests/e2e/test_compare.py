"""The page Compare in a real browser, on the help centre."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.e2e.conftest import MODEL_MS
from tests.e2e.test_search import serve

from pgvista.api import connect
from pgvista.db.embedded import start_embedded
from pgvista.io.samples import help_centre_rows

QUESTION = "increase text size on display"
EVIL = "<script>document.title = 'taken over'</script> larkspur <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The app on a data folder with the help centre, and a row that would like to be markup."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            with connect(server.url) as db:
                docs = db.create_collection("help_centre", model="all-MiniLM-L6-v2")
                rows = [
                    {"id": row.id, "content": row.content, "metadata": dict(row.metadata)}
                    for row in help_centre_rows()
                ]
                docs.upsert(
                    [*rows, {"id": "evil", "content": EVIL, "metadata": {"title": "<b>x</b>"}}]
                )
            serving, url = serve(Path(name))
            yield url
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def open_compare(page: Page, base: str, **params: str) -> Page:
    """Open the page and wait until every setting has answered."""
    query = {"collection": "help_centre", "compare_text": QUESTION} | params
    page.goto(f"{base}/compare?{urlencode(query)}")
    expect(page.get_by_role("textbox", name="Question")).to_be_visible()
    expect(page.locator(".card").first).to_be_visible(timeout=MODEL_MS)
    expect(page.get_by_text("Loading all-MiniLM-L6-v2")).to_have_count(0, timeout=MODEL_MS)
    expect(page.get_by_text("Waiting for the model")).to_have_count(0, timeout=MODEL_MS)
    empty = page.locator(".column").filter(has_not=page.locator(".card"))
    expect(empty).to_have_count(0, timeout=MODEL_MS)
    return page


def cards(page: Page, column: int) -> Locator:
    return page.locator(".column").nth(column).locator(".card")


def ids(page: Page, column: int) -> list[str]:
    return cards(page, column).locator("button.id").all_text_contents()


def preset(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).or_(
        page.get_by_role("button", name=name, exact=True)
    ).first.click()


def test_lines_join_the_places_of_a_row_and_light_up(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base)
    expect(page.locator(".column")).to_have_count(3)
    lists = [ids(page, i) for i in range(3)]
    joined = sum(
        sum(row in rest for rest in lists[i + 1 :]) > 0 for i in range(3) for row in lists[i]
    )
    assert joined > 3
    expect(page.locator(".lines g")).to_have_count(joined)
    common = next(row for row in lists[0] if row in lists[1])
    card = cards(page, 0).nth(lists[0].index(common))
    card.hover()
    expect(page.locator(".lines g.lit")).to_have_count(1 + (common in lists[2]))
    expect(page.locator(".card.lit")).to_have_count(2 + (common in lists[2]))
    alone = next(row for row in lists[2] if row not in lists[0] + lists[1])
    expect(cards(page, 2).nth(lists[2].index(alone))).to_contain_text("only here")


def test_the_line_ends_at_the_cards(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base, compare_columns="2", compare_a_k="1")
    expect(page.locator(".column")).to_have_count(2)
    distances = page.locator(".compare").evaluate(
        """(root) => {
          const lists = [...root.querySelectorAll(".column")].map((c) => [...c.querySelectorAll(".card")]);
          return [...root.querySelectorAll(".lines g")].map((g) => {
            const path = g.querySelector("path");
            const at = (length) => path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
            const [from, to] = [at(0), at(path.getTotalLength())];
            const [left, right] = lists.map((l) => l.find((c) => c.rowId === g.rowId).getBoundingClientRect());
            return Math.max(Math.abs(from.x - left.right), Math.abs(to.x - right.left),
              Math.abs(from.y - left.top - left.height / 2), Math.abs(to.y - right.top - right.height / 2));
          });
        }"""
    )
    assert len(distances) > 3
    assert max(distances) < 1.5


def test_the_arrows_lead_from_row_to_row(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base)
    lists = [ids(page, i) for i in range(3)]
    cards(page, 0).first.focus()
    page.keyboard.press("ArrowDown")
    expect(cards(page, 0).nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    shared = lists[0][0]
    assert shared in lists[1]
    expect(cards(page, 1).nth(lists[1].index(shared))).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Question").focus()
    expect(page.locator(".card.lit").first).to_contain_text(shared)  # pinned, without the focus


def test_a_knob_in_its_popover_moves_its_list_alone(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base)
    preset(page, "k 1 / 60")
    expect(page.locator(".column")).to_have_count(2)
    expect(page.locator(".st-key-compare_a_setting")).to_contain_text("RRF k 1 ·")
    other = ids(page, 1)
    page.locator(".st-key-compare_a_popover").get_by_role("button").click()
    slider = page.get_by_role("slider", name="RRF k")
    slider.press("End")
    expect(page.locator(".st-key-compare_a_setting")).to_contain_text("RRF k 1000")
    expect(slider).to_be_visible()  # the popover stays open
    slider.press("Home")
    expect(page.locator(".st-key-compare_a_setting")).to_contain_text("RRF k 1 ·")
    expect(cards(page, 1).locator("button.id")).to_have_text(other)


def test_neighbours_and_back(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base)
    first = ids(page, 0)[0]
    cards(page, 0).first.get_by_role("button", name="similar").click()
    expect(page.get_by_text(f"Nearest to {first}, by its own vector")).to_be_visible()
    expect(cards(page, 0).locator("button.id").first).not_to_have_text(first)
    page.get_by_role("button", name="Back").click()
    expect(cards(page, 0).locator("button.id").first).to_have_text(first)


def test_open_in_search_takes_the_setting_along(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base)
    preset(page, "k 1 / 60")
    expect(page.locator(".st-key-compare_a_setting")).to_contain_text("RRF k 1 ·")
    expect(page.locator(".column")).to_have_count(2)
    wanted = ids(page, 0)
    page.locator(".st-key-compare_a_popover").get_by_role("button").click()
    page.get_by_role("button", name="Open in Search").click()
    expect(page.get_by_role("slider", name="RRF k", exact=True)).to_have_attribute(
        "aria-valuetext", "1"
    )
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
    expect(page.locator(".hit")).to_have_count(10)
    expect(page.locator(".hit button.id")).to_have_text(wanted)


def test_markup_in_a_row_stays_text(browser_page: Page, base: str) -> None:
    page = open_compare(browser_page, base, compare_text="larkspur")
    card = page.locator(".card").filter(has_text="evil").first
    expect(card).to_contain_text("<script>")
    expect(card).to_contain_text("<b>x</b>")
    assert page.locator(".card script, .card img, .card .title b").count() == 0
    assert "taken over" not in page.title()


def test_a_narrow_window_shows_one_list_at_a_time(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport={"width": 420, "height": 900})
    page = open_compare(context.new_page(), base)
    expect(page.locator(".column:visible")).to_have_count(1)
    expect(page.locator(".lines")).to_be_hidden()
    page.get_by_role("button", name="C keyword").click()
    expect(page.locator(".column").nth(2)).to_be_visible()
    expect(page.locator(".column").nth(0)).to_be_hidden()
    expect(cards(page, 2).first).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    context.close()
