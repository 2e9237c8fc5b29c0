"""A server: how to reach it, and what was found there."""

from __future__ import annotations

from dataclasses import dataclass

MINIMUM_PGVECTOR = (0, 7, 0)
"""halfvec and its operator classes came with pgvector 0.7.0."""
ITERATIVE_SCAN_PGVECTOR = (0, 8, 0)


@dataclass(frozen=True, slots=True)
class Profile:
    """A saved connection. It has no field for a password, so that none can be saved."""

    name: str
    conninfo: str
    """libpq key=value text without a password."""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ExtensionInfo:
    """An extension that the server has or could have."""

    name: str
    installed_version: str | None
    available_version: str | None
    schema: str | None


@dataclass(frozen=True, slots=True)
class ServerReport:
    """The test of a connection."""

    server_version: str
    pgvector_version: str | None
    pgvector_available: str | None
    extension_schema: str | None
    database: str
    role: str
    superuser: bool
    can_create_schema: bool
    can_create_extension: bool
    """As far as it can be told: superuser, or the extension is trusted and the role may create."""
    round_trip_ms: float
    tls: str | None
    """Protocol and cipher, or None for a connection in the clear or over a local socket."""
    host: str
    pooler: str | None
    """What stands between, where it can be told: "transaction pooling", else None."""
    read_only: bool
    in_recovery: bool
    extensions: tuple[ExtensionInfo, ...]
    warnings: tuple[str, ...]


def version_tuple(version: str) -> tuple[int, ...]:
    """Turn "0.8.6" into (0, 8, 6), reading as far as there are numbers."""
    parts: list[int] = []
    for part in version.split("."):
        digits = "".join(ch for ch in part if ch.isdigit())
        if not digits:
            break
        parts.append(int(digits))
    return tuple(parts)
