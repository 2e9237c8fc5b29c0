"""The page Evaluate: the query set in use, the jobs that measure, and what they found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.evaluation import QuerySet, SavedQuerySet
from pgvista.model.progress import Progress, Reporter
from pgvista.model.search import Mode, SearchRequest
from pgvista.services.bm25 import fit
from pgvista.services.evaluate import template
from pgvista.services.judgments import list_query_sets, read_query_set, sample_query_set
from pgvista.services.search_defaults import default_request
from pgvista.ui import connection
from pgvista.ui.garbage import set_aside
from pgvista.ui.jobs import job_panel, start_job

SET = "evaluate_set"
"""Where the key of the chosen query set is kept."""
NEXT_SET = "evaluate_next_set"
"""Where the key is kept of the set that the next run chooses."""
PART = "evaluate_part"
MEASURE, GRID, JUDGE = "Measure", "Grid", "Judge"
"""What PART holds."""
SAMPLE, UPLOADED = "sample", "uploaded"
SAMPLE_TABLE = "help_centre"
"""The collection whose query set comes with pgvista."""

_UPLOADED, _READ = "_evaluate_uploaded", "_evaluate_read"
_JOBS, _RUNS = "_evaluate_jobs", "_evaluate_runs"

Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The query set in use."""

    key: str
    query_set: QuerySet
    saved: int | None
    """Its id in the database; None for the sample's and for one that was not saved."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a job found, and the query set it was found with."""

    key: str
    query_set: QuerySet
    found: Any


def place(collection: Collection) -> Place:
    """Return what tells a collection from those of its name on other connections."""
    return connection.current().name, collection.schema, collection.table


def modes(collection: Collection) -> list[Mode]:
    """Return the modes in which questions can be asked of a collection."""
    semantic = collection.model is not None
    words = collection.roles.fts is not None or collection.roles.content is not None
    offered = {Mode.SEMANTIC: semantic, Mode.KEYWORD: words, Mode.HYBRID: semantic and words}
    return [mode for mode, possible in offered.items() if possible]


def present(collection: Collection) -> SearchRequest:
    """Return what searches of the collection begin with: its own defaults, else pgvista's."""
    request, _ = fit(collection, template(**default_request(collection)))
    possible = modes(collection)
    return request if request.mode in possible else replace(request, mode=possible[-1])


# -- query sets


def offered(db: Database, collection: Collection) -> dict[str, SavedQuerySet | QuerySet]:
    """Return the collection's query sets by key: the sample's, the uploaded one, those saved."""
    found: dict[str, SavedQuerySet | QuerySet] = {}
    if collection.table == SAMPLE_TABLE:
        found[SAMPLE] = sample_query_set()
    if (brought := uploaded(collection)) is not None:
        found[UPLOADED] = brought
    return found | {f"saved:{item.id}": item for item in list_query_sets(db, collection)}


def read(db: Database, key: str, item: SavedQuerySet | QuerySet) -> Chosen:
    """Return a set with its queries; a saved one is read again after a change. Raises NotFound."""
    if isinstance(item, QuerySet):
        return Chosen(key, item, None)
    mark = (connection.current().name, item)
    known = st.session_state.get(_READ)
    if known is None or known[0] != mark:
        known = st.session_state[_READ] = (mark, read_query_set(db, item.id))
    return Chosen(key, known[1], item.id)


def uploaded(collection: Collection) -> QuerySet | None:
    """Return the set that is used without being saved, or None."""
    found: dict[Place, QuerySet] = st.session_state.setdefault(_UPLOADED, {})
    return found.get(place(collection))


def use_uploaded(collection: Collection, query_set: QuerySet | None) -> None:
    """Keep a set in this session and choose it; None lets it go."""
    found: dict[Place, QuerySet] = st.session_state.setdefault(_UPLOADED, {})
    if query_set is None:
        found.pop(place(collection), None)
    else:
        found[place(collection)] = query_set
        st.session_state[NEXT_SET] = UPLOADED


def use_saved(set_id: int) -> None:
    """Choose a saved set."""
    st.session_state[NEXT_SET] = f"saved:{set_id}"


# -- jobs


def start(
    kind: str,
    name: str,
    collection: Collection,
    chosen: Chosen,
    work: Callable[[Database, Reporter], Any],
    model: ModelEmbedder | None,
) -> None:
    """Begin to measure. Raises Conflict while another measurement of the collection runs.

    `model` is loaded first, where there is one: what Streamlit does at the end of each run looks at
    all that is loaded, unless it is set aside, and would be measured as latency.
    """

    def run(own: Database, reporter: Reporter) -> Run:
        if model is not None:
            reporter.report(Progress(stage="loading the model"))
            model.load()
            set_aside()
        return Run(chosen.key, chosen.query_set, work(own, reporter))

    # one at a time: two would slow each other down, and times are measured
    job = start_job(name, run, exclusive=f"evaluate {collection.schema}.{collection.table}")
    st.session_state.setdefault(_JOBS, {})[kind, place(collection)] = job.id


def is_running(kind: str, collection: Collection) -> bool:
    """Draw the job of this kind while it lives; afterwards keep what it found, or say why not."""
    jobs: dict[tuple[str, Place], str] = st.session_state.setdefault(_JOBS, {})
    mark = (kind, place(collection))
    if (job_id := jobs.get(mark)) is None:
        return False
    job = job_panel(job_id)  # how it failed stays to be read until another one is begun
    if job is None:
        del jobs[mark]
    elif not job.state.is_final:
        return True
    elif job.state is JobState.DONE:
        del jobs[mark]
        run: Run = job.result
        st.session_state.setdefault(_RUNS, {})[kind, place(collection), run.key] = run
        st.rerun()
    return False


def last_run(kind: str, collection: Collection, chosen: Chosen) -> Run | None:
    """Return what was found last with the chosen set, or None."""
    runs: dict[Any, Run] = st.session_state.setdefault(_RUNS, {})
    return runs.get((kind, place(collection), chosen.key))


def forget_runs(collection: Collection, key: str) -> None:
    """Let go of what was found with a set."""
    runs: dict[Any, Run] = st.session_state.setdefault(_RUNS, {})
    for mark in [item for item in runs if item[1:] == (place(collection), key)]:
        del runs[mark]
