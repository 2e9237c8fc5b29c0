"""The question that a lesson asks of the collection: typed, and at first one that fits its rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.search import MAX_QUERY_BYTES, Hit, KeywordMatch, Mode, SearchRequest
from pgvista.services import rows as row_service
from pgvista.sql.rows import PageRequest
from pgvista.ui.components.hits import headline
from pgvista.ui.learn.frame import presenting
from pgvista.ui.search_context import examples
from pgvista.ui.search_request import Knob

GOES_ON = "The lesson goes on by itself."
"""What is said while a model is loading."""
_WORDS = 6
_STARTS = "_learn_question_starts"


def question(
    db: Database, collection: Collection, starts: Mapping[str, str], *, key: str, label: str
) -> str | None:
    """Draw the field of a question and return it; None while it is empty, which is then said.

    Args:
        db: Where the collection is.
        collection: What is asked.
        starts: What to begin with, by the name of a sample's table. Other collections begin with
            an example of their sample, or with the first words of a row.
        key: Where the question is kept; it begins anew with each collection.
        label: Of the field.
    """
    key = f"{key}.{collection.name}"
    if key not in st.session_state:
        st.session_state[key] = starts.get(collection.table) or _start(db, collection)
    text = st.text_input(
        label,
        key=key,
        persist_state="session",
        live="400ms",
        label_visibility="collapsed" if presenting() else "visible",
    )
    if not text.strip():
        st.info("**The question is empty.** Type a few words.", icon=":material/keyboard:")
        return None
    if len(text.encode(errors="replace")) > MAX_QUERY_BYTES:
        st.info(
            f"**The question is longer than {MAX_QUERY_BYTES:,} bytes.** Take a passage of it.",
            icon=":material/keyboard:",
        )
        return None
    return text


def knob_value(knob: Knob, key: str) -> float:
    """Return the value that the session keeps for a knob, within its range."""
    found = st.session_state.get(key, knob.default)
    number = (
        float(found) if isinstance(found, int | float) and math.isfinite(found) else knob.default
    )
    return min(max(number, knob.minimum), knob.maximum)


def any_word(text: str) -> SearchRequest:
    """Return the keyword search that the lesson begins with."""
    return SearchRequest(mode=Mode.KEYWORD, text=text, keyword_match=KeywordMatch.ANY_WORD)


def begin_anew(key: str, text: str, offered: Iterable[str]) -> None:
    """Let a choice begin with the first of `offered` where it is none of them, or `text` is new."""
    state, asked = st.session_state, f"_{key}_of"
    names = list(offered)
    if state.get(key) not in names or state.get(asked) != text:
        state[key] = names[0]
    state[asked] = text


def short(text: str, most: int = 60) -> str:
    """Return a question as it is spoken of: on one line, cut after `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def fingerprint(*parts: str) -> str:
    """Return a short name for what is asked: another question is another prediction."""
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:10]


def title(hit: Hit) -> str:
    """Return what a row is called in a list."""
    return "".join(span.text for span in headline(hit)[0])


def _start(db: Database, collection: Collection) -> str:
    """Return an example of the sample, else the first words of the first row that has a text."""
    if known := examples(collection):
        return known[0]
    starts: dict[str, str] = st.session_state.setdefault(_STARTS, {})
    if collection.name not in starts:
        page = row_service.page(db, collection, PageRequest(limit=20))
        texts = [row.content for row in page.rows if row.content and row.content.strip()]
        starts[collection.name] = " ".join((texts[0] if texts else "").split()[:_WORDS])
    return starts[collection.name]
