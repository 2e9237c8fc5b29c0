"""What nearest rows are ordered by, read from the plan of any statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pgvista.model.diagnosis import Ordering
from pgvista.sql.diagnosis import UNKNOWN_VECTOR

Node = Mapping[str, Any]

_OPERATOR = re.compile(
    r"OPERATOR\((?:[^()]*\.)?(<=>|<->|<#>|<\+>|<~>|<%>)\)|(<=>|<->|<#>|<\+>|<~>|<%>)"
)
_FUNCTIONS = {
    "cosine_distance": "<=>",
    "l2_distance": "<->",
    "inner_product": "<#>",
    "vector_negative_inner_product": "<#>",
    "l1_distance": "<+>",
    "hamming_distance": "<~>",
    "jaccard_distance": "<%>",
}
_CALL = re.compile(rf"\b({'|'.join(_FUNCTIONS)})\(")
_PLANNED = re.compile(r"\((?:InitPlan|SubPlan) [^()]*\)(?:\.col\d+)?|\$\d+")
_PARENTHESIS = re.compile(r"[()]")
_DIRECTION = re.compile(r"\s+(ASC|DESC|NULLS FIRST|NULLS LAST)$")
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_COLUMN = re.compile(rf"^\(*({_NAME})\.({_NAME})(?![\w.(])")


@dataclass(frozen=True, slots=True)
class _Distance:
    left: str
    operator: str
    right: str
    bare: bool
    """Whether the expression is nothing but the operator."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, and the nodes above it, the nearest first."""

    node: Node
    above: tuple[Node, ...]


def read_ordering(root: Node) -> Ordering | None:
    """Return how the plan `root` orders by a distance; None where it does not.

    `root` is the plan of ``EXPLAIN (VERBOSE, FORMAT JSON)``. Of several such orders the one that is
    nearest to the table counts.
    """
    places = list(walk(root))
    for place in reversed(places):  # an index that serves the order
        order = place.node.get("Order By")
        if order and (distance := read_distance(str(order))):
            return _ordering(place, distance, str(order), descending=False)
    for place in reversed(places):
        for key in place.node.get("Sort Key", ()):
            expression, descending = _without_direction(str(key))
            if distance := read_distance(expression):
                return _ordering(place, distance, expression, descending=descending)
    # The distance is made below, and sorted by its name: a materialised subquery
    if not any("Sort Key" in place.node for place in places):
        return None
    for place in reversed(places):
        for item in place.node.get("Output", ()):
            if distance := read_distance(str(item)):
                return _ordering(place, distance, str(item), descending=False, far=True)
    return None


def walk(node: Node, above: tuple[Node, ...] = ()) -> Iterator[_Place]:
    """Yield every node of a plan, each with the nodes above it."""
    yield _Place(node, above)
    for child in node.get("Plans", ()):
        yield from walk(child, (node, *above))


def read_distance(expression: str) -> _Distance | None:
    """Return the distance within an expression; None where it holds none."""
    text = _without_parentheses(expression)
    plain = _blanked(text)
    if match := next((m for m in _OPERATOR.finditer(plain) if _depth(plain, m.start()) == 0), None):
        left, right = text[: match.start()].strip(), text[match.end() :].strip()
        return _Distance(left, match[1] or match[2], right, bare=_is_operand(left))
    if match := _OPERATOR.search(plain):
        inner = _enclosing(text, plain, match.start())
        found = read_distance(inner) if inner != text else None
        return None if found is None else _Distance(found.left, found.operator, found.right, False)
    if match := _CALL.search(plain):
        inside = _enclosing(text, plain, match.end())
        left, _, right = inside.partition(", ")
        if _COLUMN.match(right) and not _COLUMN.match(left):
            left, right = right, left
        return _Distance(left.strip(), _FUNCTIONS[match[1]], right.strip(), bare=False)
    return None


def column_of(operand: str) -> tuple[str, str] | None:
    """Return alias and column that an operand begins with: of ``(d.embedding)::halfvec(3)``."""
    match = _COLUMN.match(operand) or re.search(rf"\(({_NAME})\.({_NAME})[),]", operand)
    return None if match is None else (_unquoted(match[1]), _unquoted(match[2]))


def is_same_expression(operand: str, alias: str, indexed: str) -> bool:
    """Tell whether a statement's expression is what an index was built on."""

    def bare(text: str) -> str:
        text = re.sub(rf'(?<![\w"]){re.escape(alias)}\.|"{re.escape(alias)}"\.', "", text)
        return re.sub(r'[\s()"]', "", text)

    return bare(operand) == bare(indexed)


