"""The filter as the builder draws it: a row for each group and condition, to change and take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

import streamlit as st

from pgvista.model.filters import Comparison
from pgvista.services.filter_keys import FilterKey
from pgvista.ui import filter_outline as outlines
from pgvista.ui.errors import plain
from pgvista.ui.filter_conditions import cut, said
from pgvista.ui.filter_form import begin_change
from pgvista.ui.filter_outline import Group, Joint, Path
from pgvista.ui.filter_place import Bar

MAX_ROWS = 40
INDENT_PX = 18
MAX_INDENTS = 6
JOINT_PX = 118


def filter_rows(
    bar: Bar, root: Group, keys: Mapping[str, FilterKey], form: Callable[[], None]
) -> None:
    """Draw the outline of the filter, and the form where it works: below what it changes or adds to."""
    place = bar.place.path
    drawn = list(islice(outlines.rows(root), MAX_ROWS + 1)) if root.parts else []
    paths = [path for path, _ in drawn[:MAX_ROWS]]
    last = max((at for at, path in enumerate(paths) if path[: len(place)] == place), default=-1)
    inside = 0 <= last < len(paths) - 1
    with st.container(gap="xxsmall"):
        for at, (path, part) in enumerate(drawn[:MAX_ROWS]):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                if path:
                    st.space(INDENT_PX * min(len(path), MAX_INDENTS))
                if isinstance(part, Group):
                    _group(bar, root, path, part)
                else:
                    _condition(bar, root, path, part, keys)
            if inside and at == last:
                with st.container(border=True):
                    form()
        if len(drawn) > MAX_ROWS:
            st.markdown(":small[:gray[There is more of it than fits here: change that as JSON.]]")
    if not inside:
        form()


def _group(bar: Bar, root: Group, path: Path, group: Group) -> None:
    joint = bar.part(f"joint.{_name(path)}")
    st.session_state[joint] = group.joint

    def join() -> None:
        made = replace(group, joint=Joint(st.session_state[joint]))
        bar.change(outlines.replaced(root, path, made), path)

    st.selectbox(
        "How many of the group must hold",
        list(Joint),
        key=joint,
        format_func=lambda item: f"{item} of",
        label_visibility="collapsed",
        width=JOINT_PX,
        on_change=_if_same,
        args=(bar, bar.text, join),
    )
    st.space("stretch")
    here = not bar.place.changing and bar.place.path == path
    _button(
        bar,
        f"into.{_name(path)}",
        ":material/add_circle:" if here else ":material/add:",
        "Conditions are added to this group" if here else "Add conditions to this group",
        lambda: bar.go(path),
    )
    if path:
        _button(
            bar,
            f"dissolve.{_name(path)}",
            ":material/format_indent_decrease:",
            "Dissolve the group: what is in it joins the group above",
            lambda: bar.change(outlines.dissolved(root, path), path[:-1]),
        )
    _group_button(bar, root, path)
    _remove_button(bar, root, path, "Remove the group and all that is in it")


def _condition(
    bar: Bar, root: Group, path: Path, item: Comparison, keys: Mapping[str, FilterKey]
) -> None:
    here = bar.place.changing and bar.place.path == path
    text = plain(cut(said(item), 80))
    st.button(
        f"**{text}**" if here else text,
        key=bar.part(f"edit.{_name(path)}"),
        type="tertiary",
        help="Change this condition",
        on_click=_if_same,
        args=(bar, bar.text, lambda: begin_change(bar, path, item, keys)),
    )
    st.space("stretch")
    _group_button(bar, root, path)
    _remove_button(bar, root, path, "Remove this condition")


def _group_button(bar: Bar, root: Group, path: Path) -> None:
    _button(
        bar,
        f"group.{_name(path)}",
        ":material/format_indent_increase:",
        "Put it into a group of its own, to add to",
        lambda: bar.change(outlines.grouped(root, path), path),
    )


def _remove_button(bar: Bar, root: Group, path: Path, told: str) -> None:
    _button(
        bar,
        f"remove.{_name(path)}",
        ":material/close:",
        told,
        lambda: bar.change(outlines.replaced(root, path, None)),
    )


def _button(bar: Bar, name: str, icon: str, told: str, act: Callable[[], object]) -> None:
    st.button(
        "",
        key=bar.part(name),
        icon=icon,
        type="tertiary",
        help=told,
        on_click=_if_same,
        args=(bar, bar.text, act),
    )


def _if_same(bar: Bar, text: str, act: Callable[[], object]) -> None:
    """Act, unless the filter has changed since it was drawn: what was meant may be gone."""
    if bar.text == text:
        act()


def _name(path: Path) -> str:
    return ".".join(map(str, path))
