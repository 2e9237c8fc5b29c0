"""The page Map in a real browser: a lasso gets the right keys, and what is asked moves nothing."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.test_search import serve

from pgvista.api import connect
from pgvista.db.embedded import start_embedded
from pgvista.model.map import MapMethod, MapSpec, SavedMap
from pgvista.services.map import make_map

ROWS, DIMENSION = 300, 8
EVIL = "<script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"
GD = "window.pgvistaMaps.map_plot.gd"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, SavedMap]]:
    """The app's address, and a map by PCA whose positions the test knows."""
    with tempfile.TemporaryDirectory(prefix="pgv-e2e-", ignore_cleanup_errors=True) as name:
        server = start_embedded(Path(name))
        try:
            vectors = np.random.default_rng(0).standard_normal((ROWS, DIMENSION))
            with connect(server.url) as db:
                docs = db.create_collection("docs", dimension=DIMENSION, metric="l2")
                docs.upsert(
                    {
                        "id": f'r"{n}',
                        "content": f"{EVIL} {n}",
                        "embedding": vector.tolist(),
                        "metadata": {"part": f"<b>{n % 3}</b>", "n": n},
                    }
                    for n, vector in enumerate(vectors)
                )
                saved = make_map(db.db, docs.info, MapSpec(method=MapMethod.PCA))
            serving, url = serve(Path(name))
            yield url, saved
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def open_map(page: Page, base: str, **params: str) -> Page:
    page.goto(f"{base}/map?{urlencode({'collection': 'docs', **params})}")
    expect(page.locator(".pgv-map[data-ready]")).to_be_visible(timeout=60_000)
    return page


