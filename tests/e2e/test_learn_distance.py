"""The lessons Distance and Smaller vectors in a real browser: points are dragged, and so are candidates."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.e2e.conftest import RunApp, until

import pgvista
from pgvista.api import Workbench


@pytest.fixture(scope="module")
def docs(module_database_url: str) -> Iterator[Workbench]:
    draw = np.random.default_rng(1)
    centres = draw.normal(size=(6, 32))
    vectors = centres[draw.integers(6, size=300)] + 0.8 * draw.normal(size=(300, 32))
    with pgvista.connect(module_database_url) as opened:
        made = opened.create_collection("docs", dimension=32)
        made.upsert(
            {"id": str(i), "content": f"text {i}", "embedding": vector.tolist()}
            for i, vector in enumerate(vectors)
        )
        yield opened


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, docs: Workbench, browser: Browser) -> str:
    url = run_app("app.py", {"PGVISTA_URL": module_database_url})
    page = browser.new_page()
    page.goto(url)  # served bare, a link to a page is known once the app has been run
    expect(page.get_by_role("link", name="Lessons")).to_be_visible()
    page.close()
    return url


def point(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name, exact=True)


def middle(place: Locator) -> tuple[float, float]:
    box = place.locator("circle").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def first(page: Page, title: str) -> Locator:
    """Return the first item of an order."""
    column = page.locator(".orders .column", has=page.locator(".title", has_text=title))
    return column.locator(".item").first


def test_points_are_dragged_and_the_orders_follow(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/distance")
    expect(first(page, "L2")).to_contain_text("B1.131")
    expect(first(page, "Cosine")).to_contain_text("A")
    line = page.locator(".plane .line")
    expect(line).to_have_attribute("data-shape", "circle")
    expect(line).to_have_attribute("data-measure", "1.131371")

    # C is dragged onto the query, held there, and let go
    (x, y), (to_x, to_y) = middle(point(page, "C")), middle(point(page, "query"))
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + (to_x - x) * step / 10, y + (to_y - y) * step / 10)
        time.sleep(0.03)
    expect(first(page, "L2")).to_contain_text("C0.000")
    page.mouse.up()
    expect(point(page, "C")).to_have_attribute("aria-valuetext", "2, 1")
    expect(line).to_have_attribute("data-measure", "0.000000")

    # and by keys, a tenth at a time, five with Shift
    point(page, "C").focus()
    for key in ("ArrowUp", "ArrowUp", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(point(page, "C")).to_have_attribute("aria-valuetext", "2.5, 1.2")
    expect(first(page, "L2")).to_contain_text("C0.539")

    for name, shape in (("Inner product", "line"), ("Cosine", "rays"), ("L1", "diamond")):
        page.get_by_role("radio", name=re.compile(f"^{name}")).click()
        expect(line).to_have_attribute("data-shape", shape)
    expect(line).to_have_attribute("data-measure", "0.700000")

    page.get_by_role("button", name="Type the points").click()
    area = page.get_by_role("textbox", name="One point a line")
    expect(area).to_have_value(re.compile("^query 2, 1\nA 3.8, 2\n"))
    area.fill("query 1, 0\nN 0, 2\nM 3, far")
    area.press("Control+Enter")
    expect(page.get_by_text("'far' is no number")).to_be_visible()
    area.fill("query 1, 0\nN 0, 2\nM 3, 0")
    area.press("Control+Enter")
    expect(point(page, "M")).to_have_attribute("aria-valuetext", "3, 0")
    expect(first(page, "L1")).to_contain_text("M2.000")
    expect(point(page, "A")).to_have_count(0)


def test_with_length_one_three_orders_agree(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/distance?step=length&normalised=1")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("now give one order")).to_be_visible()
    before = point(page, "D").get_attribute("aria-valuetext")
    point(page, "D").focus()
    page.keyboard.press("ArrowUp")
    expect(point(page, "D")).not_to_have_attribute("aria-valuetext", before or "")
    columns = page.locator(".orders .column")

    def orders() -> list[list[str]]:
        return [columns.nth(at).locator(".disc").all_inner_texts() for at in range(3)]

    until(page, lambda: len({tuple(order) for order in orders()}) == 1)
    x, y = (
        float(value)
        for value in (point(page, "D").get_attribute("aria-valuetext") or "").split(",")
    )
    assert abs(x * x + y * y - 1) < 0.02


def test_more_candidates_bring_rows_back(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/smaller?step=re-rank&collection=docs&candidates=10")
    expect(page.get_by_text(re.compile("are found with 10 candidates"))).to_be_visible()
    knob = page.get_by_role("slider", name="Candidates re-ranked by the full vectors")
    knob.focus()
    knob.press("End")
    expect(page.get_by_text("10 are found with 200 candidates")).to_be_visible()
    places = page.locator(".orders .column")
    labels = [places.nth(at).locator(".label") for at in (1, 2)]
    until(page, lambda: labels[0].all_inner_texts() == labels[1].all_inner_texts())
    expect(page).to_have_url(re.compile("candidates=200"))


def test_signs_are_drawn_once_they_are_revealed(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/smaller?step=signs&collection=docs")
    expect(page.locator(".bits .bit")).to_have_count(3 * 16)
    expect(page.locator(".bits canvas")).to_have_count(0)
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator(".bits canvas")).to_have_count(2)
    near, far = page.locator(".bits .field .told").all_inner_texts()
    assert int(near.split()[0]) < int(far.split()[0])
    shown = page.locator(".bits tr").nth(1)
    by_hand = int(shown.locator(".told").inner_text().split()[0])
    assert shown.locator(".bit.other").count() == by_hand


def test_the_search_is_opened_with_the_metric(browser_page: Page, app: str) -> None:
    page = browser_page
    page.goto(f"{app}/distance?step=real&collection=docs")
    expect(page.locator(".orders .item").first).to_be_visible()
    page.get_by_text("6 · remember").click()
    page.get_by_role("link", name="Search by L2").click()
    expect(page).to_have_url(re.compile(r"/search\?.*search_metric=l2"))
    expect(page).to_have_url(re.compile("collection=docs"))
