"""What Postgres, libpq and psycopg report, as errors that a person can act on.

Postgres' SQLSTATE decides. While a session is being opened libpq passes none on, so there its
message is read. No text made here holds a password or a connection string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pgvista.db.libpq_messages import BY_TEXT
from pgvista.db.sqlstates import BAD_TEXT, BY_CLASS, BY_STATE, LOST
from pgvista.errors import (
    ConnectionFailed,
    InvalidInput,
    PgvistaError,
    QueryFailed,
    ServerUnavailable,
)

_LOST_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "08003", "08006"})
_TRANSIENT_STATES = _LOST_STATES | {"53300", "40001", "40P01"}
_PROTOCOL_VIOLATION = "08P01"
"""PgBouncer gives this state to every error of its own."""
_AWAY = re.compile(
    r"connection refused|timeout expired|timed out|no such file or directory|no route to host"
    r"|network is unreachable|failed to resolve host|could not translate host name"
    r"|starting up|shutting down|recovery mode|not yet accepting|too many (clients|connections)"
    r"|remaining connection slots|server closed the connection|connection reset|cannot connect to server"
    r"|server login has been failing|could not receive data|could not send data|eof detected"
    r"|the connection is lost|the connection is closed|server conn crashed|consuming input failed"
    r"|sending (query|data)( and params)? failed|query_wait_timeout|terminating connection",
    re.IGNORECASE,
)


def is_transient(error: BaseException) -> bool:
    """Return whether the same might succeed a moment later: the server was away, or it was a race.

    It says nothing about whether a statement took effect: only what has none may be repeated.
    """
    if isinstance(error, ServerUnavailable):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None or state == _PROTOCOL_VIOLATION:
        return isinstance(error, psycopg.errors.ConnectionTimeout) or bool(_AWAY.search(str(error)))
    return state in _TRANSIENT_STATES


def is_lost(error: psycopg.Error) -> bool:
    """Return whether `error` means that an open session has ended."""
    if error.sqlstate in (None, _PROTOCOL_VIOLATION):
        return is_transient(error)
    return error.sqlstate in _LOST_STATES


@contextmanager
def translated(label: str) -> Iterator[None]:
    """Raise what psycopg raises inside as a PgvistaError; `label` names the server."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, label=label) from (error if error.sqlstate else None)
    except UnicodeEncodeError as error:  # half a surrogate pair in a value
        raise BAD_TEXT("", label) from error


def translate(error: psycopg.Error, *, label: str) -> PgvistaError:
    """Return the PgvistaError that says what `error` means; `label` names the server."""
    state = error.sqlstate
    if state in (None, _PROTOCOL_VIOLATION):
        return _without_state(error, label)
    message = primary_message(error)
    make = BY_STATE.get(state or "") or BY_CLASS.get((state or "")[:2])
    if make is not None:
        return make(message, label)
    return QueryFailed(f"Postgres says: {message}.", error.diag.message_hint or "")


def primary_message(error: psycopg.Error) -> str:
    """Return Postgres' primary message without its final full stop, on one line."""
    message = error.diag.message_primary or str(error).split("\n", 1)[0]
    return " ".join(message.split()).rstrip(".")


def _without_state(error: psycopg.Error, label: str) -> PgvistaError:
    text = str(error)
    for pattern, make in BY_TEXT:
        if pattern.search(text):
            return make("", label)
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return ServerUnavailable(
            f"The host of {label} does not answer in time.",
            "Check host, port, firewall and network.",
        )
    if _AWAY.search(text):
        return LOST("", label)
    if isinstance(error, psycopg.DataError):
        return InvalidInput(f"A value cannot be sent to Postgres: {text.rstrip('.')}.", "")
    fatal = re.search(r"FATAL:\s+([^\n]+)", text)
    if fatal:
        return ConnectionFailed(f"The server of {label} refuses the session: {fatal[1]}.", "")
    if isinstance(error, psycopg.OperationalError):
        return ConnectionFailed(f"No session with {label} could be opened.", "Check the settings.")
    return QueryFailed(f"The statement could not be run: {text.rstrip('.')}.", "")
