"""Rank-biased overlap: how alike two rankings are, the first places counting most."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pgvista.errors import InvalidInput
from pgvista.science.metrics.rankings import check_ranking

DEFAULT_P = 0.9
"""Puts 86 % of the weight on the first ten places."""


def rbo(first: Sequence[str], second: Sequence[str], p: float = DEFAULT_P) -> float:
    """Return RBO_ext of two rankings, from 0 (nothing in common) to 1 (the same order).

    With s and l the lengths of the shorter and the longer ranking, and X_d the number of ids in
    common among the first d of both (beyond s: of all the shorter has):

        RBO_ext = (1 - p) / p * (sum_{d=1..l} X_d / d * p^d
                                 + sum_{d=s+1..l} X_s (d - s) / (s d) * p^d)
                  + ((X_l - X_s) / l + X_s / s) * p^l

    Two lists cut off at k say nothing of what follows: the formula goes on with the agreement that
    was seen, so a ranking that is the other's beginning has an RBO of 1. Rankings must be strict:
    break ties first, by the same rule in both (searches of one list break them by id).

    With one empty ranking it is 0; with two there is nothing to compare, and NaN is returned.

    Args:
        first: Ids, best first, each once; shape (n,).
        second: Ids, best first, each once; shape (m,).
        p: Persistence, between 0 and 1: a reader goes on to the next place with this probability.

    Raises:
        InvalidInput: An id stands in a ranking twice, or `p` is not between 0 and 1.

    Source: W. Webber, A. Moffat, J. Zobel, A similarity measure for indefinite rankings, ACM
    Transactions on Information Systems 28 (2010), equations 30 and 32.
    """
    if not 0 < p < 1:
        raise InvalidInput(f"p of RBO is {p!r}, but it lies between 0 and 1.", "0.9 is usual.")
    check_ranking("The first ranking", first)
    check_ranking("The second ranking", second)
    shorter, longer = sorted((first, second), key=len)
    s, l = len(shorter), len(longer)  # noqa: E741 - the paper's own letters
    if not s:
        return 0.0 if l else math.nan
    seen_short: set[str] = set()
    seen_long: set[str] = set()
    common, common_at_s, series = 0, 0, 0.0
    for d in range(1, l + 1):
        below, above = longer[d - 1], shorter[d - 1] if d <= s else None
        seen_long.add(below)
        if above is not None:
            seen_short.add(above)
            common += above in seen_long
        common += below in seen_short and below != above
        if d == s:
            common_at_s = common
        series += common / d * p**d
        if d > s:
            series += common_at_s * (d - s) / (s * d) * p**d
    tail = (common - common_at_s) / l + common_at_s / s
    # Rounding must not carry equal rankings beyond 1.
    return min(1.0, (1 - p) / p * series + tail * p**l)
