"""What was measured of a setting, as a point of the sweep."""

from __future__ import annotations

import numpy as np

from pgvista.model.sweep import P99_SAMPLES, WORST, SweepPoint, WorstQuery
from pgvista.science.measures.bootstrap import bootstrap_interval
from pgvista.science.recall import hits_by_distance, hits_by_id, mean_recall, recalls
from pgvista.science.throughput import latency
from pgvista.services.sweep_run import Cell, Run
from pgvista.services.truth import Truth, as_truth


def point_of(cell: Cell, run: Run, truth: Truth) -> SweepPoint:
    """Return recall against `truth` and latency of a cell that has at least one answer."""
    first = {number: place for place, number in reversed(list(enumerate(cell.numbers)))}
    asked = sorted(first)
    found = as_truth([cell.answers[first[number]] for number in asked], run.spec.limit)
    due, present = truth.distances[asked], truth.present[asked]
    by_distance = hits_by_distance(found.distances, due)
    by_id = hits_by_id(found.ids, [truth.ids[number] for number in asked])
    shares = recalls(by_distance, present)
    low, high = bootstrap_interval(shares, seed=run.spec.seed) if len(shares) else (np.nan,) * 2
    numbers = [number for number, there in zip(asked, present, strict=True) if there]
    worst = sorted(zip(shares.tolist(), numbers, strict=True))[:WORST]
    times = latency(cell.times_s, p99_samples=P99_SAMPLES)
    hit, read = np.mean(cell.buffers, axis=0) if cell.buffers else (0.0, 0.0)
    return SweepPoint(
        setting=cell.setting,
        case=run.cases[cell.case].name,
        recall=mean_recall(by_distance, present),
        recall_low=float(low),
        recall_high=float(high),
        recall_by_id=mean_recall(by_id, present),
        worst=tuple(
            WorstQuery(run.queries.name(number), recall) for recall, number in worst if recall < 1
        ),
        fewer=int((found.present < present).sum()),
        queries=len(asked),
        samples=len(cell.times_s),
        mean_ms=times.mean_ms,
        p50_ms=times.p50_ms,
        p95_ms=times.p95_ms,
        p99_ms=times.p99_ms,
        buffers_hit=float(hit),
        buffers_read=float(read),
        used=cell.used,
        plan=cell.plan,
    )
