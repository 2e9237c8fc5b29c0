"""Take the pictures of docs/images from the real app, on the samples: every page, light and dark.

    python scripts/pictures.py [--only search,browse] [--data FOLDER]

A temporary data folder is filled first, which takes about a minute; or the data folder named is
used, where both samples are loaded and have their indexes. Needs Chromium, as the browser
tests do, and Pillow, which comes with Streamlit.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.e2e.conftest import BROWSER_FLAGS, find_browser, free_port

import pgvista
from pgvista.db.embedded import start_embedded
from pgvista.services.samples import load_sample

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZE = {"width": 1400, "height": 940}
MAX_BYTES = 250_000
REFERENCE_ROWS = 400
QUESTION = "increase text size on display"
PLACED = "the label printer jams"
"""A question whose nearest rows lie together."""

INSTRUMENTS = """inventory;name;description;year;room
MI-014;Hurdy-gurdy;A wheel turned by a crank rubs three strings, and keys shorten the melody string.;1780;2
MI-022;Serpent;A bass wind instrument of walnut covered with leather, played with a cup mouthpiece.;1815;2
MI-031;Glass harmonica;Glass bowls on an axle sound when wet fingers touch their turning rims.;1790;3
MI-040;Theremin;Two antennas sense the hands of the player, who touches nothing at all.;1929;5
MI-047;Nyckelharpa;A keyed fiddle with sympathetic strings, carried on a strap and bowed.;1860;2
MI-052;Ondes Martenot;A ring on a wire slides the pitch, and a drawer holds the keys for loudness.;1938;5
MI-058;Barrel organ;Pins on a wooden cylinder open the pipes in the order of the tune.;1835;4
MI-063;Viola da gamba;Six strings and frets, held between the knees and bowed underhand.;1690;1
MI-071;Celesta;Hammers strike steel plates above wooden resonators, in the case of a small piano.;1910;3
MI-079;Shawm;A loud double reed of one piece of pear wood, an ancestor of the oboe.;1650;1
"""


def settle(page: Page) -> None:
    """Wait until nothing is running or arriving any more, and until the fonts are there."""
    page.wait_for_timeout(600)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=\"stStatusWidget\"]')", timeout=60_000
    )
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.wait_for_timeout(600)


def home(page: Page, base: str) -> None:
    """Home, with two collections."""
    page.goto(base)
    expect(page.get_by_role("heading").first).to_be_visible()


def connect(page: Page, base: str) -> None:
    """Connect, with the report on the embedded server."""
    page.goto(f"{base}/connect")
    expect(page.get_by_role("heading", name="Connect", exact=True)).to_be_visible()
    page.get_by_role("button", name="Test", exact=True).first.click()
    settle(page)


def collections(page: Page, base: str) -> None:
    """Collections, with the details of the help centre."""
    page.goto(f"{base}/collections?collection=help_centre")
    expect(page.get_by_role("heading", name="Collections", exact=True)).to_be_visible()


def load(page: Page, base: str) -> None:
    """Load, with a file previewed."""
    page.goto(f"{base}/load")
    expect(page.get_by_role("heading", name="Load", exact=True)).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(
        {"name": "instruments.csv", "mimeType": "text/csv", "buffer": INSTRUMENTS.encode()}
    )
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()


def browse(page: Page, base: str) -> None:
    """Browse, with a row in full."""
    page.goto(f"{base}/browse?collection=help_centre")
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    settle(page)
    table.click(position={"x": 250, "y": 35 + 33 * 2 + 16})


def search(page: Page, base: str) -> None:
    """Search, with a question asked in hybrid mode and a knob moved."""
    page.goto(f"{base}/search?collection=help_centre")
    box = page.get_by_role("textbox", name="Question")
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.get_by_text("candidates")).to_be_visible(timeout=180_000)
    settle(page)
    slider = page.get_by_role("slider", name="RRF k", exact=True)
    for _ in range(2):
        slider.press("PageDown")
        page.wait_for_timeout(400)
    slider.blur()


def filters(page: Page, base: str) -> None:
    """The filter builder, with groups in groups, on a search."""
    tree = {
        "year": {"$gte": 2022},
        "$or": [{"product": {"$in": ["LK-320", "LK-200"]}}, {"subject": "Accessibility"}],
        "$not": {"title": {"$ilike": "%console%"}},
    }
    asked = {"search_text": QUESTION, "search_filter": json.dumps(tree)}
    page.goto(f"{base}/search?{urlencode({'collection': 'help_centre', **asked})}")
    settle(page)
    page.get_by_role("button", name="Filter", exact=True).click()
    settle(page)


def ledger(page: Page, base: str) -> None:
    """Search after k was moved from 60 to 1: what moved, and why."""
    search(page, base)
    slider = page.get_by_role("slider", name="RRF k", exact=True)
    slider.press("Home")
    settle(page)
    slider.blur()
    page.get_by_role("radio", name="Ledger", exact=True).click()


def compare(page: Page, base: str) -> None:
    """Compare: the three modes, with lines between them."""
    page.goto(f"{base}/compare?collection=help_centre")
    box = page.get_by_role("textbox", name="Question")
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.get_by_text("different rows")).to_be_visible(timeout=180_000)


def by_example(page: Page, base: str) -> None:
    """By example: like two rows."""
    page.goto(f"{base}/by_example?collection=help_centre")
    box = page.get_by_role("textbox").first
    box.fill(QUESTION)
    box.press("Enter")
    settle(page)


def near_duplicates(page: Page, base: str) -> None:
    """Near-duplicates of the help centre."""
    page.goto(f"{base}/duplicates?collection=help_centre")
    expect(page.get_by_text("of 36 rows")).to_be_visible(timeout=60_000)


def evaluate(page: Page, base: str) -> None:
    """Evaluate: the grid with the sentence that decides, on a page high enough for both."""
    page.set_viewport_size({"width": SIZE["width"], "height": 1480})
    page.goto(f"{base}/evaluate?collection=help_centre")
    page.get_by_role("radio", name="Grid", exact=True).click()
    page.get_by_role("button", name="Run the grid").click()
    expect(page.get_by_text("drawn by chance, chose among")).to_be_visible(timeout=300_000)
    expect(page.locator(".heatmaplayer image").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Grid for help_centre")).to_be_hidden(timeout=60_000)


def indexes(page: Page, base: str) -> None:
    """Indexes of the help centre, and the cost of a new one."""
    page.goto(f"{base}/indexes?collection=help_centre")
    expect(page.get_by_role("button", name="Build", exact=True)).to_be_visible(timeout=60_000)


def build(page: Page, base: str) -> None:
    """Indexes while one is built: on a cast, which the samples have none on."""
    page.goto(f"{base}/indexes?collection=python_reference")
    page.get_by_role("combobox", name="Of the vector").click()
    page.get_by_role("option", name="halfvec").click()
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.get_by_text("loading tuples")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("blocks/s").first).to_be_visible(timeout=60_000)


def stop_build(page: Page) -> None:
    """Leave no index behind for the next picture."""
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("was cancelled")).to_be_visible(timeout=60_000)


def live(page: Page, base: str) -> None:
    """Live: the index beside the exact rows, with too short a candidate list."""
    page.goto(f"{base}/live?collection=python_reference&live_ef=8")
    page.get_by_role("button", name="Draw a row at random").click()
    expect(page.get_by_text("recall", exact=False).first).to_be_visible(timeout=60_000)


def sweep(page: Page, base: str) -> None:
    """Sweep: the curve, its front and the setting to take."""
    page.goto(f"{base}/sweep?collection=python_reference")
    page.get_by_role("button", name="Measure").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Measure")).to_be_visible(timeout=300_000)


def open_map(page: Page, base: str, collection: str, **asked: str) -> None:
    """Open the newest map of a collection; make it first where there is none."""
    page.goto(f"{base}/map?{urlencode({'collection': collection, **asked})}")
    make = page.get_by_role("button", name="Make a map")
    there = page.locator(".pgv-map[data-ready]")
    expect(make.or_(there).first).to_be_visible(timeout=60_000)
    settle(page)
    if make.is_visible():
        make.click()
        expect(page.get_by_text("How true is it?")).to_be_visible(timeout=600_000)
    expect(there).to_be_visible(timeout=60_000)


def map_query(page: Page, base: str) -> None:
    """Map of the help centre, with a query among its nearest rows."""
    open_map(page, base, "help_centre", map_text=PLACED)
    expect(page.locator(".st-key-map_query")).to_be_visible(timeout=180_000)


def map_error(page: Page, base: str) -> None:
    """Map coloured by the neighbours it keeps, and what it gets wrong about one row."""
    open_map(page, base, "help_centre", map_colour="kept")
    settle(page)
    x, y = page.evaluate(
        """() => {
          const { x, y, gd } = window.pgvistaMaps.map_plot;
          const { xaxis, yaxis } = gd._fullLayout, box = gd.getBoundingClientRect();
          const at = x.indexOf(Math.max(...x));
          return [box.x + xaxis._offset + xaxis.l2p(x[at]), box.y + yaxis._offset + yaxis.l2p(y[at])];
        }"""
    )
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    expect(page.locator(".pgv-map .tip")).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(".st-key-map_row")).to_be_visible()


def map_lasso(page: Page, base: str) -> None:
    """Map with a lasso around some rows, and their table."""
    open_map(page, base, "help_centre", map_colour="column:subject")
    settle(page)
    page.locator("[data-title='Lasso Select']").click()
    box = page.locator(".pgv-map .stage").bounding_box() or FloatRect(x=0, y=0, width=0, height=0)
    corners = [(0.42, 0.7), (0.6, 0.6), (0.88, 0.62), (0.9, 0.86), (0.7, 0.97), (0.42, 0.92)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in (*places[1:], places[0]):
        page.mouse.move(*place, steps=6)
    page.mouse.up()
    expect(page.get_by_text("rows selected")).to_be_visible()
    settle(page)
    page.locator("[data-testid='stMain']").evaluate("main => main.scrollTo(0, 340)")


def map_large(page: Page, base: str) -> None:
    """Map of the Python reference, with a query."""
    open_map(page, base, "python_reference", map_text="read a file line by line")
    expect(page.locator(".st-key-map_query")).to_be_visible(timeout=180_000)


PAGES: dict[str, Callable[[Page, str], None]] = {
    "home": home,
    "connect": connect,
    "collections": collections,
    "load": load,
    "browse": browse,
    "search": search,
    "filters": filters,
    "ledger": ledger,
    "by_example": by_example,
    "compare": compare,
    "evaluate": evaluate,
    "indexes": indexes,
    "build": build,
    "live": live,
    "sweep": sweep,
    "duplicates": near_duplicates,
    "map": map_query,
    "map_error": map_error,
    "map_lasso": map_lasso,
    "map_large": map_large,
}
AFTERWARDS: dict[str, Callable[[Page], None]] = {"build": stop_build}
"""What is undone when the picture is taken."""


@contextmanager
def app(folder: Path) -> Iterator[str]:
    """Start the app on the data folder; give its address."""
    port = free_port()
    serving = subprocess.Popen(
        [sys.executable, "-m", "pgvista", "run", "--port", str(port), "--headless"],
        cwd=folder,
        env={**os.environ, "PGVISTA_DATA": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield url
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait(30)


def fill(url: str) -> None:
    """Load both samples, and make an index."""
    with pgvista.connect(url) as workbench:
        load_sample(workbench.db, "help_centre")
        load_sample(workbench.db, "python_reference", limit=REFERENCE_ROWS)
        for collection in workbench.collections():
            collection.create_index("hnsw")


def compressed(picture: bytes) -> bytes:
    """Return a small PNG, where it must be with a palette."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    for colours in (256, 128, 64):
        if out.tell() < MAX_BYTES:
            break
        out = io.BytesIO()
        palette = palette_of(image, colours)
        image.quantize(palette=palette, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def palette_of(image: Image.Image, colours: int) -> Image.Image:
    """Return a palette: the most frequent colours as they are, and a quarter of it for the rest."""
    found = Counter(zip(*(band.tobytes() for band in image.split()), strict=True))
    exact = [colour for colour, _ in found.most_common(colours * 3 // 4)]
    rest = image.quantize(colours - len(exact), Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(part for colour in exact for part in colour), *rest])
    return palette


def without(page: Page, folder: Path) -> None:
    """Show the folder that data lie in by default instead of the temporary one."""
    page.evaluate(
        """([from, to]) => {
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walk.nextNode()) {
            const node = walk.currentNode;
            if (node.data.includes(from)) node.data = node.data.replaceAll(from, to);
          }
        }""",
        [str(folder), "~/.local/share/pgvista"],
    )


def take(browser: Browser, base: str, folder: Path, name: str, scheme: str) -> Path:
    """Take one picture; return where it is."""
    context = browser.new_context(
        viewport={"width": SIZE["width"], "height": SIZE["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    PAGES[name](page, base)
    page.mouse.move(SIZE["width"] - 2, SIZE["height"] - 2)
    settle(page)
    without(page, folder)
    path = IMAGES / f"{name}-{scheme}.png"
    path.write_bytes(compressed(page.screenshot()))
    if name in AFTERWARDS:
        AFTERWARDS[name](page)
    context.close()
    return path


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=",".join(PAGES), help="pages, separated by commas")
    parser.add_argument("--data", type=Path, help="a data folder with both samples and indexes")
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if name in PAGES]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pgv-", ignore_cleanup_errors=True) as name:
        folder = asked.data.resolve() if asked.data else Path(name)
        os.environ["PGVISTA_DATA"] = str(folder)
        os.environ.pop("PGVISTA_URL", None)
        server = start_embedded(folder)
        try:
            if asked.data is None:
                fill(server.url)
            with app(folder) as base, sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                warm = browser.new_page()
                search(warm, base)  # the model is loaded in every picture
                warm.close()
                for scheme in ("light", "dark"):
                    for page in names:
                        path = take(browser, base, folder, page, scheme)
                        print(f"{path.name}  {path.stat().st_size / 1000:.0f} kB")
                browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
