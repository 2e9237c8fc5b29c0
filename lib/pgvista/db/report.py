"""The test of a connection: what answers there, how fast, how safely, and what it may do."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, rows, sql

from pgvista.db.capabilities import Capabilities
from pgvista.db.database import Database
from pgvista.errors import ReadOnly
from pgvista.model.server import MINIMUM_PGVECTOR, ExtensionInfo, ServerReport, version_tuple

EXTENSIONS = (
    "vector",
    "vectorscale",
    "vchord",
    "vchord_bm25",
    "pg_search",
    "pg_textsearch",
    "pg_trgm",
    "unaccent",
    "hstore",
    "pg_prewarm",
    "pgstattuple",
    "pg_stat_statements",
    "postgres_fdw",
    "citus",
    "pgmq",
    "pg_cron",
    "pg_net",
)
"""Extensions that a part of pgvista can use, or that people ask about beside vectors."""

SMALL_MAINTENANCE_WORK_MEM_BYTES = 64 * 1024**2
ROUND_TRIPS = 5

_ABOUT = """
select current_database(),
       current_user,
       coalesce((select rolsuper from pg_catalog.pg_roles where rolname = current_user), false),
       pg_catalog.has_database_privilege(current_database(), 'CREATE'),
       coalesce((select bool_or(trusted) from pg_catalog.pg_available_extension_versions
                 where name = 'vector'), false),
       current_setting('default_transaction_read_only') = 'on',
       pg_catalog.pg_size_bytes(current_setting('maintenance_work_mem')),
       (select version || ', ' || cipher from pg_catalog.pg_stat_ssl
        where pid = pg_catalog.pg_backend_pid() and ssl)
"""

_EXTENSIONS = """
select a.name, e.extversion, a.default_version, n.nspname
from (select name, default_version from pg_catalog.pg_available_extensions
      union select extname, null from pg_catalog.pg_extension
            where extname not in (select name from pg_catalog.pg_available_extensions)) a
