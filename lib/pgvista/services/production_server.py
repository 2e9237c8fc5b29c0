"""Checks of memory, versions, limits, and of who may read what on which way."""

from __future__ import annotations

from pgvista.model.collection import RelationKind
from pgvista.model.index import DEFAULT_M, IndexMethod, IndexSpec, advised_lists
from pgvista.model.production import Area, Check, Facts, Goal, Status
from pgvista.services import index_estimate
from pgvista.services.production_index import fitting_spec
from pgvista.sql import production as sql

MB = 1024**2
KNOWN_FAULTS = (
    ((0, 8, 2), "has a security hole (CVE-2026-3172)"),
    ((0, 8, 3), "can damage an index at vacuum"),
)
"""(first version without it, what it is)."""
TIMEOUT = "30s"
BUSY_SHARE = 0.8
"""So much of max_connections in use is close to refusing the next one."""
_STORED = (RelationKind.TABLE, RelationKind.PARTITIONED, RelationKind.MATVIEW)


def cache(facts: Facts, goal: Goal) -> Check | None:
    """Whether index and table fit in Postgres's cache, or in the system's."""
    stats, server, index = facts.stats, facts.server, facts.serving
    if stats.collection.kind not in _STORED:
        return None
    size = 0 if index is None else index.size_bytes
    what = "The table" if index is None else f"{index.name} ({_size(size)}) and the table"
    hot = size + stats.table_bytes
    key = size or stats.table_bytes
    told = (
        f"{what} ({_size(stats.table_bytes)}); shared_buffers is "
        f"{_size(server.shared_buffers_bytes)}, effective_cache_size "
        f"{_size(server.effective_cache_bytes)}"
    )
    if hot <= server.shared_buffers_bytes:
        return _memory("cache", "Fits in memory", Status.OK, f"{told}: all of it fits.")
    wanted = _round_up(int(1.25 * key))
    remedy = sql.alter_system(
        "shared_buffers", f"{wanted // MB}MB", "needs a restart, and a machine with four times it"
    )
    if key <= server.shared_buffers_bytes:
        part = "the index fits" if index is not None else "the table fits"
        return _memory("cache", "Fits in memory", Status.OK, f"{told}: {part} in shared_buffers.")
    if key <= server.effective_cache_bytes:
        return _memory(
            "cache", "Fits in memory", Status.WARNING,
            f"{told}: it fits in the system's cache alone, if the machine has so much.", remedy,
        )  # fmt: skip
    return _memory(
        "cache", "Fits in memory", Status.TODO,
        f"{told}: it fits in neither, so searches read from disk. Give it memory, or index fewer "
        "bytes: halfvec, bits or leading dimensions.",
        remedy, "Types and sizes",
    )  # fmt: skip


def prewarm(facts: Facts, goal: Goal) -> Check:
    """Whether an index can be read into memory before the first search after a restart."""
    server = facts.server
    by_itself = "pg_prewarm" in (server.preload_libraries or "")
    if server.prewarm_installed:
        more = (
            "It is in shared_preload_libraries, so what was in memory is read again after a restart."
            if by_itself
            else "After a restart run it on the index; in shared_preload_libraries it does so by itself."
        )
        return _memory("prewarm", "pg_prewarm", Status.OK, f"Installed. {more}")
    if facts.serving is None:
        return _memory(
            "prewarm", "pg_prewarm", Status.OK, "Not installed, and there is no index to warm."
        )
    if not server.prewarm_available:
        return _memory(
            "prewarm", "pg_prewarm", Status.WARNING,
            "The server has no files of it: run a few hundred searches after a restart instead.",
        )  # fmt: skip
    return _memory(
        "prewarm", "pg_prewarm", Status.TODO,
        "Not installed. After a restart the first searches read the index from disk.",
        sql.prewarm(facts.serving), "Indexes",
    )  # fmt: skip


def maintenance(facts: Facts, goal: Goal) -> Check | None:
    """Whether the index could be built anew in memory."""
    stats, server = facts.stats, facts.server
    spec = fitting_spec(stats.collection)
    if spec is None or stats.collection.kind not in _STORED:
        return None
    needed = _build_bytes(facts, spec)
    told = (
        f"maintenance_work_mem is {_size(server.maintenance_work_mem_bytes)}; the index is built in "
        f"{_size(needed)}"
    )
    if needed <= server.maintenance_work_mem_bytes:
        return _memory("maintenance_work_mem", "Memory to build", Status.OK, f"{told}: it fits.")
    wanted = _round_up(int(1.1 * needed))
    return _memory(
        "maintenance_work_mem", "Memory to build", Status.TODO,
        f"{told}: beyond it the graph goes to disk, and the build takes many times as long.",
        sql.alter_database(server.database, "maintenance_work_mem", f"{wanted // MB}MB"),
    )  # fmt: skip


def version(facts: Facts, goal: Goal) -> Check:
    """Whether pgvector has known faults."""
    found, available = facts.server.pgvector, facts.server.pgvector_available
    if found is None:
        return _server("pgvector", "pgvector", Status.UNKNOWN, "Its version could not be read.")
    faults = [fault for until, fault in KNOWN_FAULTS if found < until]
    name = f"pgvector {_dotted(found)}"
    newer = available is not None and available > found
    update = "alter extension vector update;" if newer else None
    if faults:
        last = KNOWN_FAULTS[-1][0]
        helps = newer and available is not None and available >= last
        return _server(
            "pgvector", "pgvector", Status.TODO, f"{name} {' and '.join(faults)}. "
            + (f"The server has {_dotted(available or ())}."
               if helps else f"Ask for {_dotted(last)} or newer to be installed."),
            update,
        )  # fmt: skip
    if newer:
        return _server(
            "pgvector", "pgvector", Status.WARNING,
            f"{name} has no known faults; the server has {_dotted(available or ())}, which is not used.",
            update,
        )  # fmt: skip
    return _server("pgvector", "pgvector", Status.OK, f"{name} has no known faults.")


