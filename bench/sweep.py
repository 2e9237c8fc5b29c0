"""A sweep: what it costs beside its queries, its exact truth beside NumPy's, its recall beside
ann-benchmarks' definition.

The rows are clustered and seeded, and the queries are vectors of the same kind that are not among
them. NumPy reads all vectors once and compares them in memory; its time is with and without the
reading. Recall is computed a second time from rows fetched by plain SQL with the distances of
NumPy in double precision, by the code of ann-benchmarks.

    python bench/sweep.py [--rows 50000] [--queries 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json
from bench.server import bench_server
from bench.vectors import make_vectors

import pgvista
from pgvista.model.progress import SilentReporter
from pgvista.model.sweep import SweepResult, SweepSpec
from pgvista.services.sweep import sweep
from pgvista.services.truth import Case, Queries, find_truth

DIMENSION = 384
LIMIT = 10
EF_SEARCH = (20, 40, 100, 400)
TIMES = 3


def numpy_truth(url: str, queries: NDArray[np.float32]) -> dict[str, Any]:
    """Return the time of NumPy's exact answer, and its distances in double precision."""
    with psycopg.connect(url) as connection:
        register_vector(connection)
        start = time.perf_counter()
        rows = connection.execute("select id, embedding from pgvista.docs", binary=True).fetchall()
        vectors = np.stack([row[1].to_numpy() for row in rows])
        read_s = time.perf_counter() - start
    start = time.perf_counter()
    lengths = np.linalg.norm(vectors, axis=1)
    unit = queries / np.linalg.norm(queries, axis=1)[:, None]
    similar = (unit @ vectors.T) / lengths
    nearest = np.argpartition(-similar, LIMIT - 1, axis=1)[:, :LIMIT]
    nearest = np.take_along_axis(
        nearest, np.argsort(-np.take_along_axis(similar, nearest, axis=1), axis=1), axis=1
    )
    compare_s = time.perf_counter() - start
    exact = np.stack(
        [
            np.sort(_distances(vectors[places], query))
            for places, query in zip(nearest, queries, strict=True)
        ]
    )
    by_id = {row[0]: place for place, row in enumerate(rows)}
    return {
        "read_s": read_s,
        "compare_s": compare_s,
        "distances": exact,
        "vectors": vectors,
        "by_id": by_id,
    }


def _distances(rows: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float64]:
    left, right = rows.astype(np.float64), query.astype(np.float64)
    return np.asarray(1 - left @ right / np.linalg.norm(left, axis=1) / np.linalg.norm(right))


def ann_benchmarks_recall(
    truth: NDArray[np.float64], found: list[NDArray[np.float64]], count: int
) -> float:
    """`get_recall_values` with `knn_threshold`, of ann_benchmarks/plotting/metrics.py."""
    recalls = np.zeros(len(found))
    for i in range(len(found)):
        t = truth[i][count - 1] + 1e-3
        actual = 0
        for d in found[i][:count]:
            if d <= t:
                actual += 1
        recalls[i] = actual
    return float(np.mean(recalls) / float(count))


def independent(
    url: str, queries: NDArray[np.float32], ef_search: int, known: dict[str, Any]
) -> float:
    """Return the recall at one ef_search, by plain SQL and ann-benchmarks' definition."""
    found = []
    with psycopg.connect(url) as connection:
        register_vector(connection)
        connection.execute("select set_config('hnsw.ef_search', %s, false)", (str(ef_search),))
        for query in queries:
            rows = connection.execute(
                "select id from pgvista.docs order by embedding <=> %s limit %s", (query, LIMIT)
            ).fetchall()
            places = [known["by_id"][row[0]] for row in rows]
            found.append(_distances(known["vectors"][places], query))
    return ann_benchmarks_recall(known["distances"], found, LIMIT)


def own_truth(docs: pgvista.Collection, queries: NDArray[np.float32]) -> float:
    """Return how long the truth of a sweep takes, in seconds."""
    with docs.db.dedicated() as connection:
        found = find_truth(
            docs.db,
            connection,
            docs.info,
            Queries((None,) * len(queries), queries),
            [Case("all rows")],
            LIMIT,
            reporter=SilentReporter(),
        )
    return found.seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    everything = make_vectors(given.rows + given.queries, DIMENSION)
    vectors, queries = everything[: given.rows], everything[given.rows :]
    with bench_server() as url, pgvista.connect(url) as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(
            {"id": f"row-{number:07d}", "embedding": vector}
            for number, vector in enumerate(vectors)
        )
        docs.create_index("hnsw")
        ours, theirs = [], []
        for _ in range(TIMES):
            ours.append(own_truth(docs, queries))
            known = numpy_truth(url, queries)
            theirs.append((known["read_s"], known["compare_s"]))
        read_s, compare_s = np.median(np.array(theirs), axis=0)
        truth = {
            "pgvista s": float(np.median(ours)),
            "numpy with reading s": float(read_s + compare_s),
            "numpy alone s": float(compare_s),
            "pgvista / numpy with reading": float(np.median(ours) / (read_s + compare_s)),
        }
        print_table(
            f"Exact truth of {given.queries} queries at {given.rows} x {DIMENSION}", [truth]
        )
        spec = SweepSpec(limit=LIMIT, vectors=queries, ef_search=EF_SEARCH)
        result = sweep(docs.db, docs.info, spec)
        cost = {
            "wall s": result.wall_s,
            "queries s": result.query_s,
            "truth s": result.truth.seconds,
            "wall / (queries + truth)": result.wall_s / (result.query_s + result.truth.seconds),
        }
        print_table("The sweep beside its queries and its truth", [cost])
        recall = _recalls(result, url, queries, known)
        print_table("Recall beside ann-benchmarks' definition", recall)
    print(json.dumps({"truth": truth, "cost": cost}))
    write_json(
        "sweep", {"rows": given.rows, "truth": truth, "cost": cost, "recall": recall}, given.json
    )


def _recalls(
    result: SweepResult, url: str, queries: NDArray[np.float32], known: dict[str, Any]
) -> list[dict[str, Any]]:
    rows = []
    for point in result.points:
        if point.setting.ef_search is not None:
            other = independent(url, queries, point.setting.ef_search, known)
            rows.append(
                {
                    "setting": point.setting.knob,
                    "recall": repr(point.recall),
                    "ann-benchmarks": repr(other),
                    "equal": point.recall == other,
                    "by id": point.recall_by_id,
                    "p95 ms": point.p95_ms,
                }
            )
    return rows


if __name__ == "__main__":
    main()
