"""The cards beside the map that tell what was asked: the query's rows, and the row clicked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from unicodedata import east_asian_width

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.map import Errors, PlacedQuery
from pgvista.services import rows as row_service
from pgvista.ui import map_state as state
from pgvista.ui import search_request
from pgvista.ui.components.panels import milliseconds
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import plural
from pgvista.ui.map_state import OpenMap
from pgvista.ui.map_titles import title_of, titles_of
from pgvista.ui.state import go

_TEXT_PX = 180
_CARD_CHARS = 40


def query_card(placed: PlacedQuery, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what the query's card says, in short: it is sent with each query.

    `near` has the rows truly nearest by columns: place or -1, distance, title, ranks in the other
    lists. By columns it is shorter when compressed, since lists have many places in common.
    """
    placement, near = placed.placement, placed.neighbours
    others = _elsewhere(placed)
    after = [others] if others else []
    if not near:
        after.insert(0, "No row has a vector to compare with.")
    return {
        "good": placement.ok,
        "said": [placement.sentence, *placed.notes],
        "near": [
            [hit.place for hit in near],
            ["" if hit.distance is None else f"{hit.distance:.3f}" for hit in near],
            [shortened(titles.get(hit.id, hit.id)) for hit in near],
            _found(placed),
        ],
        "after": after,
        "times": _times(placed.timings_ms),
    }


def shortened(title: str) -> str:
    """Return a title that fits two lines of the card; wide letters count twice."""
    room = _CARD_CHARS
    for end, letter in enumerate(title):
        room -= 2 if east_asian_width(letter) in "WF" else 1
        if room < 0:
            return f"{title[: max(0, end - 1)].rstrip()}…"
    return title


def _found(placed: PlacedQuery) -> list[str]:
    """Return, for each of the rows truly nearest, its ranks in the other lists."""
    missed = {hit.id for hit in placed.missed}
    lists = (("S", placed.semantic), ("K", placed.keyword), ("H", placed.hybrid))
    ranks = [(letter, {hit.id: hit.rank for hit in hits}) for letter, hits in lists]
    return [
        " ".join(
            (["missed"] if hit.id in missed else [])
            + [f"{letter}{found[hit.id]}" for letter, found in ranks if hit.id in found]
        )
        for hit in placed.neighbours
    ]


def _times(timings_ms: Mapping[str, float]) -> str:
    """Say where the time went; a line of text, since a panel would send its script each time."""
    parts = [
        f"{name} {milliseconds(taken)}"
        for name, taken in timings_ms.items()
        if name != "total" and taken >= 0.05
    ]
    return f"{milliseconds(timings_ms.get('total', 0.0))}: {', '.join(parts)}"


def _elsewhere(placed: PlacedQuery) -> str:
    """Say how many hits of each list are not on the map."""
    parts = []
    for name, hits in (
        ("semantic", placed.semantic), ("keyword", placed.keyword), ("hybrid", placed.hybrid),
    ):  # fmt: skip
        if off := sum(hit.place < 0 for hit in hits):
            parts.append(f"{off} of {len(hits)} {name} hits")
    return f"Not on the map: {', '.join(parts)}." if parts else ""


def row_card(db: Database, collection: Collection, shown: OpenMap, errors: Errors | None) -> None:
    """Draw the row that was clicked, in full, and what the map gets wrong about it."""
    row_id = state.focus()
    if row_id is None or shown.place(row_id) < 0:
        return
    with st.container(border=True, key="map_row"), guarded():
        with st.container(horizontal=True, vertical_alignment="center"):
            rows = row_service.get(db, collection, [row_id])
            st.markdown(f"**{plain(title_of(rows[0]) if rows else row_id)}**", width="stretch")
            st.button(
                "Close",
                key="map_row_close",
                icon=":material/close:",
                type="tertiary",
                on_click=state.set_focus,
                args=(None,),
            )
        if not rows:
            st.markdown(":orange[This row was deleted after the map was made.]")
            return
        row = rows[0]
        st.markdown(f":gray[id {plain(row.id)}]")
        if row.content:
            long = len(row.content) > 320 or row.content.count("\n") > 7
            with st.container(height=_TEXT_PX if long else "content", border=False):
                st.text(row.content)
        title = title_of(row)
        told_already = ("title", title)
        facts = {
            name: value
            for name, value in {**row.columns, **row.metadata}.items()
            if (name, value) != told_already
        }
        if facts:
            told = " &nbsp;·&nbsp; ".join(
                f"{plain(str(name))} **{plain(str(value)[:120]).strip() or '–'}**"
                for name, value in list(facts.items())[:12]
            )
            st.markdown(f":small[{told}]")
        _wrongs(errors)
        if errors is not None:
            _neighbours(db, collection, shown, errors)
        with st.container(horizontal=True):
            st.button(
                "As the query",
                key="map_row_query",
                icon=":material/my_location:",
                on_click=_take,
                args=(row.id,),
                help="Place this row as a query: its neighbours by exact search, with lines",
            )
            if st.button("Find similar", key="map_row_similar", icon=":material/join_inner:"):
                search_request.ask_similar(collection, row.id)
                go("search", collection=collection.name)


def _neighbours(db: Database, collection: Collection, shown: OpenMap, errors: Errors) -> None:
    """List the row's true neighbours, nearest first; one that is chosen is looked at next."""
    points = shown.saved.points
    near = [
        (int(place), float(distance))
        for place, distance in zip(
            points.neighbours[errors.place], points.distances[errors.place], strict=True
        )
        if place in errors.true or place in errors.missing
    ]
    if not near or not st.toggle("List its true neighbours", key="map_row_near"):
        return
    ids = [points.ids[place] for place, _ in near]
    titles = titles_of(db, collection, ids)
    key = f"map_row_neighbours.{shown.token}.{errors.place}"
    st.dataframe(
        [
            {
                "row": titles.get(row_id, row_id),
                "distance": distance,
                "on the map": "beside it" if place in errors.true else "elsewhere",
            }
            for row_id, (place, distance) in zip(ids, near, strict=True)
        ],
        key=key,
        hide_index=True,
        column_config={
            "row": st.column_config.TextColumn(width=118, help="Choose one to look at it"),
            "distance": st.column_config.NumberColumn(format="%.3f", width=66),
            "on the map": st.column_config.TextColumn(width=76),
        },
        selection_mode="single-cell",
        on_select=partial(_look_at, key, ids),
        alt="The row's true neighbours, nearest first, with their distances",
    )


def _look_at(key: str, ids: list[str]) -> None:
    if cells := st.session_state[key]["selection"]["cells"]:
        state.set_focus(ids[cells[0][0]])


def _take(row_id: str) -> None:
    st.session_state[state.TEXT] = row_id
    state.set_focus(None)


def _wrongs(errors: Errors | None) -> None:
    if errors is None:
        return
    total = len(errors.true) + len(errors.missing)
    if not total:
        st.markdown(":gray[Its true neighbours are not known: it is alone on the map.]")
        return
    told = f"{len(errors.true)} of {plural(total, 'true neighbour')} lie beside it"
    if errors.missing:
        told += f", {len(errors.missing)} lie elsewhere (orange lines)"
    if errors.false:
        told += f"; {len(errors.false)} beside it are no true neighbours (red)"
    st.markdown(f":gray[{told}.]")
