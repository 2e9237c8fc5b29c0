"""Cuts long texts into chunks that a model reads whole.

Everything is counted in tokens: the caller hands over the character spans of a text's tokens, from
the model's own tokenizer or, without one, from `approximate_spans`. The work grows linearly with
the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pgvista.errors import InvalidInput

Span = tuple[int, int]
"""Characters from the first, counted from 0, up to and without the second."""

_SEARCHED_SHARE = 5
"""A good place to end is looked for in the last fifth of a window."""

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n|\u2029")
_FULL_STOPS = "\u3002\uff01\uff1f"
"""The marks that end a sentence in scripts without spaces."""
_SENTENCE_END = re.compile(rf"[.!?\u2026{_FULL_STOPS}]['\")\]\u00bb\u203a\u201d\u2019]*$")
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff"
_WORD_OR_MARK = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]{{1,8}}|[^\w\s]")


@dataclass(frozen=True)
class Chunk:
    """A part of a text: ``text == whole[start:end]``."""

    text: str
    start: int
    """Its first character in the whole text, counted from 0."""
    end: int
    """The character after its last."""
    n_tokens: int


def chunk_text(
    text: str, token_spans: Sequence[Span], *, max_tokens: int, overlap: int
) -> list[Chunk]:
    """Cut `text` into chunks of at most `max_tokens` tokens.

    A chunk ends at a paragraph if there is one within the last fifth of its window, else at a
    sentence or line, else between two words. The next one repeats at most `overlap` tokens, from
    the start of a word on. Each token is in some chunk; white space at the cuts is dropped. A text
    of no more than `max_tokens` tokens is one chunk, unchanged.

    `token_spans` are in order. Raises InvalidInput when `max_tokens` is less than 1, or `overlap`
    is negative or more than half of it.
    """
    _check(max_tokens, overlap)
    if len(token_spans) <= max_tokens:
        return [Chunk(text, 0, len(text), len(token_spans))]

    def rank(cut: int) -> int:
        return _rank(text, token_spans, cut)

    chunks = []
    for first, last in _windows(token_spans, max_tokens, overlap, rank):
        start, end = _extent(token_spans, first, last)
        chunks.append(Chunk(text[start:end], start, end, last - first))
    return chunks


def chunk_spans(spans: Sequence[Span], max_tokens: int, overlap: int) -> list[Span]:
    """Character spans of windows of `max_tokens` tokens that overlap by `overlap`.

    As `chunk_text`, but without looking at the text: each window but the last is full. No tokens,
    no windows. Raises InvalidInput as `chunk_text` does.
    """
    _check(max_tokens, overlap)
    windows = _windows(spans, max_tokens, overlap, lambda cut: 0)
    return [_extent(spans, first, last) for first, last in windows]


def approximate_spans(text: str) -> list[Span]:
    """Spans of words, in pieces of up to 8 letters, and of punctuation marks, one by one.

    For models whose tokenizer is not at hand. The count tends to lie above that of common
    tokenizers for English prose; scripts without spaces count a token for each character.
    """
    return [match.span() for match in _WORD_OR_MARK.finditer(text)]


def _check(max_tokens: int, overlap: int) -> None:
    if max_tokens < 1:
        raise InvalidInput(
            f"A chunk cannot have {max_tokens} tokens.", "Choose 1 or more; 256 is usual."
        )
    if not 0 <= overlap <= max_tokens // 2:
        raise InvalidInput(
            f"Chunks of {max_tokens} tokens cannot overlap by {overlap}.",
            f"Choose an overlap from 0 to {max_tokens // 2}, half of a chunk.",
        )


def _windows(
    spans: Sequence[Span], max_tokens: int, overlap: int, rank: Callable[[int], int]
) -> Iterator[tuple[int, int]]:
    """Yield (first, last) token positions, `last` excluded.

    `rank(cut)` says how good it is to end before the token `cut`; the best place wins, the
    latest of equals.
    """
    first = 0
    while first < len(spans):
        full = first + max_tokens
        if full >= len(spans):
            yield first, len(spans)
            return
        # After the earliest place allowed, the next window still starts further on.
        earliest = max(full - max_tokens // _SEARCHED_SHARE, first + overlap + 1)
        cut = max(range(full, earliest - 1, -1), key=rank)
        yield first, cut
        first = _overlapping_start(rank, cut, overlap)


def _overlapping_start(rank: Callable[[int], int], cut: int, overlap: int) -> int:
    """The first start of a word among the last `overlap` tokens before `cut`."""
    earliest = cut - overlap
    for place in range(earliest, cut):
        if rank(place) >= _WORD:
            return place
    return earliest


_INSIDE_CHARACTER, _INSIDE_WORD, _WORD, _SENTENCE, _NEW_PARAGRAPH = range(5)


def _rank(text: str, spans: Sequence[Span], cut: int) -> int:
    before, after = spans[cut - 1][1], spans[cut][0]
    if after < before:
        # Tokenizers over bytes spread one character over several tokens of the same span.
        return _INSIDE_CHARACTER
    gap = text[before:after]
    ends_sentence = _SENTENCE_END.search(text, max(0, before - 4), before) is not None
    if not gap:
        last = text[before - 1 : before]
        return _SENTENCE if last in _FULL_STOPS and ends_sentence else _INSIDE_WORD
    if _PARAGRAPH.search(gap):
        return _NEW_PARAGRAPH
    return _SENTENCE if ends_sentence or "\n" in gap else _WORD


def _extent(spans: Sequence[Span], first: int, last: int) -> Span:
    return spans[first][0], max(end for _, end in spans[first:last])
