"""The lesson Keyword search: lexemes, which rows match, how they rank, and what words cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import DEFAULT_TEXT_CONFIG, Collection
from pgvista.model.search import KeywordRank
from pgvista.services.collections import stats, text_configs
from pgvista.services.lesson_keyword import MOST_TOKENS, Token, count_matches, take_apart
from pgvista.services.search import search
from pgvista.ui.components.lexeme_strip import LexemeCard, lexeme_strip
from pgvista.ui.components.ranked_lists import RankedColumn, RankedRow, ranked_lists
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import plural
from pgvista.ui.format import rows as rows_text
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import (
    Step,
    keep_in_address,
    predict,
    presenting,
    sql_behind,
    verdict,
)
from pgvista.ui.learn.keyword_bm25 import bm25_parts
from pgvista.ui.learn.keyword_charts import match_chart
from pgvista.ui.learn.keyword_labels import labels
from pgvista.ui.learn.keyword_limits import limits
from pgvista.ui.learn.keyword_question import any_word, fingerprint, question, short, title
from pgvista.ui.search_names import RANK

SENTENCE = "Error E2041: the LK-320's subtitles keep flickering on bigger displays"
QUESTIONS = {
    "help_centre": "my monitor keeps blinking",
    "python_reference": "wait for several tasks to finish",
}
PARTS = {
    "help_centre": "bigger subtitles on MP-50",
    "python_reference": "length of a vector",
}
LABELLED = {"help_centre": "text size", "python_reference": "random sample"}
"""What the fields begin with, by the name of a sample's table."""

LANGUAGE = "learn_keyword_language"
_QUESTION = "learn_keyword_question"
_SENTENCE = "learn_keyword_sentence"


def keyword_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step("lexemes", "Postgres keeps lexemes, not words", lambda: _lexemes(db), _NOTES[0]),
        Step("match", "Every word, or any word", _on_rows(db, _match), _NOTES[1]),
        Step("rank", "Three rankings of the same rows", _on_rows(db, _rank), _NOTES[2]),
        Step(
            "labels",
            "A word in the heading can count more",
            _on_rows(db, lambda db, collection: labels(db, collection, LABELLED)),
            _NOTES[3],
        ),
        Step(
            "bm25",
            "A BM25 score is a sum over lexemes",
            _on_rows(db, lambda db, found: bm25_parts(db, found, PARTS)),
            _NOTES[4],
        ),
        Step(
            "limits",
            "What only words find, and what they never find",
            _on_rows(db, limits),
            _NOTES[5],
        ),
    )


def _on_rows(db: Database, body: Callable[[Database, Collection], None]) -> Callable[[], None]:
    """Return a step's body that runs on a collection with texts, where there is one."""

    def draw() -> None:
        collection = lesson_collection(db, needs="text", rows=1)
        if collection is not None:
            body(db, collection)

    return draw


# -- lexemes


@st.fragment
def _lexemes(db: Database) -> None:
    keep_in_address({LANGUAGE: DEFAULT_TEXT_CONFIG})
    with guarded():
        languages = text_configs(db)
        if st.session_state.get(LANGUAGE) not in languages:
            st.session_state[LANGUAGE] = (
                DEFAULT_TEXT_CONFIG if DEFAULT_TEXT_CONFIG in languages else languages[0]
            )
        st.session_state.setdefault(_SENTENCE, SENTENCE)
        left, right = st.columns([4, 1])
        text = left.text_input("A sentence", key=_SENTENCE, persist_state="session", live="400ms")
        language = right.selectbox("Language", languages, key=LANGUAGE, persist_state="session")
        found = take_apart(db, text, language)
        if not found.tokens:
            st.info(
                "**Nothing is left to look up.** "
                + ("Type a sentence." if not text.strip() else "These are no words to the parser."),
                icon=":material/keyboard:",
            )
            return
        lexeme_strip([_card(token) for token in found.tokens], key="learn_keyword_strip")
        stopped = sum(token.is_stop_word for token in found.tokens)
        kept = sum(bool(token.lexemes) for token in found.tokens)
        said = [
            f"**{plural(found.total, 'token')}**",
            f"{kept:,} kept",
            f"{plural(stopped, 'stop word')} left out, whose places still count",
        ]
        if found.total > len(found.tokens):
            said[1:] = [f"the first {MOST_TOKENS} are shown"]
        st.markdown(" · ".join(said))
        if not kept:
            st.info(
                "**Only stop words:** no lexeme is left, so a search by these words finds no row.",
                icon=":material/info:",
            )
        else:
            st.markdown(
                "Beneath each token: its type by the parser, and the dictionary that brings it to its lexeme "
                "or drops it. Question and rows are brought to lexemes the same way, so *displays* finds "
                "*display*."
            )
        sql_behind(found.sql, name="lexemes_sql")


def _card(token: Token) -> LexemeCard:
    kept = " ".join(
        f"{lexeme}:{place}" if place is not None else lexeme
        for lexeme, place in zip(token.lexemes, token.positions, strict=True)
    )
    why = "stop word" if token.is_stop_word else "in no dictionary"
    dictionary = token.dictionary or "no dictionary"
    said = f"{token.described}, {dictionary}" + (f": keeps {kept}" if kept else f": {why}")
    return LexemeCard(token.text, kept, why, token.kind, dictionary, said)


# -- matching


