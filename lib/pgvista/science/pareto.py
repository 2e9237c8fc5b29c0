"""The Pareto front: settings that no other one beats in both recall and time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(gain: ArrayLike, cost: ArrayLike) -> NDArray[np.int64]:
    """Return the places of the front, by ascending cost and so by ascending gain.

    A point is on it when none is as good in both and better in one: more `gain` (recall), less
    `cost` (time). Of equal points the first is kept. Points with a NaN are never on it.

    Args:
        gain: Larger is better, shape (n,).
        cost: Smaller is better, shape (n,).
    """
    gains, costs = np.asarray(gain, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    places = np.flatnonzero(~(np.isnan(gains) | np.isnan(costs)))
    front, best = [], -np.inf
    for place in places[np.lexsort((places, -gains[places], costs[places]))]:
        if gains[place] > best:
            front.append(int(place))
            best = gains[place]
    return np.array(front, dtype=np.int64)


def saturated_from(
    strength: ArrayLike, gain: ArrayLike, *, tolerance: float = 0.002
) -> float | None:
    """Return from which strength on the gain is flat; None while it still rises at the end.

    Flat: from there to the strongest setting, two at the least, it gains at most `tolerance`.

    Args:
        strength: ef_search or probes, each once, shape (n,).
        gain: Recall, shape (n,).
        tolerance: In the unit of `gain`.
    """
    strengths, gains = np.asarray(strength, dtype=np.float64), np.asarray(gain, dtype=np.float64)
    order = np.argsort(strengths)
    strengths, gains = strengths[order], gains[order]
    for place in range(len(strengths) - 1):
        if np.nanmax(gains[place:]) - gains[place] <= tolerance:
            return float(strengths[place])
    return None
