"""A job as others see it: a snapshot that never changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pgvista.errors import PgvistaError
from pgvista.model.progress import Progress


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job is over, one way or another."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work, as it stood when it was asked for.

    `started_monotonic_s` and `finished_monotonic_s` are of time.monotonic(), for durations;
    `started_at` and `finished_at` are in UTC, for people. `result` is what the work returned,
    `error` why it failed or that it was cancelled.
    """

    id: str
    name: str
    owner: str
    state: JobState = JobState.QUEUED
    progress: Progress = field(default_factory=Progress)
    rate_per_second: float | None = None
    eta_seconds: float | None = None
    cancel_requested: bool = False
    started_monotonic_s: float | None = None
    finished_monotonic_s: float | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Any = None
    error: PgvistaError | None = None

    def elapsed_seconds(self, now_monotonic_s: float) -> float:
        """Return how long the job ran, or has run until now; 0 before it starts."""
        if self.started_monotonic_s is None:
            return 0.0
        end_s = self.finished_monotonic_s
        return (now_monotonic_s if end_s is None else end_s) - self.started_monotonic_s
