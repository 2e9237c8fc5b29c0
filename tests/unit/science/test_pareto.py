"""The Pareto front, and where recall is flat."""

from __future__ import annotations

import numpy as np

from pgvista.science.pareto import pareto_front, saturated_from


def test_front_by_hand() -> None:
    recall = [0.9, 0.95, 0.94, 0.99, 0.99, 1.0]
    p95 = [1.0, 2.0, 3.0, 4.0, 5.0, 60.0]
    assert pareto_front(recall, p95).tolist() == [0, 1, 3, 5]


def test_of_equal_points_the_first_and_never_nan() -> None:
    assert pareto_front([0.9, 0.9, np.nan], [1.0, 1.0, 0.1]).tolist() == [0]
    assert pareto_front([], []).tolist() == []
    assert pareto_front([0.8, 0.9], [1.0, 1.0]).tolist() == [1]


def test_no_point_of_the_front_is_beaten_and_every_other_is() -> None:
    rng = np.random.default_rng(3)
    gain, cost = rng.random(80), rng.random(80)
    front = set(pareto_front(gain, cost).tolist())
    for place in range(80):
        beaten = any(
            gain[other] >= gain[place]
            and cost[other] <= cost[place]
            and (gain[other], cost[other]) != (gain[place], cost[place])
            for other in range(80)
        )
        assert beaten is (place not in front)


def test_saturation() -> None:
    assert saturated_from([20, 40, 80, 160], [0.9, 0.97, 0.98, 0.981]) == 80
    assert saturated_from([160, 20, 80, 40], [0.981, 0.9, 0.98, 0.97]) == 80
    assert saturated_from([20, 40], [0.9, 0.95]) is None
    assert saturated_from([20], [0.9]) is None
    assert saturated_from([], []) is None
