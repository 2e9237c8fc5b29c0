"""The runner with real threads; events order them, and nothing sleeps."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import FrozenInstanceError

import pytest

from pgvista.errors import Cancelled, Conflict, InvalidInput, NotFound, PgvistaError, QueryFailed
from pgvista.jobs import Job, JobRunner, JobState
from pgvista.model.progress import Progress, Reporter

LONG_S = 30.0
"""Longer than any machine needs; a test that waits this long has failed."""


class Gate:
    """Work that tells when it has begun, and goes on when it is let."""

    def __init__(self, result: object = None) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.result = result

    def __call__(self, reporter: Reporter) -> object:
        self.begun.set()
        assert self.opened.wait(LONG_S)
        reporter.check()
        return self.result


@pytest.fixture
def runner() -> Iterator[JobRunner]:
    runner = JobRunner(max_workers=2, kept_per_owner=3)
    yield runner
    runner.close()


def over(runner: JobRunner, job: Job) -> Job:
    job = runner.wait(job.id, owner=job.owner, timeout_s=LONG_S)
    assert job.state.is_final
    return job


def test_a_job_is_queued_runs_and_is_done_with_its_result(runner: JobRunner) -> None:
    gate = Gate(result=42)
    queued = runner.submit("Load cran", gate, owner="ann")
    assert (queued.state, queued.started_at, queued.result) == (JobState.QUEUED, None, None)
    assert gate.begun.wait(LONG_S)
    running = runner.get(queued.id, owner="ann")
    assert running.state is JobState.RUNNING
    assert running.started_at is not None
    assert running.finished_at is None
    gate.opened.set()
    done = over(runner, queued)
    assert (done.state, done.result, done.error) == (JobState.DONE, 42, None)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.started_at <= done.finished_at
    assert done.elapsed_seconds(now_monotonic_s=float("inf")) >= 0


def test_a_snapshot_never_changes(runner: JobRunner) -> None:
    job = runner.submit("Count", lambda _: 1, owner="ann")
    over(runner, job)
    assert job.state is JobState.QUEUED
    with pytest.raises(FrozenInstanceError):
        job.state = JobState.DONE  # type: ignore[misc]


def test_progress_rate_and_time_left_are_shown_while_it_runs(runner: JobRunner) -> None:
    reported, go_on = threading.Event(), threading.Event()
    pause = threading.Event()

    def work(reporter: Reporter) -> None:
        reporter.report(Progress(0, 100, stage="embed"))
        pause.wait(0.01)  # so that the clock moves; how far does not matter
        reporter.report(Progress(60, 100, stage="embed"))
        reported.set()
        assert go_on.wait(LONG_S)

    job = runner.submit("Embed", work, owner="ann")
    assert reported.wait(LONG_S)
    seen = runner.get(job.id, owner="ann")
    assert seen.progress == Progress(60, 100, stage="embed")
    assert seen.rate_per_second is not None
    assert seen.eta_seconds == pytest.approx(40 / seen.rate_per_second)
    go_on.set()
    finished = over(runner, job)
    assert finished.eta_seconds is None
    assert finished.progress.done == 60


def test_a_report_after_the_end_is_ignored(runner: JobRunner) -> None:
    kept: list[Reporter] = []
    job = over(runner, runner.submit("Leak", kept.append, owner="ann"))
    kept[0].report(Progress(7))
    assert runner.get(job.id, owner="ann") == job


def test_cancelling_a_running_job_stops_it_where_it_asks(runner: JobRunner) -> None:
    gate = Gate()
    job = runner.submit("Load cran", gate, owner="ann")
    assert gate.begun.wait(LONG_S)
    asked = runner.cancel(job.id, owner="ann")
    assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
    gate.opened.set()
    cancelled = over(runner, job)
    assert cancelled.state is JobState.CANCELLED
    assert isinstance(cancelled.error, Cancelled)
    assert "Load cran" in cancelled.error.message


def test_cancelling_a_queued_job_stops_it_at_once_and_it_never_runs() -> None:
    runner = JobRunner(max_workers=1)
    gate, ran = Gate(), threading.Event()
    first = runner.submit("First", gate, owner="ann")
    assert gate.begun.wait(LONG_S)
    second = runner.submit("Second", lambda _: ran.set(), owner="ann")
    assert runner.cancel(second.id, owner="ann").state is JobState.CANCELLED
    gate.opened.set()
    over(runner, first)
    over(runner, runner.submit("Third", lambda _: None, owner="ann"))
    assert not ran.is_set()
    runner.close()


def test_cancelling_a_finished_job_leaves_it_as_it_is(runner: JobRunner) -> None:
    done = over(runner, runner.submit("Count", lambda _: 1, owner="ann"))
    assert runner.cancel(done.id, owner="ann") == done


def test_work_that_ends_before_it_asks_is_done_in_spite_of_a_cancel(runner: JobRunner) -> None:
    begun, opened = threading.Event(), threading.Event()

    def work(_: Reporter) -> str:
        begun.set()
        assert opened.wait(LONG_S)
        return "committed"

    job = runner.submit("Load", work, owner="ann")
    assert begun.wait(LONG_S)
    runner.cancel(job.id, owner="ann")
    opened.set()
    assert over(runner, job).result == "committed"


def test_a_foreseen_error_is_kept_as_it_is_without_its_frames(runner: JobRunner) -> None:
    def work(_: Reporter) -> None:
        try:
            raise KeyError("password")
        except KeyError as cause:
            raise QueryFailed("The table is gone.", "Reload.") from cause

    failed = over(runner, runner.submit("Load", work, owner="ann"))
    assert failed.state is JobState.FAILED
    assert isinstance(failed.error, QueryFailed)
    assert str(failed.error) == "The table is gone. Reload."
    assert failed.error.__traceback__ is None
    assert failed.error.__cause__ is None
    assert failed.error.__context__ is None


@pytest.mark.parametrize("failure", [ZeroDivisionError("secret 123"), SystemExit("secret 123")])
def test_an_unexpected_error_becomes_a_sentence_and_is_logged(
    runner: JobRunner, caplog: pytest.LogCaptureFixture, failure: BaseException
) -> None:
    def work(_: Reporter) -> None:
        raise failure

    with caplog.at_level(logging.ERROR, logger="pgvista.jobs"):
        failed = over(runner, runner.submit("Load cran", work, owner="ann"))
    assert failed.state is JobState.FAILED
    assert type(failed.error) is PgvistaError
    assert "Load cran" in failed.error.message
    assert type(failure).__name__ in failed.error.message
    assert "secret" not in str(failed.error)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert over(runner, runner.submit("Next", lambda _: "fine", owner="ann")).result == "fine"


def test_two_workers_run_two_jobs_at_once_and_the_third_waits(runner: JobRunner) -> None:
    gates = [Gate(n) for n in range(3)]
    jobs = [runner.submit(f"Job {n}", gate, owner="ann") for n, gate in enumerate(gates)]
    assert gates[0].begun.wait(LONG_S)
    assert gates[1].begun.wait(LONG_S)
    assert runner.get(jobs[2].id, owner="ann").state is JobState.QUEUED
    for gate in gates:
        gate.opened.set()
    assert [over(runner, job).result for job in jobs] == [0, 1, 2]


def test_no_workers_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        JobRunner(max_workers=0)


def test_jobs_of_another_owner_do_not_exist(runner: JobRunner) -> None:
    gate = Gate(result="rows of ann")
    job = runner.submit("Ann's load", gate, owner="ann")
    runner.submit("Ben's load", lambda _: None, owner="ben")
    for ask in (runner.get, runner.cancel, runner.forget, runner.wait):
        with pytest.raises(NotFound) as refused:
            ask(job.id, owner="ben")
        with pytest.raises(NotFound) as missing:
            ask("no such id", owner="ben")
        assert str(refused.value) == str(missing.value)
    assert [j.name for j in runner.list("ben")] == ["Ben's load"]
    assert runner.list("nobody") == []
    gate.opened.set()
    assert over(runner, job).state is JobState.DONE


def test_list_shows_the_newest_first(runner: JobRunner) -> None:
    for name in ("one", "two", "three"):
        over(runner, runner.submit(name, lambda _: None, owner="ann"))
    assert [job.name for job in runner.list("ann")] == ["three", "two", "one"]


def test_only_the_latest_finished_jobs_of_each_owner_are_kept(runner: JobRunner) -> None:
    gate = Gate()
    running = runner.submit("running", gate, owner="ann")
    bens = over(runner, runner.submit("of ben", lambda _: None, owner="ben"))
    for n in range(5):
        over(runner, runner.submit(f"job {n}", lambda _: None, owner="ann"))
    kept = [job.name for job in runner.list("ann")]
    assert kept == ["job 4", "job 3", "job 2", "running"]
    assert runner.list("ben") == [bens]
    gate.opened.set()
    over(runner, running)


def test_forget_drops_a_finished_job_and_frees_its_result(runner: JobRunner) -> None:
    class Result:
        pass

    job = over(runner, runner.submit("Count", lambda _: Result(), owner="ann"))
    result = weakref.ref(job.result)
    runner.forget(job.id, owner="ann")
    with pytest.raises(NotFound):
        runner.get(job.id, owner="ann")
    # The worker lets go of it on its way to the next job: a later one on each proves it is there.
    gates = [Gate(), Gate()]
    later = [runner.submit("Later", gate, owner="ann") for gate in gates]
    for gate in gates:  # both at once, else one worker may take both
        assert gate.begun.wait(LONG_S)
    for gate in gates:
        gate.opened.set()
    for other in later:
        over(runner, other)
    del job
    gc.collect()
    assert result() is None


def test_forget_refuses_while_the_job_is_at_work(runner: JobRunner) -> None:
    gate = Gate()
    job = runner.submit("Load", gate, owner="ann")
    with pytest.raises(Conflict, match="still"):
        runner.forget(job.id, owner="ann")
    gate.opened.set()
    over(runner, job)


def test_a_second_job_with_the_same_key_is_refused_until_the_first_is_over(
    runner: JobRunner,
) -> None:
    gate = Gate()
    first = runner.submit("First load", gate, owner="ann", exclusive_key="docs")
    with pytest.raises(Conflict, match="“First load” is at work there"):
        runner.submit("Second load", Gate(), owner="ann", exclusive_key="docs")
    other = runner.submit("Other", lambda _: None, owner="ann", exclusive_key="cran")
    assert gate.begun.wait(LONG_S)
    runner.cancel(first.id, owner="ann")
    with pytest.raises(Conflict):  # it has been asked to stop, and has not stopped yet
        runner.submit("Second load", Gate(), owner="ann", exclusive_key="docs")
    gate.opened.set()
    over(runner, first)
    over(runner, other)
    third = runner.submit("Third load", lambda _: "in", owner="ann", exclusive_key="docs")
    assert over(runner, third).result == "in"


def test_the_refusal_does_not_name_another_owners_job(runner: JobRunner) -> None:
    gate = Gate()
    job = runner.submit("Ann's secret load", gate, owner="ann", exclusive_key="docs")
    with pytest.raises(Conflict) as refused:
        runner.submit("Ben's load", Gate(), owner="ben", exclusive_key="docs")
    assert "Ann" not in str(refused.value)
    gate.opened.set()
    over(runner, job)


def test_only_one_of_many_submitted_at_once_with_one_key_gets_in(runner: JobRunner) -> None:
    gate, start = Gate(), threading.Barrier(8)
    taken: list[Job] = []
    refused: list[Conflict] = []

    def submit() -> None:
        start.wait(LONG_S)
        try:
            taken.append(runner.submit("Load", gate, owner="ann", exclusive_key="docs"))
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert (len(taken), len(refused)) == (1, 7)
    gate.opened.set()
    over(runner, taken[0])


def test_wait_gives_up_after_its_time(runner: JobRunner) -> None:
    gate = Gate()
    job = runner.submit("Load", gate, owner="ann")
    assert not runner.wait(job.id, owner="ann", timeout_s=0.0).state.is_final
    gate.opened.set()
    over(runner, job)


def test_close_cancels_what_runs_and_what_waits_and_takes_no_more() -> None:
    runner = JobRunner(max_workers=1)
    begun = threading.Event()

    def until_cancelled(reporter: Reporter) -> None:
        begun.set()
        pause = threading.Event()
        while not pause.wait(0.005):
            reporter.check()

    running = runner.submit("Running", until_cancelled, owner="ann")
    queued = runner.submit("Queued", lambda _: None, owner="ann")
    assert begun.wait(LONG_S)
    runner.close(timeout_s=LONG_S)
    states = [runner.get(job.id, owner="ann").state for job in (running, queued)]
    assert states == [JobState.CANCELLED, JobState.CANCELLED]
    with pytest.raises(Conflict, match="shutting down"):
        runner.submit("Late", lambda _: None, owner="ann")
    runner.close()


def test_the_end_of_the_process_cancels_and_does_not_hang() -> None:
    script = """
import threading
from pgvista.jobs import JobRunner

begun = threading.Event()

def work(reporter):
    begun.set()
    try:
        while not threading.Event().wait(0.005):
            reporter.check()
    finally:
        print("rolled back", flush=True)

runner = JobRunner()
runner.submit("Load", work, owner="ann")
begun.wait(30)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "rolled back\n", "")
