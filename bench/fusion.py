"""Fusion: recomputed from lists already fetched, and a hybrid search beside its two lists alone.

A hybrid search is compared with the sum of a semantic and a keyword search of the same depth, on
the same queries, in turns; vectors are given, so that no model is part of the times. Beside them
stand the two searches for ten hits, with ef_search at its default, which fetch far less. What is
recomputed includes the hits: the rows are there, as after a knob of the fusion was moved. `page`
is what the Search page asks: the hybrid search with its lists returned beside the hits.

    python bench/fusion.py [--rows 50000] [--queries 200] [--depth 100] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json
from bench.server import bench_server
from bench.vectors import make_rows, make_texts, make_vectors

import pgvista
from pgvista.model.search import CandidateLists, Fusion, Mode, SearchRequest, SearchResult
from pgvista.services.fusion import fuse_again, fuse_lists, ledger
from pgvista.services.search import search

DIMENSION = 384
WARM_UP = 20
CANDIDATES = 1_000
WORDS = 6


def made_up_lists(count: int) -> CandidateLists:
    """Return two lists of `count` rows, half of which stand in both."""
    rng = np.random.default_rng(7)
    distances = np.sort(rng.uniform(0.2, 1.2, count)).tolist()
    scores = np.sort(rng.gamma(2.0, 3.0, count))[::-1].tolist()
    ids = [f"row-{number:07d}" for number in rng.permutation(count * 3 // 2)]
    return CandidateLists(
        semantic=tuple(zip(ids[:count], distances, strict=True)),
        keyword=tuple(zip(ids[-count:], scores, strict=True)),
    )


def recompute(times: int) -> list[dict[str, Any]]:
    """Return milliseconds to fuse 2 x CANDIDATES anew by each method, and to tell the ledger."""
    lists = made_up_lists(CANDIDATES)
    table = []
    for method in Fusion:
        request = SearchRequest(text="any", fusion=method, depth=CANDIDATES)
        fused, told = ([_timed(call) for _ in range(times)] for call in _calls(request, lists))
        table.append(
            {
                "method": method.value,
                "fuse p50 ms": statistics.median(fused),
                "fuse p95 ms": float(np.percentile(fused, 95)),
                "with the hits' ledger p50 ms": statistics.median(told),
            }
        )
    return table


def _calls(request: SearchRequest, lists: CandidateLists) -> tuple[Callable[[], object], ...]:
    return (
        lambda: fuse_lists(request, lists),
        lambda: ledger(fuse_lists(request, lists), lists, most=request.limit),
    )


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def measure(collection: pgvista.Collection, queries: int, depth: int) -> list[dict[str, Any]]:
    """Return p50 of each method's statement, and of the two lists fetched alone."""
    vectors = make_vectors(queries + WARM_UP, DIMENSION, seed=29)
    words = make_texts(queries + WARM_UP, words=WORDS, seed=29)
    names = [
        "semantic",
        "keyword",
        "ten semantic",
        "ten keyword",
        *(method.value for method in Fusion),
        "page",
        "recomputed",
    ]
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(queries + WARM_UP):
        hybrid = SearchRequest(
            text=words[number], vector=tuple(vectors[number].tolist()), depth=depth
        )
        alone = replace(hybrid, limit=depth, highlight=False)
        requests = {
            "semantic": replace(alone, mode=Mode.SEMANTIC),
            "keyword": replace(alone, mode=Mode.KEYWORD),
            "ten semantic": replace(hybrid, mode=Mode.SEMANTIC),
            "ten keyword": replace(hybrid, mode=Mode.KEYWORD),
            **{method.value: replace(hybrid, fusion=method) for method in Fusion},
            "page": replace(hybrid, lists=True),
        }
        found: dict[str, SearchResult] = {}

        def once(name: str, wanted: Any = requests, found: Any = found) -> None:
            found[name] = search(collection.db, collection.info, wanted[name])

        turn = number % len(requests)
        for name in [*list(requests)[turn:], *list(requests)[:turn]]:
            taken[name].append(_timed(lambda name=name: once(name)))  # type: ignore[misc]
        known = {hit.id: hit for result in found.values() for hit in result.hits}
        moved = replace(requests["page"], rrf_k=1.0)
        taken["recomputed"].append(
            _timed(
                lambda moved=moved, page=found["page"], known=known: fuse_again(  # type: ignore[misc]
                    collection.db, collection.info, moved, page, known
                )
            )
        )
    p50 = {name: statistics.median(times[WARM_UP:]) for name, times in taken.items()}
    both = p50["semantic"] + p50["keyword"]
    return [
        {
            "search": name,
            "p50 ms": value,
            "p95 ms": float(np.percentile(taken[name][WARM_UP:], 95)),
            "of the two lists": value / both,
        }
        for name, value in [*p50.items(), ("semantic + keyword", both)]
        if name in taken
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    fused = recompute(given.queries)
    print_table(f"Fusion of 2 x {CANDIDATES:,} candidates, without Postgres", fused)
    with bench_server() as url, pgvista.connect(url) as db:
        collection = db.create_collection("docs", dimension=DIMENSION)
        collection.upsert(make_rows(given.rows))
        collection.create_index("hnsw")
        searched = measure(db.collection("docs"), given.queries, given.depth)
    title = f"Hybrid search at {given.rows:,} x {DIMENSION}, depth {given.depth}, {WORDS} words"
    print_table(title, searched)
    ratios = {row["search"]: round(row["of the two lists"], 3) for row in searched}
    print(json.dumps({"fuse_ms": max(row["fuse p50 ms"] for row in fused), "ratios": ratios}))
    result = {"rows": given.rows, "depth": given.depth, "recompute": fused, "search": searched}
    write_json("fusion", result, given.json)


if __name__ == "__main__":
    main()
