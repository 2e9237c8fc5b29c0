"""The lesson Keyword search asks Postgres: tokens, rows that match, labels, and BM25's counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

import pgvista
from pgvista.errors import InvalidInput
from pgvista.science.bm25 import bm25_terms
from pgvista.services import bm25
from pgvista.services.lesson_keyword import (
    MOST_LEXEMES,
    MOST_TOKENS,
    bm25_counts,
    count_matches,
    rank_by_labels,
    take_apart,
)

TEXTS = {
    "a": "Apples\nAn apple, and one more apple beside the pear",
    "b": "Stones\nA stone lies beside the river",
    "c": "Pears\nA river of pears",
    "d": "E2041\nThe river's sand",
}


@pytest.fixture(scope="module")
def workbench(module_database_url: str) -> Iterator[pgvista.Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def fruit(workbench: pgvista.Workbench) -> pgvista.Collection:
    made = workbench.create_collection("fruit", dimension=3)
    made.upsert({"id": key, "content": text, "embedding": [1, 2, 3]} for key, text in TEXTS.items())
    return made


# -- tokens


def test_a_sentence_is_taken_apart_as_to_tsvector_does(workbench: pgvista.Workbench) -> None:
    found = take_apart(workbench.db, "The displays of LK-320 display E2041", "english")
    assert [(token.text, token.kind, token.lexemes, token.positions) for token in found.tokens] == [
        ("The", "asciiword", (), ()),
        ("displays", "asciiword", ("display",), (2,)),
        ("of", "asciiword", (), ()),
        ("LK", "asciiword", ("lk",), (4,)),
        ("-320", "int", ("-320",), (5,)),
        ("display", "asciiword", ("display",), (6,)),
        ("E2041", "numword", ("e2041",), (7,)),
    ]
    assert [token.text for token in found.tokens if token.is_stop_word] == ["The", "of"]
    assert {token.dictionary for token in found.tokens} == {"english_stem", "simple"}
    assert found.tokens[0].described == "Word, all ASCII"
    assert found.total == 7
    assert "ts_debug" in found.sql


def test_another_language_keeps_other_lexemes(workbench: pgvista.Workbench) -> None:
    simple = take_apart(workbench.db, "the displays", "simple")
    assert [token.lexemes for token in simple.tokens] == [("the",), ("displays",)]
    german = take_apart(workbench.db, "die Häuser", "german")
    assert [token.lexemes for token in german.tokens] == [(), ("haus",)]


@pytest.mark.parametrize("text", ["", "   ", "!?, --", "\0"])
def test_a_text_without_tokens_has_none(workbench: pgvista.Workbench, text: str) -> None:
    found = take_apart(workbench.db, text, "english")
    assert (found.tokens, found.total) == ((), 0)


@pytest.mark.parametrize(
    "text", ["🐈 日本語 Bücher", "it's 'quoted' \\ ; drop table x", "a\0b", "\ud800 x"]
)
def test_any_text_can_be_taken_apart(workbench: pgvista.Workbench, text: str) -> None:
    assert take_apart(workbench.db, text, "english").tokens


def test_of_a_long_text_the_first_tokens_are_read(workbench: pgvista.Workbench) -> None:
    found = take_apart(workbench.db, "word " * 10_000, "english")
    assert (len(found.tokens), found.total) == (MOST_TOKENS, 10_000)
    assert found.tokens[-1].positions == (MOST_TOKENS,)
    with pytest.raises(InvalidInput, match="longer than 1,000,000 bytes"):
        take_apart(workbench.db, "word " * 200_001, "english")


# -- matching


def test_rows_that_hold_any_word_and_every_word(fruit: pgvista.Collection) -> None:
    found = count_matches(fruit.db, fruit.info, "pear by the river")
    assert found.each == (("pear", 2), ("river", 3))
    assert (found.rows_any, found.rows_all) == (4, 1)
    assert found.any_tsquery == "'pear' | 'river'"
    assert found.all_tsquery == "'pear' & 'river'"
    searched = fruit.search("pear by the river", mode="keyword", match="all")
    assert [hit.id for hit in searched.hits] == ["c"]


def test_the_statements_shown_give_the_counts(
    fruit: pgvista.Collection, module_database_url: str
) -> None:
    found = count_matches(fruit.db, fruit.info, "apple's \\ 'pear'; --")
    with psycopg.connect(module_database_url) as session:
        counts = [session.execute(text.encode()).fetchone() for text in found.sql]
    assert [row and row[1] for row in counts] == [found.rows_any, found.rows_all]


def test_stop_words_leave_nothing_to_match(fruit: pgvista.Collection) -> None:
    found = count_matches(fruit.db, fruit.info, "the of and")
    assert (found.rows_any, found.rows_all, found.each, found.any_tsquery) == (0, 0, (), "")


def test_a_long_question_is_counted_by_its_first_lexemes(fruit: pgvista.Collection) -> None:
    words = " ".join(f"w{number}" for number in range(10_000))
    found = count_matches(fruit.db, fruit.info, f"river {words}")
    assert len(found.each) == MOST_LEXEMES
    assert found.each[0] == ("river", 3)
    assert found.rows_any == 3


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_question_is_refused(fruit: pgvista.Collection, text: str) -> None:
    with pytest.raises(InvalidInput, match="needs words"):
        count_matches(fruit.db, fruit.info, text)


# -- labels


def test_weights_of_labels_move_the_rows(fruit: pgvista.Collection) -> None:
    by_heading = rank_by_labels(
        fruit.db, fruit.info, "pear river", heading_weight=1, text_weight=0.1
    )
    assert by_heading.matched == 4
    assert by_heading.hits[0].id == "c"
    first = by_heading.hits[0]
    assert (first.heading, first.in_heading, first.in_text) == ("Pears", 1, 2)
    assert first.entries == "pear:1A,5  river:3"
    by_text = rank_by_labels(fruit.db, fruit.info, "apple stone", heading_weight=0, text_weight=1)
    assert [hit.id for hit in by_text.hits] == ["a", "b"]
    equal = rank_by_labels(fruit.db, fruit.info, "stone pear", heading_weight=1, text_weight=0)
    assert [(hit.id, hit.score > 0) for hit in equal.hits] == [
        ("b", True),
        ("c", True),
        ("a", False),
    ]


def test_the_score_is_postgres_own(fruit: pgvista.Collection, module_database_url: str) -> None:
    found = rank_by_labels(fruit.db, fruit.info, "apple", heading_weight=0.8, text_weight=0.3)
    with psycopg.connect(module_database_url) as session:
        row = session.execute(
            """select ts_rank('{0.3,0.2,0.4,0.8}',
  setweight(to_tsvector('english', %s), 'A') || to_tsvector('english', %s), 'appl'::tsquery)""",
            TEXTS["a"].split("\n"),
        ).fetchone()
    assert row is not None
    assert found.hits[0].score == pytest.approx(row[0], rel=1e-6)


def test_labels_of_nothing_and_of_too_much(fruit: pgvista.Collection) -> None:
    nothing = rank_by_labels(fruit.db, fruit.info, "zebra", heading_weight=1, text_weight=0.1)
    assert (nothing.hits, nothing.matched) == ((), 0)
    with pytest.raises(InvalidInput, match="ts_rank takes 0 to 1"):
        rank_by_labels(fruit.db, fruit.info, "pear", heading_weight=1.5, text_weight=0.1)
    bare = replace(fruit.info, roles=replace(fruit.info.roles, content=None))
    with pytest.raises(InvalidInput, match="has no text column"):
        rank_by_labels(fruit.db, bare, "pear", heading_weight=1, text_weight=0.1)


# -- BM25


def test_the_counts_of_a_row_by_hand(fruit: pgvista.Collection) -> None:
    # Lexemes without stop words: a has appl appl one appl besid pear, b stone stone lie besid river,
    # c pear river pear, d e2041 river sand.
    found = bm25_counts(fruit.db, fruit.info, "apple pear river", "a")
    assert found.lexemes == ("appl", "pear", "river")
    assert found.frequencies.tolist() == [3, 1, 0]
    assert found.containing.tolist() == [1, 2, 3]
    assert (found.documents, found.length) == (4, 6)
    assert found.average_length == (6 + 5 + 3 + 3) / 4
    parts = bm25_terms(
        found.frequencies,
        found.containing,
        documents=4,
        length=6,
        average_length=4.25,
        k1=1.2,
        b=0.75,
    )
    norm = 0.25 + 0.75 * 6 / 4.25
    apple = math.log(1 + 3.5 / 1.5) * 3 * 2.2 / (3 + 1.2 * norm)
    pear = math.log(1 + 2.5 / 2.5) * 2.2 / (1 + 1.2 * norm)
    assert parts.terms.tolist() == pytest.approx([apple, pear, 0])


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.0, 0.0), (3.0, 1.0), (0.5, 0.3)])
def test_the_parts_sum_to_the_score_of_the_search(
    fruit: pgvista.Collection, k1: float, b: float
) -> None:
    question = "apple's pear by the river, E2041"
    hits = fruit.search(question, mode="keyword", bm25_k1=k1, bm25_b=b).hits
    assert len(hits) == 4
    for hit in hits:
        found = bm25_counts(fruit.db, fruit.info, question, hit.id)
        parts = bm25_terms(
            found.frequencies,
            found.containing,
            documents=found.documents,
            length=found.length,
            average_length=found.average_length,
            k1=k1,
            b=b,
        )
        assert parts.score == pytest.approx(hit.score, abs=2e-9)


def test_the_counts_follow_rows_that_change(workbench: pgvista.Workbench) -> None:
    docs = workbench.create_collection("changing", dimension=3)
    docs.upsert({"id": str(n), "content": "apple pear", "embedding": [1, 2, 3]} for n in range(3))
    docs.upsert([{"id": "0", "content": "apple apple", "embedding": [1, 2, 3]}])
    docs.delete(ids=["2"])
    found = bm25_counts(docs.db, docs.info, "pear apple", "0")
    assert found.lexemes == ("pear", "appl")
    assert found.frequencies.tolist() == [0, 2]
    assert found.containing.tolist() == [1, 2]
    assert (found.documents, found.length, found.average_length) == (2, 2, 2.0)
    gone = bm25_counts(docs.db, docs.info, "apple", "2")
    assert (gone.frequencies.tolist(), gone.length) == ([0], 0)


def test_labels_multiply_the_frequency(database_url: str) -> None:
    with psycopg.connect(database_url) as session:
        session.execute(
            """create table titled (id text primary key, title text, body text, embedding vector(3),
        fts tsvector generated always as (setweight(to_tsvector('english', title), 'A')
          || to_tsvector('english', body)) stored)"""
        )
        session.execute(
            "insert into titled values ('x', 'pear', 'an apple and a pear', '[1,2,3]'),"
            " ('y', 'river', 'a pear in a river', '[1,2,3]')"
        )
    with pgvista.connect(database_url) as opened:
        titled = opened.collection("public.titled")
        titled.info = bm25.build(opened.db, titled.info)
        assert titled.info.bm25 is not None
        assert titled.info.bm25.labelled
        found = bm25_counts(opened.db, titled.info, "pear", "x")
        assert found.frequencies.tolist() == [3.0 + 1.0]  # once with A, once with D
        hit = titled.search("pear", mode="keyword").hits[0]
        parts = bm25_terms(
            found.frequencies,
            found.containing,
            documents=found.documents,
            length=found.length,
            average_length=found.average_length,
            k1=1.2,
            b=0.75,
        )
        assert hit.id == "x"
        assert parts.score == pytest.approx(hit.score, abs=2e-9)


def test_what_has_no_counts_is_told(fruit: pgvista.Collection) -> None:
    bare = replace(fruit.info, bm25=None)
    with pytest.raises(InvalidInput, match="has no statistics for BM25"):
        bm25_counts(fruit.db, bare, "pear", "a")
    with pytest.raises(InvalidInput, match="only stop words"):
        bm25_counts(fruit.db, fruit.info, "the of", "a")
