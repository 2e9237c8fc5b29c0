from dataclasses import replace
from typing import Any

from pgvista.model.filters import parse_filter
from pgvista.model.search import Fusion, KeywordMatch, KeywordRank, Mode, SearchRequest
from pgvista.ui.search_names import (
    FUSION,
    MATCH,
    RANK,
    SHORT_FUSION,
    against_recipe,
    settings_before,
)

ASKED = SearchRequest(text="cat", depth=100, ef_search=100)


def test_every_choice_has_a_name() -> None:
    assert set(FUSION) == set(SHORT_FUSION) == set(Fusion)
    assert set(MATCH) == set(KeywordMatch)
    assert set(RANK) == set(KeywordRank)


def test_the_setting_before_is_told_where_it_differs() -> None:
    assert settings_before(ASKED, ASKED) == ""
    assert settings_before(ASKED, replace(ASKED, rrf_k=1.0)) == "k 60"
    assert settings_before(ASKED, replace(ASKED, limit=20, text="dog", lists=True)) == ""
    assert settings_before(ASKED, replace(ASKED, depth=50, ef_search=50)) == "depth 100"
    assert settings_before(ASKED, replace(ASKED, fusion=Fusion.MIN_MAX)) == "RRF by coverage"
    assert (
        settings_before(ASKED, replace(ASKED, mode=Mode.KEYWORD, ef_search=40)) == "hybrid search"
    )
    weighted = replace(ASKED, label_weights=(1, 1, 0.5, 1))
    assert settings_before(ASKED, weighted) == "the usual label weights"
    assert settings_before(weighted, ASKED) == "label weights 1, 1, 0.5, 1"
    assert settings_before(replace(ASKED, text_config="german"), ASKED) == "language german"
    filtered = replace(ASKED, filters=parse_filter({"year": 1970}))
    assert settings_before(ASKED, filtered) == "no filter"
    assert settings_before(filtered, ASKED) == "the filter before"
    many = replace(ASKED, rrf_k=1.0, semantic_weight=0.5, keyword_weight=0.5)
    assert settings_before(ASKED, many) == "k 60, semantic weight 1, …"


def test_every_setting_that_can_change_has_words() -> None:
    others: dict[str, Any] = {
        "metric": "l2",
        "max_distance": 0.5,
        "exact": True,
        "probes": 3,
        "text_config": "german",
        "bm25_k1": 0.5,
        "bm25_b": 0.5,
        "rank_normalization": 2,
        "keyword_match": KeywordMatch.PHRASE,
        "iterative_scan": "strict_order",
    }
    for name, value in others.items():
        other = replace(ASKED, **{name: value})
        assert settings_before(ASKED, other)
        assert settings_before(other, ASKED)


def test_what_differs_from_the_recipe() -> None:
    said = against_recipe(KeywordMatch.ANY_WORD, KeywordRank.BM25)
    assert "any word instead of every word, BM25 instead of ts_rank_cd" in said
    assert "instead" not in against_recipe(KeywordMatch.WEBSEARCH, KeywordRank.TS_RANK_CD)
