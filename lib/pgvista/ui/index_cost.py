"""What an index will cost, beside the knobs that decide it: size, memory, time, and what fits."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import CollectionStats
from pgvista.model.index import IndexMethod, IndexSpec
from pgvista.model.index_build import BuildServer, IndexEstimate
from pgvista.services import index_overview
from pgvista.services.index_estimate import scaled_seconds
from pgvista.ui import format as form
from pgvista.ui.components.panels import metric_chips
from pgvista.ui.jobs import duration

MB = 1024**2
MAX_MEMORY_MB = 1024**2
_MEMORY = "indexes.memory"
_MEASURED = "indexes.measured"


def memory_choice(server: BuildServer) -> int:
    """Draw the memory that the build is to have, and return it in bytes."""
    own = max(1, server.maintenance_work_mem_bytes // MB)
    st.session_state.setdefault(_MEMORY, own)
    chosen = st.number_input(
        "Memory for this build, MB", 1, MAX_MEMORY_MB, key=_MEMORY,
        help="maintenance\\_work\\_mem of this build alone; the server's is "
        f"{form.size(server.maintenance_work_mem_bytes)}. An HNSW graph beyond it is built on disk, "
        "many times slower; IVFFlat is refused.",
    )  # fmt: skip
    return server.maintenance_work_mem_bytes if chosen == own else int(chosen) * MB


def cost(
    db: Database, stats: CollectionStats, spec: IndexSpec, server: BuildServer, memory: int
) -> None:
    """Draw the estimate, and what fits where."""
    measured = st.session_state.get(_MEASURED, {}).get(_question(stats, spec))
    found = index_overview.estimate(db, stats, spec, server, maintenance_work_mem_bytes=memory)
    figures = [
        ("rows", f"{found.rows:,}"),
        ("size", f"≈ {form.size(found.size_bytes)}"),
        ("memory", f"≈ {form.size(found.memory_bytes)}"),
    ]
    if measured is not None:
        seconds = scaled_seconds(spec.method, measured[0], measured[1], found.rows)
        figures.append(("time", expected_time(seconds, found)))
    metric_chips(figures, key="indexes.estimate")
    lines = [
        f":small[:{'gray' if fits else 'orange'}[:material/{'check' if fits else 'warning'}: {said}]]"
        for fits, said in fitting(found, spec)
    ]
    st.markdown("  \n".join(lines))
    _measure(db, stats, spec, found)


def expected_time(seconds: float, found: IndexEstimate) -> str:
    """Write the time of a build whose work is `seconds`: from helped all along to not at all."""
    if not found.fits_maintenance_work_mem:
        return f"more than {duration(seconds)}"
    if not found.workers:
        return f"≈ {duration(seconds)}"
    return f"{duration(seconds / (1 + found.workers))} to {duration(seconds)}"


def fitting(found: IndexEstimate, spec: IndexSpec) -> list[tuple[bool, str]]:
    """Say what fits where: (whether it does, a sentence in Markdown)."""
    given = form.size(found.maintenance_work_mem_bytes)
    memory = form.size(found.memory_bytes)
    hnsw = spec.method is IndexMethod.HNSW
    what = "The graph" if hnsw else "k-means"
    said = []
    if found.fits_maintenance_work_mem:
        said.append((True, f"{what} fits maintenance\\_work\\_mem ({given})."))
    else:
        after = found.rows * found.maintenance_work_mem_bytes // max(1, found.memory_bytes)
        how = (
            f"the build goes on on disk after some {after:,} rows, many times slower"
            if hnsw
            else "pgvector refuses it"
        )
        said.append((False, f"{what} wants {memory}, and has {given}: {how}. Give it more."))
    buffers = form.size(found.shared_buffers_bytes)
    said.append(
        (True, f"The index fits shared\\_buffers ({buffers}).")
        if found.fits_shared_buffers
        else (
            False,
            f"The index is larger than shared\\_buffers ({buffers}): searches read from disk.",
        )
    )
    if found.workers and hnsw:
        helpers = form.plural(found.workers, "helper")
        taken = form.size(found.shared_memory_bytes)
        said.append((True, f"With {helpers}, {taken} of shared memory are taken at once."))
    return said


def _measure(db: Database, stats: CollectionStats, spec: IndexSpec, found: IndexEstimate) -> None:
    """Draw the button that builds on a sample, and what it found."""
    question = _question(stats, spec)
    measured = st.session_state.get(_MEASURED, {}).get(question)
    if measured is not None:
        st.markdown(
            f":small[:gray[:material/timer: By {measured[1]:,} rows, built here in "
            f"{duration(measured[0])}. A busy machine takes longer.]]"
        )
        return
    if found.rows and st.button(
        "Measure the time", key="indexes.measure", type="tertiary", icon=":material/timer:",
        disabled=db.read_only,
        help=f"Builds it on up to {index_overview.SAMPLE_ROWS:,} rows in a temporary table, of "
        "which nothing stays, and goes on from there.",
    ):  # fmt: skip
        with st.spinner("Building on a sample"):
            answer = index_overview.sample_seconds(
                db, stats, spec, maintenance_work_mem_bytes=found.maintenance_work_mem_bytes
            )
        st.session_state.setdefault(_MEASURED, {})[question] = answer
        st.rerun()


def _question(stats: CollectionStats, spec: IndexSpec) -> tuple[object, ...]:
    """Return what the time depends on."""
    lists = spec.lists if spec.method is IndexMethod.IVFFLAT else None
    return (
        *(stats.collection.name, spec.method, spec.metric, spec.target, spec.leading),
        *(spec.m, spec.ef_construction, lists),
    )
