"""The page Sweep in a real browser: the curve, the target, the worst queries, a sweep of one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import MODEL_MS, RunApp, choose, idle

import pgvista
from pgvista.api import Collection
from pgvista.model.sweep import SweepSpec
from pgvista.services.sweep import sweep
from pgvista.services.sweep_store import save_sweep

VECTORS = np.random.default_rng(12).standard_normal((3000, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def docs(module_database_url: str) -> Iterator[Collection]:
    with pgvista.connect(module_database_url) as workbench:
        made = workbench.create_collection("docs", dimension=16)
        made.upsert(
            {"id": f"r{number:04}", "embedding": vector} for number, vector in enumerate(VECTORS)
        )
        made.create_index("hnsw", m=4, ef_construction=8)
        spec = SweepSpec(queries=40, connections=(), ef_search=(12, 40, 400), selectivities=(0.1,))
        found = sweep(made.db, made.info, spec)
        steady = tuple(  # times that no other load of the machine turns over
            dataclasses.replace(point, p95_ms=point.setting.strength / 10 or 90.0)
            for point in found.points
        )
        save_sweep(made.db, made.info, dataclasses.replace(found, points=steady))
        yield made


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, docs: Collection, browser: Browser) -> str:
    url = run_app("app.py", {"PGVISTA_URL": module_database_url})
    page = browser.new_page()
    page.goto(url)
    expect(page.get_by_role("link", name="Sweep")).to_be_visible()
    page.close()
    return url


def open_sweep(page: Page, app: str) -> None:
    page.goto(f"{app}/sweep?collection=docs")
    expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_visible()


def set_p95(page: Page, value: str) -> None:
    field = page.get_by_role("spinbutton", name="p95 at most, ms")
    field.fill(value)
    field.press("Enter")


def test_curve_target_and_recommendation(browser_page: Page, app: str) -> None:
    page = browser_page
    open_sweep(page, app)
    told = page.get_by_role("heading", level=2)
    expect(page.locator(".js-plotly-plot")).to_contain_text("Mean recall")
    expect(page.locator(".js-plotly-plot")).to_contain_text("exact scan")
    set_p95(page, "0.001")
    expect(told).to_contain_text("Nothing measured reaches recall 0.95 within 0.001 ms")
    set_p95(page, "0")
    expect(told).not_to_contain_text("Nothing measured")
    page.get_by_role("radio", name="10 % of the rows").click()
    expect(told).to_contain_text("10 % of the rows")


def test_a_worst_query_opens_in_live(browser_page: Page, app: str) -> None:
    page = browser_page
    open_sweep(page, app)
    set_p95(page, "0.001")
    expect(page.get_by_role("heading", level=2)).to_contain_text("Nothing measured reaches")
    expect(page.get_by_text("of ef_search 12")).to_be_visible()
    worst = page.get_by_role("link").filter(has_text="· recall 0.").first
    expect(worst).to_be_visible()
    row = worst.inner_text().split(" · ")[0].split()[-1]
    address = worst.get_attribute("href") or ""
    assert f"row={row}" in address
    assert "live_ef=12" in address
    worst.click()
    expect(page.get_by_role("link", name="Live")).to_be_visible()
    page.wait_for_url("**/live?**collection=docs**")


def test_measure_compare_and_download(browser_page: Page, app: str, docs: Collection) -> None:
    page = browser_page
    open_sweep(page, app)
    page.get_by_role("spinbutton", name="Queries").fill("1000")  # so many that it can be watched
    page.get_by_text("More", exact=True).click()
    page.get_by_text("Throughput", exact=True).click()
    page.get_by_role("button", name="Measure").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=MODEL_MS)
    expect(page.get_by_role("button", name="Measure")).to_be_visible()
    idle(page)
    earlier = page.get_by_test_id("stSelectbox").filter(has_text="Compare with").locator("input")
    choose(page, earlier, page.get_by_role("option").first)
    expect(page.locator(".st-key-sweep_curve .js-plotly-plot").last).to_contain_text("before")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename.startswith("sweep-docs-")
    assert download.value.path().read_text("utf-8").startswith("rows,index,method")
