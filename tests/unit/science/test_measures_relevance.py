"""Measures of rankings, by hand."""

from __future__ import annotations

import math

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.evaluation import DEFAULT_MEASURES
from pgvista.science.measures.relevance import RelevanceScorer, parse_measure

GRADES = {"q": {"a": 3, "b": 1, "c": 0}}


def score(ranking: list[str], measures: tuple[str, ...] = DEFAULT_MEASURES) -> dict[str, float]:
    return RelevanceScorer(GRADES, measures).score({"q": ranking})["q"]


def test_every_measure_of_one_ranking() -> None:
    found = score(["x", "b", "c", "a"])
    dcg = 1 / math.log2(3) + 3 / math.log2(5)
    ideal = 3 + 1 / math.log2(3)
    assert found == {
        "nDCG@10": pytest.approx(dcg / ideal),
        "R@100": 1.0,
        "RR@10": 0.5,
        "AP": pytest.approx((1 / 2 + 2 / 4) / 2),
        "P@10": pytest.approx(0.2),
        "judged@10": 0.75,  # of four, x is not judged
    }


def test_places_decide_even_where_trec_eval_would_order_by_name() -> None:
    # with equal scores trec_eval puts the last name first
    assert score(["a", "b"], ("nDCG@10",)) == {"nDCG@10": pytest.approx(1.0)}
    assert score(["b", "a"], ("nDCG@10",))["nDCG@10"] < 1


def test_a_document_that_comes_again_counts_once() -> None:
    doubled = score(["a", "a", "a", "b", "b"])
    assert doubled == score(["a", "b"])
    assert doubled["nDCG@10"] == pytest.approx(1.0)


def test_cutoffs_cut() -> None:
    deep = [f"x{number}" for number in range(10)] + ["a"]
    found = score(deep)
    assert (found["nDCG@10"], found["RR@10"], found["P@10"], found["R@100"]) == (0, 0, 0, 0.5)
    assert score([f"x{number}" for number in range(100)] + ["a"])["R@100"] == 0


@pytest.mark.parametrize("ranking", [[], ["x"], ["c"]])
def test_nothing_relevant_is_0(ranking: list[str]) -> None:
    found = score(ranking)
    assert all(value == 0 for name, value in found.items() if name != "judged@10")


def test_a_query_without_a_ranking_is_0_and_one_without_judgments_is_left_out() -> None:
    found = RelevanceScorer(GRADES, DEFAULT_MEASURES).score({"other": ["a"]})
    assert found == {"q": dict.fromkeys(DEFAULT_MEASURES, 0.0)}
    assert RelevanceScorer({}, DEFAULT_MEASURES).score({"q": ["a"]}) == {}


def test_ids_may_be_any_text() -> None:
    odd = "a b\0\ud800'\";"
    scorer = RelevanceScorer({odd: {odd: 1, "q": 0}}, ["AP"])
    assert scorer.score({odd: ["q", odd]}) == {odd: {"AP": 0.5}}


@pytest.mark.parametrize("name", ["", "nDCG@", "nDCG@0", "R@-1", "speed", "nDCG@10 AP", "judged@x"])
def test_unknown_measures_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not known"):
        parse_measure(name)
