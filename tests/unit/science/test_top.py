"""Nearest rows by matrix products: no true neighbour is lost, and `beyond` is a lower bound."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.model.metric import Metric
from pgvista.science.top import NearestSoFar

PRODUCTS = [metric for metric in Metric if metric is not Metric.L1]


def distances(queries: np.ndarray, rows: np.ndarray, metric: Metric) -> np.ndarray:
    queries, rows = queries.astype(float), rows.astype(float)
    inner = queries @ rows.T
    if metric is Metric.INNER_PRODUCT:
        return np.asarray(-inner)
    if metric is Metric.COSINE:
        lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(rows, axis=1)
        return np.asarray(1 - inner / lengths)
    return np.asarray(np.linalg.norm(queries[:, None] - rows[None], axis=2))


@pytest.mark.parametrize("metric", PRODUCTS)
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_candidates_hold_the_truth(metric: Metric, offset: float) -> None:
    rng = np.random.default_rng(8)
    rows = (offset + rng.standard_normal((3000, 16))).astype(np.float32)
    queries = (offset + rng.standard_normal((20, 16))).astype(np.float32)
    kept = NearestSoFar(queries, metric, 10)
    for start in range(0, 3000, 700):
        kept.add(rows[start : start + 700], start)
    true = distances(queries, rows, metric)
    for query, (places, beyond) in enumerate(zip(kept.places(), kept.beyond(), strict=True)):
        others = np.setdiff1d(np.arange(3000), places)
        assert len(places) == 40
        assert true[query, others].min() >= beyond
        if true[query, places].max() > np.sort(true[query])[9]:
            assert (
                set(np.argsort(true[query])[:10]) <= set(places)
                or beyond <= np.sort(true[query])[9]
            )


def test_a_share_of_the_rows_and_all_of_few() -> None:
    rows = np.eye(6, dtype=np.float32)
    kept = NearestSoFar(rows[:1], Metric.L2, 2)
    kept.add(rows, 100, np.array([True, False, True, False, False, True]))
    kept.add(rows[:0], 106)
    assert sorted(kept.places()[0]) == [100, 102, 105]
    assert np.isinf(kept.beyond()).all()


def test_masses_of_duplicates_leave_it_in_doubt() -> None:
    rows = np.tile(np.array([[3.0, 4.0]], dtype=np.float32), (200, 1))
    kept = NearestSoFar(rows[:1], Metric.COSINE, 5)
    kept.add(rows, 0)
    assert len(kept.places()[0]) == 30
    assert kept.beyond()[0] <= 0.0


def test_l1_is_no_product() -> None:
    with pytest.raises(ValueError, match="L1"):
        NearestSoFar(np.ones((1, 2), dtype=np.float32), Metric.L1, 1)
