"""The lessons Reading a map and Structured and unstructured metadata in a real browser.

They share a server and a collection, so that it is started once.
"""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.test_search import serve

from pgvista.api import connect
from pgvista.db.embedded import start_embedded

EVIL = "<img src=x onerror=\"document.title='taken over'\"> <b>bold</b>"
MINUTES_MS = 400_000


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The app's address; its database has 80 vectors in four groups, with texts that would be markup."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            rng = np.random.default_rng(2)
            centres = rng.normal(size=(4, 24))
            with connect(server.url) as db:
                docs = db.create_collection("docs", dimension=24)
                docs.upsert(
                    {
                        "id": f"row {n}",
                        "content": f"Article {n:02} {EVIL}",
                        "metadata": {"group": f"g{n % 4} {EVIL}", "year": 2000 + n % 9},
                        "embedding": (2 * centres[n % 4] + rng.normal(size=24)).tolist(),
                    }
                    for n in range(80)
                )
            serving, url = serve(Path(name))
            yield url
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def test_maps_are_compared_with_the_truth(browser_page: Page, base: str) -> None:
    page = browser_page
    page.goto(f"{base}/reading_map")
    expect(page.get_by_text(re.compile(r"^PCA · neighbours kept \d+%"))).to_be_visible()
    umap = page.get_by_text(re.compile(r"^UMAP · neighbours kept \d+%"))
    expect(umap).to_be_visible(timeout=MINUTES_MS)
    legend = page.get_by_text(f"g0 {EVIL}"[:30])  # as text, under each map
    expect(legend.first).to_be_visible()

    page.get_by_role("button", name="Next: one row").click()
    expect(page.get_by_label("with one row marked")).to_have_count(1)
    assert page.get_by_test_id("stDataFrame").count() == 0
    page.get_by_text("9 or 10", exact=True).click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ of 10 are near on the map"))).to_be_visible()
    expect(page.locator(".legendtext", has_text="true and near")).to_be_visible()

    page.get_by_role("button", name="Next: knobs").click()
    chosen = page.get_by_label("UMAP with n_neighbors 15 and min_dist 0.1")
    expect(chosen).to_have_count(1, timeout=MINUTES_MS)
    before = page.locator(".scatterlayer .points").first.inner_html()
    page.get_by_role("radio", name="50", exact=True).click()
    page.get_by_role("radio", name="0.5", exact=True).click()
    expect(page.get_by_label("UMAP with n_neighbors 50 and min_dist 0.5")).to_have_count(1)
    expect(chosen).to_have_count(0)
    assert page.locator(".scatterlayer .points").first.inner_html() != before
    expect(page).to_have_url(re.compile("neighbors=50"))
    assert "taken over" not in page.title()


def test_what_an_index_on_jsonb_serves(browser_page: Page, base: str) -> None:
    page = browser_page
    page.goto(f"{base}/metadata")
    bars = page.get_by_label("Time to find the")
    expect(bars).to_have_count(1, timeout=MINUTES_MS)
    found = page.locator(".chips, .panel").get_by_text("rows found").first
    expect(found).to_be_visible()
    rare = bars.get_attribute("aria-label")
    page.get_by_role("radio", name="2024").click()
    expect(page.get_by_label("rows of 2024")).to_have_count(1)
    assert page.get_by_label("rows of 2024").get_attribute("aria-label") != rare

    page.get_by_role("button", name="Next: GIN").click()
    page.get_by_text("The first two", exact=True).click()
    assert page.get_by_role("table").count() == 0
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("You said The first two; it is The first alone.")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Bitmap Index Scan")
    expect(rows.nth(2)).to_contain_text("Seq Scan")

    page.get_by_role("radio", name=re.compile("types")).click()
    page.get_by_role("button", name="Reveal").click()
    page.get_by_role("radio", name="is written").click()
    field = page.get_by_role("textbox", name="Write a year")
    field.fill(EVIL)
    field.press("Enter")
    expect(page.get_by_text("The column refuses it.")).to_be_visible()
    expect(page.locator("code", has_text="onerror").first).to_be_visible()
    assert "taken over" not in page.title()