def pixels(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return where a position of the map lies in the window."""
    found = page.evaluate(
        f"""([x, y]) => {{
          const layout = {GD}._fullLayout, box = {GD}.getBoundingClientRect();
          return [box.x + layout.xaxis._offset + layout.xaxis.l2p(x),
                  box.y + layout.yaxis._offset + layout.yaxis.l2p(y)];
        }}""",
        [x, y],
    )
    return float(found[0]), float(found[1])


def lasso(page: Page, corners: list[tuple[float, float]]) -> None:
    page.locator("[data-title='Lasso Select']").click()
    places = [pixels(page, x, y) for x, y in [*corners, corners[0]]]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def view(page: Page) -> Any:
    return page.evaluate(
        f"[...{GD}._fullLayout.xaxis.range, ...{GD}._fullLayout.yaxis.range].map(v => +v.toFixed(6))"
    )


def selected_places(page: Page) -> set[int]:
    return set(page.evaluate(f"Array.from({GD}._fullData[1].selectedpoints ?? [])"))


def box_of(saved: SavedMap) -> tuple[list[tuple[float, float]], set[str]]:
    """Return the corners of a box around some points and the ids inside, none near its edge."""
    xy = saved.points.xy

    def edge(values: Any, low: float, high: float) -> float:
        """The middle of the widest gap between two quantiles."""
        line = np.sort(values)[int(low * len(values)) : int(high * len(values))]
        at = int(np.diff(line).argmax())
        return float((line[at] + line[at + 1]) / 2)

    low = np.array([edge(values, 0.15, 0.4) for values in xy.T])
    high = np.array([edge(values, 0.6, 0.85) for values in xy.T])
    inside = ((xy > low) & (xy < high)).all(axis=1)
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    ids = {saved.points.ids[i] for i in np.flatnonzero(inside)}
    return [(float(x), float(y)) for x, y in corners], ids


def test_a_lasso_gets_the_right_keys(browser_page: Page, served: tuple[str, SavedMap]) -> None:
    base, saved = served
    page = open_map(browser_page, base)
    corners, ids = box_of(saved)
    assert 5 < len(ids) < ROWS / 2
    lasso(page, corners)
    expect(page.get_by_text(f"{len(ids)} rows selected")).to_be_visible()
    with page.expect_download() as download:
        page.locator(".st-key-map_csv").get_by_role("button").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = {f'r"{n}' for n in range(ROWS) if f'r""{n}"' in text}
    assert rows == ids
    page.locator(".st-key-map_sql").get_by_role("button").click()
    shown = page.locator(".st-key-map_sql_panel, [role='dialog']").first
    expect(shown).to_contain_text("any(")
    assert page.title() != "taken over"


def test_what_is_asked_keeps_zoom_and_selection(
    browser_page: Page, served: tuple[str, SavedMap]
) -> None:
    base, saved = served
    page = open_map(browser_page, base)
    page.locator("[data-title='Zoom in']").click()
    page.wait_for_timeout(600)
    corners, _ = box_of(saved)
    lasso(page, corners)
    expect(page.get_by_text("rows selected")).to_be_visible()
    before, chosen = view(page), selected_places(page)
    assert chosen
    page.evaluate("window.pgvistaMaps.map_plot.gd.dataset.same = 'yes'")
    page.get_by_role("textbox", name="Query").fill('r"7')
    expect(page.locator(".st-key-map_query")).to_be_visible()
    expect(page.locator(".pgv-map .legend")).to_contain_text("the query")
    page.get_by_role("textbox", name="Query").fill("no such row")
    expect(page.get_by_text("There is no row 'no such row' on the map")).to_be_visible()
    page.get_by_role("textbox", name="Query").fill('r"8')
    expect(page.locator(".st-key-map_query")).to_be_visible()
    page.get_by_text("Density", exact=True).click()
    expect(page.locator(".pgv-map .contour").first).to_be_attached()
    assert view(page) == before
    assert selected_places(page) == chosen
    assert page.evaluate("window.pgvistaMaps.map_plot.gd.dataset.same") == "yes"
    expect(page.get_by_text("rows selected")).to_be_visible()


def test_a_click_shows_the_row_and_what_the_map_gets_wrong(
    browser_page: Page, served: tuple[str, SavedMap]
) -> None:
    base, saved = served
    page = open_map(browser_page, base)
    xy = saved.points.xy
    far = int(np.linalg.norm(xy - np.median(xy, axis=0), axis=1).argmax())
    x, y = pixels(page, *map(float, xy[far]))
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    expect(page.locator(".pgv-map .tip")).to_contain_text("<script>")
    page.mouse.click(x, y)
    card = page.locator(".st-key-map_row")
    expect(card).to_contain_text(saved.points.ids[far])
    expect(card).to_contain_text("true neighbours lie beside it")
    marks = page.evaluate("window.pgvistaMaps.map_plot.overlay.marks")
    true = {saved.points.ids[i] for i in saved.points.neighbours[far][:10]}
    assert {mark[3] for mark in marks if mark[0] in ("near", "missing")} == true
    assert page.title() != "taken over"


def test_a_link_opens_the_colour_and_a_category_is_hidden(
    browser_page: Page, served: tuple[str, SavedMap]
) -> None:
    base, saved = served
    page = open_map(browser_page, base, map_colour="column:part", map=str(saved.info.number))
    legend = page.locator(".pgv-map .legend")
    expect(legend).to_contain_text("<b>0</b>")
    row = legend.get_by_role("button", name="<b>1</b>")
    row.click()
    expect(legend.get_by_role("button", name="<b>1</b>")).to_have_attribute("aria-pressed", "false")
    page.set_viewport_size({"width": 500, "height": 900})
    expect(legend).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 500


def test_png_and_svg_hold_points_and_overlay(
    browser_page: Page, served: tuple[str, SavedMap]
) -> None:
    page = open_map(browser_page, served[0], map_text='r"7')
    expect(page.locator(".st-key-map_query")).to_be_visible()
    with page.expect_download() as download:
        page.locator("[data-title='Save as SVG']").click()
    assert download.value.suggested_filename == "docs-map.svg"
    with page.expect_download() as download:
        page.locator("[data-title='Save as PNG']").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    page.locator("[data-title='Zoom in']").click()
    page.wait_for_timeout(700)
    over = page.evaluate(
        "(({over}) => [...over._fullLayout.xaxis.range])(window.pgvistaMaps.map_plot.root)"
    )
    assert over == pytest.approx(view(page)[:2], abs=1e-4)
