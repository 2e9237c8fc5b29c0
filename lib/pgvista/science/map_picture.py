"""A map as a small picture: points as dots, for a glance at the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FINER = 3
"""Dots are drawn so many times as large, and the picture is shrunk: their edges are smooth."""
_MARGIN = 0.03

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def picture(xy: Floats, codes: NDArray[np.integer], colours: Bytes, size: int) -> Bytes:
    """Draw points of shape (n, 2) as dots: red, green, blue and alpha, shape (size, size, 4).

    The colour of a point is the row of `colours`, shape (m, 3), that its code names; a negative code
    names the last row. Both axes have one scale; the ground is transparent. Points without a
    position are left out. Which of two dots lies above the other is drawn by lot, the same each time.
    """
    wide = size * _FINER
    drawn = np.zeros((wide, wide, 4), np.float32)
    places = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if len(places):
        places = np.random.default_rng(0).permutation(places)
        low, high = xy[places].min(axis=0), xy[places].max(axis=0)
        span = float((high - low).max()) or 1.0
        shares = (xy[places] - (low + high) / 2) / span * (1 - 2 * _MARGIN) + 0.5
        columns = np.clip((shares[:, 0] * wide).astype(int), 0, wide - 1)
        rows = np.clip(((1 - shares[:, 1]) * wide).astype(int), 0, wide - 1)
        radius = round(float(_FINER * np.clip(40 / np.sqrt(len(places)), 0.7, 3.0)))
        colour = np.concatenate(
            [colours[codes[places]], np.full((len(places), 1), 255, np.uint8)], axis=1
        )
        for down in range(-radius, radius + 1):
            for right in range(-radius, radius + 1):
                if down * down + right * right <= radius * radius:
                    at = np.clip(rows + down, 0, wide - 1), np.clip(columns + right, 0, wide - 1)
                    drawn[at] = colour
    parts = drawn.reshape(size, _FINER, size, _FINER, 4)
    alpha = parts[..., 3].mean(axis=(1, 3))
    # only what is drawn has a colour: the ground must not darken the edges
    total = parts.sum(axis=(1, 3))
    shown = np.divide(
        total[..., :3], total[..., 3:] / 255, out=np.zeros_like(total[..., :3]),
        where=total[..., 3:] > 0,
    )  # fmt: skip
    found = np.rint(np.concatenate([shown, alpha[..., None]], axis=2))
    return np.asarray(found, dtype=np.uint8)
