"""A text taken apart by Postgres: each token above what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgvista.ui.components._mount import component

_strip = component("lexeme_strip")

MAX_CHARS = 80


@dataclass(frozen=True, slots=True)
class LexemeCard:
    """A token, and what is kept of it."""

    token: str
    kept: str
    """The lexeme with its position: ``display:2``; empty where nothing is kept."""
    why: str
    """Beneath a token that is left out: ``stop word``."""
    kind: str
    """The parser's type: ``asciiword``."""
    dictionary: str
    """The dictionary that knew it: ``english_stem``."""
    help: str = ""


def lexeme_strip(cards: Sequence[LexemeCard], *, key: str) -> None:
    """Draw the tokens in their order, a card for each."""
    _strip(
        key=key,
        data={
            "cards": [
                {
                    "token": card.token[:MAX_CHARS],
                    "kept": card.kept[:MAX_CHARS],
                    "why": card.why,
                    "kind": card.kind,
                    "dictionary": card.dictionary,
                    "help": card.help,
                }
                for card in cards
            ]
        },
    )
