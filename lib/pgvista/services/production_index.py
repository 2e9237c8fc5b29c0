"""Checks of the vector index: whether one is needed, is there, serves the metric, and is well built."""

from __future__ import annotations

import math

from pgvista.errors import InvalidInput
from pgvista.model.collection import Collection, RelationKind
from pgvista.model.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    MAX_BITS,
    IndexSpec,
    IndexTarget,
    advised_lists,
    max_dimension,
)
from pgvista.model.metric import Metric
from pgvista.model.production import Area, Check, Facts, Goal, Status
from pgvista.services.causes_missing import UNEVEN
from pgvista.sql import index as index_sql
from pgvista.sql import production as sql

FEWEST_M, MOST_M = 8, 64
FEWEST_EF_CONSTRUCTION = 40
LISTS_FACTOR = 5.0
"""IVFFlat's lists may be so many times more or fewer than advised."""


def needed(facts: Facts, goal: Goal) -> Check:
    """Whether the rows are many enough for an index to pay: an exact scan is measured."""
    rows, scan = facts.stats.rows, facts.scan_ms
    if (found := _without_indexes(facts)) is not None:
        return _check("index_needed", "Index or not", Status.UNKNOWN, found)
    if scan is None:
        return _check(
            "index_needed", "Index or not", Status.UNKNOWN,
            f"The exact scan was not measured: {_lower(facts.scan_problem)}",
        )  # fmt: skip
    took = "more than 10 s" if math.isinf(scan) else f"{scan:,.1f} ms"
    told = f"Comparing all {rows:,} rows takes {took}, and {goal.scan_ms:g} ms are wanted."
    index = facts.serving
    if index is not None:
        more = " Without the index it would be fast enough too." if scan <= goal.scan_ms else ""
        return _check(
            "index_needed", "Index or not", Status.OK, f"{told} {index.name} serves.{more}"
        )
    if scan <= goal.scan_ms:
        return _check(
            "index_needed", "Index or not", Status.OK, f"{told} No index is needed, recall is 1."
        )
    spec = fitting_spec(facts.stats.collection)
    return _check(
        "index_needed", "Index or not", Status.TODO, f"{told} There is no index that serves.",
        sql=None if spec is None else _create(facts, spec), page="Indexes",
    )  # fmt: skip


def dimension(facts: Facts, goal: Goal) -> Check | None:
    """Whether the vectors can be indexed: a fixed dimension, within the limits."""
    collection = facts.stats.collection
    if collection.dimension is None:
        if len(facts.lengths) == 1:
            length = facts.lengths[0]
            return _check(
                "dimension", "Dimension", Status.TODO,
                f"The column takes vectors of any length, so no index can be built; all there are "
                f"have {length:,} numbers.",
                sql=sql.fix_dimension(collection, length),
            )  # fmt: skip
        return _check(
            "dimension", "Dimension", Status.WARNING,
            "The column takes vectors of any length, so no index can be built"
            + (
                f"; there are some of {facts.lengths[0]:,} and of {facts.lengths[1]:,} numbers. "
                "Keep each length in a column of its own."
                if len(facts.lengths) > 1
                else "."
            ),
        )  # fmt: skip
    limit = max_dimension(IndexTarget.COLUMN, collection.vector_type)
    if collection.dimension <= limit:
        return None
    by = "a cast to halfvec" if collection.dimension <= 4_000 else "the bits or leading dimensions"
    return _check(
        "dimension", "Dimension", Status.OK if facts.serving or _fast(facts, goal) else Status.WARNING,
        f"{collection.dimension:,} dimensions are more than an index on {collection.vector_type} "
        f"takes ({limit:,}); {by} can be indexed"
        + (f", as {facts.serving.name} does." if facts.serving else "."),
    )  # fmt: skip


def valid(facts: Facts, goal: Goal) -> Check | None:
    """Whether every vector index is ready to be searched."""
    found = [index for index in facts.stats.indexes if index.method in ("hnsw", "ivfflat")]
    if not found:
        return None
    building = [index.name for index in found if index.build is not None]
    broken = [index for index in found if not index.valid and index.build is None]
    if broken:
        names = ", ".join(index.name for index in broken)
        return _check(
            "index_valid", "Index valid", Status.TODO,
            f"Not ready, and used by no search: {names}. A build was cut off.",
            sql="\n".join(map(sql.reindex, broken)), page="Indexes",
        )  # fmt: skip
    if building:
        return _check(
            "index_valid", "Index valid", Status.WARNING, f"Being built: {', '.join(building)}."
        )
    return _check(
        "index_valid", "Index valid", Status.OK,
        f"{len(found)} vector {'index is' if len(found) == 1 else 'indexes are'} ready.",
    )  # fmt: skip


def metric(facts: Facts, goal: Goal) -> Check | None:
    """Whether an index serves the operator that searches of the collection use."""
    collection = facts.stats.collection
    found = [index for index in facts.stats.indexes if index.method in ("hnsw", "ivfflat")]
    if not found:
        return None
    operator = f"{collection.metric.label} ({collection.metric.operator})"
    if facts.serving is not None:
        return _check(
            "index_metric", "Metric", Status.OK,
            f"Searches order by {operator}, which {facts.serving.name} serves.",
        )  # fmt: skip
    partial = [index.name for index in found if index.predicate and index.valid]
    others = {index.metric.label for index in found if index.metric is not None}
    spec = fitting_spec(collection)
    return _check(
        "index_metric", "Metric", Status.TODO,
        f"Searches order by {operator}, and no index over all rows serves it: "
        + (f"{', '.join(partial)} holds some of the rows." if partial
           else f"there is {', '.join(sorted(others))}." if others else "they are on something else."),
        sql=None if spec is None else _create(facts, spec), page="Indexes",
    )  # fmt: skip


