"""Embedding of texts of mixed lengths: pgvista beside SentenceTransformer.encode with its defaults.

Both run the packaged model in this process, in alternation, so that what else the machine does hits
both. The vectors must be the same: the least cosine between them is part of the result.

    python bench/embedding.py [--n 2000] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.report import print_table, write_json

from pgvista.embed.local import SentenceTransformerEmbedder, packaged_folder

SEED = 7
# Words a text, as in a help desk or catalogue: titles and questions, paragraphs, and pages that go
# beyond the 256 tokens the model reads. (share, fewest, most)
LENGTHS = [(0.5, 2, 20), (0.3, 20, 90), (0.15, 90, 190), (0.05, 190, 500)]


def mixed_texts(n: int, seed: int = SEED) -> list[str]:
    """`n` stretches of Python's language reference, of lengths as in LENGTHS."""
    words = " ".join(topics[name] for name in sorted(topics)).split()
    rng = random.Random(seed)
    texts = []
    for _ in range(n):
        _, fewest, most = rng.choices(LENGTHS, weights=[share for share, _, _ in LENGTHS])[0]
        length = rng.randint(fewest, most)
        start = rng.randrange(len(words) - length)
        texts.append(" ".join(words[start : start + length]))
    return texts


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=2000, help="number of texts")
    parser.add_argument("--rounds", type=int, default=3, help="times each side runs")
    parser.add_argument("--json", type=Path, help="where to write, else bench/results")
    options = parser.parse_args()

    import torch
    from sentence_transformers import SentenceTransformer

    texts = mixed_texts(options.n)
    plain = SentenceTransformer(str(packaged_folder()), local_files_only=True)
    ours = SentenceTransformerEmbedder()
    tokens = [len(ours.token_spans(text) or []) + 2 for text in texts]
    # The first pass of each pays for memory and kernels: thrown away.
    plain.encode(texts[:64])
    ours.embed_documents(texts[:64])

    seconds: dict[str, list[float]] = {"encode": [], "pgvista": []}
    least_cosine = 1.0
    for _ in range(options.rounds):
        expected, took = timed(lambda: plain.encode(texts))
        seconds["encode"].append(took)
        vectors, took = timed(lambda: ours.embed_documents(texts))
        seconds["pgvista"].append(took)
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
        cosines = (vectors * expected).sum(axis=1) / lengths
        least_cosine = min(least_cosine, float(cosines.min()))

    rates = {side: options.n / statistics.median(took) for side, took in seconds.items()}
    ratio = rates["pgvista"] / rates["encode"]
    print_table(
        f"Embedding {options.n} texts of {min(tokens)} to {max(tokens)} tokens "
        f"(median {statistics.median(tokens):g}) with all-MiniLM-L6-v2, {options.rounds} rounds",
        [
            {
                "side": side,
                "texts/s": rates[side],
                "median s": statistics.median(took),
                "fastest s": min(took),
                "slowest s": max(took),
            }
            for side, took in seconds.items()
        ],
    )
    print(f"\npgvista is {ratio:.2f} times as fast; least cosine {least_cosine:.7f}")
    path = write_json(
        "embedding",
        {
            "texts": options.n,
            "seed": SEED,
            "tokens": {
                "least": min(tokens),
                "median": statistics.median(tokens),
                "most": max(tokens),
                "texts_over_256": sum(count > 256 for count in tokens),
            },
            "seconds": seconds,
            "texts_per_s": rates,
            "ratio_of_medians": ratio,
            "least_cosine": least_cosine,
            "torch_threads": torch.get_num_threads(),
            "python": platform.python_version(),
            "versions": {
                name: version(name) for name in ("torch", "transformers", "sentence-transformers")
            },
        },
        options.json,
    )
    print(f"Written to {path}")


if __name__ == "__main__":
    main()
