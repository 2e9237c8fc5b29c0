"""Why an index was not used or rows are missing: of a statement a person pasted, or of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pgvista.db.database import Database
from pgvista.errors import InvalidInput, PgvistaError, StatementTimeout
from pgvista.model.diagnosis import (
    Cause,
    Diagnosis,
    Facts,
    Finding,
    Measured,
    Ordering,
    VectorIndex,
)
from pgvista.services.causes import UNUSED
from pgvista.services.causes_missing import MISSING
from pgvista.services.ordering import read_ordering, walk
from pgvista.services.statement import one_select
from pgvista.sql import diagnosis as sql
from pgvista.sql import remedies
from pgvista.sql.query import Query

STATEMENT_TIMEOUT_MS = 10_000
COUNT_TIMEOUT_MS = 2_000
"""Rows without a vector are counted, and lists measured, for so long at most."""

_FORCED = {
    "enable_indexscan": "on",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "plan_cache_mode": "force_custom_plan",
}
_KNOBS = ("hnsw.ef_search", "hnsw.iterative_scan", "ivfflat.probes", "ivfflat.iterative_scan")
_USUAL = ("<=>", "<->", "<#>", "<+>")
"""Operators offered where a statement has none: the first that an index serves."""


def diagnose_statement(
    db: Database,
    text: str,
    *,
    settings: Mapping[str, str] | None = None,
    dropped: Sequence[VectorIndex] = (),
) -> Diagnosis:
    """Find out why a person's statement does not use an index, or will miss rows.

    It is explained, not run, in a read-only transaction that is rolled back, under a timeout, with
    `settings` in effect. `dropped` are indexes known to have been there. Raises InvalidInput when
    it is not one plain SELECT, and what Postgres says of it otherwise.
    """
    query = sql.explain_pasted(one_select(text))
    explained = _explain(db, query, settings or {})
    _refuse_writes(explained["Plan"])
    ordering = read_ordering(explained["Plan"])
    if ordering is None:
        return _no_distance(db, explained)
    facts = _counted(db, _facts(db, ordering))
    facts = replace(
        facts,
        settings={**facts.settings, **explained.get("Settings", {}), **(settings or {})},
        dropped=_gone(facts, dropped),
    )
    return _diagnosis(db, query, settings or {}, facts, explained)


def diagnose_plan(
    db: Database,
    query: Query,
    explained: Mapping[str, Any],
    *,
    settings: Mapping[str, str],
    known: Mapping[str | None, Facts] | None = None,
    dropped: Sequence[VectorIndex] = (),
    measured: Measured | None = None,
) -> tuple[Diagnosis, Facts | None]:
    """Find out the same of one of our own statements, whose plan and rows are there already.

    `explained` is the first item of ``EXPLAIN (VERBOSE, SETTINGS, FORMAT JSON)``, run with
    `settings`. The facts are returned, so that a later call need not look them up: `known` has those
    of former calls, by the index that served the order, None where none did.
    """
    ordering = read_ordering(explained["Plan"])
    if ordering is None:
        return _no_distance(db, explained), None
    found = _looked_up(db, ordering, known or {})
    facts = replace(
        found,
        ordering=ordering,
        settings={**found.settings, **explained.get("Settings", {}), **settings},
        dropped=_gone(found, dropped),
        measured=measured,
    )
    return _diagnosis(db, sql.explain(query), settings, facts, explained), found


def vector_indexes(db: Database, schema: str, table: str) -> tuple[VectorIndex, ...]:
    """Return the vector indexes of a relation, valid or not."""
    query = sql.vector_indexes(schema, table)
    return tuple(
        VectorIndex(
            schema=row[0],
            name=row[1],
            method=row[2],
            definition=row[3],
            valid=row[4],
            opclass=row[5],
            operators=tuple(row[6]),
            column=row[7],
            expression=row[8],
            predicate=row[9],
            options=dict(item.split("=", 1) for item in row[10]),
        )
        for row in db.query(query.statement, query.params)
    )


def _looked_up(db: Database, ordering: Ordering, known: Mapping[str | None, Facts]) -> Facts:
    """Return the facts of this order: those of a former call where they hold, else looked up.

    An index in the plan is there. Where none is, one may have been dropped meanwhile.
    """
    then = known.get(ordering.index)
    if then is None or not _is_same(then.ordering, ordering):
        return _counted(db, _facts(db, ordering))
    if ordering.index is not None:
        return then
    there = _on_column(db, ordering)
    return then if there == then.indexes else replace(then, indexes=there)


def _is_same(one: Ordering, other: Ordering) -> bool:
    """Tell whether both order the same column of one table by one operator."""
    return (one.schema, one.relation, one.column, one.operator) == (
        other.schema,
        other.relation,
        other.column,
        other.operator,
    )


def _gone(facts: Facts, dropped: Sequence[VectorIndex]) -> tuple[VectorIndex, ...]:
    names = {index.name for index in facts.indexes}
    return tuple(index for index in dropped if index.name not in names)


def _no_distance(db: Database, explained: Mapping[str, Any]) -> Diagnosis:
    told = (
        "The statement is not ordered by a distance between a vector column and a query, so there "
        "is nothing a vector index could serve."
    )
    order = _could_be(db, explained["Plan"])
    if order is None:
        told += " None of its tables has a vector column."
    finding = Finding(Cause.NO_DISTANCE, told, "" if order is None else remedies.rewritten(order))
    return Diagnosis((finding,), None, None, explained=explained)


def _could_be(db: Database, root: Mapping[str, Any]) -> Ordering | None:
    """Return the order by a vector column of the first table that has one."""
    for place in walk(root):
        node = place.node
        if "Relation Name" not in node:
            continue
        schema, relation = str(node.get("Schema", "")), str(node["Relation Name"])
        query = sql.vector_column(schema, relation)
        if rows := db.query(query.statement, query.params):
            column, operators = rows[0]
            return Ordering(
                schema=schema,
                relation=relation,
                alias=relation,
                column=column,
                operand=remedies.name(column),
                operator=next((item for item in _USUAL if item in operators), _USUAL[0]),
                value=sql.UNKNOWN_VECTOR,
            )
    return None


def _diagnosis(
    db: Database,
    explain: Query,
    settings: Mapping[str, str],
    facts: Facts,
    explained: Mapping[str, Any],
) -> Diagnosis:
    """Ask every cause; where no index is used, also what the plan with one would be."""
    ordering = facts.ordering
    if ordering.index is None:
        forced = read_ordering(_explain(db, explain, {**settings, **_FORCED})["Plan"])
        facts = replace(facts, forced=forced)
    causes = UNUSED if ordering.index is None else MISSING
    findings = tuple(found for cause in causes if (found := cause(facts)) is not None)
    return Diagnosis(findings, ordering.index, ordering, facts.indexes, explained)


def _explain(db: Database, query: Query, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return EXPLAIN's answer, from a transaction that is rolled back.

    ``binary`` makes psycopg use the protocol that takes one statement alone.
    """

    def work(connection: Any) -> Any:
        connection.execute("savepoint explained")
        row = connection.execute(query.sql, query.params, binary=True, prepare=False).fetchone()
        connection.execute("rollback to savepoint explained")
        return row[0]

    return dict(db.read(work, settings=settings, timeout_ms=STATEMENT_TIMEOUT_MS)[0])


