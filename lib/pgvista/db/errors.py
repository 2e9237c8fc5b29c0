"""What Postgres, libpq and psycopg report, as errors that a person can act on.

Postgres' SQLSTATE decides. While a session is being opened libpq passes none on, so there its
message is read. No text made here holds a password or a connection string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from pgvista.errors import (
    Cancelled,
    Conflict,
    ConnectionFailed,
    ExtensionMissing,
    InvalidInput,
    NotFound,
    OutOfSpace,
    PermissionDenied,
    PgvistaError,
    QueryFailed,
    ReadOnly,
    ServerUnavailable,
    StatementTimeout,
)

_LOST_STATES = frozenset(
    {"57P01", "57P02", "57P03", "57P05", "25P03", "08000", "08001", "08003", "08004", "08006"}
)
_TRANSIENT_STATES = _LOST_STATES | {"53300", "40001", "40P01"}
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
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return (
            isinstance(error, psycopg.Error)
            and error.sqlstate is None
            and bool(_AWAY.search(str(error)))
        )
    if error.sqlstate is not None:
        return error.sqlstate in _TRANSIENT_STATES
    return isinstance(error, psycopg.errors.ConnectionTimeout) or bool(_AWAY.search(str(error)))


def is_lost(error: psycopg.Error) -> bool:
    """Return whether `error` means that an open session has ended."""
    if error.sqlstate is not None:
        return error.sqlstate in _LOST_STATES
    return is_transient(error)


@contextmanager
def translated(label: str) -> Iterator[None]:
    """Raise what psycopg raises inside as a PgvistaError; `label` names the server."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, label=label) from (error if error.sqlstate else None)


def translate(error: psycopg.Error, *, label: str) -> PgvistaError:
    """Return the PgvistaError that says what `error` means; `label` names the server."""
    state = error.sqlstate
    if state is None:
        return _without_state(error, label)
    message = primary_message(error)
    make = _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
    if make is not None:
        return make(message, label)
    return QueryFailed(f"Postgres says: {message}.", error.diag.message_hint or "")


def primary_message(error: psycopg.Error) -> str:
    """Return Postgres' primary message without its final full stop, on one line."""
    message = error.diag.message_primary or str(error).split("\n", 1)[0]
    return " ".join(message.split()).rstrip(".")


_Make = Callable[[str, str], PgvistaError]


def _plain(kind: type[PgvistaError], sentence: str, hint: str = "") -> _Make:
    """Return a maker of `kind`; ``{message}`` is Postgres' own text, ``{label}`` the server."""

    def make(message: str, label: str) -> PgvistaError:
        return kind(sentence.format(message=message, label=label), hint)

    return make


def _statement_cancelled(message: str, label: str) -> PgvistaError:
    if "timeout" in message:
        return StatementTimeout(
            "The statement took longer than its time limit and was stopped.",
            "Ask for less, use an index, or raise the limit.",
        )
    if "user request" in message:
        return Cancelled("The statement was cancelled.", "")
    return QueryFailed(f"Postgres stopped the statement: {message}.", "")


def _data_exception(message: str, label: str) -> PgvistaError:
    lowered = message.lower()
    if found := re.search(r"expected (\d+) dimensions, not (\d+)", lowered):
        return InvalidInput(
            f"The vector has {int(found[2]):,} dimensions, and the column takes {int(found[1]):,}.",
            "Use the model that the collection was made with.",
        )
    if found := re.search(r"different \w+ dimensions (\d+) and (\d+)", lowered):
        return InvalidInput(
            f"Vectors of {int(found[1]):,} and of {int(found[2]):,} dimensions cannot be compared.",
            "Use the model that the collection was made with.",
        )
    if "nan not allowed" in lowered or "infinite value not allowed" in lowered:
        return InvalidInput(
            "The vector holds NaN or an infinite number, which pgvector cannot store.",
            "Give finite numbers only.",
        )
    return InvalidInput(f"Postgres refused a value: {message}.", "")


def _out_of_range(message: str, label: str) -> PgvistaError:
    return InvalidInput(
        f"A number does not fit: {message}.", "Use a smaller number, or a column of a larger type."
    )


def _limit_exceeded(message: str, label: str) -> PgvistaError:
    if "tsvector" in message:
        return InvalidInput(
            "The text is too long for full-text search, whose index of one text holds 1 MB.",
            "Load it in chunks.",
        )
    if "dimensions" in message:
        return InvalidInput(
            f"The vectors are too long for that: {message}.",
            "Use halfvec or a model with fewer dimensions.",
        )
    if "index row" in message:
        return InvalidInput(
            f"A value is too long for an index: {message}.", "Shorten it, or drop the index."
        )
    return QueryFailed(f"A limit of Postgres is reached: {message}.", "")


