"""Groups of what hangs together: a minimum spanning forest, and its trees below a threshold.

Two things are in one group at a threshold t when a chain of links, none longer than t, joins them
(single-linkage clustering). The minimum spanning forest of the links has the same groups at every
threshold (Gower and Ross 1969), and at most n - 1 links however many there were: so links can be
added without end and the threshold be moved afterwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Distances = NDArray[np.float64]

_REDUCE_AT = 1_000_000
"""Links kept before they are brought down to a forest; 24 bytes each."""


class SpanningForest:
    """The minimum spanning forest of links between the numbers 0 to `count` - 1."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept = _no_links()
        self._new: list[tuple[Places, Places, Distances]] = []
        self._waiting = 0

    def add(self, left: Places, right: Places, distances: Distances) -> None:
        """Add links: three arrays of one shape (m,)."""
        if not len(left):
            return
        self._new.append((left, right, distances))
        self._waiting += len(left)
        if self._waiting >= _REDUCE_AT:
            self._reduce()

    def links(self) -> tuple[Places, Places, Distances]:
        """Return the links of the forest, the shortest first: left, right, distance, each (m,)."""
        self._reduce()
        return self._kept

    def _reduce(self) -> None:
        if self._new:
            left, right, distance = (
                np.concatenate(parts) for parts in zip(self._kept, *self._new, strict=True)
            )
            self._kept = _minimum_spanning(self._count, left, right, distance)
            self._new, self._waiting = [], 0


def _no_links() -> tuple[Places, Places, Distances]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)


def _minimum_spanning(
    count: int, left: Places, right: Places, distances: Distances
) -> tuple[Places, Places, Distances]:
    """Boruvka's algorithm: every tree takes its shortest link outwards, until none is left."""
    order = np.argsort(distances, kind="stable")
    left, right, distances = left[order], right[order], distances[order]
    tree = np.arange(count)
    taken = np.zeros(len(left), dtype=bool)
    open_ = np.arange(len(left))
    while True:
        a, b = tree[left[open_]], tree[right[open_]]
        between = a != b
        open_, a, b = open_[between], a[between], b[between]
        if not len(open_):
            break
        first = np.full(count, -1)
        # Links are sorted, and of several writes to one place the last one stays.
        reverse = slice(None, None, -1)
        ends = np.stack((a, b), axis=1)[reverse].ravel()
        first[ends] = np.repeat(open_[reverse], 2)
        chosen = np.unique(first[first >= 0])
        taken[chosen] = True
        tree = labels(count, tree[left[chosen]], tree[right[chosen]])[tree]
    return left[taken], right[taken], distances[taken]


def labels(count: int, left: Places, right: Places) -> Places:
    """Return for each of 0 to `count` - 1 the smallest number it is linked with, shape (count,)."""
    label = np.arange(count)
    while True:
        low = np.minimum(label[left], label[right])
        before = label.copy()
        np.minimum.at(label, label[left], low)
        np.minimum.at(label, label[right], low)
        while True:
            root = label[label]
            if np.array_equal(root, label):
                break
            label = root
        if np.array_equal(label, before):
            return label
