"""The filter builder in a real browser: built, switched, typed as JSON, and taken away again."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import RunApp, idle

from pgvista.api import connect
from pgvista.db.embedded import start_embedded


@pytest.fixture(scope="module")
def base(run_app: RunApp) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            with connect(server.url) as db:
                books = db.create_collection("books", dimension=2, columns={"year": "bigint"})
                books.upsert(
                    {
                        "id": f"b{n:02}",
                        "content": f"text {n}",
                        "embedding": [1, n],
                        "year": 1960 + n,
                        "metadata": {
                            "kind": ["report", "letter"][n % 2],
                            "author": {"name": "Ada"},
                        },
                    }
                    for n in range(40)
                )
            yield run_app("app.py", {"PGVISTA_DATA": name})
        finally:
            server.stop()


def open_browse(page: Page, base: str) -> None:
    page.goto(base)  # a server that was just started learns its pages here
    expect(page.get_by_role("link", name="Browse")).to_be_visible()
    page.goto(f"{base}/browse?collection=books")
    expect(page.get_by_text("of 40 rows")).to_be_visible()


def add(page: Page, key: str, value: str) -> None:
    """Add the condition that `key` is what stands in the list of values as `value`."""
    box = page.get_by_role("combobox", name="Key")
    box.fill(key)
    box.press("Enter")
    page.get_by_role("combobox", name="Value").click()
    page.get_by_role("option", name=value).click()
    page.get_by_role("button", name="Add condition").click()


def test_conditions_are_built_switched_and_removed(browser_page: Page, base: str) -> None:
    page = browser_page
    open_browse(page, base)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("As found in all 40 rows.")).to_be_visible()
    add(page, "kind", "letter · 20")
    chip = page.locator(".st-key-browse_filter_chip_0").get_by_role("button")
    expect(chip).to_have_text(re.compile("kind is letter"))
    expect(chip).to_be_visible()
    expect(page.get_by_text("of 20 rows")).to_be_visible()

    box = page.get_by_role("combobox", name="Key")
    box.fill("year")
    box.press("Enter")
    value = page.get_by_role("combobox", name="Value")
    value.fill("1999")
    value.press("Enter")
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_role("button", name="year ≥ 1999").first).to_be_visible()
    expect(page.get_by_text("of 1 rows")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="any of").or_(
        page.get_by_role("button", name="any of")
    ).first.click()
    expect(page.get_by_text("of 20 rows")).to_be_visible()
    chip.click()
    expect(page.get_by_text("of 1 rows")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("of 40 rows")).to_be_visible()


def test_json_and_chips_follow_each_other(browser_page: Page, base: str) -> None:
    page = browser_page
    open_browse(page, base)
    page.get_by_role("button", name="Filter").click()
    add(page, "author.name", "Ada · 40")
    expect(page.get_by_role("button", name="author.name is Ada").first).to_be_visible()
    page.get_by_role("tab", name="JSON").click()
    field = page.get_by_role("textbox", name="Filter as JSON")
    expect(field).to_have_value('{"author.name": "Ada"}')
    field.fill('{"year": ')
    field.press("Control+Enter")
    expect(page.get_by_text("No row is looked for until it is mended")).to_be_visible()
    expect(page.get_by_text("of 40 rows")).to_have_count(0)
    field.fill(json.dumps({"year": {"$between": [1960, 1969]}, "kind": "report"}))
    field.press("Control+Enter")
    expect(page.get_by_text("of 5 rows")).to_be_visible()
    expect(page.get_by_role("button", name="year is between 1960 and 1969")).to_be_visible()


def test_groups_are_built_changed_and_read_from_json(browser_page: Page, base: str) -> None:
    page = browser_page
    open_browse(page, base)
    page.get_by_role("button", name="Filter").click()
    add(page, "kind", "letter · 20")
    expect(page.get_by_text("of 20 rows")).to_be_visible()
    for year, button in (("1961", "Add in a new group"), ("1963", "Add condition")):
        box = page.get_by_role("combobox", name="Key")
        box.fill("year")
        box.press("Enter")
        page.get_by_role("combobox", name="Condition").click()
        page.get_by_role("option", name="is", exact=True).click()
        idle(page)
        page.get_by_role("combobox", name="Value").click()
        page.get_by_role("option", name=f"{year} · 1").click()
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("button", name=f"year is {year}").first).to_be_visible()
    expect(page.get_by_text("of 2 rows")).to_be_visible()
    page.get_by_role("tab", name="JSON").click()
    field = page.get_by_role("textbox", name="Filter as JSON")
    expect(field).to_have_value('{"kind": "letter", "$or": [{"year": 1961}, {"year": 1963}]}')

    page.get_by_role("tab", name="Build").click()
    page.get_by_role("combobox", name="How many of the group must hold").nth(1).click()
    page.get_by_role("option", name="none of").click()
    expect(page.get_by_text("of 18 rows")).to_be_visible()
    page.get_by_role("button", name="year is 1963", exact=True).click()
    value = page.get_by_role("combobox", name="Value")
    expect(value).to_have_value("1963 · 1")
    value.fill("1962")
    page.get_by_role("option", name="1962 · 1").click()
    page.get_by_role("button", name="Change condition").click()
    expect(page.get_by_text("of 19 rows")).to_be_visible()
    page.get_by_role("tab", name="JSON").click()
    expect(field).to_have_value(
        '{"kind": "letter", "$not": {"$or": [{"year": 1961}, {"year": 1962}]}}'
    )

    field.fill('{"$or": [{"year": {"$lt": 1965}, "kind": "letter"}, {"year": 1999}]}')
    field.press("Control+Enter")
    expect(page.get_by_text("of 3 rows")).to_be_visible()
    page.get_by_role("tab", name="Build").click()
    for text in ("year < 1965", "kind is letter", "year is 1999"):
        expect(page.get_by_role("button", name=text, exact=True).first).to_be_visible()
    page.locator(".st-key-browse_filter_dissolve-0").get_by_role("button").click()
    expect(page.get_by_text("of 23 rows")).to_be_visible()


def test_a_link_carries_the_filter_and_a_narrow_window_shows_it(
    browser: Browser, base: str
) -> None:
    context = browser.new_context(viewport={"width": 420, "height": 900})
    page = context.new_page()
    open_browse(page, base)
    page.goto(
        f'{base}/search?collection=books&search_mode=keyword&search_text=text&search_filter={{"year":{{"$lt":1963}}}}'
    )
    expect(page.get_by_role("button", name="year < 1963")).to_be_visible()
    expect(page.locator(".hit")).to_have_count(3)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    page.get_by_role("button", name="Filter").click()
    field = page.get_by_role("combobox", name="Key")
    expect(field).to_be_visible()
    box = field.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 420
    context.close()
