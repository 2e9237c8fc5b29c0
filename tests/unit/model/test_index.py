"""What is refused before Postgres is asked for an index, and what is offered."""

from __future__ import annotations

from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.index import (
    BitMetric,
    IndexMethod,
    IndexSpec,
    IndexTarget,
    advised_lists,
    targets,
)
from pgvista.model.metric import Metric, VectorType


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"m": 1}, "m is 1, but it takes 2 to 100"),
        ({"m": 40}, "at least 2 \\* m = 80"),
        ({"lists": 0}, "lists is 0, but it takes 1 to 32,768"),
        ({"method": IndexMethod.IVFFLAT, "metric": Metric.L1}, "does not serve L1"),
        (
            {
                "method": IndexMethod.IVFFLAT,
                "metric": BitMetric.JACCARD,
                "target": IndexTarget.BIT,
            },
            "does not serve Jaccard",
        ),
        ({"metric": BitMetric.HAMMING}, "on vectors does not serve Hamming"),
        ({"metric": Metric.COSINE, "target": IndexTarget.BIT}, "on bits does not serve cosine"),
        ({"target": IndexTarget.LEADING}, "needs the number of dimensions"),
        ({"leading": 8}, "no other target takes one"),
        ({"target": IndexTarget.LEADING, "leading": 0}, "takes 1 and more"),
    ],
)
def test_refused_with_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        IndexSpec(**options)


@pytest.mark.parametrize(
    ("rows", "lists"),
    [(0, 1), (1_499, 1), (50_000, 50), (1_000_000, 1000), (4_000_000, 2000), (10**10, 32_768)],
)
def test_advised_lists(rows: int, lists: int) -> None:
    assert advised_lists(rows) == lists


def test_targets_by_dimension_and_type() -> None:
    column, half, bit, leading = IndexTarget
    assert targets(384, VectorType.VECTOR) == (column, half, bit, leading)
    assert targets(384, VectorType.HALFVEC) == (column, bit, leading)
    assert targets(2_001, VectorType.VECTOR) == (half, bit, leading)
    assert targets(4_001, VectorType.VECTOR) == (bit, leading)
    assert targets(4_001, VectorType.HALFVEC) == (bit, leading)
    assert targets(1, VectorType.VECTOR) == (column, half, bit)
