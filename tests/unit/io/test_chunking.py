from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgvista.errors import InvalidInput
from pgvista.io.chunking import Chunk, approximate_spans, chunk_spans, chunk_text

TEXTS = st.text(alphabet="ab cd.,!?\n\t\"'é漢。😀", max_size=400)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    max_tokens = draw(st.integers(1, 60))
    return max_tokens, draw(st.integers(0, max_tokens // 2))


def positions(spans: list[tuple[int, int]], chunk: Chunk) -> list[int]:
    return [n for n, (a, b) in enumerate(spans) if chunk.start <= a and b <= chunk.end]


@given(TEXTS, sizes())
def test_chunks_cover_each_token_and_overlap_as_asked(text: str, size: tuple[int, int]) -> None:
    max_tokens, overlap = size
    spans = approximate_spans(text)
    chunks = chunk_text(text, spans, max_tokens=max_tokens, overlap=overlap)
    covered = [positions(spans, chunk) for chunk in chunks]
    assert sorted({n for part in covered for n in part}) == list(range(len(spans)))
    for chunk, part in zip(chunks, covered, strict=True):
        assert chunk.text == text[chunk.start : chunk.end]
        assert len(part) == chunk.n_tokens <= max_tokens
        assert part == list(range(part[0], part[-1] + 1)) if part else len(chunks) == 1
    for before, after in pairwise(covered):
        assert before[0] < after[0]
        assert before[-1] < after[-1]
        assert len(set(before) & set(after)) <= overlap


@given(TEXTS, sizes())
def test_chunks_are_filled_to_four_fifths_unless_the_overlap_forbids(
    text: str, size: tuple[int, int]
) -> None:
    max_tokens, overlap = size
    chunks = chunk_text(text, approximate_spans(text), max_tokens=max_tokens, overlap=overlap)
    assert all(chunk.n_tokens >= max_tokens - max_tokens // 5 for chunk in chunks[:-1])


@given(st.integers(0, 300), sizes())
def test_windows_of_spans_are_full_and_overlap_exactly(n: int, size: tuple[int, int]) -> None:
    max_tokens, overlap = size
    spans = [(3 * i, 3 * i + 2) for i in range(n)]
    windows = chunk_spans(spans, max_tokens, overlap)
    if not n:
        assert windows == []
        return
    assert windows[0][0] == 0
    assert windows[-1][1] == spans[-1][1]
    for (start, end), (next_start, _) in pairwise(windows):
        assert (end + 1 - start) // 3 == max_tokens
        assert (end + 1 - next_start) // 3 == overlap


def chunks_of(text: str, max_tokens: int, overlap: int = 0) -> list[str]:
    chunks = chunk_text(text, approximate_spans(text), max_tokens=max_tokens, overlap=overlap)
    return [chunk.text for chunk in chunks]


@pytest.mark.parametrize("text", ["", "  \n ", " short, with space around. \n"])
def test_a_short_text_is_one_chunk_unchanged(text: str) -> None:
    spans = approximate_spans(text)
    assert chunk_text(text, spans, max_tokens=20, overlap=5) == [
        Chunk(text, 0, len(text), len(spans))
    ]


def test_a_paragraph_is_preferred_to_a_later_sentence() -> None:
    text = "a b c d e f g h\n \ni. j k l m n o p q"
    assert chunks_of(text, 10) == ["a b c d e f g h", "i. j k l m n o p q"]


def test_a_sentence_is_preferred_to_a_later_word() -> None:
    assert chunks_of("a b c d e f g h. i j k l", 10) == ["a b c d e f g h.", "i j k l"]
    assert chunks_of('a b c d e f "g." h i j k l', 11) == ['a b c d e f "g."', "h i j k l"]
    assert chunks_of("a b c d e f g h\ni j k l", 10) == ["a b c d e f g h", "i j k l"]
    assert chunks_of("漢字漢字漢字漢。漢字漢", 10) == ["漢字漢字漢字漢。", "漢字漢"]


def test_a_number_or_name_with_a_point_is_no_end_of_a_sentence() -> None:
    assert chunks_of("a b c d e f 3.14 h i j", 10) == ["a b c d e f 3.14 h", "i j"]


def test_a_word_in_pieces_is_not_cut_if_it_can_be_helped() -> None:
    text = "a b c d e f g h internationalisation x"
    assert chunks_of(text, 10) == ["a b c d e f g h", "internationalisation x"]
    assert chunks_of("x" * 100, 5) == ["x" * 40, "x" * 40, "x" * 20]


def test_an_overlap_begins_with_a_word() -> None:
    text = "internationalisation b c d e f g h i j k"
    assert chunks_of("a internationalisation " + "c d e f g", 5, overlap=2) == [
        "a internationalisation c",
        "c d e f g",
    ]
    assert chunks_of(text, 10, overlap=3)[1].startswith("f g h")


def test_tokens_that_share_a_character_stay_together() -> None:
    # Tokenizers over bytes give each of the bytes of an emoji the span of the whole.
    text = "😀" * 8
    spans = [(i, i + 1) for i in range(8) for _ in range(4)]
    chunks = chunk_text(text, spans, max_tokens=10, overlap=0)
    assert [chunk.text for chunk in chunks] == ["😀😀"] * 4


@pytest.mark.parametrize(("max_tokens", "overlap"), [(0, 0), (-1, 0), (10, 6), (10, -1), (1, 1)])
def test_impossible_sizes_are_refused(max_tokens: int, overlap: int) -> None:
    with pytest.raises(InvalidInput):
        chunk_text("a", [(0, 1)], max_tokens=max_tokens, overlap=overlap)
    with pytest.raises(InvalidInput):
        chunk_spans([(0, 1)], max_tokens, overlap)


def test_approximate_spans_are_words_in_pieces_marks_and_characters() -> None:
    text = "Don't panic, internationalisation! 漢字 naïve_x"
    assert [text[a:b] for a, b in approximate_spans(text)] == (
        ["Don", "'", "t", "panic", ",", "internat", "ionalisa", "tion", "!", "漢", "字", "naïve_x"]
    )


@given(TEXTS)
def test_approximate_spans_cover_all_but_white_space(text: str) -> None:
    spans = approximate_spans(text)
    assert "".join(text[a:b] for a, b in spans) == "".join(text.split())


@pytest.mark.parametrize("unit", ["word and, more. ", "x", "\n", "漢", "a\n\n", "? "])
def test_a_megabyte_is_cut_in_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    began = time.process_time()  # of this process alone, however busy the machine is
    chunks = chunk_text(text, approximate_spans(text), max_tokens=254, overlap=127)
    assert chunks[-1].end >= len(text.rstrip())
    # Some 2 s on a slow machine; quadratic work would take minutes.
    assert time.process_time() - began < 20
