"""A sentence and a hint for what libpq, psycopg and poolers say where there is no SQLSTATE.

While a session is being opened, libpq hands on the server's message without its state. Where
several attempts failed (several hosts or addresses), the first line of the table that fits any of
their messages decides: a refused password tells more than a refused connection.
"""

from __future__ import annotations

import re

from pgvista.db.sqlstates import (
    BAD_TEXT,
    NO_DATABASE,
    NO_PASSWORD,
    NO_ROLE,
    STARTING,
    TOO_MANY,
    Make,
    plain,
)
from pgvista.errors import ConnectionFailed, PermissionDenied, ServerUnavailable

BY_TEXT: tuple[tuple[re.Pattern[str], Make], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), make)
    for pattern, make in (
        (
            r"password authentication failed|SASL authentication failed|wrong password"
            r"|authentication failed for user",
            NO_PASSWORD,
        ),
        (
            r"no password supplied|empty password",
            plain(
                ConnectionFailed,
                "The server of {label} asks for a password, and none was given.",
                "Type it, or keep it in a .pgpass file.",
            ),
        ),
        (
            r'role "[^"]*" (does not exist|is not permitted)|no such user|tenant or user not found',
            NO_ROLE,
        ),
        (r'database "[^"]*" does not exist|no such database', NO_DATABASE),
        (
            r"permission denied for database",
            plain(
                PermissionDenied,
                "The role has no right to connect to the database of {label}.",
                "Ask the owner: grant connect on database.",
            ),
        ),
        (
            r"no pg_hba\.conf entry.*no encryption|SSL (connection )?(is )?required",
            plain(
                ConnectionFailed,
                "The server of {label} does not admit this client without TLS (pg_hba.conf).",
                "Set sslmode to require, or ask the administrator for an entry for your address.",
            ),
        ),
        (
            r"no pg_hba\.conf entry|pg_hba\.conf rejects",
            plain(
                ConnectionFailed,
                "The server of {label} does not admit this client, user and database (pg_hba.conf).",
                "Ask its administrator for an entry for your address.",
            ),
        ),
        (
            r"server does not support SSL",
            plain(
                ConnectionFailed,
                "The server of {label} has no TLS, and sslmode demands it.",
                "Set sslmode to prefer, if the network may be trusted, or turn TLS on there.",
            ),
        ),
        (
            r"certificate verify failed|does not match host name|certificate has expired|self.signed",
            plain(
                ConnectionFailed,
                "The certificate of {label} could not be verified.",
                "Give the right sslrootcert and the host's name as in the certificate.",
            ),
        ),
        (
            r"root certificate file|certificate file|private key file|could not load system root",
            plain(
                ConnectionFailed,
                "A certificate or key for {label} is missing or cannot be read.",
                "Check sslrootcert, sslcert and sslkey.",
            ),
        ),
        (
            r"invalid sslmode|SSL error|tlsv1|unsupported protocol",
            plain(
                ConnectionFailed,
                "No TLS session could be agreed on with {label}.",
                "Check sslmode and the certificates.",
            ),
        ),
        (
            r"definition of service|service file",
            plain(
                ConnectionFailed,
                "The service of {label} is not defined.",
                "Check ~/.pg_service.conf, PGSERVICEFILE and the service's name.",
            ),
        ),
        (
            r"unsupported startup parameter",
            plain(
                ConnectionFailed,
                "The pooler of {label} refuses one of the connection's parameters.",
                "Leave out options.",
            ),
        ),
        (
            r"too many (clients|connections)|remaining connection slots|no more connections",
            TOO_MANY,
        ),
        (r"starting up|shutting down|recovery mode|not yet accepting", STARTING),
        (
            r"cannot connect to server|server login has been failing|query_wait_timeout",
            plain(
                ServerUnavailable,
                "The pooler of {label} answers, but cannot reach its server.",
                "Try again soon.",
            ),
        ),
        (
            r"failed to resolve host|could not translate host name",
            plain(
                ServerUnavailable,
                "The host of {label} cannot be found.",
                "Check its name and the network.",
            ),
        ),
        (
            r"connection (failed|to server).*(connection refused|no such file or directory)",
            plain(
                ServerUnavailable,
                "Nothing listens where {label} should be.",
                "Check host and port, and whether the server runs.",
            ),
        ),
        (
            r"timeout expired|timed out",
            plain(
                ServerUnavailable,
                "The host of {label} does not answer in time.",
                "Check host, port, firewall and network.",
            ),
        ),
        (
            r"no route to host|network is unreachable",
            plain(
                ServerUnavailable, "The network has no way to {label}.", "Check host and network."
            ),
        ),
        (r"cannot contain NUL|surrogates not allowed", BAD_TEXT),
    )
)
