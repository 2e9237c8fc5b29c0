"""Each SQLSTATE, and each message of libpq that has none, becomes its own error."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.pq import DiagnosticField

from pgvista.db.errors import is_lost, is_transient, primary_message, translate, translated
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

LABEL = "docs@db.example"


def raised(state: str, message: str) -> psycopg.Error:
    """Return the error that psycopg raises for `state`, as if a server had sent it."""
    info: dict[int, bytes | None] = {
        int(DiagnosticField.MESSAGE_PRIMARY): message.encode(),
        int(DiagnosticField.SQLSTATE): state.encode(),
    }
    return pg.lookup(state)(message, info=info)


@pytest.mark.parametrize(
    ("state", "message", "kind", "words"),
    [
        ("57014", "canceling statement due to statement timeout", StatementTimeout, "time limit"),
        ("57014", "canceling statement due to user request", Cancelled, "cancelled"),
        ("57014", "Anweisung wird abgebrochen", QueryFailed, "Anweisung"),
        ("55P03", "canceling statement due to lock timeout", Conflict, "lock"),
        ("25006", "cannot execute INSERT in a read-only transaction", ReadOnly, "read-only"),
        ("42501", "permission denied for table secret", PermissionDenied, "table secret"),
        ("42501", "new row violates row-level security policy", PermissionDenied, "row-level"),
        ("53100", "could not extend file: No space left on device", OutOfSpace, "disk is full"),
        ("53200", "out of memory", OutOfSpace, "out of memory"),
        ("53300", "sorry, too many clients already", OutOfSpace, "no connection left"),
        ("53400", "some limit", OutOfSpace, "used up"),
        ("23505", "duplicate key value violates unique constraint", Conflict, "same key"),
        ("23503", "violates foreign key constraint", Conflict, "refer"),
        ("23502", "null value in column", InvalidInput, "null value"),
        ("42P07", 'relation "docs" already exists', Conflict, "taken"),
        ("42710", "extension already exists", Conflict, "taken"),
        ("42P01", 'relation "docs" does not exist', NotFound, '"docs"'),
        ("42703", 'column "x" does not exist', NotFound, '"x"'),
        ("3F000", 'schema "x" does not exist', NotFound, '"x"'),
        ("42704", 'text search configuration "klingon" does not exist', InvalidInput, "klingon"),
        ("42704", 'type "vector" does not exist', ExtensionMissing, "pgvector"),
        ("42704", 'type "extensions.halfvec" does not exist', ExtensionMissing, "pgvector"),
        ("42704", 'operator class "vector_l2_ops" does not exist', ExtensionMissing, "pgvector"),
        ("42704", 'role "vector-reader" does not exist', NotFound, "vector-reader"),
        ("0A000", 'extension "vector" is not available', ExtensionMissing, "does not offer"),
        ("0A000", "cannot do that", QueryFailed, "cannot do that"),
        ("58P01", "could not open extension control file", ExtensionMissing, "does not offer"),
        ("22000", "expected 384 dimensions, not 1536", InvalidInput, "1,536 dimensions, and the"),
        ("22000", "different vector dimensions 3 and 2", InvalidInput, "cannot be compared"),
        ("22000", "different halfvec dimensions 3 and 2", InvalidInput, "cannot be compared"),
        ("22000", "NaN not allowed in vector", InvalidInput, "NaN"),
        ("22000", "infinite value not allowed in halfvec", InvalidInput, "infinite"),
        ("22000", "vector must have at least 1 dimension", InvalidInput, "at least 1"),
        ("22003", '"1e39" is out of range for type vector', InvalidInput, "does not fit"),
        ("22P02", "invalid input syntax for type vector", InvalidInput, "invalid input"),
        ("22023", "100000 is outside the valid range for hnsw.ef_search", InvalidInput, "range"),
        ("22021", "invalid byte sequence for encoding: 0x00", InvalidInput, "NUL"),
        ("22P05", "unsupported Unicode escape sequence", InvalidInput, "NUL"),
        ("54000", "string is too long for tsvector (1 bytes, max 2)", InvalidInput, "too long"),
        ("54000", "column cannot have more than 2000 dimensions", InvalidInput, "2000"),
        ("54000", "index row size 3000 exceeds maximum 2712", InvalidInput, "index"),
        ("54001", "stack depth limit exceeded", QueryFailed, "stack depth"),
        ("40001", "could not serialize access", Conflict, "Somebody else"),
        ("40P01", "deadlock detected", Conflict, "Somebody else"),
        (
            "57P01",
            "terminating connection due to administrator command",
            ServerUnavailable,
            "ended",
        ),
        ("57P02", "terminating connection because of crash", ServerUnavailable, "ended"),
        ("57P03", "the database system is starting up", ServerUnavailable, "starting up"),
        ("08001", 'could not connect to server "shard0"', ServerUnavailable, "shard0"),
        ("08P01", "query_wait_timeout", ServerUnavailable, "pooler"),
        ("08P01", "server conn crashed?", ServerUnavailable, "lost"),
        ("08P01", 'no such database: "x"', ConnectionFailed, "does not exist"),
        ("08006", "connection failure", ServerUnavailable, "lost"),
        ("28P01", "password authentication failed", ConnectionFailed, "refuses the password"),
        ("28000", "role does not exist", ConnectionFailed, "role"),
        ("3D000", 'database "x" does not exist', ConnectionFailed, "does not exist"),
        ("42601", 'syntax error at or near "selct"', QueryFailed, "syntax error"),
        ("XX000", "an internal\n  error.", QueryFailed, "an internal error."),
        ("42883", "operator {does} not exist", QueryFailed, "{does}"),
        ("42P01", "relation {label} does not exist", NotFound, "{label}"),
    ],
)
def test_by_sqlstate(state: str, message: str, kind: type[PgvistaError], words: str) -> None:
    error = translate(raised(state, message), label=LABEL)
    assert type(error) is kind
    assert words in error.message
    assert error.message.endswith(".")
    assert ".." not in error.message


SERVER = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (
            "failed to resolve host 'x': [Errno -2] Name or service not known",
            ServerUnavailable,
            "cannot be found",
        ),
        (SERVER + "Connection refused\n\tIs the server running", ServerUnavailable, "Nothing"),
        (
            'connection failed: connection to server on socket "/s/.s.PGSQL.5432" failed: '
            "No such file or directory",
            ServerUnavailable,
            "Nothing listens",
        ),
        (
            'connection is bad: connection to server on socket "/s/.s.PGSQL.5432" failed: '
            "No such file or directory",
            ServerUnavailable,
            "Nothing listens",
        ),
        (SERVER + "No route to host", ServerUnavailable, "no way"),
        (
            SERVER + 'FATAL:  password authentication failed for user "u"',
            ConnectionFailed,
            "refuses the password",
        ),
        (SERVER + "fe_sendauth: no password supplied", ConnectionFailed, "asks for a password"),
        (SERVER + 'FATAL:  role "u" does not exist', ConnectionFailed, "role"),
        (SERVER + 'FATAL:  database "d" does not exist', ConnectionFailed, "does not exist"),
        (
            SERVER + 'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", no encryption',
            ConnectionFailed,
            "without TLS",
        ),
        (
            SERVER + 'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", SSL encryption',
            ConnectionFailed,
            "pg_hba.conf",
        ),
        (
            SERVER + "server does not support SSL, but SSL was required",
            ConnectionFailed,
            "has no TLS",
        ),
        (
            SERVER + "SSL error: certificate verify failed",
            ConnectionFailed,
            "could not be verified",
        ),
        (
            SERVER + 'server certificate for "a" does not match host name "b"',
            ConnectionFailed,
            "could not be verified",
        ),
        (SERVER + "FATAL:  sorry, too many clients already", OutOfSpace, "no connection left"),
        (SERVER + "FATAL:  remaining connection slots are reserved", OutOfSpace, "no connection"),
        (SERVER + "FATAL:  the database system is starting up", ServerUnavailable, "starting up"),
        (SERVER + "FATAL:  the database system is shutting down", ServerUnavailable, "shutting"),
        (SERVER + "FATAL:  the database system is in recovery mode", ServerUnavailable, "starting"),
        (SERVER + "FATAL:  Tenant or user not found", ConnectionFailed, "role"),
        (SERVER + "FATAL:  Passwort-Fehler", ConnectionFailed, "Passwort-Fehler"),
        (SERVER + "something new", ConnectionFailed, "No session"),
        (
            "consuming input failed: server closed the connection unexpectedly",
            ServerUnavailable,
            "lost in the middle",
        ),
        ("consuming input failed: SSL SYSCALL error: EOF detected", ServerUnavailable, "lost"),
        ("the connection is lost", ServerUnavailable, "lost"),
        ("the connection is closed", ServerUnavailable, "lost"),
        ('definition of service "x" not found', ConnectionFailed, "not defined"),
    ],
)
def test_by_message_where_there_is_no_sqlstate(
    message: str, kind: type[PgvistaError], words: str
) -> None:
    error = translate(psycopg.OperationalError(message), label=LABEL)
    assert type(error) is kind
    assert words in error.message
    assert LABEL in error.message
    assert error.hint or "Passwort" in message


def test_connection_timeout() -> None:
    error = translate(pg.ConnectionTimeout("connection timeout expired"), label=LABEL)
    assert isinstance(error, ServerUnavailable)
    assert "in time" in error.message


def test_what_psycopg_itself_refuses() -> None:
    nul = psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    assert isinstance(translate(nul, label=LABEL), InvalidInput)
    other = psycopg.ProgrammingError("the query has 1 placeholder but 2 parameters were passed")
    assert type(translate(other, label=LABEL)) is QueryFailed


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (raised("57P01", "terminating"), True),
        (raised("57P03", "starting up"), True),
        (raised("08006", "lost"), True),
        (raised("53300", "too many"), True),
        (raised("40001", "race"), True),
        (raised("40P01", "deadlock"), True),
        (raised("08P01", "query_wait_timeout"), True),
        (raised("08P01", "bad packet"), False),
        (raised("23505", "duplicate"), False),
        (raised("57014", "canceling statement due to statement timeout"), False),
        (raised("53100", "disk full"), False),
        (raised("28P01", "password"), False),
        (psycopg.OperationalError(SERVER + "Connection refused"), True),
        (psycopg.OperationalError("the connection is lost"), True),
        (pg.ConnectionTimeout("connection timeout expired"), True),
        (psycopg.OperationalError(SERVER + "FATAL:  password authentication failed"), False),
        (ServerUnavailable("away"), True),
        (ConnectionFailed("wrong password"), False),
        (ValueError("x"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_is_transient(error: BaseException, transient: bool) -> None:
    assert is_transient(error) is transient


def test_is_lost_tells_an_ended_session_from_a_race() -> None:
    assert is_lost(raised("57P01", "terminating"))
    assert not is_lost(raised("40P01", "deadlock"))
    assert not is_lost(raised("25006", "read-only"))


def test_translated_keeps_the_servers_error_as_cause_and_hides_libpqs() -> None:
    with pytest.raises(NotFound) as caught, translated(LABEL):
        raise raised("42P01", 'relation "x" does not exist')
    assert isinstance(caught.value.__cause__, pg.UndefinedTable)
    with pytest.raises(ServerUnavailable) as hidden, translated(LABEL):
        raise psycopg.OperationalError(SERVER + "Connection refused")
    assert hidden.value.__cause__ is None
    assert hidden.value.__suppress_context__
    with pytest.raises(ValueError, match="own"), translated(LABEL):
        raise ValueError("own")


def test_primary_message_is_one_line_without_a_full_stop() -> None:
    assert primary_message(raised("XX000", "a\n b.")) == "a b"
    assert primary_message(psycopg.OperationalError("first\nsecond")) == "first"