def _refuse_writes(root: Mapping[str, Any]) -> None:
    kinds = {place.node["Node Type"] for place in walk(root)}
    if kinds & {"ModifyTable", "LockRows"}:
        raise InvalidInput(
            "This statement would write or lock rows.",
            "Paste the SELECT alone, without FOR UPDATE and without INSERT, UPDATE or DELETE in it.",
        )


def _facts(db: Database, ordering: Ordering) -> Facts:
    """Look up the indexes on the column, the table's size, and pgvector's settings."""
    query = sql.facts(ordering.schema, ordering.relation, ordering.column or "")
    rows = db.query(query.statement, query.params)
    estimated, kind, schema, *knobs = rows[0] if rows else (0, "", None, None, None, None, None)
    return Facts(
        ordering=ordering,
        indexes=_on_column(db, ordering),
        rows=estimated,
        kind=kind,
        extension_schema=schema,
        settings={name: value for name, value in zip(_KNOBS, knobs, strict=True) if value},
    )


def _on_column(db: Database, ordering: Ordering) -> tuple[VectorIndex, ...]:
    """Return the vector indexes on the column that is ordered by, valid or not."""
    column = ordering.column or ""
    return tuple(
        index
        for index in vector_indexes(db, ordering.schema, ordering.relation)
        if index.column == column or (index.expression and column in index.expression)
    )


def _counted(db: Database, facts: Facts) -> Facts:
    """Add what must be counted: rows that no index holds, and the rows of IVFFlat's lists."""
    return replace(facts, unindexed=_count_unindexed(db, facts), list_rows=_list_rows(db, facts))


def _count_unindexed(db: Database, facts: Facts) -> tuple[int, int] | None:
    """Count NULLs and zero vectors; None where it takes too long or may not be known."""
    if not facts.kind.rpartition(".")[2].startswith(("vector", "halfvec")):
        return None
    query = sql.count_unindexed(facts.ordering, facts.kind, facts.extension_schema)
    try:
        row = db.query(query.statement, query.params, timeout_ms=COUNT_TIMEOUT_MS)[0]
    except PgvistaError:
        return None
    return int(row[0]), int(row[1])


def _list_rows(db: Database, facts: Facts) -> float | None:
    """Measure how many rows the list of a row holds; None where it takes too long."""
    index = facts.used
    if index is None or index.method != "ivfflat" or index.column is None:
        return None
    most = max(100, min(20_000, 10 * facts.rows // index.lists))
    query = sql.list_sizes(facts.ordering, index, most)
    one_probe = {**_FORCED, "ivfflat.probes": "1", "ivfflat.iterative_scan": "off"}
    try:
        row = db.query(
            query.statement, query.params, settings=one_probe, timeout_ms=COUNT_TIMEOUT_MS
        )[0]
    except StatementTimeout:
        return None
    return float(row[0])
