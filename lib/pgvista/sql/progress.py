"""How far a running statement of Postgres has come."""

from __future__ import annotations

from pgvista.sql.query import Query, compose


def index_build(schema: str, table: str) -> Query:
    """Ask for the index being built on a table: process, phase, blocks and tuples done and in all."""
    return Query(
        compose(
            """select p.pid, p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total
from pg_stat_progress_create_index p
  join pg_class c on c.oid = p.relid join pg_namespace n on n.oid = c.relnamespace
where p.datname = current_database() and n.nspname = %(schema)s and c.relname = %(table)s
limit 1"""
        ),
        {"schema": schema, "table": table},
    )


def cancel_statement(pid: int) -> Query:
    """Stop the statement that the server process `pid` runs."""
    return Query(compose("select pg_cancel_backend(%(pid)s)"), {"pid": pid})
