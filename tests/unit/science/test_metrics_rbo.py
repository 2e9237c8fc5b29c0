"""RBO_ext, by hand, and against the formula written down a second way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgvista.errors import InvalidInput
from pgvista.science.metrics.rbo import rbo


@pytest.mark.parametrize(
    ("first", "second", "p", "expected"),
    [
        ("abc", "abc", 0.9, 1.0),
        ("abc", "xyz", 0.9, 0.0),
        ("a", "a", 0.9, 1.0),
        # X = 0, 2: (0.1 / 0.9) * 0.81 + 0.81
        ("ab", "ba", 0.9, 0.9),
        # X = 1, 1: 1 * (0.5 + 0.125) + 0.5 * 0.25
        ("ab", "ac", 0.5, 0.75),
        # X = 1, 1, 3: (1 / 9) * (0.9 + 0.405 + 0.729) + 0.729
        ("abc", "acb", 0.9, 0.955),
        # X = 0, 1, 2: (1 / 9) * (0.405 + 0.486) + 2 / 3 * 0.729
        ("abc", "bcd", 0.9, 0.585),
        # s 2, l 3, X = 0, 1, 1: 1 * (0.125 + 1 / 24 + 1 / 48) + 1 / 2 * 0.125
        ("xa", "aby", 0.5, 0.25),
        # A ranking that is the other's beginning: the agreement seen goes on.
        ("ab", "abcdef", 0.9, 1.0),
        ("a", "ab", 0.9, 1.0),
        ("abc", "", 0.9, 0.0),
    ],
)
def test_by_hand(first: str, second: str, p: float, expected: float) -> None:
    assert rbo(first, second, p) == pytest.approx(expected, abs=1e-12)
    assert rbo(second, first, p) == pytest.approx(expected, abs=1e-12)


def test_the_first_places_count_most() -> None:
    early = rbo("abcdefghij", "bacdefghij")
    late = rbo("abcdefghij", "abcdefghji")
    assert early < late < 1


def test_two_empty_rankings_have_nothing_to_compare() -> None:
    assert math.isnan(rbo("", ""))


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.5, math.nan])
def test_p_lies_between_0_and_1(p: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        rbo("ab", "ab", p)


def test_an_id_with_two_places_is_refused() -> None:
    with pytest.raises(InvalidInput, match="holds 'b' more than once"):
        rbo("abb", "ab")


RANKINGS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(RANKINGS, RANKINGS, st.floats(0.05, 0.95))
def test_equals_the_formula_with_sets(first: list[str], second: list[str], p: float) -> None:
    s, l = sorted((len(first), len(second)))  # noqa: E741
    if not s:
        return
    x = [len(set(first[:d]) & set(second[:d])) for d in range(l + 1)]
    series = sum(x[d] / d * p**d for d in range(1, l + 1))
    series += sum(x[s] * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1))
    expected = (1 - p) / p * series + ((x[l] - x[s]) / l + x[s] / s) * p**l
    assert rbo(first, second, p) == pytest.approx(expected, abs=1e-9)
    assert -1e-12 <= rbo(first, second, p) <= 1
