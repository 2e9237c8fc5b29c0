"""Evaluation and the grid on a real server, with figures worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.db.judged import EAST, Watcher, at, make_fruit, query_set

import pgvista
from pgvista.db.database import Database
from pgvista.embed.registry import DEFAULT_MODEL
from pgvista.errors import Cancelled, InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.evaluation import DEFAULT_MEASURES, PairedDifference
from pgvista.model.evaluation_grid import Decision, GridSetting, GridSpec
from pgvista.model.search import Fusion, KeywordMatch, KeywordRank, Mode
from pgvista.services.collections import open_collection
from pgvista.services.connect import open_database
from pgvista.services.evaluate import evaluate, template
from pgvista.services.evaluate_grid import evaluate_grid
from pgvista.services.grid_decision import decide, how_far
from pgvista.services.search import search

SEMANTIC = {"semantic": template(mode=Mode.SEMANTIC)}
KEYWORD = {"keyword": template(mode=Mode.KEYWORD)}


@pytest.fixture(scope="module")
def db(module_database_url: str) -> Iterator[Database]:
    make_fruit(module_database_url)
    opened = open_database(module_database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def fruit(db: Database) -> Collection:
    return open_collection(db, "fruit")


# -- measures


def test_the_order_of_each_mode_is_measured(db: Database, fruit: Collection) -> None:
    judged = query_set({"q": "pear"}, {"q": {"c": 2, "d": 1, "a": 0}})
    watcher = Watcher()
    found = evaluate(db, fruit, judged, SEMANTIC | KEYWORD, reporter=watcher, embedder=EAST)
    semantic, keyword = found.settings
    assert semantic.outcomes[0].ranking == ("a", "b", "c", "d", "e", "f")
    ideal = 2 + 1 / math.log2(3)
    dcg = 2 / math.log2(4) + 1 / math.log2(5)
    assert semantic.measures == {
        "nDCG@10": pytest.approx(dcg / ideal),
        "R@100": 1.0,
        "RR@10": pytest.approx(1 / 3),
        "AP": pytest.approx((1 / 3 + 2 / 4) / 2),
        "P@10": pytest.approx(0.2),
        "judged@10": 0.5,
    }
    assert set(keyword.outcomes[0].ranking) == {"c", "d"}
    assert keyword.measures["R@100"] == keyword.measures["RR@10"] == 1
    assert 0 < semantic.p50_ms <= semantic.p95_ms
    assert found.queries == 1
    assert watcher.stages["evaluating"].done == watcher.stages["evaluating"].total == 2
    assert json.loads(json.dumps(found.to_dict()))["settings"]["keyword"]["problems"] == 0


def test_hybrid_is_ranked_as_a_person_would_see_it(db: Database, fruit: Collection) -> None:
    from pgvista.services.search import search

    judged = query_set({"q": "apple pear"}, {"q": {"e": 1}})
    setting = template(rrf_k=5, semantic_weight=0.5)
    found = evaluate(db, fruit, judged, {"hybrid": setting}, embedder=EAST)
    seen = search(db, fruit, replace(setting, text="apple pear"), embedder=EAST)
    assert found.settings[0].outcomes[0].ranking == tuple(hit.id for hit in seen.hits)


def test_two_settings_are_compared_query_by_query(db: Database, fruit: Collection) -> None:
    judged = query_set({"p": "pear", "s": "sand"}, {"p": {"a": 1}, "s": {"f": 1}})
    found = evaluate(db, fruit, judged, KEYWORD | SEMANTIC, embedder=EAST)
    losses = found.by_query("RR@10")
    assert [(row.query.id, row.before, row.after) for row in losses] == [
        ("p", 1.0, 0.0),
        ("s", pytest.approx(1 / 6), 1.0),
    ]


# -- queries and judgments that are odd


def test_queries_that_cannot_be_measured_are_left_out_and_counted(
    db: Database, fruit: Collection
) -> None:
    queries = {"good": "pear", "unjudged": "sand", "hopeless": "stone", "empty": "apple"}
    grades = {"good": {"c": 1}, "hopeless": {"a": 0}, "empty": {}, "unasked": {"a": 1}}
    found = evaluate(db, fruit, query_set(queries, grades), KEYWORD)
    assert [outcome.query.id for outcome in found.settings[0].outcomes] == ["good"]
    assert found.unjudged == ("unjudged", "empty")
    assert found.without_relevant == ("hopeless",)
    assert found.unknown_queries == ("unasked",)
    assert found.notes == (
        "2 queries were left out: they have no judgments.",
        "1 query was left out: its judgments name no relevant document.",
        "1 judged query was not asked: no text is given.",
    )


@pytest.mark.parametrize(
    ("queries", "grades"),
    [
        ({}, {}),
        ({"q": "pear"}, {}),
        ({"q": "pear"}, {"q": {"c": 0}}),
        ({"1": "a"}, {"q1": {"c": 1}}),
    ],
)
def test_a_set_without_anything_to_measure_is_refused(
    db: Database,
    fruit: Collection,
    queries: dict[str, str],
    grades: dict[str, dict[str, int]],
) -> None:
    with pytest.raises(InvalidInput, match="nothing to measure"):
        evaluate(db, fruit, query_set(queries, grades), KEYWORD)


def test_unknown_documents_are_counted_and_count_as_missed(db: Database, fruit: Collection) -> None:
    judged = query_set({"q": "pear"}, {"q": {"c": 1, "d": 1, "gone": 1, "x'); --": 0}})
    found = evaluate(db, fruit, judged, KEYWORD)
    assert found.unknown_documents == ("gone", "x'); --")
    assert found.settings[0].measures["R@100"] == pytest.approx(2 / 3)
    assert found.notes == (
        "2 of 4 judged documents are not in fruit, such as 'gone'; they count as not found.",
    )
    wrong = evaluate(db, fruit, query_set({"q": "pear"}, {"q": {"1": 1}}), KEYWORD)
    assert "The judged document is not in fruit" in wrong.notes[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The query is empty."),
        ("  \n", "The query is empty."),
        ("the of and", "only stop words"),
        ("!!! ???", "only stop words or symbols"),
        ("banana", "No row holds any of these words."),
        ("x" * 1_000_001, "longer than 1,000,000 bytes"),
    ],
)
def test_a_query_that_finds_nothing_counts_with_0_and_says_why(
    db: Database, fruit: Collection, text: str, problem: str
) -> None:
    judged = query_set({"bad": text, "good": "sand"}, {"bad": {"a": 1}, "good": {"f": 1}})
    found = evaluate(db, fruit, judged, KEYWORD).settings[0]
    bad, good = found.outcomes
    assert problem in bad.problem
    assert bad.ranking == ()
    assert set(bad.measures.values()) == {0.0}
    assert good.problem == ""
    assert found.measures["RR@10"] == 0.5


def test_odd_texts_are_asked_as_they_are(db: Database, fruit: Collection) -> None:
    texts = {"nul": "pear\0pear", "quote": "pear'); drop table x; --", "long": "pear " * 20_000}
    grades = {key: {"c": 1, "d": 1} for key in texts}
    found = evaluate(db, fruit, query_set(texts, grades), KEYWORD | SEMANTIC, embedder=EAST)
    for setting in found.settings:
        assert setting.measures["R@100"] == 1
        assert [outcome.problem for outcome in setting.outcomes] == ["", "", ""]


def test_a_setting_that_can_never_be_asked_is_an_error(db: Database, fruit: Collection) -> None:
    judged = query_set({"q": "pear"}, {"q": {"c": 1}})
    with pytest.raises(InvalidInput, match="Choose at least one mode"):
        evaluate(db, fruit, judged, {})
    with pytest.raises(InvalidInput, match="is not known"):
        evaluate(db, fruit, judged, KEYWORD, measures=["speed"])
    with pytest.raises(InvalidInput, match="model"):
        evaluate(db, replace(fruit, model=None), judged, SEMANTIC)


def test_it_can_be_stopped(db: Database, fruit: Collection) -> None:
    judged = query_set({"p": "pear", "s": "sand"}, {"p": {"c": 1}, "s": {"f": 1}})
    watcher = Watcher(stop_in="evaluating")
    with pytest.raises(Cancelled):
        evaluate(db, fruit, judged, KEYWORD, reporter=watcher)
    assert watcher.stages["evaluating"].done == 1


# -- chunks


@pytest.fixture(scope="module")
def chunked(db: Database, fruit: Collection) -> Collection:
    """Thirty chunks of one text before all others, then one text each."""
    with pgvista.connect(db.target.conninfo.reveal()) as workbench:
        made = workbench.create_collection("chunked", model=DEFAULT_MODEL)
        rows = [
            {
                "id": f"long#{n}",
                "content": "pear",
                "metadata": {"_parent": "long"},
                "embedding": at(n / 100),
            }
            for n in range(1, 31)
        ]
        rows += [{"id": f"s{n:02}", "content": "pear", "embedding": at(n)} for n in range(1, 21)]
        made.upsert(rows)
    return open_collection(db, "chunked")


def test_chunks_count_as_their_parent_and_take_no_places(db: Database, chunked: Collection) -> None:
    judged = query_set({"q": "pear"}, {"q": {"long": 1, "s01": 1, "s19": 1}})
    found = evaluate(db, chunked, judged, SEMANTIC, depth=20, embedder=EAST)
    expected = ("long", *(f"s{n:02}" for n in range(1, 20)))
    assert found.settings[0].outcomes[0].ranking == expected
    assert found.settings[0].measures["P@10"] == pytest.approx(0.2)
    assert found.unknown_documents == ()


# -- the grid


def test_a_grid_measures_what_searches_return(db: Database, fruit: Collection) -> None:
    texts = {"p": "pear", "s": "sand", "t": "stone", "a": "apple pear"}
    grades = {"p": {"d": 2, "c": 1}, "s": {"f": 1}, "t": {"d": 1}, "a": {"c": 3, "e": 1}}
    judged = query_set(texts, grades)
    spec = GridSpec(ks=(5.0, 60.0), semantic_shares=(0.25, 0.5), resamples=200)
    watcher = Watcher()
    grid = evaluate_grid(db, fruit, judged, template(), spec, reporter=watcher, embedder=EAST)
    assert [cell.setting.label for cell in grid.singles] == [
        "semantic alone",
        "keyword alone, BM25",
        "keyword alone, ts_rank",
        "keyword alone, ts_rank_cd",
        "keyword alone, BM25, every word",
    ]
    assert len(grid.cells) == (2 * (2 * 2 + 3) + 2 * (2 + 3)) * 2  # no coverage by ts_rank
    assert (grid.tuning_queries, grid.held_out_queries) == (2, 2)
    settings = {cell.setting.label: cell for cell in (*grid.singles, *grid.cells, grid.present)}
    requests = {label: template(**cell.setting.fields()) for label, cell in settings.items()}
    asked = evaluate(db, fruit, judged, requests, measures=["nDCG@10"], embedder=EAST)
    for setting in asked.settings:
        assert settings[setting.name].all == pytest.approx(setting.measures["nDCG@10"])
    assert grid.present.setting == GridSetting(
        Mode.HYBRID, KeywordRank.BM25, Fusion.COVERAGE, 60.0, 0.5, KeywordMatch.ANY_WORD
    )
    assert watcher.stages["searching"].done == 4 * 4  # no query is asked again for a fusion
    assert json.loads(json.dumps(grid.to_dict()))["decision"] == "too few"
    assert "4 queries decide nothing" in grid.sentence


def judged_many() -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """Forty queries that words answer and meaning does not: the answer lies far from east."""
    texts = {f"q{n}": "sand" + " sand" * n for n in range(40)}
    return texts, {key: {"f": 1} for key in texts}


def test_a_grid_takes_what_is_better_on_queries_held_out(db: Database, fruit: Collection) -> None:
    judged = query_set(*judged_many())
    spec = GridSpec(fusions=(Fusion.RRF,), ks=(60.0,), resamples=500)
    grid = evaluate_grid(db, fruit, judged, template(mode=Mode.SEMANTIC), spec, embedder=EAST)
    assert grid.decision is Decision.TAKE
    simplest = GridSetting(Mode.KEYWORD, KeywordRank.BM25, match=KeywordMatch.ANY_WORD)
    assert grid.best.setting == simplest
    assert grid.sentence.startswith("Take keyword alone, BM25: it gains ")
    assert (grid.gain.wins, grid.gain.losses, grid.gain.queries) == (20, 0, 20)
    assert grid.gain.low > 0


def test_a_grid_keeps_what_is_best_already(db: Database, fruit: Collection) -> None:
    judged = query_set(*judged_many())
    grid = evaluate_grid(db, fruit, judged, template(mode=Mode.KEYWORD), embedder=EAST)
    assert grid.decision is Decision.KEEP
    assert grid.best == grid.present
    assert "none of the 341 settings tried" in grid.sentence


def test_a_grid_without_statistics_for_bm25_says_so(db: Database, fruit: Collection) -> None:
    judged = query_set(*judged_many())
    bare = replace(fruit, bm25=None)
    grid = evaluate_grid(db, bare, judged, template(), GridSpec(ks=(60.0,)), embedder=EAST)
    assert {cell.setting.rank for cell in grid.cells} == {
        KeywordRank.TS_RANK,
        KeywordRank.TS_RANK_CD,
    }
    assert grid.present.setting.rank is KeywordRank.TS_RANK
    assert any("BM25" in note for note in grid.notes)


def test_chunks_are_folded_in_a_grid_too(db: Database, chunked: Collection) -> None:
    judged = query_set({"q": "pear", "r": "pears"}, {"q": {"s01": 1}, "r": {"long": 1}})
    spec = GridSpec(measure="RR@10", ks=(60.0,), resamples=100)
    grid = evaluate_grid(db, chunked, judged, template(), spec, embedder=EAST)
    assert grid.singles[0].all == pytest.approx((1 / 2 + 1) / 2)


def test_a_grid_leaves_ties_as_a_search_has_them(db: Database, module_database_url: str) -> None:
    """Of two rows that each list puts in the other's place, the one nearer by meaning is first."""
    with pgvista.connect(module_database_url) as workbench:
        made = workbench.create_collection("turned", model=DEFAULT_MODEL)
        texts = {"z": "apple stone stone stone", "y": "apple"}
        made.upsert(
            [{"id": k, "content": t, "embedding": at(n)} for n, (k, t) in enumerate(texts.items())]
        )
    turned = open_collection(db, "turned")
    judged = query_set({"q": "apple", "r": "apples"}, {"q": {"z": 1}, "r": {"z": 1}})
    found = search(db, turned, template(text="apple"), embedder=EAST)
    assert [hit.id for hit in found.hits] == ["z", "y"]
    assert found.hits[0].score == found.hits[1].score
    spec = GridSpec(measure="RR@10", ks=(60.0,), semantic_shares=(0.5,), resamples=100)
    grid = evaluate_grid(db, turned, judged, template(), spec, embedder=EAST)
    same = next(cell for cell in grid.cells if cell.setting == grid.present.setting)
    assert same.all == grid.present.all == 1.0


