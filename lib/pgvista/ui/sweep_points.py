"""The points of a sweep as a table: every figure, the front marked."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pgvista.model.sweep import SweepPoint
from pgvista.services.recommend import front

_ROW_PX = 35
_ROWS_SHOWN = 14


def points_table(
    points: Sequence[SweepPoint], recommended: SweepPoint | None, *, key: str
) -> SweepPoint | None:
    """Draw a row a point, and return the one that is marked, else the recommended one."""
    if not points:
        return None
    frame = points_frame(points, recommended)
    event = st.dataframe(
        frame,
        hide_index=True,
        row_height=_ROW_PX,
        height=_ROW_PX * (min(len(points), _ROWS_SHOWN) + 1) + 2,
        placeholder="–",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "": st.column_config.TextColumn(
                width=40, help="★ recommended, ● on the front of recall and p95", pinned=True
            ),
            "Setting": st.column_config.TextColumn(width="medium", pinned=True),
            "Recall": st.column_config.NumberColumn(
                format="%.4f", help="Mean share of hits, ties counted: 0 to 1"
            ),
            "95 % interval": st.column_config.TextColumn(help="Of the mean, by bootstrap"),
            "By id": st.column_config.NumberColumn(
                format="%.4f", help="Mean share of the very rows of the truth"
            ),
            "Fewer": st.column_config.NumberColumn(
                help="Queries that got fewer rows than there are to find"
            ),
            "Queries": st.column_config.NumberColumn(help="Queries asked"),
            **{
                name: st.column_config.NumberColumn(format="%.2f", help="One connection")
                for name in ("p50, ms", "p95, ms", "p99, ms")
            },
            "Buffers hit": st.column_config.NumberColumn(
                format="localized", help="Pages of 8 kB from Postgres's memory, a query"
            ),
            "read": st.column_config.NumberColumn(
                format="localized", help="Pages of 8 kB from outside Postgres's memory, a query"
            ),
            "Plan": st.column_config.TextColumn(width="large"),
            **{
                name: st.column_config.NumberColumn(
                    format="localized", help="Queries a second with so many connections"
                )
                for name in frame.columns
                if name.startswith("QPS ")
            },
        },
    )
    rows = event["selection"]["rows"]
    return points[rows[0]] if rows and rows[0] < len(points) else recommended


def points_frame(points: Sequence[SweepPoint], recommended: SweepPoint | None) -> pd.DataFrame:
    """Return the table."""
    best = front(points)
    counts = sorted({count for point in points for count in point.qps})
    several = len({point.setting.index for point in points}) > 2
    rows = []
    for point in points:
        mark = "★" if point is recommended else "●" if point in best else ""
        rows.append(
            {
                "": mark,
                "Setting": point.setting.knob,
                **({"Index": point.setting.index} if several else {}),
                "Recall": point.recall,
                "95 % interval": f"{point.recall_low:.3f} – {point.recall_high:.3f}",
                "By id": point.recall_by_id,
                "Fewer": point.fewer,
                "p50, ms": point.p50_ms,
                "p95, ms": point.p95_ms,
                "p99, ms": point.p99_ms,
                **{
                    f"QPS {count}": round(point.qps[count]) if count in point.qps else None
                    for count in counts
                },
                "Buffers hit": round(point.buffers_hit),
                "read": round(point.buffers_read),
                "Queries": point.queries,
                "Plan": point.plan,
            }
        )
    frame = pd.DataFrame(rows)
    frame["p99, ms"] = frame["p99, ms"].astype("float64")
    if frame["p99, ms"].isna().all():
        frame = frame.drop(columns="p99, ms")
    for count in counts:
        frame[f"QPS {count}"] = frame[f"QPS {count}"].astype("Int64")
    return frame
