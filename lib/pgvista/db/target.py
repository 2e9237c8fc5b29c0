"""Where to connect: a libpq connection string with a name, from a URL or from form fields.

libpq does the connecting, so its conventions hold as they are: `PG*` variables, ``service=``,
``.pgpass``, several hosts, ``sslmode`` and certificates. Nothing of it is done again here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from functools import cache

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgvista.config import Secret
from pgvista.errors import InvalidInput

_IDENTITY_KEY = secrets.token_bytes(32)

_SECRET_KEYWORDS = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
_FOREIGN_PARAMETERS = (
    "pgbouncer", "schema", "connection_limit", "pool_timeout", "ssl", "sslaccept", "supa",
    "statement_cache_size", "prepared_statements", "prepareThreshold", "currentSchema", "charset",
)  # fmt: skip
_EXAMPLE = "Write it as postgresql://user:password@host:5432/database, or as host=... dbname=...."
_ENCODE = "In a URL, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25 in a user name or password, or give the password by itself."


@dataclass(frozen=True, slots=True)
class Target:
    """A server and database to connect to, and as whom. `repr` shows no password."""

    conninfo: Secret
    """libpq key=value text; it may hold a password."""
    label: str
    """Short name for people, e.g. "embedded" or "docs@db.example:5432"; never a secret."""
    read_only: bool = False
    embedded: bool = False

    def identity(self) -> str:
        """Return a key for caches: equal for equal connections, and nothing can be read from it.

        It differs when the password or `read_only` differ. The digest is keyed anew in each
        process, so that a password cannot be guessed from it: do not store it.
        """
        parts = sorted(_parse(self.conninfo.reveal()).items())
        return hmac.new(
            _IDENTITY_KEY, repr((parts, self.read_only)).encode(), hashlib.sha256
        ).hexdigest()

    def without_password(self) -> str:
        """Return libpq key=value text without any password: safe to show and to save."""
        return make_conninfo(**public_parameters(self.conninfo.reveal()))


def target_from_url(
    text: str,
    *,
    read_only: bool = False,
    password: Secret | None = None,
    label: str | None = None,
    embedded: bool = False,
) -> Target:
    """Read ``postgresql://``, ``postgres://`` or libpq's ``key=value`` text (also ``service=...``).

    `password`, when given, takes the place of one in `text`. `label` defaults to
    ``database@host:port``. Raises InvalidInput, whose text never repeats what was typed.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("The address of the server is empty.", _EXAMPLE)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):", text)
    is_url = text.startswith(("postgres://", "postgresql://"))
    if not is_url and scheme and "=" not in text[: scheme.end()]:
        raise _refused_scheme(text)
    if is_url:
        _check_url(text)
    elif "=" not in text:
        raise InvalidInput("This is neither a Postgres URL nor key=value text.", _EXAMPLE)
    parameters = _parse(text)
    if password:
        parameters["password"] = password.reveal()
    return _target(parameters, read_only=read_only, label=label, embedded=embedded)


def target_from_fields(
    *,
    host: str = "",
    port: int | str | None = None,
    dbname: str = "",
    user: str = "",
    password: Secret | None = None,
    sslmode: str = "",
    sslrootcert: str = "",
    sslcert: str = "",
    sslkey: str = "",
    service: str = "",
    passfile: str = "",
    connect_timeout: int | None = None,
    options: str = "",
    target_session_attrs: str = "",
    read_only: bool = False,
    label: str | None = None,
) -> Target:
    """Make a target from the fields of a form; an empty field is left to libpq.

    `host` may be a name, an address, the folder of a Unix socket, or several joined by commas;
    `port` 1 to 65535; `connect_timeout` in seconds, at least 2. Raises InvalidInput.
    """
    parameters = {
        keyword: str(value).strip()
        for keyword, value in {
            "service": service,
            "host": host,
            "port": port,
            "dbname": dbname,
            "user": user,
            "sslmode": sslmode,
            "sslrootcert": sslrootcert,
            "sslcert": sslcert,
            "sslkey": sslkey,
            "passfile": passfile,
            "connect_timeout": connect_timeout,
            "options": options,
            "target_session_attrs": target_session_attrs,
        }.items()
        if value is not None and str(value).strip()
    }
    if password:
        parameters["password"] = password.reveal()
    return _target(parameters, read_only=read_only, label=label, embedded=False)


