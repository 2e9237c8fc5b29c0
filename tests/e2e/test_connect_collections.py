"""A newcomer makes a collection in a real browser, builds its index, and drops it again."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import RunApp, until

from pgvista.db.embedded import start_embedded
from pgvista.ui.state import PARAMETER

NAME = 'Bücher; "docs" 100 %'


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder of the module's own; its path is short, so that a Unix socket fits in it."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def test_from_an_empty_folder_to_an_index_and_back(
    run_app: RunApp, browser_page: Page, folder: Path
) -> None:
    base = run_app("app.py", {"PGVISTA_DATA": str(folder)})
    page = browser_page
    page.goto(base)
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text(re.compile(r"embedded · PG 18\.\d+ · pgvector 0\."))).to_be_visible()

    sidebar.get_by_role("link", name="Collections").click()
    expect(page.get_by_text("No collection here yet")).to_be_visible()
    page.get_by_role("button", name="Create one").click()
    page.get_by_role("textbox", name="Name").fill(NAME)
    # The statement follows while the name is typed.
    expect(page.get_by_text('"Bücher; ""docs"" 100 %"').first).to_be_visible()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"{PARAMETER}=B"))

    page.get_by_role("link", name="Indexes").last.click()
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.get_by_text("done in")).to_be_visible()
    sidebar.get_by_role("link", name="Collections").click()
    expect(
        page.get_by_role("cell", name=re.compile("_embedding_hnsw_cosine_idx|^Bücher.*_idx$")).first
    ).to_be_visible()

    # The choice goes along: to another page and back, and by the address to a new one.
    sidebar.get_by_role("link", name="Connect").click()
    expect(page.get_by_role("heading", name="Connect", exact=True)).to_be_visible()
    sidebar.get_by_role("link", name="Collections").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()

    page.get_by_role("radio", name="Drop", exact=True).click()
    drop = page.get_by_role("button", name="Drop", exact=True)
    expect(drop).to_be_disabled()
    page.get_by_role("textbox", name="Type").fill(NAME)
    expect(drop).to_be_enabled()
    drop.click()
    expect(page.get_by_text("No collection here yet")).to_be_visible()


def press_test(page: Page) -> None:
    """Press Test until its dialog opens: a press while the page is being put up can go astray."""
    told = page.get_by_text("Test of")

    def opened() -> bool:
        page.get_by_role("button", name="Test", exact=True).first.click()
        try:
            expect(told).to_be_visible(timeout=60_000)
        except AssertionError:
            return False
        return True

    until(page, opened)


def test_a_killed_server_is_back_at_the_next_step(
    run_app: RunApp, browser_page: Page, folder: Path
) -> None:
    base = run_app("app.py", {"PGVISTA_DATA": str(folder)})
    page = browser_page
    page.goto(base)
    expect(page.get_by_text(re.compile("pgvector 0")).first).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Connect").click()
    expect(page.get_by_role("heading", name="Embedding services")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    press_test(page)
    expect(page.get_by_role("cell", name=re.compile(r"PostgreSQL 18")).first).to_be_visible()
    server = start_embedded(folder)
    postmaster = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    assert postmaster > 1
    os.kill(postmaster, signal.SIGKILL)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Test of")).to_have_count(0)
    press_test(page)
    expect(page.get_by_role("cell", name=re.compile(r"PostgreSQL 18")).first).to_be_visible()
    server.stop()
