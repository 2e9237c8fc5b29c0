"""Vectors are read from whatever they are written as, or refused with the reason."""

import json
import warnings
from typing import Any

import numpy as np
import pytest

from pgvista.errors import InvalidInput
from pgvista.io.vectors import parse_vector
from pgvista.model.metric import VectorType


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5, -3],
        (1, 2.5, -3),
        np.array([1, 2.5, -3], np.float32),
        np.array([1, 2.5, -3], np.float64),
        np.array([1, 2.5, -3], np.float16),
        np.array([1, 2.5, -3], object),
        "[1,2.5,-3]",
        " [1.0, 2.5, -3e0] ",
        "1 2.5 -3",
        "1;2.5;-3",
        "1, 2.5, -3",
        "[1 2.5 -3]",
        json.dumps([1, 2.5, -3]),
    ],
)
def test_taken(value: Any) -> None:
    vector = parse_vector(value, 3)
    assert vector.dtype == np.float32
    assert vector.tolist() == [1, 2.5, -3]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 2], "The vector has 2 numbers, but the dimension is 3."),
        ([1], "The vector has 1 number, but the dimension is 3."),
        ("[]", "The vector has 0 numbers, but the dimension is 3."),
        ([1, float("nan"), 2], "The vector holds NaN at place 2."),
        ("[1,NaN,2]", "The vector holds NaN at place 2."),
        ("[1,nan,2]", "The vector holds NaN at place 2."),
        ([1, 2, float("inf")], "The vector holds infinity at place 3."),
        (np.array([1, -np.inf, 2], np.float32), "The vector holds infinity at place 2."),
        ([1, None, 2], "The vector holds null at place 2."),
        ([1e39, 2, 3], "The vector holds 1e+39 at place 1, which is outside the range of 4-byte"),
        ("[1,2,1e300]", "The vector holds 1e+300 at place 3, which is outside"),
        ([10**400, 2, 3], "The vector holds a number that is too large."),
        (["a", "b", "c"], "The vector holds the text 'a' at place 1, where a number is needed."),
        ([1, "b", 2], "The vector holds the text 'b' at place 2, where a number is needed."),
        ([True, False, True], "The vector holds true or false at place 1"),
        ([[1, 2, 3]], "The vector holds a list at place 1"),
        ("[1,2,x]", "The vector holds 'x' at place 3, which is no number."),
        ("hello", "The vector holds 'hello' at place 1, which is no number."),
        ({"a": 1}, "The vector is an object, where a list of numbers is needed."),
        (7, "The vector is a single number, where a list of numbers is needed."),
        (np.ones((1, 3), np.float32), "The vector has 2 axes"),
        (np.array(["a", "b", "c"]), "The vector's items are no numbers."),
    ],
)
def test_refused(value: Any, reason: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidInput) as caught:
            parse_vector(value, 3)
    assert caught.value.message.startswith(reason)


def test_halfvec_ends_at_65504() -> None:
    assert parse_vector([65504, -65504], 2, vector_type=VectorType.HALFVEC)[0] == 65504
    with pytest.raises(InvalidInput, match="which a halfvec cannot hold"):
        parse_vector([1, -70000], 2, vector_type=VectorType.HALFVEC)


def test_any_dimension_up_to_the_largest() -> None:
    assert len(parse_vector(np.zeros(16_000, np.float32))) == 16_000
    with pytest.raises(InvalidInput, match="16,001 numbers"):
        parse_vector(np.zeros(16_001, np.float32))
    with pytest.raises(InvalidInput, match="0 numbers"):
        parse_vector([])


def test_zero_vector_and_large_numbers_are_taken() -> None:
    assert not parse_vector([0, 0, 0], 3).any()
    assert np.isfinite(parse_vector([3e38, 3e38, -3e38], 3)).all()
