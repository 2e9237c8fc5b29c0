"""The lesson on filters: candidates first, then the filter; ef_search, iterative scans, other ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.lesson_index import RealIndex
from pgvista.science.lesson_filtering import passing
from pgvista.services.lesson_filtering import LIMIT, Filtered
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import plain
from pgvista.ui.format import plural
from pgvista.ui.learn import filtering_state as state
from pgvista.ui.learn.filtering_charts import candidates_chart, got_chart
from pgvista.ui.learn.filtering_own import own_step
from pgvista.ui.learn.filtering_ways import ef_step, other_step, remember_step, scan_step
from pgvista.ui.learn.frame import (
    Step,
    keep_in_address,
    predict,
    presenting,
    sql_behind,
    verdict,
)

_GOT = ("all 10", "about 4", "1 or fewer")


def filtering_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step(
            "after",
            "The index finds 40 rows, then the filter takes away",
            partial(_with_data, db, partial(_see_candidates, db)),
            "The squares are the candidates that ef_search = 40 finds, nearest first. Move the share "
            "down slowly. Ask: where are the other rows that meet the filter? In the table, and "
            "never looked at. The usual wrong idea: that the index looks only among the rows of the "
            "filter. Then take labels by place: real filters often go with meaning.",
        ),
        Step(
            "starved",
            "A narrow filter leaves few rows or none",
            partial(_with_rows, db, _starved),
            "Let the class predict first. The rule is simple: ef_search times the share. No error is "
            "raised, the query returns what is left. Ask: who would notice in production?",
        ),
        Step(
            "ef_search",
            "More candidates help, as far as they go",
            partial(_with_rows, db, ef_step),
            "Each line is a share. At 1 % even the largest ef_search, 1,000, has ten rows on average "
            "at best. Ask: which ef_search does a share of 0.1 % need? There is none.",
        ),
        Step(
            "iterative",
            "An iterative scan goes on until there are enough",
            partial(_with_rows, db, scan_step),
            "From pgvector 0.8 on. strict_order drops rows that come out of order, relaxed_order "
            "keeps them, so it finds a little more. max_scan_tuples is where the scan gives up: "
            "lower it and rows are missing again.",
        ),
        Step(
            "other ways",
            "Without the filter behind the index",
            partial(_with_rows, db, partial(other_step, db)),
            "Let the class predict what Postgres chooses. At 1 % it reads the rows of the filter and "
            "sorts them: exact. At 10 % it may take the HNSW index, and rows go missing: the planner "
            "counts cost, not recall. A partial index is right for a filter that is always the same.",
        ),
        Step(
            "your column",
            "A real column is a filter of its own kind",
            partial(own_step, db),
            "Labels drawn by chance lie anywhere; values of a real column often go with meaning. Let "
            "the class choose a value and guess the rows first. Then look at the fewest and the most "
            "a query got. Ask: for which question does this filter starve the index?",
        ),
        Step(
            "remember",
            "What to remember",
            remember_step,
            "Let the class say the three sentences before you show them. Then open the real pages.",
        ),
    )


def _with_rows(db: Database, body: Callable[[state.Rows, Filtered], None]) -> None:
    _with_data(db, lambda found: body(found, state.measured(db, found)))


def _with_data(db: Database, body: Callable[[state.Rows], None]) -> None:
    keep_in_address({state.DATA: state.MADE, state.LABELS: state.CHANCE})
    found = state.rows(db)
    if found is not None:
        body(found)
    if found is None or not presenting():
        _choose_rows(found)


def _choose_rows(found: state.Rows | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="learn_filtering_rows"):
        for key, offered in (
            (state.DATA, (state.MADE, state.OWN)),
            (state.LABELS, (state.CHANCE, state.PLACE)),
        ):
            if st.session_state.get(key) not in offered:
                st.session_state[key] = offered[0]
            st.segmented_control(
                key, offered, key=key, required=True, label_visibility="collapsed",
                persist_state="session",
            )  # fmt: skip
        if found is not None:
            told = f"{plain(found.told)}, {plural(len(found.queries), 'query', 'queries')}"
            st.markdown(f":gray[{told}]")


def _see_candidates(db: Database, found: state.Rows) -> None:
    _after(found, state.candidates(db, found))


@st.fragment
def _after(found: state.Rows, index: RealIndex) -> None:
    keep_in_address({state.SHARE: state.DEFAULT_SHARE, state.QUERY: 1.0})
    left, right = st.columns((0.6, 0.4), gap="medium")
    with right:
        share = live_slider(
            "Rows that meet the filter",
            key=state.SHARE,
            minimum=1,
            maximum=100,
            value=state.DEFAULT_SHARE,
            log=True,
            format="{:.0f} %",
            help="Of all rows, drawn by chance: 1 to 100 %.",
        )
        count = len(found.queries)
        number = 1
        if count > 1:
            number = int(live_slider("Query", key=state.QUERY, minimum=1, maximum=count, value=1))
        candidates = index.points[0].found[number - 1]
        passed, returned = passing(candidates, found.numbers, share / 100, LIMIT)
        st.markdown(
            f"HNSW hands over its **{len(candidates)}** nearest candidates, as many as ef_search. "
            f"The filter comes **after** that: {plural(len(passed), 'row')} of them "
            f"{'meets' if len(passed) == 1 else 'meet'} it."
        )
        st.markdown(f"**{len(returned)} of the {LIMIT} rows wanted come back.**")
        expected = f"{len(candidates)} × {share:.0f} % = {len(candidates) * share / 100:.1f}"
        st.markdown(
            ":gray[These rows lie together: a query beside them gets many, any other none.]"
            if state.placed()
            else f":gray[To be expected: {expected}.]"
        )
    with left:
        candidates_chart(len(candidates), passed, returned, key="learn_filtering_candidates")


def _starved(found: state.Rows, results: Filtered) -> None:
    guess = predict(
        "starved",
        f"{state.NARROW} of the rows meet the filter, and ef_search is 40. "
        f"How many of the {LIMIT} rows wanted come back, on average?",
        _GOT,
    )
    if guess is None:
        st.markdown(
            "```sql\nset hnsw.ef_search = 40;\nselect id from documents where label = 1\n"
            "order by embedding <=> '[…]' limit 10;\n```"
        )
        return
    points = {
        name: next(point for point in results.by_ef[label] if point.value == 40)
        for label, name in state.NAMES.items()
    }
    narrow = points[state.NARROW]
    answer = _GOT[0 if narrow.rows > 9.5 else 1 if narrow.rows > 2 else 2]
    verdict(
        guess,
        answer,
        f"{narrow.rows:.1f} rows on average, over {plural(len(found.queries), 'query', 'queries')}; "
        "the answer is short, and no error says so.",
    )
    got_chart(points, key="learn_filtering_got")
    sql_behind(results.index.sql, name="starved_sql")
