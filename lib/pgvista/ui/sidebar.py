"""What stands beside every page: the name, the connection, the pages, and the jobs at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import Page

from pgvista.ui import connection
from pgvista.ui.errors import plain
from pgvista.ui.jobs import sidebar_jobs
from pgvista.ui.theme import palette

_MARK = """<svg xmlns="http://www.w3.org/2000/svg" width="118" height="30" viewBox="0 0 118 30">
<g fill="{colour}"><circle cx="6" cy="20" r="3.4"/><circle cx="15" cy="9" r="3.4"/>
<circle cx="20" cy="22" r="2.2" opacity=".55"/><circle cx="6" cy="7" r="1.8" opacity=".4"/>
<path d="M6 20 L15 9" stroke="{colour}" stroke-width="1.6" opacity=".7"/>
<text x="30" y="22" font-family="'Source Sans 3','Segoe UI',system-ui,sans-serif" font-size="21"
font-weight="700" letter-spacing="-.2">pgvista</text></g></svg>"""

ICON = """<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="-2 -1 30 30">
<g fill="#0f9f92"><circle cx="6" cy="22" r="4.4"/><circle cx="16" cy="8" r="4.4"/>
<circle cx="22" cy="23" r="3" opacity=".6"/><circle cx="5" cy="6" r="2.4" opacity=".5"/>
<path d="M6 22 L16 8" stroke="#0f9f92" stroke-width="2.2" opacity=".7"/></g></svg>"""
"""The sign of the tab: our own, since a page's Material icon would be fetched from outside."""


FOLDED = "Learn"
"""The section that shows its first page alone while none of its pages is open."""

_icons: dict[str, str] = {}


def page_of(path: str, title: str, icon: str, *, default: bool = False) -> Page:
    """Return a page; its Material icon stands in the sidebar alone, where it comes from a font."""
    _icons[title] = icon
    return st.Page(path, title=title, default=default)


def show_sidebar(
    pages: Mapping[str, Sequence[Page]], current: Page, *, presented: bool = False
) -> None:
    """Draw the name, the connection's line, the pages by section, and the running jobs.

    Of the lessons only the overview stands there while another page is shown. A page that is
    presented has no sidebar: Streamlit leaves an empty one out.
    """
    if presented:
        connection.prepare()
        return
    st.logo(_MARK.format(colour=palette().primary), size="large")
    with st.sidebar:
        line = st.empty()
        with st.container(gap="xxsmall", key="sidebar.pages"):
            for section, items in pages.items():
                if section:
                    st.markdown(f":small[:gray[**{section}**]]")
                folded = section == FOLDED and current not in items
                for page in items[:1] if folded else items:
                    st.page_link(page, icon=_icons.get(page.title), width="stretch")
        work = st.container()
    connection.prepare()
    line.markdown(connection_line())
    with work:
        sidebar_jobs()


def connection_line() -> str:
    """Return Markdown such as ``embedded · PG 18.6 · pgvector 0.8.6``."""
    here = connection.current()
    parts = [plain(here.name)]
    known = connection.known_capabilities()
    if known is None:
        parts.append(":red[not connected]")
    else:
        parts.append(f"PG {plain(known.server_version.split(' ')[0])}")
        version = known.pgvector_version
        parts.append(
            f"pgvector {'.'.join(map(str, version))}" if version else ":orange[no pgvector]"
        )
    line = ":small[:gray[" + " · ".join(parts) + "]]"
    if here.read_only:
        line += "  \n:small[:orange[:material/lock: read-only]]"
    return line
