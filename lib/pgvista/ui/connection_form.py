"""A new connection: its address as a URL, as fields or as a service, tested and opened."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pgvista.config import Secret
from pgvista.db.profiles import Profiles, profile_from_target
from pgvista.db.target import Target, target_from_fields, target_from_url
from pgvista.errors import PgvistaError
from pgvista.ui import connection
from pgvista.ui.errors import plain, show_error
from pgvista.ui.server_report import ask_test, forget_report
from pgvista.ui.state import settings

WAYS = ("URL", "Fields", "Service")
SSL_MODES = ("", "disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_ROUND = "connect.round"
_WHERE_KEPT = (
    "Kept in memory for this browser session alone, never in a file. Left empty, libpq looks for it "
    "in ~/.pgpass, PGPASSWORD or the service file."
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the form holds."""

    target: Target
    name: str
    save: bool


def new_connection() -> None:
    """Draw the form, and do what its buttons ask."""
    with st.container(border=True):
        st.markdown("**New connection**")
        way = st.segmented_control(
            "Address as", WAYS, default=WAYS[0], required=True, key="connect.way",
            label_visibility="collapsed",
        )  # fmt: skip
        # Each opened connection begins a new round: the fields of the old one, with its password,
        # are forgotten by Streamlit.
        turn = f"connect.{st.session_state.get(_ROUND, 0)}"
        with st.form(f"{turn}.form", border=False):
            target_of = {"URL": _url, "Fields": _fields, "Service": _service}[way or WAYS[0]]
            make = target_of(turn)
            name = st.text_input(
                "Name", key=f"{turn}.name", placeholder="database@host:port",
                help="What the connection is called here.",
            )  # fmt: skip
            left, right = st.columns(2)
            read_only = left.checkbox(
                "Read-only", key=f"{turn}.read_only",
                help="Postgres itself then refuses every write of this connection.",
            )  # fmt: skip
            save = right.checkbox(
                "Save for later", key=f"{turn}.save",
                help="Keeps name and address, without any password, in the data folder of this "
                "computer: everyone who opens this app here sees them.",
            )  # fmt: skip
            with st.container(horizontal=True):
                connect = st.form_submit_button("Connect", type="primary")
                test = st.form_submit_button("Test")
        if not connect and not test:
            return
        try:
            target = make(read_only)
            if test:
                ask_test(target)
            else:
                open_target(_Asked(target, name.strip() or target.label, save))
        except PgvistaError as error:
            show_error(error)


def open_target(asked: _Asked) -> None:
    """Reach the server, keep the connection under its name, and switch to it. Raises PgvistaError."""
    connection.add(asked.name, asked.target, select=False)
    try:
        with st.spinner(f"Connecting to {plain(asked.target.label)}"):
            _ = connection.open_database(asked.name).capabilities
        if asked.save:
            Profiles(settings().data_dir).save(
                profile_from_target(asked.name, asked.target), replace=True
            )
    except PgvistaError:
        connection.remove(asked.name)
        raise
    connection.use(asked.name)
    forget_report()
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.toast(f"Connected to {plain(asked.name)}", icon=":material/cable:")
    st.rerun()


def open_profile(target: Target, name: str) -> None:
    """Open a saved connection. Raises PgvistaError."""
    open_target(_Asked(target, name, save=False))


class _Maker:
    """Makes the target of what was typed, once it is known whether it shall be read-only."""

    def __init__(self, url: str = "", password: str = "", **fields: str) -> None:
        self._url, self._fields = url, fields
        self._password = Secret(password) if password else None

    def __call__(self, read_only: bool) -> Target:
        if self._fields:
            return target_from_fields(
                password=self._password,
                read_only=read_only,
                **self._fields,  # type: ignore[arg-type]
            )
        return target_from_url(self._url, password=self._password, read_only=read_only)


def _url(turn: str) -> _Maker:
    url = st.text_input(
        "URL",
        key=f"{turn}.url",
        placeholder="postgresql://user@host:5432/database",
        help="postgresql:// or postgres://, or libpq's key=value text.",
        autocomplete="off",
    )
    return _Maker(url, _password(turn))


def _fields(turn: str) -> _Maker:
    host, port = st.columns([3, 1])
    database, user = st.columns(2)
    password, mode = st.columns(2)
    fields = {
        "host": host.text_input(
            "Host", key=f"{turn}.host", placeholder="localhost",
            help="Name, address, or folder of a Unix socket. Empty: PGHOST, else the local socket.",
        ),
        "port": port.text_input("Port", key=f"{turn}.port", placeholder="5432"),
        "dbname": database.text_input("Database", key=f"{turn}.dbname"),
        "user": user.text_input("User", key=f"{turn}.user", autocomplete="off"),
        "sslmode": mode.selectbox(
            "TLS", SSL_MODES, key=f"{turn}.sslmode", format_func=lambda mode: mode or "as libpq",
            help="verify-full checks the server's certificate and name; as libpq: PGSSLMODE, "
            "else prefer.",
        ),
        "sslrootcert": st.text_input(
            "CA file", key=f"{turn}.sslrootcert", placeholder="~/.postgresql/root.crt",
            help="On the computer that runs pgvista. The word system takes the system's own.",
        ),
    }  # fmt: skip
    with password:
        secret = _password(turn)
    return _Maker(password=secret, **fields)


def _service(turn: str) -> _Maker:
    service = st.text_input(
        "Service", key=f"{turn}.service",
        help="A section of ~/.pg_service.conf, or of the file that PGSERVICEFILE names.",
    )  # fmt: skip
    return _Maker(password=_password(turn), service=service)


def _password(turn: str) -> str:
    return st.text_input(
        "Password", key=f"{turn}.password", type="password", help=_WHERE_KEPT,
        placeholder="or from .pgpass", autocomplete="off",
    )  # fmt: skip