def _undefined_object(message: str, label: str) -> PgvistaError:
    if re.search(r'"(\w+\.)?(vector|halfvec|sparsevec)(_\w+_ops)?"', message):
        return ExtensionMissing(
            f"pgvector is not in use in {label}: {message}.",
            "Create the extension on the connection's page, or name its schema.",
        )
    if "text search configuration" in message:
        return InvalidInput(
            f"The server does not know that text-search language: {message}.",
            'Choose one of the list; "simple" is always there.',
        )
    return NotFound(f"Postgres does not find it: {message}.", "It may have been removed.")


def _not_supported(message: str, label: str) -> PgvistaError:
    if "extension" in message and "not available" in message:
        return _no_extension_files(message, label)
    return QueryFailed(f"Postgres cannot do that: {message}.", "")


def _no_extension_files(message: str, label: str) -> PgvistaError:
    return ExtensionMissing(
        f"The server does not offer that extension: {message}.",
        "Ask its administrator to install it.",
    )


_CLOSED = _plain(
    ServerUnavailable,
    "The server of {label} ended the session: {message}.",
    "What was not committed is undone. Try again.",
)
_STARTING = _plain(
    ServerUnavailable, "The server of {label} is starting up or shutting down.", "Try again soon."
)
_LOST = _plain(
    ServerUnavailable,
    "The connection to {label} was lost in the middle of a statement.",
    "What was not committed is undone. Try again once the server is back.",
)
_TOO_MANY = _plain(
    OutOfSpace,
    "The server of {label} has no connection left.",
    "Close other clients, or raise max_connections there.",
)
_TAKEN = _plain(Conflict, "The name is taken: {message}.", "Choose another name.")
_MISSING = _plain(NotFound, "Postgres does not find it: {message}.", "It may have been removed.")
_NO_RIGHT = _plain(
    PermissionDenied, "The role has no right to that: {message}.", "Ask the owner to grant it."
)
_WRONG_VALUE = _plain(InvalidInput, "Postgres refused a value: {message}.", "Correct the value.")
_BAD_TEXT = _plain(
    InvalidInput,
    "The text holds a NUL byte or characters that the database cannot store.",
    "Remove them from the text.",
)
_RACE = _plain(
    Conflict, "Somebody else changed the same rows at the same moment.", "Do it once more."
)
_NO_PASSWORD = _plain(
    ConnectionFailed,
    "The server of {label} refuses the password.",
    "Check user name and password.",
)
_NO_ROLE = _plain(
    ConnectionFailed,
    "The server of {label} does not let that role in.",
    "Check the user name; it must exist and have LOGIN.",
)
_NO_DATABASE = _plain(
    ConnectionFailed,
    "The database of {label} does not exist on that server.",
    "Check the name of the database.",
)

_BY_STATE: dict[str, _Make] = {
    "57014": _statement_cancelled,
    "22000": _data_exception,
    "22003": _out_of_range,
    "54000": _limit_exceeded,
    "42704": _undefined_object,
    "0A000": _not_supported,
    "58P01": _no_extension_files,
    "57P01": _CLOSED,
    "57P02": _CLOSED,
    "57P05": _CLOSED,
    "25P03": _CLOSED,
    "57P03": _STARTING,
    "53300": _TOO_MANY,
    "53100": _plain(
        OutOfSpace,
        "The server's disk is full: {message}.",
        "Free space there; what was committed is kept.",
    ),
    "53200": _plain(
        OutOfSpace,
        "The server is out of memory: {message}.",
        "Ask for less at once, or lower maintenance_work_mem and work_mem.",
    ),
    "55P03": _plain(
        Conflict,
        "Somebody else holds a lock on it, and the wait took too long.",
        "Try again when the other is done.",
    ),
    "55006": _plain(Conflict, "It is in use by another session: {message}.", "Try again later."),
    "2BP01": _plain(
        Conflict, "Other things depend on it: {message}.", "Remove those first, or keep it."
    ),
    "25006": _plain(
        ReadOnly,
        "The connection to {label} is read-only, and Postgres refused to write.",
        "Open the connection without read-only to change data.",
    ),
    "42501": _NO_RIGHT,
    "23505": _plain(
        Conflict, "A row with the same key is there already: {message}.", "Use another key."
    ),
    "23503": _plain(
        Conflict, "Rows of another table refer to it: {message}.", "Change those first."
    ),
    "42P07": _TAKEN,
    "42P06": _TAKEN,
    "42P04": _TAKEN,
    "42701": _TAKEN,
    "42710": _TAKEN,
    "42P01": _MISSING,
    "42703": _MISSING,
    "3F000": _MISSING,
    "22021": _BAD_TEXT,
    "22P05": _BAD_TEXT,
    "40001": _RACE,
    "40P01": _RACE,
    "28P01": _NO_PASSWORD,
    "28000": _NO_ROLE,
    "3D000": _NO_DATABASE,
}

_BY_CLASS: dict[str, _Make] = {
    "08": _LOST,
    "22": _WRONG_VALUE,
    "23": _WRONG_VALUE,
    "53": _plain(OutOfSpace, "A resource of the server is used up: {message}.", "Try again later."),
}

