"""A filter as an outline: groups of conditions and groups, and the changes a person makes to it.

Every filter has an outline, and `tree_of` gives the filter back with its groups as they were drawn.
A place in it is a path: the numbers of the parts that lead there from the outermost group, ``()``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from pgvista.model.filters import And, Comparison, Filter, Not, Or, parse_filter, to_object
from pgvista.ui.filter_conditions import cut, said

Path = tuple[int, ...]


class Joint(StrEnum):
    """How many parts of a group must hold."""

    ALL = "all"
    ANY = "any"
    NONE = "none"
    NOT_ALL = "not all"


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions and groups, and how many of them must hold."""

    joint: Joint = Joint.ALL
    parts: tuple[Part, ...] = ()


Part = Comparison | Group


def outline(text: str) -> Group:
    """Return the outermost group of a filter's JSON; one without parts for no filter.

    Raises InvalidInput when `text` is no filter.
    """
    tree = parse_filter(text)
    if tree is None:
        return Group()
    part = _part(tree)
    return part if isinstance(part, Group) else Group(parts=(part,))


def text_of(root: Group) -> str:
    """Return the filter's JSON on one line; empty for none.

    Raises InvalidInput when it is nested too deep, or has too many conditions.
    """
    if not root.parts:
        return ""
    alone = root.joint is Joint.ALL and len(root.parts) == 1
    tree = _tree(root.parts[0] if alone and isinstance(root.parts[0], Comparison) else root)
    text = json.dumps(to_object(tree), ensure_ascii=False)
    parse_filter(text)
    return text


def rows(root: Group) -> Iterator[tuple[Path, Part]]:
    """Go through all that is in the outline from top to bottom, the outermost group first."""

    def below(path: Path, part: Part) -> Iterator[tuple[Path, Part]]:
        yield path, part
        for place, inner in enumerate(part.parts if isinstance(part, Group) else ()):
            yield from below((*path, place), inner)

    return below((), root)


def part_at(root: Group, path: Path) -> Part:
    """Return what stands at `path`. Raises LookupError when nothing does."""
    part: Part = root
    for place in path:
        if not isinstance(part, Group):
            raise LookupError(path)
        part = part.parts[place]
    return part


def group_at(root: Group, path: Path) -> Group:
    """Return the group at `path`. Raises LookupError when none is there."""
    part = part_at(root, path)
    if not isinstance(part, Group):
        raise LookupError(path)
    return part


def replaced(root: Group, path: Path, part: Part | None) -> Group:
    """Return the outline with another part at `path`; None takes it away, and groups left empty."""
    if not path:
        return part if isinstance(part, Group) else Group()
    above = group_at(root, path[:-1])
    place = path[-1]
    parts = (*above.parts[:place], *(() if part is None else (part,)), *above.parts[place + 1 :])
    return replaced(root, path[:-1], replace(above, parts=parts) if parts else None)


def added(root: Group, path: Path, part: Part) -> tuple[Group, Path]:
    """Return the outline with `part` as the last of the group at `path`, and where it stands."""
    group = group_at(root, path)
    made = replace(group, parts=(*group.parts, part))
    return replaced(root, path, made), (*path, len(group.parts))


def grouped(root: Group, path: Path) -> Group:
    """Return the outline with what is at `path` in a group of its own.

    The group is of the other kind than the one it stands in, so that it says something once a
    second part is in it; as long as there is one alone, the filter means what it meant.
    """
    part = part_at(root, path)
    if not path:
        outer = Joint.ANY if root.joint is Joint.ALL else Joint.ALL
        return Group(outer, (root,))
    above = group_at(root, path[:-1])
    return replaced(root, path, Group(within(above.joint), (part,)))


def within(joint: Joint) -> Joint:
    """Return the likeliest kind of a new group in one of kind `joint`."""
    return Joint.ANY if joint in (Joint.ALL, Joint.NOT_ALL) else Joint.ALL


def dissolved(root: Group, path: Path) -> Group:
    """Return the outline with the parts of the group at `path` in the group that it stands in.

    Where that group has no other part, it takes over how many of them must hold.
    """
    group, above = group_at(root, path), group_at(root, path[:-1])
    place = path[-1]
    parts = (*above.parts[:place], *group.parts, *above.parts[place + 1 :])
    plain = above.joint in (Joint.ALL, Joint.ANY)
    joint = group.joint if len(above.parts) == 1 and plain else above.joint
    return replaced(root, path[:-1], Group(joint, parts))


def told(part: Part) -> str:
    """Return a part in words: ``year ≥ 1970 and (lang is de or lang is fr)``."""
    if isinstance(part, Comparison):
        return said(part)
    word = " and " if part.joint in (Joint.ALL, Joint.NOT_ALL) else " or "
    inner = [
        f"({told(item)})" if isinstance(item, Group) and _is_joined(item) else told(item)
        for item in part.parts
    ]
    text = word.join(inner)
    return text if part.joint in (Joint.ALL, Joint.ANY) else f"not ({text})"


def label(part: Part) -> str:
    """Return a part in few words."""
    return cut(told(part))


def _is_joined(group: Group) -> bool:
    return len(group.parts) > 1 and group.joint in (Joint.ALL, Joint.ANY)


def _part(tree: Filter) -> Part:
    if isinstance(tree, Comparison):
        return tree
    if isinstance(tree, Not):
        inner = _part(tree.part)
        if isinstance(inner, Group) and inner.joint in (Joint.ALL, Joint.ANY):
            return Group(Joint.NOT_ALL if inner.joint is Joint.ALL else Joint.NONE, inner.parts)
        return Group(Joint.NONE, (inner,))
    joint = Joint.ALL if isinstance(tree, And) else Joint.ANY
    return Group(joint, tuple(_part(item) for item in tree.parts))


def _tree(part: Part) -> Filter:
    if isinstance(part, Comparison):
        return part
    parts = tuple(_tree(item) for item in part.parts)
    if part.joint is Joint.ALL:
        return And(parts)
    if part.joint is Joint.ANY:
        return Or(parts)
    if part.joint is Joint.NOT_ALL:
        return Not(And(parts))
    alone = len(parts) == 1 and isinstance(parts[0], Comparison | Not)
    return Not(parts[0] if alone else Or(parts))
