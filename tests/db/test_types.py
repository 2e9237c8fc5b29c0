"""Types of vectors measured in Postgres against NumPy's own computation; sizes against real tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from psycopg import sql

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import Cancelled, InvalidInput, PgvistaError
from pgvista.model.collection import PGVISTA_ROLES, Collection, NewCollection
from pgvista.model.index import IndexMethod, IndexSpec, IndexTarget
from pgvista.model.metric import Metric, VectorType
from pgvista.model.progress import Progress
from pgvista.model.quantisation import StoredType, TypesSpec
from pgvista.science.quantisation import binary_quantize, hamming, leading, reranked, to_halfvec
from pgvista.services import collections, indexes
from pgvista.services.calculator import Plan, calculate, measured_other_bytes
from pgvista.services.types import estimated_index_bytes, measure_types, stored_types

ROWS, DIMENSION = 600, 32


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def clustered(rows: int, dimension: int, seed: int = 1) -> NDArray[np.float32]:
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(12, dimension))
    return (centres[draw.integers(12, size=rows)] + draw.normal(size=(rows, dimension))).astype(
        np.float32
    )


def filled(
    db: Database,
    name: str,
    vectors: NDArray[np.float32],
    *,
    vector_type: VectorType = VectorType.VECTOR,
    metric: Metric = Metric.COSINE,
    text: str = "text",
) -> Collection:
    made = collections.create(
        db,
        NewCollection(name, dimension=vectors.shape[1], vector_type=vector_type, metric=metric),
    )
    place = sql.Identifier("pgvista", name)
    kind = sql.SQL(vector_type.value)
    statement = sql.SQL(
        "insert into {} (id, content, embedding) values (%s, %s, %s::vector::{})"
    ).format(place, kind)
    with db.transaction() as connection, connection.cursor() as cursor:
        cursor.executemany(statement, [(str(i), text, vector) for i, vector in enumerate(vectors)])
    return made


def _cosine(query: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    a, b = query.astype(np.float64), rows.astype(np.float64)
    return np.asarray(1 - (b @ a) / (np.linalg.norm(b, axis=1) * np.linalg.norm(a)))


def test_recall_is_what_numpy_computes(db: Database) -> None:
    vectors = clustered(ROWS, DIMENSION)
    docs = filled(db, "docs", vectors)
    spec = TypesSpec(limit=5, queries=ROWS, rows=ROWS, leading=(8,), oversample=(1, 3, 20))
    result = measure_types(db, docs, spec)
    assert (result.rows, result.compared_rows, result.queries) == (ROWS, ROWS, ROWS)
    bits = binary_quantize(vectors)
    half, first = to_halfvec(vectors), leading(vectors, 8, renormalise=True)
    names = np.array([str(i) for i in range(ROWS)])
    expected: dict[str, dict[int, list[float]]] = {}
    for query in range(ROWS):
        full = _cosine(vectors[query], vectors)
        rest = np.arange(ROWS) != query
        true = np.sort(full[rest])[:5]
        coarse = {
            "column": full,
            "halfvec": _cosine(half[query], half),
            "bit": hamming(bits[query], bits).astype(np.float64),
            "leading 8": _cosine(first[query], first),
        }
        for key, near in coarse.items():
            order = np.lexsort((names, np.round(near, 7)))
            order = order[order != query]
            for factor in (1, 3, 20):
                kept = full[order][reranked(full[order][None, :], 5, factor)[0]]
                hits = (kept <= true[-1] + 1e-3).sum() / 5
                expected.setdefault(key, {}).setdefault(factor, []).append(hits)
    for point in result.points:
        for factor, found in point.recall.items():
            assert found == pytest.approx(np.mean(expected[point.stored.key][factor]), abs=2e-3), (
                point.stored.key,
                factor,
            )
    by_key = {point.stored.key: point for point in result.points}
    assert by_key["column"].recall[1] == by_key["column"].recall_by_id[1] == 1
    assert by_key["bit"].recall[1] < by_key["bit"].recall[3] < by_key["bit"].recall[20] <= 1
    assert by_key["bit"].enough(0.0) == 1
    assert by_key["bit"].enough(1.1) is None
    assert all(point.scan_p50_ms > 0 for point in result.points)


def test_bytes_of_a_value(db: Database) -> None:
    docs = filled(db, "docs", clustered(60, 200))
    result = measure_types(db, docs, TypesSpec(queries=3))
    assert {p.stored.key: p.value_bytes for p in result.points} == {
        "column": 8 + 800,
        "halfvec": 8 + 400,
        "bit": 8 + 25,
        "leading 100": 8 + 400,
        "leading 50": 8 + 200,
    }


def test_a_sample_is_the_same_each_time_and_told(db: Database) -> None:
    docs = filled(db, "docs", clustered(ROWS, 8))
    spec = TypesSpec(queries=20, rows=150)
    first, second = (measure_types(db, docs, spec) for _ in range(2))
    assert 100 < first.compared_rows < 200
    assert "sample of about 150 of 600" in first.notes[0]
    assert [p.recall for p in first.points] == [p.recall for p in second.points]


def test_real_indexes_stand_beside_their_type(db: Database) -> None:
    docs = filled(db, "docs", clustered(2_000, 48))
    made = [
        indexes.create_index(db, docs, spec)
        for spec in (
            IndexSpec(),
            IndexSpec(target=IndexTarget.BIT),
            IndexSpec(metric=Metric.L2),
        )
    ]
    result = measure_types(db, docs, TypesSpec(queries=5))
    found = {point.stored.key: point.indexes for point in result.points}
    assert [item.name for item in found["column"]] == [made[0].name]  # none of another metric
    assert [item.name for item in found["bit"]] == [made[1].name]
    assert found["halfvec"] == ()
    assert found["column"][0].used
    assert found["column"][0].size_bytes == made[0].size_bytes
    column = result.points[0]
    assert column.index_bytes == pytest.approx(made[0].size_bytes, rel=0.03)


# -- bad input


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows(db: Database, rows: int) -> None:
    docs = filled(db, "docs", clustered(rows, 4))
    with pytest.raises(InvalidInput, match=f"has {rows} row"):
        measure_types(db, docs)


def test_no_fixed_dimension(db: Database) -> None:
    with db.transaction() as connection:
        connection.execute("create table public.any_length (id text primary key, v vector)")
        connection.execute("insert into public.any_length values ('a', '[1,2]'), ('b', '[1]')")
    docs = collections.open_collection(db, "any_length")
    with pytest.raises(InvalidInput, match="no fixed dimension"):
        measure_types(db, docs)


def test_leading_beyond_the_dimension(db: Database) -> None:
    docs = filled(db, "docs", clustered(5, 4))
    with pytest.raises(InvalidInput, match="leading is 4"):
        measure_types(db, docs, TypesSpec(leading=(4,)))
    assert [t.key for t in stored_types(docs)] == [
        "column", "halfvec", "bit", "leading 2", "leading 1",
    ]  # fmt: skip


def test_one_dimension_nulls_zeros_and_duplicates(db: Database) -> None:
    docs = filled(db, "docs", np.array([[1.0], [0.0], [-1.0], [1.0], [1.0]], np.float32))
    with db.transaction() as connection:
        connection.execute("insert into pgvista.docs (id) values ('null')")
    result = measure_types(db, docs, TypesSpec(limit=3))
    assert result.rows == 4
    assert [point.recall[1] for point in result.points] == [1, 1, 1]


def test_numbers_that_halfvec_cannot_hold(db: Database) -> None:
    docs = filled(db, "docs", clustered(20, 4) * 1e6)
    result = measure_types(db, docs, TypesSpec(queries=3, limit=2))
    half = next(p for p in result.points if p.stored.target is IndexTarget.HALFVEC)
    assert half.problem is not None
    assert "out of range" in half.problem
    assert half.recall == {}
    assert all(p.problem is None for p in result.points if p is not half)


@pytest.mark.parametrize("metric", list(Metric))
def test_each_metric_and_halfvec_columns(db: Database, metric: Metric) -> None:
    docs = filled(db, "docs", clustered(80, 8), vector_type=VectorType.HALFVEC, metric=metric)
    result = measure_types(db, docs, TypesSpec(queries=4, limit=3))
    keys = [point.stored.key for point in result.points]
    assert keys == [
        "column",
        *(["bit"] if metric is not Metric.L1 else []),
        "leading 4",
        "leading 2",
    ]
    assert result.points[0].recall[1] == 1


def test_views_read_only_and_more_than_2000_dimensions(db: Database, database_url: str) -> None:
    filled(db, "docs", clustered(12, 2_100))
    with db.transaction() as connection:
        connection.execute("create view pgvista.seen as select id, embedding from pgvista.docs")
    reader = Database(target_from_url(database_url, read_only=True))
    try:
        seen = collections.open_collection(reader, "seen")
        result = measure_types(reader, seen, TypesSpec(queries=2, limit=2))
    finally:
        reader.close()
    sizes = {point.stored.key: point.index_bytes for point in result.points}
    assert sizes["column"] is None
    assert sizes["halfvec"] is not None
    assert result.rows == 12


def test_without_the_right_to_read(db: Database, database_url: str) -> None:
    docs = filled(db, "docs", clustered(12, 4))
    with db.transaction() as connection:
        connection.execute("create role types_nobody login")
    url = database_url.replace("postgres@", "types_nobody@").replace(
        "user=postgres", "user=types_nobody"
    )
    other = Database(target_from_url(url))
    try:
        if url == database_url:
            pytest.fail("the role is not in the address")
        with pytest.raises(PgvistaError, match=r"permission|may not|right"):
            measure_types(other, docs)
    finally:
        other.close()
        with db.transaction() as connection:
            connection.execute("drop role types_nobody")


def test_cancel(db: Database) -> None:
    docs = filled(db, "docs", clustered(50, 4))

    class Stopping:
        def __init__(self) -> None:
            self.seen = 0

        def report(self, progress: Progress) -> None:
            self.seen = progress.done

        def check(self) -> None:
            if self.seen >= 7:
                raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        measure_types(db, docs, reporter=Stopping())


# -- sizes against the real ones


@pytest.mark.parametrize(
    ("dimension", "kind", "text"),
    [
        (64, VectorType.VECTOR, "x" * 40),
        (384, VectorType.VECTOR, "x" * 40),
        (384, VectorType.HALFVEC, "x" * 40),
        (768, VectorType.VECTOR, "x" * 40),
        (1536, VectorType.VECTOR, "x" * 40),
        (1536, VectorType.HALFVEC, "x" * 40),
    ],
)
def test_the_calculator_is_right(db: Database, dimension: int, kind: VectorType, text: str) -> None:
    rows = 1_500
    made = collections.create(db, NewCollection("sized", dimension=dimension, vector_type=kind))
    with db.transaction() as connection:
        connection.execute(
            sql.SQL(
                "insert into pgvista.sized (id, content, embedding) select i::text, {}, "
                "(select array_agg(random() - 0.5) from generate_series(1, {} + i * 0))::real[]::{}"
                " from generate_series(1, {}) i"
            ).format(text, dimension, sql.SQL(kind.value), rows)
        )
    other = measured_other_bytes(db, made)
    assert other is not None
    plan = Plan(rows, dimension, kind, other_bytes=other)
    told = calculate(plan)
    stats = collections.stats(db, made)
    maps = 5 * 8192 * (2 if told.toasted else 1)
    assert told.table_bytes == pytest.approx(stats.table_bytes - maps, rel=0.05)
    assert told.toasted is (dimension * (4 if kind is VectorType.VECTOR else 2) > 2_000)
    index = indexes.create_index(db, made, IndexSpec())
    assert told.index_bytes == pytest.approx(index.size_bytes, rel=0.03)


def test_the_calculator_knows_what_cannot_be_indexed() -> None:
    too_many = calculate(Plan(1_000, 3_072))
    assert not too_many.indexable
    assert too_many.total_bytes == too_many.table_bytes
    assert calculate(Plan(1_000, 3_072, target=IndexTarget.HALFVEC)).indexable
    assert calculate(Plan(1_000, 3_072, target=IndexTarget.LEADING, leading=512)).indexable
    assert calculate(Plan(1_000, 3_072, method=None)).index_bytes == 0
    lists = calculate(Plan(1_000_000, 384, method=IndexMethod.IVFFLAT))
    graph = calculate(Plan(1_000_000, 384))
    assert 0 < lists.index_bytes < graph.index_bytes
    bits = calculate(Plan(1_000_000, 384, target=IndexTarget.BIT))
    assert bits.index_bytes < lists.index_bytes
    with pytest.raises(InvalidInput, match="rows is 0"):
        Plan(0, 384)
    with pytest.raises(InvalidInput, match="leading"):
        Plan(10, 384, target=IndexTarget.LEADING)


def test_the_estimate_beside_a_type() -> None:
    docs = Collection("pgvista", "x", roles=PGVISTA_ROLES, dimension=2_500)
    assert estimated_index_bytes(docs, StoredType(), 1_000) is None
    assert estimated_index_bytes(docs, StoredType(IndexTarget.LEADING, 500), 1_000)
