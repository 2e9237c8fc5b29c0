"""The lesson on smaller vectors against Postgres and NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.db.test_types import clustered, filled

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import InvalidInput, NotFound
from pgvista.model.collection import PGVISTA_ROLES, Collection
from pgvista.model.index import IndexTarget
from pgvista.model.metric import Metric, VectorType
from pgvista.model.quantisation import StoredType
from pgvista.science import distances
from pgvista.science.quantisation import binary_quantize, hamming, to_halfvec
from pgvista.services import lesson_smaller as lesson

BITS = StoredType(IndexTarget.BIT)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def text_of(vector: np.ndarray) -> str:
    return "".join("1" if value > 0 else "0" for value in vector)


def test_one_vector_in_three_types(db: Database) -> None:
    vectors = clustered(5, 40)
    found = lesson.one_vector(db, filled(db, "docs", vectors), "3")
    assert found.full.tolist() == vectors[3].tolist()
    assert found.half.tolist() == to_halfvec(vectors[3]).tolist()
    assert found.bits == text_of(vectors[3])
    # headers: 4 as stored in a row becomes 1 for a short value; a cast has 8 with its dimension
    assert found.value_bytes[1:] == (8 + 2 * 40, 8 + 5)
    again = db.read(lambda c: c.execute(found.sql.encode()).fetchall())
    assert [row[2] for row in again] == [found.bits]


def test_a_row_that_is_gone_or_too_large_for_halfvec(db: Database) -> None:
    docs = filled(db, "docs", np.array([[70_000.0, 1], [1, 2]], np.float32))
    with pytest.raises(NotFound, match="'9' of docs is gone"):
        lesson.one_vector(db, docs, "9")
    with pytest.raises(InvalidInput):
        lesson.one_vector(db, docs, "0")


def test_rows_are_drawn_the_same_each_time(db: Database) -> None:
    docs = filled(db, "docs", clustered(30, 4))
    drawn = [lesson.draw_row(db, docs, number) for number in range(8)]
    assert drawn == [lesson.draw_row(db, docs, number) for number in range(8)]
    assert len(set(drawn)) > 3
    with pytest.raises(InvalidInput, match="no row with a vector"):
        lesson.draw_row(db, filled(db, "none", np.empty((0, 4), np.float32)), 0)


def test_bits_beside_the_nearest_and_the_farthest(db: Database) -> None:
    vectors = clustered(80, 24)
    pairs = lesson.compare_bits(db, filled(db, "docs", vectors), "7")
    cosine = distances.to_all(vectors[7], vectors, Metric.COSINE)
    others = np.delete(np.arange(80), 7)
    assert pairs.near.id == str(others[cosine[others].argmin()])
    assert pairs.far.id == str(others[cosine[others].argmax()])
    bits = binary_quantize(vectors)
    for pair in (pairs.near, pairs.far):
        assert pair.hamming == hamming(bits[7], bits)[int(pair.id)]
        assert pair.hamming == sum(a != b for a, b in zip(pairs.bits, pair.bits, strict=True))
        assert pair.cosine == pytest.approx(cosine[int(pair.id)], abs=1e-6)
    assert pairs.near.hamming < pairs.far.hamming


def test_two_rows_are_too_few_to_set_near_beside_far(db: Database) -> None:
    with pytest.raises(InvalidInput, match="has 2 rows"):
        lesson.compare_bits(db, filled(db, "docs", clustered(2, 4)), "0")


@pytest.mark.parametrize("stored", [BITS, StoredType(IndexTarget.LEADING, 8)])
def test_reranking_as_numpy_does_it(db: Database, stored: StoredType) -> None:
    vectors = clustered(400, 32)
    docs = filled(db, "docs", vectors)
    asked = clustered(1, 32, seed=8)[0]
    known = lesson.orders(db, docs, stored, asked)
    full = distances.to_all(asked, vectors, Metric.COSINE)
    assert [row for row, _ in known.truth] == [str(i) for i in np.argsort(full)[:10]]
    assert len(known.coarse) == 200
    hits = []
    for candidates in (10, 40, 200):
        found = lesson.rerank(db, docs, asked, known, candidates)
        coarse = sorted(known.coarse, key=known.coarse.__getitem__)
        if stored is not BITS:  # bits tie at the border, and either row may be taken
            first = sorted(coarse[:candidates], key=lambda row: full[int(row)])[:10]
            assert [row.id for row in found.rows] == first
        assert [row.distance for row in found.rows] == sorted(row.distance for row in found.rows)
        assert found.hits == sum(row.true_place is not None for row in found.rows)
        assert {row.id for row in found.missed} | {
            row.id for row in found.rows if row.true_place
        } == {row for row, _ in known.truth}
        hits.append(found.hits)
    assert hits == sorted(hits)
    assert hits[0] < hits[-1]
    with pytest.raises(InvalidInput, match="5 candidates"):
        lesson.rerank(db, docs, asked, known, 5)


def test_three_rows(db: Database) -> None:
    docs = filled(db, "docs", np.array([[1, 0], [0, 1], [0, 0]], np.float32))
    known = lesson.orders(db, docs, BITS, np.array([1, 0.1], np.float32))
    found = lesson.rerank(db, docs, np.array([1, 0.1], np.float32), known, 10)
    assert ([row.id for row in found.rows], found.due) == (["0", "1"], 2)
    assert lesson.measure(db, docs).rows == 2
    with pytest.raises(InvalidInput, match="has 2 rows"):
        lesson.compare_leading(db, docs)


def test_what_is_measured_at_first_has_every_count_of_candidates(db: Database) -> None:
    result = lesson.measure(db, filled(db, "docs", clustered(300, 16)))
    bits = next(point for point in result.points if point.stored == BITS)
    assert sorted(bits.recall) == list(range(1, 21))
    assert bits.recall[1] < bits.recall[20]


def test_leading_dimensions_are_worth_what_stands_in_them(db: Database) -> None:
    draw = np.random.default_rng(11)
    vectors = draw.normal(size=(300, 32)).astype(np.float32)
    vectors[:, 28:] *= 8  # what says most stands last
    found = lesson.compare_leading(db, filled(db, "docs", vectors))
    assert found.counts == (2, 4, 8, 12, 16, 24, 32)
    assert found.principal is not None
    assert found.principal[4] > found.first[4] + 0.2
    assert found.first[32] == found.drawn[32] == found.principal[32] == 1.0
    assert found.share[-1] == pytest.approx(1)
    assert (found.rows, found.queries) == (300, 50)


def test_types_worth_reranking() -> None:
    def of(dimension: int, metric: Metric = Metric.COSINE) -> list[str]:
        made = Collection("pgvista", "x", PGVISTA_ROLES, dimension, metric)
        return [stored.key for stored in lesson.rerankable(made)]

    assert of(384) == ["bit", "leading 192", "leading 96"]
    assert of(384, Metric.L1) == ["leading 192", "leading 96"]
    assert of(1) == ["bit"]


def test_a_column_of_halfvec(db: Database) -> None:
    docs = filled(db, "docs", clustered(60, 16), vector_type=VectorType.HALFVEC)
    found = lesson.one_vector(db, docs, "1")
    assert found.full.tolist() == found.half.tolist()
    asked = clustered(1, 16, seed=4)[0]
    known = lesson.orders(db, docs, BITS, asked)
    assert lesson.rerank(db, docs, asked, known, 100).due == 10
