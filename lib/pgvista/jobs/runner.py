"""Runs long work in background threads, and lets its owner watch and cancel it."""

from __future__ import annotations

import atexit
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pgvista.errors import Cancelled, Conflict, InvalidInput, NotFound, PgvistaError
from pgvista.jobs.job import Job, JobState
from pgvista.jobs.rate import RateMeter
from pgvista.model.progress import Progress, Reporter

T = TypeVar("T")

KEPT_PER_OWNER = 50
"""Finished jobs that are remembered for each owner; the oldest are forgotten first."""

CLOSE_TIMEOUT_S = 5.0
"""How long the end of the process waits for cancelled jobs to stop by themselves."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Entry:
    """What the runner knows of a job; guarded by the runner's lock, but for `stop`."""

    job: Job
    work: Callable[[Reporter], Any] | None
    exclusive_key: str | None
    stop: threading.Event = field(default_factory=threading.Event)
    meter: RateMeter = field(default_factory=RateMeter)


class JobRunner:
    """A few daemon threads that run one job each, first come, first served.

    A job belongs to its `owner`, such as a browser session, and does not exist for anyone else:
    asking for another's job raises NotFound. All methods may be called from any thread, and what
    they return is a snapshot.
    """

    def __init__(self, max_workers: int = 2, *, kept_per_owner: int = KEPT_PER_OWNER) -> None:
        if max_workers < 1:
            raise InvalidInput(f"A job runner needs at least one worker, not {max_workers}.")
        self._max_workers = max_workers
        self._kept_per_owner = kept_per_owner
        self._entries: dict[str, _Entry] = {}  # in the order of submission
        self._queue: deque[_Entry] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()
        atexit.register(self.close)

    def submit(
        self,
        name: str,
        work: Callable[[Reporter], T],
        *,
        owner: str,
        exclusive_key: str | None = None,
    ) -> Job:
        """Queue `work`, which is called with its reporter in a thread of the runner.

        `name` says to people what it does. Only one unfinished job may hold an `exclusive_key`,
        whoever owns it: raises Conflict for a second one, and after `close`.
        """
        with self._changed:
            if self._closed:
                raise Conflict(f"“{name}” was not started, because pgvista is shutting down.")
            self._refuse_second(name, owner, exclusive_key)
            job = Job(id=secrets.token_urlsafe(12), name=name, owner=owner)
            entry = _Entry(job, work, exclusive_key)
            self._entries[job.id] = entry
            self._queue.append(entry)
            if self._idle < len(self._queue) and len(self._threads) < self._max_workers:
                self._start_thread()
            self._changed.notify_all()
            return job

    def get(self, job_id: str, *, owner: str) -> Job:
        """Return the job as it stands now. Raises NotFound."""
        with self._changed:
            return self._entry(job_id, owner).job

    def list(self, owner: str) -> list[Job]:
        """Return the owner's jobs as they stand now, the newest first."""
        with self._changed:
            return [e.job for e in reversed(self._entries.values()) if e.job.owner == owner]

    def cancel(self, job_id: str, *, owner: str) -> Job:
        """Ask a job to stop; one that has not started stops at once, a finished one stays as it is.

        A running job stops when it next asks its reporter. Raises NotFound.
        """
        with self._changed:
            entry = self._entry(job_id, owner)
            self._cancel(entry)
            return entry.job

    def wait(self, job_id: str, *, owner: str, timeout_s: float | None = None) -> Job:
        """Return the job when it is over, or as it stands after `timeout_s`. Raises NotFound."""
        with self._changed:
            entry = self._entry(job_id, owner)
            self._changed.wait_for(lambda: entry.job.state.is_final, timeout_s)
            return entry.job

    def forget(self, job_id: str, *, owner: str) -> None:
        """Drop a finished job and its result. Raises NotFound, and Conflict while it is at work."""
        with self._changed:
            entry = self._entry(job_id, owner)
            if not entry.job.state.is_final:
                raise Conflict(
                    f"“{entry.job.name}” is still {entry.job.state}.", "Cancel it, or wait for it."
                )
            del self._entries[job_id]

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Take no more work, cancel what there is, and wait up to `timeout_s` for it to stop."""
        atexit.unregister(self.close)
        with self._changed:
            self._closed = True
            for entry in list(self._entries.values()):
                self._cancel(entry)
            self._changed.notify_all()
            threads = list(self._threads)
        deadline_s = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline_s - time.monotonic()))

    # Below, the lock is held by the caller unless said otherwise.

    def _entry(self, job_id: str, owner: str) -> _Entry:
        entry = self._entries.get(job_id)
        if entry is None or entry.job.owner != owner:
            raise NotFound("There is no such job.", "It may be over and forgotten.")
        return entry

    def _refuse_second(self, name: str, owner: str, exclusive_key: str | None) -> None:
        if exclusive_key is None:
            return
        for entry in self._entries.values():
            if entry.exclusive_key != exclusive_key or entry.job.state.is_final:
                continue
            if entry.job.owner == owner:
                raise Conflict(
                    f"“{name}” was not started, because “{entry.job.name}” is at work there.",
                    "Wait until it is done, or cancel it.",
                )
            raise Conflict(
                f"“{name}” was not started, because someone else's job is at work there.",
                "Wait until it is done.",
            )

    def _cancel(self, entry: _Entry) -> None:
        if entry.job.state.is_final:
            return
        entry.stop.set()
        entry.job = replace(entry.job, cancel_requested=True)
        if entry.job.state is JobState.QUEUED:
            self._queue.remove(entry)
            self._finish(entry, JobState.CANCELLED, error=_cancelled(entry.job.name))

    def _finish(
        self, entry: _Entry, state: JobState, *, result: Any = None, error: PgvistaError | None
    ) -> None:
        entry.work = None  # what it holds is not kept with the result
        entry.job = replace(
            entry.job,
            state=state,
            result=result,
            error=error,
            eta_seconds=None,
            finished_monotonic_s=time.monotonic(),
            finished_at=datetime.now(UTC),
        )
        self._drop_oldest(entry.job.owner)
        self._changed.notify_all()

    def _drop_oldest(self, owner: str) -> None:
        over = [
            e.job for e in self._entries.values() if e.job.owner == owner and e.job.state.is_final
        ]
        over.sort(key=lambda job: job.finished_monotonic_s or 0.0)
        for job in over[: max(0, len(over) - self._kept_per_owner)]:
            del self._entries[job.id]

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._serve, name=f"pgvista-job-{len(self._threads) + 1}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        """Run queued jobs until the runner is closed; called without the lock."""
        while True:
            entry = self._next()
            if entry is None:
                return
            self._run(entry)
            del entry  # a forgotten result is not kept until the next job

    def _next(self) -> _Entry | None:
        """Wait for a job and mark it running; None when closed; called without the lock."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._idle -= 1
            if not self._queue:
                return None
            entry = self._queue.popleft()
            entry.job = replace(
                entry.job,
                state=JobState.RUNNING,
                started_monotonic_s=time.monotonic(),
                started_at=datetime.now(UTC),
            )
            self._changed.notify_all()
            return entry

    def _run(self, entry: _Entry) -> None:
        """Do the work of one job, whatever it raises; called without the lock."""
        name = entry.job.name
        result: Any = None
        error: PgvistaError | None = None
        state = JobState.DONE
        try:
            if entry.work is not None:
                result = entry.work(_JobReporter(self, entry))
        except Cancelled:
            state, error = JobState.CANCELLED, _cancelled(name)
        except PgvistaError as failure:
            state, error = JobState.FAILED, _bare(failure)
        except BaseException as failure:  # a thread that died would leave the job running for ever
            logger.exception("The job %r stopped on an unexpected error", name)
            state = JobState.FAILED
            error = PgvistaError(
                f"“{name}” stopped on an unexpected {type(failure).__name__}.",
                "The log says more; what was committed before stays.",
            )
        with self._changed:
            self._finish(entry, state, result=result, error=error)

    def _report(self, entry: _Entry, progress: Progress) -> None:
        """Note how far a job has come; called without the lock."""
        with self._changed:
            if entry.job.state is not JobState.RUNNING:
                return
            entry.meter.observe(time.monotonic(), progress)
            entry.job = replace(
                entry.job,
                progress=progress,
                rate_per_second=entry.meter.per_second,
                eta_seconds=entry.meter.eta_seconds,
            )


class _JobReporter:
    """The reporter of one job; it may be used from threads that the work starts."""

    def __init__(self, runner: JobRunner, entry: _Entry) -> None:
        self._runner = runner
        self._entry = entry

    def report(self, progress: Progress) -> None:
        """Tell how far the work has come."""
        self._runner._report(self._entry, progress)

    def check(self) -> None:
        """Raise Cancelled when a person, or the end of the process, stopped the work."""
        if self._entry.stop.is_set():
            raise _cancelled(self._entry.job.name)


def _cancelled(name: str) -> Cancelled:
    return Cancelled(f"“{name}” was cancelled.", "What was committed before stays.")


def _bare(error: PgvistaError) -> PgvistaError:
    """Free an error of its frames, which would keep the job's connections and data alive."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
