"""What lessons run on: the reader's collection or a sample, and vectors of typed texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed import get_embedder
from pgvista.io.samples import samples
from pgvista.jobs import JobState
from pgvista.model.collection import Collection
from pgvista.model.progress import Reporter
from pgvista.services.collections import list_collections, stats
from pgvista.services.samples import Loaded, load_sample
from pgvista.ui import connection
from pgvista.ui.components.panels import empty_state
from pgvista.ui.errors import plain
from pgvista.ui.jobs import job_panel, start_job
from pgvista.ui.learn.frame import data_place, presenting
from pgvista.ui.search_waiting import show_waiting
from pgvista.ui.state import PARAMETER, choose, chosen_name, show_in_address

SAMPLE = "help_centre"
"""The sample that lessons offer where there is nothing else."""

_KEPT = 500
_VECTORS = "_learn_vectors"
_PICK = "learn_collection"
_JOB = "learn_sample_job"


def embed_texts(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the vectors of typed texts by the packaged model: array of shape (n, 384), of length 1.

    While the model is loading, the page says so, and the script ends there. Texts longer than the
    model reads are cut by it.
    """
    embedder = get_embedder()
    if not embedder.is_loaded:
        show_waiting(embedder, meanwhile=False, rest="The lesson goes on by itself.")
        st.stop()
    kept: dict[str, NDArray[np.float32]] = st.session_state.setdefault(_VECTORS, {})
    if missing := list(dict.fromkeys(text for text in texts if text not in kept)):
        if len(kept) + len(missing) > _KEPT:
            kept.clear()
            missing = list(dict.fromkeys(texts))
        kept.update(zip(missing, embedder.embed_documents(missing), strict=True))
    if not texts:
        return np.empty((0, embedder.dimension), dtype=np.float32)
    return np.stack([kept[text] for text in texts])


def lesson_collection(
    db: Database, *, needs: Literal["text", "vectors"] = "vectors", rows: int = 1
) -> Collection | None:
    """Return the collection that the lesson runs on; None where there is none, which is then said.

    It is chosen in the lesson's head; until then it is the one chosen last, the Help
    centre, or the first that will do.

    Args:
        db: The connection in use.
        needs: ``text``: its rows have texts, and a model that embeds questions; ``vectors``: all
            that has vectors of one dimension.
        rows: So many rows at least are needed; fewer are said, and None is returned.
    """
    found = {item.name: item for item in list_collections(db) if _fits(item, needs)}
    if not found:
        _offer_sample(needs)
        return None
    names = list(found)
    name = _wanted(found)
    if not presenting():
        with data_place():
            st.session_state[_PICK] = name
            st.selectbox(
                "The lesson's data",
                names,
                key=_PICK,
                format_func=lambda found: f"Data: {found}",
                label_visibility="collapsed",
                on_change=_on_pick,
            )
    show_in_address(name)
    collection = found[name]
    held = stats(db, collection)
    if held.rows_exact and held.rows < rows:
        count = "1 row" if held.rows == 1 else f"{held.rows:,} rows"
        st.info(
            f"**{plain(name)} has {count}; this lesson needs {rows:,}.**  \n"
            "Choose another collection above, or load a sample on the page Home.",
            icon=":material/database:",
        )
        return None
    return collection


def _fits(collection: Collection, needs: str) -> bool:
    if collection.dimension is None:
        return False
    return needs != "text" or (
        collection.model is not None and collection.roles.content is not None
    )


def _wanted(found: dict[str, Collection]) -> str:
    asked = st.query_params.get(PARAMETER)
    for name in (asked, chosen_name()):
        if name is not None and name in found:
            choose(name)
            return name
    sample = next((name for name, item in found.items() if item.table == SAMPLE), None)
    return sample or next(iter(found))


def _on_pick() -> None:
    name = st.session_state[_PICK]
    choose(name)
    st.query_params[PARAMETER] = name


def _offer_sample(needs: str) -> None:
    """Say what is missing, and load the sample on a click; the lesson goes on by itself."""
    job_id: Any = st.session_state.get(_JOB)
    if job_id is not None:
        job = job_panel(job_id)
        if job is not None and not job.state.is_final:
            return
        if job is not None and job.state is JobState.DONE:
            del st.session_state[_JOB]
            st.rerun()
    if connection.current().read_only:
        st.info(
            "**There is no collection here that this lesson can run on, and the connection is "
            "read-only.**  \nSwitch to another connection on the page Connect.",
            icon=":material/lock:",
        )
        return
    sample = next(item for item in samples() if item.key == SAMPLE)
    what = "texts and a model" if needs == "text" else "vectors"
    pressed = empty_state(
        "This lesson runs on real rows",
        f"No collection with {what} is here yet. The sample has {sample.n_rows:,} short articles "
        "and loads in some seconds.",
        key="learn_no_data",
        icon=":material/school:",
        actions={"load": f"Load {sample.title}"},
    )
    if pressed == "load":

        def work(database: Database, reporter: Reporter) -> Loaded:
            return load_sample(database, SAMPLE, reporter=reporter)

        job = start_job(f"Load {sample.title}", work, exclusive=f"load {SAMPLE}")
        st.session_state[_JOB] = job.id
        st.rerun()
