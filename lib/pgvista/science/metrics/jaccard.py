"""Jaccard's index: what two sets have in common, as a part of all that is in either."""

from __future__ import annotations

import math
from collections.abc import Collection


def jaccard(first: Collection[str], second: Collection[str]) -> float:
    """Return Jaccard's index of two sets of ids, from 0 (nothing in common) to 1 (the same ids).

    J(A, B) = |A ∩ B| / |A ∪ B|

    Order does not matter, and an id counts once. With one empty set it is 0; with two it is 0 / 0,
    and NaN is returned: there is nothing to compare.

    Source: P. Jaccard, The distribution of the flora in the alpine zone, New Phytologist 11 (1912).
    """
    either = set(first) | set(second)
    return len(set(first) & set(second)) / len(either) if either else math.nan