def _match(db: Database, collection: Collection) -> None:
    text = question(db, collection, QUESTIONS, key=_QUESTION, label="Question")
    if text is None:
        return
    counts = count_matches(db, collection, text)
    if not counts.any_tsquery:
        st.info(
            "**Only stop words are left of the question,** so no row can match. Ask with a word "
            "that means something.",
            icon=":material/info:",
        )
        return
    held = stats(db, collection)
    rows = held.rows
    offered = answers(rows)
    guess = predict(
        f"every_{fingerprint(collection.name, text)}",
        f"How many of the {rows_text(held)} rows of {plain(collection.name)} hold every word of "
        f"“{plain(short(text))}”?",
        list(offered),
    )
    if guess is None:
        return
    verdict(
        guess,
        answer_of(offered, counts.rows_all),
        f"{_hold(counts.rows_all)} every word, {plural(counts.rows_any, 'row')} at least one of "
        f"them. {_every_word_says(counts.rows_all, counts.rows_any)}",
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        match_chart(counts, rows_text(held), key="learn_keyword_matches")
    with right:
        st.markdown("`websearch_to_tsquery` asks for **every** word:")
        st.code(short(counts.all_tsquery, 160) or "(empty)", language=None, wrap_lines=True)
        st.markdown("The same lexemes joined by `|` ask for **any** of them:")
        st.code(short(counts.any_tsquery, 160), language=None, wrap_lines=True)
    sql_behind(counts.sql, name="match_sql")


def _hold(count: int) -> str:
    if not count:
        return "No row holds"
    return "1 row holds" if count == 1 else f"{count:,} rows hold"


def _every_word_says(rows_all: int, rows_any: int) -> str:
    if not rows_all and rows_any:
        return (
            "A question in plain words seldom has all of them in one row: let any match, and rank."
        )
    if rows_all == rows_any:
        return "Here both find the same rows."
    return "Rows with every word come first when any may match and the ranking is good."


def answers(rows: int) -> dict[str, range]:
    """Return the answers to choose from, each with the counts that it stands for."""
    edges = [edge for edge in (1, 6, max(7, rows // 10), max(8, rows // 3)) if edge <= rows]
    found = {"None": range(1)}
    for low, high in pairwise([*edges, rows + 1]):
        last = high == rows + 1
        name = f"{low:,} or more" if last else f"{low:,} to {high - 1:,}"
        found[name] = range(low, high)
    return found


def answer_of(offered: dict[str, range], count: int) -> str:
    """Return the answer that stands for `count`; the last for more rows than were counted."""
    return next((name for name, counts in offered.items() if count in counts), list(offered)[-1])


# -- ranking


def _rank(db: Database, collection: Collection) -> None:
    text = question(db, collection, QUESTIONS, key=_QUESTION, label="Question")
    if text is None:
        return
    limit = 6 if presenting() else 8
    columns, statements = [], []
    for rank in (KeywordRank.TS_RANK, KeywordRank.TS_RANK_CD, KeywordRank.BM25):
        if rank is KeywordRank.BM25 and collection.bm25 is None:
            columns.append(
                RankedColumn(
                    "BM25", (), "keyword", empty="No statistics: the Collections page builds them."
                )
            )
            continue
        request = replace(any_word(text), keyword_rank=rank, limit=limit, highlight=False)
        found = search(db, collection, request)
        statements.append(found.sql)
        columns.append(
            RankedColumn(
                RANK[rank],
                [
                    RankedRow(hit.id, place, title(hit), f"{hit.score:.4f}")
                    for place, hit in enumerate(found.hits, 1)
                ],
                "keyword",
                _RANK_SAYS[rank],
                " ".join(found.notes) or "Nothing found",
            )
        )
    ranked_lists(columns, key="learn_keyword_ranks")
    counts = count_matches(db, collection, text)
    if counts.each:
        spread = ", ".join(
            f"**{plain(lexeme)}** in {plural(rows, 'row')}" for lexeme, rows in counts.each[:6]
        )
        st.markdown(
            f"How rare each word is: {spread}. BM25 alone looks at that: the rarer the word, the "
            "more it counts."
        )
    sql_behind(statements, name="rank_sql")


_RANK_SAYS = {
    KeywordRank.TS_RANK: "how often",
    KeywordRank.TS_RANK_CD: "how close together",
    KeywordRank.BM25: "how often, how rare, how long",
}


_NOTES = (
    "Ask which of these words a search must not care about, and what should become of *subtitles* "
    "and *subtitle*. The usual wrong idea: that full-text search compares letters. Then change the "
    "language: with *simple* nothing is dropped and nothing loses its ending. Look at LK-320: the "
    "parser takes it for a word and the number -320.",
    "Let the class say a number aloud before it is revealed. The usual wrong idea: more words make a "
    "better question; with every word required, each further word can only lose rows. The published "
    "recipes for hybrid search require every word, and then their keyword list is often empty.",
    "Ask: should *keep* count as much as *monitor*? `ts_rank` looks at how often, `ts_rank_cd` at how "
    "close together; neither knows the other rows. Scores of two rankings cannot be compared, only "
    "their orders.",
    "Drag the weight of D from 0.1 to 1 and ask when the order must change. The usual wrong idea: "
    "labels work by themselves; they count only when the vector was made with `setweight`. In BM25 "
    "the labels' weights multiply the frequency instead.",
    "Follow one lexeme through its line of the table: how rare, how often, how long the row. Set k1 "
    "to 0 and ask what the score says now; set b to 0 and then to 1. The usual wrong idea: ten times "
    "the word is ten times as good.",
    "Ask for synonyms of the class's own trade, and for codes that a model cannot know. Neither way "
    "of searching is the better one: the next lesson puts their lists together.",
)
