"""Keyword search by BM25 beside ts_rank_cd on the same rows, and what its statistics cost a load.

Any word matches, ten hits are shown, calls alternate. The rows are the sample *Python reference*
with 200 questions, rows made up in sizes that grow, and, where they are given, a collection and
queries of one's own as JSONL with `id` and `text`.

    python bench/bm25.py [--rows 1000,10000,100000] [--docs FILE --queries FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json
from bench.server import bench_server
from bench.vectors import make_rows, make_texts

import pgvista
from pgvista.io.samples import python_reference_rows
from pgvista.model.search import KeywordRank, Mode, SearchRequest
from pgvista.services import bm25, bm25_state
from pgvista.services.collections import stats
from pgvista.services.search import search

QUESTIONS = Path(__file__).parent / "python_questions.txt"
RANKS = (KeywordRank.BM25, KeywordRank.TS_RANK_CD, KeywordRank.TS_RANK)
WORDS = 6
"""Words of a made-up query."""


def fill(db: pgvista.Workbench, name: str, texts: Iterable[str]) -> pgvista.Collection:
    """Make a collection of texts with a vector of one number, and analyse it."""
    made = db.create_collection(name, dimension=1)
    made.upsert(
        {"id": f"{number:07d}", "content": text, "embedding": [1]}
        for number, text in enumerate(texts)
    )
    return made


def measure(name: str, collection: pgvista.Collection, queries: Sequence[str]) -> dict[str, Any]:
    """Return p50 in milliseconds of each way to rank."""
    times: dict[KeywordRank, list[float]] = {rank: [] for rank in RANKS}
    for number, text in enumerate([*queries[:5], *queries]):
        for rank in RANKS[number % 3 :] + RANKS[: number % 3]:
            request = SearchRequest(mode=Mode.KEYWORD, text=text, keyword_rank=rank)
            start = time.perf_counter()
            search(collection.db, collection.info, request)
            times[rank].append((time.perf_counter() - start) * 1000)
    p50 = {rank: statistics.median(found[5:]) for rank, found in times.items()}
    held = stats(collection.db, collection.info)
    state = bm25_state.status(collection.db, collection.info)
    return {
        "rows": held.rows,
        "of": name,
        "queries": len(queries),
        "BM25 p50 ms": p50[KeywordRank.BM25],
        "p95 ms": float(np.percentile(times[KeywordRank.BM25][5:], 95)),
        "ts_rank_cd p50 ms": p50[KeywordRank.TS_RANK_CD],
        "ts_rank p50 ms": p50[KeywordRank.TS_RANK],
        "BM25 / ts_rank_cd": p50[KeywordRank.BM25] / p50[KeywordRank.TS_RANK_CD],
        "statistics MB": state.size_bytes / 1e6,
        "table and indexes MB": (held.table_bytes + held.index_bytes) / 1e6,
    }


def upsert_cost(db: pgvista.Workbench, rows: int, rounds: int) -> list[dict[str, Any]]:
    """Return rows a second of an upsert with statistics kept and without, of 384 numbers each."""
    data = make_rows(rows)
    seconds: dict[str, list[float]] = {"with statistics": [], "without": []}
    for _ in range(rounds):
        for kind, found in seconds.items():
            made = db.create_collection("upsert", dimension=384)
            if kind == "without":
                made.info = bm25.drop(made.db, made.info)
            start = time.perf_counter()
            made.upsert(data)
            found.append(time.perf_counter() - start)
            made.drop()
    best = {kind: statistics.median(found) for kind, found in seconds.items()}
    return [
        {
            "upsert": kind,
            "rows": rows,
            "rows/s": rows / value,
            "to without": best["without"] / value,
        }
        for kind, value in best.items()
    ]


def lines(path: Path) -> list[str]:
    """Read the texts of a JSONL file."""
    with path.open(encoding="utf-8") as file:
        return [str(json.loads(line)["text"]) for line in file if line.strip()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="1000,10000,100000")
    parser.add_argument("--upsert", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with bench_server() as url, pgvista.connect(url) as db:
        if given.docs and given.queries:
            own = fill(db, "own", lines(given.docs))
            rows.append(measure(given.docs.parent.name, own, lines(given.queries)))
        reference = fill(db, "reference", (row.content or "" for row in python_reference_rows()))
        questions = QUESTIONS.read_text(encoding="utf-8").split("\n")
        rows.append(measure("Python reference", reference, [line for line in questions if line]))
        queries = make_texts(60, words=WORDS, seed=23)
        for number in map(int, given.rows.split(",")):
            made = fill(db, f"made_{number}", make_texts(number))
            rows.append(measure("made up", made, queries))
        print_table("Keyword search, any word, ten hits", rows)
        upserts = upsert_cost(db, given.upsert, given.rounds)
        print_table("Upsert of ready vectors", upserts)
    write_json("bm25", {"search": rows, "upsert": upserts}, given.json)


if __name__ == "__main__":
    main()
