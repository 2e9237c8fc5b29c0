"""The connections of a browser session: named, switched at will, and nobody else's.

A session knows its connections by name; the pools behind them are made when they are first used,
belong to that session alone, and are closed with it. Only the embedded server is shared.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from pgvista.config import load_settings
from pgvista.db.capabilities import Capabilities
from pgvista.db.database import Database
from pgvista.db.target import Target, target_from_url
from pgvista.errors import Conflict, InvalidInput, NotFound, PgvistaError
from pgvista.services import connect
from pgvista.ui.errors import plain, show_error

EMBEDDED = connect.EMBEDDED
"""The name of the connection to the embedded server, which every session has."""

MAX_NAME_LENGTH = 100
RETRY_AFTER_S = 10.0
"""A connection that failed is not tried again by a rerun before this time has passed."""

_KEY = "pgvista.connections"
_MAX_POOLS = 64


@dataclass(frozen=True, slots=True)
class NamedConnection:
    """A connection of this session, as others may see it."""

    name: str
    label: str
    """Where it leads, e.g. ``docs@db.example:5432``; never a secret."""
    read_only: bool
    embedded: bool
    current: bool


@dataclass(slots=True)
class _Registry:
    """What a browser session keeps; `targets` holds None for the embedded server."""

    session: str
    targets: dict[str, Target | None]
    current: str
    embedded_read_only: bool = False
    failures: dict[str, tuple[float, PgvistaError]] = field(default_factory=dict)


def session_id() -> str:
    """Return this browser session's name: random, and known to nobody else."""
    return _registry().session


def connections() -> tuple[NamedConnection, ...]:
    """Return the session's connections, the embedded server first."""
    registry = _registry()
    return tuple(
        NamedConnection(
            name=name,
            label=target.label if target else "on this machine",
            read_only=target.read_only if target else registry.embedded_read_only,
            embedded=target is None,
            current=name == registry.current,
        )
        for name, target in registry.targets.items()
    )


def current() -> NamedConnection:
    """Return the connection in use."""
    return next(item for item in connections() if item.current)


def use(name: str) -> None:
    """Switch to the connection called `name`; the others stay open. Raises NotFound."""
    registry = _registry()
    _known(registry, name)
    registry.failures.pop(name, None)
    registry.current = name


def add(name: str, target: Target, *, select: bool = True) -> None:
    """Add a connection, and switch to it. Raises Conflict when its name is taken."""
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidInput(
            f"The connection's name must have 1 to {MAX_NAME_LENGTH} printable characters.",
            "Type a name such as staging.",
        )
    registry = _registry()
    if name in registry.targets:
        raise Conflict(
            f"There is a connection called {name!r} already.",
            "Choose another name, or disconnect that one.",
        )
    registry.targets[name] = target
    if select:
        registry.current = name


def remove(name: str) -> None:
    """Disconnect and forget a connection. Raises NotFound, and InvalidInput for the embedded one."""
    registry = _registry()
    target = _known(registry, name)
    if target is None:
        raise InvalidInput(
            "The embedded server is always at hand.", "Switch to another connection."
        )
    del registry.targets[name]
    registry.failures.pop(name, None)
    if registry.current == name:
        registry.current = EMBEDDED
    if all(
        other is None or other.identity() != target.identity()
        for other in registry.targets.values()
    ):
        _close(registry.session, target)


def set_embedded_read_only(read_only: bool) -> None:
    """Open the embedded server read-only, or for writing again."""
    registry = _registry()
    registry.embedded_read_only = read_only
    registry.failures.pop(EMBEDDED, None)


def database() -> Database:
    """Return the database in use, reached and with pgvector; else show why not, and end the script."""
    prepare()
    registry = _registry()
    name = registry.current
    try:
        if (failure := registry.failures.get(name)) is not None:
            raise failure[1]
        opened = open_database(name)
        opened.capabilities.require_vector()
    except PgvistaError as error:
        _show_failure(name, error)
        st.stop()
    return opened


