"""What stands beside the hits: the SQL, where the time went, the plan, a vector, an empty page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from pgvista.model.search import Plan, PlanNode
from pgvista.ui.components._mount import component
from pgvista.ui.errors import plain

_sql = component("sql")
_panel = component("panel")
_vector = component("vector", "vector_bars")

_NUMBER = r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"
_LONG_VECTOR = re.compile(rf"\[\s*({_NUMBER})\s*,\s*({_NUMBER})((?:\s*,\s*{_NUMBER}){{6,}})\s*\]")
_STAGES = {
    "embedding": "turning the question into a vector",
    "database": "the statement, from sending it to the last row",
    "fusion": "fusing the lists already fetched anew, in this process",
    "other": "everything else in this process",
}
BARS = 128
"""Bars in the picture of a vector; a longer vector has several components in each."""


def shorten_vectors(sql: str) -> str:
    """Return `sql` with vectors of eight numbers and more cut to ``[0.012, -0.044, … 384 numbers]``."""

    def short(match: re.Match[str]) -> str:
        count = 2 + match[3].count(",")
        return f"[{float(match[1]):.3g}, {float(match[2]):.3g}, … {count:,} numbers]"

    return _LONG_VECTOR.sub(short, sql)


def sql_panel(sql: str, *, key: str = "sql") -> None:
    """Show statements with long vectors shortened; the button copies them in full."""
    shown = shorten_vectors(sql.strip())
    _sql(key=key, data={"shown": shown, "full": sql.strip(), "shortened": shown != sql.strip()})


def timings_bar(timings_ms: Mapping[str, float], *, key: str = "timings") -> None:
    """Draw where the time went, in milliseconds: a bar of the stages, their figures, the total."""
    stages = {name: max(0.0, ms) for name, ms in timings_ms.items() if name != "total"}
    known = [name for name in _STAGES if name in stages]
    order = [*known, *(name for name in stages if name not in _STAGES)]
    total = timings_ms.get("total", math.fsum(stages.values()))
    whole = max(total, math.fsum(stages.values())) or 1.0
    _panel(
        key=key,
        data={
            "kind": "timings",
            "total": milliseconds(total),
            "stages": [
                {
                    "name": name,
                    "share": stages[name] / whole,
                    "text": milliseconds(stages[name]),
                    "title": _STAGES.get(name, ""),
                }
                for name in order
            ],
        },
    )


def milliseconds(value: float) -> str:
    """Return a time with its unit, in about three figures: ``0.42 ms``, ``14 ms``, ``2.3 s``."""
    if value < 1:
        return f"{value:.2f} ms"
    if value < 10:
        return f"{value:.1f} ms"
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.1f} s"


def plan_panel(plan: Plan, *, key: str = "plan") -> None:
    """Show a plan: in plain words first, then step by step, and EXPLAIN's own JSON on request."""
    slowest = max((node.time_ms or 0.0 for node in plan.nodes), default=0.0)
    _panel(
        key=key,
        data={
            "kind": "plan",
            "summary": list(plan.summary),
            "times": [
                f"{name} {milliseconds(ms)}"
                for name, ms in (("planning", plan.planning_ms), ("execution", plan.execution_ms))
                if ms is not None
            ],
            "nodes": [_node(node, slowest) for node in plan.nodes],
            "measured": any(node.time_ms is not None for node in plan.nodes),
            "json": plan.text,
        },
    )


def _node(node: PlanNode, slowest: float) -> dict[str, object]:
    details = list(node.details)
    if node.rows_removed and not any("Removed" in detail for detail in details):
        details.append(f"Rows removed: {node.rows_removed:,}")
    guess, actual = max(node.estimated_rows, 1.0), node.actual_rows
    factor = 1.0 if actual is None else max(guess / max(actual, 1.0), max(actual, 1.0) / guess)
    return {
        "title": node.title,
        "depth": node.depth,
        "details": details,
        "time": "" if node.time_ms is None else milliseconds(node.time_ms),
        "share": (node.time_ms or 0.0) / slowest if slowest else 0.0,
        "estimated": f"{node.estimated_rows:,.0f}",
        "actual": "" if actual is None else f"{actual:,.0f}",
        "off": f"{factor:,.0f} times off" if factor >= 10 else "",
        "hit": "" if node.buffers_hit is None else f"{node.buffers_hit:,}",
        "read": "" if node.buffers_read is None else f"{node.buffers_read:,}",
    }


def vector_picture(vector: Sequence[float], *, key: str) -> None:
    """Draw a vector as dimension, norm and a small picture of bars; the button copies all of it."""
    _vector(key=key, data=vector_data(vector))


def vector_data(vector: Sequence[float]) -> dict[str, object]:
    """Return what the picture of a vector shows, for a component that draws it among others."""
    values = [float(value) for value in vector]
    norm = math.sqrt(math.fsum(value * value for value in values))
    return {
        "dimension": f"{len(values):,} {'dimension' if len(values) == 1 else 'dimensions'}",
        "norm": f"norm {norm:.4g}",
        "range": f"{min(values):.3g} to {max(values):.3g}" if values else "",
        "bars": vector_bars(values),
        # Nine digits are enough to give every 4-byte number back unchanged.
        "text": "[" + ",".join(f"{value:.9g}" for value in values) + "]",
    }


def vector_bars(values: Sequence[float], count: int = BARS) -> list[float]:
    """Return at most `count` heights from -1 to 1: of each run of components the largest by size."""
    if not values:
        return []
    width = math.ceil(len(values) / count)
    runs = (values[i : i + width] for i in range(0, len(values), width))
    peaks = [max(run, key=abs) for run in runs]
    highest = max(map(abs, peaks)) or 1.0
    return [round(peak / highest, 4) for peak in peaks]


def metric_chips(items: Mapping[str, str] | Iterable[tuple[str, str]], *, key: str) -> None:
    """Draw figures with their names in one line: ``rows 214``, ``size 3.1 MB``."""
    pairs = items.items() if isinstance(items, Mapping) else items
    _panel(key=key, data={"kind": "chips", "items": [[name, value] for name, value in pairs]})


def empty_state(
    title: str,
    text: str,
    *,
    key: str,
    icon: str = ":material/search:",
    actions: Mapping[str, str] | None = None,
) -> str | None:
    """Say that nothing is here yet, why, and what to do: `actions` are buttons, name to label.

    Returns the name of the button that was pressed. The first button stands out.
    """
    pressed: str | None = None
    with st.container(border=True, horizontal_alignment="center", key=key):
        st.space("small")
        st.markdown(f"{icon} &nbsp; **{plain(title)}**", width="content", text_alignment="center")
        st.markdown(f":gray[{plain(text)}]", width="content", text_alignment="center")
        if actions:
            with st.container(horizontal=True, horizontal_alignment="center"):
                for i, (name, label) in enumerate(actions.items()):
                    kind = "primary" if i == 0 else "secondary"
                    if st.button(label, key=f"{key}.{name}", type=kind):  # type: ignore[arg-type]
                        pressed = name
        st.space("small")
    return pressed