def test_one_query_is_no_grid(db: Database, fruit: Collection) -> None:
    with pytest.raises(InvalidInput, match="cannot be split"):
        evaluate_grid(db, fruit, query_set({"q": "pear"}, {"q": {"c": 1}}), template())


# -- the decision, without a database

PRESENT = GridSetting(Mode.HYBRID, KeywordRank.BM25, Fusion.RRF, 60.0, 0.5)
BETTER = GridSetting(Mode.HYBRID, KeywordRank.BM25, Fusion.RRF, 10.0, 0.5)


@pytest.mark.parametrize(
    ("gain", "queries", "decision", "words"),
    [
        ((0.012, 0.004, 0.02), 226, Decision.TAKE, "Take RRF k 10, semantic share 0.5, BM25: it"),
        ((0.004, -0.006, 0.013), 226, Decision.KEEP, "gains 0.004 nDCG@10 on the 113 held-out"),
        ((0.004, 0.0, 0.013), 226, Decision.KEEP, "interval 0.000 to 0.013 includes zero"),
        ((-0.01, -0.02, -0.001), 226, Decision.KEEP, "loses 0.010 nDCG@10"),
        ((-0.01, -0.02, -0.001), 226, Decision.KEEP, "-0.020 to -0.001 lies below zero"),
        ((0.3, 0.2, 0.4), 19, Decision.TOO_FEW, "19 queries decide nothing"),
    ],
)
def test_the_sentence_decides(
    gain: tuple[float, float, float], queries: int, decision: Decision, words: str
) -> None:
    difference = PairedDifference(*gain, wins=40, losses=21, ties=52)
    found, sentence = decide(
        PRESENT, BETTER, difference, queries=queries, tried=9, equals=0, measure="nDCG@10"
    )
    assert found is decision
    assert words in sentence
    assert sentence.startswith("Take" if decision is Decision.TAKE else "Keep what you have: ")


