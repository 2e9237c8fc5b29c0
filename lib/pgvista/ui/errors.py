"""Errors as a person sees them: what happened, and beneath it what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pgvista.errors import Cancelled, PgvistaError

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=])")


def plain(text: str) -> str:
    """Escape what Markdown would take for markup, so that names and values show as they are."""
    return _MARKDOWN.sub(r"\\\1", text.replace("\r", " ").replace("\n", " "))


def show_error(error: PgvistaError) -> None:
    """Show the message in bold and the hint beneath; what a person stopped is no failure."""
    body = f"**{plain(error.message).strip()}**" if error.message.strip() else ""
    if error.hint:
        body = f"{body}  \n{plain(error.hint)}" if body else plain(error.hint)
    if isinstance(error, Cancelled):
        st.info(body, icon=":material/block:")
    else:
        st.error(body, icon=":material/error:")


@contextmanager
def guarded(*, stop: bool = False) -> Iterator[None]:
    """Show a `PgvistaError` instead of passing it on; as ``with guarded():`` or ``@guarded()``.

    Nothing else is caught: Streamlit stops and reruns a script by exceptions, and a fault in our own
    code belongs in the log. With `stop`, the script ends after the message.
    """
    try:
        yield
    except PgvistaError as error:
        show_error(error)
        if stop:
            st.stop()
