"""A search request refuses what is out of range, and knows how many rows it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.search import MAX_QUERY_BYTES, Mode, SearchRequest


@pytest.mark.parametrize(
    "knobs",
    [
        {"limit": 0},
        {"limit": 10_001},
        {"limit": 2.5},
        {"limit": True},
        {"ef_search": 0},
        {"ef_search": 1001},
        {"probes": 32_769},
        {"rrf_k": 0},
        {"rrf_k": 1001},
        {"rrf_k": float("nan")},
        {"semantic_weight": -0.1},
        {"keyword_weight": 11},
        {"depth": 0},
        {"max_distance": float("nan")},
        {"max_scan_tuples": 0},
    ],
)
def test_out_of_range_is_refused_by_name(knobs: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(knobs))):
        SearchRequest(text="words", **knobs)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("text", [None, "", "   "])
def test_empty_query_is_refused(mode: Mode, text: str | None) -> None:
    with pytest.raises(InvalidInput):
        SearchRequest(mode=mode, text=text)


def test_too_long_query_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer than"):
        SearchRequest(text="x" * (MAX_QUERY_BYTES + 1))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_query_vector_must_be_finite(number: float) -> None:
    with pytest.raises(InvalidInput, match="NaN or infinity"):
        SearchRequest(mode=Mode.SEMANTIC, vector=(1.0, number))


def test_lists_of_a_hybrid_search_are_deep_enough() -> None:
    assert SearchRequest(text="a").list_depth == 100
    assert SearchRequest(text="a", limit=80).list_depth == 160
    assert SearchRequest(text="a", limit=80, depth=10).list_depth == 80


def test_ef_search_follows_the_rows_asked() -> None:
    assert SearchRequest(text="a", mode=Mode.SEMANTIC).effective_ef_search == 40
    assert SearchRequest(text="a").effective_ef_search == 100
    assert SearchRequest(text="a", limit=5000).effective_ef_search == 1000
    assert SearchRequest(text="a", ef_search=7).effective_ef_search == 7
