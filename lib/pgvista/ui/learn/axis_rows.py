"""What the lesson on axes works on: the collection's rows, the two phrases, and the axis between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pgvista.db.database import Database
from pgvista.embed import DEFAULT_MODEL, get_embedder
from pgvista.embed.tokens import text_tokens
from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection
from pgvista.model.search import Hit
from pgvista.science.axis import AxisShares, compared_shares, concept_axis, explained_share
from pgvista.services.lesson_axis import AxisPositions, AxisRows, measure_axis, read_rows
from pgvista.ui import connection
from pgvista.ui.components.hits import headline
from pgvista.ui.errors import plain
from pgvista.ui.learn.data import SAMPLE, embed_texts
from pgvista.ui.learn.embedding_models import vectors_by
from pgvista.ui.learn.embedding_phrases import live_field, packaged, phrase_notes
from pgvista.ui.learn.frame import keep_in_address
from pgvista.ui.state import settings

PREFIX = "learn_axis_"
START, END, ROW = f"{PREFIX}start", f"{PREFIX}end", f"{PREFIX}row"

PRINTER_CAMERA = ("a printer", "a camera")
BEGINNER_EXPERT = ("for beginners", "for experts")
CHEAP_EXPENSIVE = ("cheap", "expensive")
UNRELATED = ("purple", "Tuesday")
EQUAL = ("a printer", "a printer")

_BEGINS = {SAMPLE: PRINTER_CAMERA, "python_reference": ("numbers", "text")}
_ROWS, _SHARES, _BEGAN = f"_{PREFIX}rows", f"_{PREFIX}shares", f"_{PREFIX}began"
_CHANGED = 1e-3


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of the two phrases, with the rows along it."""

    start: str
    end: str
    ends: NDArray[np.float32]
    """Vectors of the two phrases: shape (2, dimension)."""
    direction: NDArray[np.float32]
    """Of length 1: shape (dimension,)."""
    rows: AxisRows
    found: AxisPositions
    notes: tuple[str, ...]

    @property
    def end_positions(self) -> tuple[float, float]:
        """Where the phrases themselves lie along it."""
        low, high = (self.ends.astype(np.float64) @ self.direction.astype(np.float64)).tolist()
        return low, high

    def text(self, rank: int) -> str:
        """Return the text, or the id, of the row that is `rank`-th from the start, from 0."""
        place = int(self.found.places[rank])
        return self.rows.texts[place].strip() or self.rows.ids[place]

    def headline(self, rank: int) -> tuple[str, str]:
        """Return what that row is called in a list, and how its text goes on; the latter may be empty."""
        place = int(self.found.places[rank])
        row_id, text = self.rows.ids[place], self.rows.texts[place].strip()
        title, rest = (
            " ".join("".join(span.text for span in spans).split())
            for spans in headline(Hit(row_id, text or None, {}, {}, 0.0))
        )
        return title or row_id, rest


def begin(collection: Collection) -> None:
    """Begin with phrases that suit the collection, and take those of a link made on purpose."""
    state = st.session_state
    phrases = _BEGINS.get(collection.table, BEGINNER_EXPERT)
    before = state.get(_BEGAN)
    if (state.get(START), state.get(END)) in ((None, None), before):
        state[START], state[END] = phrases
    state[_BEGAN] = phrases
    if {"start", "end"} & set(st.query_params):
        keep_in_address({START: phrases[0], END: phrases[1]})


def axis_fields(presets: tuple[tuple[str, str], ...]) -> None:
    """Draw the two fields, and beneath them the collection's own axis and the presets."""
    left, right = st.columns(2, gap="medium")
    with left:
        live_field("From", "", key=START)
    with right:
        live_field("To", "", key=END)
    with st.container(horizontal=True, gap="small", key=f"{PREFIX}presets"):
        own = st.session_state.get(_BEGAN)
        for start, end in dict.fromkeys((own, *presets) if own else presets):
            st.button(
                f"{start} → {end}",
                key=f"{PREFIX}preset_{start}_{end}",
                type="tertiary",
                on_click=st.session_state.update,
                args=({START: start, END: end},),
            )


def read_axis(db: Database, collection: Collection) -> Axis | None:
    """Make the axis of the phrases and measure the rows along it; None where that is not possible.

    What stands against it is said on the page: an empty phrase, equal ones, a model that loads.
    """
    start, end = (str(st.session_state.get(key) or "") for key in (START, END))
    if not start.strip() or not end.strip():
        _lesson("An axis needs two ends.", "Type a phrase into both fields.")
        return None
    texts = (start, end)
    own = collection.model == DEFAULT_MODEL
    ends = (
        embed_texts(texts)
        if own
        else vectors_by(
            get_embedder(collection.model or DEFAULT_MODEL, settings()), texts, key=f"{PREFIX}model"
        )
    )
    if ends is None:
        return None
    try:
        direction = concept_axis(ends[0], ends[1])
    except InvalidInput as error:
        _lesson(error.message, error.hint)
        return None
    rows = _rows(db, collection)
    if not rows.ids:
        _lesson(f"{collection.name} has no row with a vector.", "Load rows first.")
        return None
    found = measure_axis(db, collection, rows, direction)
    if found.gone or found.difference > _CHANGED:  # the table is another by now
        rows = _rows(db, collection, anew=True)
        found = measure_axis(db, collection, rows, direction)
    if not len(found.places):
        _lesson(f"The rows of {collection.name} are gone.", "Somebody else may have emptied it.")
        return None
    notes: tuple[str, ...] = ()
    if own:
        notes = phrase_notes(texts, [text_tokens(packaged(), text) for text in texts])
    return Axis(start, end, ends, direction, rows, found, notes)


def read_shares(axis: Axis) -> AxisShares:
    """Return the share of the axis beside others; those are drawn once for the rows."""
    kept: tuple[AxisRows, AxisShares] | None = st.session_state.get(_SHARES)
    if kept is None or kept[0] is not axis.rows:
        kept = (axis.rows, compared_shares(axis.rows.vectors, axis.direction))
        st.session_state[_SHARES] = kept
    return replace(kept[1], axis=explained_share(axis.rows.vectors, axis.direction))


def rows_said(axis: Axis, collection: Collection) -> str:
    """Say which rows are looked at, as Markdown."""
    count, total = len(axis.found.places), axis.rows.total
    name = plain(collection.name)
    if axis.rows.is_sample:
        return (
            f"a sample of {count:,} of the {total:,} rows of **{name}**, drawn by a hash of the key"
        )
    return f"all {count:,} rows of **{name}**"


def _rows(db: Database, collection: Collection, *, anew: bool = False) -> AxisRows:
    key = (connection.current().name, collection.schema, collection.table)
    kept: tuple[tuple[str, str, str], AxisRows] | None = st.session_state.get(_ROWS)
    if kept is None or kept[0] != key or anew:
        kept = (key, read_rows(db, collection))
        st.session_state[_ROWS] = kept
    return kept[1]


def _lesson(message: str, hint: str) -> None:
    st.info(f"**{plain(message)}**  \n{plain(hint)}", icon=":material/lightbulb:")
