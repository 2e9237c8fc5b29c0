"""The page Live: one query, the knobs of its index, and which of the nearest rows are found."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.model.diagnosis import Cause
from pgvista.services import live_tuning
from pgvista.services.live_tuning import Trial
from pgvista.ui import live_state as state
from pgvista.ui.components.panels import empty_state, milliseconds, plan_panel
from pgvista.ui.components.truth_lists import Figure, TruthRow, truth_lists
from pgvista.ui.errors import guarded, plain, show_error
from pgvista.ui.filter_builder import filter_button, filter_chips
from pgvista.ui.filter_place import Bar
from pgvista.ui.live_ask import Answer, find
from pgvista.ui.live_knobs import explained, knobs
from pgvista.ui.live_why import statement_view, why
from pgvista.ui.search_knobs import Context
from pgvista.ui.search_question import columns
from pgvista.ui.search_waiting import show_waiting

PAGE = "live_page"
"""The fragment that has the query's line in it."""
VIEWS = {"query": "A query", "statement": "A statement of yours"}


@st.fragment(key=PAGE)
def live_view(db: Database, context: Context, embedder: ModelEmbedder | None) -> None:
    """Draw the page; the query's line repaints what is beneath it, and nothing around it."""
    if (asked := st.session_state.pop("_live_ask", None)) is not None:
        state.ask(asked)
    by_statement = st.session_state.get(state.VIEW) == "statement"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="live_bar"):
        st.segmented_control(
            "What is tuned",
            list(VIEWS),
            format_func=lambda item: VIEWS[item],
            key=state.VIEW,
            required=True,
            default=None if state.VIEW in st.session_state else "query",
            label_visibility="collapsed",
            persist_state="session",
        )
        collection = context.collection
        told = (collection.name, context.rows, collection.metric.label)
        st.markdown(f":gray[{' · '.join(map(plain, told))}]", width="content")
    if by_statement:
        statement_view(db, collection)
        return
    _question(db, context)
    _tuned(db, context, embedder)


@st.fragment
def _tuned(db: Database, context: Context, embedder: ModelEmbedder | None) -> None:
    """Draw the knobs and what they give; a moved knob repaints this part alone."""
    answer = find(db, context, embedder)
    context = _with_those_left(context, answer)
    if answer.waits and embedder is not None:
        show_waiting(embedder, meanwhile=False)
    left, right = columns()
    with left:
        if answer.error is not None:
            show_error(answer.error)
        elif answer.trial is None:
            if not answer.waits:
                _start(db, context)
        else:
            _found(context, answer, answer.trial)
    with right:
        knobs(context, answer)
        if answer.trial is not None:
            explained(context, answer.trial)


def _with_those_left(context: Context, answer: Answer) -> Context:
    """Return the context without indexes that were dropped since the whole page was run."""
    trial = answer.trial
    if trial is None or trial.diagnosis.finding(Cause.DROPPED) is None:
        return context
    names = {index.name for index in trial.diagnosis.indexes}
    return replace(context, indexes=tuple(i for i in context.indexes if i.name in names))


def _question(db: Database, context: Context) -> None:
    with_words = context.collection.model is not None
    with st.container(horizontal=True, gap="small", key="live_line"):
        st.text_input(
            "Query",
            key=state.TEXT,
            placeholder="Words, or the id of a row" if with_words else "The id of a row",
            label_visibility="collapsed",
            persist_state="session",
            live="400ms",
            disabled=context.is_empty,
        )
        st.button(
            "Random row",
            key="live_random",
            icon=":material/casino:",
            help="Take a row drawn at random as the query; it is left out of its own answer",
            disabled=context.is_empty,
            on_click=_draw,
            args=(db, context),
        )
        filter_button(db, context.collection, Bar(state.FILTER))
    filter_chips(Bar(state.FILTER))


def _draw(db: Database, context: Context) -> None:
    with guarded():
        state.ask(live_tuning.random_row(db, context.collection))


