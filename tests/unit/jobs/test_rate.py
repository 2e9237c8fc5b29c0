import math

import pytest

from pgvista.jobs.rate import SMOOTHING_S, RateMeter
from pgvista.model.progress import Progress


def observed(*points: tuple[float, Progress]) -> RateMeter:
    meter = RateMeter()
    for now_s, progress in points:
        meter.observe(now_s, progress)
    return meter


def test_nothing_is_known_before_two_observations() -> None:
    meter = observed((5.0, Progress(done=100, total=200)))
    assert meter.per_second is None
    assert meter.eta_seconds is None


def test_the_first_interval_counts_in_full() -> None:
    meter = observed((5.0, Progress(0, 200)), (7.0, Progress(100, 200)))
    assert meter.per_second == pytest.approx(50.0)
    assert meter.eta_seconds == pytest.approx(2.0)


def test_a_steady_pace_gives_that_pace_whatever_the_steps() -> None:
    times = [0.0, 0.001, 0.5, 3.0, 3.01, 40.0]
    meter = observed(*((t, Progress(round(t * 1000), 100_000)) for t in times))
    assert meter.per_second == pytest.approx(1000.0)
    assert meter.eta_seconds == pytest.approx(60.0)


def test_a_new_pace_takes_over_with_the_stated_time_constant() -> None:
    # Very long at 10/s, then one time constant at 110/s: 10 + 100 * (1 - 1/e).
    long_s = 1000 * SMOOTHING_S
    done = round(10 * long_s)
    meter = observed(
        (0.0, Progress(0)),
        (long_s, Progress(done)),
        (long_s + SMOOTHING_S, Progress(done + round(110 * SMOOTHING_S))),
    )
    assert meter.per_second == pytest.approx(10 + 100 * (1 - 1 / math.e))


def test_no_total_gives_a_rate_and_no_eta() -> None:
    meter = observed((0.0, Progress(0)), (1.0, Progress(10)))
    assert meter.per_second == pytest.approx(10.0)
    assert meter.eta_seconds is None


def test_no_movement_gives_rate_zero_and_no_eta() -> None:
    meter = observed((0.0, Progress(5, 10)), (1.0, Progress(5, 10)))
    assert meter.per_second == 0.0
    assert meter.eta_seconds is None


def test_more_done_than_the_total_is_zero_seconds_to_go() -> None:
    assert observed((0.0, Progress(0, 10)), (1.0, Progress(12, 10))).eta_seconds == 0.0


@pytest.mark.parametrize(
    "after",
    [
        Progress(600, 1000, stage="index"),
        Progress(600, 1000, stage="load", unit="bytes"),
        Progress(0, 1000, stage="load"),
    ],
    ids=["new stage", "new unit", "started again"],
)
def test_measuring_starts_anew(after: Progress) -> None:
    before = Progress(500, 1000, stage="load")
    meter = observed((0.0, Progress(0, 1000, stage="load")), (1.0, before), (2.0, after))
    assert meter.per_second is None


def test_two_reports_at_one_instant_count_with_the_next() -> None:
    meter = observed((0.0, Progress(0)), (0.0, Progress(50)), (1.0, Progress(100)))
    assert meter.per_second == pytest.approx(100.0)
