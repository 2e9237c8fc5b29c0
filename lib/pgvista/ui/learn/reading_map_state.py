"""What the lesson on maps holds in a session: the rows, the maps made so far, what colours them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.jobs import Job
from pgvista.model.collection import Collection
from pgvista.model.filters import split_key
from pgvista.model.map_spec import MapMethod
from pgvista.model.progress import Reporter
from pgvista.science.lesson_reading_map import Picture, picture
from pgvista.services.lesson_reading_map import (
    PCA,
    LessonRows,
    Pictures,
    column_values,
    make_pictures,
    read_rows,
)
from pgvista.services.rows import metadata_keys
from pgvista.ui import connection
from pgvista.ui.errors import plain
from pgvista.ui.jobs import job_panel, jobs, start_job
from pgvista.ui.learn.data import lesson_collection
from pgvista.ui.learn.frame import keep_in_address
from pgvista.ui.map_titles import titles_of
from pgvista.ui.theme import Palette

COLOUR = "learn_reading_map_colour"
KEPT = "Neighbours kept"
MANY = 9
"""Values with a colour of their own; the others are grey."""

_DATA = "learn_reading_map_data"
_POLL_S = 0.5
_KEYS = 12
"""Columns and keys that points can be coloured by, at most."""
_FEWEST_VALUES, _MOST_VALUES = 2, 30


@dataclass(slots=True)
class LessonData:
    """The rows of one collection, and their maps."""

    where: tuple[str, str, str]
    collection: Collection
    lesson: LessonRows
    pictures: Pictures
    titles: tuple[str, ...]
    values: dict[str, list[str | None]]
    """What points can be coloured by: the values of each row, by the name of the column or key."""
    job_id: str | None = None
    cache: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lesson.ids)

    def picture(self, name: str) -> Picture:
        """Return a map that is made."""
        made = self.pictures.get(name)
        assert made is not None, name  # noqa: S101 - `ready` was asked before
        return made


@dataclass(frozen=True, slots=True)
class Colouring:
    """A number a point: the place of its value among those of the legend, MANY for the others."""

    title: str
    codes: NDArray[np.int64]
    legend: tuple[tuple[str, int], ...]
    """Value and number of points, the most frequent first."""
    others: int = 0
    """Points of other values, or without one."""


def lesson_data(db: Database) -> LessonData | None:
    """Return the rows that the lesson runs on, read once; None where the frame has said why not.

    The map by PCA is there at once; the others are made by a job, which begins here.
    """
    collection = lesson_collection(db, needs="vectors", rows=30)
    if collection is None:
        return None
    where = connection.current().name, collection.schema, collection.table
    known: LessonData | None = st.session_state.get(_DATA)
    if known is not None and known.where == where:
        return known
    lesson = read_rows(db, collection)
    pictures = Pictures()
    pictures.put(PCA, picture(lesson.rows, MapMethod.PCA))
    titles = titles_of(db, collection, lesson.ids)
    made = LessonData(
        where=where,
        collection=collection,
        lesson=lesson,
        pictures=pictures,
        titles=tuple(titles.get(row_id, row_id) for row_id in lesson.ids),
        values=_values(db, collection, lesson.ids),
    )
    _start(made)
    st.session_state[_DATA] = made
    return made


def ready(data: LessonData, *names: str) -> bool:
    """Tell whether these maps are made; else draw how far the job is.

    The page is run again as soon as one of them is there.
    """
    if data.pictures.has(*names):
        return True
    job = next((item for item in jobs() if item.id == data.job_id), None)
    if job is not None:
        job_panel(job.id)
    if job is None or job.state.is_final:
        _offer_to_make(data, job)
    else:
        st.markdown(
            ":gray[Maps are laid out in the background. In a new process UMAP's kernel is compiled "
            "first, which takes up to a minute where its machine code is not kept yet.]"
        )
        _look_again(tuple(name for name in names if not data.pictures.has(name)))
    return False


def colour_choice(data: LessonData) -> Colouring:
    """Draw the choice of a column, which the lesson's steps share, and return the colours."""
    options = [*data.values, KEPT]
    default = options[0]
    keep_in_address({COLOUR: default})
    if st.session_state.get(COLOUR) not in options:
        st.session_state[COLOUR] = default
    st.selectbox(
        "Coloured by",
        options,
        key=COLOUR,
        format_func=plain_line,
        persist_state="session",
        width=260,
    )
    return colouring(data)


def colouring(data: LessonData) -> Colouring:
    """Return the colours of the column chosen, or of the first one."""
    chosen = st.session_state.get(COLOUR)
    if chosen == KEPT or not data.values:
        return Colouring(KEPT, np.full(len(data), MANY), ())
    if chosen not in data.values:
        chosen = next(iter(data.values))
    return by_category(chosen, data.values[chosen])


def by_category(title: str, values: list[str | None]) -> Colouring:
    """Number the most frequent values, the others together."""
    counts = Counter(value for value in values if value is not None)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MANY]
    code = {value: place for place, (value, _) in enumerate(ranked)}
    codes = np.array([MANY if v is None else code.get(v, MANY) for v in values], np.int64)
    return Colouring(title, codes, tuple(ranked), int((codes == MANY).sum()))


def legend(colours: Colouring, palette: Palette) -> None:
    """Draw what the colours mean, in a line that wraps."""
    if not colours.legend:
        return
    parts = [
        f':color[●]{{foreground="{colour}"}}&nbsp;{plain(plain_line(value)[:40])}'
        for (value, _), colour in zip(colours.legend, palette.series, strict=False)
    ]
    if colours.others:
        parts.append(f':color[●]{{foreground="{palette.series[-1]}"}}&nbsp;others')
    st.markdown("&nbsp; ".join(parts))


def plain_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split()) or "(empty)"


def _values(
    db: Database, collection: Collection, ids: tuple[str, ...]
) -> dict[str, list[str | None]]:
    """Return the columns and keys of few values, those of about ten first."""
    keys = [column.name for column in collection.columns]
    keys += [
        split_key(key)[0]
        for key, kind in metadata_keys(db, collection)
        if kind not in ("object", "array")
    ]
    found: dict[str, list[str | None]] = {}
    for key in list(dict.fromkeys(keys))[:_KEYS]:
        values = column_values(db, collection, ids, key)
        distinct = len({value for value in values if value is not None})
        if _FEWEST_VALUES <= distinct <= _MOST_VALUES:
            found[key] = values
    # texts tell more than years do
    return dict(sorted(found.items(), key=lambda item: _is_number(item[1])))


def _is_number(values: list[str | None]) -> bool:
    try:
        return all(value is None or float(value) is not None for value in values)
    except ValueError:
        return False


def _start(data: LessonData) -> None:
    rows, pictures = data.lesson.rows, data.pictures

    def work(_database: Database, reporter: Reporter) -> None:
        make_pictures(rows, pictures, reporter)

    data.job_id = start_job(f"Maps of {data.collection.name}", work).id


def _offer_to_make(data: LessonData, job: Job | None) -> None:
    """The job was stopped, or failed, or is forgotten."""
    st.button(
        "Make the maps",
        key="learn_reading_map_make",
        icon=":material/scatter_plot:",
        on_click=partial(_start, data),
        type="primary" if job is None else "secondary",
    )


@st.fragment(run_every=_POLL_S)
def _look_again(names: tuple[str, ...]) -> None:
    data: LessonData | None = st.session_state.get(_DATA)
    if data is not None and any(data.pictures.has(name) for name in names):
        st.rerun()
