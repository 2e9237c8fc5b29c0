"""Checks and cleans texts before a tokenizer or a service sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pgvista.errors import InvalidInput

_UNENCODABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Replace NUL and lone surrogates, which no tokenizer or UTF-8 service takes, by U+FFFD.

    The length stays the same, so that spans in the result are spans in `text`.
    """
    return _UNENCODABLE.sub("\ufffd", text)


def clean_texts(texts: Sequence[str]) -> list[str]:
    """Return each of `texts` cleaned.

    Raises InvalidInput when `texts` is itself one text, or holds something that is not a text.
    """
    if isinstance(texts, str | bytes):
        raise InvalidInput(
            "One text was given where a list of texts is needed.", "Put it in a list."
        )
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidInput(
                f"Item {position} of the texts is not a text but of type {type(text).__name__}.",
                "Fill or leave out empty cells, and turn numbers into text first.",
            )
    return [clean_text(text) for text in texts]
