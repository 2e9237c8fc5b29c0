"""The paired bootstrap, wins and losses."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from pgvista.errors import InvalidInput
from pgvista.science.measures import bootstrap
from pgvista.science.measures.bootstrap import bootstrap_interval
from pgvista.science.measures.paired import paired_difference


def test_two_values_have_three_means() -> None:
    # of 0 and 1, two draws have the mean 0 or 1 with a chance of 1/4 each, else 1/2
    assert bootstrap_interval([0, 1], confidence=0.9) == (0.0, 1.0)
    assert bootstrap_interval([0, 1], confidence=0.4) == (0.5, 0.5)


def test_the_interval_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = np.random.default_rng(5).normal(0.02, 0.1, 400)
    error = 1.96 * statistics.stdev(values.tolist()) / math.sqrt(400)
    low, high = bootstrap_interval(values)
    assert low == pytest.approx(values.mean() - error, abs=0.001)
    assert high == pytest.approx(values.mean() + error, abs=0.001)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_many_queries_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=50)
    whole = bootstrap_interval(values)
    monkeypatch.setattr(bootstrap, "_CELLS", 50 * 7)
    assert bootstrap_interval(values) == pytest.approx(whole, abs=0.02)


def test_equal_values_have_no_width() -> None:
    assert bootstrap_interval([0.25] * 9) == (0.25, 0.25)
    assert bootstrap_interval([0.25]) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[], [math.nan, 1], [math.inf], [[1, 2]]])
def test_what_has_no_interval_is_refused(values: list[float]) -> None:
    with pytest.raises(InvalidInput):
        bootstrap_interval(values)


def test_wins_losses_and_ties() -> None:
    found = paired_difference([0.1, 0.5, 0.5, 0.3], [0.4, 0.5, 0.25, 0.3 + 1e-12])
    assert (found.wins, found.losses, found.ties, found.queries) == (1, 1, 2, 4)
    assert found.mean == pytest.approx((0.3 - 0.25) / 4)
    assert found.low < found.mean < found.high


def test_other_queries_cannot_be_compared() -> None:
    with pytest.raises(InvalidInput, match="same queries"):
        paired_difference([0.1], [0.1, 0.2])
