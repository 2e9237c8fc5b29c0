"""Searches through the Python face, with results worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.db.psql import psql_ids, psql_rows

import pgvista
from pgvista.embed.registry import DEFAULT_MODEL
from pgvista.errors import InvalidInput, QueryFailed
from pgvista.services.search_defaults import set_search_defaults

WIDTH = 384


def at(degrees: float) -> list[float]:
    """A unit vector in the plane of the first two dimensions."""
    angle = math.radians(degrees)
    return [math.cos(angle), math.sin(angle), *[0.0] * (WIDTH - 2)]


class East:
    """Takes every query to point east, in the name of the packaged model."""

    name = DEFAULT_MODEL
    dimension = WIDTH
    max_tokens = 256

    def embed_documents(
        self,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> NDArray[np.float32]:
        return np.array([at(0) for _ in texts], dtype=np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return np.array(at(0), dtype=np.float32)

    def token_spans(self, text: str) -> list[tuple[int, int]] | None:
        return None


EAST = East()

# id, degrees from the query's direction, text: the semantic order is a b c d e f
FRUIT = [
    ("a", 0, "stone"),
    ("b", 10, "apple"),
    ("c", 20, "apple pear"),
    ("d", 30, "stone pear"),
    ("e", 40, "apple apple"),
    ("f", 50, "sand"),
]


@pytest.fixture(scope="module")
def db(module_database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(module_database_url) as workbench:
        yield workbench


@pytest.fixture(scope="module")
def fruit(db: pgvista.Workbench) -> pgvista.Collection:
    made = db.create_collection("fruit", model=DEFAULT_MODEL)
    made.upsert([{"id": k, "content": text, "embedding": at(d)} for k, d, text in FRUIT])
    return made


def ids(result: Any) -> list[str]:
    return [hit.id for hit in result.hits]


# -- the three modes


def test_semantic_order_distance_and_score(fruit: pgvista.Collection) -> None:
    found = fruit.search("anything", mode="semantic", embedder=EAST)
    assert ids(found) == ["a", "b", "c", "d", "e", "f"]
    for rank, (hit, (_, degrees, _)) in enumerate(zip(found.hits, FRUIT, strict=True), 1):
        assert hit.semantic_rank == rank
        assert hit.keyword_rank is None
        assert hit.distance == pytest.approx(1 - math.cos(math.radians(degrees)), abs=1e-6)
        assert hit.score == pytest.approx(math.cos(math.radians(degrees)), abs=1e-6)
    assert (found.semantic_rows, found.keyword_rows) == (6, None)
    assert found.notes == ()


def test_a_vector_instead_of_words(fruit: pgvista.Collection) -> None:
    found = fruit.search(at(50), limit=3)
    assert ids(found) == ["f", "e", "d"]
    assert ids(fruit.search(tuple(at(50)), mode="semantic", limit=1)) == ["f"]
    with pytest.raises(InvalidInput, match="needs words"):
        fruit.search(at(50), mode="hybrid")


@pytest.mark.parametrize(
    ("metric", "distances"),
    [
        ("cosine", [0, 1 - math.cos(math.radians(10))]),
        ("l2", [0, 2 * math.sin(math.radians(5))]),
        ("inner_product", [-1, -math.cos(math.radians(10))]),
        ("l1", [0, 1 - math.cos(math.radians(10)) + math.sin(math.radians(10))]),
    ],
)
def test_metrics(fruit: pgvista.Collection, metric: str, distances: list[float]) -> None:
    found = fruit.search(at(0), metric=metric, limit=2)
    assert ids(found) == ["a", "b"]
    assert [hit.distance for hit in found.hits] == pytest.approx(distances, abs=1e-6)
    assert found.hits[0].score > found.hits[1].score


def test_keyword_order(fruit: pgvista.Collection) -> None:
    found = fruit.search("apples", mode="keyword")
    assert ids(found) == ["e", "b", "c"]
    assert ids(fruit.search("apples", mode="keyword", rank="ts_rank")) == ["b", "e", "c"]
    assert [hit.keyword_rank for hit in found.hits] == [1, 2, 3]
    scores = [hit.keyword_score for hit in found.hits]
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert all(hit.semantic_rank is None and hit.score == hit.keyword_score for hit in found.hits)
    assert [(span.text, span.marked) for span in found.hits[2].snippet] == [
        ("apple", True),
        (" pear", False),
    ]


def test_any_word_and_all_words(fruit: pgvista.Collection) -> None:
    assert set(ids(fruit.search("stone apple", mode="keyword"))) == {"a", "b", "c", "d", "e"}
    assert ids(fruit.search("stone apple", mode="keyword", match="all")) == []
    assert ids(fruit.search("stone pear", mode="keyword", match="all")) == ["d"]
    assert set(ids(fruit.search("pear -apple", mode="keyword", match="all"))) == {"d"}
    assert ids(fruit.search('"apple pear"', mode="keyword", match="all")) == ["c"]
    none = fruit.search("stone apple", mode="keyword", match="all")
    assert none.notes == (
        "No row holds all of these words. Any-word matching finds rows with some of them.",
    )


def test_both_rank_functions(fruit: pgvista.Collection) -> None:
    scores = {
        rank: fruit.search("apple pear", mode="keyword", rank=rank).hits[0].keyword_score
        for rank in ("ts_rank", "ts_rank_cd")
    }
    assert scores["ts_rank"] != scores["ts_rank_cd"]


# -- reciprocal rank fusion
# semantic: a1 b2 c3 d4 e5 f6; keyword "apple": b1 e2 c3


@pytest.mark.parametrize(
    ("k", "semantic", "keyword", "expected"),
    [
        (
            60,
            1.0,
            1.0,
            {
                "b": 1 / 62 + 1 / 61,
                "c": 1 / 63 + 1 / 63,
                "e": 1 / 65 + 1 / 62,
                "a": 1 / 61,
                "d": 1 / 64,
                "f": 1 / 66,
            },
        ),
        (
            1,
            1.0,
            1.0,
            {
                "b": 1 / 3 + 1 / 2,
                "a": 1 / 2,
                "c": 1 / 4 + 1 / 4,
                "e": 1 / 6 + 1 / 3,
                "d": 1 / 5,
                "f": 1 / 7,
            },
        ),
        (
            60,
            2.0,
            0.5,
            {
                "b": 2 / 62 + 0.5 / 61,
                "c": 2 / 63 + 0.5 / 63,
                "e": 2 / 65 + 0.5 / 62,
                "a": 2 / 61,
                "d": 2 / 64,
                "f": 2 / 66,
            },
        ),
        (
            10,
            0.0,
            3.0,
            {"b": 3 / 11, "e": 3 / 12, "c": 3 / 13, "a": 0.0, "d": 0.0, "f": 0.0},
        ),
    ],
)
def test_rrf_scores(
    fruit: pgvista.Collection, k: float, semantic: float, keyword: float, expected: dict[str, float]
) -> None:
    found = fruit.search(
        "apple",
        mode="hybrid",
        rrf_k=k,
        semantic_weight=semantic,
        keyword_weight=keyword,
        rank="ts_rank",
        embedder=EAST,
    )
    # of equal scores, the nearer by meaning stands first: a to f lie in this order
    assert ids(found) == sorted(expected, key=lambda key: (-expected[key], key))
    for hit in found.hits:
        assert hit.score == pytest.approx(expected[hit.id], rel=1e-12)
        terms = (hit.semantic_term or 0) + (hit.keyword_term or 0)
        assert terms == pytest.approx(hit.score, rel=1e-12)
    ranks = {hit.id: (hit.semantic_rank, hit.keyword_rank) for hit in found.hits}
    assert ranks == {
        "a": (1, None),
        "b": (2, 1),
        "c": (3, 3),
        "d": (4, None),
        "e": (5, 2),
        "f": (6, None),
    }
    assert (found.semantic_rows, found.keyword_rows) == (6, 3)


def test_depth_cuts_both_lists(fruit: pgvista.Collection) -> None:
    found = fruit.search("apple", mode="hybrid", limit=2, depth=2, embedder=EAST)
    assert (found.semantic_rows, found.keyword_rows) == (2, 2)
    # b: 1/62 + 1/61; a: 1/61; e, which is not among the two nearest: 1/62
    assert ids(found) == ["b", "a"]


def test_hybrid_is_the_default_for_words(fruit: pgvista.Collection) -> None:
    assert ids(fruit.search("apple", embedder=EAST)) == ids(
        fruit.search("apple", mode="hybrid", embedder=EAST)
    )


def test_the_threshold_cuts_the_semantic_list(fruit: pgvista.Collection) -> None:
    most = 1 - math.cos(math.radians(25))
    assert ids(fruit.search(at(0), max_distance=most)) == ["a", "b", "c"]
    found = fruit.search("apple", mode="hybrid", rank="ts_rank", max_distance=most, embedder=EAST)
    assert found.semantic_rows == 3
    by_id = {hit.id: hit for hit in found.hits}
    assert by_id["e"].semantic_rank is None
    assert by_id["e"].score == pytest.approx(1 / 62)


def test_similar_leaves_the_row_itself_out(fruit: pgvista.Collection) -> None:
    assert ids(fruit.similar("c", limit=2)) == ["b", "d"]


# -- queries that are hard to take


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
@pytest.mark.parametrize("match", ["any", "all"])
@pytest.mark.parametrize(
    "query",
    [
        "the of and",
        '"unbalanced quotes',
        "o'neill's \\ \"back\\slash\" '' \\'",
        "a:* & | ! <-> (",
        "%s %(words)s {} $1 ; drop table fruit; --",
        "\0nul",
        "half \ud800 a pair",
        "日本語 ‮ \U0001f40b",
        "-",
        "or or or",
        "x" * 5000,
        "wörd " * 10_000,
    ],
)
def test_odd_queries_are_searched(
    fruit: pgvista.Collection, module_database_url: str, query: str, match: str, mode: str
) -> None:
    found = fruit.search(query, mode=mode, match=match, embedder=EAST)
    if mode == "keyword":
        assert found.hits == ()
        assert found.notes
    else:
        assert ids(found) == ["a", "b", "c", "d", "e", "f"]
    assert psql_ids(module_database_url, found.sql) == ids(found)


def test_many_different_words(fruit: pgvista.Collection) -> None:
    words = " ".join(f"word{number}" for number in range(12_000)) + " apple"
    assert len(words) > 90_000
    assert ids(fruit.search(words, mode="keyword")) == ["e", "b", "c"]


def test_too_many_words_are_refused(fruit: pgvista.Collection) -> None:
    repeated = "wörd " * 20_000
    for match in ("all", "phrase"):
        with pytest.raises(InvalidInput, match="20,000 words, and a search by words takes 12,500"):
            fruit.search(repeated, mode="hybrid", match=match, embedder=EAST)
    found = fruit.search(repeated, mode="hybrid", embedder=EAST)  # the same word counts once
    assert len(found.hits) == 6
    different = " ".join(f"word{number}" for number in range(20_000))
    with pytest.raises(InvalidInput, match="20,000 words"):
        fruit.search(different, mode="keyword")


def test_only_stop_words_say_so(fruit: pgvista.Collection) -> None:
    for mode in ("keyword", "hybrid"):
        notes = fruit.search("the of and", mode=mode, embedder=EAST).notes
        assert "only stop words or symbols are left" in notes[0]
    assert fruit.search("zebra", mode="keyword").notes == ("No row holds any of these words.",)
    (long,) = fruit.search("z" * 5_000, mode="keyword").notes
    assert "words of over 2,046 bytes are left" in long


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ("any", "holds any of these words."),
        ("phrase", "holds these words one after the other. Any-word matching finds rows with some"),
        ("prefix", "holds any of these words, or one that begins like the last."),
    ],
)
def test_why_nothing_was_found(fruit: pgvista.Collection, match: str, told: str) -> None:
    (plain,) = fruit.search("zebra", mode="keyword", match=match).notes
    assert plain.startswith(f"No row {told}")
    (filtered,) = fruit.search("apple", mode="keyword", match=match, filters={"nokey": 1}).notes
    assert filtered.startswith(f"No row that meets the filter {told}")
    hybrid = fruit.search("apple", match=match, filters={"nokey": 1}, embedder=EAST).notes
    assert not any("zero vectors" in note for note in hybrid)


def test_knobs_left_out_are_the_collections_own(
    fruit: pgvista.Collection, db: pgvista.Workbench
) -> None:
    fields = {"mode": "keyword", "keyword_match": "all", "rrf_k": 1.0}
    own = pgvista.Collection(db.db, set_search_defaults(db.db, fruit.info, fields))
    try:
        assert ids(own.search("stone apple")) == []
        assert set(ids(own.search("stone apple", match="any"))) == {"a", "b", "c", "d", "e"}
        top = own.search("pear", mode="hybrid", embedder=EAST).hits[0]
        assert top.semantic_term == pytest.approx(1 / (1 + (top.semantic_rank or 0)))  # k is 1
        assert len(own.search(at(0)).hits) == 6  # a vector is no question of words
        measured = own.evaluate(
            {"q": "stone apple"}, {"q": {"a": 1}}, settings={"own": {}, "any": {"match": "any"}}
        )
        assert [found.measures["R@100"] for found in measured.settings] == [0.0, 1.0]
    finally:
        set_search_defaults(db.db, fruit.info, {})


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query_is_refused(fruit: pgvista.Collection, mode: str, query: str) -> None:
    with pytest.raises(InvalidInput, match=r"empty|needs words"):
        fruit.search(query, mode=mode)


def test_a_query_of_more_than_a_megabyte_is_refused(fruit: pgvista.Collection) -> None:
    with pytest.raises(InvalidInput, match="longer than"):
        fruit.search("word " * 300_000, mode="keyword")


@pytest.mark.parametrize(
    "vector", [[1.0], [*at(0), 1.0], [math.nan] * WIDTH, [math.inf] * WIDTH, [], ["x"] * WIDTH]
)
def test_vectors_that_do_not_fit_are_refused(fruit: pgvista.Collection, vector: Any) -> None:
    with pytest.raises(InvalidInput):
        fruit.search(vector)


def test_a_zero_vector_has_no_cosine(fruit: pgvista.Collection) -> None:
    found = fruit.search([0.0] * WIDTH)
    assert found.hits == ()
    assert "zero vectors" in found.notes[-1]


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("mode", "fuzzy"),
        ("metric", "hamming"),
        ("match", "some"),
        ("rank", "bm"),
        ("iterative_scan", "on"),
        ("limit", 0),
        ("limit", 10_001),
        ("limit", 1.5),
        ("ef_search", 0),
        ("ef_search", 1001),
        ("probes", 32_769),
        ("rrf_k", 0),
        ("rrf_k", 1001),
        ("semantic_weight", -0.1),
        ("keyword_weight", 10.1),
        ("depth", 0),
        ("max_distance", math.nan),
        ("max_scan_tuples", 0),
    ],
)
def test_knobs_out_of_range_are_refused(fruit: pgvista.Collection, knob: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=knob):
        fruit.search("apple", **{knob: value})


def test_another_model_is_refused(fruit: pgvista.Collection) -> None:
    class Other(East):
        name = "other-model"

    with pytest.raises(InvalidInput, match="lie in another space"):
        fruit.search("apple", embedder=Other())


def test_an_unknown_language_is_refused_by_postgres(fruit: pgvista.Collection) -> None:
    with pytest.raises((QueryFailed, InvalidInput, pgvista.PgvistaError), match="klingon"):
        fruit.search("apple", mode="keyword", text_config="klingon")
    assert ids(fruit.search("apple", mode="keyword", text_config="simple")) == ["b", "e", "c"]


# -- the result


def test_the_shown_statement_is_the_one_that_ran(
    fruit: pgvista.Collection, module_database_url: str
) -> None:
    knobs: dict[str, Any] = {"ef_search": 77, "probes": 3, "iterative_scan": "strict_order"}
    for mode in ("semantic", "keyword", "hybrid"):
        found = fruit.search("it's an \\ apple", mode=mode, limit=4, embedder=EAST, **knobs)
        rows = psql_rows(module_database_url, found.sql)
        assert [row[0] for row in rows] == ids(found)
        assert [row[1] for row in rows] == [hit.content for hit in found.hits]


def test_data_frame_and_dict(fruit: pgvista.Collection) -> None:
    import json

    found = fruit.search("apple", mode="hybrid", rank="ts_rank", limit=3, embedder=EAST)
    frame = found.to_pandas()
    assert list(frame["id"]) == ["b", "c", "e"]
    assert list(frame["semantic_rank"]) == [2, 3, 5]
    assert list(frame["keyword_rank"]) == [1, 3, 2]
    assert frame["score"].is_monotonic_decreasing
    assert len(fruit.search("zebra", mode="keyword").to_pandas()) == 0
    assert json.loads(json.dumps(found.to_dict()))["hits"][0]["id"] == "b"
    assert set(found.timings_ms) == {"embedding", "database", "other", "total"}
    parts = sum(value for stage, value in found.timings_ms.items() if stage != "total")
    assert parts == pytest.approx(found.timings_ms["total"])


# -- filters

COLUMNS = {
    "year": "bigint",
    "price": "double precision",
    "kind": "text",
    "day": "date",
    "seen": "timestamptz",
    "live": "boolean",
    "tags": "text[]",
}
THINGS: list[dict[str, Any]] = [
    {
        "id": "1",
        "year": 1970,
        "price": 1.5,
        "kind": "report",
        "day": "2020-01-01",
        "seen": "2020-01-01T00:00:00Z",
        "live": True,
        "tags": ["news", "old"],
        "metadata": {
            "y": 1970,
            "k": "report",
            "t": ["news", "old"],
            "n": {"lang": "de"},
            "mix": 5,
            "b": True,
        },
    },
    {
        "id": "2",
        "year": 1980,
        "price": 2.5,
        "kind": "letter",
        "day": "2021-01-01",
        "seen": "2021-01-01T00:00:00Z",
        "live": False,
        "tags": ["old"],
        "metadata": {
            "y": 1980,
            "k": "letter",
            "t": ["old"],
            "n": {"lang": "fr"},
            "mix": "5",
            "b": False,
        },
    },
    {
        "id": "3",
        "year": 1990,
        "price": None,
        "kind": 'o\'brien "q" \\',
        "day": "2022-01-01",
        "seen": "2022-01-01T00:00:00Z",
        "live": None,
        "tags": [],
        "metadata": {"y": 1990, "k": 'o\'brien "q" \\', "t": [], "n": {}, "mix": None, "b": None},
    },
    {
        "id": "4",
        "year": None,
        "price": 10.0,
        "kind": None,
        "day": None,
        "seen": None,
        "live": True,
        "tags": None,
        "metadata": {"other": 1, "mix": 10, "a.b": "dotted"},
    },
]


@pytest.fixture(scope="module")
def things(db: pgvista.Workbench) -> pgvista.Collection:
    made = db.create_collection(
        "things", dimension=2, columns=COLUMNS, indexed_columns=["year", "tags"]
    )
    made.upsert([{"embedding": [1, int(item["id"])], **item} for item in THINGS])
    return made


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        # structured columns
        ({"year": 1970}, "1"),
        ({"year": {"$eq": 1980}}, "2"),
        ({"year": {"$ne": 1970}}, "234"),
        ({"year": {"$lt": 1980}}, "1"),
        ({"year": {"$lte": 1980}}, "12"),
        ({"year": {"$gt": 1980}}, "3"),
        ({"year": {"$gte": 1980}}, "23"),
        ({"year": {"$gt": 1979.5}}, "23"),
        ({"year": {"$in": [1970, 1990, 5]}}, "13"),
        ({"year": {"$in": [1970, None]}}, "14"),
        ({"year": None}, "4"),
        ({"year": {"$ne": None}}, "123"),
        ({"year": {"$gte": 1975, "$lte": 1985}}, "2"),
        ({"year": 10**30}, ""),
        ({"price": {"$gt": 1.5}}, "24"),
        ({"price": 2.5}, "2"),
        ({"kind": "letter"}, "2"),
        ({"kind": {"$ne": "letter"}}, "134"),
        ({"kind": 'o\'brien "q" \\'}, "3"),
        ({"kind": {"$gte": "m"}}, "13"),
        ({"day": {"$gte": "2021-01-01"}}, "23"),
        ({"day": "2020-01-01"}, "1"),
        ({"seen": {"$lt": "2021-01-01T00:00:01Z"}}, "12"),
        ({"live": True}, "14"),
        ({"live": {"$ne": True}}, "23"),
        ({"live": None}, "3"),
        ({"tags": {"$contains": "old"}}, "12"),
        ({"tags": {"$contains": "nothing"}}, ""),
        ({"id": {"$in": ["2", "4"]}}, "24"),
        # metadata
        ({"y": 1970}, "1"),
        ({"y": {"$ne": 1970}}, "234"),
        ({"y": {"$lt": 1980}}, "1"),
        ({"y": {"$lte": 1980}}, "12"),
        ({"y": {"$gt": 1980}}, "3"),
        ({"y": {"$gte": 1979.9}}, "23"),
        ({"y": {"$in": [1970, 1990]}}, "13"),
        ({"k": 'o\'brien "q" \\'}, "3"),
        ({"k": {"$gt": "m"}}, "13"),
        ({"t": {"$contains": "old"}}, "12"),
        ({"n.lang": "de"}, "1"),
        ({"n.lang": {"$in": ["de", "fr"]}}, "12"),
        ({"b": True}, "1"),
        ({"b": {"$ne": True}}, "234"),
        ({"b": None}, "34"),
        ({"missing": None}, "1234"),
        ({"missing": {"$ne": 1}}, "1234"),
        ({"missing": 1}, ""),
        # a number is no text: order never crosses types
        ({"mix": 5}, "1"),
        ({"mix": "5"}, "2"),
        ({"mix": {"$gt": 4}}, "14"),
        ({"mix": {"$gt": "4"}}, "2"),
        ({"mix": {"$lt": 10}}, "1"),
        # several keys, and, or
        ({"year": {"$gte": 1970}, "live": True}, "1"),
        ({"$and": [{"year": {"$gte": 1980}}, {"kind": "letter"}]}, "2"),
        ({"$or": [{"year": 1970}, {"y": 1990}]}, "13"),
        ({"$or": [{"$and": [{"y": 1970}, {"live": True}]}, {"price": {"$gte": 10}}]}, "14"),
        ({}, "1234"),
    ],
)
def test_filters(
    things: pgvista.Collection, module_database_url: str, filters: dict[str, Any], expected: str
) -> None:
    found = things.search([1.0, 0.0], filters=filters)
    assert sorted(ids(found)) == list(expected)
    assert things.count(filters) == len(expected)
    assert sorted(psql_ids(module_database_url, found.sql)) == list(expected)


@pytest.mark.parametrize(
    "filters",
    [
        {"year": "1970"},
        {"year": True},
        {"live": 1},
        {"kind": 5},
        {"day": 2020},
        {"year": {"$contains": 1970}},
        {"tags": {"$eq": "old"}},
        {"tags": {"$gt": "old"}},
        {"year": {"$regex": "x"}},
        {"year": {}},
        {"year": {"$in": []}},
        {"$and": []},
        {"$or": []},
        {"$not": [{"year": 1}]},
        {"y": {"$gt": None}},
        {"y": math.nan},
        {"y": "nul\0"},
        {"y": "\ud800"},
        {"kind": "\ud800"},
        {"a..b": 1},
        {"": 1},
        [],
        "[1",
    ],
)
def test_filters_that_mean_nothing_are_refused(things: pgvista.Collection, filters: Any) -> None:
    with pytest.raises(InvalidInput):
        things.search([1.0, 0.0], filters=filters)
    with pytest.raises(InvalidInput):
        things.delete(filters=filters)
    assert things.count() == 4


@pytest.mark.parametrize(("key", "value"), [("day", "yesterday-ish"), ("seen", "2020-13-45")])
def test_values_that_postgres_cannot_read_are_refused_by_it(
    things: pgvista.Collection, key: str, value: str
) -> None:
    with pytest.raises(pgvista.PgvistaError):
        things.search([1.0, 0.0], filters={key: {"$gt": value}})


def test_structured_columns_come_back_typed(things: pgvista.Collection) -> None:
    [hit] = things.search([1.0, 0.0], filters={"id": "1"}).hits
    assert hit.columns["year"] == 1970
    assert hit.columns["tags"] == ["news", "old"]
    assert hit.columns["day"].isoformat() == "2020-01-01"
    assert hit.metadata["n"] == {"lang": "de"}


# -- indexes


@pytest.fixture(scope="module")
def cloud(db: pgvista.Workbench) -> pgvista.Collection:
    made = db.create_collection("cloud", dimension=16, metric="l2")
    vectors = np.random.default_rng(7).normal(size=(3000, 16))
    made.upsert(
        {"id": f"{n:04}", "embedding": vector, "metadata": {"third": n % 3}}
        for n, vector in enumerate(vectors)
    )
    return made


def exact_ids(collection: pgvista.Collection, query: Sequence[float], **knobs: Any) -> list[str]:
    found = collection.search(query, exact=True, explain=True, **knobs)
    assert found.plan is not None
    assert found.plan.vector_index is None
    return ids(found)


@pytest.mark.parametrize(
    ("method", "options", "knobs"),
    [
        ("hnsw", {"m": 16, "ef_construction": 64}, {"ef_search": 100}),
        ("ivfflat", {"lists": 10}, {"probes": 10}),
    ],
)
def test_an_index_is_built_used_and_finds_what_exact_search_finds(
    cloud: pgvista.Collection,
    db: pgvista.Workbench,
    method: str,
    options: dict[str, int],
    knobs: dict[str, int],
) -> None:
    from pgvista.services.indexes import drop_index

    index = cloud.create_index(method, **options)  # type: ignore[arg-type]
    try:
        assert (index.method, index.valid, index.columns) == (method, True, ("embedding",))
        assert index.options == {key: str(value) for key, value in options.items()}
        assert index.name in [item.name for item in cloud.indexes()]
        with pytest.raises(pgvista.PgvistaError, match="already"):
            cloud.create_index(method, **options)  # type: ignore[arg-type]
        shared = 0
        for query in np.random.default_rng(8).normal(size=(10, 16)).tolist():
            truth = exact_ids(cloud, query)
            found = cloud.search(query, explain=True, **knobs)  # type: ignore[arg-type]
            assert found.plan is not None
            assert found.plan.vector_index == index.name
            assert any("vector index" in sentence for sentence in found.plan.summary)
            shared += len(set(truth) & set(ids(found)))
        assert shared >= 95
    finally:
        drop_index(db.db, index)
    assert index.name not in [item.name for item in cloud.indexes()]


def test_an_index_over_a_cast_to_halfvec(cloud: pgvista.Collection, db: pgvista.Workbench) -> None:
    from pgvista.services.indexes import drop_index

    index = cloud.create_index("hnsw", vector_type="halfvec")
    try:
        assert "halfvec_l2_ops" in index.opclasses
        assert "::halfvec(16)" in index.definition
    finally:
        drop_index(db.db, index)


def test_a_collection_of_halfvec(db: pgvista.Workbench, module_database_url: str) -> None:
    half = db.create_collection("half", dimension=3, vector_type="halfvec", metric="inner_product")
    half.upsert({"id": str(n), "embedding": [n, 1, 0]} for n in range(50))
    index = half.create_index("hnsw")
    assert "halfvec_ip_ops" in index.opclasses
    found = half.search([1.0, 0, 0], limit=2)
    assert [(hit.id, hit.distance) for hit in found.hits] == [("49", -49), ("48", -48)]
    with pytest.raises(InvalidInput):
        half.upsert([{"id": "far", "embedding": [70_000, 0, 0]}])
    assert half.count() == 50
    assert psql_ids(module_database_url, found.sql) == ["49", "48"]


def test_ef_search_below_the_limit_is_told(
    cloud: pgvista.Collection, db: pgvista.Workbench
) -> None:
    from pgvista.services.indexes import drop_index

    index = cloud.create_index("hnsw")
    try:
        few = cloud.search([0.0] * 16, limit=100, ef_search=10)
        assert len(few.hits) < 100
        assert any("ef_search 10" in note for note in few.notes)
        enough = cloud.search([0.0] * 16, limit=100)
        assert (len(enough.hits), enough.notes) == (100, ())
        # a filter after the index leaves about a third, and iterative scans mend it
        filters = {"third": 0}
        thin = cloud.search([0.0] * 16, limit=40, ef_search=40, filters=filters, explain=True)
        if thin.plan is not None and thin.plan.vector_index:
            assert len(thin.hits) < 40
            assert any("the filter" in note for note in thin.notes)
        whole = cloud.search(
            [0.0] * 16, limit=40, ef_search=40, filters=filters, iterative_scan="strict_order"
        )
        assert len(whole.hits) == 40
        assert ids(whole) == exact_ids(cloud, [0.0] * 16, limit=40, filters=filters)
    finally:
        drop_index(db.db, index)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("hnsw", {"m": 1}),
        ("hnsw", {"m": 101}),
        ("hnsw", {"ef_construction": 3}),
        ("hnsw", {"m": 40, "ef_construction": 64}),
        ("hnsw", {"metric": "hamming"}),
        ("hnsw", {"vector_type": "bit"}),
        ("ivfflat", {"lists": 0}),
        ("ivfflat", {"metric": "l1"}),
        ("diskann", {}),
    ],
)
def test_index_options_out_of_range_are_refused(
    cloud: pgvista.Collection, method: str, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        cloud.create_index(method, **options)


def test_exact_search_stays_exact_however_often_it_is_asked(database_url: str) -> None:
    rng = np.random.default_rng(5)
    with pgvista.connect(database_url) as db:
        points = db.create_collection("points", dimension=8)
        points.upsert(
            {"id": str(number), "embedding": vector}
            for number, vector in enumerate(rng.standard_normal((3000, 8)))
        )
        points.create_index("hnsw")
        query = rng.standard_normal(8).tolist()
        for _ in range(15):  # psycopg prepares after five, Postgres would keep a plan after ten
            assert len(points.search(query, limit=10, ef_search=1).hits) < 10
        for _ in range(15):
            assert len(points.search(query, limit=10, ef_search=1, exact=True).hits) == 10
        assert len(points.search(query, limit=10, ef_search=1).hits) < 10
