"""The lesson on HNSW: what a search costs, the walk, its knobs, real rows, pgvector's own index."""

from __future__ import annotations

from functools import partial

from pgvista.db.database import Database
from pgvista.ui.learn.frame import Step
from pgvista.ui.learn.hnsw_plane import build_step, cost_step, ef_step, walk_step
from pgvista.ui.learn.hnsw_real import real_step, remember_step, rows_step

_COST = (
    "Let the class vote. The usual wrong idea: an index knows where the neighbours are. It does not; "
    "it walks there, and looks at what lies on its way. Look at the ring: *why did the walk not look "
    "at a point so near to the query?*"
)
_WALK = (
    "First step by step, then play. *Who would walk the same way?* Above layer 0 the walk is greedy: "
    "it goes to the nearest neighbour and never back. On layer 0 the list lets it come back to "
    "the second best. Stop at the end: the list is full of points on one side, and the farther side "
    "was never looked at. Click elsewhere: most queries miss nothing."
)
_EF = (
    "Drag slowly from 10 upwards and watch the other side of the gap being found. *Where would you "
    "stop?* The curve bends: each neighbour more costs more than the one before. Then drag below 10: "
    "a list of 5 gives 5 rows, whatever the LIMIT says."
)
_BUILD = (
    "Ask before each move: more links, fewer or more distances? The usual wrong idea: a larger m is "
    "always better. It finds more with the same ef_search, for more distances and more memory: "
    "compare the two curves at one number of distances. Show m 2 with ef_construction 4: a walk cannot "
    "reach some points at all, and no ef_search finds them."
)
_ROWS = (
    "The same walk in hundreds of dimensions. *Why does it jump about?* It does not: neighbours in 384 "
    "dimensions lie far apart in two. So no one should judge an index, or a map, by what looks near. "
    "Compare the share of distances with that of the plane: real vectors are harder to search."
)
_PGVECTOR = (
    "The model is a model; here is pgvector itself on the same points. *Should the two lines be "
    "equal?* The levels are drawn at random, so no two builds are equal. Turn m and ef_construction: "
    "both lines move together."
)
_REMEMBER = (
    "Let the class say the three sentences before you show them. Then open Live on a collection with "
    "an HNSW index and turn ef_search there."
)


def hnsw_steps(db: Database) -> tuple[Step, ...]:
    """Return the steps of the lesson."""
    return (
        Step("cost", "2,000 points, one query, the ten nearest", cost_step, _COST),
        Step("walk", "The walk goes down from layer to layer", walk_step, _WALK),
        Step("ef_search", "A longer candidate list misses less and costs more", ef_step, _EF),
        Step("m", "The links are chosen when the index is built", build_step, _BUILD),
        Step("rows", "On real rows, near does not look near", partial(rows_step, db), _ROWS),
        Step(
            "pgvector", "The same knobs on pgvector's own index", partial(real_step, db), _PGVECTOR
        ),
        Step("remember", "What to remember", remember_step, _REMEMBER),
    )