def timeout(facts: Facts, goal: Goal) -> Check:
    """Whether a statement that runs away is stopped."""
    server = facts.server
    limit = server.statement_timeout_ms
    if limit:
        return _server(
            "statement_timeout", "statement_timeout", Status.OK,
            f"Statements of {server.role} end after {limit / 1000:g} s. Index builds by hand begin "
            "with: set statement_timeout = 0.",
        )  # fmt: skip
    return _server(
        "statement_timeout", "statement_timeout", Status.TODO,
        f"None for {server.role}: a search that runs away keeps a connection and a core for good.",
        sql.alter_role(server.role, server.database, "statement_timeout", TIMEOUT),
    )  # fmt: skip


def connections(facts: Facts, goal: Goal) -> Check:
    """Whether connections are few, or shared by a pooler."""
    server = facts.server
    told = f"{server.connections:,} of {server.max_connections:,} connections are in use"
    if server.pooled:
        return _server(
            "connections", "Connections", Status.OK,
            f"Through a pooler; {told}. In your own client switch prepared statements off (psycopg: "
            "prepare_threshold=None), and set knobs by SET LOCAL alone.",
        )  # fmt: skip
    if server.connections >= BUSY_SHARE * server.max_connections:
        return _server(
            "connections", "Connections", Status.WARNING,
            f"{told}, without a pooler: the next ones may be refused. Put PgBouncer in between.",
        )  # fmt: skip
    return _server(
        "connections", "Connections", Status.OK,
        f"{told}, without a pooler. Behind one in transaction mode, psycopg takes "
        "prepare_threshold=None.",
    )  # fmt: skip


def row_security(facts: Facts, goal: Goal) -> Check | None:
    """Whether others may read all rows."""
    found, collection = facts.relation, facts.stats.collection
    if collection.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED):
        return None
    readers = ", ".join(found.readers)
    if found.row_security:
        count = found.policies
        return _server(
            "row_security", "Row-level security", Status.OK,
            "On, with "
            + (f"{count:,} {'policy' if count == 1 else 'policies'}." if count
               else f"no policy: only {found.owner} reads rows."),
        )  # fmt: skip
    if not readers:
        return _server(
            "row_security", "Row-level security", Status.OK,
            f"Off, and nobody but {found.owner} may read the table.",
        )  # fmt: skip
    return _server(
        "row_security", "Row-level security", Status.TODO if _is_open(found.readers) else Status.WARNING,
        f"Off: every row can be read by {readers}.", sql.enable_row_security(collection),
    )  # fmt: skip


def tls(facts: Facts, goal: Goal) -> Check:
    """Whether the way to the server is encrypted."""
    server = facts.server
    if server.encrypted:
        hop = " to the pooler" if server.pooled else ""
        return _server(
            "tls", "TLS", Status.OK, f"The connection{hop} to {server.host} is encrypted."
        )
    if server.local:
        return _server(
            "tls",
            "TLS",
            Status.OK,
            f"Not encrypted, and it never leaves this machine ({server.host}).",
        )
    return _server(
        "tls", "TLS", Status.TODO,
        f"The connection to {server.host} is not encrypted: questions and rows can be read on the "
        "way. Add sslmode=verify-full to the address.",
    )  # fmt: skip


# -- parts


def _is_open(readers: tuple[str, ...]) -> bool:
    """Tell whether anybody may read: ``public``, or the role of visitors at Supabase."""
    return bool({"public", "anon"} & set(readers))


def _build_bytes(facts: Facts, spec: IndexSpec) -> int:
    """Return the memory that the index takes to build: the one there is, else a fitting one."""
    stats, index = facts.stats, facts.serving
    rows = max(0, stats.rows - (facts.null_vectors or 0))
    bytes_each = index_estimate.indexed_bytes(stats.collection, spec)
    if index is not None and index.target is not None:
        as_built = IndexSpec(target=index.target, leading=index.leading)
        bytes_each = index_estimate.indexed_bytes(stats.collection, as_built)
        if index.method == IndexMethod.IVFFLAT:
            return index_estimate.ivfflat_memory_bytes(
                rows, bytes_each, index.leading or stats.collection.dimension or 0,
                int(index.options.get("lists", advised_lists(rows))), stats.table_bytes,
            )  # fmt: skip
    m = int(index.options.get("m", DEFAULT_M)) if index is not None else DEFAULT_M
    return index_estimate.hnsw_memory_bytes(rows, bytes_each, m)


def _round_up(size: int) -> int:
    """Return whole 64 MB."""
    return -(-size // (64 * MB)) * 64 * MB


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1024:
            return f"{count:.{0 if unit in ('B', 'kB') else 1}f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _memory(
    key: str, title: str, status: Status, sentence: str, sql: str | None = None,
    page: str | None = None,
) -> Check:  # fmt: skip
    return Check(key, Area.MEMORY, title, status, sentence, sql, page)


def _server(key: str, title: str, status: Status, sentence: str, sql: str | None = None) -> Check:
    return Check(key, Area.SERVER, title, status, sentence, sql)


CHECKS = (cache, prewarm, maintenance, version, timeout, connections, row_security, tls)
