"""overlap@k: how many of the first k places two rankings have in common."""

from __future__ import annotations

from collections.abc import Sequence

from pgvista.errors import InvalidInput
from pgvista.science.metrics.rankings import check_ranking


def overlap_at(first: Sequence[str], second: Sequence[str], k: int) -> int:
    """Return the number of ids that stand among the first `k` of both, from 0 to k.

    overlap@k = |first[:k] ∩ second[:k]|

    Order within the first k does not matter. A ranking shorter than k is taken as it is; with an
    empty one the overlap is 0.

    Args:
        first: Ids, best first, each once; shape (n,).
        second: Ids, best first, each once; shape (m,).
        k: Places looked at, 1 and up.

    Raises:
        InvalidInput: An id stands in a ranking twice, or `k` is below 1.
    """
    if k < 1:
        raise InvalidInput(f"overlap@k looks at the first k places: k is {k}, but it begins at 1.")
    check_ranking("The first ranking", first)
    check_ranking("The second ranking", second)
    return len(set(first[:k]) & set(second[:k]))
