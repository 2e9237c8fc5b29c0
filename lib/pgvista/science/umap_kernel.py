"""One epoch of UMAP's layout, as numba compiles it: the loop that takes nearly all of the time.

The steps are those of umap-learn 0.5 (McInnes, Healy and Melville 2018; its source is under the BSD
licence), written for two dimensions: the same numbers come out, bit for bit. umap-learn itself is not
imported, since pynndescent comes with it and compiles for half a minute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int32]
Doubles = NDArray[np.float64]

SIGNATURE = "void(f4[:,::1],i4[::1],i4[::1],f8[::1],f8[::1],f8[::1],f8[::1],i8[:,::1],f8,f8,f8,i8)"
"""The types of what `epoch` takes: with them it is compiled for these alone."""


def epoch(
    positions: Floats,
    heads: Places,
    tails: Places,
    per_sample: Doubles,
    next_sample: Doubles,
    per_negative: Doubles,
    next_negative: Doubles,
    states: NDArray[np.int64],
    a: float,
    b: float,
    alpha: float,
    turn: int,
) -> None:
    """Move points along those edges whose turn it is, and away from points drawn at random.

    `positions`, shape (n, 2), is changed in place. An edge leads from `heads` to `tails`; it has its
    turn each `per_sample` epochs, next at `next_sample`, and points drawn against it each
    `per_negative`; all of shape (edges,). `states`, shape (n, 3), are the points' own random numbers.
    `a` and `b` shape the attraction, `alpha` is the step, `turn` the number of the epoch from 0.
    """
    count = positions.shape[0]
    for edge in range(heads.shape[0]):
        if next_sample[edge] > turn:
            continue
        head, tail = heads[edge], tails[edge]
        x, y = positions[head, 0], positions[head, 1]
        dx, dy = x - positions[tail, 0], y - positions[tail, 1]
        square = dx * dx + dy * dy
        if square > 0.0:
            power = square**b
            pull = -2.0 * a * b * power / (square * (a * power + 1.0))
            step_x = min(4.0, max(-4.0, pull * dx)) * alpha
            step_y = min(4.0, max(-4.0, pull * dy)) * alpha
            x, y = np.float32(x + step_x), np.float32(y + step_y)
            positions[tail, 0] -= step_x
            positions[tail, 1] -= step_y
        next_sample[edge] += per_sample[edge]
        draws = int((turn - next_negative[edge]) / per_negative[edge])
        state = states[head]
        one, two, three = state[0], state[1], state[2]
        for _ in range(draws):
            # a combined Tausworthe generator of 32 bits (L'Ecuyer 1996)
            one = (((one & 4294967294) << 12) & 0xFFFFFFFF) ^ (
                (((one << 13) & 0xFFFFFFFF) ^ one) >> 19
            )
            two = (((two & 4294967288) << 4) & 0xFFFFFFFF) ^ (
                (((two << 2) & 0xFFFFFFFF) ^ two) >> 25
            )
            three = (((three & 4294967280) << 17) & 0xFFFFFFFF) ^ (
                (((three << 3) & 0xFFFFFFFF) ^ three) >> 11
            )
            other = np.int32(one ^ two ^ three) % count
            if other == head:
                continue
            dx, dy = x - positions[other, 0], y - positions[other, 1]
            square = dx * dx + dy * dy
            if square > 0.0:
                push = 2.0 * b / ((0.001 + square) * (a * square**b + 1.0))
                x = np.float32(x + min(4.0, max(-4.0, push * dx)) * alpha)
                y = np.float32(y + min(4.0, max(-4.0, push * dy)) * alpha)
        state[0], state[1], state[2] = one, two, three
        positions[head, 0], positions[head, 1] = x, y
        next_negative[edge] += draws * per_negative[edge]
