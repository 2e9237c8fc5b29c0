"""What a server can do, as far as a search or a load needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, rows

from pgvista.errors import ExtensionMissing
from pgvista.model.server import ITERATIVE_SCAN_PGVECTOR, MINIMUM_PGVECTOR, version_tuple

_CAPABILITIES = """
select current_setting('server_version_num')::int,
       current_setting('server_version'),
       e.extversion,
       n.nspname,
       n.nspname = any (pg_catalog.current_schemas(true)),
       (select default_version from pg_catalog.pg_available_extensions where name = 'vector'),
       pg_catalog.pg_is_in_recovery(),
       coalesce((select rolsuper from pg_catalog.pg_roles where rolname = current_user), false)
from (select 1) as one
left join (pg_catalog.pg_extension e
           join pg_catalog.pg_namespace n on n.oid = e.extnamespace)
     on e.extname = 'vector'
"""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Versions, where pgvector lives, what stands between, and the role's standing."""

    server_version_num: int
    """E.g. 180006 for 18.6."""
    server_version: str
    pgvector_version: tuple[int, ...] | None
    """E.g. (0, 8, 6); None without the extension in this database."""
    pgvector_available: str | None
    """The version that `create extension` would install; None when the server has no files of it."""
    extension_schema: str | None
    """Schema that pgvector lives in."""
    extension_qualifier: str | None
    """That schema when types and operators must be qualified by it; None when it is on the path."""
    pooled: bool
    """Whether a pooler such as PgBouncer stands between."""
    in_recovery: bool
    """Whether the server is a standby, which takes no writes."""
    is_superuser: bool

    @property
    def can_replace_triggers(self) -> bool:
        """Whether a trigger can take another one's place and readers go on (Postgres 14)."""
        return self.server_version_num >= 140_000

    @property
    def supports_iterative_scan(self) -> bool:
        """Whether an index can go on looking when a filter left too few rows (pgvector 0.8)."""
        return (
            self.pgvector_version is not None and self.pgvector_version >= ITERATIVE_SCAN_PGVECTOR
        )

    def require_vector(self) -> None:
        """Raise ExtensionMissing when pgvector is missing here or older than pgvista needs."""
        needed = ".".join(map(str, MINIMUM_PGVECTOR))
        if self.pgvector_version is None:
            if self.pgvector_available is None:
                raise ExtensionMissing(
                    "This server has no pgvector.",
                    f"Ask its administrator to install pgvector {needed} or newer.",
                )
            raise ExtensionMissing(
                f"pgvector {self.pgvector_available} is on the server, but not in use in this database.",
                "Run: create extension vector.",
            )
        if self.pgvector_version < MINIMUM_PGVECTOR:
            has = ".".join(map(str, self.pgvector_version))
            newer = (
                version_tuple(self.pgvector_available) >= MINIMUM_PGVECTOR
                if self.pgvector_available
                else False
            )
            raise ExtensionMissing(
                f"This database has pgvector {has}, and pgvista needs {needed} or newer.",
                "Run: alter extension vector update."
                if newer
                else "Ask the administrator to install a newer pgvector.",
            )


def fetch_capabilities(connection: Connection[Any], *, pooled: bool) -> Capabilities:
    """Ask the server; one round trip. `pooled` is known from how the connection was opened."""
    with connection.cursor(row_factory=rows.tuple_row) as cursor:
        row = cursor.execute(_CAPABILITIES, prepare=False).fetchone()
    assert row is not None  # noqa: S101  (a select without a where gives a row)
    number, version, vector, schema, on_path, available, recovery, superuser = row
    return Capabilities(
        server_version_num=number,
        server_version=version,
        pgvector_version=version_tuple(vector) if vector else None,
        pgvector_available=available,
        extension_schema=schema,
        extension_qualifier=None if schema is None or on_path else schema,
        pooled=pooled,
        in_recovery=recovery,
        is_superuser=superuser,
    )
