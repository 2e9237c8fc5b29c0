"""Upsert of ready vectors: pgvista beside a bare COPY and merge, and beside vecs' upsert.

All write the same rows (vector, text, metadata) into the same server. pgvista and the bare COPY
write into tables of one shape: with a tsvector and GIN indexes on words and metadata, which take
half of the time; both once with BM25's statistics kept by triggers, as collections have them, and
once without. vecs writes into a table of its own, which has none of this; so does pgvista once
more, into a collection of layout "vecs".

    python bench/upsert.py [--rows 50000] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from pgvector.psycopg import register_vector

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json
from bench.server import bench_server, peer
from bench.vectors import make_rows

import pgvista
from pgvista.services import bm25

DIMENSION = 384


def bare_copy(url: str, rows: list[dict[str, Any]]) -> float:
    """Load by one binary COPY into a temporary table and one merge; return the seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        register_vector(connection)
        connection.execute("truncate pgvista.bare")
        start = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                """create temporary table incoming
                (id text, content text, metadata jsonb, embedding vector) on commit drop"""
            )
            with cursor.copy(
                "copy incoming (id, content, metadata, embedding) from stdin (format binary)"
            ) as copy:
                copy.set_types(["text", "text", "jsonb", "vector"])
                for row in rows:
                    metadata = psycopg.types.json.Jsonb(row["metadata"])
                    copy.write_row((row["id"], row["content"], metadata, row["embedding"]))
            cursor.execute(
                """insert into pgvista.bare (id, content, metadata, embedding)
                select id, content, metadata, embedding from incoming
                on conflict (id) do update set content = excluded.content,
                  metadata = excluded.metadata, embedding = excluded.embedding"""
            )
        return time.perf_counter() - start


def copy_alone(url: str, rows: list[dict[str, Any]]) -> float:
    """Load by one binary COPY into a table that has nothing but columns; return the seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        register_vector(connection)
        connection.execute(
            f"create table least (id text, content text, metadata jsonb, vec vector({DIMENSION}))"
        )
        start = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy("copy least from stdin (format binary)") as copy,
        ):
            copy.set_types(["text", "text", "jsonb", "vector"])
            for row in rows:
                metadata = psycopg.types.json.Jsonb(row["metadata"])
                copy.write_row((row["id"], row["content"], metadata, row["embedding"]))
        seconds = time.perf_counter() - start
        connection.execute("drop table least")
        return seconds


def upsert(collection: pgvista.Collection, rows: list[dict[str, Any]]) -> float:
    """Upsert all rows; return the seconds."""
    start = time.perf_counter()
    collection.upsert(rows)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = make_rows(given.rows)
    kinds = ("pgvista", "bare", "pgvista without statistics", "bare without statistics")
    least = "COPY alone, no key, no index"
    times: dict[str, list[float]] = {kind: [] for kind in (*kinds, "pgvista, layout vecs", least)}
    with bench_server() as url, pgvista.connect(url) as db:
        for _ in range(given.rounds):
            for kind in kinds:
                made = db.create_collection("bare", dimension=DIMENSION)
                if "without" in kind:
                    made.info = bm25.drop(made.db, made.info)
                if kind.startswith("bare"):
                    times[kind].append(bare_copy(url, rows))
                else:
                    times[kind].append(upsert(made, rows))
                made.drop()
            made = db.create_collection("plain", dimension=DIMENSION, layout="vecs")
            times["pgvista, layout vecs"].append(upsert(made, rows))
            made.drop()
            times[least].append(copy_alone(url, rows))
        vecs = peer("vecs-upsert", url, given.rows)
    seconds = {kind: statistics.median(found) for kind, found in times.items()}
    table = [
        {"what": kind, "seconds": found, "rows/s": given.rows / found}
        for kind, found in seconds.items()
    ]
    result: dict[str, Any] = {
        "rows": given.rows,
        "seconds": times,
        "speed_to_bare": seconds["bare"] / seconds["pgvista"],
        "speed_to_bare_without_statistics": seconds["bare without statistics"]
        / seconds["pgvista without statistics"],
        "speed_with_statistics_to_bare_without": seconds["bare without statistics"]
        / seconds["pgvista"],
    }
    if vecs is not None:
        took = vecs["seconds"]
        table.append({"what": "vecs upsert", "seconds": took, "rows/s": given.rows / took})
        result |= {
            "vecs_s": took,
            "times_vecs": took / seconds["pgvista"],
            "times_vecs_same_layout": took / seconds["pgvista, layout vecs"],
            "times_vecs_copy_alone": took / seconds[least],
        }
    print_table(f"Upsert of {given.rows} x {DIMENSION}", table)
    ratios = {key: value for key, value in result.items() if key.startswith(("speed", "times_"))}
    print(json.dumps(ratios))
    write_json("upsert", result, given.json)


if __name__ == "__main__":
    main()
