"""Vectors in fewer bytes: values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.science.quantisation import (
    HALFVEC_MAX,
    binary_quantize,
    candidate_count,
    hamming,
    leading,
    reranked,
    to_halfvec,
)


def test_halfvec_keeps_eleven_bits() -> None:
    given = np.array([[1.0, 1 + 2**-10, 1 + 2**-11, 0.1, -2049.0, HALFVEC_MAX]], np.float32)
    assert to_halfvec(given)[0].tolist() == [1.0, 1 + 2**-10, 1.0, 0.0999755859375, -2048.0, 65504]
    assert np.isinf(to_halfvec(np.array([[70_000.0]], np.float32))[0, 0])


def test_signs_are_packed_from_the_left_and_zero_is_not_above_zero() -> None:
    vector = np.array([[1, -1, 0, 2, -3, -4, -5, -6, 7]], np.float32)
    assert binary_quantize(vector).tolist() == [[0b1001_0000, 0b1000_0000]]


def test_hamming_counts_bits_that_differ() -> None:
    bits = np.array([[0b1111_0000, 0], [0b0000_1111, 1]], np.uint8)
    assert hamming(np.array([0b1111_0001, 0], np.uint8), bits).tolist() == [1, 8]


def test_leading_dimensions_with_and_without_their_length() -> None:
    given = np.array([[3.0, 4.0, 12.0], [0.0, 0.0, 1.0]], np.float32)
    assert leading(given, 2).tolist() == [[3.0, 4.0], [0.0, 0.0]]
    assert leading(given, 2, renormalise=True) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


def test_reranking_looks_at_the_first_candidates_alone() -> None:
    full = np.array([[0.5, 0.9, 0.1, 0.2, np.inf]])
    assert reranked(full, 2, 1).tolist() == [[0, 1]]
    assert reranked(full, 2, 1.5).tolist() == [[2, 0]]
    assert reranked(full, 2, 2).tolist() == [[2, 3]]
    assert candidate_count(10, 1.05) == 11
