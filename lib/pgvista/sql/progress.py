"""How far a running statement of Postgres has come."""

from __future__ import annotations

from pgvista.sql.query import Query, compose


def index_build(pid: int | None, schema: str, table: str) -> Query:
    """Ask for the index that the server process `pid` builds: how far it is, and who is in its way.

    The answer is (phase, blocks done, blocks in all, tuples done, tuples in all, processes waited
    for, what the first of them does); the phase is NULL before Postgres tells. `pid` None, behind a
    pooler, means whichever builds an index on the table.
    """
    return Query(
        compose(
            """select p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total,
  b.pids, (select concat_ws(', ', o.application_name, o.state) from pg_stat_activity o
    where o.pid = b.pids[1])
from pg_stat_activity a
  left join pg_stat_progress_create_index p on p.pid = a.pid
  cross join lateral (select pg_blocking_pids(a.pid) as pids) b
where case when %(pid)s::int is null
    then p.datname = current_database() and p.relid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))
    else a.pid = %(pid)s::int end
limit 1"""
        ),
        {"pid": pid, "schema": schema, "table": table},
    )


def cancel_statement(pid: int) -> Query:
    """Stop the statement that the server process `pid` runs."""
    return Query(compose("select pg_cancel_backend(%(pid)s)"), {"pid": pid})