def used(facts: Facts, goal: Goal) -> Check | None:
    """Whether Postgres takes the index for an ordinary search."""
    index = facts.serving
    if index is None or facts.used is None:
        return None
    if facts.used:
        return _check(
            "index_used", "Index used", Status.OK,
            f"The plan of a search for ten rows uses {index.name}; {index.scans:,} searches did so far.",
        )  # fmt: skip
    fast = _fast(facts, goal)
    return _check(
        "index_used", "Index used", Status.OK if fast else Status.WARNING,
        f"Postgres compares every row instead of using {index.name}, "
        + ("which is fast enough here." if fast else "since it takes that for cheaper."),
        sql=None if fast else sql.analyze(facts.stats.collection),
        page=None if fast else "Live",
    )  # fmt: skip


def graph(facts: Facts, goal: Goal) -> Check | None:
    """Whether m and ef_construction are within what is known to work well."""
    index = facts.serving
    if index is None or index.method != "hnsw":
        return None
    m = int(index.options.get("m", DEFAULT_M))
    ef = int(index.options.get("ef_construction", DEFAULT_EF_CONSTRUCTION))
    told = f"{index.name} has m {m} and ef_construction {ef}"
    if FEWEST_M <= m <= MOST_M and ef >= FEWEST_EF_CONSTRUCTION:
        return _check(
            "index_build", "m and ef_construction", Status.OK,
            f"{told}. Published settings for recall 0.99 are m 16 to 32 and 40 to 80.",
        )  # fmt: skip
    if m > MOST_M:
        why = "so many links make the index large and slow, and find hardly more"
    else:
        why = "so small a graph loses near rows, whatever ef_search is"
    return _check(
        "index_build", "m and ef_construction", Status.TODO, f"{told}: {why}.",
        sql=sql.rebuilt_with(index, {"m": DEFAULT_M, "ef_construction": DEFAULT_EF_CONSTRUCTION}),
        page="Indexes",
    )  # fmt: skip


def lists(facts: Facts, goal: Goal) -> Check | None:
    """Whether IVFFlat's lists fit the rows there are, and were made from them."""
    index, rows = facts.serving, facts.stats.rows
    if index is None or index.method != "ivfflat":
        return None
    count, advised = int(index.options.get("lists", 100)), advised_lists(rows)
    told = f"{index.name} has {count:,} lists, and {advised:,} are advised for {rows:,} rows"
    mean = rows / count
    remedy = sql.rebuilt_with(index, {"lists": advised})
    if not advised / LISTS_FACTOR <= count <= advised * LISTS_FACTOR:
        return _check(
            "ivfflat_lists", "IVFFlat lists", Status.TODO, f"{told}.", sql=remedy, page="Indexes"
        )
    if facts.list_rows is not None and facts.list_rows >= max(50, UNEVEN * mean):
        return _check(
            "ivfflat_lists", "IVFFlat lists", Status.TODO,
            f"{told}, but a row shares its list with {facts.list_rows:,.0f} others and evenly spread "
            f"it would be {mean:,.0f}: the index was built before most rows came.",
            sql=remedy, page="Indexes",
        )  # fmt: skip
    spread = (
        "" if facts.list_rows is None
        else f"; a row's list holds {facts.list_rows:,.0f}, evenly spread it would be {mean:,.0f}"
    )  # fmt: skip
    return _check("ivfflat_lists", "IVFFlat lists", Status.OK, f"{told}{spread}.")


def fitting_spec(collection: Collection) -> IndexSpec | None:
    """Return the HNSW index that fits a collection's type and dimension; None: none does."""
    size = collection.dimension
    if size is None:
        return None
    for target in (IndexTarget.COLUMN, IndexTarget.HALFVEC):
        if size <= max_dimension(target, collection.vector_type):
            return IndexSpec(target=target)
    if size <= MAX_BITS and collection.metric is not Metric.L1:
        return IndexSpec(target=IndexTarget.BIT)
    return None


def _create(facts: Facts, spec: IndexSpec) -> str | None:
    try:
        _, query = index_sql.create(facts.stats.collection, spec, rows=facts.stats.rows)
    except InvalidInput:
        return None
    return f"{query.text()};\n{sql.analyze(facts.stats.collection)}"


def _without_indexes(facts: Facts) -> str | None:
    """Return why a relation cannot have an index of its own, or None."""
    kind = facts.stats.collection.kind
    if kind is RelationKind.VIEW:
        return "A view has no index of its own: check the tables that it reads."
    if kind is RelationKind.FOREIGN:
        return "A foreign table has no index here: check the table on its own server."
    return None


def _fast(facts: Facts, goal: Goal) -> bool:
    return facts.scan_ms is not None and facts.scan_ms <= goal.scan_ms


def _lower(problem: str | None) -> str:
    text = problem or "nothing was told."
    return text[:1].lower() + text[1:]


def _check(
    key: str,
    title: str,
    status: Status,
    sentence: str,
    *,
    sql: str | None = None,
    page: str | None = None,
) -> Check:
    return Check(key, Area.INDEX, title, status, sentence, sql, page)


CHECKS = (needed, dimension, valid, metric, used, graph, lists)
