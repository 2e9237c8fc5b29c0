"""A sentence and a hint for each SQLSTATE that a person may meet, and for whole classes of them.

The states are those of https://www.postgresql.org/docs/current/errcodes-appendix.html; what
pgvector reports as plain data errors is told apart by its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

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

Make = Callable[[str, str], PgvistaError]
"""Makes an error from Postgres' primary message and the server's label."""


def plain(kind: type[PgvistaError], sentence: str, hint: str = "") -> Make:
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


def _invalid_name(message: str, label: str) -> PgvistaError:
    return InvalidInput(
        f"A name, such as that of the text-search language, cannot be read: {message}.",
        "Write it as SQL has it: letters, or in double quotes.",
    )


def _not_supported(message: str, label: str) -> PgvistaError:
    if "extension" in message and "not available" in message:
        return _no_extension_files(message, label)
    return QueryFailed(f"Postgres cannot do that: {message}.", "")


def _no_extension_files(message: str, label: str) -> PgvistaError:
    return ExtensionMissing(
        f"The server does not offer that extension: {message}.",
        "Ask its administrator to install it.",
    )


_CLOSED = plain(
    ServerUnavailable,
    "The server of {label} ended the session: {message}.",
    "What was not committed is undone. Try again.",
)
STARTING = plain(
    ServerUnavailable, "The server of {label} is starting up or shutting down.", "Try again soon."
)
LOST = plain(
    ServerUnavailable,
    "The connection to {label} was lost in the middle of a statement.",
    "What was not committed is undone. Try again once the server is back.",
)
TOO_MANY = plain(
    OutOfSpace,
    "The server of {label} has no connection left.",
    "Close other clients, or raise max_connections there.",
)
_TAKEN = plain(Conflict, "The name is taken: {message}.", "Choose another name.")
_MISSING = plain(NotFound, "Postgres does not find it: {message}.", "It may have been removed.")
_NO_RIGHT = plain(
    PermissionDenied, "The role has no right to that: {message}.", "Ask the owner to grant it."
)
_WRONG_VALUE = plain(InvalidInput, "Postgres refused a value: {message}.", "Correct the value.")
BAD_TEXT = plain(
    InvalidInput,
    "The text holds a NUL byte or characters that the database cannot store.",
    "Remove them from the text.",
)
_RACE = plain(
    Conflict, "Somebody else changed the same rows at the same moment.", "Do it once more."
)
NO_PASSWORD = plain(
    ConnectionFailed,
    "The server of {label} refuses the password.",
    "Check user name and password.",
)
NO_ROLE = plain(
    ConnectionFailed,
    "The server of {label} does not let that role in.",
    "Check the user name; it must exist and have LOGIN.",
)
NO_DATABASE = plain(
    ConnectionFailed,
    "The database of {label} does not exist on that server.",
    "Check the name of the database.",
)

BY_STATE: dict[str, Make] = {
    "08003": LOST,
    "08006": LOST,
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
    "57P03": STARTING,
    "53300": TOO_MANY,
    "53100": plain(
        OutOfSpace,
        "The server's disk is full: {message}.",
        "Free space there; what was committed is kept.",
    ),
    "53200": plain(
        OutOfSpace,
        "The server is out of memory: {message}.",
        "Ask for less at once, or lower maintenance_work_mem and work_mem.",
    ),
    "55P03": plain(
        Conflict,
        "Somebody else holds a lock on it, and the wait took too long.",
        "Try again when the other is done.",
    ),
    "55006": plain(Conflict, "It is in use by another session: {message}.", "Try again later."),
    "2BP01": plain(
        Conflict, "Other things depend on it: {message}.", "Remove those first, or keep it."
    ),
    "25006": plain(
        ReadOnly,
        "The connection to {label} is read-only, and Postgres refused to write.",
        "Open the connection without read-only to change data.",
    ),
    "42501": _NO_RIGHT,
    "23505": plain(
        Conflict, "A row with the same key is there already: {message}.", "Use another key."
    ),
    "23503": plain(
        Conflict, "Rows of another table refer to it: {message}.", "Change those first."
    ),
    "42P07": _TAKEN,
    "42P06": _TAKEN,
    "42P04": _TAKEN,
    "42701": _TAKEN,
    "42710": _TAKEN,
    "42602": _invalid_name,
    "42P01": _MISSING,
    "42703": _MISSING,
    "3F000": _MISSING,
    "22021": BAD_TEXT,
    "22P05": BAD_TEXT,
    "40001": _RACE,
    "40P01": _RACE,
    "28P01": NO_PASSWORD,
    "28000": NO_ROLE,
    "3D000": NO_DATABASE,
}

BY_CLASS: dict[str, Make] = {
    "08": plain(
        ServerUnavailable,
        "A connection of {label} to another server was lost: {message}.",
        "Try again once that server is back.",
    ),
    "22": _WRONG_VALUE,
    "23": _WRONG_VALUE,
    "53": plain(OutOfSpace, "A resource of the server is used up: {message}.", "Try again later."),
}
