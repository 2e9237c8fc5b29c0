"""The lesson on distance against Postgres: by hand, against NumPy, and against pgvector's own catalog."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.db.test_types import clustered, filled

from pgvista.db.database import Database
from pgvista.db.target import target_from_url
from pgvista.errors import InvalidInput, ReadOnly
from pgvista.model.collection import Collection, NewCollection
from pgvista.model.index import BitMetric, IndexMethod
from pgvista.model.metric import Metric, VectorType
from pgvista.science import distances
from pgvista.science.lesson_distance import normalised, places
from pgvista.services import collections
from pgvista.services.lesson_distance import (
    METRICS,
    compare_metrics,
    measure_lengths,
    measure_plane,
    operators,
    prove,
)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(target_from_url(database_url))
    yield database
    database.close()


def vec(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_points_by_hand(db: Database) -> None:
    found = measure_plane(db, vec(3, 0), {"A": vec(0, 4), "B": vec(6, 0), "C": vec(3, 0)})
    a, b, _ = found.points
    assert a.distances == pytest.approx(
        {Metric.L2: 5, Metric.INNER_PRODUCT: 0, Metric.COSINE: 1, Metric.L1: 7}
    )
    assert b.distances == pytest.approx(
        {Metric.L2: 3, Metric.INNER_PRODUCT: -18, Metric.COSINE: 0, Metric.L1: 3}
    )
    # C is the query itself, and the inner product puts B before it; cosine cannot tell the two
    assert found.nearest(Metric.L2) == found.nearest(Metric.L1) == ("C",)
    assert found.nearest(Metric.INNER_PRODUCT) == ("B",)
    assert found.nearest(Metric.COSINE) == ("B", "C")
    assert [point.name for point in found.order(Metric.L2)] == ["C", "B", "A"]


@pytest.mark.parametrize("normalise", [False, True])
def test_points_as_numpy_measures_them(db: Database, normalise: bool) -> None:
    draw = np.random.default_rng(6)
    every = draw.normal(size=(9, 2)).astype(np.float32)
    names = [f"point {i}" for i in range(8)]
    found = measure_plane(db, every[8], dict(zip(names, every, strict=False)), normalise=normalise)
    if normalise:
        every = normalised(every)
    for metric in METRICS:
        expected = distances.to_all(every[8], every[:8], metric)
        got = [point.distances[metric] for point in found.points]
        assert got == pytest.approx(expected.tolist(), abs=1e-6)
        assert tuple(point.places[metric] for point in found.points) == places(got)


def test_on_normalised_points_three_metrics_have_one_order(db: Database) -> None:
    draw = np.random.default_rng(7)
    points = {str(i): vec(*draw.normal(size=2)) for i in range(6)}
    plain = measure_plane(db, vec(1, 2), points)
    one = measure_plane(db, vec(1, 2), points, normalise=True)
    orders = {m: [p.name for p in one.order(m)] for m in METRICS}
    assert orders[Metric.L2] == orders[Metric.COSINE] == orders[Metric.INNER_PRODUCT]
    assert [p.name for p in plain.order(Metric.COSINE)] == orders[Metric.COSINE]
    assert [p.name for p in plain.order(Metric.L2)] != orders[Metric.L2]


def test_a_zero_vector_has_no_place_under_cosine(db: Database) -> None:
    found = measure_plane(db, vec(1, 1), {"zero": vec(0, 0), "A": vec(1, 2)})
    zero = found.points[0]
    assert math.isnan(zero.distances[Metric.COSINE])
    assert zero.places[Metric.COSINE] is None
    assert zero.places[Metric.INNER_PRODUCT] == 2
    asked = measure_plane(db, vec(0, 0), {"A": vec(1, 2), "B": vec(3, 1)}, normalise=True)
    assert asked.nearest(Metric.COSINE) == ()
    assert asked.nearest(Metric.INNER_PRODUCT) == ("A", "B")


def test_points_in_one_place_share_theirs(db: Database) -> None:
    found = measure_plane(db, vec(1, 1), {"A": vec(2, 1), "B": vec(2, 1), "C": vec(3, 0)})
    assert [point.places[Metric.L2] for point in found.points] == [1, 1, 3]


def test_names_are_values(db: Database) -> None:
    name = "'); drop table x; -- \\ % é"
    assert measure_plane(db, vec(1, 1), {name: vec(1, 0)}).points[0].name == name


def test_what_cannot_be_measured(db: Database) -> None:
    with pytest.raises(InvalidInput, match="no point"):
        measure_plane(db, vec(1, 1), {})
    with pytest.raises(InvalidInput, match="not a finite number"):
        measure_plane(db, vec(1, math.inf), {"A": vec(1, 1)})


def test_the_shown_sql_is_the_run_sql(db: Database) -> None:
    found = measure_plane(db, vec(0.1, 2), {"it's": vec(1, 0)}, normalise=True)
    rows = db.read(lambda c: c.execute(found.sql.encode()).fetchall())
    assert rows == [("it's", *(found.points[0].distances[m] for m in METRICS))]


@pytest.mark.parametrize("kind", list(VectorType))
@pytest.mark.parametrize(("normalise", "spread"), [(False, 1.0), (True, 1.0), (False, 3.0)])
def test_real_rows_as_numpy_orders_them(
    db: Database, kind: VectorType, normalise: bool, spread: float
) -> None:
    vectors = clustered(120, 16)
    docs = filled(db, "docs", vectors, vector_type=kind)
    asked = clustered(1, 16, seed=9)[0]
    found = compare_metrics(db, docs, asked, limit=7, normalise=normalise, spread=spread)
    stored = vectors.astype(np.float16).astype(np.float32) if kind == "halfvec" else vectors
    question = asked.astype(np.float16).astype(np.float32) if kind == "halfvec" else asked
    if normalise:
        stored, question = normalised(stored), normalised(question[None])[0]
    if spread > 1:
        drawn = db.query(
            b"select i::text, (hashtextextended(i::text, 1) & 1023) / 1023.0 from generate_series(0, 119) i",
            {},
        )
        factors = np.array([float(row[1]) for row in drawn])
        stored = (stored * (1 + (spread - 1) * factors)[:, None]).astype(np.float32)
    for metric in METRICS:
        measured = distances.to_all(question, stored, metric)
        order = [row.name for row in found.order(metric)]
        assert len(order) == 7
        expected = np.sort(measured)[:7]
        assert [float(measured[int(name)]) for name in order] == pytest.approx(
            expected.tolist(), rel=5e-3, abs=5e-3
        )
        assert [row.distances[metric] for row in found.order(metric)] == pytest.approx(
            expected.tolist(), rel=5e-3, abs=5e-3
        )
    if normalise and kind == "vector":
        assert found.shared(Metric.L2, Metric.COSINE) == 7
        assert found.shared(Metric.INNER_PRODUCT, Metric.COSINE) == 7


def test_lengths_do_not_touch_cosine(db: Database) -> None:
    docs = filled(db, "docs", clustered(60, 8))
    asked = clustered(1, 8, seed=2)[0]
    plain, longer = (compare_metrics(db, docs, asked, spread=s) for s in (1.0, 8.0))
    assert [r.name for r in plain.order(Metric.COSINE)] == [
        r.name for r in longer.order(Metric.COSINE)
    ]
    assert [r.name for r in plain.order(Metric.INNER_PRODUCT)] != [
        r.name for r in longer.order(Metric.INNER_PRODUCT)
    ]


def test_a_table_of_three_with_a_zero_vector(db: Database) -> None:
    docs = filled(db, "docs", np.array([[3, 4], [0, 0], [0, 1]], np.float32))
    held = measure_lengths(db, docs)
    assert (held.rows, held.share, held.zeros, held.longest) == (3, None, 1, 5.0)
    assert not held.are_one
    found = compare_metrics(db, docs, vec(0, 1))
    assert [row.name for row in found.order(Metric.COSINE)] == ["2", "0", "1"]
    assert math.isnan(found.order(Metric.COSINE)[2].distances[Metric.COSINE])
    with pytest.raises(InvalidInput, match="3 numbers"):
        compare_metrics(db, docs, vec(0, 1, 2))
    with pytest.raises(InvalidInput, match="spread by 9"):
        compare_metrics(db, docs, vec(0, 1), spread=9)


def test_no_vectors(db: Database) -> None:
    docs = filled(db, "docs", np.empty((0, 2), np.float32))
    with pytest.raises(InvalidInput, match="no vectors yet"):
        measure_lengths(db, docs)


def test_the_table_of_operators_is_pgvectors_own(db: Database) -> None:
    rows = db.query(
        b"""select c.opcname, m.amname, o.oprname
