"""What is left of vectors: errors, bits at an angle, leading dimensions; worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pgvista.model.metric import Metric
from pgvista.science.lesson_smaller import (
    expected_hamming,
    leading_recall,
    principal_axes,
    rounding_errors,
    share_of_length,
)
from pgvista.science.quantisation import binary_quantize, hamming, to_halfvec


def test_rounding_errors_are_relative() -> None:
    full = np.array([1.0, -2.0, 0.0, 0.0], np.float32)
    rounded = np.array([1.5, -2.0, 0.0, 0.25], np.float32)
    assert rounding_errors(full, rounded).tolist() == [0.5, 0, 0, 0.25]


def test_halfvec_is_off_by_at_most_half_of_its_last_bit() -> None:
    values = np.random.default_rng(2).normal(size=(50, 384)).astype(np.float32)
    assert rounding_errors(values, to_halfvec(values)).max() <= 2**-11


def test_bits_that_differ_grow_with_the_angle() -> None:
    assert expected_hamming(0.0, 384) == 0
    assert expected_hamming(1.0, 384) == pytest.approx(192)
    assert expected_hamming(2.0, 384) == pytest.approx(384)
    assert expected_hamming(1 - math.cos(math.pi / 4), 8) == pytest.approx(2)
    assert expected_hamming(-1e-9, 384) == 0


def test_random_directions_differ_in_about_so_many_bits() -> None:
    draw = np.random.default_rng(3)
    a = draw.normal(size=4_000).astype(np.float32)
    b = (a + draw.normal(size=4_000)).astype(np.float32)
    cosine = 1 - float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))
    bits = binary_quantize(np.stack([a, b]))
    counted = int(hamming(bits[0], bits[1:])[0])
    assert counted == pytest.approx(expected_hamming(cosine, 4_000), abs=4 * math.sqrt(1_000))


def test_the_share_of_the_squared_length() -> None:
    vectors = np.array([[3, 4, 0], [0, 0, 5]], np.float32)
    assert share_of_length(vectors, [1, 2, 3]) == pytest.approx([9 / 50, 25 / 50, 1])
    assert share_of_length(np.zeros((2, 3), np.float32), [1, 3]) == [0, 0]


def test_a_rotation_keeps_inner_products_and_puts_the_largest_in_front() -> None:
    vectors = np.random.default_rng(4).normal(size=(60, 5)).astype(np.float32)
    vectors[:, 3] *= 20
    turned = principal_axes(vectors)
    assert turned @ turned.T == pytest.approx(vectors @ vectors.T, abs=1e-2)
    assert abs(np.corrcoef(turned[:, 0], vectors[:, 3])[0, 1]) > 0.999
    with pytest.raises(ValueError, match="too many"):
        principal_axes(np.zeros((1, 2_001), np.float32))


def test_recall_by_leading_numbers_by_hand() -> None:
    # by the first number, 0 is nearest to 1; by both it is nearest to 2
    vectors = np.array([[0, 0], [0.1, 9], [1, 0], [5, 0]], np.float32)
    found = leading_recall(vectors, [0], [1, 2], Metric.L2, k=1)
    assert found == {1: 0.0, 2: 1.0}


@pytest.mark.parametrize("metric", list(Metric))
def test_all_numbers_find_all(metric: Metric) -> None:
    vectors = np.random.default_rng(5).normal(size=(80, 12)).astype(np.float32)
    found = leading_recall(vectors, range(80), [3, 12], metric, k=5)
    assert found[12] == 1.0
    assert found[3] < 0.9


def test_fewer_rows_than_wanted_and_zero_vectors() -> None:
    vectors = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    assert leading_recall(vectors, [0], [1, 2], Metric.COSINE)[2] == 1.0
    assert math.isnan(leading_recall(vectors, [1], [2], Metric.COSINE)[2])
