"""Fusion, the terms: one row's sum by hand, and the row that is in one list alone."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pgvista.model.search import SearchRequest
from pgvista.science.fusion import reciprocal_rank
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import plural
from pgvista.ui.learn.frame import keep_in_address, predict, verdict
from pgvista.ui.learn.fusion_charts import worth_chart
from pgvista.ui.learn.fusion_lists import Lists
from pgvista.ui.learn.keyword_question import begin_anew, short
from pgvista.ui.search_request import RRF_K

RANK_SEMANTIC, RANK_KEYWORD, HAND_K = (
    "learn_fusion_first",
    "learn_fusion_second",
    "learn_fusion_hand_k",
)
GUIDE = {RANK_SEMANTIC: 3.0, RANK_KEYWORD: 9.0, HAND_K: 0.0}
"""The example of the published guide: ranks 3 and 9, k 0."""
FIRST, BOTH, TIE = "the first of one list", "the 50th of both", "neither: a tie"
FAR_DOWN = 50
WORTH_K = "learn_fusion_worth_k"

_ROW = "learn_fusion_row"
_OFFERED = 10


def rrf_sum(semantic: int | None, keyword: int | None, k: float) -> tuple[float, float, float]:
    """Return both lists' terms at weight 1 and their sum; a list without the row adds 0.

    Ranks count from 1, and `k` is 0 or more.
    """
    terms = [
        0.0 if rank is None else float(reciprocal_rank(rank, k)[-1]) for rank in (semantic, keyword)
    ]
    return terms[0], terms[1], terms[0] + terms[1]


# -- by hand


def by_hand(lists: Lists) -> None:
    """Draw the sum of a row on the screen, and one of any two ranks."""
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True, height="stretch"):
        _of_a_row(lists)
    with right, st.container(border=True, height="stretch"):
        _of_any_ranks()


def _of_a_row(lists: Lists) -> None:
    k = SearchRequest(text="any").rrf_k
    rows = {row.id: row for row in lists.fused().rows(most=_OFFERED)}
    names = lists.titles(list(rows))
    begin_anew(_ROW, lists.text, rows)
    chosen: str = st.selectbox(
        "A row of the fused list",
        list(rows),
        key=_ROW,
        format_func=lambda row_id: f"#{rows[row_id].place} · {short(names[row_id], 60)}",
        persist_state="session",
    )
    row = rows[chosen]
    _sum_table(row.semantic_rank, row.keyword_rank, k)
    by_postgres = {hit.id: hit.score for hit in lists.result.hits}
    if chosen in by_postgres:
        same = by_postgres[chosen] == rrf_sum(row.semantic_rank, row.keyword_rank, k)[2]
        st.markdown(
            f"Postgres gives this row **{by_postgres[chosen]:.4f}**"
            + (", the same sum." if same else ".")
        )


@st.fragment
def _of_any_ranks() -> None:
    keep_in_address(GUIDE)
    with guarded():
        st.markdown(":small[Any two ranks, and any k]")
        columns = st.columns(3, gap="medium")
        values = []
        for column, (key, label, low) in zip(
            columns,
            (
                (RANK_SEMANTIC, "by meaning", 1),
                (RANK_KEYWORD, "by words", 1),
                (HAND_K, "k", 0),
            ),
            strict=True,
        ):
            with column:
                values.append(
                    live_slider(label, key=key, minimum=low, maximum=100, value=GUIDE[key])
                )
        first, second, k = int(values[0]), int(values[1]), values[2]
        _sum_table(first, second, k)
        if (first, second, k) == (3, 9, 0):
            st.markdown("The guide's example: 1/3 + 1/9 = **0.444**.")
        else:
            st.markdown(
                f"Rank 1 counts 1 / ({k:g} + 1) = **{rrf_sum(1, None, k)[2]:.4g}** at this k."
            )


def _sum_table(semantic: int | None, keyword: int | None, k: float) -> None:
    """Draw the two terms and their sum, a line each."""
    terms = rrf_sum(semantic, keyword, k)
    lines = [
        (name, "–" if rank is None else str(rank), _term(rank, k), f"{value:.4f}")
        for name, rank, value in (
            ("by meaning", semantic, terms[0]),
            ("by words", keyword, terms[1]),
        )
    ]
    frame = pd.DataFrame(
        [*lines, ("sum", "", "", f"{terms[2]:.4f}")],
        columns=["list", "rank", "1 / (k + rank)", "counts"],
    )
    st.table(frame, hide_index=True, border="horizontal")


def _term(rank: int | None, k: float) -> str:
    return "not in the list" if rank is None else f"1 / ({k:g} + {rank})"


# -- in one list alone


def one_list(lists: Lists) -> None:
    """Ask whether rank 1 alone beats two ranks far down; then show what a rank is worth."""
    k = RRF_K.default
    guess = predict(
        "one_list",
        f"k is {k:g}. One row is the first of one list and not in the other; another is the "
        f"{FAR_DOWN}th of both. Which comes first?",
        (FIRST, BOTH, TIE),
    )
    if guess is None:
        return
    alone, both = rrf_sum(1, None, k)[2], rrf_sum(FAR_DOWN, FAR_DOWN, k)[2]
    answer = FIRST if alone > both else BOTH if both > alone else TIE
    verdict(
        guess,
        answer,
        f"1/({k:g} + 1) = {alone:.4f} against 2/({k:g} + {FAR_DOWN}) = {both:.4f}. A list without the "
        "row adds nothing.",
    )
    _worth(lists)


@st.fragment
def _worth(lists: Lists) -> None:
    keep_in_address({WORTH_K: RRF_K.default})
    with guarded():
        left, right = st.columns([2, 3], gap="large")
        with left:
            k = live_slider(
                "k",
                key=WORTH_K,
                minimum=RRF_K.minimum,
                maximum=RRF_K.maximum,
                value=RRF_K.default,
                log=True,
                help=RRF_K.help,
            )
            st.markdown(
                f"At k {k:g}, two ranks are worth more than one rank 1 down to rank "
                f"**{k + 1:g}**; at rank {k + 2:g} there is a tie."
            )
            st.markdown(_favourite(lists, k))
        with right:
            worth_chart(k, FAR_DOWN, key="learn_fusion_worth")


def _favourite(lists: Lists, k: float) -> str:
    """Say where the best row that is in one list alone stands."""
    rows = lists.fused(rrf_k=k).rows()
    alone = [row for row in rows if row.semantic_rank is None or row.keyword_rank is None]
    if not alone:
        return "For this question, every candidate is in both lists."
    best = alone[0]
    name = plain(short(lists.titles([best.id])[best.id], 60))
    rank, found = (
        (best.semantic_rank, "by meaning")
        if best.keyword_rank is None
        else (best.keyword_rank, "by words")
    )
    ahead = sum(
        row.semantic_rank is not None and row.keyword_rank is not None
        for row in rows[: best.place - 1]
    )
    return (
        f"For this question: *{name}* is #{rank} {found} and not in the other list. It counts "
        f"1/({k:g} + {rank}) = {best.score:.4f} and comes **{_ordinal(best.place)}**, behind "
        f"{plural(ahead, 'row')} that both lists have."
    )


def _ordinal(number: int) -> str:
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number:,}{ending}"
