"""The page Near-duplicates: the threshold, the groups it makes, and what can be done with them."""

from __future__ import annotations

import math

import streamlit as st

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.duplicates import DuplicateGroup, DuplicateScan, Keep, Method
from pgvista.model.search import Hit
from pgvista.services import rows as row_service
from pgvista.services.duplicates import SPREAD_ROWS, groups, plan_keep, spreads
from pgvista.services.rows import StoredRow
from pgvista.ui import duplicates_state as state
from pgvista.ui.components.hits import headline
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.panels import empty_state
from pgvista.ui.duplicates_chart import nearest_histogram
from pgvista.ui.duplicates_keep import keep_card, keep_choice
from pgvista.ui.errors import guarded, plain
from pgvista.ui.format import plural

PER_PAGE = 10
ROWS_SHOWN = 6
_SNIPPET_CHARS = 170
_HELP = (
    "Rows nearer than this are linked, and rows that a chain of links joins are one group: chains can "
    "join rows that are far from each other, so each group tells its largest distance. Default: 0.2 "
    "for cosine, less where long chains would form."
)


@st.fragment
def duplicates_view(
    db: Database, collection: Collection, scan: DuplicateScan, keys: tuple[str, ...]
) -> None:
    """Draw a comparison; moving the threshold repaints this part alone."""
    if said := st.session_state.pop("_duplicates_said", None):
        st.toast(said, icon=":material/check_circle:")
    left, right = st.columns((0.69, 0.31), gap="medium")
    with right, guarded(stop=True):
        with st.container(border=True, key="duplicates_card_threshold", gap="xsmall"):
            threshold = _threshold(collection, scan)
        with st.container(border=True, key="duplicates_card_keep", gap="small"):
            st.markdown("**Keep one of each**")
            rule, key = keep_choice(collection, keys)
            only_equal = st.toggle(
                "Equal texts alone",
                key="duplicates_equal",
                help="Only groups whose rows have exactly the same text. Default: off.",
            )
            found = groups(scan, threshold)
            if only_equal:
                found = tuple(group for group in found if group.is_same_text)
            keep_card(db, collection, found, rule, key)
    with left, guarded():
        for note in scan.notes:
            st.markdown(f":small[:gray[:material/info: {plain(note)}]]")
        nearest_histogram(scan, threshold)
        _groups(db, collection, scan, found, (rule, key))


def _threshold(collection: Collection, scan: DuplicateScan) -> float:
    digits = max(0, 2 - math.floor(math.log10(scan.ceiling)))
    threshold = live_slider(
        "Threshold",
        key=f"duplicates_threshold_{collection.name}",
        minimum=0,
        maximum=scan.ceiling,
        value=scan.default_threshold,
        format=f"{{:.{digits}f}}",
        help=_HELP,
        note=f"{scan.metric.label} distance",
    )
    how = (
        "Every row compared with every other one."
        if scan.method is Method.EXACT
        else "Compared through the index: some may be missed."
    )
    st.markdown(f":small[:gray[{len(scan.ids):,} rows. {how}]]")
    if st.button(
        "Compare again",
        key="duplicates_again",
        type="tertiary",
        icon=":material/refresh:",
        help="Rows that were written since the comparison are not in it.",
    ):
        state.keep_scan(collection, None)
        st.rerun(scope="app")
    return min(threshold, scan.ceiling)


def _groups(
    db: Database,
    collection: Collection,
    scan: DuplicateScan,
    found: tuple[DuplicateGroup, ...],
    keep: tuple[Keep, str | None],
) -> None:
    """Draw a page of groups, the largest first."""
    if not found:
        empty_state(
            "No near-duplicates",
            "No two rows are this near to each other. Move the threshold up to see the nearest ones."
            if scan.compared
            else "There are not two rows with a vector to compare.",
            key="duplicates_none",
            icon=":material/check_circle:",
        )
        return
    last = (len(found) - 1) // PER_PAGE
    number = min(st.session_state.get(state.PAGE, 0), last)
    shown = found[number * PER_PAGE : (number + 1) * PER_PAGE]
    in_all = sum(len(group.ids) for group in found)
    equal = sum(group.is_same_text for group in found)
    same = f", {equal:,} of them of equal texts" if equal else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plural(len(found), 'group')}** :gray[of {in_all:,} rows{same}]", width="stretch"
        )
        if last:
            with st.container(
                horizontal=True, vertical_alignment="center", gap="small", width="content"
            ):
                _pager(number, last)
    widest = spreads(db, collection, shown)
    small = [group for group in shown if len(group.ids) <= SPREAD_ROWS]
    kept = set(plan_keep(db, collection, small, keep[0], key=keep[1]).keep)
    wanted = [_in_view(group, kept) for group in shown]
    rows = {
        row.id: row
        for row in row_service.get(db, collection, [row_id for ids in wanted for row_id in ids])
    }
    for group, ids, largest in zip(shown, wanted, widest, strict=True):
        _group(group, [rows[row_id] for row_id in ids if row_id in rows], largest, kept)


def _pager(number: int, last: int) -> None:
    for name, icon, to, off in (
        ("previous", ":material/chevron_left:", number - 1, number == 0),
        ("next", ":material/chevron_right:", number + 1, number == last),
    ):
        if name == "next":
            st.markdown(f":gray[page {number + 1:,} of {last + 1:,}]", width="content")
        st.button(
            "",
            key=f"duplicates_{name}",
            icon=icon,
            help=f"The {name} page",
            type="tertiary",
            disabled=off,
            on_click=lambda to=to: st.session_state.update({state.PAGE: to}),
        )


def _in_view(group: DuplicateGroup, kept: set[str]) -> list[str]:
    """Return the ids that are shown, the kept one first."""
    ids = sorted(group.ids, key=lambda row_id: row_id not in kept)
    return ids[:ROWS_SHOWN]


def _group(
    group: DuplicateGroup, rows: list[StoredRow], largest: float | None, kept: set[str]
) -> None:
    distance = (
        f"largest distance {largest:.4f}"
        if largest is not None
        else f"longest link {group.longest_link:.4f}, largest distance not measured"
    )
    if group.is_same_text:
        badge = " :green-badge[equal texts]"
    elif group.same_text:
        badge = f" :gray-badge[{group.same_text:,} of equal text]"
    else:
        badge = ""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plural(len(group.ids), 'row')}** :gray[{distance}]{badge}")
        for row in rows:
            title, rest = _lines(row)
            mark = " :blue-badge[kept]" if row.id in kept else ""
            st.markdown(
                f"**{plain(title)}** :small[:gray[{plain(row.id)}]]{mark}  \n"
                f":small[:gray[{plain(rest)}]]"
            )
        if len(group.ids) > len(rows):
            st.markdown(f":small[:gray[… and {len(group.ids) - len(rows):,} more]]")


def _lines(row: StoredRow) -> tuple[str, str]:
    title, rest = headline(Hit(row.id, row.content, row.metadata, row.columns, 0.0))
    joined = " ".join("".join(span.text for span in rest).split())
    return (
        " ".join("".join(span.text for span in title).split()),
        joined if len(joined) <= _SNIPPET_CHARS else joined[: _SNIPPET_CHARS - 1].rstrip() + "…",
    )
