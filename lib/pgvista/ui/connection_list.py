"""The connections of this session and the saved ones: switch, test, open, disconnect."""

from __future__ import annotations

import streamlit as st

from pgvista.config import Secret
from pgvista.db.profiles import Profiles, target_from_profile
from pgvista.errors import PgvistaError
from pgvista.model.server import Profile
from pgvista.ui import connection
from pgvista.ui.connection import NamedConnection
from pgvista.ui.connection_form import open_profile
from pgvista.ui.errors import plain, show_error
from pgvista.ui.server_report import ask_test
from pgvista.ui.state import settings

_OPENING = "connect.opening"


def connection_list() -> None:
    """Draw the open connections, the embedded server first, and the saved ones beneath."""
    for position, item in enumerate(connection.connections()):
        with st.container(border=True, key=f"connect.card.{position}"):
            _card(item, position)
    _saved()


def _card(item: NamedConnection, position: int) -> None:
    badges = [
        ":green-badge[in use]" if item.current else "",
        ":orange-badge[:material/lock: read-only]" if item.read_only else "",
    ]
    st.markdown(f"**{plain(item.name)}** {' '.join(filter(None, badges))}")
    if item.embedded:
        st.markdown(
            ":gray[Postgres with pgvector on this machine, for you alone. Its data lie in "
            f"{plain(str(settings().data_dir))}.]"
        )
    elif item.label != item.name:
        st.markdown(f":gray[{plain(item.label)}]")
    with st.container(horizontal=True, vertical_alignment="center"):
        if not item.current:
            st.button(
                "Use", key=f"connect.use.{position}", type="primary",
                on_click=connection.use, args=(item.name,),
            )  # fmt: skip
        st.button("Test", key=f"connect.test.{position}", on_click=_ask_test, args=(item.name,))
        if item.embedded:
            st.toggle(
                "Read-only", value=item.read_only, key="connect.embedded.read_only",
                on_change=_embedded_read_only,
                help="Postgres itself then refuses every write of this session.",
            )  # fmt: skip
        else:
            st.button(
                "Disconnect", key=f"connect.remove.{position}",
                on_click=connection.remove, args=(item.name,),
            )  # fmt: skip


def _ask_test(name: str) -> None:
    """Ask in a callback: a press is then not lost when another one cuts the run short."""
    try:
        ask_test(connection.open_database(name).target)
    except PgvistaError as error:
        show_error(error)


def _embedded_read_only() -> None:
    connection.set_embedded_read_only(bool(st.session_state["connect.embedded.read_only"]))


def _saved() -> None:
    profiles = Profiles(settings().data_dir)
    try:
        found = profiles.list()
    except PgvistaError as error:
        show_error(error)
        return
    if profiles.notice:
        st.warning(plain(profiles.notice), icon=":material/warning:")
    open_names = {item.name for item in connection.connections()}
    closed = [profile for profile in found if profile.name not in open_names]
    if not closed:
        return
    st.markdown(":gray[**Saved**, without passwords]")
    for position, profile in enumerate(closed):
        with st.container(border=True, key=f"connect.saved.{position}"):
            _profile(profiles, profile, position)


def _profile(profiles: Profiles, profile: Profile, position: int) -> None:
    lock = " :orange-badge[:material/lock: read-only]" if profile.read_only else ""
    st.markdown(f"**{plain(profile.name)}**{lock}  \n:gray[{plain(profile.conninfo)}]")
    if st.session_state.get(_OPENING) != profile.name:
        with st.container(horizontal=True):
            st.button("Open", key=f"connect.open.{position}", on_click=_begin, args=(profile.name,))
            if st.button("Forget", key=f"connect.forget.{position}", type="tertiary"):
                try:
                    profiles.delete(profile.name)
                except PgvistaError as error:
                    show_error(error)
                else:
                    st.rerun()
        return
    with st.form(f"connect.profile.{position}", border=False):
        password = st.text_input(
            "Password", type="password", key=f"connect.profile.password.{position}",
            placeholder="or from .pgpass", autocomplete="off",
        )  # fmt: skip
        with st.container(horizontal=True):
            opened = st.form_submit_button("Open", type="primary")
            left = st.form_submit_button("Not now")
    if left:
        _end()
    elif opened:
        try:
            secret = Secret(password) if password else None
            st.session_state.pop(_OPENING, None)
            open_profile(target_from_profile(profile, password=secret), profile.name)
        except PgvistaError as error:
            st.session_state[_OPENING] = profile.name
            show_error(error)


def _begin(name: str) -> None:
    st.session_state[_OPENING] = name


def _end() -> None:
    st.session_state.pop(_OPENING, None)
    st.rerun()
