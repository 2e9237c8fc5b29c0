"""The page Live in a real browser: a knob that is dragged, misses that are marked, an index that goes."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.test_search import serve

from pgvista.api import connect
from pgvista.db.embedded import start_embedded

ROWS, DIMENSION = 4_000, 32
EVIL = "<script>document.title = 'taken over'</script>"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """The app's address and its database, with an index that gives five rows at ef_search 5 and all at its end."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            vectors = np.random.default_rng(0).standard_normal((ROWS, DIMENSION))
            with connect(server.url) as db:
                docs = db.create_collection("docs", dimension=DIMENSION)
                docs.upsert(
                    {"id": f"r{n}", "content": f"{EVIL} {n}", "embedding": vector.tolist()}
                    for n, vector in enumerate(vectors)
                )
                docs.create_index("hnsw", m=16, ef_construction=64)
            serving, url = serve(Path(name))
            yield url, server.url
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def open_live(page: Page, base: str, **params: str) -> Page:
    page.goto(f"{base}/live?{urlencode({'collection': 'docs', **params})}")
    expect(page.get_by_role("textbox", name="Query")).to_be_visible()
    return page


def rows(page: Page, mark: str = "") -> Locator:
    return page.locator(f".truth .row[data-mark='{mark}']" if mark else ".truth .row")


def figure(page: Page, name: str) -> Locator:
    return page.locator(".truth .figure", has_text=name).locator(".value")


def test_misses_follow_the_hand(browser_page: Page, served: tuple[str, str]) -> None:
    page = open_live(browser_page, served[0], row="r1", live_ef="5")
    expect(rows(page, "missed").first).to_be_visible()
    first = rows(page, "missed").count()
    recall = figure(page, "recall@10")
    expect(recall).to_have_text(f"{1 - first / 10:.2f}")
    assert page.locator(".truth .square[data-mark='missed']").count() == first
    slider = page.get_by_role("slider", name="ef_search")
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, y, steps=12)
    # The button is still down: what is shown follows the hand
    expect(rows(page, "missed")).to_have_count(0)
    expect(recall).to_have_text("1.00")
    page.mouse.up()
    expect(page.get_by_text("Nothing is missing")).to_be_visible()
    assert page.title() != "taken over"
    expect(rows(page).first).to_contain_text("<script>")


def test_a_row_becomes_the_query(browser_page: Page, served: tuple[str, str]) -> None:
    page = open_live(browser_page, served[0], row="r2", live_ef="400")
    row = rows(page).nth(2)
    row.hover()
    name = row.locator("button.use").get_attribute("aria-label") or ""
    row.locator("button.use").click()
    expect(page.get_by_role("textbox", name="Query")).to_have_value(name.split()[3])


def test_a_random_row(browser_page: Page, served: tuple[str, str]) -> None:
    page = open_live(browser_page, served[0])
    page.get_by_role("button", name="Draw a row at random").click()
    expect(rows(page).first).to_be_visible()
    before = page.get_by_role("textbox", name="Query").input_value()
    assert before.startswith("r")
    page.get_by_role("button", name="Random row").click()
    expect(page.get_by_role("textbox", name="Query")).not_to_have_value(before)


def test_a_statement_of_ones_own(browser_page: Page, served: tuple[str, str]) -> None:
    page = open_live(browser_page, served[0])
    page.get_by_text("A statement of yours", exact=True).click()
    vector = "[" + ",".join(["0.5"] * DIMENSION) + "]"
    page.get_by_role("textbox", name="Statement").fill(
        f"select id from pgvista.docs order by 1 - (embedding <=> '{vector}') desc limit 5"
    )
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.get_by_text("Computed order")).to_be_visible()
    page.get_by_role("textbox", name="Statement").fill("drop table pgvista.docs; select 1")
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.get_by_text("several statements")).to_be_visible()


def test_an_index_dropped_meanwhile_and_a_narrow_window(
    browser_page: Page, served: tuple[str, str]
) -> None:
    page = open_live(browser_page, served[0], row="r3", live_ef="5")
    expect(rows(page, "missed").first).to_be_visible()
    with psycopg.connect(served[1], autocommit=True) as session:
        found = session.execute(
            "select indexrelid::regclass::text from pg_index join pg_class c on c.oid = indexrelid "
            "join pg_am a on a.oid = c.relam where amname = 'hnsw'"
        ).fetchone()
        assert found is not None
        session.execute(f"drop index {found[0]}")
    page.get_by_role("slider", name="LIMIT").press("ArrowRight")
    expect(page.get_by_text("was dropped meanwhile")).to_be_visible()
    expect(rows(page, "missed")).to_have_count(0)
    page.set_viewport_size({"width": 500, "height": 900})
    wide = page.locator(".truth").evaluate("(e) => e.scrollWidth - e.clientWidth")
    assert wide <= 1
