"""The errors a person sees.

Every failure that pgvista foresees is raised as a `PgvistaError` with one sentence that says what
happened and why, and a hint that says what to do next. The tree:

    PgvistaError
    ├── InvalidInput            a value, file, name, filter or query was refused
    ├── NotFound                a collection, row, file or profile is not there
    ├── Conflict                a name is taken, or somebody else changed or holds it
    ├── ConnectionFailed        no session with the server could be opened
    │   └── ServerUnavailable   the server went away or is not accepting sessions: worth a retry
    ├── ExtensionMissing        the server has no pgvector, or one that is too old
    ├── PermissionDenied        the role lacks a right
    │   └── ReadOnly            the connection was opened read-only
    ├── QueryFailed             Postgres refused or could not run a statement
    │   └── StatementTimeout    the statement took longer than its limit
    ├── OutOfSpace              a disk, the memory or a connection limit is used up
    ├── ModelUnavailable        an embedding model or its service cannot be used
    └── Cancelled               a person stopped it

This module imports nothing, so that every layer can raise its errors.
"""

from __future__ import annotations


class PgvistaError(Exception):
    """What happened and why (`message`), and what to do next (`hint`, may be empty)."""

    exit_code = 1
    """The exit status of the `pgvista` command for this error."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(PgvistaError):
    """A value, file, name, filter or query was refused."""

    exit_code = 2


class NotFound(PgvistaError):
    """A collection, row, file or profile is not there."""

    exit_code = 3


class Conflict(PgvistaError):
    """A name is taken, or somebody else changed or holds the thing."""

    exit_code = 4


class ConnectionFailed(PgvistaError):
    """No session with the server could be opened."""

    exit_code = 5


class ServerUnavailable(ConnectionFailed):
    """The server went away or is not accepting sessions now; a retry may succeed."""


class ExtensionMissing(PgvistaError):
    """The server has no pgvector, or one that is too old."""

    exit_code = 6


class PermissionDenied(PgvistaError):
    """The role lacks a right."""

    exit_code = 7


class ReadOnly(PermissionDenied):
    """The connection was opened read-only, and Postgres refused to write."""


class QueryFailed(PgvistaError):
    """Postgres refused or could not run a statement."""

    exit_code = 8


class StatementTimeout(QueryFailed):
    """The statement took longer than its limit and was stopped."""


class OutOfSpace(PgvistaError):
    """A disk, the memory or a limit of connections is used up."""

    exit_code = 9


class ModelUnavailable(PgvistaError):
    """An embedding model, or the service that runs it, cannot be used."""

    exit_code = 10


class Cancelled(PgvistaError):
    """A person stopped it."""

    exit_code = 130
