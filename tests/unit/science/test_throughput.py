"""Percentiles and rates by hand."""

from __future__ import annotations

import pytest

from pgvista.science.throughput import latency, queries_per_second


def test_percentiles_and_p99_from_enough_samples_on() -> None:
    times = [number / 1000 for number in range(1, 101)]
    found = latency(times, p99_samples=101)
    assert (found.p50_ms, found.p95_ms) == pytest.approx((50.5, 95.05))
    assert found.mean_ms == pytest.approx(50.5)
    assert found.p99_ms is None
    assert latency(times, p99_samples=100).p99_ms == pytest.approx(99.01)


def test_rate() -> None:
    assert queries_per_second([10.5, 11.0, 12.0], 10.0) == 1.5
    assert queries_per_second([], 10.0) == 0.0
