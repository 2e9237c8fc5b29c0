"""The page Map: the map that is open, what is chosen on it, and the link that opens it again.

Every value lives in ``st.session_state`` under a key that begins with ``map_`` or ``_map_``.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import NotFound
from pgvista.model.collection import Collection
from pgvista.model.map import MapPoints, MapState, SavedMap
from pgvista.services import map_store
from pgvista.services.map_update import state_of
from pgvista.ui import connection
from pgvista.ui.components.map_plot import MapEvent

KEY = "map_plot"
"""Tells the parts of the page's map from those of others."""

TEXT = "map_text"
COLOUR = "map_colour"
SHOW = "map_show"
MORE = "map_more"
"""Whether names, link and files of the map are shown."""
FILTER = "map_filter"
"""The filter of the map that is made next, as JSON."""
NUMBER = "map"
"""The map's number in the address."""

_OPEN = "_map_open"
_JOB = "_map_job"
_FOCUS = "_map_focus"
_SELECTED = "_map_selected"
_CLEARED = "_map_cleared"
_HIDDEN = "_map_hidden"
_LINK = "_map_link"
_WANTED = "_map_wanted"
_FILTER_OF = "_map_filter_of"

Place = tuple[str, str, str]


@dataclass(slots=True)
class OpenMap:
    """A map as the session holds it."""

    where: Place
    saved: SavedMap
    state: MapState | None = None
    titles: tuple[str, ...] = ()
    values: dict[str, list[str | None]] = field(default_factory=dict)
    """What was read of columns, by name."""
    edition: int = 0
    """Grows when the points change under the same number."""
    _places: dict[str, int] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """Names these very points to the browser, in 16 letters."""
        info = self.saved.info
        told = (*self.where, info.number, info.made_at.isoformat(), self.edition)
        return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()

    def place(self, row_id: str) -> int:
        """Return the place of a row's point, -1 when it is not on the map."""
        if not self._places:
            self._places = {item: i for i, item in enumerate(self.saved.points.ids)}
        return self._places.get(row_id, -1)


