"""Statements of a search: one shape, one statement; names and values kept apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.collection import PGVISTA_ROLES, Bm25, Collection
from pgvista.model.filters import parse_filter
from pgvista.model.metric import Metric
from pgvista.model.search import IterativeScan, Mode, SearchRequest
from pgvista.sql.search import knobs, search

DOCS = Collection('we"ird; drop', "do'cs", PGVISTA_ROLES, 2, bm25=Bm25(1))
VECTOR = (0.5, 0.25)


def test_names_are_quoted() -> None:
    text = search(DOCS, SearchRequest(mode=Mode.SEMANTIC, vector=VECTOR), VECTOR).text()
    assert '"we""ird; drop"."do\'cs"' in text


def test_the_same_shape_shares_its_statement_and_nothing_else() -> None:
    first = search(DOCS, SearchRequest(text="one", limit=3, rrf_k=5), VECTOR)
    second = search(DOCS, SearchRequest(text="two", limit=9, rrf_k=70), (1.0, 0.0))
    assert first.sql is second.sql
    assert (first.params["words"], second.params["words"]) == ("one", "two")
    assert (first.params["limit"], second.params["limit"]) == (3, 9)


def test_equal_numbers_of_other_types_keep_their_own_filter() -> None:
    texts = {
        search(DOCS, SearchRequest(text="a", filters=parse_filter({"k": value})), VECTOR).text()
        for value in (1, True, "1")
    }
    assert len(texts) == 3


def test_operators_of_an_extension_elsewhere_are_qualified() -> None:
    elsewhere = replace(DOCS, extension_schema="extensions", metric=Metric.L2)
    text = search(elsewhere, SearchRequest(mode=Mode.SEMANTIC, vector=VECTOR), VECTOR).text()
    assert 'operator("extensions".<->)' in text
    assert '::"extensions"."vector"' in text


def test_wrong_dimension_is_refused() -> None:
    with pytest.raises(InvalidInput, match="3 numbers"):
        search(DOCS, SearchRequest(mode=Mode.SEMANTIC, text="a"), (1.0, 2.0, 3.0))


def test_keyword_search_wants_a_text_column() -> None:
    bare = replace(DOCS, roles=replace(PGVISTA_ROLES, content=None, fts=None))
    with pytest.raises(InvalidInput, match="no text column"):
        search(bare, SearchRequest(mode=Mode.KEYWORD, text="a"), None)


def test_knobs_are_set_where_they_act() -> None:
    semantic = SearchRequest(mode=Mode.SEMANTIC, text="a", ef_search=77, probes=5)
    assert knobs(semantic, iterative_scan=True) == {"hnsw.ef_search": "77", "ivfflat.probes": "5"}
    assert knobs(replace(semantic, exact=True), iterative_scan=True) == {"enable_indexscan": "off"}
    assert knobs(replace(semantic, mode=Mode.KEYWORD), iterative_scan=True) == {}
    scanning = replace(semantic, iterative_scan=IterativeScan.STRICT, max_scan_tuples=9)
    found = knobs(scanning, iterative_scan=True)
    assert found["hnsw.iterative_scan"] == "strict_order"
    assert found["ivfflat.iterative_scan"] == "relaxed_order"
    assert found["hnsw.max_scan_tuples"] == "9"
    assert "hnsw.iterative_scan" not in knobs(scanning, iterative_scan=False)