_BY_TEXT: tuple[tuple[re.Pattern[str], _Make], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), make)
    for pattern, make in (
        (
            r"password authentication failed|SASL authentication failed|wrong password"
            r"|authentication failed for user",
            _NO_PASSWORD,
        ),
        (
            r"no password supplied|empty password",
            _plain(
                ConnectionFailed,
                "The server of {label} asks for a password, and none was given.",
                "Type it, or keep it in a .pgpass file.",
            ),
        ),
        (
            r'role "[^"]*" (does not exist|is not permitted)|no such user|tenant or user not found',
            _NO_ROLE,
        ),
        (r'database "[^"]*" does not exist|no such database', _NO_DATABASE),
        (
            r"permission denied for database",
            _plain(
                PermissionDenied,
                "The role has no right to connect to the database of {label}.",
                "Ask the owner: grant connect on database.",
            ),
        ),
        (
            r"no pg_hba\.conf entry.*no encryption|SSL (connection )?(is )?required",
            _plain(
                ConnectionFailed,
                "The server of {label} does not admit this client without TLS (pg_hba.conf).",
                "Set sslmode to require, or ask the administrator for an entry for your address.",
            ),
        ),
        (
            r"no pg_hba\.conf entry|pg_hba\.conf rejects",
            _plain(
                ConnectionFailed,
                "The server of {label} does not admit this client, user and database (pg_hba.conf).",
                "Ask its administrator for an entry for your address.",
            ),
        ),
        (
            r"server does not support SSL",
            _plain(
                ConnectionFailed,
                "The server of {label} has no TLS, and sslmode demands it.",
                "Set sslmode to prefer, if the network may be trusted, or turn TLS on there.",
            ),
        ),
        (
            r"certificate verify failed|does not match host name|certificate has expired|self.signed",
            _plain(
                ConnectionFailed,
                "The certificate of {label} could not be verified.",
                "Give the right sslrootcert and the host's name as in the certificate.",
            ),
        ),
        (
            r"root certificate file|certificate file|private key file|could not load system root",
            _plain(
                ConnectionFailed,
                "A certificate or key for {label} is missing or cannot be read.",
                "Check sslrootcert, sslcert and sslkey.",
            ),
        ),
        (
            r"invalid sslmode|SSL error|tlsv1|unsupported protocol",
            _plain(
                ConnectionFailed,
                "No TLS session could be agreed on with {label}.",
                "Check sslmode and the certificates.",
            ),
        ),
        (
            r"definition of service|service file",
            _plain(
                ConnectionFailed,
                "The service of {label} is not defined.",
                "Check ~/.pg_service.conf, PGSERVICEFILE and the service's name.",
            ),
        ),
        (
            r"unsupported startup parameter",
            _plain(
                ConnectionFailed,
                "The pooler of {label} refuses one of the connection's parameters.",
                "Leave out options.",
            ),
        ),
        (
            r"too many (clients|connections)|remaining connection slots|no more connections",
            _TOO_MANY,
        ),
        (r"starting up|shutting down|recovery mode|not yet accepting", _STARTING),
        (
            r"cannot connect to server|server login has been failing|query_wait_timeout",
            _plain(
                ServerUnavailable,
                "The pooler of {label} answers, but cannot reach its server.",
                "Try again soon.",
            ),
        ),
        (
            r"failed to resolve host|could not translate host name",
            _plain(
                ServerUnavailable,
                "The host of {label} cannot be found.",
                "Check its name and the network.",
            ),
        ),
        (
            r"connection failed.*(connection refused|no such file or directory)",
            _plain(
                ServerUnavailable,
                "Nothing listens where {label} should be.",
                "Check host and port, and whether the server runs.",
            ),
        ),
        (
            r"timeout expired|timed out",
            _plain(
                ServerUnavailable,
                "The host of {label} does not answer in time.",
                "Check host, port, firewall and network.",
            ),
        ),
        (
            r"no route to host|network is unreachable",
            _plain(
                ServerUnavailable, "The network has no way to {label}.", "Check host and network."
            ),
        ),
        (r"cannot contain NUL|surrogates not allowed", _BAD_TEXT),
    )
)


def _without_state(error: psycopg.Error, label: str) -> PgvistaError:
    text = str(error)
    for pattern, make in _BY_TEXT:
        if pattern.search(text):
            return make("", label)
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return ServerUnavailable(
            f"The host of {label} does not answer in time.",
            "Check host, port, firewall and network.",
        )
    if _AWAY.search(text):
        return _LOST("", label)
    if isinstance(error, psycopg.DataError):
        return InvalidInput(f"A value cannot be sent to Postgres: {text.rstrip('.')}.", "")
    fatal = re.search(r"FATAL:\s+([^\n]+)", text)
    if fatal:
        return ConnectionFailed(f"The server of {label} refuses the session: {fatal[1]}.", "")
    if isinstance(error, psycopg.OperationalError):
        return ConnectionFailed(f"No session with {label} could be opened.", "Check the settings.")
    return QueryFailed(f"The statement could not be run: {text.rstrip('.')}.", "")
