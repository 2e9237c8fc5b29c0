"""The page By example: words or rows to begin with, the rows chosen, and the hits beside the knobs."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.search import Hit, Mode, SearchRequest, SearchResult
from pgvista.services import rows as row_service
from pgvista.services import search as search_service
from pgvista.services.by_example import by_example
from pgvista.services.rows import StoredRow
from pgvista.sql.rows import PageRequest
from pgvista.ui import example_state as state
from pgvista.ui.components.hits import headline, hit_list
from pgvista.ui.components.panels import empty_state
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.example_knobs import example_knobs, explained
from pgvista.ui.filter_builder import filter_button, filter_chips
from pgvista.ui.filter_place import Bar
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_question import columns

LIKE, UNLIKE = "+ like", "− unlike"
_STARTS = 8
_CHIP_CHARS = 34


@st.fragment
def example_view(db: Database, context: Context, embedder: ModelEmbedder | None) -> None:
    """Draw the page; a moved knob or another example repaints this part alone."""
    collection = context.collection
    left, right = columns()
    with left, st.container(horizontal=True, gap="small", key="example_line"):
        st.text_input(
            "Words or an id",
            key=state.TEXT,
            placeholder="Words or a row's id to begin with",
            label_visibility="collapsed",
            persist_state="session",
            live="400ms",
            disabled=context.is_empty,
        )
        filter_button(db, collection, Bar(state.FILTER))
    status = right.empty()
    filter_chips(Bar(state.FILTER))
    with guarded(stop=False):
        _examples(db, collection)
    left, right = columns()
    result: SearchResult | None = None
    with left:
        try:
            result = None if context.is_empty else _find(db, context, embedder)
        except PgvistaError as error:
            show_error(error)
        else:
            _offer_row(db, collection)
            if result is None:
                _start(db, context)
            else:
                _hits(collection, result)
    if result is not None:
        count = f"{len(result.hits)} hits" if len(result.hits) != 1 else "1 hit"
        told = (count, context.rows, f"{result.timings_ms['total']:.0f} ms")
    else:
        told = (collection.name, context.rows, collection.metric.label)
    status.markdown(f":gray[{' · '.join(map(plain, told))}]", text_alignment="right")
    with right:
        example_knobs(context)
        if result is not None:
            explained(collection, result)


# -- what is asked


def _find(db: Database, context: Context, embedder: ModelEmbedder | None) -> SearchResult | None:
    collection = context.collection
    now = state.chosen(collection)
    if now.like or (state.text() and collection.model is not None):
        with_text = collection.model is not None
        request = state.request(collection, with_text=with_text)
        loading = with_text and request.text and embedder is not None and not embedder.is_loaded
        if loading:
            with st.spinner("The model is being loaded"):
                return by_example(db, collection, request, embedder=embedder)
        return by_example(db, collection, request, embedder=embedder)
    if state.text() and context.has_words:
        asked = SearchRequest(
            mode=Mode.KEYWORD,
            text=state.text(),
            limit=int(state.value(state.LIMIT)),
            filters=state.filters(),
        )
        return search_service.search(db, collection, asked)
    return None


def _hits(collection: Collection, result: SearchResult) -> None:
    by_words = bool(result.hits) and result.hits[0].distance is None
    moved = None
    if state.value(state.VARIETY) or st.session_state.get(state.GROUP):
        moved = {
            hit.id: hit.semantic_rank - place
            for place, hit in enumerate(result.hits, 1)
            if hit.semantic_rank is not None
        }
    hit_list(
        result,
        key="example_hits",
        mode=Mode.KEYWORD if by_words else Mode.SEMANTIC,
        actions=(LIKE, UNLIKE),
        moved=None if by_words else moved,
        on_action=lambda pressed: state.choose(collection, pressed.id, like=pressed.kind == LIKE),
    )


# -- the examples


def _examples(db: Database, collection: Collection) -> None:
    """Draw the rows chosen, each with a way to take it back."""
    now = state.chosen(collection)
    if not now:
        return
    known = {row.id: row for row in row_service.get(db, collection, (*now.like, *now.unlike))}
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="example_chosen_rows"
    ):
        for label, ids, icon in (
            ("Like", now.like, ":material/add:"),
            ("Unlike", now.unlike, ":material/remove:"),
        ):
            if not ids:
                continue
            st.markdown(f":gray[{label}]", width="content")
            for row_id in ids:
                row = known.get(row_id)
                st.button(
                    f"{plain(_title(row))} ×" if row else f"~~{plain(row_id)}~~ ×",
                    key=f"example_chip_{label}_{row_id}",
                    icon=icon,
                    help=f"Take {plain(row_id)} away" if row else "This row is not there any more",
                    on_click=state.take_away,
                    args=(collection, row_id),
                )
        st.button(
            "Clear",
            key="example_clear",
            type="tertiary",
            icon=":material/close:",
            on_click=state.clear,
            args=(collection,),
        )
    if now.unlike and not now.like and not state.text():
        st.info("Choose a row to be like, too, or type words.", icon=":material/add:")


def _offer_row(db: Database, collection: Collection) -> None:
    """Where the words are a row's id, offer that row."""
    words = state.text()
    now = state.chosen(collection)
    if not words or len(words) > 200 or words in (*now.like, *now.unlike):
        return
    try:
        found = row_service.get(db, collection, [words])
    except PgvistaError:  # words that no id of this type can be
        return
    for row in found[:1]:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{plain(_title(row))}** :gray[{plain(row.id)}]")
            _choice_button(collection, row, like=True)
            _choice_button(collection, row, like=False)


def _choice_button(collection: Collection, row: StoredRow, *, like: bool) -> None:
    st.button(
        "like" if like else "unlike",
        key=f"example_offer_{like}_{row.id}",
        icon=":material/add:" if like else ":material/remove:",
        on_click=_take_offer,
        args=(collection, row.id, like),
    )


def _take_offer(collection: Collection, row_id: str, like: bool) -> None:
    state.choose(collection, row_id, like=like)
    st.session_state[state.TEXT] = ""


def _start(db: Database, context: Context) -> None:
    """Say how to begin, and offer some rows."""
    collection = context.collection
    if context.is_empty:
        empty_state(
            "No rows yet",
            f"{collection.name} is empty. Load a file or paste rows on the page Load.",
            key="example_no_rows",
            icon=":material/inbox:",
        )
        return
    empty_state(
        "Begin with a row, or with words",
        "Choose rows to be like and unlike; the hits follow. From each hit, + and − go on."
        if collection.model or context.has_words
        else "Type a row's id, or take one of these; from each hit, + and − go on.",
        key="example_empty",
        icon=":material/thumbs_up_down:",
    )
    with (
        guarded(),
        st.container(horizontal=True, horizontal_alignment="center", key="example_starts"),
    ):
        first = PageRequest(limit=_STARTS, filters=state.filters())
        for row in row_service.page(db, collection, first).rows:
            st.button(
                plain(_title(row)),
                key=f"example_start_{row.id}",
                icon=":material/add:",
                on_click=state.choose,
                args=(collection, row.id),
                kwargs={"like": True},
            )


def _title(row: StoredRow) -> str:
    hit = Hit(row.id, row.content, row.metadata, row.columns, 0.0)
    title = " ".join("".join(span.text for span in headline(hit)[0]).split())
    return title if len(title) <= _CHIP_CHARS else title[: _CHIP_CHARS - 1].rstrip() + "…"
