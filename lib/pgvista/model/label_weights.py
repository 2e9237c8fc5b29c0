"""What a word counts by its setweight label: the weights, as text and checked."""

from __future__ import annotations

from collections.abc import Sequence

from pgvista.errors import InvalidInput

LabelWeights = tuple[float, float, float, float]
"""Weights of the labels A, B, C and D, each 0 to 100."""

BM25_LABEL_WEIGHTS: LabelWeights = (3.0, 2.0, 1.5, 1.0)
"""What pgvista's BM25 counts a word by its label, unless the request says otherwise."""
TS_RANK_LABEL_WEIGHTS: LabelWeights = (1.0, 0.4, 0.2, 0.1)
"""What ts_rank and ts_rank_cd count a word by its label, unless the request says otherwise."""

MAX_WEIGHT = 100


def check_label_weights(weights: Sequence[float]) -> None:
    """Raise InvalidInput unless these are four numbers of 0 to 100."""
    if len(weights) != len("ABCD"):
        raise InvalidInput("label_weights takes four numbers, for the labels A, B, C and D.")
    for label, weight in zip("ABCD", weights, strict=True):
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 <= weight <= MAX_WEIGHT:
            raise InvalidInput(
                f"The weight of label {label} is {weight!r}, but it takes a number from 0 to "
                f"{MAX_WEIGHT}."
            )


def parse_label_weights(text: str) -> LabelWeights | None:
    """Read the weights of the labels A, B, C and D, as ``1, 0.4, 0.2, 0.1``; None when empty.

    Raises InvalidInput for anything but four numbers of 0 to 100.
    """
    if not text.strip():
        return None
    try:
        a, b, c, d = (float(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        raise InvalidInput(
            f"{text[:60]!r} are no label weights.",
            f"Write four numbers, for the labels A, B, C and D: "
            f"{written_label_weights(TS_RANK_LABEL_WEIGHTS)}.",
        ) from None
    check_label_weights((a, b, c, d))
    return a, b, c, d


def written_label_weights(weights: LabelWeights | None) -> str:
    """Return weights as `parse_label_weights` reads them; empty for None."""
    return "" if weights is None else ", ".join(f"{weight:g}" for weight in weights)