class Preview:
    """The points of a map that is being made: written by the job, read by the page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: MapPoints | None = None
        self._turn = 0

    def put(self, points: MapPoints) -> None:
        """Take the points as they are now."""
        with self._lock:
            self._points, self._turn = points, self._turn + 1

    def get(self) -> tuple[MapPoints | None, int]:
        """Return the latest points and how many times they have moved."""
        with self._lock:
            return self._points, self._turn


def where(collection: Collection) -> Place:
    """Return what tells a collection from those of its name on other connections."""
    return connection.current().name, collection.schema, collection.table


def filter_of(collection: Collection) -> str:
    """Return the filter of the next map as typed; that of another collection is forgotten."""
    if st.session_state.get(_FILTER_OF) != where(collection):
        st.session_state[_FILTER_OF] = where(collection)
        st.session_state[FILTER] = ""
    return st.session_state.get(FILTER) or ""


# -- the map that is open


def opened(db: Database, collection: Collection) -> OpenMap | None:
    """Return the map that is shown: the one chosen, else the newest; None while there is none."""
    found: OpenMap | None = st.session_state.get(_OPEN)
    wanted = st.session_state.get(_WANTED)
    same = found is not None and found.where == where(collection)
    if found is not None and same and wanted in (None, found.saved.info.number):
        return found
    st.session_state[_WANTED] = None
    if wanted is None and not map_store.list_maps(db, collection):
        return None
    try:
        saved = map_store.open_map(db, collection, wanted)
    except NotFound:
        if wanted is None:
            return None
        there = bool(map_store.list_maps(db, collection))
        told = "This map is gone" + (": here is the newest one." if there else ".")
        st.warning(told, icon=":material/search_off:")
        if not there:
            return None
        saved = map_store.open_map(db, collection)
    return keep(collection, saved)


def keep(collection: Collection, saved: SavedMap) -> OpenMap:
    """Show this map from now on."""
    before: OpenMap | None = st.session_state.get(_OPEN)
    edition = 0
    if before is not None and before.where == where(collection):
        edition = before.edition + 1
    found = OpenMap(where(collection), saved, edition=edition)
    st.session_state[_OPEN] = found
    st.session_state[_WANTED] = None
    forget_marks()
    return found


def want(number: int | None) -> None:
    """Open another map on the next run of the page; None: the newest."""
    st.session_state[_WANTED] = number
    if number is None:
        st.session_state[_OPEN] = None


def freshness(db: Database, collection: Collection, shown: OpenMap) -> MapState:
    """Return whether the table has changed since; asked once while the map is open."""
    if shown.state is None:
        shown.state = state_of(db, collection, shown.saved)
    return shown.state


# -- what is chosen on it


def happened(event: MapEvent) -> None:
    """Take a click or a selection; ids that are not on the map are dropped."""
    shown: OpenMap | None = st.session_state.get(_OPEN)
    if shown is None:
        return
    ids = tuple(item for item in event.ids if shown.place(item) >= 0)
    if event.type == "select":
        st.session_state[_SELECTED] = ids
    elif ids:
        st.session_state[_FOCUS] = ids[0]


def focus() -> str | None:
    """Return the id of the row that was clicked."""
    found = st.session_state.get(_FOCUS)
    return found if isinstance(found, str) else None


def set_focus(row_id: str | None) -> None:
    """Make a row the one that is looked at; None: no row."""
    st.session_state[_FOCUS] = row_id


def selected() -> tuple[str, ...]:
    """Return the ids inside the lasso or the box."""
    return tuple(st.session_state.get(_SELECTED) or ())


def set_selected(ids: tuple[str, ...]) -> None:
    """Take other rows for selected; with none, the lasso goes too."""
    st.session_state[_SELECTED] = ids
    if not ids:
        st.session_state[_CLEARED] = cleared() + 1


def cleared() -> int:
    """Return how many times a selection was taken back on this side, for the browser to follow."""
    return int(st.session_state.get(_CLEARED, 0))


def hidden() -> frozenset[str]:
    """Return the ids of the rows that are not to be seen on the map."""
    found: frozenset[str] = st.session_state.get(_HIDDEN) or frozenset()
    return found


def hide(ids: tuple[str, ...]) -> None:
    """Let rows not be seen on the map any more, besides those hidden already."""
    st.session_state[_HIDDEN] = hidden() | set(ids)
    set_selected(())
    if focus() in hidden():
        set_focus(None)


def show_hidden() -> None:
    """Let all rows be seen again."""
    st.session_state[_HIDDEN] = frozenset()


def forget_marks() -> None:
    """Take back clicks, selections and what was hidden."""
    set_focus(None)
    set_selected(())
    show_hidden()


def text() -> str:
    """Return the query as typed."""
    return (st.session_state.get(TEXT) or "").strip()


# -- the job


def job(collection: Collection) -> tuple[str, Preview] | None:
    """Return the job that makes a map of the collection, and its points so far."""
    found = st.session_state.get(_JOB)
    return found[1:] if found is not None and found[0] == where(collection) else None


def keep_job(collection: Collection, job_id: str | None, preview: Preview | None = None) -> None:
    """Remember the job that makes a map; None forgets it."""
    known = None if job_id is None else (where(collection), job_id, preview)
    st.session_state[_JOB] = known


# -- the link


def link_is_shown() -> bool:
    """Tell whether the link is on the page, which a query changes."""
    return bool(st.session_state.get(MORE))


def permalink(collection: Collection, number: int, *, with_text: bool) -> str:
    """Return the query part of an address that opens this map as it is coloured now."""
    parts = [("collection", collection.name), (NUMBER, str(number))]
    if colour := st.session_state.get(COLOUR):
        parts.append((COLOUR, colour))
    if with_text and text():
        parts.append((TEXT, text()))
    return "?" + urlencode(parts)


def restore(*, arrived: bool) -> None:
    """Take map, colour and query from the address: on arrival, and when another link is opened."""
    params, state = st.query_params, st.session_state
    given = {key: params[key] for key in (NUMBER, COLOUR, TEXT) if key in params}
    if not given or (not arrived and state.get(_LINK) == given):
        return
    state[_LINK] = given
    for key in (COLOUR, TEXT):
        if key in given:
            state[key] = given[key]
    number = given.get(NUMBER, "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        state[_WANTED] = int(number)


def look_again() -> None:
    """Ask anew whether the table has changed, after rows were written."""
    shown: OpenMap | None = st.session_state.get(_OPEN)
    if shown is not None:
        shown.state = None
        shown.values.clear()
