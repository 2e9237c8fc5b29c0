"""t-SNE by scikit-learn, in a process of its own, so that it can be stopped at any moment.

Run as a program (``python -m pgvista.science.tsne FOLDER``) it lays out FOLDER/input.npz, tells each
iteration on standard output, writes FOLDER/layout.npy, and ends when its standard input is closed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue

import numpy as np
from numpy.typing import NDArray

from pgvista.errors import PgvistaError
from pgvista.model.metric import Metric
from pgvista.science.examples import unit

ITERATIONS = 1_000
_LOOK_S = 0.1
_START_SCALE = 1e-4

Floats = NDArray[np.float32]


def tsne_layout(
    vectors: Floats,
    start: Floats,
    metric: Metric,
    *,
    perplexity: float,
    seed: int,
    on_step: Callable[[int, int, Floats | None], None] | None = None,
) -> Floats:
    """Lay `vectors`, shape (n, dimension), out from the positions `start`, shape (n, 2).

    By L2, L1, or for cosine and the inner product by the angle. The perplexity is cut to (n - 1) / 3.
    `on_step` is called ten times a second, and may raise to stop: the process is killed then. Raises
    PgvistaError when the process fails.
    """
    perplexity = max(1.0, min(perplexity, (len(vectors) - 1) / 3))
    angular = metric in (Metric.COSINE, Metric.INNER_PRODUCT)
    # t-SNE wants a start of this very scale (Kobak and Berens 2019)
    scale = _START_SCALE / (float(start[:, 0].std()) or 1.0)
    with tempfile.TemporaryDirectory(prefix="pgvista-") as name:
        folder = Path(name)
        np.savez(
            folder / "input.npz",
            vectors=unit(vectors) if angular else vectors,
            start=(start * scale).astype(np.float32),
            metric="manhattan" if metric is Metric.L1 else "euclidean",
            perplexity=perplexity,
            seed=seed,
        )
        _run(folder, on_step)
        return np.asarray(np.load(folder / "layout.npy"), dtype=np.float32)


def _run(folder: Path, on_step: Callable[[int, int, Floats | None], None] | None) -> None:
    command = [sys.executable, "-u", "-m", "pgvista.science.tsne", str(folder)]
    process = subprocess.Popen(  # noqa: S603 - a constant command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    told: Queue[int] = Queue()
    last_words: list[str] = []
    readers = [
        threading.Thread(target=_read_steps, args=(process, told), daemon=True),
        threading.Thread(target=_read_errors, args=(process, last_words), daemon=True),
    ]
    for reader in readers:
        reader.start()
    done = 0
    try:
        while process.poll() is None:
            with suppress(Empty):
                done = max(done, told.get(timeout=_LOOK_S))
            if on_step is not None:
                on_step(done, ITERATIONS, None)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for reader in readers:
            reader.join(1)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if process.returncode:
        why = last_words[-1] if last_words else f"it ended with status {process.returncode}"
        raise PgvistaError(
            f"t-SNE failed: {why}", "Lay out fewer rows, or take UMAP, which needs less memory."
        )


def _read_steps(process: subprocess.Popen[str], told: Queue[int]) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            if match := re.search(r"Iteration (\d+)", line):
                told.put(int(match[1]))


def _read_errors(process: subprocess.Popen[str], last_words: list[str]) -> None:
    if process.stderr is not None:
        for line in process.stderr:
            if line.strip():
                last_words[:] = [line.strip()[:300]]


def main(folder: Path) -> None:
    """Lay out what the folder holds."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    from sklearn.manifold import TSNE

    with np.load(folder / "input.npz") as given:
        vectors, start = given["vectors"], given["start"]
        made = TSNE(
            perplexity=float(given["perplexity"]),
            init=start,
            metric=str(given["metric"]),
            random_state=int(given["seed"]),
            max_iter=ITERATIONS,
            n_jobs=-1,
            verbose=2,
        ).fit_transform(vectors)
    np.save(folder / "layout.npy", made.astype(np.float32))


def _end_with_input() -> None:
    """End when nobody waits any more."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
