"""The phrases of the lesson on embeddings: their fields, their vectors, and what is odd about them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pgvista.embed import get_embedder
from pgvista.embed.local import SentenceTransformerEmbedder
from pgvista.embed.tokens import TextTokens, text_tokens
from pgvista.ui.components.phrase_board import (
    LETTERS,
    MAX_CHARS,
    Pane,
    PhraseField,
    phrase_board,
    short_name,
)
from pgvista.ui.errors import plain
from pgvista.ui.learn.data import embed_texts
from pgvista.ui.learn.frame import keep_in_address

PREFIX = "learn_embedding_"
DEFAULTS = ("the cat", "the kitten", "the ham sandwich", "")
CHEESE = "a slice of cheese"
MAX_LINK_CHARS = 1_500

_KEYS = tuple(f"{PREFIX}{letter}" for letter in "abcd")
FIELDS = tuple(
    PhraseField(
        key,
        f"Phrase {letter}",
        default,
        f"A fourth one, such as {CHEESE}" if letter == "D" else "Type a phrase",
    )
    for key, letter, default in zip(_KEYS, LETTERS, DEFAULTS, strict=False)
)
"""Of the four phrases."""
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"[\\`*_\[\]<>$~#|:!]+")


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases that are not empty, in the order of their fields."""

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    """Shape (n, 384), of length 1."""
    left_out: tuple[str, ...]
    """Letters of the fields that are empty, the last one aside."""

    def notes(self) -> tuple[str, ...]:
        """Say what is odd about them, a sentence each, as plain text."""
        embedder = packaged()
        notes = phrase_notes(self.texts, [text_tokens(embedder, text) for text in self.texts])
        if not self.left_out:
            return notes
        return (
            "An empty phrase says nothing to compare, so it is left out "
            f"({', '.join(self.left_out)}); the letters below are those of the others in order.",
            *notes,
        )


def take_linked_phrases() -> None:
    """Take phrases from an address that somebody made on purpose, and keep that one up to date.

    Else phrases stay out of the address: what a person types is theirs.
    """
    if any(key.removeprefix(PREFIX) in st.query_params for key in _KEYS):
        keep_in_address(dict(zip(_KEYS, DEFAULTS, strict=True)))


def phrase_link() -> dict[str, str] | None:
    """Return what an address with the present phrases holds; None when they are too long for one."""
    found = {
        key.removeprefix(PREFIX): text
        for key, text, default in zip(_KEYS, typed_phrases(), DEFAULTS, strict=True)
        if text != default
    }
    return found if sum(map(len, found.values())) <= MAX_LINK_CHARS else None


def lesson_link(what: str, parameters: Mapping[str, str]) -> None:
    """Draw a link that opens this lesson anew with what was typed, for its address to be copied."""
    address = "?" + urlencode(parameters)
    st.markdown(f":material/link: [This lesson with {what}]({address}): open it, copy the address")


def typed_phrases() -> tuple[str, ...]:
    """Return what the four fields hold, drawn or not."""
    return tuple(field.text for field in FIELDS)


def live_field(
    label: str, default: str, *, key: str, placeholder: str = "Type a phrase", labelled: bool = True
) -> str:
    """Draw a field that sends while one types, and is kept for the session; return its text."""
    st.session_state.setdefault(key, default)
    found = st.text_input(
        label,
        key=key,
        live=True,
        persist_state="session",
        placeholder=placeholder,
        label_visibility="visible" if labelled else "collapsed",
    )
    return (found or "")[:MAX_CHARS]


def read_phrases(texts: Sequence[str], *, meanwhile: Callable[[], None]) -> Phrases:
    """Embed the phrases that are not empty.

    While the model loads, that is said instead, beneath what `meanwhile` draws.
    """
    if not packaged().is_loaded:
        meanwhile()
    kept = tuple(text for text in texts if text.strip())
    empty = tuple(LETTERS[i] for i, text in enumerate(texts[:3]) if not text.strip())
    return Phrases(kept, embed_texts(kept), empty)


def board_in(
    place: DeltaGenerator, fields: Sequence[PhraseField], key: str, panes: Sequence[Pane] = ()
) -> None:
    """Draw the board above what was asked before it: its pictures wait for that."""
    with place:
        phrase_board(fields, panes, key=key)