def public_parameters(conninfo: str) -> dict[str, str]:
    """Return the parameters of `conninfo` but for passwords and other secrets."""
    hidden = _hidden_keywords()
    return {keyword: value for keyword, value in _parse(conninfo).items() if keyword not in hidden}


@cache
def _hidden_keywords() -> frozenset[str]:
    """Return the names of parameters that libpq itself would show as asterisks, and of keys."""
    return _SECRET_KEYWORDS | {
        option.keyword.decode()
        for option in pq.Conninfo.get_defaults()
        if option.dispchar.startswith(b"*")
    }


def _parse(text: str) -> dict[str, str]:
    """Split `text` by libpq's own parser; its complaints quote the text, so ours do not."""
    if "\0" in text:
        raise InvalidInput("The connection's text holds a NUL byte.", "Remove it.")
    try:
        return {keyword: str(value) for keyword, value in conninfo_to_dict(text).items()}
    except (psycopg.Error, UnicodeError):
        pass
    for name in _FOREIGN_PARAMETERS:
        if re.search(rf"[?&]{name}=", text):
            raise InvalidInput(
                f"The URL has the parameter {name!r}, which belongs to another client and not to libpq.",
                "Leave it out.",
            )
    raise InvalidInput(
        "The connection's text cannot be read as libpq's URL or key=value text.",
        _ENCODE if "://" in text else f"{_EXAMPLE} Put values with spaces in single quotes.",
    )


def _target(
    parameters: dict[str, str], *, read_only: bool, label: str | None, embedded: bool
) -> Target:
    for name in ("host", "hostaddr", "user", "dbname"):
        if "\0" in parameters.get(name, ""):
            raise InvalidInput("The connection's text holds a NUL byte.", "Remove it.")
    ports = parameters.get("port", "")
    if ports and not all(
        not port or (port.isascii() and port.isdigit() and 0 < int(port) < 65536)
        for port in ports.split(",")
    ):
        raise InvalidInput("The port is not a number from 1 to 65535.", "Postgres' own is 5432.")
    if any(character in parameters.get("host", "") for character in "@?#"):
        raise InvalidInput("The host's name holds a character that no host has.", _ENCODE)
    if not parameters.get("password", "x"):
        del parameters["password"]
    try:
        conninfo = make_conninfo(**parameters)
    except (psycopg.Error, UnicodeError):
        raise InvalidInput(
            "The connection's fields cannot be read by libpq.",
            "Check them for characters that cannot be typed.",
        ) from None
    return Target(Secret(conninfo), label or _label(parameters), read_only, embedded)


def _label(parameters: dict[str, str]) -> str:
    """Name the database and where it is; what is not given is libpq's to choose."""
    host = parameters.get("host") or parameters.get("hostaddr", "")
    ports = parameters.get("port", "").split(",")
    service = parameters.get("service")
    if service and not host:
        return f"{parameters['dbname']}@service {service}" if "dbname" in parameters else service
    hosts = host.split(",") if host else ["local"]
    if len(ports) != len(hosts):
        ports = ports[:1] * len(hosts)
    places = [
        f"{'socket' if name.startswith('/') else name}{':' + port if port else ''}"
        for name, port in zip(hosts, ports, strict=True)
    ]
    database = parameters.get("dbname") or parameters.get("user")
    return f"{database}@{','.join(places)}" if database else ",".join(places)


def _check_url(text: str) -> None:
    """Refuse a URL in which libpq would take a piece of the password for a host or database."""
    rest = text.split("://", 1)[1]
    at, slash = rest.find("@"), rest.find("/")
    has_user = at >= 0 and (slash < 0 or at < slash)
    place = rest[at + 1 :] if has_user else rest
    if "@" in place.split("?", 1)[0]:
        raise InvalidInput(
            "The URL has an @ or / that is not percent-encoded, so its parts cannot be told apart.",
            _ENCODE,
        )


def _refused_scheme(text: str) -> InvalidInput:
    lowered = text.lower()
    if re.match(r"postgres(ql)?(\+\w+)?:", lowered):
        return InvalidInput(
            "The URL does not begin with postgresql:// as libpq writes it.",
            "Leave out a driver's name such as +psycopg, and write it in small letters.",
        )
    if lowered.startswith("jdbc:"):
        return InvalidInput("This is a URL of JDBC.", "Leave out the jdbc: before postgresql://.")
    return InvalidInput("This is not the address of a Postgres server.", _EXAMPLE)
