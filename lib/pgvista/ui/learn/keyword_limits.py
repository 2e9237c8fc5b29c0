"""Keyword search, limits: what words cannot find, and what only they find."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import Embedder
from pgvista.model.collection import Collection
from pgvista.model.search import Hit, Mode, SearchRequest
from pgvista.services.search import search
from pgvista.ui.errors import plain
from pgvista.ui.format import plural
from pgvista.ui.learn.frame import keep_in_address, presenting, try_it
from pgvista.ui.learn.keyword_bm25 import KNOBS, PARTS_KEY, bm25_request
from pgvista.ui.learn.keyword_question import GOES_ON, any_word, question, short, title
from pgvista.ui.search_context import embedder
from pgvista.ui.search_link import link_parameters
from pgvista.ui.search_waiting import show_waiting

SYNONYMS = {"help_centre": "movie", "python_reference": "haphazard"}
CODES = {"help_centre": "E2041", "python_reference": "numpy.linalg.norm"}
"""What the fields begin with, by the name of a sample's table."""
_DEEP = 200


def limits(db: Database, collection: Collection) -> None:
    """Draw what a synonym and a code find by words and by meaning; then what to remember."""
    keep_in_address(KNOBS)
    model = embedder(collection)
    if model is not None and not model.is_loaded:
        show_waiting(model, meanwhile=False, rest=GOES_ON)
        return
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        _heading("A synonym")
        word = question(db, collection, SYNONYMS, key="learn_keyword_synonym", label="A synonym")
        if word is not None:
            _both_ways(db, collection, model, word, _SYNONYM_SAYS)
    with right, st.container(border=True, height="stretch"):
        _heading("A code, or a name")
        code = question(db, collection, CODES, key="learn_keyword_code", label="A code, or a name")
        if code is not None:
            _both_ways(db, collection, model, code, _CODE_SAYS)
    st.markdown(
        "- Words are compared as **lexemes**: stop words go, endings go, codes stay.\n"
        "- Let **any word** match, and leave the order to the ranking: **BM25** knows which words "
        "are rare.\n"
        "- Words find what is **named**, vectors what is **meant**: hybrid search asks for both."
    )
    asked = st.session_state.get(f"{PARTS_KEY}.{collection.name}") or code or word
    if asked and asked.strip():
        try_it(
            f"Search {plain(collection.name)} by keyword with this k1 and b",
            "search",
            **link_parameters(collection, bm25_request(asked), asked),
        )


def _heading(label: str) -> None:
    """Say what is asked for where the field's own label is left out."""
    if presenting():
        st.markdown(f"**{label}**")


_SYNONYM_SAYS = "No row holds the word, but its meaning leads to rows."
_CODE_SAYS = "The word alone leads to the row; its meaning is unknown to the model."


def _both_ways(
    db: Database, collection: Collection, model: Embedder | None, text: str, says: str
) -> None:
    """Say what a text finds by words and by meaning."""
    by_words = search(db, collection, replace(any_word(text), limit=_DEEP, highlight=False))
    by_meaning = search(
        db,
        collection,
        SearchRequest(mode=Mode.SEMANTIC, text=text, limit=_DEEP, highlight=False),
        embedder=model,
    )
    count = by_words.keyword_rows or 0
    many = f"{count:,} or more rows" if count == _DEEP else plural(count, "row")
    first_word = _first(by_words.hits, by_meaning.hits, ", first: " if count > 1 else ": ")
    st.markdown(f":orange[**By words**] &nbsp; {many}{first_word}")
    st.markdown(":blue[**By meaning**] &nbsp; first: " + _name(by_meaning.hits[:1]))
    places = {hit.id: place for place, hit in enumerate(by_meaning.hits, 1)}
    first = by_words.hits[0].id if by_words.hits else None
    if (first is None) == (says is _SYNONYM_SAYS) and (first is None or places.get(first) != 1):
        st.markdown(f":gray[{says}]")


def _first(hits: tuple[Hit, ...], by_meaning: tuple[Hit, ...], joint: str) -> str:
    if not hits:
        return ""
    places = {hit.id: place for place, hit in enumerate(by_meaning, 1)}
    place = places.get(hits[0].id)
    where = f"place {place}" if place is not None else f"behind place {len(by_meaning)}"
    return f"{joint}{_name(hits[:1])} :gray[({where} by meaning)]"


def _name(hits: tuple[Hit, ...]) -> str:
    return f"*{plain(short(title(hits[0]), 70))}*" if hits else "nothing"
