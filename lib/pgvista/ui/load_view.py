"""The load itself: one job, its progress, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from pgvista.config import Settings
from pgvista.db.database import Database
from pgvista.embed import Embedder, get_embedder
from pgvista.errors import NotFound
from pgvista.io.readers import Source
from pgvista.jobs import JobState
from pgvista.model.collection import Collection, NewCollection
from pgvista.model.progress import Progress, Reporter
from pgvista.model.rows import ColumnMapping, IngestReport
from pgvista.services.collections import open_collection
from pgvista.services.ingest import Chunking, IngestOptions
from pgvista.services.load import bad_rows_csv, load_file
from pgvista.ui.components.panels import metric_chips
from pgvista.ui.errors import guarded, plain
from pgvista.ui.jobs import job_panel, start_job
from pgvista.ui.load_source import take
from pgvista.ui.load_target import UNKNOWN_DIMENSION
from pgvista.ui.state import choose, go, settings

SHOWN_BAD_ROWS = 100
_KEPT = "_load_plan"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """All that a load needs, so that it can be started again."""

    source: Source
    mapping: ColumnMapping
    target: Collection | NewCollection
    chunk: Chunking

    @property
    def name(self) -> str:
        """The collection's name for people."""
        if isinstance(self.target, Collection):
            return self.target.name
        return self.target.table


def start(plan: LoadPlan) -> None:
    """Begin the job. Raises Conflict while another load into the collection is at work."""
    options = IngestOptions(chunk=plan.chunk)
    own = settings()

    def work(db: Database, reporter: Reporter) -> IngestReport:
        return _load(db, plan, options, own, reporter)

    target = plan.target
    job = start_job(
        f"Load {plan.source.name or 'pasted rows'} into {plan.name}",
        work,
        exclusive=f"load {target.schema}.{target.table}",
    )
    st.session_state[_KEPT] = (job.id, plan)
    take()


def _load(
    db: Database, plan: LoadPlan, options: IngestOptions, own: Settings, reporter: Reporter
) -> IngestReport:
    target = plan.target
    embedder: Embedder | None = None
    if target.model is not None:
        embedder = get_embedder(target.model, own)
    if isinstance(target, NewCollection):
        try:  # an earlier start made it
            target = open_collection(db, target.table, target.schema)
        except NotFound:
            if embedder is not None and target.dimension == UNKNOWN_DIMENSION:
                reporter.report(Progress(stage="loading the model"))
                target = replace(target, dimension=embedder.dimension)
    return load_file(
        db,
        plan.source,
        plan.mapping,
        collection=target,
        options=options,
        reporter=reporter,
        embedder=embedder,
    )


def show_load() -> bool:
    """Draw the load that was started last, until it is put away; return whether there is one."""
    kept: tuple[str, LoadPlan] | None = st.session_state.get(_KEPT)
    if kept is None:
        return False
    job_id, plan = kept
    job = job_panel(job_id)
    if job is None:
        del st.session_state[_KEPT]
        return False
    if not job.state.is_final:
        st.markdown(":gray[It goes on while other pages are used.]")
        return True
    if job.state is JobState.DONE:
        _report(plan, job.result)
    else:
        st.markdown(
            ":gray[The batches that were written stay. Started again, the load skips what is done.]"
        )
    _next_steps(plan, done=job.state is JobState.DONE)
    return True


def _next_steps(plan: LoadPlan, *, done: bool) -> None:
    with st.container(horizontal=True):
        if not done and st.button("Start again", type="primary", icon=":material/replay:"):
            with guarded():
                start(plan)
                st.rerun()
        for page, icon, kind in (
            ("search", ":material/search:", "primary" if done else "secondary"),
            ("browse", ":material/table_rows:", "secondary"),
        ):
            if st.button(
                page.title(),
                key=f"load_to_{page}",
                icon=icon,
                type="primary" if kind == "primary" else "secondary",
            ):
                choose(plan.name)
                go(page, collection=plan.name)
        if st.button("Load something else", key="load_next", type="tertiary"):
            plan.source.close()
            del st.session_state[_KEPT]
            st.rerun()


def _report(plan: LoadPlan, report: IngestReport) -> None:
    metric_chips(
        {
            "read": f"{report.read:,}",
            "written": f"{report.written:,}",
            "embedded": f"{report.embedded:,}",
            "unchanged": f"{report.unchanged:,}",
            "set aside": f"{report.rejected:,}",
        },
        key="load_report",
    )
    if not report.rejected:
        return
    rows = "row was" if report.rejected == 1 else "rows were"
    st.warning(
        f"**{report.rejected:,} {rows} set aside**: each with its line and the reason.",
        icon=":material/rule:",
    )
    st.dataframe(
        _bad_rows(report),
        hide_index=True,
        column_config={"row": st.column_config.TextColumn(width="large")},
        key="load_bad_rows",
        alt="Rows that were set aside, with line and reason",
    )
    kept = len(report.bad_rows)
    first = f" (the first {kept:,})" if kept < report.rejected else ""
    st.download_button(
        f"Rows set aside as CSV{first}",
        data=lambda: bad_rows_csv(report),
        file_name=f"{plan.name}-set-aside.csv",
        mime="text/csv",
        icon=":material/download:",
        key="load_bad_rows_csv",
        on_click="ignore",
    )


def _bad_rows(report: IngestReport) -> pd.DataFrame:
    shown = report.bad_rows[:SHOWN_BAD_ROWS]
    return pd.DataFrame(
        {
            "line": [bad.line for bad in shown],
            "reason": [bad.reason for bad in shown],
            "row": [bad.raw for bad in shown],
        }
    )


def summary(plan: LoadPlan, columns: Sequence[str]) -> str:
    """Return one line that says what will be done."""
    mapping = plan.mapping
    made = []
    if isinstance(plan.target, NewCollection):
        made.append(f"creates {plain(plan.target.schema)}.{plain(plan.name)}")
    if plan.target.model is not None and mapping.content is not None:
        made.append(f"embeds {plain(mapping.content)} with {plain(plan.target.model)}")
    used = {mapping.id, mapping.content, mapping.embedding, mapping.metadata_object}
    used |= {*mapping.metadata, *mapping.structured}
    left = [name for name in columns if name not in used]
    if left:
        made.append(f"leaves out {plain(', '.join(left))}")
    return ":gray[" + " · ".join(made) + "]" if made else ""
