"""Progress of long work on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from pgvista.cli.output import cells, cut, printable, tell, width
from pgvista.errors import Cancelled
from pgvista.jobs.rate import RateMeter
from pgvista.model.progress import Progress

REDRAW_S = 0.1
FIRST_LINE_S = 2.0
LINE_EVERY_S = 10.0
_BAR_CELLS = 24


class TerminalReporter:
    """Shows progress, and stops the work when `stop` was called."""

    def __init__(self, *, on_terminal: bool | None = None) -> None:
        self._on_terminal = sys.stderr.isatty() if on_terminal is None else on_terminal
        self._meter = RateMeter()
        self._stopped = threading.Event()
        self._due_s = 0.0 if self._on_terminal else time.monotonic() + FIRST_LINE_S
        self._drawn = False

    def report(self, progress: Progress) -> None:
        """Show how far the work has come, not more often than can be read."""
        now_s = time.monotonic()
        self._meter.observe(now_s, progress)
        if now_s < self._due_s:
            return
        self._due_s = now_s + (REDRAW_S if self._on_terminal else LINE_EVERY_S)
        text = progress_text(progress, self._meter.per_second, self._meter.eta_seconds)
        if self._on_terminal:
            self._draw(f"{_bar(progress)} {text}")
        else:
            tell(text)

    def check(self) -> None:
        """Raise Cancelled when the work was stopped."""
        if self._stopped.is_set():
            raise Cancelled("Stopped.")

    def stop(self) -> None:
        """Let the work stop at its next check."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def clear(self) -> None:
        """Take the bar away."""
        if self._drawn:
            self._draw("")
            self._drawn = False

    def _draw(self, text: str) -> None:
        self._drawn = True
        click.echo(f"\r{cut(text, width() - 1)}\x1b[K", err=True, nl=False, color=True)


@contextmanager
def progress_on_stderr() -> Iterator[TerminalReporter]:
    """Give a reporter that Ctrl-C stops: at once when pressed twice, else between two steps."""
    reporter = TerminalReporter()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if reporter.is_stopped:
            raise KeyboardInterrupt
        reporter.stop()
        reporter.clear()
        tell("Stopping after this step. Ctrl-C again stops at once.")

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, interrupted) if in_main else None
    try:
        yield reporter
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
        reporter.clear()


def progress_text(progress: Progress, per_second: float | None, eta_s: float | None) -> str:
    """Say how far it is, how fast it goes and how long it will take."""
    if progress.stage and progress.done == 0:
        return f"{progress.stage[:1].upper()}{progress.stage[1:]}…"
    if progress.total:
        share = 100 * progress.done / progress.total
        parts = [f"{progress.done:,} of {progress.total:,} {progress.unit}", f"{share:.0f} %"]
    else:
        parts = [f"{progress.done:,} {progress.unit}"]
    if per_second is not None and per_second > 0:
        parts.append(f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s")
    if eta_s is not None and progress.total and progress.done < progress.total:
        parts.append(f"{duration(eta_s)} left")
    return printable(", ".join(parts))


def duration(seconds: float) -> str:
    """Return a duration for people: "12 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _bar(progress: Progress) -> str:
    share = min(1.0, progress.done / progress.total) if progress.total else 0.0
    full = round(share * _BAR_CELLS)
    bar = "█" * full + "░" * (_BAR_CELLS - full)
    encoding = (getattr(sys.stderr, "encoding", None) or "ascii").lower()
    if not encoding.startswith("utf") or cells(bar) != _BAR_CELLS:
        bar = "#" * full + "-" * (_BAR_CELLS - full)
    return bar
