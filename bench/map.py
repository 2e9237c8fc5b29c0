"""Cold process to first UMAP: pgvista's against ``umap.UMAP(metric="cosine").fit``, and what both keep.

python bench/map.py [--rows 5000 20000] [--repeats 1]

Each layout is made in a process of its own, from importing to positions; they take turns. pgvista runs
twice: compiling, as the first time after an installation (an empty NUMBA_CACHE_DIR), and with the
machine code that it keeps. pynndescent, which umap-learn imports, keeps machine code of its own, and
umap-learn is given it: its first time after an installation is longer.
pgvista's time holds all that a map is made of: exact neighbours, PCA and the layout, seeded and so on
one core; umap-learn's default is unseeded, on all cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.report import print_table, write_json
from bench.vectors import make_vectors

K = 10
WAYS = ("umap-learn", "pgvista, first time", "pgvista")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--one", nargs=3, metavar=("WAY", "VECTORS", "OUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        lay_out(*given.one)
        return
    rows = [row for count in given.rows for row in compare(count, given.repeats)]
    print_table("Cold process to first UMAP, 384 dimensions", rows)
    print(write_json("map", rows))


def compare(count: int, repeats: int) -> list[dict[str, Any]]:
    """Lay the same vectors out each way, in turns, and measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors = make_vectors(count)
        np.save(folder / "vectors.npy", vectors)
        took: dict[str, list[float]] = {way: [] for way in WAYS}
        stages: dict[str, dict[str, float]] = {}
        for _ in range(repeats):
            for way in WAYS:
                out = folder / f"{WAYS.index(way)}.npy"
                environment = dict(os.environ)
                if way == "pgvista, first time":
                    environment["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(dir=folder)
                began = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, __file__, "--one", way, folder / "vectors.npy", out],
                    check=True,
                    capture_output=True,
                    text=True,
                    env=environment,
                )
                took[way].append(time.perf_counter() - began)
                stages[way] = json.loads(done.stdout.splitlines()[-1])
        theirs = took["umap-learn"]
        return [
            {
                "rows": count,
                "way": way,
                "seconds": median(took[way]),
                "of umap-learn": median(
                    ours / other for ours, other in zip(took[way], theirs, strict=True)
                ),
                **measured(vectors, np.load(folder / f"{WAYS.index(way)}.npy")),
                **stages[way],
            }
            for way in WAYS
        ]


def measured(vectors: np.ndarray, xy: np.ndarray) -> dict[str, float]:
    """Return neighbours kept and trustworthiness, by the same measure for all ways."""
    from pgvista.model.metric import Metric
    from pgvista.science.knn import nearest_neighbours
    from pgvista.science.map_quality import (
        map_neighbours,
        neighbours_kept,
        trustworthiness_and_continuity,
    )

    truth = nearest_neighbours(vectors, K, Metric.COSINE).places
    told = trustworthiness_and_continuity(vectors, xy, Metric.COSINE, K)
    assert told is not None
    return {
        "kept": float(neighbours_kept(truth, map_neighbours(xy, K)).mean()),
        "trustworthiness": told[0],
        "continuity": told[1],
    }


def lay_out(way: str, vectors_path: str, out: str) -> None:
    """Lay out in this process, which has imported nothing but NumPy, and tell the CPU's seconds."""
    vectors = np.load(vectors_path)
    began = time.perf_counter()
    if way == "umap-learn":
        import umap

        xy = umap.UMAP(metric="cosine").fit(vectors).embedding_
        first_s = time.perf_counter() - began
    else:
        from pgvista.model.map_spec import MapMethod
        from pgvista.model.metric import Metric
        from pgvista.science.knn import nearest_neighbours
        from pgvista.science.pca import pca
        from pgvista.science.projection import layout

        start = pca(vectors)
        first_s = time.perf_counter() - began
        found = nearest_neighbours(vectors, 15, Metric.COSINE)
        xy = layout(
            vectors, found, start, MapMethod.UMAP, Metric.COSINE,
            n_neighbors=15, min_dist=0.1, seed=0,
        )  # fmt: skip
    np.save(out, xy)
    print(json.dumps({"CPU seconds": time.process_time(), "seconds to first picture": first_s}))


if __name__ == "__main__":
    main()
