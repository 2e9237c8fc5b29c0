"""Indexes on the column, a cast, bits and leading dimensions, whole and partial, as the catalog has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

import pgvista
from pgvista.api import Collection
from pgvista.errors import InvalidInput
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.metric import Metric

DIMENSION = 16
ROWS = 400


@pytest.fixture(params=["vector", "halfvec"])
def docs(request: pytest.FixtureRequest, database_url: str) -> Iterator[Collection]:
    """A collection of each type, with a key of metadata and a column to filter by."""
    vectors = np.random.default_rng(5).standard_normal((ROWS, DIMENSION)).astype(np.float32)
    with pgvista.connect(database_url) as db:
        made = db.create_collection(
            "docs", dimension=DIMENSION, vector_type=request.param, columns={"year": "bigint"}
        )
        made.upsert(
            {
                "id": str(n),
                "embedding": vector,
                "year": 1970 + n % 50,
                "metadata": {"kind": "odd" if n % 2 else "even"},
            }
            for n, vector in enumerate(vectors)
        )
        yield made


@pytest.mark.parametrize("method", ["hnsw", "ivfflat"])
@pytest.mark.parametrize(
    ("options", "target", "metric", "leading"),
    [
        ({}, IndexTarget.COLUMN, Metric.COSINE, None),
        ({"metric": "l2"}, IndexTarget.COLUMN, Metric.L2, None),
        ({"metric": "inner_product"}, IndexTarget.COLUMN, Metric.INNER_PRODUCT, None),
        ({"metric": "l1"}, IndexTarget.COLUMN, Metric.L1, None),
        ({"target": "halfvec"}, IndexTarget.HALFVEC, Metric.COSINE, None),
        ({"target": "bit"}, IndexTarget.BIT, BitMetric.HAMMING, None),
        ({"target": "bit", "metric": "jaccard"}, IndexTarget.BIT, BitMetric.JACCARD, None),
        ({"leading": 8}, IndexTarget.LEADING, Metric.COSINE, 8),
        ({"leading": 8, "metric": "l2"}, IndexTarget.LEADING, Metric.L2, 8),
    ],
)
def test_what_was_asked_for_is_what_the_catalog_has(
    docs: Collection,
    method: str,
    options: dict[str, Any],
    target: IndexTarget,
    metric: Metric | BitMetric,
    leading: int | None,
) -> None:
    if method == "ivfflat":
        options = {"lists": 2, **options}
    if method == "ivfflat" and metric in (Metric.L1, BitMetric.JACCARD):
        with pytest.raises(InvalidInput, match="IVFFlat does not serve"):
            docs.create_index(method, **options)
        return
    made = docs.create_index(method, **options)
    if docs.info.vector_type == "halfvec" and target is IndexTarget.HALFVEC:
        target = IndexTarget.COLUMN  # Postgres drops a cast that changes nothing
    assert (made.method, made.target, made.metric) == (method, target, metric)
    assert (made.leading, made.predicate, made.valid, made.scans) == (leading, None, True, 0)


@pytest.mark.parametrize(
    ("filters", "other"),
    [
        ({"year": {"$gte": 2000}}, {"year": {"$gte": 1999}}),
        ({"kind": "odd"}, {"kind": "even"}),
        ({"year": {"$in": [1975, 1976]}, "kind": "odd"}, {"kind": "odd"}),
        ({"note": {"$exists": False}}, {"note": 'it\'s; 50 % "x"'}),
        ({"id": {"$like": "%'; drop table x; --"}}, {"id": "1"}),
    ],
)
def test_a_partial_index_serves_searches_with_its_filter_alone(
    docs: Collection, filters: dict[str, Any], other: dict[str, Any], database_url: str
) -> None:
    made = docs.create_index("hnsw", filters=filters)
    assert made.predicate
    assert docs.info.index_cast is None
    vector = [1.0] * DIMENSION
    with psycopg.connect(database_url) as session:
        session.execute(f"alter database {session.info.dbname} set enable_seqscan = off")
        session.execute(f"alter database {session.info.dbname} set enable_sort = off")
    docs.db.refresh()
    found = docs.search(vector, limit=5, filters=filters, explain=True)
    assert found.plan is not None
    assert found.plan.vector_index == made.name
    found = docs.search(vector, limit=5, filters=other, explain=True)
    assert found.plan is not None
    assert found.plan.vector_index is None
