"""The page Map in a real browser: a lasso gets the right keys, and what is asked moves nothing."""

from __future__ import annotations

import io
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

import numpy as np
import psycopg
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from tests.e2e.conftest import idle, until
from tests.e2e.test_search import serve

from pgvista.api import Collection, Workbench, connect
from pgvista.db.embedded import start_embedded
from pgvista.model.map import MapMethod, MapSpec, SavedMap
from pgvista.services.map import make_map
from pgvista.ui.map_titles import ALL_UP_TO

ROWS, DIMENSION = 300, 8
PCA = MapSpec(method=MapMethod.PCA)
EVIL = "<script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"
GD = "window.pgvistaMaps.map_plot.gd"


class Served(NamedTuple):
    """The app's address, maps by PCA whose positions the tests know, and the database."""

    url: str
    saved: SavedMap
    notes: SavedMap
    """Of a collection that is written to."""
    many: SavedMap
    """Of more points than titles are sent for."""
    database: str


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
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
                saved = make_map(db.db, docs.info, PCA)
                notes, many = (
                    make_map(db.db, plain_rows(db, *given).info, PCA)
                    for given in (("notes", 60), ("many", ALL_UP_TO + 100))
                )
            serving, url = serve(Path(name))
            yield Served(url, saved, notes, many, server.url)
            serving.send_signal(signal.SIGINT)
            serving.wait(30)
        finally:
            server.stop()


def plain_rows(db: Workbench, name: str, count: int) -> Collection:
    """Make a collection of rows on a spiral: no two lie near each other on the map."""
    made = db.create_collection(name, dimension=2, metric="l2")
    turn = np.sqrt(np.arange(count) + 1) * 2
    made.upsert(
        {
            "id": f"n{n}",
            "content": f"The note {n}",
            "embedding": [float(turn[n] * np.cos(turn[n])), float(turn[n] * np.sin(turn[n]))],
            "metadata": {"kind": "old"},
        }
        for n in range(count)
    )
    return made


def open_map(page: Page, base: str, **params: str) -> Page:
    page.goto(f"{base}/map?{urlencode({'collection': 'docs', **params})}")
    expect(page.locator(".pgv-map[data-ready]")).to_be_visible()
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


def zoom_in(page: Page) -> None:
    """Press the button, and wait until the map has come to rest."""
    before = seen = view(page)
    page.locator("[data-title='Zoom in']").click()

    def at_rest() -> bool:
        nonlocal seen
        page.wait_for_timeout(300)
        last, seen = seen, view(page)
        return bool(before != seen == last)

    until(page, at_rest)


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


def test_a_lasso_gets_the_right_keys(browser_page: Page, served: Served) -> None:
    base, saved = served.url, served.saved
    page = open_map(browser_page, base)
    corners, ids = box_of(saved)
    assert 5 < len(ids) < ROWS / 2
    lasso(page, corners)
    expect(page.get_by_text(f"{len(ids)} rows selected")).to_be_visible()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.locator(".st-key-map_csv").get_by_role("button").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = {f'r"{n}' for n in range(ROWS) if f'r""{n}"' in text}
    assert rows == ids
    page.locator(".st-key-map_sql").get_by_role("button").click()
    expect(page.locator(".st-key-map_sql_panel")).to_contain_text("any(")
    assert page.title() != "taken over"


def test_what_is_asked_keeps_zoom_and_selection(browser_page: Page, served: Served) -> None:
    base, saved = served.url, served.saved
    page = open_map(browser_page, base)
    zoom_in(page)
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
    browser_page: Page, served: Served
) -> None:
    base, saved = served.url, served.saved
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
    true = {saved.points.ids[i] for i in saved.points.neighbours[far][:10]}

    def joined() -> set[str]:
        marks = page.evaluate("window.pgvistaMaps.map_plot.overlay?.marks ?? []")
        return {mark[3] for mark in marks if mark[0] in ("near", "missing")}

    until(page, lambda: joined() == true)
    assert page.title() != "taken over"


