"""What a grid decides: whether the best setting replaces the present one, in a sentence."""

from __future__ import annotations

import math

from pgvista.model.evaluation import FEW_QUERIES, PairedDifference
from pgvista.model.evaluation_grid import Decision, GridSetting
from pgvista.model.search import Mode


def decide(
    present: GridSetting,
    best: GridSetting,
    gain: PairedDifference,
    *,
    queries: int,
    tried: int,
    equals: int,
    measure: str,
) -> tuple[Decision, str]:
    """Return the decision and the sentence that says it; `gain` is that on the held-out half.

    `equals` settings besides `best` were as good on the half that chooses.
    """
    if queries < FEW_QUERIES:
        return Decision.TOO_FEW, (
            f"Keep what you have: {queries} queries decide nothing. "
            f"Judge documents for {FEW_QUERIES} and more."
        )
    if best == present:
        return Decision.KEEP, (
            f"Keep what you have: none of the {tried:,} settings tried has a higher {measure} on "
            "the half of the queries that chooses."
        )
    interval = f"{gain.low:.3f} to {gain.high:.3f}"
    if gain.low > 0:
        return Decision.TAKE, (
            f"Take {best.label}: it gains {gain.mean:.3f} {measure} on the {gain.queries} held-out "
            f"queries (interval {interval}), with {gain.wins} wins and {gain.losses} losses."
            + _equals_told(equals)
        )
    verb = "gains" if gain.mean >= 0 else "loses"
    zero = "includes zero" if gain.high >= 0 else "lies below zero"
    return Decision.KEEP, (
        f"Keep what you have: the best setting found ({best.label}) {verb} "
        f"{abs(gain.mean):.3f} {measure} on the {gain.queries} held-out queries, and the interval "
        f"{interval} {zero}."
    )


def _equals_told(equals: int) -> str:
    if not equals:
        return ""
    who = "Another setting was" if equals == 1 else f"{equals:,} other settings were"
    return f" {who} as good where it was chosen; this one is the nearest to what you have."


def how_far(setting: GridSetting, present: GridSetting) -> tuple[float, ...]:
    """Return how far a setting is from the present one: by what changes most, first."""
    k, share = (setting.rrf_k, present.rrf_k), (setting.semantic_share, present.semantic_share)
    return (
        setting.mode is not present.mode,
        setting.mode is Mode.HYBRID,  # of two changes the simpler
        setting.match is not present.match,
        setting.rank is not present.rank,
        setting.fusion is not present.fusion,
        abs(math.log(k[0] / k[1])) if k[0] and k[1] else 0.0,
        abs(share[0] - share[1]) if share[0] and share[1] else 0.0,
    )
