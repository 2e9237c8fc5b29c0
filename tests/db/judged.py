"""What the tests of evaluation share: a small collection with vectors known by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pgvista
from pgvista.embed.registry import DEFAULT_MODEL
from pgvista.model.evaluation import EvaluationQuery, QuerySet
from pgvista.model.progress import Progress

WIDTH = 384


def at(degrees: float) -> list[float]:
    """A unit vector in the plane of the first two dimensions."""
    angle = math.radians(degrees)
    return [math.cos(angle), math.sin(angle), *[0.0] * (WIDTH - 2)]


class East:
    """Takes every query to point east, in the name of the packaged model."""

    name = DEFAULT_MODEL
    dimension = WIDTH
    max_tokens = 256

    def embed_documents(self, texts: Sequence[str], **_: Any) -> NDArray[np.float32]:
        return np.array([at(0) for _ in texts], dtype=np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return np.array(at(0), dtype=np.float32)

    def token_spans(self, text: str) -> list[tuple[int, int]] | None:
        return None


EAST = East()

# id, degrees from every query, text: by meaning the order is a b c d e f
FRUIT = [
    ("a", 0, "stone"),
    ("b", 10, "apple"),
    ("c", 20, "apple pear"),
    ("d", 30, "stone pear"),
    ("e", 40, "apple apple"),
    ("f", 50, "sand"),
]


def make_fruit(url: str) -> None:
    """Make the collection ``fruit``."""
    with pgvista.connect(url) as db:
        made = db.create_collection("fruit", model=DEFAULT_MODEL)
        made.upsert([{"id": k, "content": text, "embedding": at(d)} for k, d, text in FRUIT])


def query_set(
    queries: dict[str, str], judgments: dict[str, dict[str, int]], name: str = "set"
) -> QuerySet:
    asked = tuple(EvaluationQuery(key, text) for key, text in queries.items())
    return QuerySet(name, asked, judgments)


class Watcher:
    """Notes the stages of work, and stops it when told to."""

    def __init__(self, stop_in: str = "") -> None:
        self.stages: dict[str, Progress] = {}
        self._stop_in = stop_in

    def report(self, progress: Progress) -> None:
        self.stages[progress.stage] = progress

    def check(self) -> None:
        from pgvista.errors import Cancelled

        if self._stop_in and self._stop_in in self.stages:
            raise Cancelled("stopped")
