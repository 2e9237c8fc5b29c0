"""The head of the search page: the question, the filter, the mode, and how to begin."""

from __future__ import annotations

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
from pgvista.ui.search_parts import draw_page

LABELS = {
    Mode.SEMANTIC.value: "Semantic",
    Mode.KEYWORD.value: "Keyword",
    Mode.HYBRID.value: "Hybrid",
    search_request.SIDES: "Side by side",
}

_ROW_ID = "search_row_id"
_STARTS = 8
"""Rows offered to begin with, where no question can be asked."""


def columns(*, wide: bool = False) -> list[st.delta_generator.DeltaGenerator]:
    """Return the places of hits and knobs; question and filter stand above them."""
    return list(st.columns((0.76, 0.24) if wide else (0.69, 0.31), gap="medium"))


def question(context: Context) -> st.delta_generator.DeltaGenerator:
    """Draw the question's line and the line of state; return the place of what was found."""
    collection = context.collection
    with st.container(horizontal=True, gap="small", key="search_line"):
        st.text_input(
            "Question",
            key=search_request.TEXT,
            placeholder=f"Search {collection.name} by meaning, by words, or by both",
            label_visibility="collapsed",
            persist_state="session",
            live="400ms",
            on_change=_back_to_question,
        )
        search_knobs.filter_knob(context)
    search_knobs.filter_row()
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="search_state"
    ):
        st.segmented_control(
            "Mode",
            list(LABELS),
            format_func=lambda item: LABELS[item],
            key="search_mode",
            required=True,
            default=None
            if "search_mode" in st.session_state
            else search_request.default_choice("search_mode"),
            label_visibility="collapsed",
            persist_state="session",
            on_change=_back_to_question,
        )
        model = collection.model or "own vectors"
        parts = (collection.name, context.rows, model, collection.metric.label)
        st.markdown(f":gray[{' · '.join(map(plain, parts))}]", width="content")
        return st.container(width="stretch", key="search_status")


def _back_to_question() -> None:
    st.session_state[search_request.SIMILAR] = None


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
                    on_click=_ask,
                    args=(example,),
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
            on_change=lambda: _ask_row(collection, st.session_state[_ROW_ID].strip() or None),
        )
        with guarded(), st.container(horizontal=True):
            for row in row_service.page(db, collection, PageRequest(limit=_STARTS)).rows:
                st.button(
                    plain(row.id),
                    key=f"search_start_{row.id}",
                    on_click=_ask_row,
                    args=(collection, row.id),
                )


def _ask(text: str) -> None:
    st.session_state[search_request.TEXT] = text
    draw_page()


def _ask_row(collection: Collection, row_id: str | None) -> None:
    search_request.ask_similar(collection, row_id)
    draw_page()
