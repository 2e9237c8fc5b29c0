"""Evaluate in a real browser: measures, the grid that decides, its default, and judging by keys."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import MODEL_MS, RunApp

import pgvista
from pgvista.api import Workbench
from pgvista.services.collections import open_collection
from pgvista.services.judgments import list_query_sets, read_query_set
from pgvista.services.samples import load_sample
from pgvista.services.search_defaults import default_request


@pytest.fixture(scope="module")
def sample(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        load_sample(opened.db, "help_centre")
        yield opened


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, sample: Workbench) -> str:
    return run_app("app.py", {"PGVISTA_URL": module_database_url})


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def open_first_query(page: Page) -> None:
    """Click the first cell of the table of queries, which is a canvas."""
    table = page.get_by_test_id("stDataFrame").nth(1)
    expect(table.locator("canvas").first).to_be_visible()
    table.click(position={"x": 80, "y": 55})
    page.wait_for_url("**/search?**")


def open_part(page: Page, app: str, name: str) -> None:
    page.goto(f"{app}/evaluate?collection=help_centre")
    page.get_by_role("radio", name=name, exact=True).click()
    settled(page)


def test_modes_are_measured_and_a_query_opens_in_search(browser_page: Page, app: str) -> None:
    page = browser_page
    open_part(page, app, "Measure")
    page.locator(".st-key-evaluate_measure_go button").click()
    expect(page.get_by_text("Means over 80 queries of Help centre")).to_be_visible(timeout=MODEL_MS)
    expect(page.get_by_text("hybrid against semantic")).to_be_visible()
    settled(page)
    open_first_query(page)
    question = page.get_by_role("textbox", name="Question")
    expect(question).not_to_have_value("")
    expect(page.locator("li.hit").first).to_be_visible(timeout=MODEL_MS)


def test_the_grid_decides_and_search_begins_with_its_winner(
    browser_page: Page, app: str, sample: Workbench
) -> None:
    page = browser_page
    open_part(page, app, "Grid")
    page.get_by_role("button", name="Run the grid").click()
    sentence = page.get_by_role("heading", name="Take RRF")
    expect(sentence).to_be_visible(timeout=MODEL_MS)
    expect(page.get_by_text("drawn by chance, chose among 341 settings")).to_be_visible()
    charts = page.get_by_test_id("stPlotlyChart")
    expect(charts).to_have_count(4)
    # by ts_rank and ts_rank_cd there is no coverage, which would be RRF once more
    for name, count in (
        ("BM25", 105),
        ("ts_rank", 63),
        ("ts_rank_cd", 63),
        ("BM25, every word", 105),
    ):
        expect(page.get_by_label(f"with words ranked by {name}: {count} settings")).to_have_count(1)
    expect(charts.first.locator(".annotation-text")).to_have_count(105)
    page.get_by_role("button", name="Make it the default of help_centre").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("all").first).to_be_visible()
    dialog.get_by_role("button", name="Make it the default").click()
    expect(page.get_by_text("help_centre has its new default")).to_be_visible()
    found = default_request(open_collection(sample.db, "help_centre"))
    assert found["keyword_match"] == "all"
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.locator(".st-key-search_match input")).to_have_value("every word")
    page.goto(f"{app}/evaluate?collection=help_centre")
    page.get_by_role("radio", name="Grid", exact=True).click()
    page.get_by_role("button", name="Back to pgvista's own").click()
    expect(page.get_by_text("begins with pgvista's own settings again")).to_be_visible()
    assert default_request(open_collection(sample.db, "help_centre")) == {}


def grades(sample: Workbench) -> list[int]:
    saved = next(item for item in list_query_sets(sample.db) if item.name == "My queries")
    found = read_query_set(sample.db, saved.id).judgments
    return [grade for by_document in found.values() for grade in by_document.values()]


def press(page: Page, key: str) -> None:
    """Press a key that grades, once it is listened to: not while the last one is on its way."""
    expect(page.locator(".root.keys:not(.sent)")).to_be_visible()
    page.keyboard.press(key)


def test_hits_are_judged_by_keys_that_rest_while_one_types(
    browser_page: Page, app: str, sample: Workbench
) -> None:
    page = browser_page
    page.goto(f"{app}/evaluate?collection=help_centre")
    page.get_by_role("button", name="New set").click()
    page.get_by_role("textbox", name="Questions, one a line").fill(
        "screen too small to read\nprinter is stuck"
    )
    page.get_by_role("button", name="Begin to judge").click()
    told = page.get_by_text("judged", exact=False).filter(has_text="0 of ")
    expect(told.first).to_be_visible(timeout=MODEL_MS)
    settled(page)
    card = page.locator(".st-key-evaluate_hit")
    shown = card.inner_text()
    press(page, "3")
    expect(page.get_by_text("1 of ")).to_contain_text("1 judgment in this set")
    expect(card).not_to_have_text(shown)
    assert grades(sample) == [3]
    press(page, "0")
    expect(page.get_by_text("2 of ")).to_be_visible()
    assert sorted(grades(sample)) == [0, 3]
    press(page, "u")
    expect(page.get_by_text("1 of ")).to_be_visible()
    assert grades(sample) == [3]
    # figures that are typed into a field grade nothing
    page.get_by_role("button", name="Add a question").click()
    field = page.get_by_role("textbox", name="Question", exact=True)
    field.click()
    page.keyboard.type("20 devices u s")
    expect(field).to_have_value("20 devices u s")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("0 of ").first).to_be_visible(timeout=MODEL_MS)
    assert grades(sample) == [3]
    # the set that was judged is the one that is measured, not the first in the list
    page.get_by_role("radio", name="Measure", exact=True).click()
    expect(page.get_by_role("combobox", name="Query set")).to_have_value("My queries")
    expect(page.get_by_text("3 queries, 1 judgment")).to_be_visible()


def test_a_link_from_the_table_names_its_settings(browser_page: Page, app: str) -> None:
    page = browser_page
    open_part(page, app, "Measure")
    for name in ("semantic", "hybrid"):  # the recipe against words alone
        page.locator(".st-key-evaluate_settings_4").get_by_text(name, exact=True).click()
        settled(page)
    page.locator(".st-key-evaluate_settings_4").get_by_text("published recipe").click()
    settled(page)
    page.locator(".st-key-evaluate_measure_go button").click()
    expect(page.get_by_text("published recipe against keyword")).to_be_visible(timeout=MODEL_MS)
    settled(page)
    open_first_query(page)
    given = parse_qs(urlsplit(page.url).query)
    assert given["search_match"] == ["all"]
    assert given["search_rank"] == ["ts_rank_cd"]
    assert given["search_k"] == ["50"]
    expect(page.get_by_text("As in the published recipe for Postgres")).to_be_visible()
