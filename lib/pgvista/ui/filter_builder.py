"""The filter as every page draws it: a button that opens the builder, and the conditions as chips.

The filter is kept as JSON text in ``st.session_state[key]``, which a link may carry. The builder
writes it, and so does the field of JSON beside it; what is built is read there, and the other way
round. The keys are read when the builder is opened, not before, and kept for KEYS_FOR_S.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError
from pgvista.model.collection import Collection
from pgvista.model.filters import Filter, parse_filter
from pgvista.services.filter_keys import FilterKey, KeyKind, filter_keys
from pgvista.ui import filter_conditions as conditions
from pgvista.ui.errors import plain
from pgvista.ui.filter_conditions import Conditions

KEYS_FOR_S = 60
MAX_CHIPS = 12
WIDTH_PX = 400
_KEPT = "_filter_keys"
_LISTS_KEPT = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A filter's place: the key of its text in the session, and what to do when it changes."""

    key: str
    on_change: Callable[[], None] | None = None

    @property
    def text(self) -> str:
        """The filter's JSON as it stands; empty for none."""
        return st.session_state.get(self.key) or ""

    def write(self, text: str) -> None:
        """Put another filter in its place."""
        if text != self.text:
            st.session_state[self.key] = text
            if self.on_change is not None:
                self.on_change()

    def part(self, name: str) -> str:
        """Return the key of a widget, or of something to remember."""
        return f"{self.key}_{name}"


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
            _builder(bar, keys)
        with text:
            _json_field(bar)


def _chips(bar: Bar) -> None:
    if not bar.text.strip():
        return
    try:
        tree = parse_filter(bar.text)
    except InvalidInput:
        st.markdown(
            ":red[:material/error: The filter cannot be used, so no row is looked for.]",
            width="content",
        )
    else:
        shown = conditions.conditions_of(tree)
        if shown is None:
            st.markdown(
                ":gray[A nested filter is set: see JSON.]",
                width="content",
            )
        else:
            _condition_chips(bar, shown)
    st.button("Clear", key=bar.part("clear"), type="tertiary", on_click=bar.write, args=("",))


def _condition_chips(bar: Bar, shown: Conditions) -> None:
    if len(shown.items) > 1:
        st.session_state[bar.part("any")] = "any" if shown.any else "all"
        st.segmented_control(
            "Which conditions must hold",
            ["all", "any"],
            key=bar.part("any"),
            format_func=lambda item: f"{item} of",
            required=True,
            label_visibility="collapsed",
            on_change=lambda: bar.write(
                conditions.text_of(
                    Conditions(shown.items, st.session_state[bar.part("any")] == "any").tree()
                )
            ),
        )
    for place, item in enumerate(shown.items[:MAX_CHIPS]):
        rest = shown.items[:place] + shown.items[place + 1 :]
        st.button(
            plain(conditions.label(item)),
            key=bar.part(f"chip_{place}"),
            icon=":material/close:",
            icon_position="right",
            help="Remove this condition",
            on_click=bar.write,
            args=(conditions.text_of(Conditions(rest, shown.any).tree()),),
        )
    if (more := len(shown.items) - MAX_CHIPS) > 0:
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


def _builder(bar: Bar, keys: tuple[FilterKey, ...]) -> None:
    """Draw key, operator and value of one condition, and add it when wanted."""
    by_name = {key.name: key for key in keys}
    name = st.selectbox(
        "Key",
        list(by_name),
        index=None,
        key=bar.part("key"),
        placeholder="Choose or type a key",
        accept_new_options=True,
        format_func=lambda item: _key_title(item, by_name),
        help=r"A column or a key of the metadata. Dots lead into objects: author.name. "
        r"A dot that belongs to a name is written \\.",
    )
    if name is None:
        st.markdown(f":small[:gray[{_told(keys)}]]")
        return
    key = by_name.get(name, FilterKey(name, KeyKind.MIXED))
    operator = st.selectbox(
        "Condition",
        conditions.operators_for(key.kind),
        key=bar.part(f"operator.{key.kind}"),
        format_func=lambda item: conditions.WORDS[item],
    )
    fields = _value(bar, key, operator)
    st.button(
        "Add condition",
        key=bar.part("add"),
        type="primary",
        icon=":material/add:",
        on_click=_add,
        args=(bar, key, operator, fields),
    )
    if problem := st.session_state.pop(bar.part("problem"), None):
        st.markdown(f":red[{plain(problem)}]")


