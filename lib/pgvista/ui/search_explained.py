"""Beside the hits: where the time went, the SQL, the plan, and ways to take the result along."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.io.export import export_hits
from pgvista.model.collection import Collection
from pgvista.model.search import SearchRequest, SearchResult
from pgvista.services import search as search_service
from pgvista.ui.components.panels import plan_panel, sql_panel, timings_bar
from pgvista.ui.errors import guarded
from pgvista.ui.search_link import permalink

_FORMATS = {"csv": "CSV", "json": "JSON", "parquet": "Parquet"}


def wants_plan() -> bool:
    """Whether the plan is chosen: it is shown across the page, above the hits."""
    return bool(st.session_state.get("search_explain") == "Plan")


def show_plan(
    db: Database, collection: Collection, request: SearchRequest, embedder: ModelEmbedder | None
) -> None:
    """Run the search under EXPLAIN (ANALYZE, BUFFERS) and show how Postgres went about it."""
    with st.container(border=True, key="search_plan"):
        st.markdown("**Plan** :gray[as measured by EXPLAIN (ANALYZE, BUFFERS)]")
        with guarded():
            plan_panel(
                search_service.explain(db, collection, request, embedder=embedder),
                key="search_plan_panel",
            )


def explained(
    collection: Collection,
    result: SearchResult,
    title: str,
    *,
    no_ledger: str,
    changed: Callable[[], None],
) -> None:
    """Draw the times, and below them what is chosen of SQL, plan, ledger and share.

    `no_ledger` says why there is none, and is empty where there is one: it stands above the hits,
    as the plan does. `changed` is called when something else is chosen.
    """
    with st.container(border=True, key="search_card_time", gap="xsmall"):
        st.markdown(f"**Where the time went**{f' :gray[{title}]' if title else ''}")
        timings_bar(result.timings_ms)
    with st.container(border=True, key="search_card_explain", gap="xsmall"):
        shown = st.segmented_control(
            "Explain",
            ["SQL", "Plan", "Ledger", "Share"],
            key="search_explain",
            required=True,
            default=None if "search_explain" in st.session_state else "SQL",
            label_visibility="collapsed",
            width="stretch",
            persist_state="session",
            on_change=changed,
        )
        if shown == "Plan":
            st.markdown(":small[:gray[:material/arrow_upward: Above the hits, with its times.]]")
        elif shown == "Ledger":
            where = ":material/arrow_upward: Above the hits: every candidate, with its sum."
            st.markdown(f":small[:gray[{no_ledger or where}]]")
        elif shown == "Share":
            _share(collection, result)
        else:
            sql_panel(result.sql)


def _share(collection: Collection, result: SearchResult) -> None:
    with_text = st.checkbox(
        "with the question",
        key="search_share_text",
        persist_state="session",
        help="The address then holds the question, or the row whose neighbours are shown.",
    )
    here = (st.context.url or "").split("?")[0]
    st.code(
        here + permalink(collection, with_text=with_text),
        language=None,
        wrap_lines=True,
    )
    with st.container(horizontal=True, gap="xsmall"):
        for kind, label in _FORMATS.items():
            st.download_button(
                label,
                data=partial(export_hits, result, kind),
                file_name=f"{collection.table}-hits.{kind}",
                key=f"search_download_{kind}",
                on_click="ignore",
                help=f"The {len(result.hits)} hits as {label}",
            )
