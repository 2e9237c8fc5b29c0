"""A sweep as a report: Markdown for people, CSV for tables, JSON with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from pgvista.model.sweep import Recommendation, SweepPoint, SweepResult
from pgvista.model.tuning import Target
from pgvista.services.recommend import front, recommend

COLUMNS = (
    "rows",
    "index",
    "method",
    "setting",
    "ef_search",
    "probes",
    "iterative_scan",
    "oversample",
    "recall",
    "recall_low",
    "recall_high",
    "recall_by_id",
    "fewer_rows",
    "queries",
    "samples",
    "mean_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "buffers_hit",
    "buffers_read",
    "index_used",
    "on_front",
)


def point_row(point: SweepPoint, on_front: bool) -> dict[str, Any]:
    """Return a point as a row of a table, by COLUMNS; None where a figure was not taken."""
    setting = point.setting
    return {
        "rows": point.case,
        "index": setting.index,
        "method": setting.method,
        "setting": setting.knob,
        "ef_search": setting.ef_search,
        "probes": setting.probes,
        "iterative_scan": None if setting.exact else setting.iterative_scan.value,
        "oversample": None if setting.exact else setting.oversample,
        "recall": point.recall,
        "recall_low": point.recall_low,
        "recall_high": point.recall_high,
        "recall_by_id": point.recall_by_id,
        "fewer_rows": point.fewer,
        "queries": point.queries,
        "samples": point.samples,
        "mean_ms": point.mean_ms,
        "p50_ms": point.p50_ms,
        "p95_ms": point.p95_ms,
        "p99_ms": point.p99_ms,
        "buffers_hit": point.buffers_hit,
        "buffers_read": point.buffers_read,
        "index_used": point.used,
        "on_front": on_front,
    }


def point_rows(result: SweepResult) -> list[dict[str, Any]]:
    """Return every point as a row, with ``qps_<n>`` for each number of connections measured."""
    counts = sorted({count for point in result.points for count in point.qps})
    rows = []
    for case in result.cases:
        points = result.of_case(case.name)
        best = front(points)
        for point in points:
            row = point_row(point, point in best)
            row |= {f"qps_{count}": point.qps.get(count) for count in counts}
            rows.append(row)
    return rows


def recommendations(result: SweepResult, target: Target) -> tuple[Recommendation, ...]:
    """Return what is recommended for all rows, and under each filter measured."""
    return tuple(
        recommend(result, target, case.name) for case in result.cases if result.of_case(case.name)
    )


def to_csv(result: SweepResult) -> str:
    """Return a row a point, with a header."""
    rows = point_rows(result)
    names = list(rows[0]) if rows else list(COLUMNS)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def report_dict(result: SweepResult, target: Target) -> dict[str, Any]:
    """Return all of a sweep and its recommendations as a dict that json.dumps takes."""
    told = result.to_dict()
    for point, source in zip(told["points"], result.points, strict=True):
        point["label"] = source.setting.knob
        point["on_front"] = source in front(result.of_case(source.case))
    return {
        "collection": f"{result.schema}.{result.table}",
        "target": {"recall": target.recall, "p95_ms": target.p95_ms},
        "recommendations": [_recommendation(item) for item in recommendations(result, target)],
        **told,
    }


def to_json(result: SweepResult, target: Target) -> str:
    """Return `report_dict` as JSON."""
    return json.dumps(report_dict(result, target), indent=2, ensure_ascii=False, default=str)


def to_markdown(result: SweepResult, target: Target) -> str:
    """Return the report for people."""
    first, *others = recommendations(result, target) or (recommend(result, target),)
    lines = [
        f"# Sweep of {_cell(f'{result.schema}.{result.table}')}",
        "",
        f"**{first.sentence}**",
        "",
        *(f"- {reason}" for reason in first.reasons),
    ]
    if first.sql:
        lines += ["", "```sql", first.sql.rstrip(), "```"]
    for item in others:
        lines += ["", f"{item.sentence} {' '.join(item.reasons)}"]
    if not result.complete:
        lines += ["", "**The sweep did not run to its end; the points are those measured so far.**"]
    lines += [f"- {note}" for note in ("", *result.notes) if note]
    for case in result.cases:
        if points := result.of_case(case.name):
            lines += [
                "",
                f"## {case.name[:1].upper()}{case.name[1:]}",
                "",
                *_case_lines(case.rows, case.condition),
                *_table(points),
            ]
    lines += ["", "## How it was measured", "", *_method(result)]
    return "\n".join(lines) + "\n"


def _case_lines(rows: int, condition: str) -> list[str]:
    told = f" where `{condition}`" if condition else ""
    return [f"{rows:,} rows{told}.", ""]


def _table(points: Sequence[SweepPoint]) -> list[str]:
    best = front(points)
    counts = sorted({count for point in points for count in point.qps})
    names = [
        "setting", "index", "recall@k", "95 % interval", "by id", "fewer rows", "p50 ms",
        "p95 ms", "p99 ms", "buffers hit", "read", *(f"QPS {count}" for count in counts),
    ]  # fmt: skip
    lines = [_row(names), _row(["---"] * 2 + ["---:"] * (len(names) - 2))]
    for point in points:
        mark = " *" if point in best else ""
        lines.append(
            _row(
                [
                    point.setting.knob + mark,
                    (point.setting.index or "") + ("" if point.as_asked else " (not used)"),
                    f"{point.recall:.4f}",
                    f"{point.recall_low:.4f} to {point.recall_high:.4f}",
                    f"{point.recall_by_id:.4f}",
                    f"{point.fewer} of {point.queries}",
                    f"{point.p50_ms:.2f}",
                    f"{point.p95_ms:.2f}",
                    "" if point.p99_ms is None else f"{point.p99_ms:.2f}",
                    f"{point.buffers_hit:,.0f}",
                    f"{point.buffers_read:,.0f}",
                    *(f"{point.qps[n]:,.0f}" if n in point.qps else "" for n in counts),
                ]
            )
        )
    return [*lines, "", "\\* on the Pareto front of recall and p95."]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _method(result: SweepResult) -> list[str]:
    server = ", ".join(f"{name} {value}" for name, value in result.server.items())
    versions = ", ".join(f"{name} {value}" for name, value in result.versions.items())
    lines = [
        f"- {result.queries:,} queries ({result.query_source}), k = {result.limit}, asked "
        f"{result.rounds} time{'' if result.rounds == 1 else 's'} in each setting, seed {result.seed}.",
        "- A row found is a hit when its distance is at most the k-th true distance + 0.001, as in "
        "ann-benchmarks; recall by id counts the very rows.",
        f"- Exact truth in {result.truth.seconds:.1f} s. {result.truth.proof}",
        "- Times are of one connection, from sending a query to having its rows, settings taking "
        "turns after a warm-up that does not count; p99 is told from 1,000 samples on.",
        f"- {result.rows:,} rows of {result.dimension} dimensions, {result.metric}; table "
        f"{_megabytes(result.table_bytes)}.",
        f"- {versions}. {server}.",
        f"- Finished {result.finished_at:%Y-%m-%d %H:%M} UTC after {result.wall_s:.1f} s.",
    ]
    for index in result.indexes:
        lines += [
            "",
            f"{index.name}, {_megabytes(index.size_bytes)}:",
            "",
            "```sql",
            f"{index.definition};",
            "```",
        ]
    return lines


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _recommendation(item: Recommendation) -> dict[str, Any]:
    return {
        "rows": item.case,
        "meets_target": item.meets,
        "no_index_needed": item.no_index and item.meets,
        "sentence": item.sentence,
        "index": None if item.point is None else item.point.setting.index,
        "settings": dict(item.settings),
        "oversample": None if item.point is None else item.point.setting.oversample,
        "sql": item.sql,
        "recall": None if item.point is None else item.point.recall,
        "p95_ms": None if item.point is None else item.point.p95_ms,
        "reasons": list(item.reasons),
    }
