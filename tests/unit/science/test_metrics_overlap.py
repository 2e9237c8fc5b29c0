"""overlap@k and Jaccard's index, by hand."""

from __future__ import annotations

import math

import pytest

from pgvista.errors import InvalidInput
from pgvista.science.metrics.jaccard import jaccard
from pgvista.science.metrics.overlap import overlap_at


@pytest.mark.parametrize(
    ("first", "second", "k", "expected"),
    [
        ("abc", "abc", 3, 3),
        ("abc", "cab", 3, 3),
        ("abc", "cab", 2, 1),  # {a, b} and {c, a}
        ("abc", "cab", 1, 0),
        ("abcd", "ab", 4, 2),  # a list shorter than k
        ("abcd", "xyz", 10, 0),
        ("abc", "", 3, 0),
        ("", "", 3, 0),
    ],
)
def test_overlap_counts_the_first_k_of_both(first: str, second: str, k: int, expected: int) -> None:
    assert overlap_at(first, second, k) == overlap_at(second, first, k) == expected


@pytest.mark.parametrize("k", [0, -1])
def test_overlap_begins_at_the_first_place(k: int) -> None:
    with pytest.raises(InvalidInput, match="begins at 1"):
        overlap_at("ab", "ab", k)


def test_overlap_refuses_an_id_with_two_places() -> None:
    with pytest.raises(InvalidInput, match="The second ranking holds 'a' more than once"):
        overlap_at("ab", "aba", 2)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("abc", "cba", 1.0),
        ("abc", "bcd", 0.5),  # 2 of 4
        ("abcd", "ab", 0.5),
        ("abc", "xyz", 0.0),
        ("abc", "", 0.0),
        ("aab", "ab", 1.0),  # sets
    ],
)
def test_jaccard(first: str, second: str, expected: float) -> None:
    assert jaccard(first, second) == jaccard(second, first) == expected


def test_jaccard_of_nothing_is_no_number() -> None:
    assert math.isnan(jaccard("", ""))
