"""Fusion of two lists: figures worked out by hand, ties, empty lists, and what no list may break."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgvista.model.search import Fusion
from pgvista.science.fusion import coverage, distribution, fuse, min_max, spread, z_score

METHODS = list(Fusion)
SEMANTIC = [("a", -0.1), ("b", -0.2), ("c", -0.5)]
KEYWORD = [("c", 8.0), ("d", 2.0)]


def scores(method: Fusion, *lists: Any, **settings: Any) -> dict[str, float]:
    semantic, keyword = lists or (SEMANTIC, KEYWORD)
    fused = fuse(method, semantic, keyword, **settings)
    return dict(zip(fused.ids, fused.score.tolist(), strict=True))


def test_reciprocal_rank_fusion() -> None:
    found = scores(Fusion.RRF, k=10, semantic_weight=2.0, keyword_weight=1.0)
    assert found == {"c": 2 / 13 + 1 / 11, "a": 2 / 11, "b": 2 / 12, "d": 1 / 12}
    assert list(found) == ["c", "a", "b", "d"]


def test_by_coverage_a_keyword_hit_counts_by_how_much_of_the_query_it_covers() -> None:
    # KEYWORD's scores are 8 and 2: of 4, the first covers all and the second half, squared
    found = scores(Fusion.COVERAGE, k=10, covering=4.0)
    assert found == {"a": 1 / 11, "b": 1 / 12, "c": 1 / 13 + 1 / 11, "d": 0.25 / 12}
    assert scores(Fusion.COVERAGE, k=10) == scores(Fusion.RRF, k=10)
    assert scores(Fusion.RRF, k=10, covering=4.0) == scores(Fusion.RRF, k=10)


def test_coverage_grows_with_the_score_up_to_one() -> None:
    assert coverage(np.array([0.0, 1.0, 2.0, 4.0, 9.0]), 4.0).tolist() == [0, 1 / 16, 1 / 4, 1, 1]


def test_min_max() -> None:
    found = scores(Fusion.MIN_MAX, semantic_weight=1.0, keyword_weight=0.5)
    assert found == pytest.approx({"a": 1, "b": 0.75, "c": 0.5, "d": 0})


def test_z_score() -> None:
    # semantic: mean -4/15, sd sqrt(((1/6)^2 + (1/15)^2 + (7/30)^2) / 2); keyword: 5, sd sqrt(18)
    sd = math.sqrt((1 / 36 + 1 / 225 + 49 / 900) / 2)
    low, high = -(7 / 30) / sd, 3 / math.sqrt(18)
    found = scores(Fusion.Z_SCORE)
    assert found == pytest.approx(
        {"c": low + high, "a": 1 / 6 / sd - high, "b": 1 / 15 / sd - high, "d": low - high}
    )


def test_distribution() -> None:
    # keyword: mean 5, sd sqrt(18): 8 is 1/sqrt(2) sd above the mean
    found = scores(Fusion.DISTRIBUTION, semantic_weight=0.0)
    above = 0.5 + 1 / math.sqrt(2) / 6
    assert found == pytest.approx({"c": above, "d": 1 - above, "a": 0, "b": 0})
    assert list(found) == ["c", "d", "a", "b"]


def test_equal_scores_have_no_deviation_though_their_sum_is_rounded() -> None:
    same = np.full(7, 0.1)
    assert spread(same)[1] == 0
    assert min_max(same).values.tolist() == [1] * 7
    assert z_score(same).values.tolist() == [0] * 7
    assert z_score(same).missing == -1
    assert distribution(same).values.tolist() == [0.5] * 7


@pytest.mark.parametrize("method", METHODS)
def test_the_only_row_of_a_list_is_better_than_none(method: Fusion) -> None:
    found = scores(method, [("a", -0.1), ("b", -0.1)], [("b", 3.0)])
    assert list(found) == ["b", "a"]
    assert found["b"] > found["a"]


@pytest.mark.parametrize("method", METHODS)
def test_empty_lists(method: Fusion) -> None:
    assert scores(method, [], []) == {}
    alone = fuse(method, SEMANTIC, [])
    assert alone.ids == ("a", "b", "c")
    assert alone.keyword_term.tolist() == [0, 0, 0]
    assert alone.keyword_rank.tolist() == [0, 0, 0]
    assert fuse(method, [], KEYWORD).ids == ("c", "d")


def test_a_score_far_below_the_others_counts_no_less_than_none() -> None:
    values = np.array([1.0] * 50 + [0.999] * 50 + [-1000.0])
    assert distribution(values).values[-1] == 0


@pytest.mark.parametrize("method", METHODS)
def test_of_ties_the_nearer_by_meaning_stands_first_and_they_are_counted(method: Fusion) -> None:
    near, worded = ["b", "ä"], ["Z", "ä", "\U0001f40b", "a"]
    fused = fuse(
        method,
        [(row_id, 1.0) for row_id in near],
        [(row_id, 1.0) for row_id in worded],
        semantic_weight=0.0,
        keyword_weight=0.0,
    )
    assert fused.ids == ("b", "ä", "Z", "\U0001f40b", "a")
    assert set(fused.tied().values()) == {4}
    swapped = fuse(Fusion.RRF, [("x", 2.0), ("a", 1.0)], [("a", 2.0), ("x", 1.0)])
    assert swapped.ids == ("x", "a")
    assert fuse(Fusion.RRF, SEMANTIC, []).tied() == {}


def test_an_id_that_stands_in_a_list_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        fuse(Fusion.RRF, [("a", -1.0), ("a", -2.0)], [])


def lists() -> st.SearchStrategy[list[tuple[str, float]]]:
    number = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 6))
    return st.dictionaries(st.text(min_size=1, max_size=3), number, max_size=30).map(
        lambda found: sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )


@given(
    method=st.sampled_from(METHODS),
    semantic=lists(),
    keyword=lists(),
    k=st.floats(1e-9, 1000),
    weights=st.tuples(st.floats(0, 10), st.floats(0, 10)),
)
def test_what_holds_for_all_lists(
    method: Fusion,
    semantic: list[tuple[str, float]],
    keyword: list[tuple[str, float]],
    k: float,
    weights: tuple[float, float],
) -> None:
    fused = fuse(
        method, semantic, keyword, k=k, semantic_weight=weights[0], keyword_weight=weights[1]
    )
    assert set(fused.ids) == {row_id for row_id, _ in (*semantic, *keyword)}
    assert len(fused.ids) == len(set(fused.ids))
    assert np.isfinite(fused.score).all()
    assert (fused.semantic_term + fused.keyword_term == fused.score).all()
    last = len(fused.ids) + 1
    places = [
        np.where(rank == 0, last, rank).tolist()
        for rank in (fused.semantic_rank, fused.keyword_rank)
    ]
    order = list(zip((-fused.score).tolist(), *places, strict=True))
    assert order == sorted(order)
    for ranks, terms, scored in (
        (fused.semantic_rank, fused.semantic_term, semantic),
        (fused.keyword_rank, fused.keyword_term, keyword),
    ):
        by_rank = [terms[np.flatnonzero(ranks == rank)[0]] for rank in range(1, len(scored) + 1)]
        assert by_rank == sorted(by_rank, reverse=True)  # a better place never counts less
        missing = terms[ranks == 0]
        if by_rank and missing.size:
            assert missing.max() <= by_rank[-1]  # and to be missing is never better
