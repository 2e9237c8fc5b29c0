"""BM25 by hand: idf, saturation, length, and their sum."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pgvista.science.bm25 import (
    bm25_terms,
    inverse_document_frequency,
    length_norm,
    saturated,
)


def test_a_score_by_hand() -> None:
    # 10 documents of 8 words on average; this one has 12. Two lexemes: once in it and in 1 document
    # of the 10, three times in it and in 4 of them. k1 1.2, b 0.75.
    found = bm25_terms([1, 3], [1, 4], documents=10, length=12, average_length=8, k1=1.2, b=0.75)
    norm = 0.25 + 0.75 * 12 / 8
    assert found.norm == norm == 1.375
    assert found.idf == pytest.approx([math.log(1 + 9.5 / 1.5), math.log(1 + 6.5 / 4.5)])
    assert found.saturation == pytest.approx([2.2 / 2.65, 6.6 / 4.65])
    by_hand = math.log(22 / 3) * 2.2 / 2.65 + math.log(22 / 9) * 6.6 / 4.65
    assert found.terms.sum() == pytest.approx(by_hand)
    assert found.score == round(by_hand * 1e9) / 1e9


def test_rare_lexemes_count_more_and_none_counts_nothing_or_less() -> None:
    idf = inverse_document_frequency([1, 2, 50, 99, 100], 100)
    assert (np.diff(idf) < 0).all()
    assert idf[-1] == pytest.approx(math.log(1 + 0.5 / 100.5))
    assert idf[-1] > 0


def test_repetition_saturates_below_k1_plus_1() -> None:
    curve = saturated(np.arange(0, 1000), 1.0, 1.2)
    assert curve[0] == 0
    assert curve[1] == 1  # at the average length one occurrence counts 1, whatever k1
    assert (np.diff(curve) > 0).all()
    assert (np.diff(curve, 2) < 0).all()
    assert 2.19 < curve[-1] < 2.2


def test_at_k1_0_a_lexeme_is_there_or_not() -> None:
    assert saturated([0, 1, 7], 1.3, 0.0).tolist() == [0, 1, 1]


def test_b_says_how_much_length_matters() -> None:
    assert length_norm(30, 10, 0.0) == 1
    assert length_norm(10, 10, 0.75) == 1
    assert length_norm(30, 10, 1.0) == 3
    assert length_norm(0, 0, 0.75) == 0.25  # nothing is counted yet: no division by zero


def test_without_lexemes_the_score_is_0() -> None:
    found = bm25_terms([], [], documents=0, length=0, average_length=0, k1=1.2, b=0.75)
    assert found.score == 0
    assert found.terms.shape == (0,)
