"""Concept axes: direction, positions, shares of variance, and the swarm, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.errors import InvalidInput
from pgvista.science.axis import along, compared_shares, concept_axis, explained_share, swarm


def array(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_an_axis_leads_from_one_to_the_other() -> None:
    axis = concept_axis(*array([1, 1], [4, 5]))
    assert axis == pytest.approx([0.6, 0.8])
    assert along(array([1, 1], [4, 5], [0, 0]), axis) == pytest.approx([1.4, 6.4, 0])


def test_equal_vectors_make_no_axis() -> None:
    with pytest.raises(InvalidInput, match="no direction"):
        concept_axis(*array([0.6, 0.8], [0.6, 0.8]))
    with pytest.raises(InvalidInput, match="no direction"):
        concept_axis(*array([0.6, 0.8], [0.6, 0.80000001]))
    with pytest.raises(InvalidInput, match="no direction"):
        concept_axis(*array([0, 0], [0, 0]))


def test_the_share_of_variance() -> None:
    cross = array([2, 0], [-2, 0], [0, 1], [0, -1])  # 8 along x, 2 along y
    assert explained_share(cross, array([1, 0])[0]) == pytest.approx(0.8)
    assert explained_share(cross, array([0, 1])[0]) == pytest.approx(0.2)
    assert explained_share(cross + 100, array([1, 0])[0]) == pytest.approx(0.8, abs=1e-4)
    assert explained_share(array([1, 2], [1, 2]), array([1, 0])[0]) == 0
    assert explained_share(np.empty((0, 2), np.float32), array([1, 0])[0]) == 0


def test_beside_other_axes() -> None:
    vectors = np.random.default_rng(0).normal(size=(400, 64)).astype(np.float32)
    vectors[:, 0] *= 5  # 25 of 88 parts of the variance
    best, poor = np.eye(64, dtype=np.float32)[:2]
    found = compared_shares(vectors, best)
    assert found.axis == pytest.approx(25 / 88, abs=0.04)
    assert found.largest == pytest.approx(found.axis, abs=0.01)
    assert found.directions.mean() == pytest.approx(1 / 64, abs=0.004)
    assert found.above_directions == 1
    assert len(found.pairs) == 500
    assert found.pairs.max() <= found.largest + 1e-6
    assert (np.diff(found.pairs) >= 0).all()
    assert compared_shares(vectors, poor).above_pairs < 0.5
    again = compared_shares(vectors, best)
    assert again.directions.tolist() == found.directions.tolist()
    assert again.pairs.tolist() == found.pairs.tolist()


@pytest.mark.parametrize("vectors", [np.empty((0, 3)), np.ones((1, 3)), np.ones((5, 3))])
def test_vectors_that_do_not_differ_have_no_shares(vectors: np.ndarray) -> None:
    found = compared_shares(vectors.astype(np.float32), array([1, 0, 0])[0])
    assert found.axis == found.largest == 0
    assert not len(found.pairs)
    assert not found.directions.any()
    assert found.above_pairs == 0


def test_the_swarm_stacks_what_lies_in_one_place() -> None:
    heights = swarm(np.array([0.0, 0.001, 10.0, 0.002, 5.0]), bins=10)
    assert sorted(heights[[0, 1, 3]].tolist()) == [-1, 0, 1]
    assert heights[[2, 4]].tolist() == [0, 0]
    assert swarm(np.array([])).tolist() == []
    assert sorted(swarm(np.full(4, 2.0)).tolist()) == [-2, -1, 0, 1]
