"""EXPLAIN's JSON as a table of steps and a few plain sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pgvista.model.search import Mode, Plan, PlanNode, SearchRequest

_PAGE_BYTES = 8192
_DETAILS = (
    "Index Cond",
    "Order By",
    "Recheck Cond",
    "Filter",
    "Sort Key",
    "Hash Cond",
    "Join Filter",
)


def read_plan(explained: Sequence[Mapping[str, Any]], request: SearchRequest) -> Plan:
    """Turn the answer of ``EXPLAIN (FORMAT JSON)`` into a Plan."""
    root = explained[0]
    raw = list(_walk(root["Plan"], 0))
    nodes = tuple(_node(node, depth) for node, depth in raw)
    vector_index = next(
        (
            str(node["Index Name"])
            for node, _ in raw
            if node["Node Type"] == "Index Scan" and "Order By" in node
        ),
        None,
    )
    execution = root.get("Execution Time")
    return Plan(
        nodes=nodes,
        vector_index=vector_index,
        summary=tuple(_sentences([node for node, _ in raw], request, vector_index, execution)),
        planning_ms=root.get("Planning Time"),
        execution_ms=execution,
        text=json.dumps(explained, indent=2, ensure_ascii=False),
    )


def _walk(node: Mapping[str, Any], depth: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    yield node, depth
    for child in node.get("Plans", ()):
        yield from _walk(child, depth + 1)


def _node(node: Mapping[str, Any], depth: int) -> PlanNode:
    loops = node.get("Actual Loops", 1)
    actual = node.get("Actual Rows")
    return PlanNode(
        title=_title(node),
        depth=depth,
        estimated_rows=float(node.get("Plan Rows", 0)),
        actual_rows=None if actual is None else float(actual) * loops,
        time_ms=_own(node, _time),
        buffers_hit=_whole(_own(node, lambda item: item.get("Shared Hit Blocks"))),
        buffers_read=_whole(_own(node, lambda item: item.get("Shared Read Blocks"))),
        details=tuple(f"{key}: {_text(node[key])}" for key in _DETAILS if key in node),
        rows_removed=_whole(node.get("Rows Removed by Filter")),
    )


def _title(node: Mapping[str, Any]) -> str:
    title = str(node["Node Type"])
    if node.get("Subplan Name"):
        title = f"{node['Subplan Name']}: {title}"
    if "Index Name" in node:
        title += f" using {node['Index Name']}"
    relation = node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name")
    return f"{title} on {relation}" if relation else title


def _text(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 160 else text[:157] + "…"


def _time(node: Mapping[str, Any]) -> float | None:
    if "Actual Total Time" not in node:
        return None
    return float(node["Actual Total Time"]) * float(node.get("Actual Loops", 1))


def _own(node: Mapping[str, Any], measure: Any) -> float | None:
    """Return a measure without the children's part, which EXPLAIN counts in."""
    whole = measure(node)
    if whole is None:
        return None
    parts = sum(
        measure(child) or 0
        for child in node.get("Plans", ())
        if child.get("Parent Relationship") != "InitPlan"
    )
    return max(0.0, float(whole) - float(parts))


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _sentences(
    nodes: Sequence[Mapping[str, Any]],
    request: SearchRequest,
    vector_index: str | None,
    execution_ms: float | None,
) -> Iterator[str]:
    if request.mode is not Mode.KEYWORD:
        if vector_index is not None:
            node = next(item for item in nodes if item.get("Index Name") == vector_index)
            got = node.get("Actual Rows")
            told = f" and gave {got:,.0f} rows" if got is not None else ""
            yield f"The vector index {vector_index} was used{told}."
        elif request.exact:
            yield "Every row was compared with the query, since exact search was asked for."
        else:
            yield (
                "No vector index was used: every row that passed the filter was compared with the query."
            )
    if request.mode is not Mode.SEMANTIC:
        text = next((item for item in nodes if item["Node Type"] == "Bitmap Index Scan"), None)
        yield (
            f"The words were looked up in the index {text['Index Name']}."
            if text is not None
            else "The words were looked up by reading every row."
        )
    removed = sum(int(item.get("Rows Removed by Filter", 0)) for item in nodes)
    if removed:
        rows = "1 row" if removed == 1 else f"{removed:,} rows"
        yield f"Filters threw away {rows} after being read."
    if execution_ms is not None:
        top = nodes[0]
        hit = int(top.get("Shared Hit Blocks", 0)) * _PAGE_BYTES
        read = int(top.get("Shared Read Blocks", 0)) * _PAGE_BYTES
        yield (
            f"It took {execution_ms:.1f} ms, reading {_megabytes(hit)} from Postgres's memory "
            f"and {_megabytes(read)} from outside it."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1_048_576:.1f} MB"