def test_a_link_opens_the_colour_and_a_category_is_hidden(
    browser_page: Page, served: Served
) -> None:
    base, saved = served.url, served.saved
    page = open_map(browser_page, base, map_colour="column:part", map=str(saved.info.number))
    legend = page.locator(".pgv-map .legend")
    expect(legend).to_contain_text("<b>0</b>")
    row = legend.locator("button.row", has_text="<b>1</b>")
    row.click()
    expect(row).to_have_attribute("aria-pressed", "false")
    before = view(page)
    legend.get_by_role("button", name="Zoom to <b>2</b>").click()
    width = f"(([low, high]) => high - low)({GD}._fullLayout.xaxis.range)"
    page.wait_for_function(f"{width} < {0.97 * (before[1] - before[0])}")
    page.set_viewport_size({"width": 500, "height": 900})
    expect(legend).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 500


def test_png_and_svg_hold_points_and_overlay(browser_page: Page, served: Served) -> None:
    page = open_map(browser_page, served.url, map_text='r"7')
    expect(page.locator(".st-key-map_query")).to_be_visible()
    with page.expect_download() as download:
        page.locator("[data-title='Save as SVG']").click()
    assert download.value.suggested_filename == "docs-map.svg"
    with page.expect_download() as download:
        page.locator("[data-title='Save as PNG']").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    zoom_in(page)
    over = page.evaluate(
        "(({over}) => [...over._fullLayout.xaxis.range])(window.pgvistaMaps.map_plot.root)"
    )
    assert over == pytest.approx(view(page)[:2], abs=1e-4)


# -- what is sent

LEAST = 5_000
"""Bytes under which a query and a knob stay: 3,300 of them are theme and pages, for any change."""


def listened(page: Page) -> list[int]:
    """Return the sizes of the messages that come; it grows."""
    sent: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: sent.append(len(frame))),
    )
    return sent


@pytest.mark.parametrize("collection", ["docs", "many"])
def test_a_query_and_a_knob_send_less_than_5_kb(
    browser_page: Page, served: Served, collection: str
) -> None:
    sent = listened(browser_page)
    page = open_map(browser_page, served.url, collection=collection)
    painted = "window.pgvistaMaps.map_plot.painted ?? 0"
    name = 'r"{}' if collection == "docs" else "n{}"

    def bytes_of(act: Callable[[], None]) -> int:
        idle(page, 1_000)
        sent.clear()
        before = page.evaluate(painted)
        act()
        page.wait_for_function(f"({painted}) > {before}")
        idle(page, 1_000)
        return sum(sent)

    box = page.get_by_role("textbox", name="Query")
    for row in (7, 12):  # the first one of all, and another
        told = bytes_of(lambda row=row: box.fill(name.format(row)))  # type: ignore[misc]
        assert 1_000 < told < LEAST
    card = page.locator(".st-key-map_query")
    expect(card.get_by_role("row")).to_have_count(11)
    assert bytes_of(card.get_by_role("button", name="Hybrid").click) == 0
    assert bytes_of(page.get_by_text("Density", exact=True).click) < LEAST
    slider = page.get_by_role("slider", name="Point size")
    slider.focus()
    assert bytes_of(lambda: slider.press("ArrowRight")) == 0


