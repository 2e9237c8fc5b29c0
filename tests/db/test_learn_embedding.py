"""Phrases in Postgres: distances as NumPy has them, and vectors of lexemes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.db.psql import psql_rows

import pgvista
from pgvista.api import Workbench
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.science.similarity import cosine_similarities
from pgvista.services.lesson_embedding import pair_distances, word_vectors


@pytest.fixture(scope="module")
def workbench(module_database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(module_database_url) as opened:
        yield opened


def test_distances_by_hand(workbench: Workbench) -> None:
    vectors = np.array([[3, 4], [4, 3], [-3, -4]], dtype=np.float32)
    found = pair_distances(workbench.db, ["a", "b", "c"], vectors)
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (1, 2), (0, 2)]
    assert [pair.distance for pair in found.pairs] == pytest.approx([0.04, 1.96, 2])


def test_distances_are_one_less_the_cosines(workbench: Workbench) -> None:
    vectors = np.random.default_rng(1).normal(size=(5, 384)).astype(np.float32)
    phrases = ["", "it's; drop table x --", '"%s"', "猫\0", "x" * 10_000]
    found = pair_distances(workbench.db, phrases, vectors)
    expected = 1 - cosine_similarities(vectors)
    assert len(found.pairs) == 10
    for pair in found.pairs:
        assert pair.distance == pytest.approx(expected[pair.first, pair.second], abs=1e-6)
    assert "<=>" in found.sql


def test_the_statement_shown_can_be_run(workbench: Workbench) -> None:
    vectors = np.array([[1, 0], [0, 1]], dtype=np.float32)
    shown = pair_distances(workbench.db, ["the cat's", "50% %s"], vectors).sql
    assert psql_rows(workbench.url, shown + ";") == [["1", "2", "the cat's", "50% %s", "1"]]
    words = word_vectors(workbench.db, ["the cat's", "50% ham"]).sql
    assert psql_rows(workbench.url, words + ";") == [
        ["1", "cat", "1"], ["2", "50", "1"], ["2", "ham", "1"],
    ]  # fmt: skip


def test_one_phrase_has_no_distance(workbench: Workbench) -> None:
    with pytest.raises(InvalidInput, match="between two phrases"):
        pair_distances(workbench.db, ["alone"], np.ones((1, 3), np.float32))


def test_a_zero_vector_has_no_distance(workbench: Workbench) -> None:
    found = pair_distances(workbench.db, ["a", "b"], np.array([[0, 0], [1, 0]], np.float32))
    assert np.isnan(found.pairs[0].distance)


def test_lexemes_are_counted(workbench: Workbench) -> None:
    found = word_vectors(workbench.db, ["The cats and a cat", "the kitten", "A cat; a kitten"])
    assert found.lexemes == ("cat", "kitten")
    assert found.counts.tolist() == [[2, 0], [0, 1], [1, 1]]
    similar = cosine_similarities(found.counts)
    assert similar[0, 1] == 0
    assert similar[0, 2] == pytest.approx(1 / np.sqrt(2))


def test_phrases_without_a_lexeme(workbench: Workbench) -> None:
    found = word_vectors(workbench.db, ["", "the of and", "\0"])
    assert found.lexemes == ()
    assert found.counts.tolist() == [[0], [0], [0]]
    assert np.isnan(cosine_similarities(found.counts)).all()


def test_a_long_phrase_and_an_unknown_language(workbench: Workbench) -> None:
    found = word_vectors(workbench.db, ["ham " * 10_000])
    assert found.lexemes == ("ham",)
    assert found.counts[0, 0] == 255  # Postgres keeps so many positions of a lexeme
    with pytest.raises(PgvistaError, match="klingon"):
        word_vectors(workbench.db, ["a"], "klingon")
