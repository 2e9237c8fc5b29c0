"""Fusion, k and weights: what comes first when k falls from 60 to 1, and then the knobs."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pgvista.services.fusion import LedgerRow
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.ranked_lists import ranked_lists
from pgvista.ui.errors import guarded, plain
from pgvista.ui.learn.frame import keep_in_address, predict, presenting, sql_behind, verdict
from pgvista.ui.learn.fusion_lists import (
    KEYWORD,
    KNOBS,
    SEMANTIC,
    K,
    Lists,
    current,
    fused_column,
    keyword_column,
    semantic_column,
    shown,
)
from pgvista.ui.learn.keyword_question import fingerprint, short
from pgvista.ui.search_ledger import Ledger
from pgvista.ui.search_request import KEYWORD_WEIGHT, RRF_K, SEMANTIC_WEIGHT

FROM, TO = 60.0, 1.0
"""k before and after."""


def k_and_weights(lists: Lists) -> None:
    """Ask which row comes first at k 1; then draw the lists with the knobs."""
    before, after = lists.fused(rrf_k=FROM), lists.fused(rrf_k=TO)
    names = _contenders(lists, before, after)
    first = after.fused.ids[0]
    if len(names) < 2:
        st.markdown(":gray[One row is first in all lists, whatever k is.]")
        _knobs(lists)
        return
    guess = predict(
        f"k_{fingerprint(lists.collection.name, lists.text)}",
        f"At k {FROM:g}, {plain(short(names[before.fused.ids[0]], 50))} comes first. "
        f"Which row does when k is {TO:g}?",
        list(names.values()),
    )
    if guess is None:
        _draw(lists, before, shown())
        return
    if st.session_state.get(_SHOWN) != guess.shown:
        # What was asked about is what is seen first; from then on, the knob is the reader's.
        st.session_state[_SHOWN] = guess.shown
        st.session_state[K] = TO
    verdict(guess, names[first], _why(after, before.fused.ids[0]))
    _knobs(lists)


_SHOWN = "_learn_fusion_k_shown"


def _contenders(lists: Lists, before: Ledger, after: Ledger) -> dict[str, str]:
    """Return names of the rows that could come first, all different, by id."""
    ids = dict.fromkeys(
        [
            before.fused.ids[0],
            *(row_id for row_id, _ in lists.candidates.semantic[:1]),
            *(row_id for row_id, _ in lists.candidates.keyword[:1]),
            after.fused.ids[0],
        ]
    )
    named = {row_id: short(name, 60) for row_id, name in lists.titles(list(ids)).items()}
    values = list(named.values())
    return {
        row_id: name if values.count(name) == 1 else f"{name} ({short(row_id, 20)})"
        for row_id, name in named.items()
    }


def _why(after: Ledger, former: str) -> str:
    """Return the sum of the row that comes first, beside that of the row that did."""
    rows = {row.id: row for row in after.rows()}
    first = rows[after.fused.ids[0]]
    if first.id == former:
        return f"It stays first: {_sum(first, TO)}."
    return f"{_sum(first, TO)}; what led at k {FROM:g} has {_sum(rows[former], TO)}."


def _sum(row: LedgerRow, k: float) -> str:
    parts = [
        f"1/({k:g} + {rank})" for rank in (row.semantic_rank, row.keyword_rank) if rank is not None
    ]
    return f"{' + '.join(parts)} = {row.score:.3f}"


@st.fragment
def _knobs(lists: Lists) -> None:
    """Draw the knobs and the lists; a moved knob repaints this part alone."""
    keep_in_address(KNOBS)
    with guarded():
        for column, (key, knob) in zip(
            st.columns(3, gap="medium"),
            (
                (SEMANTIC, SEMANTIC_WEIGHT),
                (K, replace(RRF_K, label="k")),
                (KEYWORD, KEYWORD_WEIGHT),
            ),
            strict=True,
        ):
            with column:
                live_slider(
                    knob.label,
                    key=key,
                    minimum=knob.minimum,
                    maximum=knob.maximum,
                    value=knob.default,
                    step=knob.step,
                    log=knob.log,
                    format=knob.format,
                    help=knob.help,
                )
        _draw(lists, lists.fused(**current()), shown(beside_knobs=True))
        if not presenting():
            sql_behind(lists.result.sql, name="k_sql")


def _draw(lists: Lists, found: Ledger, most: int) -> None:
    terms = {row.id: row for row in found.rows()}
    settings = found.request

    def term(row_id: str, place: int, name: str) -> dict[str, str]:
        row = terms[row_id]
        value = row.semantic_term if name == "semantic" else row.keyword_term
        weight = settings.semantic_weight if name == "semantic" else settings.keyword_weight
        return {"note": f"{weight:g} / ({settings.rrf_k:g} + {place}) = {value:.4f}"}

    ranked_lists(
        [
            semantic_column(lists, most, lambda row_id, place: term(row_id, place, "semantic")),
            fused_column(
                lists,
                found,
                most,
                "Fused",
                before=lists.fused().order,
                note=f"k {settings.rrf_k:g} · arrows: against k {FROM:g}",
            ),
            keyword_column(lists, most, lambda row_id, place: term(row_id, place, "keyword")),
        ],
        key="learn_fusion_lists",
    )
