"""What times of queries come to: percentiles, and queries a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of serial queries, in milliseconds."""

    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float | None
    """None for fewer samples than make it meaningful."""


def latency(times_s: ArrayLike, *, p99_samples: int) -> Latency:
    """Return mean, p50 and p95 of `times_s`, in seconds, shape (n,), n >= 1.

    Percentiles are interpolated between the two nearest samples; p99 is given from
    `p99_samples` on.
    """
    times = np.asarray(times_s, dtype=np.float64) * 1000
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    return Latency(
        float(times.mean()),
        float(p50),
        float(p95),
        float(p99) if times.size >= p99_samples else None,
    )


def queries_per_second(finished_s: ArrayLike, began_s: float) -> float:
    """Return the rate of queries that finished at `finished_s`, from `began_s` to the last of them.

    0 where none finished.
    """
    ends = np.asarray(finished_s, dtype=np.float64)
    return float(ends.size / (ends.max() - began_s)) if ends.size else 0.0
