"""The walk in words: a sentence or two for each step that the player shows."""

from __future__ import annotations

from pgvista.science.hnsw import Hnsw
from pgvista.science.hnsw_walk import LayerWalk, Stop, Visit, Walk
from pgvista.ui.components.hnsw_player import FrameKind, frames
from pgvista.ui.format import plural


def account(graph: Hnsw, walk: Walk, *, due: int, missed: int) -> tuple[str, ...]:
    """Return what happens in each frame of `walk`.

    Args:
        graph: What was walked.
        walk: The walk.
        due: How many true neighbours there are to find.
        missed: How many of them were not found.
    """
    said: list[str] = []
    before: LayerWalk | None = None
    for frame in frames(walk):
        if frame.kind is FrameKind.ANSWER:
            said.append(_answer(graph, walk, due, missed))
        elif frame.visit is None:
            said.append(_enter(graph, frame.layer, before))
            before = frame.layer
        elif frame.layer.layer == 0:
            said.append(_visit_ground(frame.layer, frame.visit))
        else:
            said.append(_visit_above(frame.layer, frame.visit))
    return tuple(said)


def _enter(graph: Hnsw, layer: LayerWalk, before: LayerWalk | None) -> str:
    distance, node = layer.entry
    held = plural(len(graph.layers[layer.layer]), "point", "points")
    if before is None:
        top = "the top, " if layer.layer else ""
        return (
            f"The search begins on layer {layer.layer}, {top}at the entry point, node {node}, at "
            f"distance {short(distance)}. This layer has {held}."
        )
    if layer.layer:
        return f"Down to layer {layer.layer}, which has {held}, at node {node} ({short(distance)})."
    return (
        f"Down to layer 0, which has all {held}, at node {node} ({short(distance)}). Here the "
        f"candidate list has {plural(layer.ef, 'place', 'places')}: that is ef_search."
    )


def _visit_above(layer: LayerWalk, visit: Visit) -> str:
    said = f"Layer {layer.layer}: {_looks(visit)}"
    nearer = sum(1 for distance, _ in visit.looked if distance < visit.distance)
    if not nearer:
        return f"{said} None is nearer than node {visit.node}, so this layer is done."
    distance, node = visit.results[0]
    which = "One is nearer" if nearer == 1 else f"{nearer} are nearer"
    return f"{said} {which}: the walk goes on at node {node} ({short(distance)})."


def _visit_ground(layer: LayerWalk, visit: Visit) -> str:
    said = f"Layer 0: {_looks(visit)}"
    if not visit.looked:
        return said
    kept = {near for near in visit.taken if near in set(visit.results)}
    if not kept:
        return f"{said} None is near enough for the list."
    farthest = short(visit.results[-1][0])
    comes = "One of them comes" if len(kept) == 1 else f"{len(kept)} of them come"
    return f"{said} {comes} into the list, whose farthest is now at {farthest}."


def _looks(visit: Visit) -> str:
    new, links = len(visit.looked), visit.links
    if not links:
        return f"node {visit.node} has no neighbours."
    if not new:
        return f"at node {visit.node}, all {links} neighbours were seen before."
    if new == links:
        which = "its one neighbour is" if links == 1 else f"its {links} neighbours are"
        return f"at node {visit.node}, {which} looked at."
    return (
        f"at node {visit.node}, {new} of its {links} neighbours {'is' if new == 1 else 'are'} new "
        f"and looked at."
    )


def _answer(graph: Hnsw, walk: Walk, due: int, missed: int) -> str:
    ground = walk.layers[-1]
    last = ground.visits[-1]
    if ground.stop is Stop.FARTHER:
        why = (
            f"The nearest candidate left ({short(last.candidates[0][0])}) is farther than the "
            f"farthest of the list ({short(last.results[-1][0])}), so the search stops."
        )
    else:
        why = "Every candidate was visited, so the search stops."
    lost = "none is missed" if not missed else f"{missed} missed, ringed"
    points = len(graph.points)
    cost = f"{walk.computed:,} of {points:,} distances."
    if walk.computed > points:
        cost = (
            f"{walk.computed:,} distances, more than the {points:,} of an exact search: so few rows "
            "need no index."
        )
    return f"{why} Found: {due - missed} of the {due} true neighbours, {lost}. Computed: {cost}"


def short(distance: float) -> str:
    """Write a distance as the player does: three decimals, fewer where it is large."""
    size = abs(distance)
    return f"{distance:.{1 if size >= 100 else 2 if size >= 10 else 3}f}"