def _start(db: Database, context: Context) -> None:
    name = context.collection.name
    if context.is_empty:
        empty_state(
            "No rows yet",
            f"{name} is empty. Load a file or paste rows on the page Load.",
            key="live_no_rows",
            icon=":material/inbox:",
        )
        return
    pressed = empty_state(
        "Take a query",
        "Its exact nearest rows stand beside those that the index finds: move ef_search and see "
        "what is missed.",
        key="live_empty",
        icon=":material/tune:",
        actions={"random": "Draw a row at random"},
    )
    if pressed == "random":
        _draw_now(db, context)


def _draw_now(db: Database, context: Context) -> None:
    # The field is drawn already: its value is set before the next run
    with guarded(stop=True):
        st.session_state["_live_ask"] = live_tuning.random_row(db, context.collection)
    st.rerun()


def _ask(row_id: str) -> None:
    """Take a row of the lists as the query: before the page's part is run, as its field is in it."""
    state.ask(row_id)
    st.rerun(PAGE)


# -- what was found


def _found(context: Context, answer: Answer, trial: Trial) -> None:
    truth_lists(
        [
            TruthRow(
                row.id,
                answer.titles.get(row.id, row.id),
                f"{row.distance:.4f}",
                row.mark.value,
                row.exact_rank,
                row.index_rank,
            )
            for row in trial.rows
        ],
        _figures(context, answer, trial),
        due=trial.due,
        exact_title=f"Exact · the {trial.due} nearest of all rows",
        index_title=_index_title(trial),
        on_ask=_ask,
        key="live_lists",
    )
    if not trial.rows:
        st.info(
            "There is no row to find: none besides the query has a vector and passes the filter.",
            icon=":material/search_off:",
        )
    why(trial.diagnosis, key="live_why", fine=_fine(trial))
    with st.container(border=True, key="live_plan"):
        st.markdown("**Plan** :gray[as EXPLAIN (ANALYZE, BUFFERS) measured it in a second run]")
        plan_panel(trial.plan, key="live_plan_panel")


def _index_title(trial: Trial) -> str:
    if trial.diagnosis.index_used is None:
        return "No index used · every row compared"
    return f"Index · {trial.diagnosis.index_used}"


def _fine(trial: Trial) -> str:
    if not trial.due:
        return "There is nothing to find: no row has a vector, or passes the filter."
    return f"Nothing is missing: all {trial.due} nearest rows were found."


def _compared(exact_ms: float, database_ms: float) -> str:
    """Return how the index's time compares with that of the exact search."""
    if not min(exact_ms, database_ms) > 0:
        return ""
    if database_ms > exact_ms:
        return f"{database_ms / exact_ms:,.1f} times as slow"
    return f"{exact_ms / database_ms:,.1f} times as fast"


def _figures(context: Context, answer: Answer, trial: Trial) -> list[Figure]:
    recall = "–" if math.isnan(trial.recall) else f"{trial.recall:.2f}"
    cost, truth = trial.cost, answer.truth
    exact_ms = truth.database_ms if truth is not None else math.nan
    pages = cost.buffers_hit + cost.buffers_read
    cached = 1.0 if not pages else cost.buffers_hit / pages
    used = trial.diagnosis.index_used is not None
    return [
        Figure(
            f"recall@{trial.asked}",
            recall,
            f"{trial.hits} of {trial.due} found",
            "" if not trial.due else "bad" if trial.missed else "good",
            "The part of the exact nearest rows that was found, by id; a row at the distance of the "
            "last one counts.",
        ),
        Figure(
            "by the index" if used else "without an index",
            milliseconds(trial.database_ms),
            _compared(exact_ms, trial.database_ms) if used else "",
            help="The plain statement, from sending it to the last row.",
        ),
        Figure(
            "exact",
            milliseconds(exact_ms),
            "once for this query",
            help="The same statement with enable_indexscan off. It is kept while knobs move.",
        ),
        Figure(
            "rows read",
            f"{cost.rows_read:,}",
            f"{trial.got:,} returned",
            help="Rows that the scan handed on, with those the filter threw away. From EXPLAIN "
            "(ANALYZE, BUFFERS) in a second run, so that the times are those of the plain query.",
        ),
        Figure(
            "buffers",
            f"{pages:,}",
            f"{cached:.0%} from memory",
            help="Pages of 8 kB of table and index, from the second run. Outside of Postgres's memory may "
            "still be in that of the system.",
        ),
    ]
