"""Steps that cannot be undone: what they do, in SQL and in rows, and the name typed to agree."""

from __future__ import annotations

import re

import streamlit as st

from pgvista.ui.components.panels import sql_panel

READ_ONLY = "This connection is read-only: Postgres refuses to write."


def confirmed(
    label: str, *, name: str, sql: str, consequence: str, key: str, read_only: bool
) -> bool:
    """Draw the statement and what it does; return whether it is to be run.

    `consequence` is Markdown. The button works once `name` was typed, which is checked here too.
    """
    sql_panel(sql, key=f"{key}.sql")
    st.markdown(consequence)
    typed = st.text_input(
        f"Type {verbatim(name)} to agree", key=f"{key}.name", autocomplete="off", live=True,
        disabled=read_only,
    )  # fmt: skip
    return write_button(
        label,
        key=f"{key}.go",
        read_only=read_only,
        disabled=typed != name,
        icon=":material/delete:",
    )


def verbatim(text: str) -> str:
    """Write `text` as Markdown's code, which alone shows every character as it is, dashes too."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{' '.join(text.splitlines())}{room}{fence}"


def write_button(
    label: str, *, key: str, read_only: bool, disabled: bool = False, icon: str | None = None
) -> bool:
    """Draw the button of a step that writes; on a read-only connection it says why it rests.

    Returns whether it was pressed. What a browser sends in spite of `disabled` is ignored; a write
    on a read-only connection is Postgres' to refuse.
    """
    pressed = st.button(
        f"{label} (read-only)" if read_only else label,
        key=key,
        type="primary",
        icon=":material/lock:" if read_only else icon,
        disabled=disabled or read_only,
        help=READ_ONLY if read_only else None,
    )
    return pressed and not disabled
