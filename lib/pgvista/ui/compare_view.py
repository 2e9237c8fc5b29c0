"""The page Compare: one question, two or three settings, and how alike their hits are."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.search import Mode
from pgvista.services import rows as row_service
from pgvista.sql.rows import PageRequest
from pgvista.ui import compare_state as state
from pgvista.ui.compare_ask import Column, Comparison, compare
from pgvista.ui.compare_settings import setting_popover
from pgvista.ui.components.compare_lists import (
    HitColumn,
    compare_lists,
    compare_measures,
)
from pgvista.ui.components.panels import empty_state, milliseconds
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.filter_builder import filter_button, filter_chips
from pgvista.ui.filter_place import Bar
from pgvista.ui.format import plural
from pgvista.ui.search_ask import Search
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_waiting import show_waiting

LIMITS = (5, 10, 20, 30, 50, 100)
_ROW_ID = "compare_row_id"
_STARTS = 8
"""Rows offered to begin with, where no question can be asked."""
_SCORES = {
    Mode.SEMANTIC: "similarity",
    Mode.KEYWORD: "rank score",
    Mode.HYBRID: "fused score",
}
_STACKED = (
    "<style>@media (max-width: 640px) "
    "{.st-key-compare_settings .stHorizontalBlock {row-gap: 0.5rem;}}</style>"
)
"""Wide gaps are for the lines between lists beside each other; stacked settings need none."""


@st.fragment
def compare_view(
    db: Database, context: Context, embedder: ModelEmbedder | None, examples: tuple[str, ...]
) -> None:
    """Draw question, settings, measures and lists; a moved knob repaints this part alone."""
    state.begin(context)
    with st.container():  # where a server that must be started again says so
        found = compare(Search(db, context.collection, embedder), context)
    _question(db, context)
    status = _bar(context)
    if found.similar is not None:
        _near(context, found.similar)
    if found.pairs:
        with st.container(border=True, key="compare_card_measures"):
            compare_measures(found.pairs, k=found.limit, key="compare_measures")
    if found.waits and embedder is not None:
        answered = any(column.result is not None for column in found.columns)
        show_waiting(embedder, meanwhile=answered)
    st.html(_STACKED)
    with st.container(key="compare_settings"):
        places = st.columns(len(state.letters()), gap="large")
    for place, letter in zip(places, state.letters(), strict=True):
        with place:
            setting_popover(letter, context)
    with st.container(key="compare_below"):
        if found.error is not None:
            show_error(found.error)
        elif not found.asked:
            _start(db, context, examples)
        else:
            status.markdown(_status(found), text_alignment="right")
            _lists(context, found)


def _question(db: Database, context: Context) -> None:
    with st.container(horizontal=True, gap="small", key="compare_line"):
        st.text_input(
            "Question",
            key=state.TEXT,
            placeholder=f"One question for {context.collection.name}, answered by each setting",
            label_visibility="collapsed",
            persist_state="session",
            live="400ms",
            on_change=state.ask_similar,
            args=(context.collection, None),
        )
        filter_button(db, context.collection, Bar(state.FILTER))
    filter_chips(Bar(state.FILTER))


def _bar(context: Context) -> st.delta_generator.DeltaGenerator:
    """Draw presets, the number of settings and of hits; return the place of what was found."""
    offered = state.offered(context)
    st.session_state["compare_preset"] = state.chosen_preset(context)
    if state.limit() != st.session_state.get(state.LIMIT.key):
        st.session_state[state.LIMIT.key] = state.limit()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare_bar"):
        st.segmented_control(
            "Preset",
            list(offered),
            format_func=lambda name: offered[name].label,
            key="compare_preset",
            label_visibility="collapsed",
            on_change=_use_preset,
            args=(context,),
        )
        st.segmented_control(
            "Settings",
            [2, 3],
            key=state.COUNT,
            required=True,
            format_func=lambda count: f"{count} settings" if count == 2 else str(count),
            label_visibility="collapsed",
            persist_state="session",
        )
        st.selectbox(
            "Hits",
            sorted({*LIMITS, state.limit()}),
            key=state.LIMIT.key,
            format_func=lambda count: plural(count, "hit"),
            label_visibility="collapsed",
            persist_state="session",
            width=110,
        )
        with st.container(width="stretch", key="compare_status"):
            status = st.empty()
        shared = st.popover(
            ":material/link:",
            type="tertiary",
            key="compare_share",
            help="A link to this comparison",
            on_change="rerun",
        )
        if shared.open:
            with shared:
                _share(context)
    return status


def _use_preset(context: Context) -> None:
    chosen = st.session_state["compare_preset"]
    if chosen is not None:
        state.use(state.offered(context)[chosen])


def _share(context: Context) -> None:
    with_text = st.checkbox(
        "with the question",
        key="compare_share_text",
        persist_state="session",
        help="The address then holds the question, or the row whose neighbours are shown.",
    )
    here = (st.context.url or "").split("?")[0]
    st.code(
        here + state.permalink(context.collection, with_text=with_text),
        language=None,
        wrap_lines=True,
    )


def _near(context: Context, row_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="compare_like"):
        st.markdown(f"Nearest to **{plain(row_id)}**, by its own vector", width="content")
        st.button(
            "Back",
            key="compare_similar_close",
            type="tertiary",
            icon=":material/arrow_back:",
            on_click=state.ask_similar,
            args=(context.collection, None),
        )


def _status(found: Comparison) -> str:
    rows = len({row for column in found.columns for row in column.ids})
    answered = [column.result for column in found.columns if column.result is not None]
    total = sum(result.timings_ms["total"] for result in answered)
    return f":gray[{plural(rows, 'different row')} · {milliseconds(total)}]" if answered else ""


def _lists(context: Context, found: Comparison) -> None:
    action = compare_lists(
        [_column(column, found.limit) for column in found.columns], key="compare_lists"
    )
    if action is None:
        return
    state.ask_similar(context.collection, action.id)
    if not any(item.mode is Mode.SEMANTIC for item in state.settings()):
        state.use(state.PRESETS["index"])
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # the whole page is being run
        st.rerun()


def _column(column: Column, limit: int) -> HitColumn:
    letter, name, result = column.letter, column.setting.mode.value, column.result
    if column.reason:
        return HitColumn(
            letter, name, "", empty_title="Not possible here", empty_text=column.reason
        )
    if column.waits:
        return HitColumn(
            letter,
            name,
            "",
            empty_title="Waiting for the model",
            empty_text="It turns the question into a vector, and is loaded once.",
        )
    if column.error is not None:
        text = " ".join(filter(None, (column.error.message, column.error.hint)))
        return HitColumn(letter, name, "", empty_title="No answer", empty_text=text)
    if result is None:
        return HitColumn(letter, name, "")
    count = len(result.hits)
    parts = [f"{count} of {limit} hits" if count < limit else plural(count, "hit")]
    parts.append(milliseconds(result.timings_ms["total"]))
    if result.plan is not None:
        parts.append("index used" if result.plan.vector_index else "index not used")
    why = " ".join(result.notes) or "Try other words, or loosen the filter."
    return HitColumn(
        letter,
        name,
        " · ".join(parts),
        answered=True,
        hits=result.hits,
        score_name=_SCORES[column.setting.mode],
        notes=result.notes,
        empty_text=why,
    )


# -- how to begin


def _start(db: Database, context: Context, examples: tuple[str, ...]) -> None:
    """Say how to begin: by a question, by an example, or by a row where nothing can be asked."""
    collection = context.collection
    if context.is_empty:
        empty_state(
            "No rows yet",
            f"{collection.name} is empty. Load a file or paste rows on the page Load, then ask.",
            key="compare_no_rows",
            icon=":material/inbox:",
        )
        return
    if collection.model is None and not context.has_words:
        _start_from_row(db, context)
        return
    empty_state(
        "Ask something",
        "Type a question above. Each setting answers it, and lines join the places of one row.",
        key="compare_empty",
    )
    if examples:
        with st.container(horizontal=True, horizontal_alignment="center", key="compare_examples"):
            for example in examples:
                st.button(
                    example,
                    key=f"compare_example_{example}",
                    on_click=lambda text=example: st.session_state.update({state.TEXT: text}),
                )
    elif collection.model is None:
        _start_from_row(db, context)


def _start_from_row(db: Database, context: Context) -> None:
    """Offer rows whose neighbours can be compared, for vectors without a model."""
    with st.container(border=True, key="compare_start_row"):
        st.markdown("**Begin with a row** and compare its nearest neighbours, by its own vector.")
        st.text_input(
            "Its id",
            key=_ROW_ID,
            placeholder="Id of a row",
            on_change=lambda: _from_row(context, st.session_state[_ROW_ID].strip()),
        )
        with guarded(), st.container(horizontal=True):
            for row in row_service.page(db, context.collection, PageRequest(limit=_STARTS)).rows:
                st.button(
                    plain(row.id),
                    key=f"compare_start_{row.id}",
                    on_click=_from_row,
                    args=(context, row.id),
                )


def _from_row(context: Context, row_id: str) -> None:
    state.ask_similar(context.collection, row_id)
    if not any(item.mode is Mode.SEMANTIC for item in state.settings()):
        state.use(state.PRESETS["index"])
