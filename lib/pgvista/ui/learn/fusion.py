"""The lesson Fusion: two lists become one by the ranks in them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.search import Fusion
from pgvista.ui.components.ranked_lists import RankedColumn, ranked_lists
from pgvista.ui.errors import plain
from pgvista.ui.format import plural
from pgvista.ui.learn.frame import Step, keep_in_address, sql_behind, try_it
from pgvista.ui.learn.fusion_k import k_and_weights
from pgvista.ui.learn.fusion_lists import (
    KNOBS,
    Lists,
    current,
    fused_column,
    keyword_column,
    on_lists,
    semantic_column,
    shown,
)
from pgvista.ui.learn.fusion_terms import by_hand, one_list
from pgvista.ui.learn.keyword_question import short
from pgvista.ui.search_link import link_parameters

DEEP = 10
"""So many rows of each list are compared."""


def fusion_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step("lists", "One question, two lists", on_lists(db, _two_lists), _NOTES[0]),
        Step("by hand", "Each rank counts 1 / (k + rank)", on_lists(db, by_hand), _NOTES[1]),
        Step("k", "k and the weights move the rows", on_lists(db, k_and_weights), _NOTES[2]),
        Step(
            "one list",
            "A favourite of one list can lose to agreement",
            on_lists(db, one_list),
            _NOTES[3],
        ),
        Step("scores", "Fusing scores instead of ranks", on_lists(db, _scores), _NOTES[4]),
        Step("remember", "What to remember", on_lists(db, _remember), _NOTES[5]),
    )


def _two_lists(lists: Lists) -> None:
    semantic = [row_id for row_id, _ in lists.candidates.semantic]
    keyword = [row_id for row_id, _ in lists.candidates.keyword]
    ranks = (
        {row_id: rank for rank, row_id in enumerate(semantic, 1)},
        {row_id: rank for rank, row_id in enumerate(keyword, 1)},
    )

    def elsewhere(row_id: str, other: int) -> dict[str, Any]:
        rank = ranks[other].get(row_id)
        name = ("by meaning", "by words")[other]
        if rank is None:
            return {"other": f"not {name}"}
        return {"other": f"{name} #{rank}", "other_tone": ("semantic", "keyword")[other]}

    ranked_lists(
        [
            semantic_column(lists, shown(), lambda row_id, _: elsewhere(row_id, 1)),
            keyword_column(lists, shown(), lambda row_id, _: elsewhere(row_id, 0)),
        ],
        key="learn_fusion_two_lists",
    )
    top = len(set(semantic[:DEEP]) & set(keyword[:DEEP]))
    both = len(ranks[0].keys() & ranks[1].keys())
    st.markdown(
        f"Of the first {DEEP} rows of each list, **{top}** {_is(top)} among the first {DEEP} of the "
        f"other; of all {plural(len(ranks[0].keys() | ranks[1].keys()), 'candidate')}, **{both:,}** "
        f"{_is(both)} in both lists. A distance and a score by words have no common scale: a distance "
        "of 0.5 is neither more nor less than a score of 7."
    )
    sql_behind(lists.result.sql, name="lists_sql")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _scores(lists: Lists) -> None:
    """Draw the same lists fused by ranks, by min-max and by z-score."""
    before = lists.fused().order
    columns: list[RankedColumn] = []
    for method, note in _METHODS.items():
        found = lists.fused(fusion=method)
        moved = None if method is Fusion.RRF else before
        columns.append(fused_column(lists, found, shown(), _NAMES[method], before=moved, note=note))
    ranked_lists([_plain(column) for column in columns], key="learn_fusion_scores")
    st.markdown(_last_rank(lists))
    st.markdown(
        ":gray[Arrows: against reciprocal rank. Scores say how much better a row is, which ranks do "
        "not; one score far out presses all others together.]"
    )


_METHODS = {
    Fusion.RRF: "ranks alone",
    Fusion.MIN_MAX: "lowest 0, highest 1",
    Fusion.Z_SCORE: "standard deviations",
}
_NAMES = {Fusion.RRF: "Reciprocal rank", Fusion.MIN_MAX: "Min-max", Fusion.Z_SCORE: "Z-score"}


def _plain(column: RankedColumn) -> RankedColumn:
    """Return a fused list as one of several: lines between them belong to neither list."""
    return RankedColumn(column.title, column.rows, "plain", column.note)


def _last_rank(lists: Lists) -> str:
    """Say what each method makes of the last rank of the longer list."""
    semantic = len(lists.candidates.semantic) >= len(lists.candidates.keyword)
    found = lists.candidates.semantic if semantic else lists.candidates.keyword
    last = found[-1][0]
    said = []
    for method in _METHODS:
        row = next(row for row in lists.fused(fusion=method).rows() if row.id == last)
        term = row.semantic_term if semantic else row.keyword_term
        said.append(f"{_NAMES[method].lower()} **{f'{term:.4f}'.replace('-', '−')}**")
    name = "semantic" if semantic else "keyword"
    end = (
        "Min-max counts it as if it were not in the list at all."
        if len(found) > 1
        else "With one row alone, min-max counts 1 and z-score 0."
    )
    return (
        f"The last of the {name} list, *{plain(short(lists.titles([last])[last]))}* at rank "
        f"{len(found)}, counts: {', '.join(said)}. {end}"
    )


def _remember(lists: Lists) -> None:
    keep_in_address(KNOBS)
    st.markdown(
        "- Reciprocal rank fusion adds **weight / (k + rank)** for each list; a row that is not in "
        "a list gets nothing from it.\n"
        "- A **small k** lets the first ranks decide, a **large k** lets agreement decide; 60 is the "
        "value of the paper (Cormack, Clarke and Büttcher 2009), a convention.\n"
        "- A rank does not tell how much of the question a row has. pgvista's own default, **RRF by "
        "coverage**, lets a hit by words count by that: its BM25 beside what a row scores that has "
        "every word.\n"
        "- What is right for your rows is **measured**, not believed: the page Evaluate tries the "
        "values of k and the weights on judged queries."
    )
    settings = current()
    found = lists.fused(**settings)
    rows = found.rows(most=1)
    name = lists.titles([rows[0].id])[rows[0].id]
    st.markdown(
        f"As the knobs stand, k {settings['rrf_k']:g}, semantic weight "
        f"{settings['semantic_weight']:g}, keyword weight {settings['keyword_weight']:g}, *"
        f"{plain(short(name))}* comes first."
    )
    try_it(
        f"Search {plain(lists.collection.name)} with these settings",
        "search",
        **link_parameters(lists.collection, found.request, lists.text),
    )
    try_it("Find the best settings on judged queries", "pages/search/evaluate.py")


_NOTES = (
    "Ask which of the two lists is right, and for whom. The usual wrong idea: add the two scores. Let "
    "the class say what a distance of 0.5 plus a BM25 score of 7 would mean. Then look for rows that "
    "are in both lists: there are few, and seldom at the top.",
    "Do one sum on the board before it is shown. Then set both ranks and k at the right: ranks 3 "
    "and 9 with k 0 give 1/3 + 1/9 = 0.444, and with k 1 rank 1 counts 1/2. Ask what a k of "
    "1,000 makes of the difference between rank 1 and rank 10.",
    "Let the class vote before the reveal. Then drag k slowly from 1 to 60 and stop where the first "
    "row changes. The usual wrong idea: a larger k gives more weight to one of the lists. It gives "
    "more weight to being in both. Set a weight to 0: what is left is the other list.",
    "The usual wrong idea: rank 1 must win. With k 60 a rank in the fifties of both lists "
    "beats it. Ask when that is wanted (two weak signs that agree) and when not (a product code, "
    "which meaning cannot know).",
    "Ask what happens to the last row of a list under min-max, and what one score far above the rest "
    "does to all others. No method is the best for all: that is measured, on judged queries.",
    "Let somebody say in one sentence what k does. Then open the search with these settings, and move "
    "k there once more.",
)
