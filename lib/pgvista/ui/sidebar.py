"""What stands beside every page: the name, the connection, and the jobs at work."""

from __future__ import annotations

import streamlit as st

from pgvista.ui import connection
from pgvista.ui.errors import plain
from pgvista.ui.jobs import sidebar_jobs


def show_sidebar() -> None:
    """Draw the connection's line and the running jobs; the connection is reached first."""
    connection.prepare()
    with st.sidebar:
        st.markdown(connection_line())
        sidebar_jobs()


def connection_line() -> str:
    """Return Markdown such as ``embedded · PG 18.6 · pgvector 0.8.6``."""
    here = connection.current()
    parts = [f"**{plain(here.name)}**"]
    known = connection.known_capabilities()
    if known is None:
        parts.append(":red[not connected]")
    else:
        parts.append(f"PG {plain(known.server_version.split(' ')[0])}")
        version = known.pgvector_version
        parts.append(
            f"pgvector {'.'.join(map(str, version))}" if version else ":orange[no pgvector]"
        )
    line = ":gray[" + " · ".join(parts) + "]"
    if here.read_only:
        line += "  \n:orange[:material/lock: read-only]"
    return line
