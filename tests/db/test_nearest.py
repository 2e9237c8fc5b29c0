"""The statement of nearest rows on a real Postgres: every index target, filters, and what is bad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import InvalidInput
from pgvista.model.filters import parse_filter
from pgvista.model.index import IndexMethod, IndexSpec, IndexTarget
from pgvista.model.metric import Metric
from pgvista.model.search import IterativeScan
from pgvista.model.tuning import NearestRequest
from pgvista.services.indexes import create_index
from pgvista.sql import search as search_sql
from pgvista.sql.nearest import exact, nearest

ROWS, DIMENSION = 1200, 24
VECTORS = np.random.default_rng(4).standard_normal((ROWS, DIMENSION)).astype(np.float32)
QUERY = tuple(np.random.default_rng(5).standard_normal(DIMENSION).tolist())


@pytest.fixture(scope="module")
def docs(module_database_url: str) -> Iterator[Collection]:
    with pgvista.connect(module_database_url) as workbench:
        yield fill(workbench, "docs", VECTORS)


def fill(workbench: Workbench, name: str, vectors: Any, **options: Any) -> Collection:
    made = workbench.create_collection(name, dimension=len(vectors[0]), **options)
    made.upsert(
        {"id": f"r{number:05}", "embedding": vector, "metadata": {"n": number}}
        for number, vector in enumerate(vectors)
    )
    with workbench.db.dedicated(autocommit=True) as connection:
        connection.execute("analyze")
    return made


def found(docs: Collection, request: NearestRequest, *, proof: bool = False) -> Any:
    """Return (id, distance) of each row, or with `proof` the index that the plan names."""
    query = (exact if request.exact else nearest)(docs.info, request)
    settings = dict(request.settings())
    if proof:
        if not request.exact:
            settings["enable_seqscan"] = "off"
        plan = search_sql.plan(query, analyze=False)
        text = str(docs.db.query(plan.sql, plan.params, settings=settings)[0][0])
        return text.partition("'Index Name': '")[2].partition("'")[0]
    return docs.db.query(query.statement, query.params, settings=settings)


def truth(metric: Metric, limit: int, vectors: Any = VECTORS) -> list[str]:
    query, rows = np.array(QUERY), vectors.astype(float)
    distances = {
        Metric.COSINE: 1 - rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query),
        Metric.L2: np.linalg.norm(rows - query, axis=1),
        Metric.INNER_PRODUCT: -(rows @ query),
        Metric.L1: np.abs(rows - query).sum(axis=1),
    }[metric]
    return [f"r{place:05}" for place in np.argsort(distances)[:limit]]


@pytest.mark.parametrize("metric", list(Metric))
def test_exact_is_the_truth_of_every_metric(docs: Collection, metric: Metric) -> None:
    request = NearestRequest(QUERY, limit=7, metric=metric, exact=True)
    assert [row[0] for row in found(docs, request)] == truth(metric, 7)


TARGETS = [
    (IndexTarget.COLUMN, None, 1.0),
    (IndexTarget.HALFVEC, None, 1.0),
    (IndexTarget.BIT, None, 8.0),
    (IndexTarget.LEADING, 12, 8.0),
]


@pytest.mark.parametrize(("target", "leading", "oversample"), TARGETS)
def test_each_target_is_served_by_its_index_and_ranked_by_the_full_vectors(
    docs: Collection, target: IndexTarget, leading: int | None, oversample: float
) -> None:
    spec = IndexSpec(target=target, leading=leading)
    index = create_index(docs.db, docs.info, spec)
    request = NearestRequest(
        QUERY, target=target, leading=leading, oversample=oversample, ef_search=200
    )
    rows = found(docs, request)
    expected = dict(found(docs, NearestRequest(QUERY, limit=ROWS, exact=True)))
    assert found(docs, request, proof=True) == index.name
    assert len(rows) == 10
    assert len({key for key, _ in rows} & set(truth(Metric.COSINE, 10))) >= 4
    assert [distance for _, distance in rows] == sorted(distance for _, distance in rows)
    assert all(distance == expected[key] for key, distance in rows)


def test_more_candidates_find_what_bits_alone_miss(docs: Collection) -> None:
    hits = [
        len(
            {
                row[0]
                for row in found(
                    docs,
                    NearestRequest(QUERY, target=IndexTarget.BIT, oversample=times, ef_search=1000),
                )
            }
            & set(truth(Metric.COSINE, 10))
        )
        for times in (1.0, 100.0)
    ]
    assert hits[0] < hits[1] == 10


def test_filters_excluded_row_and_share(docs: Collection) -> None:
    nearest_ids = truth(Metric.COSINE, 20)
    one = NearestRequest(QUERY, exact=True, exclude_id=nearest_ids[0], limit=5)
    assert [row[0] for row in found(docs, one)] == nearest_ids[1:6]
    few = NearestRequest(
        QUERY,
        exact=True,
        limit=50,
        filters=parse_filter({"n": {"$lt": 30}, "id": {"$ne": "r00003"}}),
    )
    assert {row[0] for row in found(docs, few)} == {f"r{n:05}" for n in range(30)} - {"r00003"}
    tenth = NearestRequest(QUERY, exact=True, limit=ROWS, share=0.1)
    half = NearestRequest(QUERY, exact=True, limit=ROWS, share=0.5)
    tenth_ids, half_ids = ({row[0] for row in found(docs, item)} for item in (tenth, half))
    assert 80 < len(tenth_ids) < 160
    assert 520 < len(half_ids) < 680
    assert tenth_ids < half_ids


def test_zero_and_missing_vectors_are_left_out(database_url: str) -> None:
    with pgvista.connect(database_url) as workbench:
        docs = fill(workbench, "odd", [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
        with workbench.db.transaction() as connection:
            connection.execute("insert into pgvista.odd (id, embedding) values ('none', null)")
        request = NearestRequest((1.0, 0.2), exact=True)
        assert [row[0] for row in found(docs, request)] == ["r00000", "r00002"]


def test_settings_are_those_of_the_request() -> None:
    request = NearestRequest(
        (1.0,), ef_search=80, iterative_scan=IterativeScan.STRICT, max_scan_tuples=50_000
    )
    assert request.settings() == {
        "hnsw.ef_search": "80",
        "hnsw.iterative_scan": "strict_order",
        "ivfflat.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": "50000",
    }
    assert request.settings(iterative_scan=False) == {"hnsw.ef_search": "80"}
    assert NearestRequest((1.0,), probes=3).settings() == {"ivfflat.probes": "3"}
    assert NearestRequest((1.0,), probes=3, exact=True).settings() == {
        "enable_indexscan": "off",
        "enable_bitmapscan": "off",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"vector": ()},
        {"vector": (float("nan"),)},
        {"limit": 0},
        {"limit": True},
        {"ef_search": 1001},
        {"probes": 0},
        {"oversample": 0.5},
        {"oversample": float("nan")},
        {"share": 0.0},
        {"share": float("nan")},
        {"target": IndexTarget.LEADING},
        {"target": IndexTarget.LEADING, "leading": 3},
    ],
)
def test_what_is_out_of_range_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        NearestRequest(**({"vector": (1.0, 2.0)} | fields))


def test_a_vector_of_another_length_is_refused(docs: Collection) -> None:
    with pytest.raises(InvalidInput, match="3 numbers"):
        nearest(docs.info, NearestRequest((1.0, 2.0, 3.0)))


def test_ivfflat_is_asked_by_probes(database_url: str) -> None:
    with pgvista.connect(database_url) as workbench:
        docs = fill(workbench, 'we"ird; %s drop', VECTORS[:600])
        spec = IndexSpec(method=IndexMethod.IVFFLAT, lists=30, metric=Metric.L2)
        index = create_index(docs.db, docs.info, spec)
        for probes in (1, 30):
            request = NearestRequest(QUERY, metric=Metric.L2, probes=probes)
            assert found(docs, request, proof=True) == index.name
            docs.db.query(b"select 1", {})
        hits = {row[0] for row in found(docs, request)}
        assert hits == set(truth(Metric.L2, 10, VECTORS[:600]))
