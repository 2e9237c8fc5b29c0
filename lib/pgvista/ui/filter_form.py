"""The form of one condition: key, what is said of it, and the value; added to a filter or changed."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pgvista.errors import InvalidInput
from pgvista.model.filters import Comparison
from pgvista.services.filter_keys import FilterKey, KeyKind
from pgvista.ui import filter_conditions as conditions
from pgvista.ui import filter_outline as outlines
from pgvista.ui.errors import plain
from pgvista.ui.filter_outline import Group, Path
from pgvista.ui.filter_place import Bar


def filter_form(bar: Bar, root: Group, keys: Mapping[str, FilterKey]) -> None:
    """Draw key, operator and value of one condition, and the buttons that put it into `root`."""
    place = bar.place
    if place.changing:
        told = plain(outlines.label(outlines.part_at(root, place.path)))
        st.markdown(f":small[:gray[Change] {told}]")
    elif place.path:
        group = outlines.group_at(root, place.path)
        st.markdown(
            f":small[:gray[Add to] {group.joint} of :gray[·] {plain(outlines.label(group))}]"
        )
    name = st.selectbox(
        "Key",
        list(keys),
        index=None,
        key=bar.part("key"),
        placeholder="Choose or type a key",
        accept_new_options=True,
        format_func=lambda item: _key_title(item, keys),
        help=r"A column or a key of the metadata. Dots lead into objects: author.name. "
        r"A dot that belongs to a name is written \\.",
    )
    if name is None:
        st.markdown(f":small[:gray[{_told(keys)}]]")
    else:
        _condition(bar, root, keys.get(name, FilterKey(name, KeyKind.MIXED)))
    if problem := st.session_state.pop(bar.part("problem"), None):
        st.markdown(f":red[{plain(problem)}]")


def begin_change(bar: Bar, path: Path, item: Comparison, keys: Mapping[str, FilterKey]) -> None:
    """Put the condition at `path` into the form. Called before the form is drawn."""
    key = keys.get(item.key, FilterKey(item.key, KeyKind.MIXED))
    kind, operator, texts = conditions.form_of(key, item)
    state = st.session_state
    bar.go(path, changing=True)
    _fresh(bar)
    state[bar.part("key")] = item.key
    state[bar.part("kind")] = (item.key, kind)
    state[bar.part(f"operator.{kind}")] = operator
    scope = _scope(bar, item.key, operator)
    if operator == "$between":
        state[f"{scope}.low"], state[f"{scope}.high"] = texts
    elif operator in conditions.LISTS:
        state[scope] = texts
    elif texts:
        state[scope] = texts[0]


def _condition(bar: Bar, root: Group, key: FilterKey) -> None:
    kept = st.session_state.get(bar.part("kind"))
    kind = kept[1] if kept is not None and kept[0] == key.name else key.kind
    operator = st.selectbox(
        "Condition",
        conditions.operators_for(kind),
        key=bar.part(f"operator.{kind}"),
        format_func=lambda item: conditions.WORDS[item],
    )
    fields = _value(bar, key, kind, operator)
    changing = bar.place.changing
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Change condition" if changing else "Add condition",
            key=bar.part("add"),
            type="primary",
            icon=":material/check:" if changing else ":material/add:",
            on_click=_put,
            args=(bar, bar.text, root, key.name, kind, operator, fields),
        )
        if changing:
            st.button("Cancel", key=bar.part("cancel"), on_click=_cancel, args=(bar,))
        elif root.parts:
            st.button(
                "Add in a new group",
                key=bar.part("add_group"),
                on_click=_put,
                args=(bar, bar.text, root, key.name, kind, operator, fields),
                kwargs={"in_group": True},
            )


def _value(bar: Bar, key: FilterKey, kind: KeyKind, operator: str) -> list[str]:
    """Draw the fields for what the key is compared with; return their keys."""
    if operator in conditions.WITHOUT_VALUE:
        return []
    scope = _scope(bar, key.name, operator)
    known = conditions.suggestions(key, kind)
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
    if kind is KeyKind.BOOLEAN:
        st.segmented_control("Value", ["true", "false"], key=scope, required=True)
        return [scope]
    hint = "" if kind is not KeyKind.MIXED else 'A number, true, false, or a text; "5" is a text'

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
            filter_mode="contains",
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
            filter_mode="contains",
            format_func=title,
            placeholder="2024-12-31" if kind is KeyKind.DATE else "Choose or type",
            help=hint or None,
        )
    return [scope]


def _put(
    bar: Bar,
    text: str,
    root: Group,
    name: str,
    kind: KeyKind,
    operator: str,
    fields: list[str],
    *,
    in_group: bool = False,
) -> None:
    """Put what stands in the fields now into `root`: a value may have come with the same click."""
    state = st.session_state
    if bar.text != text:
        bar.say("The filter was changed meanwhile. Look at it, and press again.")
        return
    place = bar.place
    texts: list[str] = []
    for field in fields:
        found = state.get(field)
        texts += found if isinstance(found, list) else [found or ""]
    try:
        made = conditions.condition(name, kind, operator, texts)
    except InvalidInput as error:
        bar.say(error.message)
        return
    if place.changing:
        done = bar.put(outlines.replaced(root, place.path, made), place.path[:-1])
    elif in_group:
        above = outlines.group_at(root, place.path)
        done = bar.put(
            *outlines.added(root, place.path, Group(outlines.within(above.joint), (made,)))
        )
    else:
        done = bar.put(outlines.added(root, place.path, made)[0], place.path)
    if done:
        _cancel(bar, bar.place.path)


def _cancel(bar: Bar, path: Path | None = None) -> None:
    """Empty the form, and let it add to the group at `path`, or to that of the condition in it."""
    bar.go(bar.place.path[:-1] if path is None else path)
    _fresh(bar)
    st.session_state[bar.part("key")] = None


def _fresh(bar: Bar) -> None:
    """Begin with empty fields."""
    state = st.session_state
    state[bar.part("turn")] = state.get(bar.part("turn"), 0) + 1
    state.pop(bar.part("kind"), None)


def _scope(bar: Bar, name: str, operator: str) -> str:
    """Return the key of the field of values: another key, and another condition, have their own."""
    return bar.part(f"value.{st.session_state.get(bar.part('turn'), 0)}.{name}.{operator}")


def _key_title(name: str, keys: Mapping[str, FilterKey]) -> str:
    key = keys.get(name)
    if key is None:
        return name
    share = "" if key.share is None or key.share >= 0.995 else f" · in {key.share:.0%}"
    return f"{name} · {key.kind}{share}"


def _told(keys: Mapping[str, FilterKey]) -> str:
    """Say where the keys come from."""
    if not keys:
        return "No key was found. Type one, and press Enter."
    read = min((key.rows_read for key in keys.values() if key.rows_read), default=0)
    if not read:
        return "No row was read, so there are no values to choose from."
    whole = any(key.whole for key in keys.values())
    rows = f"{read:,} {'row' if read == 1 else 'rows'}"
    return f"As found in {'all ' if whole else 'a sample of '}{rows}."
