"""The step of the lesson on smaller vectors that asks what the first numbers are worth."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.services.lesson_smaller import Leading, compare_leading
from pgvista.ui.errors import plain
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.distance_kept import once, rows_held
from pgvista.ui.learn.frame import predict, sql_behind, verdict
from pgvista.ui.learn.smaller_charts import leading_chart

_FIRST, _ANY = "The first ones do better", "Any others do as well"
_FEWEST = 8
"""Dimensions from which on cutting is measured."""
_ALIKE = 0.04
"""Mean recalls that differ by less are called alike: fifty queries tell them no better."""


def leading_step(db: Database) -> Callable[[], None]:
    """Return the step on what the first numbers are worth, by this model and by one trained for it."""

    def body() -> None:
        collection = lesson_collection(db, rows=3)
        if collection is None:
            return
        if (collection.dimension or 0) < _FEWEST:
            raise InvalidInput(
                f"The vectors of {collection.name} have {collection.dimension} dimensions, and cutting "
                f"them says something from {_FEWEST} on.",
                "Choose another collection.",
            )
        with st.spinner("Comparing the first numbers with others…"):
            rows = rows_held(db, collection)
            found = once(("leading", rows), db, collection, compare_leading)
        quarter = min(found.counts, key=lambda count: abs(count - found.counts[-1] / 4))
        guess = predict(
            "leading",
            f"Only {quarter:,} of {found.counts[-1]:,} numbers are kept. Are the first {quarter:,} "
            "better than any others?",
            (_FIRST, _ANY),
        )
        if guess is None:
            return
        kept = found.counts[:-1] or found.counts
        gain = fmean(found.first[c] for c in kept) - fmean(found.drawn[c] for c in kept)
        answer = _FIRST if gain > _ALIKE else _ANY
        verdict(
            guess,
            answer,
            f"Recall@10 is {found.first[quarter]:.2f} by the first {quarter:,}, and "
            f"{found.drawn[quarter]:.2f} by {quarter:,} drawn at random.",
        )
        leading_chart(found)
        st.markdown(_why_leading(found, quarter, answer))
        st.markdown(
            f":small[:gray[{found.queries} of {found.rows:,} rows of {plain(collection.name)} asked "
            "with; nothing is re-ranked; the rotation is fitted to the same rows.]]"
        )
        sql_behind(found.sql, name="leading_sql")

    return body


def _why_leading(found: Leading, quarter: int, answer: str) -> str:
    share = found.share[found.counts.index(quarter)]
    spread = (
        f"The first {quarter:,} numbers hold {100 * share:.0f} % of the squared length, as any "
        f"{quarter:,} would: this model was not trained to say the most first. "
        if answer == _ANY
        else f"The first {quarter:,} numbers hold {100 * share:.0f} % of the squared length. "
    )
    if found.principal is None or found.principal_share is None:
        return spread + "A Matryoshka model is trained so that its first numbers say the most."
    turned = found.principal_share[found.counts.index(quarter)]
    return (
        f"{spread}Rotated so that the first say the most, they hold {100 * turned:.0f} %, and find "
        f"{found.principal[quarter]:.2f}. **A Matryoshka model is trained so**: its first numbers "
        "are an embedding by themselves."
    )