def packaged() -> SentenceTransformerEmbedder:
    """Return the embedder of the packaged model."""
    found = get_embedder()
    if not isinstance(found, SentenceTransformerEmbedder):
        raise AssertionError("the packaged model runs in this process")
    return found


def phrase_notes(texts: Sequence[str], tokens: Sequence[TextTokens]) -> tuple[str, ...]:
    """Say of phrases, called A, B and so on, what the model does not read, or does not tell apart."""
    notes = []
    for letter, text, found in zip(LETTERS, texts, tokens, strict=False):
        if len(text) >= MAX_CHARS:
            notes.append(f"{letter} was cut at {MAX_CHARS:,} characters.")
        if found.is_cut:
            notes.append(
                f"{letter} has {found.total:,} tokens. The model reads {found.limit:,} of them; what "
                "comes after does not count."
            )
        if found.unknown:
            one = found.unknown == 1
            notes.append(
                f"{letter} holds {'a sign that is' if one else f'{found.unknown:,} signs that are'} "
                f"not in the vocabulary of {found.vocabulary:,} pieces: {'it becomes' if one else 'they become'} "
                "[UNK], as every unknown sign does."
            )
        elif _is_spelled_out(text, found):
            notes.append(
                f"{letter} is read in pieces of a letter or two: the vocabulary has few words of "
                "this script, so its vector says little."
            )
    for first, second in _same(tokens):
        equal = texts[first] == texts[second]
        notes.append(
            f"{LETTERS[first]} and {LETTERS[second]} are "
            + ("equal" if equal else "made of the same tokens")
            + ", so they have the same vector and similarity 1"
            + ("." if equal else ", whatever they mean to a reader.")
        )
    return tuple(notes)


def notes_on(text: str, name: str) -> list[str]:
    """Say what is odd about one phrase, which is called `name`."""
    notes = phrase_notes((text,), (text_tokens(packaged(), text),))
    return [f"{name}{note.removeprefix(LETTERS[0])}" for note in notes]


def small_figure(value: float) -> str:
    """Write a difference that is next to nothing: ``0.00000004``."""
    return f"{max(value, 1e-8):.8f}"


def show_notes(notes: Sequence[str]) -> None:
    """Draw the sentences beneath what they explain."""
    for note in notes:
        st.markdown(f":small[:material/info: {plain(note)}]")


def quoted(text: str, chars: int = 48) -> str:
    """Return a phrase in quotes and one line, as Markdown that shows it as it is."""
    return f"“{plain(short_name(text, chars))}”"


def option(place: int, text: str) -> str:
    """Return a phrase as an answer to choose: its letter and its words, without markup."""
    return f"{LETTERS[place]} · {without_markup(short_name(text, 40))}"


def without_markup(text: str) -> str:
    """Return a text in one line without what Markdown takes for markup: for names of choices."""
    return " ".join(_MARKUP.sub(" ", text).split())


def common_words(first: str, second: str) -> str:
    """Say which words two phrases share, ignoring case: ``They share no word.``"""
    shared = list(dict.fromkeys(w for w in _words(first) if w in set(_words(second))))
    if not shared:
        return "They share no word."
    if len(shared) > 4:
        return f"They share {len(shared):,} words."
    words = ", ".join(f"“{plain(word[:30])}”" for word in shared)
    return f"They share {'the word' if len(shared) == 1 else 'the words'} {words}."


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _is_spelled_out(text: str, tokens: TextTokens) -> bool:
    foreign = [c for c in text if c.isalpha() and not unicodedata.name(c, "").startswith("LATIN")]
    pieces = [piece.removeprefix("##") for piece in tokens.pieces if not piece.startswith("[")]
    return len(foreign) >= 3 and bool(pieces) and sum(map(len, pieces)) / len(pieces) <= 2.5


def _same(tokens: Sequence[TextTokens]) -> list[tuple[int, int]]:
    return [
        (first, second)
        for second in range(len(tokens))
        for first in range(second)
        if tokens[first].pieces == tokens[second].pieces
    ]
