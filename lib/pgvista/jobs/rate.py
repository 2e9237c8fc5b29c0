"""How fast work goes and when it will be done, smoothed so that the figures can be read."""

from __future__ import annotations

import math

from pgvista.model.progress import Progress

SMOOTHING_S = 8.0
"""Time constant: what happened this many seconds ago weighs 1/e of what happens now."""


class RateMeter:
    """Exponentially smoothed rate of a progress, with weights that follow the clock.

    The weight of an interval of d seconds is 1 - exp(-d / SMOOTHING_S), and the mean is divided by
    the weights given so far, so that the first interval counts in full. A new stage or unit, or
    work that starts again, starts the measuring anew.
    """

    def __init__(self) -> None:
        self._last: Progress | None = None
        self._last_s = 0.0
        self._mean = 0.0
        self._weight = 0.0

    def observe(self, now_s: float, progress: Progress) -> None:
        """Take in a progress seen at `now_s`, in seconds of a clock that never goes back."""
        last = self._last
        if last is None or not _continues(last, progress):
            self._mean = self._weight = 0.0
        else:
            elapsed_s = now_s - self._last_s
            if elapsed_s <= 0:
                return  # counted with the next one
            share = 1.0 - math.exp(-elapsed_s / SMOOTHING_S)
            self._mean += share * ((progress.done - last.done) / elapsed_s - self._mean)
            self._weight += share * (1.0 - self._weight)
        self._last, self._last_s = progress, now_s

    @property
    def per_second(self) -> float | None:
        """Units a second; None before two progresses of one stage were seen."""
        return self._mean / self._weight if self._weight else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to go at the present rate; None while the total or the rate is unknown or 0."""
        rate, last = self.per_second, self._last
        if not rate or last is None or last.total is None:
            return None
        return max(0, last.total - last.done) / rate


def _continues(before: Progress, after: Progress) -> bool:
    return (before.stage, before.unit) == (after.stage, after.unit) and after.done >= before.done