def _value(bar: Bar, key: FilterKey, operator: str) -> list[str]:
    """Draw the fields for what the key is compared with; return their keys."""
    if operator in conditions.WITHOUT_VALUE:
        return []
    # another key, and an added condition, begin with empty fields
    scope = bar.part(f"value.{st.session_state.get(bar.part('added'), 0)}.{key.name}.{operator}")
    known = conditions.suggestions(key)
    if operator in conditions.PATTERNS:
        st.text_input(
            "Pattern",
            key=scope,
            placeholder="Draft%",
            help="% stands for any characters, _ for one",
        )
        return [scope]
    if operator == "$between":
        hint = next(iter(known), "")
        left, right = st.columns(2)
        left.text_input("From", key=f"{scope}.low", placeholder=hint)
        right.text_input("To", key=f"{scope}.high", placeholder=hint)
        return [f"{scope}.low", f"{scope}.high"]
    if key.kind is KeyKind.BOOLEAN:
        st.segmented_control("Value", ["true", "false"], key=scope, required=True)
        return [scope]
    hint = (
        "" if key.kind is not KeyKind.MIXED else 'A number, true, false, or a text; "5" is a text'
    )

    def title(item: str) -> str:
        if item not in known:
            return item
        rows = known[item]
        return f"{item} · {rows:,}" if key.whole else f"{item} · {rows / key.rows_read:.0%}"

    if operator in conditions.LISTS:
        st.multiselect(
            "Values",
            list(known),
            key=scope,
            accept_new_options=True,
            format_func=title,
            placeholder="Choose or type",
            help=hint or None,
        )
    else:
        st.selectbox(
            "Value",
            list(known),
            index=None,
            key=scope,
            accept_new_options=True,
            format_func=title,
            placeholder="2024-12-31" if key.kind is KeyKind.DATE else "Choose or type",
            help=hint or None,
        )
    return [scope]


def _add(bar: Bar, key: FilterKey, operator: str, fields: list[str]) -> None:
    """Add what stands in the fields now: a value may have come with the same click."""
    state = st.session_state
    texts: list[str] = []
    for field in fields:
        found = state.get(field)
        texts += found if isinstance(found, list) else [found or ""]
    try:
        added = conditions.condition(key.name, key.kind, operator, texts)
        made = conditions.with_condition(bar.text, added)
    except InvalidInput as error:
        state[bar.part("problem")] = error.message
        return
    bar.write(made)
    state[bar.part("added")] = state.get(bar.part("added"), 0) + 1
    state[bar.part("key")] = None


def _json_field(bar: Bar) -> None:
    """Draw the filter as JSON, and what is wrong with it beneath."""
    field = bar.part("json")
    if st.session_state.get(bar.part("json_of")) != bar.text or field not in st.session_state:
        st.session_state[field] = conditions.indented(bar.text)
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
        tree = parse_filter(bar.text)
    except InvalidInput as error:
        st.markdown(
            f":red[{plain(error.message)}] No row is looked for until it is mended or cleared."
        )
        if error.hint:
            st.markdown(f":small[:gray[{plain(error.hint)}]]")
        return
    if conditions.conditions_of(tree) is None:
        st.markdown(
            ":gray[Nested conditions have no chips. They hold all the same; what is built is "
            "added to them by and.]"
        )


def _key_title(name: str, keys: dict[str, FilterKey]) -> str:
    key = keys.get(name)
    if key is None:
        return name
    share = "" if key.share is None or key.share >= 0.995 else f" · in {key.share:.0%}"
    return f"{name} · {key.kind}{share}"


def _told(keys: tuple[FilterKey, ...]) -> str:
    """Say where the keys come from."""
    if not keys:
        return "No key was found. Type one, and press Enter."
    read = min((key.rows_read for key in keys if key.rows_read), default=0)
    if not read:
        return "No row was read, so there are no values to choose from."
    whole = any(key.whole for key in keys)
    rows = f"{read:,} {'row' if read == 1 else 'rows'}"
    return f"As found in {'all ' if whole else 'a sample of '}{rows}."
