"""The lesson IVFFlat in a real browser: a query that is dragged, probes, and the answer behind a guess."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.test_search import serve

from pgvista.science.lesson_ivfflat import HEIGHT, WIDTH, Visit, visit
from pgvista.ui.learn import ivfflat_state as state


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The app's address, on a server without any collection."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        serving, url = serve(Path(name))
        yield url
        serving.send_signal(signal.SIGINT)
        serving.wait(30)


def open_step(page: Page, base: str, step: str) -> tuple[Locator, Locator]:
    """Open a step; return its picture, and what is told beneath."""
    page.goto(f"{base}/ivfflat?step={step}")
    expect(page.locator(".cells canvas")).to_be_visible()
    return page.locator(".cells canvas"), page.locator(".cells .told")


def told(seen: Visit, *, lists: int, probes: int, reveal: bool = True) -> str:
    """Return the sentence beneath the picture, worked out by the model in Python."""
    share = 100 * seen.looked_at / seen.rows
    parts = [
        f"{probes} of {lists} lists visited",
        f"{seen.looked_at:,} of {seen.rows:,} rows looked at ({share:.{1 if share < 10 else 0}f} %)",
    ]
    if reveal:
        parts.append(f"{seen.hits} of the {seen.due} nearest found")
    return " · ".join(parts)


def test_a_query_that_is_dragged_and_probes(browser_page: Page, served: str) -> None:
    page = browser_page
    canvas, sentence = open_step(page, served, "cells")
    rows, lists = state.plane(), state.plane_lists(20)
    expect(sentence).to_have_text(
        told(visit(rows, lists, state.DEFAULT_QUERY, 1), lists=20, probes=1)
    )
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.45 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("query_x=.*query_y="))
    found = {name: float(value) for name, value in re.findall(r"query_([xy])=([\d.]+)", page.url)}
    place = found["x"], found["y"]
    assert place == pytest.approx((0.3 * WIDTH, 0.55 * HEIGHT), abs=0.02)
    expect(sentence).to_have_text(told(visit(rows, lists, place, 1), lists=20, probes=1))

    probes = page.get_by_role("slider", name="Probes")
    probes.press("ArrowRight")
    probes.press("ArrowRight")
    expect(sentence).to_have_text(told(visit(rows, lists, place, 3), lists=20, probes=3))
    expect(page.get_by_text("the 3 nearest lists alone")).to_be_visible()
    page.get_by_role("slider", name="Lists").press("Home")
    two = state.plane_lists(2)
    expect(sentence).to_have_text(told(visit(rows, two, place, 2), lists=2, probes=2))

    # by keys, for those who have no mouse
    canvas.focus()
    canvas.press("ArrowRight")
    page.wait_for_url(re.compile(f"query_x={round(place[0] + 0.01, 4):g}"))


def test_the_answer_is_behind_the_prediction(browser_page: Page, served: str) -> None:
    page = browser_page
    _, sentence = open_step(page, served, "border")
    way, lists = state.plane_border(), state.plane_lists(20)
    seen = visit(state.plane(), lists, way.end, 1)
    expect(sentence).to_have_text(told(seen, lists=20, probes=1, reveal=False))
    page.get_by_role("radio", name="4 to 6").click()
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("4 to 6: as you said.")).to_be_visible()
    expect(sentence).to_have_text(told(seen, lists=20, probes=1))
    page.get_by_role("slider", name="From the centroid to the border").press("Home")
    middle = visit(state.plane(), lists, way.start, 1)
    expect(sentence).to_have_text(told(middle, lists=20, probes=1))
