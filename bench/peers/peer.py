"""Run one measurement with another client, in that client's own environment; print JSON.

python bench/peers/peer.py vecs-upsert URL ROWS
python bench/peers/peer.py vecs-query URL QUERIES
python bench/peers/peer.py langchain-query URL QUERIES ROWS
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.vectors import make_rows, make_vectors

LIMIT = 10
DIMENSION = 384


def vecs_upsert(url: str, rows: int) -> dict[str, Any]:
    """Load `rows` ready vectors by vecs' upsert; the text travels in the metadata."""
    import vecs

    client = vecs.create_client(_psycopg2(url))
    if any(item.name == "bench" for item in client.list_collections()):
        client.delete_collection("bench")
    collection = client.create_collection("bench", DIMENSION)
    records = [
        (row["id"], row["embedding"], {**row["metadata"], "content": row["content"]})
        for row in make_rows(rows)
    ]
    start = time.perf_counter()
    collection.upsert(records)
    return {"seconds": time.perf_counter() - start}


def vecs_query(url: str, queries: int) -> dict[str, Any]:
    """Query by vector through vecs, with its HNSW index and the values that pgvista returns too."""
    import vecs

    client = vecs.create_client(_psycopg2(url))
    collection = client.get_collection("bench")
    if collection.index is None:
        collection.create_index(
            method=vecs.IndexMethod.hnsw, measure=vecs.IndexMeasure.cosine_distance
        )
    return _timed(
        queries,
        lambda vector: collection.query(
            vector, limit=LIMIT, include_value=True, include_metadata=True
        ),
    )


def langchain_query(url: str, queries: int, rows: int) -> dict[str, Any]:
    """Query by vector through langchain-postgres' PGVector, on a table with an HNSW index."""
    import psycopg
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_postgres import PGVector

    store = PGVector(
        embeddings=DeterministicFakeEmbedding(size=DIMENSION),
        collection_name="bench",
        connection=url.replace("postgresql://", "postgresql+psycopg://"),
        embedding_length=DIMENSION,
        use_jsonb=True,
    )
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("select count(*) from langchain_pg_embedding").fetchone()
    if known is None or known[0] < rows:
        made = make_rows(rows)
        for start in range(0, rows, 2000):
            part = made[start : start + 2000]
            store.add_embeddings(
                [row["content"] for row in part],
                [row["embedding"].tolist() for row in part],
                metadatas=[row["metadata"] for row in part],
                ids=[row["id"] for row in part],
            )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "create index on langchain_pg_embedding using hnsw (embedding vector_cosine_ops)"
            )
            connection.execute("analyze langchain_pg_embedding")
    return _timed(
        queries, lambda vector: store.similarity_search_by_vector(vector.tolist(), k=LIMIT)
    )


def _psycopg2(url: str) -> str:
    """Name the driver that vecs is written for; SQLAlchemy 2.1 would take another one."""
    return url.replace("postgresql://", "postgresql+psycopg2://")


def _timed(queries: int, query: Callable[[Any], object]) -> dict[str, Any]:
    vectors = make_vectors(queries + 20, seed=23)
    times = []
    for vector in vectors:
        start = time.perf_counter()
        query(vector)
        times.append((time.perf_counter() - start) * 1000)
    return {"p50_ms": statistics.median(times[20:]), "n": queries}


if __name__ == "__main__":
    name, url, *numbers = sys.argv[1:]
    functions: dict[str, Callable[..., dict[str, Any]]] = {
        "vecs-upsert": vecs_upsert,
        "vecs-query": vecs_query,
        "langchain-query": langchain_query,
    }
    print(json.dumps(functions[name](url, *map(int, numbers))))