def _ordering(
    place: _Place, distance: _Distance, expression: str, *, descending: bool, far: bool = False
) -> Ordering | None:
    left, right = distance.left, distance.right
    scans = {
        str(found.node.get("Alias")): found.node
        for found in walk(place.node)
        if "Relation Name" in found.node
    }
    sides = [column_of(left), column_of(right)]
    known = [side is not None and side[0] in scans for side in sides]
    if not any(known):
        return None
    if not known[0]:
        left, right, sides = right, left, sides[::-1]
    joined = all(known)
    if joined and sides[0] and sides[1] and _rows(scans[sides[0][0]]) < _rows(scans[sides[1][0]]):
        left, right, sides = right, left, sides[::-1]
    alias, column = sides[0] or ("", "")
    scan = scans[alias]
    limit = next(
        (node for node in (place.node, *place.above) if node["Node Type"] == "Limit"), None
    )
    found = Ordering(
        schema=str(scan.get("Schema", "")),
        relation=str(scan["Relation Name"]),
        alias=alias,
        column=column,
        operand=left,
        operator=distance.operator,
        value=UNKNOWN_VECTOR if _PLANNED.search(right) or joined else right,
        descending=descending,
        computed=None
        if distance.bare and not far
        else _PLANNED.sub("(...)", _without_parentheses(expression)),
        limited=limit is not None,
        limit=None if limit is None else int(limit.get("Plan Rows", 0)),
        index=str(place.node["Index Name"]) if "Order By" in place.node else None,
        conditions=_conditions(scan),
        cost=float((limit or place.node).get("Total Cost", 0.0)),
        scan=_scan_title(scan),
        scan_rows=_rows(scan),
        full=_full(place, column, distance.operator),
    )
    if joined and sides[1] is not None:
        name, own = sides[1]
        node = scans[name]
        other = replace(
            found,
            schema=str(node.get("Schema", "")),
            relation=str(node["Relation Name"]),
            alias=name,
            column=own,
            conditions=_conditions(node),
            scan_rows=_rows(node),
        )
        found = replace(found, other=other)
    return found


def _full(place: _Place, column: str, operator: str) -> tuple[str, str] | None:
    """Return operator and query of another distance on the column that is made here or above."""
    for node in (place.node, *place.above):
        for item in (*node.get("Output", ()), *node.get("Sort Key", ())):
            found = read_distance(_without_direction(str(item))[0])
            if found is None or found.operator == operator:
                continue
            side = column_of(found.left)
            if side is not None and side[1] == column:
                return found.operator, found.right
    return None


def _conditions(scan: Node) -> tuple[str, ...]:
    return tuple(str(scan[key]) for key in ("Filter", "Index Cond", "Recheck Cond") if key in scan)


def _rows(node: Node) -> float:
    return float(node.get("Plan Rows", 0))


def _scan_title(node: Node) -> str:
    name = f" using {node['Index Name']}" if "Index Name" in node else ""
    return f"{node['Node Type']}{name}"


# -- text


def _without_direction(key: str) -> tuple[str, bool]:
    descending = False
    while match := _DIRECTION.search(key):
        descending |= match[1] == "DESC"
        key = key[: match.start()]
    return key, descending


def _blanked(text: str) -> str:
    """Return the text, as long as it was, with what stands in quotes blanked out."""
    return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", lambda match: "x" * len(match[0]), text)


def _without_parentheses(text: str) -> str:
    text = text.strip()
    while text.startswith("(") and _closing(_blanked(text), 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(plain: str, opening: int) -> int:
    depth = 0
    for found in _PARENTHESIS.finditer(plain, opening):
        depth += 1 if found[0] == "(" else -1
        if depth == 0:
            return found.start()
    return len(plain)


def _depth(plain: str, place: int) -> int:
    return plain.count("(", 0, place) - plain.count(")", 0, place)


def _enclosing(text: str, plain: str, place: int) -> str:
    """Return what stands in the innermost parentheses around a place."""
    depth = 0
    for found in reversed(list(_PARENTHESIS.finditer(plain, 0, place))):
        depth += 1 if found[0] == ")" else -1
        if depth < 0:
            return text[found.end() : _closing(plain, found.start())]
    return text


def _is_operand(text: str) -> bool:
    """Tell whether nothing is computed beside the operator: a column, a cast, a constant."""
    return not re.search(r"\s[-+*/]\s", _blanked(_without_parentheses(text)))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
