"""The page Indexes in a real browser: a build is watched from another page, stopped, done, dropped."""

from __future__ import annotations

import re

import numpy as np
import psycopg
from playwright.sync_api import Page, expect
from tests.e2e.conftest import RunApp, until

import pgvista

ROWS = 500


def builds(url: str) -> int:
    """Count the builds of an index at work in the database."""
    with psycopg.connect(url) as session:
        row = session.execute(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and state = 'active' and query ilike 'create index%'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_build_is_watched_stopped_and_done(
    run_app: RunApp, browser_page: Page, database_url: str
) -> None:
    vectors = np.random.default_rng(2).standard_normal((ROWS, 12)).astype(np.float32)
    with pgvista.connect(database_url) as db:
        docs = db.create_collection("docs", dimension=12)
        docs.upsert({"id": str(n), "embedding": vector} for n, vector in enumerate(vectors))
    page = browser_page
    page.goto(run_app("app.py", {"PGVISTA_URL": database_url}) + "/indexes?collection=docs")
    sidebar = page.get_by_test_id("stSidebar")
    build = page.get_by_role("button", name="Build", exact=True)
    expect(page.get_by_text("No index on the vectors")).to_be_visible()
    expect(page.get_by_text("The graph fits maintenance_work_mem")).to_be_visible()

    with psycopg.connect(database_url, application_name="the other") as other:
        other.execute("update pgvista.docs set content = 'x' where id = '1'")
        build.click()
        expect(page.get_by_text(re.compile(r"the other.* is in the way"))).to_be_visible()
        sidebar.get_by_role("link", name="Connect").click()
        expect(sidebar.get_by_text("Index on docs")).to_be_visible()
        sidebar.get_by_role("link", name="Indexes").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("button", name="Stopping…")).to_be_visible()
        # The build ends before nothing holds it up any more.
        until(page, lambda: not builds(database_url))
        other.rollback()
    expect(page.get_by_text("was cancelled")).to_be_visible()
    expect(page.get_by_text("No index on the vectors")).to_be_visible()

    build.click()
    expect(page.get_by_text(f"{ROWS} rows in it · table analysed")).to_be_visible()
    expect(page.get_by_text("already: drop it first")).to_be_visible()
    expect(build).to_be_disabled()

    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas").first).to_be_visible()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 + 17)  # the table is a canvas
    page.get_by_role("radio", name="Drop").click()
    page.get_by_role("textbox", name="Type").fill("docs_embedding_hnsw_cosine_idx")
    page.get_by_role("button", name="Drop the index").click()
    expect(page.get_by_text("No index on the vectors")).to_be_visible()
    with pgvista.connect(database_url) as db:
        assert [i for i in db.collection("docs").indexes() if i.method == "hnsw"] == []
