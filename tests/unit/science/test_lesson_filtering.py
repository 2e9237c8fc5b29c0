"""Labels by shares, by chance and by place, and candidates that a filter takes away."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.science.lesson_filtering import (
    SHARES,
    by_place,
    drawn,
    grouped_vectors,
    labels_of,
    passing,
)


def test_labels_by_hand() -> None:
    numbers = np.array([0.0, 0.009, 0.01, 0.109, 0.111, 0.6, 0.62, 0.99])
    assert labels_of(numbers).tolist() == [1, 1, 2, 2, 3, 3, 0, 0]


@pytest.mark.parametrize("label", list(SHARES))
def test_shares(label: int) -> None:
    labels = labels_of(drawn(20_000, seed=3))
    assert (labels == label).mean() == pytest.approx(SHARES[label], rel=0.15)
    vectors = grouped_vectors(20_000, 4, groups=3, seed=1)
    assert (labels_of(by_place(vectors, seed=1)) == label).mean() == pytest.approx(SHARES[label])


def test_rows_of_like_numbers_lie_together() -> None:
    vectors = grouped_vectors(3_000, 6, groups=5, seed=2)
    spread = {
        kind: np.linalg.norm(vectors[labels_of(numbers) == 1].std(axis=0))
        for kind, numbers in (
            ("place", by_place(vectors, seed=4)),
            ("chance", drawn(3_000, seed=4)),
        )
    }
    assert spread["place"] < 0.8 * spread["chance"]


def test_vectors_come_again() -> None:
    vectors = grouped_vectors(50, 6, groups=5, seed=2)
    assert vectors.shape == (50, 6)
    assert np.array_equal(vectors, grouped_vectors(50, 6, groups=5, seed=2))


def test_what_passes() -> None:
    numbers = np.array([0.9, 0.05, 0.3, 0.01])
    assert passing((0, 3, 2, 1), numbers, 0.1, 1) == ((1, 3), (1,))
    assert passing((0, 3, 2, 1), numbers, 1.0, 9) == ((0, 1, 2, 3), (0, 1, 2, 3))
    assert passing((), numbers, 1.0, 9) == ((), ())
