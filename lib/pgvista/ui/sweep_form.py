"""What a sweep is to measure: the form beside its result."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection, IndexInfo
from pgvista.model.filters import Filter, parse_filter
from pgvista.model.sweep import (
    DEFAULT_CONNECTIONS,
    DEFAULT_EF_SEARCH,
    DEFAULT_PROBES,
    MAX_QUERIES,
    SELECTIVITIES,
    SweepSpec,
)
from pgvista.ui import sweep_state
from pgvista.ui.errors import guarded

_EF_CHOICES = tuple(dict.fromkeys((10, *DEFAULT_EF_SEARCH, 60, 100, 600, 800, 1000)))


def sweep_form(db: Database, collection: Collection, indexes: list[IndexInfo]) -> None:
    """Draw the form, and begin a sweep when it is sent."""
    with st.form("sweep_form", border=True):
        st.markdown("**New sweep**")
        left, right = st.columns(2)
        limit = left.number_input(
            "k", 1, 1000, 10, key="sweep_limit", help="Rows wanted of each query: the limit."
        )
        queries = right.number_input(
            "Queries", 1, MAX_QUERIES, 200, key="sweep_queries",
            help="Rows drawn at random by the seed; each is left out of its own answer.",
        )  # fmt: skip
        names = [item.name for item in indexes]
        chosen = (
            st.multiselect(
                "Indexes", names, default=names, key="sweep_indexes",
                help="All are measured on the same queries.",
            )
            if names
            else []
        )  # fmt: skip
        ef_search, probes = _knobs(indexes)
        shares = st.pills(
            "Also under filters that let through",
            SELECTIVITIES,
            selection_mode="multi",
            format_func=lambda share: f"{100 * share:g} %",
            key="sweep_shares",
            help="Rows drawn by a hash of their keys, wherever their vectors lie; each with the "
            "iterative scan off, strict and relaxed.",
        )
        with st.expander("More"):
            text = st.text_input(
                "A filter of your own", key="sweep_filter", placeholder='{"year": {"$gte": 1970}}',
                help="As JSON; it is measured beside all rows.",
            )  # fmt: skip
            first, second = st.columns(2)
            seed = first.number_input("Seed", 0, 2**31 - 1, 0, key="sweep_seed")
            rounds = second.number_input(
                "Rounds", 1, 100, 1, key="sweep_rounds",
                help="How often each query is asked. p99 is told from 1,000 samples on.",
            )  # fmt: skip
            throughput = st.toggle(
                "Throughput", value=True, key="sweep_throughput",
                help="Queries a second with 1, 2, 5, 10 and 30 connections, for the exact scan and "
                "the settings of the front. It takes the server's whole power for some seconds.",
            )  # fmt: skip
        if st.form_submit_button("Measure", type="primary", width="stretch"):
            with guarded():
                spec = SweepSpec(
                    limit=int(limit),
                    queries=int(queries),
                    rounds=int(rounds),
                    seed=int(seed),
                    indexes=tuple(chosen) if len(chosen) < len(names) else None,
                    ef_search=tuple(sorted(ef_search)) or None,
                    probes=tuple(sorted(probes)) or None,
                    selectivities=tuple(sorted(shares, reverse=True)),
                    filters=_own_filter(text),
                    connections=DEFAULT_CONNECTIONS if throughput else (),
                )
                sweep_state.start(collection, spec)
                st.rerun()


def _knobs(indexes: list[IndexInfo]) -> tuple[list[int], list[int]]:
    """Draw the values of ef_search and probes, where an index knows them."""
    methods = {item.method for item in indexes}
    ef_search: list[int] = []
    probes: list[int] = []
    if "hnsw" in methods:
        ef_search = _whole(
            "ef_search",
            st.multiselect(
                "ef_search", [str(value) for value in sorted(_EF_CHOICES)], key="sweep_ef_search",
                placeholder=_listed(DEFAULT_EF_SEARCH), accept_new_options=True,
                help="1 to 1,000. Empty takes the values shown, those above k.",
            ),
        )  # fmt: skip
    if "ivfflat" in methods:
        probes = _whole(
            "probes",
            st.multiselect(
                "probes", [str(value) for value in DEFAULT_PROBES], key="sweep_probes",
                placeholder=_listed(DEFAULT_PROBES), accept_new_options=True,
                help="1 to the index's lists. Empty takes the values shown.",
            ),
        )  # fmt: skip
    return ef_search, probes


def _whole(name: str, values: list[str]) -> list[int]:
    found = []
    for value in values:
        with guarded(stop=True):
            try:
                found.append(int(value))
            except ValueError:
                raise InvalidInput(f"{name} is {value!r}, but it takes whole numbers.") from None
    return found


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _own_filter(text: str) -> tuple[Filter, ...]:
    tree = parse_filter(text)
    return () if tree is None else (tree,)
