"""The lesson Keyword search in a real browser: what is typed is taken apart, and k1 turns the score."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.test_search import serve

from pgvista.api import Collection, connect
from pgvista.db.embedded import start_embedded
from pgvista.io.samples import help_centre_rows

QUESTION = "bigger subtitles on MP-50"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Collection]]:
    """The app's address and the help centre, with vectors that nothing looks at."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            with connect(server.url) as db:
                docs = db.create_collection("help_centre", model="all-MiniLM-L6-v2")
                random = np.random.default_rng(0)
                docs.upsert(
                    {
                        "id": row.id,
                        "content": row.content,
                        "metadata": dict(row.metadata),
                        "embedding": random.standard_normal(384).tolist(),
                    }
                    for row in help_centre_rows()
                )
                serving, url = serve(Path(name))
                yield url, docs
                serving.send_signal(signal.SIGINT)
                serving.wait(30)
        finally:
            server.stop()


def open_step(page: Page, base: str, step: str) -> Page:
    page.goto(f"{base}/keyword?{urlencode({'step': step})}")
    expect(page.get_by_role("textbox").first).to_be_visible()
    return page


def test_what_is_typed_is_taken_apart(browser_page: Page, served: tuple[str, Collection]) -> None:
    page = open_step(browser_page, served[0], "lexemes")
    cards = page.locator(".lexemes .card")
    expect(cards).to_have_count(12)
    expect(cards.nth(1)).to_contain_text("e2041:2")
    expect(cards.nth(2)).to_contain_text("stop word")
    field = page.get_by_role("textbox", name="A sentence")
    field.fill("the <b>mice</b>")
    expect(page.locator(".lexemes .card", has_text="mice:")).to_be_visible()
    expect(page.locator(".lexemes b")).to_have_count(0)


def test_every_word_of_a_question_is_in_no_row(
    browser_page: Page, served: tuple[str, Collection]
) -> None:
    page = open_step(browser_page, served[0], "match")
    page.get_by_role("radio", name="6 to 22").click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("You said 6 to 22; it is None.")).to_be_visible()
    expect(page.get_by_text("20 rows at least one of them")).to_be_visible()


def test_k1_turns_the_score_and_the_sum_stays_the_same(
    browser_page: Page, served: tuple[str, Collection]
) -> None:
    url, docs = served
    page = open_step(browser_page, url, "bm25")
    for k1, key in ((1.2, None), (0.0, "Home"), (3.0, "End")):
        if key is not None:
            page.get_by_role("slider", name="BM25 k1").press(key)
        score = docs.search(QUESTION, mode="keyword", bm25_k1=k1).hits[0].score
        said = f"The terms sum to {score:.4f}; search() gives this row {score:.4f}, the same."
        expect(page.get_by_text(said)).to_be_visible()
    expect(page).to_have_url(re.compile("[?&]k1=3"))


def test_the_weight_of_the_text_moves_rows(
    browser_page: Page, served: tuple[str, Collection]
) -> None:
    page = open_step(browser_page, served[0], "labels")
    titles = page.locator(".ranked .title")
    expect(titles.nth(1)).to_have_text("Adjust font size in settings")
    page.get_by_role("slider", name="Weight of D: all other words").press("End")
    expect(titles.nth(1)).to_have_text("Larger letters in the Larkfield Go app")
    expect(titles.nth(2)).to_have_text("Print from macOS and iPad")
