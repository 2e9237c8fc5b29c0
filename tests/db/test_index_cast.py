"""An index on a cast is used by searches, which rank by the distance in full precision."""

from __future__ import annotations

import numpy as np

import pgvista

ROWS = 3_000


def test_halfvec_index_on_a_vector_column_is_used(database_url: str) -> None:
    vectors = np.random.default_rng(3).standard_normal((ROWS, 16)).astype(np.float32)
    with pgvista.connect(database_url) as db:
        docs = db.create_collection("docs", dimension=16)
        docs.upsert({"id": str(n), "embedding": vector} for n, vector in enumerate(vectors))
        made = docs.create_index("hnsw", vector_type="halfvec")
        assert made.opclasses == ("halfvec_cosine_ops",)
        found = docs.search(vectors[7], limit=5, explain=True)
        assert found.plan is not None
        assert found.plan.vector_index == made.name
        exact = docs.search(vectors[7], limit=5, exact=True, explain=True)
        assert exact.plan is not None
        assert exact.plan.vector_index is None
        assert found.hits[0].id == exact.hits[0].id == "7"
        assert [hit.distance for hit in found.hits] == sorted(
            hit.distance or 0 for hit in found.hits
        )
        same = {hit.id: hit.distance for hit in exact.hits}
        assert all(same[hit.id] == hit.distance for hit in found.hits if hit.id in same)
        assert "halfvec(16)" in found.sql
        assert "halfvec(16)" not in docs.search(vectors[7], metric="l2").sql


def test_an_index_on_the_column_itself_comes_first(database_url: str) -> None:
    with pgvista.connect(database_url) as db:
        docs = db.create_collection("docs", dimension=3)
        docs.create_index("hnsw", vector_type="halfvec")
        assert db.collection("docs").info.index_cast == "halfvec"
        docs.create_index("hnsw")
        assert docs.info.index_cast is None
