"""From an empty folder to a search in two clicks; a file loaded, looked through and cleaned."""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import MODEL_MS, RunApp

ROWS = "".join(
    json.dumps({"id": f"r{n:05}", "text": f"text {n}", "embedding": [n, 1, 2], "year": n % 50})
    + "\n"
    for n in range(20_000)
)
ROW_PX, HEADER_PX = 33, 35


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder of the module's own; its path is short, so that a Unix socket fits in it."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        yield Path(name)
        try:
            pid = int((Path(name) / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGQUIT)
        except (OSError, ValueError, IndexError):
            pass  # it went with the app


@pytest.fixture(scope="module")
def base(run_app: RunApp, folder: Path) -> str:
    return run_app("app.py", {"PGVISTA_DATA": str(folder)})


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    title = "The workbench for vectors in Postgres" if name == "Home" else name
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()


def pick(page: Page, row: int) -> None:
    """Click into a cell of the table's row."""
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)  # it is not drawn anew just now
    table.click(position={"x": 250, "y": HEADER_PX + ROW_PX * row + ROW_PX // 2})


def test_a_sample_is_two_clicks_from_its_search(browser_page: Page, base: str) -> None:
    page = browser_page
    page.goto(base)
    expect(page.get_by_text("Postgres 18")).to_be_visible()
    page.get_by_role("button", name="Load 233 rows").click()
    expect(page.get_by_text("Load Help centre").first).to_be_visible()
    page.get_by_role("button", name="increase text size on display").click(timeout=MODEL_MS)
    expect(page.get_by_text("Adjust font size in settings").first).to_be_visible()

    go(page, "Browse")
    pick(page, 2)
    expect(page.get_by_text("384 dimensions · norm 1")).to_be_visible()
    page.get_by_role("button", name="Find similar").click()
    expect(page.get_by_text("Nearest to")).to_be_visible()
    expect(page.get_by_text("hc-003").first).to_be_visible()


def test_a_file_is_loaded_while_another_page_is_open(
    browser_page: Page, base: str, tmp_path: Path
) -> None:
    page = browser_page
    file = tmp_path / "rows.jsonl"
    file.write_text(ROWS + "{broken\n", "utf-8")
    page.goto(base)
    go(page, "Load")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("own vectors · 3 numbers")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("Load rows.jsonl into rows").first).to_be_visible()
    go(page, "Home")
    go(page, "Load")
    expect(page.get_by_text("done in")).to_be_visible(timeout=MODEL_MS)
    expect(page.get_by_text("1 row was set aside")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Rows set aside as CSV").click()
    assert "20001" in download.value.path().read_text("utf-8-sig")

    page.get_by_role("button", name="Browse").click()
    expect(page.get_by_text("of 20,000 rows")).to_be_visible()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("tab", name="JSON").click()
    page.get_by_role("textbox", name="Filter as JSON").fill('{"year": 7}')
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("of 400 rows")).to_be_visible()


def test_a_row_is_changed_added_and_deleted(browser_page: Page, base: str) -> None:
    page = browser_page
    page.goto(f"{base}/browse?collection=rows")
    pick(page, 0)
    page.get_by_role("button", name="Edit").click()
    metadata = page.get_by_role("textbox", name="Metadata")
    metadata.fill("{broken")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The metadata is not JSON in line 1")).to_be_visible()
    metadata.fill('{"year": 3, "seen": true}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Pick a row")).to_be_visible()
    pick(page, 0)
    expect(page.get_by_text('"seen"').first).to_be_visible()

    page.get_by_role("button", name="Add a row").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Id").fill("a new one")
    dialog.get_by_role("textbox", name="Text").fill("a new text")
    dialog.get_by_role("textbox", name="Vector · 3 numbers").fill("[1, 2]")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_text("2 numbers, but the dimension is 3")).to_be_visible()
    dialog.get_by_role("textbox", name="Vector · 3 numbers").fill("[1, 2, 3]")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_text("of 20,001 rows")).to_be_visible()

    pick(page, 0)
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile("1 row of rows will be deleted"))).to_be_visible()
    confirm = dialog.get_by_role("button", name="Delete 1 row")
    expect(confirm).to_be_disabled()
    dialog.get_by_role("textbox").fill("rows")
    confirm.click()
    expect(page.get_by_text("of 20,000 rows")).to_be_visible()
