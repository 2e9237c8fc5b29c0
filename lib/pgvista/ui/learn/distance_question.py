"""The vector that a lesson asks with: of a typed question, or of a row where there is no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed import get_embedder
from pgvista.errors import NotFound
from pgvista.model.collection import Collection
from pgvista.services import rows as row_service
from pgvista.services.lesson_smaller import draw_row
from pgvista.ui.errors import plain
from pgvista.ui.learn.keyword_question import GOES_ON, question, short
from pgvista.ui.map_titles import title_of
from pgvista.ui.search_waiting import show_waiting
from pgvista.ui.state import settings

_VECTORS = "_learn_question_vectors"
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the collection."""

    name: str
    """The question in quotes, or the row's title."""
    vector: NDArray[np.float32]
    """Shape (dimension,)."""
    text: str | None
    """The question; None where a row's own vector is asked with."""


def asked(db: Database, collection: Collection, *, key: str) -> Asked | None:
    """Draw the field of a question, or a button that draws another row; return the vector.

    None while the question is empty or the model is loading, which is then said. Raises
    InvalidInput when there is no row with a vector.
    """
    if collection.model is None or collection.roles.content is None:
        return _row(db, collection, key)
    text = question(db, collection, {}, key=key, label="Your question")
    if text is None:
        return None
    embedder = get_embedder(collection.model, settings())
    if not embedder.is_loaded:
        show_waiting(embedder, meanwhile=False, rest=GOES_ON)
        return None
    kept: dict[tuple[str, str], NDArray[np.float32]] = st.session_state.setdefault(_VECTORS, {})
    place = (collection.model, text)
    if place not in kept:
        if len(kept) >= _KEPT:
            kept.clear()
        kept[place] = embedder.embed_query(text)
    return Asked(f"“{short(text)}”", kept[place], text)


def _row(db: Database, collection: Collection, key: str) -> Asked:
    state: Any = st.session_state
    place = f"{key}.{collection.name}.row"

    def again() -> None:
        state[place] = state.get(place, 0) + 1

    row_id = draw_row(db, collection, state.get(place, 0))
    found = row_service.get(db, collection, [row_id])
    if not found or found[0].embedding is None:
        raise NotFound(f"The row {row_id!r} went away.", "Reload the page.")
    name = short(title_of(found[0]))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Asked with the vector of the row **{plain(name)}**", width="content")
        st.button("Another row", key=f"{key}_row", icon=":material/casino:", on_click=again)
    return Asked(name, found[0].embedding, None)
