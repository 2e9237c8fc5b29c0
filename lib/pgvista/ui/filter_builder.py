"""The filter as every page draws it: a button that opens the builder, and the conditions as chips.

The filter is kept as JSON text in ``st.session_state[key]``, which a link may carry. The builder
writes it, and so does the field of JSON beside it; what is built is read there, and the other way
round. The keys are read when the builder is opened, not before, and kept for KEYS_FOR_S.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, parse_filter
from pgvista.services.filter_keys import FilterKey, filter_keys
from pgvista.ui import filter_outline as outlines
from pgvista.ui.errors import plain
from pgvista.ui.filter_conditions import cut, indented
from pgvista.ui.filter_form import filter_form
from pgvista.ui.filter_outline import Group, Joint, Part, Path
from pgvista.ui.filter_place import Bar
from pgvista.ui.filter_rows import filter_rows

KEYS_FOR_S = 60
MAX_CHIPS = 12
MAX_HELP_CHARS = 500
WIDTH_PX = 400
_KEPT = "_filter_keys"
_LISTS_KEPT = 4


def filter_bar(
    db: Database,
    collection: Collection,
    *,
    key: str,
    on_change: Callable[[], None] | None = None,
) -> Filter | None:
    """Draw button and chips in one row, and return the filter; None for none.

    Raises InvalidInput, after it was drawn, when the text is no filter: then nothing may be shown
    as if there were another one.
    """
    bar = Bar(key, on_change)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_bar"):
        filter_button(db, collection, bar)
        _chips(bar)
    return parse_filter(bar.text)


def filter_chips(bar: Bar) -> None:
    """Draw the conditions in a row of their own; nothing when there is no filter."""
    if bar.text.strip():
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=bar.part("chips")
        ):
            _chips(bar)


def filter_button(db: Database, collection: Collection, bar: Bar) -> None:
    """Draw the button; the builder and the JSON open beneath it."""
    with st.popover(
        "Filter",
        icon=":material/filter_alt:",
        key=bar.part("open"),
        on_change="rerun",
    ) as box:
        if not box.open:
            return
        with st.container(width=WIDTH_PX):  # as wide for a long sentence as for a short one
            keys = _keys(db, collection)
            build, text = st.tabs(["Build", "JSON"])
        with build:
            _builder(bar, {item.name: item for item in keys})
        with text:
            _json_field(bar)


def _chips(bar: Bar) -> None:
    if not bar.text.strip():
        return
    try:
        root = outlines.outline(bar.text)
    except InvalidInput:
        st.markdown(
            ":red[:material/error: The filter cannot be used, so no row is looked for.]",
            width="content",
        )
    else:
        _part_chips(bar, root)
    st.button("Clear", key=bar.part("clear"), type="tertiary", on_click=bar.write, args=("",))


def _part_chips(bar: Bar, root: Group) -> None:
    """Draw a chip for each condition and group of the outermost group."""
    plain_joint = root.joint in (Joint.ALL, Joint.ANY)
    if plain_joint and len(root.parts) > 1:

        def join() -> None:
            bar.change(Group(Joint(st.session_state[bar.part("any")]), root.parts))

        st.session_state[bar.part("any")] = root.joint.value
        st.segmented_control(
            "Which conditions must hold",
            [Joint.ALL.value, Joint.ANY.value],
            key=bar.part("any"),
            format_func=lambda item: f"{item} of",
            required=True,
            label_visibility="collapsed",
            on_change=join,
        )
    chips: list[tuple[Path, Part]] = (
        [((place,), part) for place, part in enumerate(root.parts)] if plain_joint else [((), root)]
    )
    for path, part in chips[:MAX_CHIPS]:
        label, whole = outlines.label(part), cut(outlines.told(part), MAX_HELP_CHARS)
        st.button(
            plain(label),
            key=bar.part(f"chip_{'.'.join(map(str, path))}"),
            icon=":material/close:",
            icon_position="right",
            help="Remove this condition" if label == whole else f"Remove: {plain(whole)}",
            on_click=bar.change,
            args=(outlines.replaced(root, path, None),),
        )
    if (more := len(chips) - MAX_CHIPS) > 0:
        st.markdown(f":gray[and {more} more]", width="content")


def known_keys(db: Database, collection: Collection) -> tuple[FilterKey, ...]:
    """Return what the collection can be filtered by, read at most once in KEYS_FOR_S.

    Raises PgvistaError when the server is away.
    """
    kept: dict[tuple[str, Collection], tuple[float, tuple[FilterKey, ...]]]
    kept = st.session_state.setdefault(_KEPT, {})
    scope = (db.label, collection)
    known = kept.get(scope)
    if known is not None and time.monotonic() - known[0] < KEYS_FOR_S:
        return known[1]
    found = filter_keys(db, collection)
    kept.pop(scope, None)
    while len(kept) >= _LISTS_KEPT:
        kept.pop(next(iter(kept)))
    kept[scope] = (time.monotonic(), found)
    return found


def _keys(db: Database, collection: Collection) -> tuple[FilterKey, ...]:
    try:
        with st.spinner("Reading the keys"):
            return known_keys(db, collection)
    except PgvistaError as error:
        st.markdown(f":red[{plain(error.message)}] Keys can still be typed.")
        return ()


def _builder(bar: Bar, keys: dict[str, FilterKey]) -> None:
    """Draw the filter as it stands, and the form of a condition."""
    try:
        root = outlines.outline(bar.text)
    except InvalidInput:
        st.markdown(":red[The filter cannot be used.] Mend it as JSON, or clear it.")
        return
    filter_rows(bar, root, keys, lambda: filter_form(bar, root, keys))


def _json_field(bar: Bar) -> None:
    """Draw the filter as JSON, and what is wrong with it beneath."""
    field = bar.part("json")
    if st.session_state.get(bar.part("json_of")) != bar.text or field not in st.session_state:
        st.session_state[field] = indented(bar.text)
        st.session_state[bar.part("json_of")] = bar.text

    def typed() -> None:
        text = st.session_state[field].strip()
        st.session_state[bar.part("json_of")] = text  # it stays as it was typed
        bar.write(text)

    st.text_area(
        "Filter as JSON",
        key=field,
        height=150,
        placeholder='{"year": {"$gte": 1970}, "kind": "report"}',
        on_change=typed,
        help="Keys with a value or operators: $eq $ne $lt $lte $gt $gte $between $in $nin $like "
        "$ilike $contains $exists; $and, $or and $not around them.",
    )
    try:
        parse_filter(bar.text)
    except InvalidInput as error:
        st.markdown(
            f":red[{plain(error.message)}] No row is looked for until it is mended or cleared."
        )
        if error.hint:
            st.markdown(f":small[:gray[{plain(error.hint)}]]")
