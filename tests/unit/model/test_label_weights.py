"""Label weights as text: what is read, what is refused, and that both ways agree."""

from __future__ import annotations

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.label_weights import (
    BM25_LABEL_WEIGHTS,
    check_label_weights,
    parse_label_weights,
    written_label_weights,
)


@pytest.mark.parametrize("text", ["1, 0.4, 0.2, 0.1", "1;.4;.2;.1", " 1,0.4 ,0.2,0.1 "])
def test_four_numbers(text: str) -> None:
    assert parse_label_weights(text) == (1.0, 0.4, 0.2, 0.1)


def test_nothing_is_no_weights() -> None:
    assert parse_label_weights("  ") is None
    assert written_label_weights(None) == ""


def test_both_ways_agree() -> None:
    written = written_label_weights(BM25_LABEL_WEIGHTS)
    assert written == "3, 2, 1.5, 1"
    assert parse_label_weights(written) == BM25_LABEL_WEIGHTS


@pytest.mark.parametrize("text", ["1", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,", "{1,2,3,4}"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="are no label weights") as caught:
        parse_label_weights(text)
    assert "A, B, C and D" in caught.value.hint


@pytest.mark.parametrize("text", ["nan,1,1,1", "1,-0.1,1,1", "1,1,101,1", "1,1,1,inf"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"The weight of label [ABCD] is .* from 0 to 100"):
        parse_label_weights(text)


def test_wrong_count_is_refused() -> None:
    with pytest.raises(InvalidInput, match="four numbers"):
        check_label_weights((1.0, 1.0))
