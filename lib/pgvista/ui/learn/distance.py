"""Lesson 2, Distance: its steps, and what a teacher says at each of them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pgvista.db.database import Database
from pgvista.services.collections import list_collections
from pgvista.ui.learn.distance_plane import four_step, length_step, nearest_step
from pgvista.ui.learn.distance_real import QUESTION, operators_step, real_step
from pgvista.ui.learn.frame import Step, try_it
from pgvista.ui.state import PARAMETER, chosen_name

_FOUR = (
    "Drag the query slowly, and let the class watch one column at a time. *Which point do you "
    "call the nearest, and why?* The usual wrong idea: distance is one thing, and a metric is "
    "a matter of taste. Here each of the four has another first point. Drag D towards the origin: "
    "cosine does not change, all others do."
)
_NEAREST = (
    "Let the class vote by hand before you reveal. Most are right about L2, since it is what a ruler "
    "measures. For cosine, ask them to stand in the origin and look towards the query: *who is "
    "nearest to the line of sight?* How far out a point lies does not count. **Other points** "
    "draws a new exercise."
)
_LENGTH = (
    "The usual wrong idea: nothing is nearer to a thing than the thing itself. The inner product "
    "says otherwise, so it is a score and no distance. Then normalise: lengths are gone, and three "
    "columns agree. Derive |a − b|² = 2 − 2ab on the board. *Which of the three would you take on "
    "normalised vectors?* The order is the same; the inner product has the least to compute."
)
_REAL = (
    "Most models for texts give vectors of length 1; look at the grey line below. *Then which column "
    "can differ at all?* Only L1, and little. **Lengths changed** makes vectors longer without "
    "turning them: cosine stays, the inner product fetches long rows, L2 shuns them. A model whose "
    "lengths differ wants the metric it was trained with."
)
_OPERATORS = (
    "A frequent fault in production: the index is for L2, the searches use `<=>`, and every one of "
    "them reads the whole table. Nothing fails; it is only slow. *How would you notice?* By EXPLAIN, "
    "or on the page Live. Zero vectors come from empty texts and failed calls; cosine cannot "
    "place them."
)
_REMEMBER = (
    "Let the class say the three sentences themselves before you show them. *Which metric does your "
    "own model want?* Its card says so; with normalised vectors the question is settled."
)


def distance_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step("four", "Four distances, and each has another nearest point", four_step(db), _FOUR),
        Step("nearest", "Which point is nearest to the query?", nearest_step(db), _NEAREST),
        Step("length", "Length counts, unless all vectors have the same", length_step(db), _LENGTH),
        Step("real", "On real rows, lengths decide what moves", real_step(db), _REAL),
        Step(
            "operators",
            "An index serves the operator it was built for",
            operators_step(db),
            _OPERATORS,
        ),
        Step("remember", "What to remember", _remember(db), _REMEMBER),
    )


def _remember(db: Database) -> Callable[[], None]:
    def body() -> None:
        st.markdown(
            "- **Cosine sees directions, L2 and L1 see places, the inner product rewards length.** "
            "It is negative in pgvector (`<#>`), so that `order by … limit` puts the best first.\n"
            "- **On vectors of length 1, L2, cosine and inner product give one order.** Take the one "
            "that the model was trained with.\n"
            "- **An index serves one operator.** Order by the operator of its operator class, and "
            "keep zero vectors out of the table."
        )
        names = [item.name for item in list_collections(db)]
        chosen = chosen_name()
        where = {PARAMETER: chosen} if chosen in names and chosen is not None else {}
        asked = st.session_state.get(f"{QUESTION}.{chosen}")
        text = {"search_text": str(asked)} if asked else {}
        for label, metric in (("inner product", "inner_product"), ("L2", "l2")):
            try_it(
                f"Search by {label}",
                "search",
                search_mode="semantic",
                search_metric=metric,
                **text,
                **where,
            )
        try_it("See which operator each index of yours serves", "indexes", **where)

    return body
