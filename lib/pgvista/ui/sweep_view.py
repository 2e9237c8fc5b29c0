"""A sweep as the page shows it: the target, the recommendation, the curve, the worst queries."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.sweep import Recommendation, SweepPoint, SweepResult
from pgvista.model.tuning import Target
from pgvista.services.recommend import recommend
from pgvista.services.sweep_report import to_csv, to_json, to_markdown
from pgvista.services.sweep_store import delete_sweep
from pgvista.ui import format as form
from pgvista.ui import sweep_state
from pgvista.ui.charts.sweep_curve import sweep_curve
from pgvista.ui.components.panels import metric_chips, sql_panel
from pgvista.ui.errors import plain
from pgvista.ui.state import link
from pgvista.ui.sweep_points import points_table

RECALL, P95, CASE = "sweep_recall", "sweep_p95", "sweep_case"
_WORST_SHOWN = 6


def target_inputs(result: SweepResult | None) -> Target:
    """Draw what a setting must reach, beside it the filters that were measured; return the target."""
    st.session_state.setdefault(RECALL, 0.95)
    st.session_state.setdefault(P95, 20.0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        recall = st.number_input(
            "Recall at least", 0.0, 1.0, step=0.01, format="%.3f", key=RECALL, width=150,
            help="Mean over the queries, 0 to 1.",
        )  # fmt: skip
        p95 = st.number_input(
            "p95 at most, ms", 0.0, 60_000.0, step=1.0, format="%.1f", key=P95, width=150,
            help="Of one connection, milliseconds; 0 for any.",
        )  # fmt: skip
        if result is not None:
            _case_choice(result)
    return Target(recall, p95 or None)


def sweep_view(
    collection: Collection, result: SweepResult, target: Target, earlier: SweepResult | None
) -> None:
    """Draw a sweep, with the points of an earlier one under its own."""
    case = _case(result)
    told = recommend(result, target, case)
    _recommended(told)
    points = result.of_case(case)
    under = earlier.of_case(case) if earlier is not None else ()
    if points:
        with st.container(key="sweep_chart"):
            sweep_curve(points, target, chosen=told.point, earlier=under, key="sweep_curve")
    chosen = points_table(
        points, told.point, key=f"sweep_points_{result.finished_at:%H%M%S}_{case}"
    )
    if chosen is not None:
        _worst(collection, chosen)
    _notes(result)
    _downloads(result, target)
    with st.expander("How it was measured"):
        _facts(result, case)


def _case_choice(result: SweepResult) -> None:
    names = [case.name for case in result.cases if result.of_case(case.name)]
    if len(names) < 2:
        return
    if st.session_state.get(CASE) not in names:
        st.session_state[CASE] = names[0]
    st.segmented_control(
        "Rows to search", names, key=CASE, required=True,
        help="All of them, or those that a filter lets through.",
    )  # fmt: skip


def _case(result: SweepResult) -> str:
    names = [case.name for case in result.cases if result.of_case(case.name)]
    chosen = st.session_state.get(CASE)
    return chosen if chosen in names else (names or [result.cases[0].name])[0]


def _recommended(told: Recommendation) -> None:
    icon = ":material/check_circle:" if told.meets else ":material/info:"
    colour = "green" if told.meets else "orange"
    with st.container(border=True, key="sweep_recommended"):
        st.markdown(f"## :{colour}[{icon}] {plain(told.sentence)}")
        if told.reasons:
            st.markdown(f":gray[{plain(' '.join(told.reasons))}]")
        if told.sql:
            sql_panel(told.sql, key="sweep_sql")


def _worst(collection: Collection, point: SweepPoint) -> None:
    st.markdown(f"**Worst queries** :gray[of {plain(point.setting.knob)}]")
    if not point.worst:
        st.markdown(":gray[Every query found all there is to find.]")
        return
    own = all(item.query for item in point.worst)
    with st.container(horizontal=True, gap="small"):
        for item in point.worst[:_WORST_SHOWN]:
            label = f"{_short(item.query)} · recall {item.recall:.2f}"
            if own and collection.roles.id is not None:
                link(
                    "pages/tune/live.py", plain(label), icon=":material/tune:",
                    collection=collection.name, row=item.query, **_live_knobs(point),
                )  # fmt: skip
            else:
                st.markdown(plain(label))


def _live_knobs(point: SweepPoint) -> dict[str, str]:
    found = {}
    if point.setting.ef_search is not None:
        found["live_ef"] = str(point.setting.ef_search)
    if point.setting.probes is not None:
        found["live_probes"] = str(point.setting.probes)
    return found


def _notes(result: SweepResult) -> None:
    if not result.complete:
        st.warning(
            "**The sweep did not run to its end.** The points are those measured so far.",
            icon=":material/warning:",
        )
    for note in result.notes:
        st.markdown(f":small[:gray[:material/info: {plain(note)}]]")


def _facts(result: SweepResult, case: str) -> None:
    versions = [(name, value) for name, value in result.versions.items()]
    metric_chips(
        [
            ("rows", f"{result.rows:,} × {result.dimension}"),
            ("table", form.size(result.table_bytes)),
            ("queries", f"{result.queries:,}"),
            ("seed", str(result.seed)),
            ("truth", f"{result.truth.seconds:.1f} s"),
            ("in all", f"{result.wall_s:.1f} s"),
            *versions,
            ("shared_buffers", result.server.get("shared_buffers", "?")),
        ],
        key="sweep_facts",
    )
    told = next(item for item in result.cases if item.name == case)
    if told.condition:
        st.markdown(f"{told.rows:,} rows pass the filter:")
        st.code(told.condition, language="sql", wrap_lines=True)
    st.markdown(
        f"{plain(result.truth.proof)} A row counts as a hit when its distance is at most the k-th "
        "true one + 0.001, as in ann-benchmarks; *by id* counts the very rows. Queries are "
        f"{plain(result.query_source)}; settings took turns after a warm-up that does not count."
    )
    for index in result.indexes:
        st.code(
            f"{index.definition};  -- {form.size(index.size_bytes)}",
            language="sql",
            wrap_lines=True,
        )


def earlier_sweeps(
    db: Database, found: Sequence[SweepResult]
) -> tuple[SweepResult, SweepResult | None]:
    """Draw which sweep is shown and which is laid under it; return both."""
    with st.container(border=True):
        st.markdown("**Sweeps**")
        names = {sweep_state.name_of(item): item for item in found}
        key = sweep_state.SHOWN
        if st.session_state.get(key) not in names:
            st.session_state[key] = next(iter(names))
        shown = names[st.selectbox("Shown", list(names), key=key)]
        others = [name for name, item in names.items() if item is not shown]
        under = None
        if others:
            if st.session_state.get("sweep_under") not in others:
                st.session_state["sweep_under"] = None
            chosen = st.selectbox(
                "Compare with", others, key="sweep_under", index=None,
                placeholder="Lay an earlier one under it",
            )  # fmt: skip
            under = names[chosen] if chosen else None
        if shown.id is not None and not db.read_only:
            st.button(
                "Forget this sweep", icon=":material/delete:", type="tertiary", key="sweep_forget",
                on_click=_forget, args=(db, shown.id),
            )  # fmt: skip
    return shown, under


def _forget(db: Database, number: int) -> None:
    try:
        delete_sweep(db, number)
    except PgvistaError as error:
        st.toast(plain(error.message), icon=":material/error:")


def _downloads(result: SweepResult, target: Target) -> None:
    stem = f"sweep-{result.table}-{result.finished_at:%Y%m%d-%H%M%S}"
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime, make in (
            ("Markdown", "md", "text/markdown", lambda: to_markdown(result, target)),
            ("CSV", "csv", "text/csv", lambda: to_csv(result)),
            ("JSON", "json", "application/json", lambda: to_json(result, target)),
        ):
            st.download_button(
                label, make, f"{stem}.{ending}", mime, key=f"sweep_{ending}", on_click="ignore"
            )


def _short(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"
