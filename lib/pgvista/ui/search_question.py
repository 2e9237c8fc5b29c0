"""The head of the search page: the question, the filter, the mode, and what can be asked here."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.search import Mode
from pgvista.services import rows as row_service
from pgvista.sql.rows import PageRequest
from pgvista.ui import search_knobs, search_request
from pgvista.ui.components.panels import empty_state
from pgvista.ui.errors import guarded, plain
from pgvista.ui.search_knobs import Context

LABELS = {
    Mode.SEMANTIC.value: "Semantic",
    Mode.KEYWORD.value: "Keyword",
    Mode.HYBRID.value: "Hybrid",
    search_request.SIDES: "Side by side",
}

_ROW_ID = "search_row_id"
_STARTS = 8
"""Rows offered to begin with, where no question can be asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a question in a mode, or the neighbours of a row."""

    mode: Mode
    text: str
    similar: str | None
    sides: bool
    note: str = ""
    """Why another mode than the chosen one is used; Markdown."""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to look for yet."""
        return self.similar is None and not self.text.strip()


def columns(*, wide: bool = False) -> list[st.delta_generator.DeltaGenerator]:
    """Return the places of hits and knobs; question and filter stand above them."""
    return list(st.columns((0.76, 0.24) if wide else (0.69, 0.31), gap="medium"))


def question(context: Context) -> tuple[Asked, st.delta_generator.DeltaGenerator]:
    """Draw the question's line and the line of state; return what is asked, and the status' place."""
    collection = context.collection
    left, right = columns()
    with left:
        text = st.text_input(
            "Question",
            key=search_request.TEXT,
            placeholder=f"Search {collection.name} by meaning, by words, or by both",
            label_visibility="collapsed",
            persist_state="session",
            live="400ms",
            on_change=_back_to_question,
        )
    with right:
        search_knobs.filter_knob(context)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="search_state"
    ):
        chosen = st.segmented_control(
            "Mode",
            list(LABELS),
            format_func=lambda item: LABELS[item],
            key="search_mode",
            required=True,
            default=None if "search_mode" in st.session_state else Mode.HYBRID.value,
            label_visibility="collapsed",
            persist_state="session",
            on_change=_back_to_question,
        )
        model = collection.model or "own vectors"
        parts = (collection.name, context.rows, model, collection.metric.label)
        st.markdown(f":gray[{' · '.join(map(plain, parts))}]", width="content")
        with st.container(width="stretch", key="search_status"):
            status = st.empty()
    return _asked(context, chosen or Mode.HYBRID.value, text or ""), status


def _back_to_question() -> None:
    st.session_state[search_request.SIMILAR] = None


def _asked(context: Context, chosen: str, text: str) -> Asked:
    collection = context.collection
    similar = search_request.similar_to(collection)
    if similar is not None:
        return Asked(Mode.SEMANTIC, text, similar, sides=False)
    sides = chosen == search_request.SIDES
    mode = Mode.HYBRID if sides else Mode(chosen)
    if mode is not Mode.KEYWORD and collection.model is None:
        note = (
            f"**{plain(collection.name)} is searched by words:** its vectors come from elsewhere, "
            "so a question cannot be turned into one. From a hit, *similar* finds its neighbours."
        )
        return Asked(Mode.KEYWORD, text, None, False, note)
    if mode is not Mode.SEMANTIC and not context.has_words:
        note = (
            f"**{plain(collection.name)} is searched by meaning:** it has no text to find words in."
        )
        return Asked(Mode.SEMANTIC, text, None, False, note)
    return Asked(mode, text, None, sides)


def start(db: Database, context: Context, examples: tuple[str, ...]) -> None:
    """Say how to begin: by a question, by an example, or by a row where nothing can be asked."""
    collection = context.collection
    if context.is_empty:
        empty_state(
            "No rows yet",
            f"{collection.name} is empty. Load a file or paste rows on the page Load, then ask.",
            key="search_no_rows",
            icon=":material/inbox:",
        )
        return
    if collection.model is None and not context.has_words:
        start_from_row(db, collection)
        return
    empty_state(
        "Ask something",
        "Type a question above. Meaning finds other words for the same thing; words find codes and "
        "names."
        if collection.model
        else "Type words above, or take a row's own vector to find what lies near it.",
        key="search_empty",
    )
    if examples:
        with st.container(horizontal=True, horizontal_alignment="center", key="search_examples"):
            for example in examples:
                st.button(
                    example,
                    key=f"search_example_{example}",
                    on_click=lambda text=example: st.session_state.update(
                        {search_request.TEXT: text}
                    ),
                )
    elif collection.model is None:
        start_from_row(db, collection)


def start_from_row(db: Database, collection: Collection) -> None:
    """Offer rows whose neighbours can be looked at, for vectors without a model."""
    with st.container(border=True, key="search_start_row"):
        st.markdown("**Begin with a row** and find its nearest neighbours, by its own vector.")
        st.text_input(
            "Its id",
            key=_ROW_ID,
            placeholder="Id of a row",
            on_change=lambda: search_request.ask_similar(
                collection, st.session_state[_ROW_ID].strip() or None
            ),
        )
        with guarded(), st.container(horizontal=True):
            for row in row_service.page(db, collection, PageRequest(limit=_STARTS)).rows:
                st.button(
                    plain(row.id),
                    key=f"search_start_{row.id}",
                    on_click=search_request.ask_similar,
                    args=(collection, row.id),
                )
