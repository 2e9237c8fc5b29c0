"""The knobs beside the hits of the page By example, and what explains the hits."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pgvista.io.export import export_hits
from pgvista.model.collection import Collection
from pgvista.model.search import SearchResult
from pgvista.ui import example_state as state
from pgvista.ui.components.panels import sql_panel, timings_bar
from pgvista.ui.search_knobs import Context, slider

_FORMATS = {"csv": "CSV", "json": "JSON", "parquet": "Parquet"}


def example_knobs(context: Context) -> None:
    """Draw what decides about the hits."""
    now = state.chosen(context.collection)
    with st.container(border=True, key="example_card_choice", gap="xsmall"):
        st.markdown("**Choice**")
        slider(state.WEIGHT, None if now.unlike else "no unlike row", disabled=not now.unlike)
        slider(state.VARIETY)
        keys = list(context.filter_keys)
        group = st.session_state.get(state.GROUP)
        if group and group not in keys:
            keys.append(group)
        st.selectbox(
            "Best of each",
            keys,
            index=None,
            key=state.GROUP,
            placeholder="no groups",
            accept_new_options=True,
            persist_state="session",
            help="A column or metadata key; dots lead into nested keys. Of each value only the best "
            "row is shown; rows without one are a group too. Default: no groups.",
        )
        chooses = bool(state.value(state.VARIETY) or st.session_state.get(state.GROUP))
        slider(
            state.CANDIDATES,
            None if chooses else "with variety or groups",
            disabled=not chooses,
        )
        st.number_input(
            "Max. distance",
            key=state.THRESHOLD,
            value=None,
            step=0.05,
            format="%.2f",
            placeholder="none",
            persist_state="session",
            help="Threshold: rows farther than this from the query are left out. Default: none.",
        )
        slider(state.LIMIT)


def explained(collection: Collection, result: SearchResult) -> None:
    """Draw the times, and beneath them the SQL or the ways to take the result along."""
    with st.container(border=True, key="example_card_time", gap="xsmall"):
        st.markdown("**Where the time went**")
        timings_bar(result.timings_ms, key="example_timings")
    with st.container(border=True, key="example_card_explain", gap="xsmall"):
        shown = st.segmented_control(
            "Explain",
            ["SQL", "Share"],
            key="example_explain",
            required=True,
            default=None if "example_explain" in st.session_state else "SQL",
            label_visibility="collapsed",
            width="stretch",
            persist_state="session",
        )
        if shown == "SQL":
            sql_panel(result.sql, key="example_sql")
            if state.value(state.VARIETY):
                st.markdown(
                    ":small[:gray[Variety is chosen among these rows by their vectors, afterwards.]]"
                )
        else:
            _share(collection, result)


def _share(collection: Collection, result: SearchResult) -> None:
    with_text = False
    if state.text():
        with_text = st.checkbox(
            "with the words", key="example_share_text", help="The address then holds the words."
        )
    here = (st.context.url or "").split("?")[0]
    address = here + state.permalink(collection, with_text=with_text)
    st.code(address, language=None, wrap_lines=True)
    with st.container(horizontal=True, gap="xsmall"):
        for kind, label in _FORMATS.items():
            st.download_button(
                label,
                data=partial(export_hits, result, kind),
                file_name=f"{collection.table}-similar.{kind}",
                key=f"example_download_{kind}",
                on_click="ignore",
                help=f"The {len(result.hits)} hits as {label}",
            )
