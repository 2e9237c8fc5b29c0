"""The tokens of a text, each with a picture of its vector, and the mean that becomes the text's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pgvista.ui.components.panels import vector_bars
from pgvista.ui.components.phrase_board import Pane

SHOWN = 9
"""Tokens with a picture; of more, the first ones and the last."""
_BARS = 96


def tokens_pane(
    pieces: Sequence[str],
    vectors: NDArray[np.float32],
    mean: NDArray[np.float32],
    *,
    special: Sequence[str],
    unknown: str | None,
) -> Pane:
    """Draw a row for each of `pieces`, whose vectors have shape (n, dimension), and one for the mean.

    `special` are the pieces that the tokenizer adds, `unknown` the one for what it does not know.
    """
    places = list(range(len(pieces)))
    if len(places) > SHOWN:
        places = [*places[: SHOWN - 1], places[-1]]
    return {
        "kind": "tokens",
        "rows": [
            {
                "piece": pieces[place],
                "kind": "unknown"
                if pieces[place] == unknown
                else "special"
                if pieces[place] in special
                else "",
                "bars": vector_bars(vectors[place].tolist(), _BARS),
            }
            for place in places
        ],
        "more": len(pieces) - len(places),
        "mean": vector_bars(mean.tolist(), _BARS),
        "mean_name": f"mean of {len(pieces):,}, length 1",
    }
