"""What is asked of the map, and what lies over its points for it; nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pgvista.db.database import Database
from pgvista.embed import ModelEmbedder
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.map import Errors, Floats, MapScores, PlacedQuery
from pgvista.services import map_query
from pgvista.ui import map_state as state
from pgvista.ui.map_cards import query_card
from pgvista.ui.map_colour import DISTANCE, SCORE
from pgvista.ui.map_state import OpenMap
from pgvista.ui.map_titles import titles_of

LISTS = ("semantic", "keyword", "hybrid", "missed")
LIMIT = 10
_ASKED = "_map_asked"
_FAR = "_map_far"


@dataclass(slots=True)
class Answer:
    """What was asked and what came back, as far as it did."""

    placed: PlacedQuery | None = None
    errors: Errors | None = None
    """What the map gets wrong about the row that was clicked."""
    distances: Floats | None = None
    """True distance of every point to the query or the row, where points are coloured by it."""
    scores: MapScores | None = None
    """The query's own, where points are coloured by them."""
    titles: dict[str, str] = field(default_factory=dict)
    """Of the rows truly nearest to the query."""
    error: PgvistaError | None = None
    waits: bool = False
    """Whether the model is not there yet."""


def find(
    db: Database, collection: Collection, shown: OpenMap, embedder: ModelEmbedder | None
) -> Answer:
    """Ask Postgres; what fails is in the answer."""
    answer = Answer()
    colour = st.session_state.get(state.COLOUR)
    try:
        answer.errors = errors_of_row(shown)
        if state.text():
            _ask(db, collection, shown, embedder, answer, colour)
        elif colour == DISTANCE and answer.errors is not None:
            answer.distances = _from_row(db, collection, shown, answer.errors.place)
        if answer.placed is not None and answer.placed.neighbours:
            ids = [hit.id for hit in answer.placed.neighbours]
            answer.titles = titles_of(db, collection, ids)
    except PgvistaError as error:
        answer.error = error
    return answer


def errors_of_row(shown: OpenMap) -> Errors | None:
    """Return what the map gets wrong about the row that was clicked; None without one."""
    focus = state.focus()
    place = -1 if focus is None else shown.place(focus)
    return map_query.errors_of(shown.saved, place) if place >= 0 else None


def overlay(shown: OpenMap, answer: Answer) -> dict[str, Any]:
    """Return what is drawn over the points and what the query's card says: points by their places."""
    made: dict[str, Any] = {"key": state.KEY, "token": shown.token, "cleared": state.cleared()}
    if (errors := answer.errors) is not None:
        made["row"] = {
            "at": errors.place,
            "near": errors.true,
            "missing": errors.missing,
            "false": errors.false,
        }
    if (placed := answer.placed) is not None:
        if any(hit.place >= 0 for hit in placed.neighbours):
            placement = placed.placement
            made["query"] = {
                "at": [_short(value) for value in placement.xy],
                "halo": _short(placement.spread),
                "good": placement.ok,
            }
        lists = {
            kind: [hit.place for hit in getattr(placed, kind)] for kind in LISTS
        }  # by rank, -1 for what is not on the map
        made["lists"] = {
            kind: places for kind, places in lists.items() if max(places, default=-1) >= 0
        }
        made["card"] = query_card(placed, answer.titles)
    return made


# -- asking


def _ask(
    db: Database,
    collection: Collection,
    shown: OpenMap,
    embedder: ModelEmbedder | None,
    answer: Answer,
    colour: str | None,
) -> None:
    text = state.text()
    key = (shown.token, text)
    kept = st.session_state.get(_ASKED)
    if (
        kept is None
        or kept[0] != key
        or (colour == DISTANCE and kept[1].distances is None)
        or (colour == SCORE and kept[1].scores is None)
    ):
        row = text if shown.place(text) >= 0 else None
        if row is None and collection.model is None:
            raise InvalidInput(
                f"There is no row {text!r} on the map, and the vectors of {collection.name} come "
                "from elsewhere, so that words cannot be turned into one.",
                "Type the id of a row.",
            )
        if row is None and embedder is not None and not embedder.is_loaded:
            answer.waits = True
            return
        placed = map_query.place_query(
            db,
            collection,
            shown.saved,
            text=text if row is None else None,
            row_id=row,
            limit=LIMIT,
            embedder=embedder,
            distances=colour == DISTANCE,
            scores=colour == SCORE,
        )
        kept = st.session_state[_ASKED] = (key, placed)
    answer.placed = kept[1]
    answer.distances = kept[1].distances
    answer.scores = kept[1].scores


def _from_row(db: Database, collection: Collection, shown: OpenMap, place: int) -> Floats:
    key = (shown.token, place)
    kept = st.session_state.get(_FAR)
    if kept is None or kept[0] != key:
        found = map_query.distances_from(db, collection, shown.saved, place)
        kept = st.session_state[_FAR] = (key, found)
    return kept[1]


def _short(value: float) -> float:
    return round(float(value), 4)
