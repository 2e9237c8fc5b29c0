"""The knobs beside the lists of the page Live, what they gave, and the statement to take along."""

from __future__ import annotations

import streamlit as st

from pgvista.model.collection import IndexInfo
from pgvista.model.index import IndexTarget
from pgvista.model.search import IterativeScan
from pgvista.services.live_tuning import Trial
from pgvista.ui import live_state as state
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.errors import plain
from pgvista.ui.format import plural
from pgvista.ui.live_ask import Answer, forget_truth, targets
from pgvista.ui.search_knobs import Context, slider

_SCANS = {
    IterativeScan.OFF.value: "off",
    IterativeScan.STRICT.value: "strict order",
    IterativeScan.RELAXED.value: "relaxed order",
}


def knobs(context: Context, answer: Answer) -> None:
    """Draw what decides about the index search."""
    trial = answer.trial
    with st.container(border=True, key="live_card_knobs", gap="xsmall"):
        titles = [_index_title(index) for index in context.indexes]
        names = titles[0] if len(titles) == 1 else plural(len(titles), "index", "indexes")
        st.markdown(f"**Index · {plain(names)}**" if titles else "**No valid vector index**")
        offered = targets(context.indexes)
        if len(offered) > 1:
            if st.session_state.get(state.TARGET) not in offered:
                st.session_state[state.TARGET] = offered[0]
            st.selectbox(
                "Order by",
                offered,
                format_func=_target_name,
                key=state.TARGET,
                persist_state="session",
                help="What the statement orders by: an index serves what it was built on.",
            )
        note = None if trial is None or not trial.due else f"recall {trial.recall:.2f}"
        if context.has_hnsw:
            slider(state.EF_SEARCH, note)
        if context.has_ivfflat:
            slider(state.PROBES, None if context.has_hnsw else note)
        if answer.steps and context.indexes:
            _steps(answer)
        target = state.target(offered)[0]
        if target.wants_reranking:
            slider(state.OVERSAMPLE)
        slider(state.LIMIT)
        if context.indexes:
            st.selectbox(
                "Iterative scan",
                list(_SCANS),
                format_func=lambda item: _SCANS[item],
                key=state.SCAN,
                persist_state="session",
                help="Let the index go on looking when too few rows are left, by a filter or a "
                "LIMIT above ef_search. IVFFlat knows the relaxed order alone. Default: off.",
            )
            if context.has_hnsw and state.scan() is not IterativeScan.OFF:
                slider(state.MAX_SCAN)
        if answer.truth is not None:
            st.button(
                "Find the exact rows anew",
                key="live_truth_again",
                type="tertiary",
                icon=":material/refresh:",
                help="They are kept while knobs move, for two minutes at most.",
                on_click=forget_truth,
            )


def _index_title(index: IndexInfo) -> str:
    options = ", ".join(f"{name} {value}" for name, value in index.options.items())
    return f"{index.method} ({options})" if options else index.method


def _target_name(target: str) -> str:
    kind, _, leading = target.partition(":")
    return {
        IndexTarget.COLUMN: "the column",
        IndexTarget.HALFVEC: "its cast to halfvec",
        IndexTarget.BIT: "its bits, re-ranked",
        IndexTarget.LEADING: f"its first {leading} dimensions, re-ranked",
    }[IndexTarget(kind)]


def _steps(answer: Answer) -> None:
    """Tell the recall of some values, so that a person knows where to drag to."""
    trial = answer.trial
    due = trial.due if trial is not None else 0
    if not due:
        return
    parts = [f"{step.value} → {step.hits / due:.2f}" for step in answer.steps[-5:]]
    st.markdown(f":small[:gray[{answer.stepped} → recall: {plain(' · '.join(parts))}]]")


def explained(context: Context, trial: Trial) -> None:
    """Draw the statement as run, and a link to these knobs."""
    with st.container(border=True, key="live_card_sql", gap="xsmall"):
        shown = st.segmented_control(
            "Explain",
            ["SQL", "Share"],
            key="live_explain",
            required=True,
            default=None if "live_explain" in st.session_state else "SQL",
            label_visibility="collapsed",
            width="stretch",
            persist_state="session",
        )
        if shown == "SQL":
            sql_panel(trial.sql, key="live_sql")
        else:
            here = (st.context.url or "").split("?")[0]
            st.code(here + state.permalink(context.collection), language=None, wrap_lines=True)
