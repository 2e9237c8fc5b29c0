"""The page Search in a real browser, on the help centre, served by `pgvista run`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect
from tests.e2e.conftest import LOGS, MODEL_MS, START_SECONDS, free_port, idle

from pgvista.api import connect
from pgvista.db.embedded import start_embedded
from pgvista.io.samples import help_centre_rows

QUESTION = "increase text size on display"
EVIL = "<script>document.title = 'taken over'</script> larkspur <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder with the help centre, and a row that would like to be markup."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            with connect(server.url) as db:
                docs = db.create_collection("help_centre", model="all-MiniLM-L6-v2")
                rows = [
                    {"id": row.id, "content": row.content, "metadata": dict(row.metadata)}
                    for row in help_centre_rows()
                ]
                docs.upsert(
                    [*rows, {"id": "evil", "content": EVIL, "metadata": {"title": "<b>x</b>"}}]
                )
                docs.create_index("hnsw")
            yield Path(name)
        finally:
            server.stop()


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start `pgvista run` on a free port; return the process and its address."""
    port = free_port()
    log = folder / f"app-{port}.log"
    with log.open("wb") as sink:
        serving = subprocess.Popen(
            [sys.executable, "-m", "pgvista", "run", "--port", str(port), "--headless"],
            cwd=folder,
            env={**os.environ, "PGVISTA_DATA": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    LOGS.append(log)  # gone with its folder
    url = f"http://127.0.0.1:{port}"
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return serving, url
        except (urllib.error.URLError, OSError):
            assert serving.poll() is None, log.read_text("utf-8", "replace")[-2000:]
            assert time.monotonic() < give_up, "pgvista run does not answer"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def base(folder: Path) -> Iterator[str]:
    serving, url = serve(folder)
    yield url
    serving.send_signal(signal.SIGINT)
    serving.wait(30)


def open_search(page: Page, base: str, **params: str) -> Page:
    page.goto(f"{base}/search?{urlencode({'collection': 'help_centre', **params})}")
    expect(page.get_by_role("textbox", name="Question")).to_be_visible()
    return page


def status(page: Page) -> Locator:
    return page.locator(".st-key-search_status")


def ask(page: Page, text: str = QUESTION) -> None:
    box = page.get_by_role("textbox", name="Question")
    box.fill(text)
    box.press("Enter")
    # The model may have to be loaded first.
    expect(page.get_by_text("Loading all-MiniLM-L6-v2")).to_have_count(0, timeout=MODEL_MS)
    expect(status(page)).to_contain_text("hits")
    expect(page.locator(".hit").first).to_be_visible()


def ask_hybrid(page: Page) -> None:
    """Ask, and wait until the hits of both lists are there: the words' own may come first."""
    ask(page)
    expect(status(page)).to_contain_text("candidates", timeout=MODEL_MS)
    expect(page.locator(".hit")).to_have_count(10)
    expect(page.locator(".hit").first.locator(".line")).to_have_count(2)


def mode(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).or_(
        page.get_by_role("button", name=name, exact=True)
    ).first.click()


def ids(page: Page) -> list[str]:
    return page.locator(".hit button.id").all_text_contents()


def test_three_modes_find_rows_and_mark_words(browser_page: Page, base: str) -> None:
    browser_page.goto(base)
    expect(browser_page.get_by_role("link", name="Search", exact=True)).to_be_visible()
    page = open_search(browser_page, base)
    ask_hybrid(page)
    expect(page.locator(".hit").first.locator("mark").first).to_be_visible()
    hybrid = ids(page)
    assert len(hybrid) == 10
    mode(page, "Keyword")
    expect(page.locator(".hit").first).to_contain_text("rank score")
    keyword = ids(page)
    mode(page, "Semantic")
    expect(page.locator(".hit").first).to_contain_text("similarity")
    semantic = ids(page)
    assert len({tuple(hybrid), tuple(keyword), tuple(semantic)}) == 3
    mode(page, "Side by side")
    expect(page.locator(".hits")).to_have_count(3)
    expect(page.locator(".hits").nth(2).locator("button.id").first).to_have_text(hybrid[0])


def test_a_dragged_knob_reorders_the_hits_before_it_is_let_go(
    browser_page: Page, base: str
) -> None:
    page = open_search(browser_page, base)
    ask_hybrid(page)
    before = ids(page)
    thumb = page.get_by_role("slider", name="Semantic weight", exact=True)
    box = thumb.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    said, scrolls = [], []
    for step in range(1, 31):
        page.mouse.move(box["x"] + box["width"] * (0.5 - 0.5 * step / 30), middle)
        page.wait_for_timeout(50)
        said.append(float(thumb.get_attribute("aria-valuetext") or "nan"))
        scrolls.append(thumb.bounding_box())
    assert said == sorted(said, reverse=True)
    assert all(place is not None and place["y"] == box["y"] for place in scrolls)  # nothing jumps
    expect(
        page.locator(".hit .moved").filter(has_text=re.compile("[▲▼]|new")).first
    ).to_be_visible()
    assert ids(page) != before  # and the button is still down
    page.mouse.up()
    expect(thumb).to_have_attribute("aria-valuetext", "0.00")
    mode(page, "Keyword")
    expect(page.locator(".hit").first).to_contain_text("rank score")


WATCH = """
(names) => {
  window.touched = {};
  for (const name of names) {
    const part = document.querySelector(`.st-key-${name}`);
    const seen = {subtree: true, childList: true, characterData: true, attributes: true};
    const shadows = [...part.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean);
    for (const root of [part, ...shadows])
      new MutationObserver(() => (window.touched[name] = true)).observe(root, seen);
  }
}
"""


def test_a_moved_knob_draws_its_card_and_the_hits_and_leaves_the_rest(
    browser_page: Page, base: str
) -> None:
    page = open_search(browser_page, base)
    ask_hybrid(page)
    thumb = page.get_by_role("slider", name="RRF k", exact=True)
    thumb.focus()
    idle(page)
    others = ["search_line", "search_card_vectors", "search_card_words", "search_card_limit"]
    page.evaluate(WATCH, [*others, "search_below", "search_card_time"])
    for key in ("Home", "ArrowRight", "ArrowRight"):
        thumb.press(key)
    expect(status(page)).to_contain_text("recomputed in")
    expect(page.locator(".hits .since")).to_contain_text("since k")
    idle(page)
    assert page.evaluate("Object.keys(window.touched).sort()") == [
        "search_below",
        "search_card_time",
    ]
    page.get_by_role("slider", name="Hits", exact=True).press("PageUp")
    expect(page.locator(".hit")).to_have_count(20)
    page.get_by_role("radio", name="Plan", exact=True).click()
    expect(page.locator(".st-key-search_plan")).to_contain_text("EXPLAIN")
    page.locator(".hit").first.get_by_role("button", name="similar").click()
    expect(page.locator(".st-key-search_like")).to_contain_text("Nearest to")


def test_the_ledger_tells_what_k_moved_and_how_each_sum_came_about(
    browser_page: Page, base: str
) -> None:
    page = open_search(browser_page, base)
    ask_hybrid(page)
    head = page.locator(".hits .head")
    expect(head).to_contain_text("semantic: 100 asked, 100 got · keyword: 100 asked,")
    expect(head.locator(".since")).to_have_count(0)
    before = ids(page)
    page.get_by_role("slider", name="RRF k", exact=True).press("Home")
    expect(head.locator(".since")).to_have_text("▲▼ places moved since k 60")
    expect(status(page)).to_contain_text("recomputed in")
    after = ids(page)
    assert after != before
    up = next(place for place, row in enumerate(after) if row in before[place + 1 :])
    risen = page.locator(".hit").nth(up)
    by = before.index(after[up]) - up
    expect(risen.locator(".moved")).to_have_text(f"▲ {by}")
    expect(risen.locator(".moved")).to_have_attribute(
        "title", re.compile(rf"since k 60; it was #{up + by + 1}")
    )
    first = page.locator(".hit").first
    terms = [float(text) for text in first.locator(".term").all_text_contents() if text]
    assert abs(sum(terms) - float(first.locator(".total .figure").inner_text())) < 2e-4
    expect(first.locator(".line.semantic")).to_have_attribute(
        "title", re.compile(r"^1 / \(1 \+ \d+\) = 0\.\d{4}$")
    )
    first.get_by_role("button", name="show all").click()
    expect(first.locator(".sums")).to_contain_text("1 / (1 + ")
    mode(page, "Ledger")
    ledger = page.locator(".st-key-search_ledger")
    expect(ledger.get_by_test_id("stDataFrame")).to_be_visible()
    with page.expect_download() as download:
        ledger.get_by_role("button", name="CSV", exact=True).click()
    table = download.value.path().read_text("utf-8-sig").splitlines()
    assert table[0].startswith("place,id,semantic_rank,distance,keyword_rank,keyword_score")
    assert [line.split(",")[1] for line in table[1 : 1 + len(after)]] == after
    assert [line.split(",")[-1] for line in table[1 : 1 + len(after)]] == [
        str(before.index(row) + 1) if row in before else table[after.index(row) + 1].split(",")[-1]
        for row in after
    ]


def test_a_knob_that_a_method_has_not_is_locked(browser_page: Page, base: str) -> None:
    page = open_search(browser_page, base, search_fusion="minmax")
    ask(page)
    expect(page.get_by_role("slider", name="RRF k", exact=True)).to_be_disabled()
    expect(page.get_by_text("RRF alone has a k")).to_be_visible()
    expect(page.locator(".hit .line.semantic").first).to_have_attribute(
        "title", re.compile(r"^1 × \(")
    )


def test_neighbours_of_a_hit_and_back(browser_page: Page, base: str) -> None:
    page = open_search(browser_page, base)
    ask_hybrid(page)
    before = ids(page)
    page.locator(".hit").first.get_by_role("button", name="similar").click()
    expect(page.get_by_text(f"Nearest to {before[0]}, by its own vector")).to_be_visible()
    expect(page.locator(".hit button.id").first).not_to_have_text(before[0])
    page.get_by_role("button", name="Back to the question").click()
    expect(page.locator(".hit button.id").first).to_have_text(before[0])


def test_a_bad_filter_is_one_sentence_and_nothing_is_lost(browser_page: Page, base: str) -> None:
    page = open_search(browser_page, base)
    ask_hybrid(page)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("tab", name="JSON").click()
    box = page.get_by_role("textbox", name="Filter as JSON")
    box.fill('{"year": ')
    box.press("Control+Enter")
    expect(page.get_by_test_id("stAlert")).to_have_count(1)
    expect(page.get_by_test_id("stAlert")).to_contain_text("The filter is not JSON")
    box.fill('{"product": {"$eq": "LK-320"}}')
    box.press("Control+Enter")
    expect(page.get_by_role("button", name="product is LK-320")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    expect(page.locator(".hit .foot").filter(has_text="LK-320").first).to_be_visible()
    expect(page.locator(".hit .foot").filter(has_not_text="LK-320")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)


def test_a_link_opens_the_same_search_for_somebody_else(
    browser_page: Page, browser: Browser, base: str
) -> None:
    page = open_search(browser_page, base)
    ask_hybrid(page)
    page.get_by_role("slider", name="RRF k", exact=True).press("Home")
    expect(page.locator(".hit .line").first).to_contain_text("0.5")  # 1 / (1 + 1)
    mode(page, "Share")
    expect(page.get_by_test_id("stCode").filter(has_text="search_k=1")).to_be_visible()
    page.get_by_text("with the question").click()
    link = page.get_by_test_id("stCode").filter(has_text="search_text")
    expect(link).to_be_visible()
    address, wanted = link.inner_text(), ids(page)
    assert "search_k=1" in address
    other = browser.new_context().new_page()
    other.goto(address)
    expect(other.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
    expect(status(other)).to_contain_text("candidates", timeout=MODEL_MS)
    expect(other.get_by_role("slider", name="RRF k")).to_have_attribute("aria-valuetext", "1")
    expect(other.locator(".hit button.id")).to_have_text(wanted)
    other.context.close()


def test_markup_in_a_row_stays_text(browser_page: Page, base: str) -> None:
    page = open_search(browser_page, base, search_mode="keyword")
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    ask(page, "larkspur")
    hit = page.locator(".hit").first
    expect(hit.locator("mark")).to_have_text("larkspur")
    expect(hit).to_contain_text("<script>")
    expect(hit).to_contain_text("<b>x</b>")
    assert page.locator(".hit script, .hit img, .hit b").count() == 0
    assert "taken over" not in page.title()
    assert not dialogs


def test_dark(browser: Browser, base: str) -> None:
    context = browser.new_context(color_scheme="dark")
    page = open_search(context.new_page(), base, search_mode="keyword")
    ask(page)
    expect(page.locator(".bar .keyword").first).to_have_css("background-color", "rgb(255, 180, 84)")
    expect(page.locator(".hit mark").first).to_have_css("background-color", "rgb(74, 59, 18)")
    context.close()


def test_a_narrow_window_shows_everything_without_scrolling_sideways(
    browser: Browser, base: str
) -> None:
    context = browser.new_context(viewport={"width": 420, "height": 900})
    page = open_search(context.new_page(), base, search_mode="keyword")
    ask(page)
    expect(page.locator(".hit").first).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    context.close()


def test_a_deep_link_to_a_cold_server_shows_its_page(browser: Browser, folder: Path) -> None:
    serving, url = serve(folder)
    try:
        page = browser.new_context().new_page()
        open_search(page, url, search_mode="keyword", search_text="E2041")
        expect(page.locator(".hit").first).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.context.close()
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(30)


def test_a_page_stays_where_it_is_after_the_server_was_started_above_it(
    browser_page: Page, tmp_path: Path
) -> None:
    """What says that the server starts is gone at the next run; what stood beneath is not made anew."""
    serving, address = serve(tmp_path)
    try:
        page = browser_page
        page.goto(f"{address}/connect")
        main = page.get_by_test_id("stMain")
        expect(main.get_by_text("pgvector").first).to_be_visible(timeout=START_SECONDS * 1000)
        idle(page)
        drawn = main.get_by_test_id("stElementContainer").last
        drawn.evaluate("element => (window.drawn = element)")
        page.keyboard.press("r")
        idle(page, 1500)
        assert page.evaluate("window.drawn.isConnected")
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(20)


def test_a_killed_server_is_started_again_and_the_question_is_answered(
    browser_page: Page, base: str, folder: Path
) -> None:
    page = open_search(browser_page, base, search_mode="keyword")
    ask(page)
    pid = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    ask(page, "E2041")
    expect(page.locator(".hit").first).to_contain_text("E2041")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
