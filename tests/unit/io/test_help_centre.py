"""The sample collection Help centre: complete, consistent and fit for its purpose."""

import csv
import importlib.resources
import io
import json
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

FOLDER = "data/help_centre"
CODE = re.compile(r"[A-Z]{1,4}-(?:0x[0-9A-F]{2}|\d{1,4})|E2\d{3}|LG-APP")
PHRASES = ("The cat chases the mouse", "The kitten hunts rodents", "I like ham sandwiches")
STOP_LIST = (
    "a about again an and any are as at be before but by can cannot do does each every for from "
    "get has have how if in into is it its keeps my no not of off on one only or other out so that "
    "the them then there they this to too up use until was what when where which while who will "
    "with you your"
)
STOP_WORDS = frozenset(STOP_LIST.split())

Record = dict[str, Any]


def _text(name: str) -> str:
    source = importlib.resources.files("pgvista.io") / f"{FOLDER}/{name}"
    return source.read_text(encoding="utf-8")


def _records(name: str) -> list[Record]:
    return [json.loads(line) for line in _text(name).splitlines()]


def _judgments() -> list[tuple[str, str, int]]:
    rows = csv.reader(io.StringIO(_text("qrels.tsv")), delimiter="\t")
    return [(query, article, int(grade)) for query, article, grade in rows]


def _full_text(article: Record) -> str:
    return f"{article['title']}\n{article['body']}"


def _codes(text: str) -> set[str]:
    """The codes that stand in a text as whole words."""
    return {word for word in re.findall(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", text) if _is_code(word)}


def _is_code(word: str) -> bool:
    """Whether a word is a product, error or part code."""
    return CODE.fullmatch(word) is not None


def _content_words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower())) - STOP_WORDS


ARTICLES = {article["id"]: article for article in _records("articles.jsonl")}
QUERIES = {query["id"]: query for query in _records("queries.jsonl")}
BEST: dict[str, list[str]] = defaultdict(list)
for _query, _article, _grade in _judgments():
    if _grade == 3:
        BEST[_query].append(_article)


def _of_kind(kind: str) -> list[str]:
    return [key for key, query in QUERIES.items() if query["kind"] == kind]


def test_articles_are_counted_and_numbered() -> None:
    ids = [article["id"] for article in _records("articles.jsonl")]
    assert 216 <= len(ids) <= 240
    assert ids == [f"hc-{number:03d}" for number in range(1, len(ids) + 1)]


def test_articles_have_every_field() -> None:
    for article in ARTICLES.values():
        assert list(article) == ["id", "title", "body", "subject", "product", "year"]
        for field in ("title", "body", "subject", "product"):
            value = article[field]
            assert isinstance(value, str), article["id"]
            assert value, article["id"]
            assert value == value.strip(), article["id"]
        assert type(article["year"]) is int
        assert 2019 <= article["year"] <= 2026


def test_subjects_and_products_are_varied() -> None:
    assert len({article["subject"] for article in ARTICLES.values()}) >= 9
    assert 5 <= len({article["product"] for article in ARTICLES.values()}) <= 10


def test_bodies_have_a_readable_length() -> None:
    for article in ARTICLES.values():
        if article["title"] not in PHRASES:
            assert 25 <= len(article["body"].split()) <= 90, article["id"]


def test_titles_and_bodies_are_unique() -> None:
    assert len({article["title"] for article in ARTICLES.values()}) == len(ARTICLES)
    assert len({article["body"] for article in ARTICLES.values()}) == len(ARTICLES)


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrase_is_an_article_of_its_own(phrase: str) -> None:
    found = [article for article in ARTICLES.values() if article["title"] == phrase]
    assert [article["subject"] for article in found] == ["Language practice"]
    assert phrase in found[0]["body"]
    assert len(found[0]["body"].split()) <= 12


def test_error_and_part_codes_are_rare() -> None:
    products = {article["product"] for article in ARTICLES.values()} | {"SB-15"}
    counts = Counter(
        code for article in ARTICLES.values() for code in _codes(_full_text(article)) - products
    )
    assert len(counts) >= 40
    assert {code: count for code, count in counts.items() if count > 2} == {}


def test_queries_are_counted_and_numbered() -> None:
    queries = _records("queries.jsonl")
    assert 66 <= len(queries) <= 80
    assert [query["id"] for query in queries] == [f"q{n:02d}" for n in range(1, len(queries) + 1)]
    assert all(list(query) == ["id", "text", "kind"] for query in queries)
    assert all(query["text"].strip() for query in queries)
    assert len({query["text"] for query in queries}) == len(queries)


def test_every_kind_of_query_is_frequent() -> None:
    counts = Counter(query["kind"] for query in QUERIES.values())
    assert set(counts) == {"words", "meaning", "both"}
    assert min(counts.values()) >= 20


def test_judgments_refer_to_what_exists() -> None:
    for query, article, grade in _judgments():
        assert query in QUERIES
        assert article in ARTICLES
        assert grade in range(4)


def test_nothing_is_judged_twice() -> None:
    pairs = Counter((query, article) for query, article, _ in _judgments())
    assert [pair for pair, count in pairs.items() if count > 1] == []


def test_every_query_has_a_good_answer() -> None:
    answered = {query for query, _, grade in _judgments() if grade >= 2}
    assert answered == set(QUERIES)


def test_queries_have_several_judgments() -> None:
    assert 3 <= len(_judgments()) / len(QUERIES) <= 5


@pytest.mark.parametrize("query", _of_kind("words"))
def test_exact_word_stands_in_the_best_articles_only(query: str) -> None:
    word = re.compile(rf"(?<![\w-]){re.escape(QUERIES[query]['text'])}(?![\w-])")
    holders = [key for key, article in ARTICLES.items() if word.search(_full_text(article))]
    assert holders == sorted(BEST[query])


@pytest.mark.parametrize("query", [key for key in QUERIES if _codes(QUERIES[key]["text"])])
def test_code_of_a_query_stands_in_its_best_articles(query: str) -> None:
    assert BEST[query]
    for article in BEST[query]:
        assert _codes(QUERIES[query]["text"]) <= _codes(_full_text(ARTICLES[article]))


@pytest.mark.parametrize("query", _of_kind("both"))
def test_query_of_both_kinds_has_code_and_words(query: str) -> None:
    text = QUERIES[query]["text"]
    words = re.findall(r"[A-Za-z0-9-]+", text)
    assert any(_is_code(word) for word in words)
    assert len(words) >= 3


@pytest.mark.parametrize("query", _of_kind("meaning"))
def test_meaning_query_shares_hardly_a_word_with_its_answer(query: str) -> None:
    asked = _content_words(QUERIES[query]["text"])
    assert BEST[query]
    for article in BEST[query]:
        shared = asked & _content_words(_full_text(ARTICLES[article]))
        assert len(shared) <= 1, shared
