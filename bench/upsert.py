"""Upsert of ready vectors: pgvista beside a bare COPY and merge, and beside vecs' upsert.

All write the same rows (vector, text, metadata) into the same server. pgvista and the bare COPY
write into tables of one shape: with a tsvector and GIN indexes on words and metadata, which take
half of the time. vecs writes into a table of its own, which has neither; so does pgvista once more,
into a collection of layout "vecs".

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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = make_rows(given.rows)
    ours, bare, plain = [], [], []
    with bench_server() as url, pgvista.connect(url) as db:
        db.create_collection("bare", dimension=DIMENSION)
        for _ in range(given.rounds):
            if any(item.name == "ours" for item in db.collections()):
                db.collection("ours").drop()
            collection = db.create_collection("ours", dimension=DIMENSION)
            start = time.perf_counter()
            collection.upsert(rows)
            ours.append(time.perf_counter() - start)
            bare.append(bare_copy(url, rows))
            if any(item.name == "vecs.plain" for item in db.collections()):
                db.collection("vecs.plain").drop()
            collection = db.create_collection("plain", dimension=DIMENSION, layout="vecs")
            start = time.perf_counter()
            collection.upsert(rows)
            plain.append(time.perf_counter() - start)
        vecs = peer("vecs-upsert", url, given.rows)
    own, copied, same = (statistics.median(times) for times in (ours, bare, plain))
    table = [
        {"what": "pgvista upsert", "seconds": own, "rows/s": given.rows / own},
        {"what": "bare COPY and merge", "seconds": copied, "rows/s": given.rows / copied},
        {"what": "pgvista, layout vecs", "seconds": same, "rows/s": given.rows / same},
    ]
    result: dict[str, Any] = {
        "rows": given.rows,
        "pgvista_s": ours,
        "bare_s": bare,
        "pgvista_vecs_layout_s": plain,
        "speed_to_bare": copied / own,
    }
    if vecs is not None:
        seconds = vecs["seconds"]
        table.append({"what": "vecs upsert", "seconds": seconds, "rows/s": given.rows / seconds})
        result |= {
            "vecs_s": seconds,
            "times_vecs": seconds / own,
            "times_vecs_same_layout": seconds / same,
        }
    print_table(f"Upsert of {given.rows} x {DIMENSION}", table)
    ratios = ("speed_to_bare", "times_vecs", "times_vecs_same_layout")
    print(json.dumps({key: result[key] for key in ratios if key in result}))
    write_json("upsert", result, given.json)


if __name__ == "__main__":
    main()
