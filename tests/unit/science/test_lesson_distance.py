"""Places by distance, with ties and NaN; vectors of length 1."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pgvista.science.lesson_distance import normalised, places, same_order


def test_places_begin_at_one_and_ties_share_theirs() -> None:
    assert places([0.5, 0.1, 0.5, 0.9]) == (2, 1, 2, 4)
    assert places([-3.0, -1.0, 2.0]) == (1, 2, 3)
    assert places([]) == ()


def test_what_rounding_differs_by_is_a_tie() -> None:
    assert places([0.3, 0.30000001, 0.3001]) == (1, 1, 3)
    assert places([1e6, 1e6 + 0.5, 1e6 + 5]) == (1, 1, 3)


def test_nan_has_no_place_and_takes_none() -> None:
    assert places([math.nan, 0.2, 0.1]) == (None, 2, 1)


def test_orders_agree_where_both_know_a_place() -> None:
    assert same_order((1, 2, 3), (1, 2, 3))
    assert not same_order((1, 2), (2, 1))
    assert same_order((1, None, 2), (1, 3, 2))


def test_vectors_get_length_one_and_zero_stays() -> None:
    found = normalised(np.array([[3, 4], [0, 0], [-2, 0]], np.float32))
    assert found == pytest.approx(np.array([[0.6, 0.8], [0, 0], [-1, 0]]))


def test_on_length_one_squared_l2_is_two_minus_two_ab() -> None:
    draw = np.random.default_rng(1)
    a, b = normalised(draw.normal(size=(2, 384)).astype(np.float32)).astype(np.float64)
    assert np.sum((a - b) ** 2) == pytest.approx(2 - 2 * (a @ b), abs=1e-6)
