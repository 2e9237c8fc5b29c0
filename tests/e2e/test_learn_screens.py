"""Lessons in a real browser: presented steps fit their screen, and no step scrolls sideways on a phone."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import RunApp, idle

import pgvista

PRESENTED = {"width": 1280, "height": 720}
NARROW = {"width": 500, "height": 900}
PADDING_PX = 19
"""Beneath the last line of a presented page: 1 rem. What is hidden by less hides nothing."""
SIZES = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return [main.scrollWidth - main.clientWidth, main.scrollHeight - main.clientHeight];
}"""


@pytest.fixture(scope="module")
def app(run_app: RunApp, module_database_url: str, browser: Browser) -> str:
    vectors = np.random.default_rng(1).normal(size=(120, 12))
    with pgvista.connect(module_database_url) as opened:
        made = opened.create_collection("docs", dimension=12)
        made.upsert(
            {"id": str(n), "content": f"Row {n}", "embedding": vector.tolist()}
            for n, vector in enumerate(vectors)
        )
    url = run_app("app.py", {"PGVISTA_URL": module_database_url})
    page = browser.new_page()
    page.goto(url)  # served bare, a link to a page is known once the app has been run
    expect(page.get_by_role("link", name="Lessons")).to_be_visible()
    page.close()
    return url


def revealed(page: Page, address: str, sign: str) -> tuple[int, int]:
    """Open a step, reveal its answer, and return by how much it is too wide and too high."""
    page.goto(address)
    expect(page.locator(".keys kbd").first).to_be_attached()
    shown = page.get_by_text(sign).first
    expect(page.get_by_role("button", name="Reveal").or_(shown).first).to_be_visible()
    if page.get_by_role("button", name="Reveal").count():
        page.get_by_role("button", name="Reveal").click()
    expect(shown).to_be_visible()
    idle(page)
    wide, high = page.evaluate(SIZES)
    return wide, high


@pytest.mark.parametrize(
    ("step", "sign"),
    [
        ("hnsw?step=ef_search", "so the search stops"),
        ("hnsw?step=m", "so the search stops"),
        ("hnsw?step=rows&collection=docs", "The search begins"),
        ("distance?step=operators&collection=docs", "On a temporary table of"),
        ("smaller?step=recall&collection=docs", "without an index"),
    ],
)
def test_a_presented_step_fits_its_screen(browser: Browser, app: str, step: str, sign: str) -> None:
    page = browser.new_page(viewport=PRESENTED)  # type: ignore[arg-type]
    assert revealed(page, f"{app}/{step}&present=1", sign)[1] <= PADDING_PX
    page.close()


@pytest.mark.parametrize(
    ("step", "sign"),
    [
        ("metadata?step=types&collection=docs", "Postgres refused a value"),
        ("distance?step=operators&collection=docs", "On a temporary table of"),
    ],
)
def test_a_narrow_page_does_not_scroll_sideways(
    browser: Browser, app: str, step: str, sign: str
) -> None:
    page = browser.new_page(viewport=NARROW)  # type: ignore[arg-type]
    assert revealed(page, f"{app}/{step}", sign)[0] <= 0
    page.close()
