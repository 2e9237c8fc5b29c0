"""A real browser and a real Streamlit server for the tests of the pages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parents[2]
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
START_SECONDS = 300
WAIT_MS = 120_000
"""How long anything is waited for on a page; a busy machine may need tens of seconds."""
MODEL_MS = 300_000
"""How long what needs an embedding model is waited for, which may have to be loaded first."""
LOGS: list[Path] = []
"""Logs of the app's processes at work; a test that fails shows their ends."""

RunApp = Callable[..., str]

expect.set_options(timeout=WAIT_MS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the app wrote with the report of a test that failed."""
    report = yield
    for log in LOGS if report.failed else ():
        if log.exists() and (said := log.read_text("utf-8", "replace")[-4000:]):
            report.sections.append((f"log of the app, {log.parent.name}", said))
    return report


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait until something is true of the page or the database that `expect` cannot ask for."""
    give_up = time.monotonic() + WAIT_MS / 1000
    while not true():
        assert time.monotonic() < give_up, "it did not come true"
        page.wait_for_timeout(50)


def idle(page: Page, ms: int = 500) -> None:
    """Wait until no script has run for so many milliseconds: what was done is shown, and all sent.

    Frames count as well as time: a browser that was busy drawing for so long has read no message
    meanwhile, and the next one may say that a script runs.
    """
    page.wait_for_function(
        """ms => {
          const app = document.querySelector("[data-testid=stApp]");
          const still = app?.dataset.testScriptState === "notRunning";
          if (!still) window.still = undefined;
          else window.still ??= { since: performance.now(), frames: 0 };
          return still && ++window.still.frames > 10
            && performance.now() - window.still.since >= ms;
        }""",
        arg=ms,
    )
    page.evaluate("window.still = undefined")


def choose(page: Page, field: Locator, option: Locator) -> None:
    """Open a list and choose from it; open it again where a page drawn meanwhile has closed it."""
    give_up = time.monotonic() + WAIT_MS / 1000
    while True:
        field.click()
        try:
            option.click(timeout=5_000)
            return
        except PlaywrightTimeout:
            assert time.monotonic() < give_up, "the list does not stay open"
            page.keyboard.press("Escape")


def find_browser(playwright: Playwright) -> str:
    """Return the program to start: CHROMIUM, then the PATH, then Playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        if found := shutil.which(named):
            return found
        pytest.fail(f"CHROMIUM names {named}, which is no program.", pytrace=False)
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if Path(own := playwright.chromium.executable_path).exists():
        return own
    pytest.fail(
        "The browser tests need Chromium or Chrome, and none was found: install the package "
        "'chromium', run 'playwright install chromium', or name the program in CHROMIUM.",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, started once, with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(playwright), args=list(BROWSER_FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """An empty page of 1,400 x 940 pixels in the light theme; what it may not do is reach outside."""
    context = browser.new_context(viewport={"width": 1400, "height": 940}, color_scheme="light")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def free_port() -> int:
    """Return a port on the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def run_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunApp]:
    """Serve a script as `pgvista run` does, on a free port of 127.0.0.1; return its address.

    ``run_app(script, env)``: the servers are stopped when the module's tests are done.
    """
    servers: list[subprocess.Popen[bytes]] = []
    logs: list[Path] = []

    def start(script: str | Path, env: Mapping[str, str] | None = None) -> str:
        port = free_port()
        log = tmp_path_factory.mktemp("streamlit") / "log.txt"
        command = [
            *(sys.executable, "-m", "pgvista.ui.serve", "run", str(ROOT / script)),
            *("--server.port", str(port), "--server.address", "127.0.0.1"),
            *("--server.headless", "true"),
        ]
        with log.open("wb") as sink:
            # Started in the project's folder, so that its .streamlit/config.toml counts.
            server = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT / "lib"), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        servers.append(server)
        LOGS.append(log)
        logs.append(log)
        url = f"http://127.0.0.1:{port}"
        give_up = time.monotonic() + START_SECONDS
        while not _healthy(url):
            if server.poll() is not None or time.monotonic() > give_up:
                said = log.read_text("utf-8", "replace")[-2000:]
                pytest.fail(f"Streamlit did not start:\n{said}", pytrace=False)
            time.sleep(0.1)
        return url

    yield start
    for server in servers:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)
    for log in logs:
        LOGS.remove(log)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
