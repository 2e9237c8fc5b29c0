"""Finds what the tests need besides Python packages, and installs it where it is missing.

A browser is needed: one on PATH, Playwright's own, or Debian's, in that order. PgBouncer is wished
for: the tests that need it skip without it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser() -> str | None:
    """Return the path of a Chromium that starts: the system's, else Playwright's; None if none."""
    for name in BROWSERS:
        path = shutil.which(name)
        if path and _starts(path):
            return path
    path = _playwright_path()
    return path if path and _starts(path) else None


def main() -> int:
    """Install what is missing; return 1, with a sentence, when there is no browser in the end."""
    if find_browser() is None:
        print("No Chromium found: installing one for the browser tests.")
        _try([sys.executable, "-m", "playwright", "install", "chromium"])
        if find_browser() is None:
            _apt_install("chromium")
    if shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") is None and _is_root():
        _apt_install("pgbouncer")
    browser = find_browser()
    if browser is None:
        print(
            "The browser tests need Chromium, and none could be installed: "
            "put chromium or google-chrome on the PATH.",
            file=sys.stderr,
        )
        return 1
    print(f"Browser: {browser}")
    return 0


def _playwright_path() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def _starts(path: str) -> bool:
    """Tell whether the program runs at all: a stub or one that lacks libraries does not."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _apt_install(package: str) -> None:
    if shutil.which("apt-get") is None:
        return
    prefix = [] if _is_root() else ["sudo", "-n"]
    environment = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    install = [*environment, "apt-get", "install", "-y", "-q", "--no-install-recommends", package]
    if not _try(install):
        _try([*environment, "apt-get", "update", "-q"])
        _try(install)


def _try(command: list[str]) -> bool:
    """Run a command that may fail; its own output tells why."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())
