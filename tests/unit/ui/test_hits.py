from collections.abc import Mapping
from typing import Any

from pgvista.model.search import Hit, Mode, Span
from pgvista.ui.components.hits import MAX_TITLE_CHARS, Sum, _row, explain, headline


def hit(
    content: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    snippet: tuple[Span, ...] = (),
    **other: Any,
) -> Hit:
    return Hit(
        id="a",
        content=content,
        metadata=metadata or {},
        columns=other.pop("columns", {}),
        score=other.pop("score", 1.0),
        snippet=snippet,
        **other,
    )


def text(spans: tuple[Span, ...]) -> str:
    return "".join(f"[{span.text}]" if span.marked else span.text for span in spans)


def both(found: Hit) -> tuple[str, str]:
    title, snippet = headline(found)
    return text(title), text(snippet)


def test_a_title_in_the_metadata_stands_above_the_snippet() -> None:
    found = hit("Open the settings.", {"title": "Font size"}, (Span("Open the settings."),))
    assert both(found) == ("Font size", "Open the settings.")


def test_a_title_that_the_snippet_begins_with_is_not_repeated_and_keeps_its_marks() -> None:
    snippet = (Span("Font "), Span("size", marked=True), Span("\n\nOpen the "), Span("menu", True))
    found = hit("Font size\n\nOpen the menu", {"title": "font size"}, snippet)
    assert both(found) == ("Font [size]", "Open the [menu]")


def test_words_are_marked_in_a_title_that_is_searched() -> None:
    marked = (Span(" Font "), Span("size", marked=True))
    found = hit("Open it.", {"title": "Font size"}, (Span("Open it."),), title=marked)
    assert both(found) == ("Font [size]", "Open it.")
    other = hit("Open it.", {"title": "Fonts"}, (Span("Open it."),), title=marked)
    assert both(other) == ("Fonts", "Open it.")  # the words of another title were looked at
    words = tuple(Span(f"word{number} ", number % 2 == 1) for number in range(60))
    long = hit("x", {"title": "".join(span.text for span in words).strip()}, title=words)
    title, _ = headline(long)
    assert title[1].marked
    assert title[-1].text == "…"
    assert len(text(title).replace("[", "").replace("]", "")) <= 2 * MAX_TITLE_CHARS


def test_a_title_that_ends_inside_a_word_of_the_snippet_is_no_repetition() -> None:
    found = hit("Fonts are fine.", {"title": "Font"}, (Span("Fonts are fine."),))
    assert both(found) == ("Font", "Fonts are fine.")


def test_without_a_title_the_first_line_serves() -> None:
    found = hit("Cables\nPlug it in.", snippet=(Span("Plug it "), Span("in", marked=True)))
    assert both(found) == ("Cables", "Plug it [in]")


def test_without_a_title_the_first_sentence_of_a_long_line_serves() -> None:
    line = "Scale models for research . " + "an investigation is made of parameters " * 5
    title, snippet = both(hit(line))
    assert title == "Scale models for research"
    assert snippet.startswith("an investigation")


def test_a_long_first_sentence_is_cut_at_a_word() -> None:
    title, snippet = both(hit("word " * 60))
    assert title.endswith("word…")
    assert len(title) <= 90
    assert snippet.startswith("word")


def test_a_row_without_text_is_named_by_its_id() -> None:
    assert both(hit(None)) == ("a", "")


def test_chips_tell_the_chunk_and_leave_the_title_out() -> None:
    row = _row(
        hit(
            "x",
            {"title": "T", "_parent": "manual.md", "_chunk": 3, "lang": "de", "pages": 7, "e": ""},
            columns={"price": 12.5},
        )
    )
    assert row["chips"] == [
        ["chunk 3 of manual.md"] * 2,
        ["price 12.5", "price: 12.5"],
        ["de", "lang: de"],
        ["pages 7", "pages: 7"],
    ]


def test_more_than_six_chips_are_counted_and_long_ones_are_cut() -> None:
    row = _row(hit("x", {f"field{i}": "long " * 20 for i in range(8)}))
    chips = row["chips"]
    assert isinstance(chips, list)
    assert len(chips) == 6
    assert row["more"] == 2
    assert all(len(shown) <= 40 and shown.endswith("…") for shown, _ in chips)


def test_a_very_long_text_is_sent_in_part() -> None:
    row = _row(hit("x" * 25_000))
    assert len(str(row["content"])) == 20_000
    assert row["cut"] == 5_000


def test_hybrid_shares_are_relative_to_the_best_score() -> None:
    found = hit("x", score=0.03, semantic_rank=1, semantic_term=0.01, keyword_term=None)
    said = explain(found, Mode.HYBRID, best=0.04)
    assert said["bars"] == [["semantic", 0.25], ["keyword", 0.0]]
    assert said["lines"] == [
        ["semantic", "semantic #1", "", "0.0100", ""],
        ["keyword", "keyword –", "", "", ""],
    ]
    assert (said["total"], said["tied"]) == ("0.0300", "")


def test_a_hybrid_hit_tells_its_sum() -> None:
    found = hit("x", score=-0.5, semantic_rank=4, distance=0.412)
    how = ("1 × … = 1.0000", "not in the list")
    total = Sum(("distance 0.412", ""), (1.0, -1.5), (0.4, 0.0), how, tied=1)
    said = explain(found, Mode.HYBRID, best=0.04, found=total)
    assert said["bars"] == [["semantic", 0.4], ["keyword", 0.0]]
    assert said["lines"] == [
        ["semantic", "semantic #4", "distance 0.412", "1.0000", how[0]],
        ["keyword", "keyword –", "", "−1.5000", how[1]],
    ]
    assert said["total"] == "−0.5000"
    assert said["tied"] == "tied with 1 other, the nearer by meaning first"


def test_semantic_shows_distance_and_similarity_of_any_size() -> None:
    cosine = explain(hit("x", score=0.75, distance=0.25), Mode.SEMANTIC, best=0.75)
    assert cosine["bars"] == [["semantic", 0.75]]
    assert cosine["lines"] == [["semantic", "distance 0.2500", "", "", ""]]
    product = explain(hit("x", score=20.0, distance=-20.0), Mode.SEMANTIC, best=40.0)
    assert product["bars"] == [["semantic", 0.5]]
    opposite = explain(hit("x", score=-0.5, distance=1.5), Mode.SEMANTIC, best=-0.5)
    assert opposite["bars"] == [["semantic", 0.0]]


def test_keyword_shares_are_relative_to_the_best_rank_score() -> None:
    said = explain(hit("x", score=0.1, keyword_rank=2), Mode.KEYWORD, best=0.4)
    assert said["bars"] == [["keyword", 0.25]]
    assert said["lines"] == [["keyword", "keyword #2", "", "", ""]]
