"""What all measures of two rankings ask of their input."""

from __future__ import annotations

from collections.abc import Sequence

from pgvista.errors import InvalidInput


def check_ranking(name: str, ranking: Sequence[str]) -> None:
    """Refuse a ranking that holds an id twice: it would have two places."""
    if len(set(ranking)) == len(ranking):
        return
    twice = next(item for at, item in enumerate(ranking) if item in ranking[:at])
    raise InvalidInput(
        f"{name} holds {twice!r} more than once, so it has no one place there.",
        "Keep the best place of each id.",
    )