def test_points_change_their_size_where_they_are_drawn(browser_page: Page, served: Served) -> None:
    page = open_map(browser_page, served.url)
    board = "window.pgvistaMaps.map_plot"
    slider = page.get_by_role("slider", name="Point size")
    slider.focus()

    def press(key: str) -> int:
        """Return how much of the map is no background, once the points have their size."""
        idle(page)
        before = page.evaluate(f"{board}.painted ?? 0")
        slider.press(key)
        page.wait_for_function(f"{board}.painted > {before}")
        idle(page)
        picture = Image.open(io.BytesIO(page.locator(".pgv-map").screenshot()))
        return int(np.sum(np.asarray(picture.convert("L")) < 250))

    page.evaluate(
        """() => {
          window.restyled = 0;
          const restyle = window.Plotly.restyle;
          window.Plotly.restyle = (...given) => (window.restyled++, restyle(...given));
        }"""
    )
    small, large = press("Home"), press("End")
    assert large > 1.2 * small
    corners, ids = box_of(served.saved)
    lasso(page, corners)
    expect(page.get_by_text(f"{len(ids)} rows selected")).to_be_visible()
    chosen = selected_places(page)
    assert press("Home") < press("End")
    assert selected_places(page) == chosen
    assert page.evaluate("window.restyled") == 0
    # where Plotly keeps its scene in another way, its restyle does it
    page.evaluate(f"{GD}._fullLayout._plots.xy._scene.markerUnselectedOptions = null")
    smallest = press("Home")
    assert page.evaluate("window.restyled") == 1
    assert smallest < large
    assert selected_places(page) == chosen
    # it holds on coming back, and what is not chosen is the map's own
    page.get_by_test_id("stSidebar").get_by_role("link", name="Home").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Map", exact=True).click()
    page.wait_for_function(f"{board}.drawn && {board}.look.size === 1")
    expect(slider).to_have_attribute("aria-valuetext", "1.0 px")
    page.get_by_role("button", name="Point size: back to auto").click()
    expect(slider).to_have_attribute("aria-valuetext", "auto")
    page.wait_for_function(f"{board}.look.size === null && {GD}._fullData[1].marker.size > 2")


def test_the_card_tells_the_ranks_and_opens_a_row(browser_page: Page, served: Served) -> None:
    page = open_map(browser_page, served.url, map_text='r"7')
    card = page.locator(".st-key-map_query")
    row = card.get_by_role("row").nth(3)
    expect(row).to_contain_text("S3")
    expect(row).to_contain_text("<script>")
    keyword = card.get_by_role("button", name="Semantic")
    marks = (
        "window.pgvistaMaps.map_plot.overlay.marks.filter(([kind]) => kind === 'semantic').length"
    )
    until(page, lambda: page.evaluate(marks) == 10)
    keyword.click()
    expect(keyword).to_have_attribute("aria-pressed", "false")
    until(page, lambda: page.evaluate(marks) == 0)
    place = page.evaluate("window.pgvistaMaps.map_plot.nextOverlay.card.near[0][2]")
    row.get_by_role("button").click()
    expect(page.locator(".st-key-map_row")).to_contain_text(served.saved.points.ids[place])
    expect(card).to_be_visible()
    idle(page)
    page.get_by_role("textbox", name="Query").fill("")
    expect(card).to_be_hidden()
    assert page.title() != "taken over"


# -- what is done with the rows selected


def select(page: Page, saved: SavedMap) -> set[str]:
    corners, ids = box_of(saved)
    lasso(page, corners)
    expect(page.get_by_text(f"{len(ids)} rows selected")).to_be_visible()
    return ids


