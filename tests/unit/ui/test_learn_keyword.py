"""The lesson Keyword search: what can be predicted, and its charts."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.science.bm25 import bm25_terms
from pgvista.services.lesson_keyword import Bm25Counts, MatchCounts
from pgvista.ui.learn.keyword import answer_of, answers
from pgvista.ui.learn.keyword_charts import match_figure, saturation_figure
from pgvista.ui.learn.keyword_question import fingerprint, short
from pgvista.ui.theme import DARK, LIGHT


@pytest.mark.parametrize("rows", [1, 2, 5, 6, 7, 8, 20, 100, 233, 15_000, 1_000_000])
def test_every_count_has_one_answer(rows: int) -> None:
    offered = answers(rows)
    assert 2 <= len(offered) <= 5
    for count in {0, 1, 5, 6, 7, 8, rows // 10, rows // 3, rows - 1, rows}:
        if 0 <= count <= rows:
            assert sum(count in counts for counts in offered.values()) == 1
            assert count in offered[answer_of(offered, count)]


def test_the_answers_for_the_help_centre() -> None:
    assert list(answers(233)) == ["None", "1 to 5", "6 to 22", "23 to 76", "77 or more"]
    # rows may come between two reads
    assert answer_of(answers(233), 240) == "77 or more"


def test_bars_of_rows_that_match() -> None:
    counts = MatchCounts(20, 0, "", "", (("<b>", 1), ("x" * 99, 13)), ())
    for colours in (LIGHT, DARK):
        figure = match_figure(counts, "233", colours)
        assert list(figure.data[0].x) == [1, 13, 20, 0]
        assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;"
        assert len(figure.layout.yaxis.ticktext[1]) == 24
        assert figure.layout.xaxis.title.text == "Rows that match, of 233"


def test_lexemes_lie_on_the_curve() -> None:
    counts = Bm25Counts(
        ("one", "two", "three", "none"),
        np.array([1.0, 4.0, 1.0, 0.0]),
        np.array([3, 2, 5, 9]),
        length=10,
        documents=20,
        average_length=12.0,
        sql="",
    )
    parts = bm25_terms(
        counts.frequencies,
        counts.containing,
        documents=20,
        length=10,
        average_length=12.0,
        k1=1.2,
        b=0.75,
    )
    figure = saturation_figure(counts, parts, 1.2, LIGHT)
    points = figure.data[1]
    assert list(points.x) == [1, 4, 1]
    assert list(points.text) == ["one, three", "two", ""]
    assert list(points.y) == pytest.approx(list(parts.saturation[:3]))
    # no lexeme of the question is in the row: the curve stands alone
    nothing = Bm25Counts(("a",), np.array([0.0]), np.array([1]), 0, 20, 12.0, "")
    bare = bm25_terms([0], [1], documents=20, length=0, average_length=12, k1=1.2, b=0.75)
    assert len(saturation_figure(nothing, bare, 1.2, DARK).data[1].x) == 0


def test_names_of_questions() -> None:
    assert short("a\n b   c") == "a b c"
    assert short("x" * 100, 10) == "x" * 9 + "…"
    assert fingerprint("a", "b") != fingerprint("ab", "")
    assert fingerprint("\ud800") == fingerprint("\ud800")