def prepare() -> None:
    """Reach the current connection where that was not tried yet; a failure is kept, not raised.

    The embedded server is started, with a sentence on the page for as long as that takes.
    """
    registry = _registry()
    name = registry.current
    failure = registry.failures.get(name)
    if failure is not None and time.monotonic() - failure[0] < RETRY_AFTER_S:
        return
    registry.failures.pop(name, None)
    try:
        opened = open_database(name)
        _ = opened.capabilities
    except PgvistaError as error:
        registry.failures[name] = (time.monotonic(), error)


def open_database(name: str) -> Database:
    """Return the database of one of the session's connections; it connects when first used.

    Raises NotFound, and for the embedded server what its start raises.
    """
    registry = _registry()
    target = _known(registry, name) or _embedded_target(registry.embedded_read_only)
    return _pool(registry.session, target.identity(), target)


def private_database(name: str | None = None) -> Callable[[], Database]:
    """Return what makes a database of a job's own, in any thread: the caller closes it.

    It outlives the session's pools, so that a job goes on when its page is left.
    """
    target = open_database(name or _registry().current).target
    return lambda: connect.database_of(target, max_size=4)


def known_capabilities() -> Capabilities | None:
    """Return what the current server can do, without asking it; None while it is not reached."""
    registry = _registry()
    if registry.current in registry.failures:
        return None
    try:
        return open_database(registry.current).capabilities
    except PgvistaError:
        return None


def _registry() -> _Registry:
    found = st.session_state.get(_KEY)
    if isinstance(found, _Registry):
        return found
    made = _Registry(secrets.token_urlsafe(18), {EMBEDDED: None}, EMBEDDED)
    st.session_state[_KEY] = made
    url = load_settings().url
    if url:
        try:
            target = target_from_url(url.reveal())
        except PgvistaError as error:
            show_error(error)
        else:
            made.targets[target.label] = target
            made.current = target.label
    return made


def _known(registry: _Registry, name: str) -> Target | None:
    try:
        return registry.targets[name]
    except KeyError:
        raise NotFound(
            f"There is no connection called {name!r} in this session.", "Choose one of the list."
        ) from None


@st.cache_resource(
    scope="session", max_entries=_MAX_POOLS, show_spinner=False, on_release=Database.close
)
def _pool(session: str, identity: str, _target: Target) -> Database:
    """Keyed by the session and by all that makes the connection what it is, password included."""
    return connect.database_of(_target)


def _close(session: str, target: Target) -> None:
    identity = target.identity()
    _pool(session, identity, target).close()
    _pool.clear(session, identity, target)


def _embedded_target(read_only: bool) -> Target:
    """Return where the embedded server is; it is started first where it does not run."""
    server = connect.running_server()
    if server is None:
        slot = st.empty()
        try:
            server = connect.embedded_server(on_wait=_waiting(slot))
        finally:
            slot.empty()
    return connect.embedded_target(server, read_only=read_only)


def _waiting(slot: st.delta_generator.DeltaGenerator) -> Callable[[str], None]:
    """Draw the waiting state into `slot`; return what changes its sentence."""
    with slot.container():
        st.markdown("#### :material/hourglass_top: Starting the embedded Postgres")
        line = st.empty()
        line.caption("The first start takes about a second, one after a crash longer.")
        st.skeleton(height=120)

    def tell(sentence: str) -> None:
        line.caption(plain(sentence))

    return tell


def _show_failure(name: str, error: PgvistaError) -> None:
    st.markdown(f"#### The connection {plain(name)} cannot be used")
    show_error(error)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Try again",
            key="pgvista.connection.retry",
            icon=":material/refresh:",
            type="primary",
            on_click=use,
            args=(name,),
        )
        st.page_link("pages/data/connect.py", label="Connections", icon=":material/cable:")
