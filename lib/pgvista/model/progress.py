"""Progress of long work, as one thread reports it and others read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work has come. `total` is None while it is not known."""

    done: int = 0
    total: int | None = None
    stage: str = ""
    unit: str = "rows"
    message: str = ""


class Reporter(Protocol):
    """What long work is handed: it reports progress, and asks whether to stop."""

    def report(self, progress: Progress) -> None:
        """Tell how far the work has come."""
        ...

    def check(self) -> None:
        """Raise Cancelled when a person stopped the work."""
        ...


class SilentReporter:
    """A reporter for work that nobody watches."""

    def report(self, progress: Progress) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Never stop."""
