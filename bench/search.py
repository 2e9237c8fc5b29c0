"""Search by vector, by words and by both: pgvista beside the same SQL run bare, and other clients.

The query's vector is given, so that no model is part of the times. The bare statement is the one
that pgvista ran, with the same values, on an open connection with psycopg's defaults. Calls
alternate, with a new query each. What no client can be faster than stands below the other clients:
the ids of the nearest rows by the index, prepared and binary, without a setting.

    python bench/search.py [--rows 50000] [--queries 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from pgvector.psycopg import register_vector

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json
from bench.server import bench_server, peer
from bench.vectors import make_rows, make_texts, make_vectors

import pgvista
from pgvista.model.search import Mode, SearchRequest
from pgvista.services.search import search
from pgvista.sql import search as search_sql

DIMENSION = 384
WARM_UP = 20


def measure(
    collection: pgvista.Collection, bare: psycopg.Connection[Any], mode: Mode, queries: int
) -> dict[str, Any]:
    """Return p50 in milliseconds of pgvista's search and of the bare statement."""
    vectors = make_vectors(queries + WARM_UP, DIMENSION, seed=23)
    words = make_texts(queries + WARM_UP, words=4, seed=23)
    ours: list[float] = []
    raw: list[float] = []
    for number in range(queries + WARM_UP):
        request = SearchRequest(
            mode=mode,
            text=words[number],
            vector=None if mode is Mode.KEYWORD else tuple(vectors[number].tolist()),
        )
        vector = request.vector
        query = search_sql.search(collection.info, request, vector)
        text = query.sql.as_string(bare)
        for name, value in search_sql.knobs(request, iterative_scan=True).items():
            bare.execute("select set_config(%s, %s, false)", (name, value), prepare=False)

        def ours_once(request: SearchRequest = request) -> None:
            search(collection.db, collection.info, request)

        def bare_once(text: str = text, params: Any = query.params) -> None:
            bare.execute(text, params).fetchall()

        both: list[tuple[Callable[[], None], list[float]]] = [(ours_once, ours), (bare_once, raw)]
        for call, times in both if number % 2 else reversed(both):
            start = time.perf_counter()
            call()
            times.append((time.perf_counter() - start) * 1000)
    p50, bare_p50 = (statistics.median(times[WARM_UP:]) for times in (ours, raw))
    return {
        "mode": mode.value,
        "pgvista p50 ms": p50,
        "bare p50 ms": bare_p50,
        "ratio": p50 / bare_p50,
        "pgvista p95 ms": float(np.percentile(ours[WARM_UP:], 95)),
    }


def least(bare: psycopg.Connection[Any], queries: int) -> float:
    """Return p50 in milliseconds of the nearest ten ids by the index: prepared, binary, no settings."""
    vectors = make_vectors(queries + WARM_UP, DIMENSION, seed=23)
    times: list[float] = []
    statement = "select id from pgvista.docs order by embedding <=> %s limit 10"
    for vector in vectors:
        start = time.perf_counter()
        bare.execute(statement, (vector,), prepare=True, binary=True).fetchall()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[WARM_UP:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with bench_server() as url, pgvista.connect(url) as db:
        collection = db.create_collection("docs", dimension=DIMENSION)
        collection.upsert(make_rows(given.rows))
        collection.create_index("hnsw")
        with psycopg.connect(url, autocommit=True) as bare:
            register_vector(bare)
            bare.execute("vacuum analyze pgvista.docs")
            rows = [measure(collection, bare, mode, given.queries) for mode in Mode]
        print_table(f"Search at {given.rows} x {DIMENSION}, HNSW and GIN indexes", rows)
        result: dict[str, Any] = {"rows": given.rows, "modes": rows}
        semantic = next(row for row in rows if row["mode"] == "semantic")
        if (loaded := peer("vecs-upsert", url, given.rows)) is not None:
            del loaded
            clients = {
                "vecs query": peer("vecs-query", url, given.queries),
                "langchain-postgres by vector": peer(
                    "langchain-query", url, given.queries, given.rows
                ),
            }
            with psycopg.connect(url, autocommit=True) as bare:
                register_vector(bare)
                again = measure(collection, bare, Mode.SEMANTIC, given.queries)
                floor = least(bare, given.queries)
            own = (semantic["pgvista p50 ms"] + again["pgvista p50 ms"]) / 2
            table = [{"client": "pgvista", "p50 ms": own, "pgvista / it": 1.0}]
            table += [
                {"client": name, "p50 ms": found["p50_ms"], "pgvista / it": own / found["p50_ms"]}
                for name, found in clients.items()
                if found is not None
            ]
            table.append(
                {"client": "the least: ids alone", "p50 ms": floor, "pgvista / it": own / floor}
            )
            print_table("Semantic search through other clients, same server and rows", table)
            result["clients"] = table
    print(json.dumps({row["mode"]: round(row["ratio"], 3) for row in rows}))
    write_json("search", result, given.json)


if __name__ == "__main__":
    main()