def asked(served: Served, statement: str) -> list[Any]:
    with psycopg.connect(served.database, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def test_selected_rows_are_tagged(browser_page: Page, served: Served) -> None:
    page = open_map(browser_page, served.url, collection="notes")
    ids = select(page, served.notes)
    page.get_by_role("button", name="Tag", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Key").fill("kind")
    dialog.get_by_role("textbox", name="Key").press("Enter")
    expect(dialog).to_contain_text(f"{len(ids)} values are lost")
    dialog.get_by_role("textbox", name="Value").fill("seen; drop")
    dialog.get_by_role("textbox", name="Value").press("Enter")
    expect(dialog).to_contain_text(f'{len(ids)} rows of notes get kind = "seen; drop".')
    assert asked(served, "select count(*) from pgvista.notes where metadata->>'kind' <> 'old'") == [
        0
    ]
    dialog.get_by_role("button", name=f"Tag {len(ids)} rows").click()
    expect(page.get_by_text(f"kind written for {len(ids)} rows")).to_be_visible()
    written = "select id from pgvista.notes where metadata->>'kind' = 'seen; drop'"
    assert set(asked(served, written)) == ids
    expect(page.get_by_text(f"{len(ids)} rows selected")).to_be_visible()
    expect(page.locator(".st-key-map_stale")).to_be_hidden()  # no vector has changed


def test_what_is_deleted_is_what_was_shown(browser_page: Page, served: Served) -> None:
    page = open_map(browser_page, served.url, collection="notes")
    ids = select(page, served.notes)
    one = sorted(ids)[0]
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    go = dialog.get_by_role("button", name=f"Delete {len(ids)} rows")
    expect(go).to_be_disabled()
    asked(served, f"update pgvista.notes set content = 'written meanwhile' where id = '{one}'")
    dialog.get_by_role("textbox", name="Type").fill("notes")
    expect(go).to_be_enabled()
    go.click()
    expect(dialog).to_contain_text("so nothing was deleted")
    assert asked(served, "select count(*) from pgvista.notes") == [60]
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("textbox", name="Type").fill("notes")
    expect(go).to_be_enabled()
    go.click()
    expect(page.get_by_text(f"{len(ids)} rows deleted")).to_be_visible()
    left = set(asked(served, "select id from pgvista.notes"))
    assert left == {f"n{n}" for n in range(60)} - ids
    expect(page.get_by_text("rows selected")).to_be_hidden()
    assert not selected_places(page)


def test_hidden_rows_are_neither_seen_nor_selected(browser_page: Page, served: Served) -> None:
    page = open_map(browser_page, served.url)
    ids = select(page, served.saved)
    page.get_by_role("button", name="Exclude").click()
    page.get_by_role("button", name="Hide on this map").click()
    expect(page.get_by_role("button", name=f"Show {len(ids)} hidden rows")).to_be_visible()
    page.wait_for_function("window.pgvistaMaps.map_plot.veiled")
    seen = page.evaluate(
        f"""(() => {{ const board = window.pgvistaMaps.map_plot;
          const colours = {GD}._fullData[1].marker.color;
          return board.ids.filter((id, i) => colours[i] !== "rgba(0,0,0,0)"); }})()"""
    )
    assert set(seen) == set(served.saved.points.ids) - ids
    expect(page.get_by_text("rows selected")).to_be_hidden()
    lasso(page, box_of(served.saved)[0])
    idle(page)
    expect(page.get_by_text("rows selected")).to_be_hidden()
    page.get_by_role("button", name=f"Show {len(ids)} hidden rows").click()
    page.wait_for_function("!window.pgvistaMaps.map_plot.veiled")


# -- titles of a large map


def test_a_title_is_asked_for_when_the_pointer_rests(browser_page: Page, served: Served) -> None:
    sent: list[int] = []
    browser_page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: sent.append(len(frame))),
    )
    page = open_map(browser_page, served.url, collection="many")
    points = served.many.points
    assert page.evaluate("window.pgvistaMaps.map_plot.titles.length") == 0
    idle(page, 1_000)
    sent.clear()
    far = int(np.linalg.norm(points.xy, axis=1).argmax())
    x, y = pixels(page, *map(float, points.xy[far]))
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    tip = page.locator(".pgv-map .tip")
    expect(tip).to_contain_text(f"The note {points.ids[far][1:]}")
    expect(tip).to_contain_text(points.ids[far])
    idle(page)
    assert sum(sent) < 10_000  # the map anew would be many times as much
    asked_at = page.evaluate("window.pgvistaMaps.map_plot.askedAt")
    page.mouse.move(x + 200, y + 200)
    page.mouse.move(x, y)
    expect(tip).to_contain_text("The note")
    page.wait_for_timeout(400)
    assert page.evaluate("window.pgvistaMaps.map_plot.askedAt") == asked_at


