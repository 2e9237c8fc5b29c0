"""The lesson on HNSW: what a search costs, the walk, its knobs, real rows, pgvector's own index."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.ui.learn.frame import Step
from pgvista.ui.learn.hnsw_plane import build_step, cost_step, ef_step, walk_step


def hnsw_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step("Cost", "2,000 points, one query, the ten nearest", cost_step, ""),
        Step("Walk", "The walk goes down from layer to layer", walk_step, ""),
        Step("ef_search", "A longer candidate list misses less and costs more", ef_step, ""),
        Step("m", "The links are chosen when the index is built", build_step, ""),
    )
