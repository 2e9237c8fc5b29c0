"""Take a picture of every diagnosis on the page Live: each cause is provoked, and must be told.

    python scripts/diagnosis_pictures.py [--only filter,probes] [--out FOLDER]

With a folder: all causes, light, dark, and in a window 500 pixels wide. Without one: those few
of docs/diagnoses.md. The causes are those of tests/db/diagnosis_cases.py. It fails when a diagnosis
does not show, or stands below the window's edge.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from playwright.sync_api import (
    Browser,
    FloatRect,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from psycopg import sql

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts.pictures import IMAGES, SIZE, app, compressed, settle
from tests.db.diagnosis_cases import CASES, VARIANTS, Case, Knobs, Session, fill
from tests.e2e.conftest import BROWSER_FLAGS, find_browser

from pgvista.db.embedded import start_embedded

WIDE = ViewportSize(width=SIZE["width"], height=SIZE["height"])
NARROW = ViewportSize(width=500, height=900)
TALL = ViewportSize(width=SIZE["width"], height=1_300)
"""Where the diagnosis alone is taken, which may reach below the edge of a usual window."""
IN_DOCS = ("computed_order", "planner", "filter", "training")
MARGIN_PX = 12
PATIENCE_MS = 60_000
SENTENCE_PX = 60
"""So much of a diagnosis must be seen without scrolling: its sentence."""


def provoke(session: Session, case: Case) -> None:
    """Make the table anew in the state of the case, with its settings as the database's own."""
    fill(session)
    case.provoke(session)
    database = sql.Identifier(session.info.dbname)
    session.execute(sql.SQL("alter database {} reset all").format(database))
    for name, value in case.database.items():
        command = sql.SQL("alter database {} set {} = {}")
        session.execute(command.format(database, sql.Identifier(name), sql.Literal(value)))
    # The app's connections have the settings of when they were opened
    session.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def ask(page: Page, base: str, case: Case, session: Session) -> Locator:
    """Ask on the page what the case asks; return where its cause is told."""
    if isinstance(case.asked, Knobs):
        page.goto(
            f"{base}/live?{urlencode({'collection': 'public.items', **case.asked.address()})}"
        )
        key = "live_why"
    else:
        page.goto(f"{base}/live?collection=public.items")
        page.get_by_text("A statement of yours", exact=True).click()
        page.get_by_role("textbox", name="Statement").fill(case.asked)
        page.get_by_role("button", name="Explain", exact=True).click()
        key = "live_statement_why"
    expect(page.locator(f".st-key-{key}_card")).to_be_visible(timeout=PATIENCE_MS)
    settle(page)
    if case.meanwhile is not None:
        case.meanwhile(session)
        page.get_by_role("slider", name="LIMIT").press("ArrowLeft")
        settle(page)
    told = page.locator(f".st-key-{key}_{case.cause.name}")
    expect(told).to_be_visible(timeout=PATIENCE_MS)
    expect(told).to_contain_text(f"{case.cause.label}.")
    expect(told.get_by_role("button", name="Copy").first).to_be_visible()
    return told


def check(page: Page, told: Locator, case: Case) -> None:
    """Fail where the diagnosis is out of sight, or the page wider than its window."""
    box, size = told.bounding_box(), page.viewport_size or WIDE
    if box is None or not 0 <= box["y"] <= size["height"] - min(box["height"], SENTENCE_PX):
        raise SystemExit(f"The diagnosis of {case.name} is out of sight: {box}")
    if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
        raise SystemExit(f"The page of {case.name} is wider than its window.")


def around(page: Page, told: Locator) -> FloatRect:
    """Return the part of the page that the cause stands in, with the statement above it if any."""
    card = told.locator("xpath=ancestor::*[contains(@class, '_why_card')]").bounding_box()
    field = page.locator("[data-testid=stTextArea]")
    top = field.bounding_box() if field.count() else card
    if card is None or top is None:
        raise SystemExit("There is no diagnosis to take a picture of.")
    return FloatRect(
        x=card["x"] - MARGIN_PX,
        y=top["y"] - MARGIN_PX,
        width=card["width"] + 2 * MARGIN_PX,
        height=card["y"] + card["height"] - top["y"] + 2 * MARGIN_PX,
    )


def take(
    browser: Browser, base: str, case: Case, session: Session, kind: str, *, whole: bool
) -> bytes:
    """Return one picture: light, dark or narrow; the `whole` window, or the diagnosis alone."""
    wide = WIDE if whole else TALL
    context = browser.new_context(
        viewport=NARROW if kind.startswith("narrow") else wide,
        color_scheme="dark" if kind.endswith("dark") else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    provoke(session, case)
    told = ask(page, base, case, session)
    page.mouse.move(2, 2)
    page.evaluate("document.activeElement.blur()")
    if kind.startswith("narrow"):
        told.scroll_into_view_if_needed()
    settle(page)
    check(page, told, case)
    picture = page.screenshot(clip=None if whole else around(page, told))
    context.close()
    return compressed(picture)


def main() -> None:
    """Take all pictures, or those of the causes named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="names of causes, separated by commas")
    parser.add_argument("--out", type=Path, help="a folder for pictures of all causes")
    asked = parser.parse_args()
    out: Path = asked.out or IMAGES / "diagnoses"
    out.mkdir(parents=True, exist_ok=True)
    kinds = ("light", "dark", "narrow", "narrow-dark") if asked.out else ("light",)
    names = (
        asked.only.split(",")
        if asked.only
        else [case.name for case in CASES if asked.out or case.name in IN_DOCS]
    )
    with tempfile.TemporaryDirectory(prefix="pgv-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["PGVISTA_DATA"] = str(folder)
        os.environ.pop("PGVISTA_URL", None)
        server = start_embedded(folder)
        try:
            with (
                psycopg.connect(server.url, autocommit=True) as session,
                app(folder) as base,
                sync_playwright() as playwright,
            ):
                session.execute("create extension if not exists vector")
                browser = playwright.chromium.launch(
                    executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
                )
                for case in (case for case in (*CASES, *VARIANTS) if case.name in names):
                    for kind in kinds:
                        path = out / f"{case.name}-{kind}.png"
                        path.write_bytes(
                            take(browser, base, case, session, kind, whole=bool(asked.out))
                        )
                        print(f"{path.name}  {path.stat().st_size / 1000:.0f} kB", flush=True)
                browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
