"""What the lessons on embeddings and axes say and draw, without a page."""

from __future__ import annotations

import numpy as np
import pytest

from pgvista.embed.tokens import TextTokens
from pgvista.science.axis import AxisShares
from pgvista.services.lesson_axis import AxisPositions, AxisRows
from pgvista.ui.components.phrase_board import MAX_CHARS, _cell, read_sent, short_name
from pgvista.ui.learn.axis_charts import share_figure, share_rows, strip_figure
from pgvista.ui.learn.axis_rows import Axis
from pgvista.ui.learn.embedding_phrases import (
    common_words,
    option,
    phrase_notes,
    quoted,
    small_figure,
)
from pgvista.ui.theme import DARK, LIGHT


def tokens(*pieces: str, total: int | None = None, unknown: int = 0) -> TextTokens:
    return TextTokens(pieces, total or len(pieces), 256, 2, unknown, 30_522)


@pytest.mark.parametrize(
    ("value", "text"), [(0.8088, "0.81"), (-0.051, "−0.05"), (-0.001, "0.00"), (np.nan, "–")]
)
def test_cells(value: float, text: str) -> None:
    assert _cell(value)["text"] == text


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "text",
        {"values": ["a"], "seq": 1, "set": 2},
        {"values": ["a", 1], "seq": 1, "set": 2},
        {"values": "ab", "seq": 1, "set": 2},
        {"values": ["a", "b"], "seq": True, "set": 2},
        {"values": ["a", "b"], "seq": 1, "set": 1},
    ],
)
def test_what_the_fields_did_not_send_is_passed_over(sent: object) -> None:
    assert read_sent(sent, 2, 2) is None


def test_phrases_arrive_as_text_that_can_be_stored() -> None:
    values = ["\ud83d half", "x" * (MAX_CHARS + 5)]
    found = read_sent({"values": values, "seq": 7, "set": 2}, 2, 2)
    assert found == (("? half", "x" * MAX_CHARS), 7)


def test_names_are_one_short_line() -> None:
    assert short_name("a\n b") == "a b"
    assert short_name("  \n") == "(empty)"
    assert short_name("x" * 100_000, 10) == "x" * 9 + "…"
    assert "\0" not in short_name("a\0b")
    assert option(1, "![a](http://b) *c*") == "B · a (http //b) c"
    assert quoted("*a*") == r"“\*a\*”"


def test_common_words() -> None:
    assert common_words("The cat", "the kitten") == "They share the word “the”."
    assert common_words("cat", "kitten") == "They share no word."
    assert common_words("a b", "b a") == "They share the words “a”, “b”."
    assert common_words("a b c d e", "e d c b a") == "They share 5 words."
    assert common_words("", "") == "They share no word."


def test_ordinary_phrases_need_no_note() -> None:
    assert phrase_notes(("cat", "café"), (tokens("cat"), tokens("caf", "##e"))) == ()


def test_differences_next_to_nothing() -> None:
    assert small_figure(3.7e-8) == "0.00000004"
    assert small_figure(0) == "0.00000001"


def axis(count: int = 3) -> Axis:
    rows = AxisRows(
        tuple(f"r{n}" for n in range(count)),
        tuple(f"<b>text</b> {n}" if n else "" for n in range(count)),
        np.zeros((count, 2), np.float32),
        count,
    )
    order = np.arange(count)[::-1]
    found = AxisPositions(order, np.linspace(-0.5, 0.5, count), 0, 0.0, 1.0, "")
    ends = np.array([[-1, 0], [1, 0]], np.float32)
    return Axis("<i>low", "high", ends, np.array([1, 0], np.float32), rows, found, ())


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_the_strip_shows_texts_as_they_are(colours: object) -> None:
    figure = strip_figure(axis(), colours, 1)  # type: ignore[arg-type]
    assert list(figure.data[0].customdata) == ["&lt;b&gt;text&lt;/b&gt; 2", "&lt;b&gt;text&lt;/b&gt; 1", "r0"]  # fmt: skip
    assert list(figure.data[1].x) == [0]
    assert [item.text for item in figure.layout.annotations] == ["“&lt;i&gt;low”", "“high”"]
    assert axis(1).text(0) == "r0"


def test_the_bars_of_shares() -> None:
    even = np.full(20, 0.01)
    shares = AxisShares(0.02, even, np.linspace(0, 1, 21), 0.3)
    assert [(name, value) for name, value, _, _ in share_rows(shares, "a → b")] == [
        ("A random direction", 0.01),
        ("a → b", 0.02),
        ("From one row to another", 0.5),
        ("The first principal component", 0.3),
    ]
    assert len(share_figure(shares, "<a>", LIGHT).data) == 4
    alone = AxisShares(0.0, even, np.zeros(0), 0.0)
    assert len(share_rows(alone, "a → b")) == 3
