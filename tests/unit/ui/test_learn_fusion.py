"""The lesson Fusion: its sums by hand, and what a rank is worth."""

from __future__ import annotations

import pytest

from pgvista.services.fusion import LedgerRow
from pgvista.ui.learn.fusion_charts import RANKS, worth_figure, worth_of
from pgvista.ui.learn.fusion_lists import moved
from pgvista.ui.learn.fusion_terms import FAR_DOWN, rrf_sum
from pgvista.ui.theme import DARK, LIGHT


def test_the_guides_example() -> None:
    assert rrf_sum(3, 9, 0.0) == (1 / 3, 1 / 9, 1 / 3 + 1 / 9)
    assert round(rrf_sum(3, 9, 0.0)[2], 3) == 0.444
    assert rrf_sum(1, None, 1.0) == (0.5, 0.0, 0.5)  # rank 1 at k 1: 1 / (1 + 1)


def test_a_list_without_the_row_adds_nothing() -> None:
    assert rrf_sum(None, 4, 60.0) == (0.0, 1 / 64, 1 / 64)
    assert rrf_sum(None, None, 60.0)[2] == 0


@pytest.mark.parametrize("k", [1, 2, 10, 60, 1000])
def test_two_ranks_beat_rank_1_down_to_k_plus_1(k: int) -> None:
    first = rrf_sum(1, None, k)[2]
    assert rrf_sum(k + 1, k + 1, k)[2] > first
    assert rrf_sum(k + 2, k + 2, k)[2] == pytest.approx(first)
    assert rrf_sum(k + 3, k + 3, k)[2] < first


def test_what_a_rank_is_worth() -> None:
    worth = worth_of(60.0)
    assert (worth[0], worth.shape) == (1, (RANKS,))
    assert worth[61] == pytest.approx(0.5)  # rank 62
    assert worth_of(1.0)[2] == pytest.approx(0.5)  # rank 3
    for colours in (LIGHT, DARK):
        figure = worth_figure(60.0, FAR_DOWN, colours)
        assert figure.data[1].y[0] == pytest.approx(61 / 110)
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text


@pytest.mark.parametrize(
    ("before", "place", "said"), [(5, 3, "↑ 2"), (1, 4, "↓ 3"), (2, 2, ""), (None, 7, "")]
)
def test_how_far_a_row_moved(before: int | None, place: int, said: str) -> None:
    row = LedgerRow(place, "x", None, None, None, None, 0.0, 0.0, 0.0, place_before=before)
    assert moved(row) == said
