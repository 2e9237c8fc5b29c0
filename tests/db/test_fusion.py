"""Fusion in Postgres and fusion from the lists already fetched: both ways agree, bit for bit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.db.psql import psql_ids
from tests.db.test_api_search import EAST, at

import pgvista
from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.model.search import Fusion, Hit, KeywordRank, Mode, SearchRequest, SearchResult
from pgvista.services import fusion
from pgvista.services.fusion import fuse_again, fuse_lists, ledger, ledger_frame, same_lists
from pgvista.services.search import search

ODD_IDS = ["it's", 'a "b"', "ä", "Z", "a", "\U0001f40b", "%s", "日本", "\\", "null", "a,b", "{}"]
WORDS = ("apple", "pear", "stone", "sand", "river")


@pytest.fixture(scope="module")
def workbench(module_database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def mixed(workbench: pgvista.Workbench) -> pgvista.Collection:
    """60 rows with all kinds of ids, distances and texts, some of them the same."""
    made = workbench.create_collection("mixed", dimension=3)
    random = np.random.default_rng(5)
    ids = [*ODD_IDS, *(f"row{number}" for number in range(48))]
    made.upsert(
        {
            "id": row_id,
            "content": " ".join(random.choice(WORDS, size=random.integers(1, 9))),
            "metadata": {"n": number},
            "embedding": [1.0, *random.integers(-3, 4, 2)],
        }
        for number, row_id in enumerate(ids)
    )
    return made


@pytest.fixture(scope="module")
def same(workbench: pgvista.Workbench) -> pgvista.Collection:
    """Rows that are all alike: every score is the same, in both lists."""
    made = workbench.create_collection("same", dimension=3)
    made.upsert(
        {"id": row_id, "content": "apple stone", "embedding": [0.1, 0.2, 0.7]} for row_id in ODD_IDS
    )
    return made


def asking(text: str = "apple river", **settings: Any) -> SearchRequest:
    return SearchRequest(
        **{
            "mode": Mode.HYBRID,
            "text": text,
            "vector": (1.0, 0.5, -0.25),
            "limit": 200,
            "lists": True,
            **settings,
        }
    )


def terms(hit: Hit) -> tuple[float, float]:
    return hit.semantic_term or 0.0, hit.keyword_term or 0.0


def check(collection: pgvista.Collection, request: SearchRequest) -> SearchResult:
    """Ask Postgres, fuse its lists here, and compare everything; return what Postgres found."""
    found = search(collection.db, collection.info, request)
    assert found.lists is not None
    here = fuse_lists(request, found.lists)
    assert [hit.id for hit in found.hits] == list(here.ids[: request.limit])
    for place, hit in enumerate(found.hits):
        assert hit.score == here.score[place]
        assert terms(hit) == (here.semantic_term[place], here.keyword_term[place])
        assert (hit.semantic_rank or 0) == here.semantic_rank[place]
        assert (hit.keyword_rank or 0) == here.keyword_rank[place]
    assert len(found.lists.semantic) == found.semantic_rows
    assert len(found.lists.keyword) == found.keyword_rows
    return found


SETTINGS: list[dict[str, Any]] = [
    {},
    {"rrf_k": 1e-9},
    {"rrf_k": 1000.0, "semantic_weight": 0.05, "keyword_weight": 1.95},
    {"semantic_weight": 0.0},
    {"keyword_weight": 0},
    {"semantic_weight": 0, "keyword_weight": 0},
    {"depth": 7, "limit": 5},
    {"depth": 1, "limit": 1},
    {"metric": pgvista.model.metric.Metric.INNER_PRODUCT},
    {"metric": pgvista.model.metric.Metric.L2, "max_distance": 1.5},
    {"max_distance": -1.0},
    {"keyword_rank": KeywordRank.TS_RANK_CD},
    {"text": "zebra"},
    {"text": "the of and"},
]


@pytest.mark.parametrize("method", Fusion)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["mixed", "same"])
def test_both_ways_agree(
    request: pytest.FixtureRequest, name: str, settings: dict[str, Any], method: Fusion
) -> None:
    check(request.getfixturevalue(name), asking(fusion=method, **settings))


@pytest.mark.parametrize("method", Fusion)
def test_both_ways_agree_on_one_row_and_on_none(
    workbench: pgvista.Workbench, method: Fusion
) -> None:
    one = workbench.create_collection(f"one_{method}", dimension=3)
    assert check(one, asking(fusion=method)).hits == ()
    one.upsert([{"id": "x", "content": "apple", "embedding": [1, 2, 3]}])
    assert len(check(one, asking(fusion=method)).hits) == 1


@pytest.mark.parametrize("method", Fusion)
def test_rows_infinitely_far_are_in_no_list(workbench: pgvista.Workbench, method: Fusion) -> None:
    far = workbench.create_collection(f"far_{method}", dimension=3)
    far.upsert(
        {"id": str(size), "content": "apple", "embedding": [size, -size, size]}
        for size in (1.0, 2.0, 3e38)
    )
    for metric in pgvista.model.metric.Metric:
        found = check(far, asking(fusion=method, metric=metric))
        assert all(np.isfinite(hit.score) for hit in found.hits)


def test_every_setting_from_the_lists_of_every_other(mixed: pgvista.Collection) -> None:
    settings: list[dict[str, Any]] = [
        {"fusion": method, "rrf_k": k, "semantic_weight": weight}
        for method, k, weight in itertools.product(Fusion, (1.0, 60.0), (0.3, 1.0))
    ]
    requests = [asking(limit=10, depth=60, **one) for one in settings]
    found = [search(mixed.db, mixed.info, one) for one in requests]
    for start, target in itertools.permutations(range(len(requests)), 2):
        assert same_lists(requests[start], requests[target])
        known = {hit.id: hit for hit in found[start].hits}
        again = fuse_again(mixed.db, mixed.info, requests[target], found[start], known)
        assert again is not None
        assert again.hits == found[target].hits
        assert again.sql == found[target].sql
        assert again.lists == found[target].lists


def test_postgres_is_asked_for_new_rows_alone_and_only_once(
    mixed: pgvista.Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asking(limit=3, semantic_weight=0.0)
    found = search(mixed.db, mixed.info, request)
    known = {hit.id: hit for hit in found.hits}
    asked: list[Any] = []
    query = Database.query

    def counted(self: Database, statement: Any, values: Any, **more: Any) -> Any:
        asked.append(values.get("ids"))
        return query(self, statement, values, **more)

    monkeypatch.setattr(Database, "query", counted)
    other = replace(request, semantic_weight=1.0, keyword_weight=0.0)
    again = fuse_again(mixed.db, mixed.info, other, found, known)
    assert again is not None
    assert asked == [[hit.id for hit in again.hits if hit.id not in known]]
    assert "database" in again.timings_ms
    back = fuse_again(mixed.db, mixed.info, request, again, known)
    assert back is not None
    assert back.hits == found.hits
    assert len(asked) == 1
    assert "database" not in back.timings_ms


def test_without_any_weight_the_order_is_said_to_mean_nothing(mixed: pgvista.Collection) -> None:
    told = "Both weights are 0: every hit has the same score, and the order says nothing."
    request = asking(limit=3)
    found = search(mixed.db, mixed.info, request)
    assert told not in found.notes
    none = replace(request, semantic_weight=0, keyword_weight=0)
    assert told in search(mixed.db, mixed.info, none).notes
    known = {hit.id: hit for hit in found.hits}
    again = fuse_again(mixed.db, mixed.info, none, found, known)
    assert again is not None
    assert again.notes == (*found.notes, told)
    back = fuse_again(mixed.db, mixed.info, request, again, known)
    assert back is not None
    assert back.notes == found.notes


def test_postgres_must_be_asked_again(workbench: pgvista.Workbench) -> None:
    docs = workbench.create_collection("going", dimension=3)
    docs.upsert(
        {"id": str(n), "content": "apple " * n, "embedding": [1, n, 0]} for n in range(1, 6)
    )
    request = asking(limit=2, semantic_weight=0.0)
    found = search(docs.db, docs.info, request)
    other = replace(request, semantic_weight=1.0, keyword_weight=0.0)
    assert found.lists is not None
    wanted = search(docs.db, docs.info, other).hits
    docs.delete(ids=[wanted[0].id])
    assert fuse_again(docs.db, docs.info, other, found, {}) is None  # a row is gone
    bare = replace(found, lists=None)
    assert fuse_again(docs.db, docs.info, other, bare, {}) is None
    twice = replace(found, lists=replace(found.lists, keyword=(("1", 1.0), ("1", 0.5))))
    assert fuse_again(docs.db, docs.info, other, twice, {}) is None


def test_other_lists_are_not_the_same(mixed: pgvista.Collection) -> None:
    request = asking()
    assert same_lists(request, replace(request, rrf_k=1.0, fusion=Fusion.MIN_MAX))
    for other in ({"depth": 9}, {"text": "pear"}, {"limit": 5}, {"keyword_rank": "ts_rank_cd"}):
        assert not same_lists(request, replace(request, **other))


@pytest.mark.parametrize("method", Fusion)
def test_the_statement_shown_gives_the_same_hits(
    mixed: pgvista.Collection, module_database_url: str, method: Fusion
) -> None:
    found = search(mixed.db, mixed.info, asking(limit=10, fusion=method, semantic_weight=0.7))
    assert psql_ids(module_database_url, found.sql) == [hit.id for hit in found.hits]


def test_lists_come_when_asked_for(mixed: pgvista.Collection) -> None:
    assert search(mixed.db, mixed.info, asking(lists=False)).lists is None
    assert search(mixed.db, mixed.info, asking(mode=Mode.KEYWORD)).lists is None


def test_a_row_covers_the_query_from_three_quarters_of_the_sum_of_idf(
    mixed: pgvista.Collection,
) -> None:
    """Words that no row has count too, and most."""
    count = mixed.count()
    having = {
        word: len(mixed.search(word, mode="keyword", limit=count).hits)
        for word in ("apple", "river", "zebra")
    }
    assert having["zebra"] == 0 < having["apple"] < count
    idf = {word: math.log(1 + (count - rows + 0.5) / (rows + 0.5)) for word, rows in having.items()}
    for text in ("apple", "apple river", "apple apple zebra"):
        lists = search(mixed.db, mixed.info, asking(text)).lists
        assert lists is not None
        words = set(text.split())
        assert lists.covering == pytest.approx(0.75 * sum(idf[word] for word in words), abs=1e-8)
    for nothing in ({"text": "zebra"}, {"keyword_rank": KeywordRank.TS_RANK}):
        lists = search(mixed.db, mixed.info, asking(**nothing)).lists
        assert lists is not None
        assert lists.covering is None


def test_a_word_that_nobody_wrote_does_not_pass_for_found(mixed: pgvista.Collection) -> None:
    """Its other words are common, so the rows that have them count little beside the nearest."""
    found = search(mixed.db, mixed.info, asking("apple zebra quagga okapi", limit=5)).hits
    plain = search(
        mixed.db, mixed.info, asking("apple zebra quagga okapi", limit=5, fusion=Fusion.RRF)
    ).hits
    assert [hit.semantic_rank for hit in found] == [1, 2, 3, 4, 5]
    assert [hit.semantic_rank for hit in plain] != [1, 2, 3, 4, 5]


def test_the_ledger_tells_every_candidate(same: pgvista.Collection) -> None:
    request = asking(text="apple", depth=len(ODD_IDS), limit=3)
    found = search(same.db, same.info, request)
    assert found.lists is not None
    before = {row_id: place for place, row_id in enumerate(sorted(ODD_IDS, reverse=True), 1)}
    rows = ledger(fuse_lists(request, found.lists), found.lists, before)
    assert [row.place for row in rows] == list(range(1, len(ODD_IDS) + 1))
    first = rows[0]
    assert first.id == sorted(ODD_IDS)[0] == "%s"
    assert (first.semantic_rank, first.keyword_rank) == (1, 1)
    assert first.score == first.semantic_term + first.keyword_term == 2 / 61
    assert first.place_before == before["%s"]
    assert first.tied == 0
    level = ledger(
        fuse_lists(replace(request, fusion=Fusion.MIN_MAX), found.lists), found.lists, most=5
    )
    assert {row.tied for row in level} == {len(ODD_IDS) - 1}
    assert [row.id for row in level] == sorted(ODD_IDS)[:5]
    frame = ledger_frame(rows)
    assert frame["id"].tolist() == [row.id for row in rows]
    assert frame["place_before"].tolist() == [before[row.id] for row in rows]
    assert ledger_frame(()).empty
    assert fusion.UNFUSED["rrf_k"] == SearchRequest(text="x").rrf_k


def test_the_python_face_takes_every_setting(
    workbench: pgvista.Workbench, mixed: pgvista.Collection
) -> None:
    fruit = workbench.create_collection("face", model=EAST.name)
    fruit.upsert(
        {"id": text, "content": text, "embedding": at(20 * number)}
        for number, text in enumerate(("pear", "apple", "apple apple"))
    )
    found = fruit.search("apple", fusion="minmax", lists=True, embedder=EAST)
    assert found.lists is not None
    assert [row_id for row_id, _ in found.lists.semantic] == ["pear", "apple", "apple apple"]
    assert {hit.id: hit.semantic_term for hit in found.hits}["pear"] == 1
    assert mixed.search([1.0, 0.5, -0.25], lists=True).lists is None
    plain = mixed.search("apple", mode="keyword", rank="ts_rank").hits[0]
    heavy = mixed.search(
        "apple", mode="keyword", rank="ts_rank", label_weights=(1.0, 1.0, 1.0, 0.5)
    )
    assert heavy.hits[0].score == pytest.approx(5 * plain.score)  # D counts 0.1 by default
    whole = mixed.search("apple", mode="keyword", rank="ts_rank", rank_normalization=0)
    assert whole.hits[0].score > plain.score
    first = mixed.search("apple", mode="keyword", bm25_k1=0, bm25_b=0).hits
    assert len({hit.score for hit in first}) == 1  # without k1 a row has the word or has it not
    with pytest.raises(InvalidInput, match="coverage, rrf, minmax, zscore, dbsf"):
        mixed.search("apple", fusion="luck")
