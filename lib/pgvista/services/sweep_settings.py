"""What a sweep measures: which indexes, with which settings, among which rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from psycopg import Connection, sql

from pgvista.db.database import Database
from pgvista.errors import NotFound
from pgvista.model.collection import Collection, IndexInfo, RelationKind
from pgvista.model.index import BitMetric, IndexTarget
from pgvista.model.search import IterativeScan
from pgvista.model.sweep import (
    ALL_ROWS,
    DEFAULT_EF_SEARCH,
    DEFAULT_OVERSAMPLE,
    DEFAULT_PROBES,
    Setting,
    SweepSpec,
    SweptCase,
)
from pgvista.services.truth import Case
from pgvista.sql import sweep as sweep_sql
from pgvista.sql.query import Query, join


def chosen_indexes(
    collection: Collection, spec: SweepSpec, found: Sequence[IndexInfo]
) -> tuple[list[IndexInfo], list[str]]:
    """Return the indexes to measure, and a sentence on each that cannot be."""
    notes: list[str] = []
    usable: list[IndexInfo] = []
    by_name = {item.name: item for item in found}
    if spec.indexes is not None:
        for name in spec.indexes:
            if name not in by_name:
                raise NotFound(
                    f"{collection.name} has no vector index {name!r}.",
                    f"There are: {', '.join(by_name)}." if by_name else "It has none.",
                )
    for item in found:
        if spec.indexes is not None and item.name not in spec.indexes:
            continue
        if not item.valid:
            notes.append(f"{item.name} is not valid, so Postgres does not use it; build it anew.")
        elif item.target is None or item.metric is None:
            notes.append(f"{item.name} is on an expression that pgvista does not know.")
        elif not isinstance(item.metric, BitMetric) and item.metric is not collection.metric:
            notes.append(
                f"{item.name} serves {item.metric.label}, and {collection.name} is searched by "
                f"{collection.metric.label}."
            )
        else:
            usable.append(item)
            if item.predicate is not None:
                notes.append(
                    f"{item.name} holds only rows with {item.predicate}; it serves searches whose "
                    "filter says so."
                )
    if not usable:
        notes.append(
            "There is no vector index to measure, so this is the exact scan alone."
            if collection.kind is not RelationKind.VIEW
            else "A view has no indexes of its own, so this is the exact scan alone."
        )
    return usable, notes


def cases_of(spec: SweepSpec) -> list[Case]:
    """Return all rows, each share and each filter, in this order."""
    shares = [Case(f"{100 * share:g} % of the rows", share=share) for share in spec.selectivities]
    own = [Case(f"filter {number}", filters=item) for number, item in enumerate(spec.filters, 1)]
    return [Case(ALL_ROWS), *shares, *own]


def count_cases(
    connection: Connection[Any], collection: Collection, cases: Sequence[Case]
) -> tuple[SweptCase, ...]:
    """Return each case with its condition as SQL and the rows it lets through."""
    conditions: list[sql.Composable] = []
    params: dict[str, Any] = {}
    for number, case in enumerate(cases):
        part, values = sweep_sql.condition(collection, case.filters, case.share, f"c{number}_")
        conditions.append(part)
        params |= values
    query = sweep_sql.case_rows(collection, conditions, params)
    counted = connection.execute(query.sql, query.params, prepare=False).fetchall()[0]
    connection.commit()
    return tuple(
        SweptCase(
            case.name,
            "" if case.name == ALL_ROWS else Query(join("", [part]), params).text(),
            rows,
        )
        for case, part, rows in zip(cases, conditions, counted, strict=True)
    )


def has_rows(case: SweptCase, notes: list[str]) -> bool:
    """Tell whether a case lets rows through; else note that it does not."""
    if not case.rows:
        notes.append(f"No row is let through by {case.name}, so it was not measured.")
    return case.rows > 0


# -- settings


def settings_of(
    db: Database, collection: Collection, spec: SweepSpec, indexes: Sequence[IndexInfo]
) -> list[Setting]:
    """Return every setting to measure, index by index, without the exact scan."""
    filtered = bool(spec.selectivities or spec.filters)
    scans = spec.iterative_scans or (tuple(IterativeScan) if filtered else (IterativeScan.OFF,))
    if not db.capabilities.supports_iterative_scan:
        scans = (IterativeScan.OFF,)
    found: list[Setting] = []
    for item in indexes:
        first = Setting(
            index=item.name,
            method=item.method,
            target=item.target or IndexTarget.COLUMN,
            leading=item.leading,
            bit_metric=item.metric if isinstance(item.metric, BitMetric) else BitMetric.HAMMING,
            max_scan_tuples=spec.max_scan_tuples,
        )
        reranked = first.target.wants_reranking
        for times in (spec.oversample or DEFAULT_OVERSAMPLE) if reranked else (1.0,):
            wanted = first.request((0.0,) * max(1, first.leading or 1), spec.limit)
            rows = replace(wanted, oversample=times).candidates
            for scan in scans:
                own = replace(first, iterative_scan=scan, oversample=times)
                if item.method == "hnsw":
                    found += [
                        replace(own, ef_search=value) for value in spec.ef_search or _ef_grid(rows)
                    ]
                elif scan is not IterativeScan.STRICT:  # IVFFlat knows relaxed order alone
                    lists = int(item.options.get("lists", 100))
                    grid = (min(value, lists) for value in spec.probes or _probes_grid(lists))
                    found += [replace(own, probes=value) for value in dict.fromkeys(grid)]
    return found


def _ef_grid(rows: int) -> tuple[int, ...]:
    """Return values of ef_search above the rows asked: a list no longer than that loses some."""
    above = tuple(value for value in DEFAULT_EF_SEARCH if value > rows)
    most = min(1000, 2 * rows)
    return above or tuple(dict.fromkeys((min(1000, rows + 1), most)))


def _probes_grid(lists: int) -> tuple[int, ...]:
    return tuple(value for value in DEFAULT_PROBES if value < lists) + (
        (lists,) if lists <= 2 * DEFAULT_PROBES[-1] else ()
    )