left join pg_catalog.pg_extension e on e.extname = a.name
left join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where a.name = any(%s)
order by a.name
"""


@dataclass(frozen=True, slots=True)
class _About:
    """What one look at the server tells beside its capabilities."""

    database: str
    role: str
    superuser: bool
    can_create: bool
    trusted: bool
    default_read_only: bool
    maintenance_work_mem_bytes: int
    tls: str | None
    host: str
    encrypted: bool
    """Whether the way to the next hop, server or pooler, is encrypted."""
    round_trip_ms: float
    extensions: tuple[ExtensionInfo, ...]


def report(database: Database) -> ServerReport:
    """Test the connection anew and tell what was found.

    Raises PgvistaError when the server cannot be reached; a missing pgvector is no error here but
    a warning in the report.
    """
    capabilities = database.refresh()
    about = database.read(_look)
    pooler = _pooler(database) if capabilities.pooled else None
    vector = next((e for e in about.extensions if e.name == "vector"), None)
    if capabilities.pooled:
        tls = "TLS to the pooler" if about.encrypted else None
    else:
        tls = about.tls or ("TLS" if about.encrypted else None)
    return ServerReport(
        server_version=capabilities.server_version,
        pgvector_version=vector.installed_version if vector else None,
        pgvector_available=capabilities.pgvector_available,
        extension_schema=capabilities.extension_schema,
        database=about.database,
        role=about.role,
        superuser=about.superuser,
        can_create_schema=about.can_create and not capabilities.in_recovery,
        can_create_extension=capabilities.pgvector_available is not None
        and not capabilities.in_recovery
        and (about.superuser or (about.trusted and about.can_create)),
        round_trip_ms=about.round_trip_ms,
        tls=tls,
        host=about.host,
        pooler=pooler,
        read_only=database.read_only or about.default_read_only,
        in_recovery=capabilities.in_recovery,
        extensions=about.extensions,
        warnings=tuple(_warnings(database, capabilities, about, pooler)),
    )


def create_extension(database: Database, *, schema: str | None = None) -> Capabilities:
    """Run ``create extension if not exists vector`` (in `schema`, made when missing).

    Returns the capabilities asked for anew. Raises PermissionDenied, ReadOnly or
    ExtensionMissing (the server has no files of it).
    """
    if database.read_only:
        raise ReadOnly(
            f"The connection to {database.label} is read-only.",
            "Open the connection without read-only to create the extension.",
        )
    with database.transaction() as connection:
        for statement in create_extension_statements(schema):
            connection.execute(statement)
    return database.refresh()


def create_extension_statements(schema: str | None = None) -> tuple[sql.Composed, ...]:
    """Return the statements that `create_extension` runs, to be shown beforehand."""
    if schema is None:
        return (sql.SQL("create extension if not exists vector").format(),)
    name = sql.Identifier(schema)
    return (
        sql.SQL("create schema if not exists {}").format(name),
        sql.SQL("create extension if not exists vector with schema {}").format(name),
    )


def _look(connection: Connection[Any]) -> _About:
    with connection.cursor(row_factory=rows.tuple_row) as cursor:
        about = cursor.execute(_ABOUT).fetchone()
        found = cursor.execute(_EXTENSIONS, [list(EXTENSIONS)]).fetchall()
        trips = []
        for _ in range(ROUND_TRIPS):
            start = time.perf_counter()
            cursor.execute("select 1", prepare=False).fetchone()
            trips.append((time.perf_counter() - start) * 1000)
    assert about is not None  # noqa: S101  (a select without a where gives a row)
    database, role, superuser, can_create, trusted, read_only, memory, tls = about
    return _About(
        database=database,
        role=role,
        superuser=superuser,
        can_create=can_create,
        trusted=trusted,
        default_read_only=read_only,
        maintenance_work_mem_bytes=memory,
        tls=tls,
        host=_host(connection),
        encrypted=connection.pgconn.ssl_in_use,
        round_trip_ms=statistics.median(trips),
        extensions=tuple(ExtensionInfo(*row) for row in found),
    )


def _host(connection: Connection[Any]) -> str:
    host = connection.info.host
    return "local socket" if host.startswith(("/", "@")) else f"{host}:{connection.info.port}"


def _pooler(database: Database) -> str:
    """Tell how the pooler shares its sessions, as far as two connections can find out.

    Two open connections that are answered by the same server process prove that they take turns.
    """

    def backend(connection: Connection[Any]) -> int:
        row = connection.execute("select pg_catalog.pg_backend_pid()", prepare=False).fetchone()
        return int(row[0]) if row else 0

    with database.dedicated() as one:
        backend(one)
        one.commit()
        with database.dedicated() as other:
            answering = backend(other)
            other.commit()
            turns = backend(one) == answering
    return "transaction pooling" if turns else "session pooling, or a busy pooler"


def _warnings(
    database: Database, capabilities: Capabilities, about: _About, pooler: str | None
) -> list[str]:
    """Return a sentence for each thing that a person should know before starting."""
    sentences = []
    version = capabilities.pgvector_version
    minimum = ".".join(map(str, MINIMUM_PGVECTOR))
    if version is None and capabilities.pgvector_available is None:
        sentences.append(
            "This server has no pgvector: ask its administrator to install it, or use another server."
        )
    elif version is None:
        sentences.append(
            f"pgvector {capabilities.pgvector_available} is on the server but not in use in this "
            "database: create the extension."
        )
    else:
        if version < MINIMUM_PGVECTOR:
            sentences.append(f"This pgvector is older than {minimum}, which pgvista needs.")
        if version < (0, 8, 2):
            sentences.append(
                "pgvector before 0.8.2 has a security hole (CVE-2026-3172): update it."
            )
        if version < (0, 8, 3):
            sentences.append("pgvector before 0.8.3 can damage an index at vacuum: update it.")
        available = capabilities.pgvector_available
        if available and version_tuple(available) > version:
            sentences.append(
                f"The server has pgvector {available}, which this database does not use yet: "
                "alter extension vector update."
            )
    if capabilities.in_recovery:
        sentences.append("This server is a standby: it can be searched, but takes no writes.")
    elif about.default_read_only and not database.read_only:
        sentences.append("New transactions are read-only here (default_transaction_read_only).")
    if pooler is not None:
        sentences.append(
            f"A pooler stands between ({pooler}): statements are not prepared, and settings are "
            "made inside each transaction."
        )
    if about.maintenance_work_mem_bytes <= SMALL_MAINTENANCE_WORK_MEM_BYTES:
        megabytes = about.maintenance_work_mem_bytes // 1024**2
        sentences.append(
            f"maintenance_work_mem is {megabytes} MB: an HNSW index that outgrows it is built much "
            "more slowly."
        )
    if not about.encrypted and not _is_near(about.host):
        sentences.append("The connection is not encrypted: what is sent can be read on the way.")
    return sentences


def _is_near(host: str) -> bool:
    name = host.rsplit(":", 1)[0]
    return host == "local socket" or name in ("localhost", "::1") or name.startswith("127.")
