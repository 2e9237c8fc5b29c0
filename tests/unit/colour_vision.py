"""How far apart colours are for readers of full and of reduced colour vision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

VISION: dict[str, Matrix] = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""On linear RGB, severity 1: Machado, Oliveira and Fernandes, 2009."""
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(colours: Sequence[str], vision: str) -> Matrix:
    """Return the colours, "#rrggbb", as Oklab (Ottosson, 2020), as they are seen: shape (n, 3)."""
    code = np.array([[int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)] for one in colours])
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ VISION[vision].T, 0, 1)
    made: Matrix = np.cbrt(seen @ _LMS.T) @ _LAB.T
    return made


def nearest(colours: Sequence[str], vision: str) -> tuple[float, str, str]:
    """Return the least distance of two colours, black to white being 1, and which they are."""
    lab = oklab(colours, vision)
    return min(
        (float(np.linalg.norm(lab[i] - lab[j])), colours[i], colours[j])
        for i, j in combinations(range(len(colours)), 2)
    )
