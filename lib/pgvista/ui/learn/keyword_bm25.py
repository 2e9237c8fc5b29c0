"""Keyword search, BM25: one hit's score taken apart, with k1 and b to turn."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.search import KeywordRank, Mode, SearchRequest, SearchResult
from pgvista.science.bm25 import Bm25Terms, bm25_terms
from pgvista.services.lesson_keyword import Bm25Counts, bm25_counts
from pgvista.services.search import search
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import plural
from pgvista.ui.learn.frame import keep_in_address, presenting, sql_behind
from pgvista.ui.learn.keyword_charts import saturation_chart
from pgvista.ui.learn.keyword_question import begin_anew, knob_value, question, short, title
from pgvista.ui.search_request import BM25_B, BM25_K1, Knob
from pgvista.ui.theme import palette

K1, B = "learn_keyword_k1", "learn_keyword_b"
KNOBS = {K1: BM25_K1.default, B: BM25_B.default}
PARTS_KEY = "learn_keyword_parts"
"""Where the question of this step is kept."""
_HIT = "learn_keyword_hit"
_HITS = 200
_OFFERED = 8
_FORMULAS = (
    r"\text{term} = \text{idf} \cdot \frac{f\,(k_1 + 1)}{f + k_1 \cdot \text{length factor}}",
    r"\text{idf} = \ln\Bigl(1 + \frac{N - n + 0.5}{n + 0.5}\Bigr)",
)


def bm25_request(text: str) -> SearchRequest:
    """Return the keyword search that the lesson takes apart, with the knobs as they stand."""
    return SearchRequest(
        mode=Mode.KEYWORD,
        text=text,
        keyword_rank=KeywordRank.BM25,
        bm25_k1=knob_value(BM25_K1, K1),
        bm25_b=knob_value(BM25_B, B),
    )


@st.fragment
def bm25_parts(db: Database, collection: Collection, starts: dict[str, str]) -> None:
    """Draw the parts of one hit's score; a moved knob repaints this part alone."""
    keep_in_address(KNOBS)
    with guarded():
        if collection.bm25 is None:
            raise InvalidInput(
                f"{collection.name} has no statistics for BM25, so its parts cannot be shown.",
                "Build them on the Collections page, or choose another collection.",
            )
        asked, picked, first, second = st.columns([3, 3, 2, 2], gap="medium")
        with asked:
            text = question(db, collection, starts, key=PARTS_KEY, label="Question")
        if text is None:
            return
        with first:
            k1 = _knob(K1, BM25_K1)
        with second:
            b = _knob(B, BM25_B)
        request = replace(bm25_request(text), bm25_k1=k1, bm25_b=b, limit=_HITS, highlight=False)
        found = search(db, collection, request)
        if not found.hits:
            st.info(
                f"**No row to take apart.** {' '.join(map(plain, found.notes))}",
                icon=":material/search_off:",
            )
            return
        with picked:
            row_id = _pick(found, text)
        counts = bm25_counts(db, collection, text, row_id)
        parts = _parts(counts, k1, b)
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _table(counts, parts, b)
            score = next(hit.score for hit in found.hits if hit.id == row_id)
            same = abs(parts.score - score) <= 1e-9
            st.markdown(
                f"The terms sum to **{parts.score:.4f}**; `search()` gives this row "
                f"**{score:.4f}**" + (", the same." if same else ": rows changed meanwhile.")
            )
        with right:
            saturation_chart(counts, parts, k1, key="learn_keyword_saturation")
        for column, formula in zip(st.columns(len(_FORMULAS)), _FORMULAS, strict=True):
            column.markdown(f"$$\n\\small {formula}\n$$")
        sql_behind((counts.sql, found.sql), name="bm25_sql")


def _knob(key: str, knob: Knob) -> float:
    return live_slider(
        knob.label,
        key=key,
        minimum=knob.minimum,
        maximum=knob.maximum,
        value=knob.default,
        step=knob.step,
        format=knob.format,
        help=knob.help,
    )


def _pick(found: SearchResult, text: str) -> str:
    """Let one of the best hits be chosen, and return its id; as k1 and b move, it stays chosen."""
    places = {hit.id: place for place, hit in enumerate(found.hits, 1)}
    kept = st.session_state.get(_HIT)
    offered = {
        hit.id: short(title(hit), 28 if presenting() else 70)
        for hit in found.hits
        if places[hit.id] <= _OFFERED or hit.id == kept
    }
    begin_anew(_HIT, text, offered)
    chosen: str = st.selectbox(
        "Hit",
        list(offered),
        key=_HIT,
        format_func=lambda row_id: f"#{places[row_id]} · {offered[row_id]}",
        persist_state="session",
        label_visibility="collapsed" if presenting() else "visible",
    )
    return chosen


def _parts(counts: Bm25Counts, k1: float, b: float) -> Bm25Terms:
    return bm25_terms(
        counts.frequencies,
        counts.containing,
        documents=counts.documents,
        length=counts.length,
        average_length=counts.average_length,
        k1=k1,
        b=b,
    )


def _table(counts: Bm25Counts, parts: Bm25Terms, b: float) -> None:
    frame = pd.DataFrame(
        {
            "lexeme": counts.lexemes,
            "f": counts.frequencies,
            "n": counts.containing,
            "idf": parts.idf,
            "counts": parts.saturation,
            "term": parts.terms,
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        key="learn_keyword_terms",
        hide_index=True,
        column_config={
            "f": number("f", format="%g", help="How often the lexeme is in this row"),
            "n": number("n", format="%d", help="How many rows hold the lexeme"),
            "idf": number("idf", format="%.3f", help="What its rarity counts"),
            "counts": number("f counts", format="%.3f", help="What its frequency counts here"),
            "term": st.column_config.ProgressColumn(
                "term",
                format="%.3f",
                min_value=0.0,
                max_value=max(float(parts.terms.max(initial=0)), 1e-9),
                color=palette().keyword,
                help="idf times what the frequency counts",
            ),
        },
    )
    st.markdown(
        f":gray[N = {plural(counts.documents, 'row')} · length factor 1 − b + b · length / average = "
        f"{1 - b:.2f} + {b:.2f} · {counts.length:,} / {counts.average_length:.1f} = "
        f"{parts.norm:.2f}]"
    )
