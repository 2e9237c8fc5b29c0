"""The lesson Filters and recall in a real browser: the share that starves, the guess, the iterative scan."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.test_search import serve

MEASURING_MS = 300_000
"""An index is built and asked some hundred times, on a machine that may be busy."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The app's address, on a server without any collection."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        serving, url = serve(Path(name))
        yield url
        serving.send_signal(signal.SIGINT)
        serving.wait(30)


def test_a_filter_starves_and_a_scan_goes_on(browser_page: Page, served: str) -> None:
    page = browser_page
    page.goto(f"{served}/filtering")
    share = page.get_by_role("slider", name="Rows that meet the filter")
    expect(share).to_be_visible(timeout=MEASURING_MS)
    share.press("End")
    expect(page.get_by_text("10 of the 10 rows wanted come back.")).to_be_visible()
    share.press("Home")
    expect(page.get_by_text("To be expected: 40 × 1 % = 0.4.")).to_be_visible()
    expect(page.get_by_text("10 of the 10 rows wanted come back.")).to_have_count(0)

    page.get_by_role("button", name="Next: starved").click()
    page.get_by_role("radio", name="about 4").click(timeout=MEASURING_MS)
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("You said about 4; it is 1 or fewer.")).to_be_visible()

    page.get_by_role("radio", name="iterative").click()
    strict = page.get_by_role("row", name="strict_order")
    expect(strict.get_by_role("cell").nth(1)).to_have_text("10.0")
    page.get_by_role("slider", name="max_scan_tuples").press("Home")
    expect(strict.get_by_role("cell").nth(1)).not_to_have_text("10.0")