def test_of_equals_the_nearest_to_what_there_is() -> None:
    gain = PairedDifference(0.012, 0.004, 0.02, wins=40, losses=21, ties=52)
    _, sentence = decide(PRESENT, BETTER, gain, queries=226, tried=9, equals=3, measure="nDCG@10")
    assert sentence.endswith(
        "3 other settings were as good where it was chosen; this one is the "
        "nearest to what you have."
    )
    coverage = replace(PRESENT, fusion=Fusion.COVERAGE)
    alone = GridSetting(Mode.SEMANTIC)
    far = replace(PRESENT, rrf_k=1.0)
    found = sorted(
        [alone, coverage, far, BETTER, PRESENT], key=lambda setting: how_far(setting, PRESENT)
    )
    assert found == [PRESENT, BETTER, far, coverage, alone]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fusions": ()},
        {"ks": ()},
        {"ks": (0.0,)},
        {"ks": (math.nan,)},
        {"semantic_shares": (0.0,)},
        {"semantic_shares": (1.0,)},
        {"semantic_shares": tuple(n / 1000 for n in range(1, 999))},
        {"measure": "judged@10"},
        {"resamples": 1},
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        GridSpec(**wrong)  # type: ignore[arg-type]


def test_all_default_measures_are_measured(db: Database, fruit: Collection) -> None:
    found = evaluate(db, fruit, query_set({"q": "pear"}, {"q": {"c": 1}}), KEYWORD)
    assert tuple(found.settings[0].measures) == DEFAULT_MEASURES
