"""The verbs of the Python face: judged queries, near-duplicates, maps, samples, dropped indexes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pgvista
from pgvista.api import Collection
from pgvista.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from pgvista.model.evaluation import QuerySet
from pgvista.model.search import Fusion, KeywordMatch, KeywordRank, Mode, SearchRequest
from pgvista.services.judgments import save_query_set
from pgvista.services.request_dicts import request_from_dict

QUERIES = {"q1": "cat", "q2": "red moon"}
QRELS = {"q1": {"cat": 3}, "q2": {"moon": 3, "cat": 0}}


@pytest.fixture
def db(database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(database_url) as workbench:
        yield workbench


@pytest.fixture
def docs(db: pgvista.Workbench) -> Collection:
    made = db.create_collection("docs", dimension=2)
    made.upsert(
        [
            {"id": "cat", "content": "a cat on a mat", "embedding": [1, 0]},
            {"id": "moon", "content": "the moon is far", "embedding": [0, 1]},
            {"id": "cats", "content": "a cat on the mat", "embedding": [1, 0.01]},
        ]
    )
    return made


# -- knobs by name


def test_a_request_from_the_words_of_the_face() -> None:
    found = request_from_dict(
        {"text": "a", "mode": "keyword", "match": "all", "rank": "ts_rank", "metric": None}
    )
    assert found == SearchRequest(
        mode=Mode.KEYWORD,
        text="a",
        keyword_match=KeywordMatch.WEBSEARCH,
        keyword_rank=KeywordRank.TS_RANK,
    )
    filtered = request_from_dict({"text": "a", "filters": {"year": 1}, "fusion": "zscore"})
    assert filtered.filters is not None
    assert filtered.fusion is Fusion.Z_SCORE


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"colour": 1}, "no knob 'colour'"),
        ({"keyword_match": "all"}, "no knob 'keyword_match'"),
        ({"mode": "psychic"}, "mode is 'psychic', but it takes: semantic, keyword, hybrid"),
        ({"iterative_scan": None}, "iterative_scan is None"),
        ({"rrf_k": 0}, "rrf_k is 0"),
    ],
)
def test_a_request_that_cannot_be(knobs: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        request_from_dict({"text": "a"} | knobs)


# -- judged queries


def test_settings_are_measured(docs: Collection) -> None:
    found = docs.evaluate(
        QUERIES,
        QRELS,
        settings={
            "every word": {"mode": "keyword", "match": "all"},
            "any word": {"mode": "keyword"},
        },
        measures=["RR"],
    )
    assert {item.name: item.measures["RR"] for item in found.settings} == {
        "every word": 0.5,  # no row has both "red" and "moon"
        "any word": 1.0,
    }
    [first, _] = found.by_query("RR", setting=0, against=1)
    assert (first.query.id, first.gain) == ("q2", -1.0)


def test_queries_come_from_files_and_from_the_database(
    db: pgvista.Workbench, docs: Collection, tmp_path: Path
) -> None:
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    queries.write_text(
        "".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in QUERIES.items())
    )
    qrels.write_text("q1\tcat\t3\nq2\tmoon\t3\n")
    words = {"words": {"mode": "keyword"}}
    from_files = docs.evaluate(queries, str(qrels), settings=words)
    assert from_files.query_set == "queries"
    asked = docs.evaluate(QUERIES, QRELS, settings=words)
    assert from_files.settings[0].measures == asked.settings[0].measures

    saved = QuerySet("mine", (), {})
    save_query_set(db.db, docs.info, saved)
    with pytest.raises(InvalidInput, match="nothing to measure"):
        docs.evaluate("mine", settings=words)
    with pytest.raises(InvalidInput, match="nothing to measure"):
        docs.evaluate(saved, settings=words)
    with pytest.raises(NotFound, match="'yours'"):
        docs.evaluate("yours", settings=words)
    with pytest.raises(InvalidInput, match="without judgments"):
        docs.evaluate(QUERIES)
    with pytest.raises(InvalidInput, match="judgments already"):
        docs.evaluate(saved, QRELS)


@pytest.mark.parametrize(
    ("queries", "qrels", "told"),
    [
        ({"q1": 7}, QRELS, "Query 'q1' is 7, which is no text"),
        (QUERIES, {"q1": ["cat"]}, "judgments of query 'q1'"),
        (QUERIES, {"q1": {"cat": 0.5}}, "grade of document 'cat' for query 'q1' is 0.5"),
        (QUERIES, {"q1": {"cat": True}}, "is True"),
        (QUERIES, {"q1": {"cat": -1}}, "is -1"),
        ({}, {}, "nothing to measure"),
    ],
)
def test_queries_and_judgments_that_cannot_be(
    docs: Collection, queries: Any, qrels: Any, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        docs.evaluate(queries, qrels, settings={"words": {"mode": "keyword"}})


def test_ids_may_be_numbers(docs: Collection) -> None:
    queries: Any = {1: "cat"}
    qrels: Any = {1: {"cat": 1}}
    words = {"words": {"mode": "keyword"}}
    found = docs.evaluate(queries, qrels, settings=words, measures=["RR"])
    assert found.settings[0].measures["RR"] == 1.0


def test_the_queries_of_the_sample(docs: Collection) -> None:
    found = docs.evaluate(settings={"words": {"mode": "keyword"}})
    assert found.queries == 80
    assert len(found.unknown_documents) > 0


def test_a_grid_takes_options_by_name(docs: Collection) -> None:
    with pytest.raises(InvalidInput, match="no option 'colour'"):
        docs.evaluate_grid(QUERIES, QRELS, colour=1)
    with pytest.raises(InvalidInput, match="fusions is 'glue'"):
        docs.evaluate_grid(QUERIES, QRELS, fusions=["glue"])


# -- near-duplicates


def test_one_row_of_each_group_is_kept(docs: Collection) -> None:
    scan = docs.scan_duplicates()
    assert scan.nearest.shape == (3,)
    [group] = docs.duplicates(threshold=0.01, scan=scan)
    assert docs.duplicates(threshold=0.01) == (group,)
    assert set(group.ids) == {"cat", "cats"}
    plan = docs.plan_keep([group], "longest")
    assert (plan.keep, plan.delete) == (("cats",), ("cat",))
    assert docs.count() == 3
    assert docs.carry_out(plan) == 1
    assert [row.id for row in docs.get(["cat", "cats", "moon"])] == ["cats", "moon"]
    with pytest.raises(Conflict):
        docs.carry_out(plan)
    with pytest.raises(InvalidInput, match="keep is 'prettiest', but it takes: first, longest"):
        docs.plan_keep([group], "prettiest")


# -- maps


def test_a_map_is_written_and_deleted(docs: Collection, tmp_path: Path) -> None:
    made = docs.map(method="pca")
    placed = docs.place_on_map(made, [1.0, 0.0], limit=2)
    assert [hit.id for hit in placed.neighbours] == ["cat", "cats"]
    of_row = docs.place_on_map(made, row_id="cat", limit=1)
    assert [hit.id for hit in of_row.neighbours] == ["cats"]
    with pytest.raises(InvalidInput, match="exactly one"):
        docs.place_on_map(made)
    target = docs.write_map(made, tmp_path / "map.html")
    assert target.read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(PermissionDenied, match="cannot be written"):
        docs.write_map(made, tmp_path / "nowhere" / "map.svg")
    with pytest.raises(InvalidInput, match=r"map\.doc"):
        docs.write_map(made, "map.doc")
    docs.delete_map(made.info.number)
    assert docs.maps() == []
    with pytest.raises(NotFound):
        docs.delete_map(made.info.number)


# -- rows, samples and indexes


def test_all_rows_are_read_with_their_vectors(docs: Collection) -> None:
    assert [row.id for row in docs.rows()] == ["cat", "cats", "moon"]
    assert [row.id for row in docs.rows(limit=2)] == ["cat", "cats"]
    assert list(docs.rows(limit=0)) == []
    [row] = docs.rows(filters={"content": {"$like": "%moon%"}})
    assert row.embedding is not None
    assert row.embedding.tolist() == [0, 1]
    with pytest.raises(InvalidInput, match="limit is -1"):
        docs.rows(limit=-1)


def test_more_rows_than_a_page(docs: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgvista.services.rows.PAGE", 2)
    assert [row.id for row in docs.rows()] == ["cat", "cats", "moon"]
    assert len(list(docs.rows(limit=3))) == 3


def test_a_sample_is_loaded_once(db: pgvista.Workbench) -> None:
    loaded = db.load_sample("help_centre", limit=2)
    assert (loaded.name, loaded.count()) == ("help_centre", 2)
    assert db.load_sample("help_centre", limit=2).count() == 2
    with pytest.raises(NotFound, match="no sample called 'novels'"):
        db.load_sample("novels")


def test_an_index_is_dropped_by_its_name(docs: Collection) -> None:
    made = docs.create_index("hnsw", vector_type="halfvec")
    docs.drop_index(made.name)
    assert all(index.method != "hnsw" for index in docs.indexes())
    assert docs.info.index_cast is None
    with pytest.raises(NotFound, match="no index"):
        docs.drop_index(made.name)
    [key] = [index.name for index in docs.indexes() if index.primary]
    with pytest.raises(NotFound):
        docs.drop_index(key)