from pg_opclass c join pg_am m on m.oid = c.opcmethod
join pg_amop a on a.amopfamily = c.opcfamily and a.amopmethod = m.oid and a.amoppurpose = 'o'
join pg_operator o on o.oid = a.amopopr
where m.amname in ('hnsw', 'ivfflat') and c.opcname !~ '^sparsevec'""",
        {},
    )
    catalog = {(name, method, operator) for name, method, operator in rows}
    told = {
        (name, method.value, row.operator)
        for row in operators()
        for name in row.opclasses
        for method in row.methods
    }
    assert told == catalog
    by_metric = {row.metric: row for row in operators()}
    assert by_metric[Metric.L1].methods == (IndexMethod.HNSW,)
    assert by_metric[BitMetric.HAMMING].methods == (IndexMethod.HNSW, IndexMethod.IVFFLAT)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", list(VectorType))
def test_an_index_serves_its_own_operator_alone(
    db: Database, metric: Metric, kind: VectorType
) -> None:
    docs = filled(db, "docs", clustered(200, 8), vector_type=kind)
    proof = prove(db, docs, clustered(1, 8, seed=3)[0], metric)
    assert proof.rows == 201
    assert {item.metric for item in proof.served if item.by_index} == {metric}
    for item in proof.served:
        assert item.steps[-1] == ("Index Scan" if item.by_index else "Seq Scan")
    cosine = proof.of(Metric.COSINE)
    # the index leaves the zero vector out; a scan has it, without a distance
    assert (cosine.rows, cosine.nans) == ((200, 0) if metric is Metric.COSINE else (201, 1))
    gone = db.query(b"select count(*) from pg_class where relname = 'lesson_rows'", {})
    assert gone == [(0,)]
    assert "hnsw (embedding" in proof.sql[0]


def test_no_index_where_none_may_be_made(db: Database, database_url: str) -> None:
    docs = filled(db, "docs", clustered(10, 4))
    reader = Database(target_from_url(database_url, read_only=True))
    try:
        with pytest.raises(ReadOnly):
            prove(reader, docs, vec(1, 0, 0, 0), Metric.L2)
    finally:
        reader.close()
    filled(db, "wide", clustered(3, 2_100))
    wide = collections.open_collection(db, "wide")
    with pytest.raises(InvalidInput, match="2,000 at most"):
        prove(db, wide, vec(*range(2_100)), Metric.L2)


def test_pgvector_off_the_search_path(db: Database, database_url: str) -> None:
    with db.transaction() as connection:
        connection.execute("create schema ext")
        connection.execute("alter extension vector set schema ext")
    other = Database(target_from_url(database_url))
    try:
        found = measure_plane(other, vec(1, 2), {"A": vec(2, 1)}, normalise=True)
        assert found.points[0].distances[Metric.COSINE] == pytest.approx(0.2)
        docs = filled_off_path(other)
        assert compare_metrics(other, docs, vec(1, 2), spread=2, normalise=True).rows
        assert measure_lengths(other, docs).longest == pytest.approx(math.sqrt(8))
        assert prove(other, docs, vec(1, 2), Metric.COSINE).of(Metric.COSINE).by_index
    finally:
        other.close()


def filled_off_path(db: Database) -> Collection:
    made = collections.create(db, NewCollection("docs", dimension=2))
    with db.transaction() as connection:
        connection.execute(
            "insert into pgvista.docs (id, embedding) values ('a', '[1,0]'), ('b', '[2,2]')"
        )
    return made
