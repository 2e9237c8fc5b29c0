"""Lesson 8, Smaller vectors: its steps, and what a teacher says at each of them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pgvista.db.database import Database
from pgvista.services.collections import list_collections
from pgvista.ui.learn.frame import Step, try_it
from pgvista.ui.learn.smaller_leading import leading_step
from pgvista.ui.learn.smaller_recall import recall_step, rerank_step
from pgvista.ui.learn.smaller_vector import one_step, signs_step
from pgvista.ui.state import PARAMETER, chosen_name

_ONE = (
    "Read one column from top to bottom: the number, the number in half the bytes, what was lost, "
    "the sign. *How many bytes does this vector take, and how many would a million of them?* The "
    "usual wrong idea: half the bytes is half the quality. halfvec is off in the fourth figure, "
    "and no order of rows notices."
)
_SIGNS = (
    "Let the class count the sixteen places before you reveal. The usual wrong idea: the farthest "
    "row has all signs turned. In many dimensions unrelated rows agree in about half of their "
    "signs, by chance. *So what does a Hamming distance measure?* The angle, roughly."
)
_RECALL = (
    "Collect the guesses first; most are too low. Then drag the candidates: the rings stay, the "
    "discs rise. *What is it that re-ranking needs?* The full vectors in the table: the index gets "
    "smaller, the table does not. halfvec needs none of it."
)
_RERANK = (
    "One question instead of a mean. Begin with 10 candidates, where the first two columns are the "
    "same rows, and drag to the right until the last two agree. *Where did the last missing row "
    "stand?* The sentence below says it. A row that the smaller type puts behind all candidates "
    "cannot be brought back."
)
_LEADING = (
    "The usual wrong idea: the first numbers of any model are its most important ones. Here they are "
    "no better than any others, unless the model was trained so (Matryoshka representation "
    "learning, Kusupati et al. 2022). *How would you find out for your own model?* By this chart. "
    "The rotated line shows what an order by importance is worth."
)
_REMEMBER = (
    "Ask for a case for each type: halfvec nearly always; bits where memory is short and the table "
    "keeps the full vectors; leading numbers with a model that was trained for it."
)


def smaller_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step("one", "One vector in 32 bits, 16 bits and 1 bit a number", one_step(db), _ONE),
        Step("signs", "Signs are compared by counting what differs", signs_step(db), _SIGNS),
        Step("recall", "What fewer bytes cost, and re-ranking brings back", recall_step(db), _RECALL),
        Step("re-rank", "One question, before and after re-ranking", rerank_step(db), _RERANK),
        Step("leading", "First numbers are worth what training made them", leading_step(db), _LEADING),
        Step("remember", "What to remember", _remember(db), _REMEMBER),
    )  # fmt: skip


def _remember(db: Database) -> Callable[[], None]:
    def body() -> None:
        st.markdown(
            "- **halfvec halves the bytes and changes next to no order.** It needs no re-ranking.\n"
            "- **Bits keep the direction roughly**: 56 bytes instead of about 1,540 at 384 dimensions. Take "
            "several times the rows wanted, and rank those by the full vectors.\n"
            "- **Leading numbers suit models that were trained for it.** Measure before you cut."
        )
        names = [item.name for item in list_collections(db)]
        chosen = chosen_name()
        where = {PARAMETER: chosen} if chosen in names and chosen is not None else {}
        try_it("Measure all types on your collection", "pages/tune/types.py", **where)
        try_it("Build an index on halfvec or bits", "indexes", **where)

    return body
