"""Tag the rows selected on the map: a key of their metadata, previewed and confirmed."""

from __future__ import annotations

import json

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.model.collection import Collection
from pgvista.services.filter_keys import KeyKind
from pgvista.services.map_rows import TagPlan, plan_tag, tag_rows
from pgvista.ui import map_state as state
from pgvista.ui.components.panels import sql_panel
from pgvista.ui.confirm import write_button
from pgvista.ui.errors import plain, show_error
from pgvista.ui.filter_conditions import read
from pgvista.ui.format import plural
from pgvista.ui.map_delete import shown_sql

_PLAN = "_map_tag_plan"
_LOST = 5
_WAYS = {"write": "Write", "remove": "Take away"}


@st.dialog("Tag the selected rows", width="large")
def tag_dialog(db: Database, collection: Collection, ids: tuple[str, ...]) -> None:
    """Ask for key and value, show what they change, and write them when agreed."""
    way = st.segmented_control(
        "What to do",
        list(_WAYS),
        format_func=_WAYS.__getitem__,
        default="write",
        required=True,
        key="map_tag_way",
        label_visibility="collapsed",
    )
    left, right = st.columns(2)
    key = left.text_input(
        "Key",
        key="map_tag_key",
        placeholder="reviewed",
        help="The name of a key of the metadata, written as it is typed: a dot belongs to it.",
    ).strip()
    text = "true"
    if way != "remove":
        text = right.text_input(
            "Value",
            "true",
            key="map_tag_value",
            help='A number, true, false, null, or a text; "5" in quotes is a text.',
        )
    if not key:
        st.markdown(f":gray[Name a key: it is written for {plural(len(ids), 'row')}.]")
        return
    try:
        plan = _planned(db, collection, ids, key, text, removes=way == "remove")
    except PgvistaError as error:
        show_error(error)
        return
    _preview(collection, plan)
    if not plan.ids:
        return
    if write_button(
        f"Tag {plural(len(plan.ids), 'row')}" if way != "remove"
        else f"Take it from {plural(len(plan.ids), 'row')}",
        key="map_tag_go",
        read_only=db.read_only,
        icon=":material/sell:",
    ):  # fmt: skip
        try:
            count = tag_rows(db, collection, plan)
        except PgvistaError as error:
            st.session_state[_PLAN] = None
            show_error(error)
            return
        st.session_state[_PLAN] = None
        state.look_again()
        st.session_state["_map_said"] = f"{plain(key)} written for {plural(count, 'row')}"
        st.rerun()


def _planned(
    db: Database,
    collection: Collection,
    ids: tuple[str, ...],
    key: str,
    text: str,
    *,
    removes: bool,
) -> TagPlan:
    """Return the plan, which is kept while key and value stay: it is what was looked at."""
    asked = (state.where(collection), ids, key, text, removes)
    kept = st.session_state.get(_PLAN)
    if kept is None or kept[0] != asked:
        value = read(KeyKind.MIXED, text)
        with st.spinner("Reading the rows"):
            plan = plan_tag(db, collection, ids, key, value, removes=removes)
        kept = st.session_state[_PLAN] = (asked, plan)
    found: TagPlan = kept[1]
    return found


def _preview(collection: Collection, plan: TagPlan) -> None:
    changed = plural(len(plan.ids), "row")
    value = json.dumps(plan.value, ensure_ascii=False)
    if plan.removes:
        st.markdown(
            f"**{changed}** of {plain(collection.name)} lose the key **{plain(plan.key)}**."
        )
    else:
        st.markdown(
            f"**{changed}** of {plain(collection.name)} get "
            f"**{plain(plan.key)} = {plain(value[:200])}**."
        )
    if plan.overwritten:
        lost = ", ".join(
            f"{plain(old[:60])} ({count:,})" for old, count in plan.overwritten[:_LOST]
        )
        more = len(plan.overwritten) - _LOST
        tail = f" and {more:,} other values" if more > 0 else ""
        rows = sum(count for _, count in plan.overwritten)
        st.markdown(
            f":red[**{plural(rows, 'value')} {'is' if rows == 1 else 'are'} lost:**] {lost}{tail}"
        )
    told = []
    if plan.already:
        told.append(
            f"{plural(plan.already, 'row')} {'need' if plan.already > 1 else 'needs'} no change"
        )
    if plan.unfit:
        told.append(
            f"the metadata of {plural(plan.unfit, 'row')} is a list or a bare value, and stays"
        )
    if plan.gone:
        told.append(
            f"{plural(plan.gone, 'row')} selected {'were' if plan.gone > 1 else 'was'} deleted"
        )
    if told:
        sentence = "; ".join(told)
        st.markdown(f":gray[{sentence[0].upper()}{sentence[1:]}.]")
    if plan.ids:
        sql_panel(
            shown_sql(plan.sql, file=f"{collection.table}-tag.sql", key="map_tag_sql"),
            key="map_tag_panel",
        )