def test_the_table_is_dropped_while_its_map_is_open(browser_page: Page, served: Served) -> None:
    with connect(served.database) as db:
        saved = make_map(db.db, plain_rows(db, "lost", 20).info, PCA)
        page = open_map(browser_page, served.url, collection="lost")
        with db.db.transaction() as connection:
            connection.execute("drop table pgvista.lost")
    page.mouse.click(*pixels(page, *map(float, saved.points.xy[7])))
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(page.get_by_role("alert")).to_contain_text('"pgvista.lost" does not exist')
    expect(page.locator(".pgv-map[data-ready]")).to_be_visible()
    expect(page.get_by_text("How true is it?")).to_be_visible()
    expect(page.locator(".st-key-map_look")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


CALLS = """
window.calls = [];
let plotly;
Object.defineProperty(window, "Plotly", {
  configurable: true,
  get: () => plotly,
  set(loaded) {
    plotly = loaded;
    for (const name of ["newPlot", "restyle", "update"]) {
      const original = loaded[name];
      loaded[name] = (...given) => { window.calls.push(name); return original.apply(loaded, given); };
    }
  },
});
"""


def test_a_map_that_opens_is_drawn_once_also_on_coming_back(
    browser_page: Page, served: Served
) -> None:
    page = browser_page
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))
    page.add_init_script(CALLS)
    open_map(page, served.url)
    idle(page)
    assert page.evaluate("window.calls") == ["newPlot"]
    page.get_by_test_id("stSidebar").get_by_role("link", name="Home").click()
    expect(page.locator(".pgv-map")).to_have_count(0)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Map", exact=True).click()
    expect(page.locator(".pgv-map[data-ready]")).to_be_visible()
    idle(page)
    assert page.evaluate("window.calls").count("newPlot") == 2
    assert page.locator("script#pgvista-plotly").count() == 1
    assert not [one for one in said if "BidiComponent" in one]


def drawn_dots(page: Page) -> Any:
    """Return where something is drawn, without the top, where Plotly puts its buttons."""
    picture = Image.open(io.BytesIO(page.locator(".pgv-map .stage").screenshot()))
    return np.ptp(np.asarray(picture.convert("RGB")).astype(int), axis=2)[50:-5, 5:-5] > 60


def near(dots: Any) -> Any:
    """Return the places that have a dot within three pixels."""
    grown = dots
    for axis in (0, 1):
        shifts = [np.roll(grown, shift, axis) for shift in range(-3, 4)]
        grown = np.logical_or.reduce(shifts)
    return grown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_picture_shows_the_points_where_plotly_draws_them(
    browser_page: Page, served: Served, scheme: Literal["light", "dark"]
) -> None:
    page = browser_page
    page.emulate_media(color_scheme=scheme)
    held: list[Route] = []
    page.route("**/plotly.min.js*", lambda route: held.append(route))
    page.goto(f"{served.url}/map?collection=docs&map_colour=column:part")
    expect(page.locator("canvas.sketch")).to_be_visible()
    expect(page.locator(".pgv-map")).to_have_attribute("aria-busy", "true")
    legend = page.locator(".pgv-map .legend")
    row = legend.locator("button.row", has_text="<b>0</b>")
    expect(row).to_be_visible()
    idle(page)
    first = drawn_dots(page)
    legend.get_by_role("button", name="Zoom to <b>0</b>").click()  # nothing to zoom yet
    row.click()
    expect(row).to_have_attribute("aria-pressed", "false")
    without = drawn_dots(page)
    row.click()
    assert len(held) == 1  # fetched once, also where two ask for it
    held[0].continue_()
    expect(page.locator(".pgv-map[data-ready]")).to_be_visible()
    expect(page.locator("canvas.sketch")).to_have_count(0)
    expect(page.locator(".pgv-map[aria-busy]")).to_have_count(0)
    idle(page)
    last = drawn_dots(page)
    assert first.sum() > 1000
    assert 0.5 < without.sum() / first.sum() < 0.9  # two of three parts, which overlap
    assert (first & ~near(last)).sum() < 0.01 * first.sum()
    assert (last & ~near(first)).sum() < 0.01 * last.sum()
    assert first.sum() == pytest.approx(last.sum(), rel=0.2)
