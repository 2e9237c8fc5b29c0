"""Statements for indexes: names that tell them apart, literals in conditions, what is recognised."""

from __future__ import annotations

import pytest

from pgvista.model.collection import Collection, Roles
from pgvista.model.filters import parse_filter
from pgvista.model.index import BitMetric, IndexMethod, IndexSpec, IndexTarget
from pgvista.model.metric import Metric
from pgvista.sql import index as index_sql

DOCS = Collection("pgvista", "docs", Roles("embedding", "id", "content", "metadata", "fts"), 384)
SPECS = [
    IndexSpec(),
    IndexSpec(metric=Metric.L2),
    IndexSpec(m=32),
    IndexSpec(ef_construction=200),
    IndexSpec(target=IndexTarget.HALFVEC),
    IndexSpec(target=IndexTarget.BIT),
    IndexSpec(target=IndexTarget.BIT, metric=BitMetric.JACCARD),
    IndexSpec(target=IndexTarget.LEADING, leading=64),
    IndexSpec(target=IndexTarget.LEADING, leading=128),
    IndexSpec(filters=parse_filter({"year": {"$gte": 1970}})),
    IndexSpec(filters=parse_filter({"year": {"$gte": 1971}})),
    IndexSpec(IndexMethod.IVFFLAT),
    IndexSpec(IndexMethod.IVFFLAT, lists=7),
]


def test_indexes_that_differ_have_names_that_differ() -> None:
    names = [index_sql.create(DOCS, spec, rows=10)[0] for spec in SPECS]
    assert len(set(names)) == len(SPECS)
    assert names[0] == "docs_embedding_hnsw_cosine_idx"
    assert names[4] == "docs_embedding_hnsw_cosine_halfvec_idx"
    assert names[7] == "docs_embedding_hnsw_cosine_lead64_idx"
    assert all(len(name.encode()) <= 63 for name in names)
    assert names[9].startswith("docs_embedding_hnsw_cosine_where_year_")


def test_a_condition_has_literals_and_no_parameters() -> None:
    spec = IndexSpec(filters=parse_filter({"kind": "it's 50 %; drop table docs"}))
    query = index_sql.create(DOCS, spec, rows=10)[1]
    assert not query.params
    assert "it''s 50 %; drop table docs" in query.text()
    assert b"50 %%" in query.sql.as_bytes(None)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (None, (IndexTarget.COLUMN, None)),
        ("(embedding::halfvec(3))", (IndexTarget.HALFVEC, None)),
        ('("a ""b::halfvec(3)"::"Ext 1".halfvec(3))', (IndexTarget.HALFVEC, None)),
        ("(binary_quantize(embedding)::bit(3))", (IndexTarget.BIT, None)),
        ("(subvector(embedding, 1, 2)::vector(2))", (IndexTarget.LEADING, 2)),
        ("(x.subvector(e, 1, 64)::x.halfvec(64))", (IndexTarget.LEADING, 64)),
        ("(subvector(embedding, 2, 2)::vector(2))", (None, None)),
        ("(l2_normalize(embedding)::halfvec(3))", (None, None)),
    ],
)
def test_recognised_as_postgres_writes_it(
    expression: str | None, found: tuple[IndexTarget | None, int | None]
) -> None:
    assert index_sql.recognise(expression) == found
