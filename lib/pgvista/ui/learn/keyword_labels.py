"""Keyword search, labels: what the weights of setweight's labels do to ts_rank."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.services.lesson_keyword import CANDIDATES, rank_by_labels
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.ranked_lists import RankedColumn, RankedRow, ranked_lists
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn.frame import keep_in_address, presenting, sql_behind
from pgvista.ui.learn.keyword_question import question

HEADING, TEXT = "learn_keyword_wa", "learn_keyword_wd"
DEFAULTS = {HEADING: 1.0, TEXT: 0.1}
"""ts_rank's own weights of the labels A and D."""


@st.fragment
def labels(db: Database, collection: Collection, starts: dict[str, str]) -> None:
    """Draw rows ranked by labels; a moved knob repaints this part alone."""
    keep_in_address(DEFAULTS)
    with guarded():
        left, right = st.columns([5, 3], gap="large")
        with left:
            text = question(
                db, collection, starts, key="learn_keyword_labelled", label="Any of these words"
            )
        if text is None:
            return
        with right:
            heading = _weight("Weight of A: the heading", HEADING)
            rest = _weight("Weight of D: all other words", TEXT)
            st.markdown(
                "The first line of each row is labelled by `setweight(…, 'A')`, the rest is `D`. "
                "`ts_rank` takes a weight for each label, in the order D, C, B, A; its own are "
                "0.1, 0.2, 0.4 and 1. Beneath a row: the lexemes found, their places, and the A."
            )
        found = rank_by_labels(
            db,
            collection,
            text,
            heading_weight=heading,
            text_weight=rest,
            limit=6 if presenting() else 8,
        )
        with left:
            ranked_lists(
                [
                    RankedColumn(
                        "ts_rank by labels",
                        [
                            RankedRow(
                                hit.id,
                                place,
                                hit.heading,
                                f"{hit.score:.4f}",
                                note=hit.entries,
                                other=_where(hit.in_heading, hit.in_text),
                                other_tone="keyword" if hit.in_heading else "plain",
                            )
                            for place, hit in enumerate(found.hits, 1)
                        ],
                        "keyword",
                        note=_matched(found.matched),
                        empty="No row holds any of these words.",
                    )
                ],
                key="learn_keyword_labels",
            )
        if found.hits and not any(hit.in_text for hit in found.hits):
            st.markdown(
                f":gray[The rows of {plain(collection.name)} shown here have the words in their "
                "first line alone, so only the weight of A matters.]"
            )
        sql_behind(found.sql, name="labels_sql")


def _weight(label: str, key: str) -> float:
    return live_slider(
        label,
        key=key,
        minimum=0,
        maximum=1,
        value=DEFAULTS[key],
        step=0.05,
        format="{:.2f}",
        help="0 to 1; ts_rank takes no more.",
    )


def _where(in_heading: int, in_text: int) -> str:
    parts = [f"{in_heading} × A" if in_heading else "", f"{in_text} × D" if in_text else ""]
    return ", ".join(part for part in parts if part)


def _matched(count: int) -> str:
    if count < CANDIDATES:
        return f"{count:,} rows match"
    return f"the best {count:,} rows by ts_rank"
